"""What an outsider can work out about the cells that a release withholds.

A table that hides its small cells but shows its totals may still tell them. The outsider modelled here knows
every shown cell, how cells add up (``cells``), and that a withheld cell is at least 1, since zeros are shown.
He does not know which withheld cells are small: those withheld by the rule and those withheld to guard them
look alike, so an upper bound of ``threshold - 1`` is not his to use. Whatever he can derive is then an
interval per cell, the smallest and the largest count in any table that agrees with all he knows.

Linear programmes on HiGHS find it. Counts are whole numbers, so the interval of the linear programme may be
wider than the truth; therefore ``shortfalls``, on which a release depends, counts as proof of width only
whole-numbered tables that it has found (most vertices are; where they are not it solves the integer
programme). ``feasible_bounds`` gives the interval of the linear programme, rounded inwards.

Source: Willenborg & de Waal (2001), Elements of Statistical Disclosure Control, ch. 8; Fischetti & Salazar
(2001), Solving the cell suppression problem on tabular data with linear constraints, Management Science 47;
Hundepool et al. (2012), Statistical Disclosure Control, ch. 4.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components

from amparo.protection.cells import Cells, Ints, Relation, Shape, gather, label, matrix
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.protection.release import ReleasedTable

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
WHOLE = 1e-6
"""How far from a whole number a solver's value may lie and still be one."""
NODES = 500
"""Branch-and-bound nodes spent on one cell: a bound that, unlike seconds, is the same on every machine."""


@dataclass(frozen=True)
class Shortfall:
    """A cell whose feasible interval is narrower than asked, and the relations that hold it there."""

    cell: int
    missing: float
    held_by: tuple[Relation, ...]


def feasible_bounds(tables: Iterable[ReleasedTable]) -> pd.DataFrame:
    """The interval that an outsider can derive for each cell that the tables do not show exactly.

    Parameters
    ----------
    tables : all tables that the outsider has (a Release will do). In a republished table a missing row is
        unknown, not zero, so its totals bound their parts from above only.

    Returns
    -------
    One row per cell, not per table: ``unit``, ``cell`` (its codes in words), ``tables`` (where it stands),
    ``lower`` and ``upper`` (in ``unit``, inclusive; upper is infinite where nothing bounds it).

    Raises
    ------
    AmparoError : no counts agree with all that is shown; names a cell that cannot be.
    """
    tables = list(tables)
    frames = [table.frame for table in tables]
    cells = gather(
        [
            Shape(
                t.name,
                t.unit,
                t.dims,
                t.overlapping,
                list(f[list(t.dims)].itertuples(index=False, name=None)),
                not t.source,
            )
            for t, f in zip(tables, frames, strict=True)
        ]
    )
    lower = np.zeros(len(cells.names))
    upper = np.full(len(cells.names), np.inf)
    stands_in: list[list[str]] = [[] for _ in cells.names]
    for table, frame, ids in zip(tables, frames, cells.of_rows, strict=True):
        # Zeros are shown, so what is withheld is at least 1.
        low = frame["lower"].astype("Float64").fillna(1.0).to_numpy(dtype=np.float64)
        high = frame["upper"].astype("Float64").fillna(np.inf).to_numpy(dtype=np.float64)
        np.maximum.at(lower, ids, low)
        np.minimum.at(upper, ids, high)
        for cell in ids.tolist():
            stands_in[cell].append(table.name)
    _contradiction(cells, lower, upper)
    hidden = np.flatnonzero(lower < upper)
    for problem in _problems(cells, cells.relations, lower, upper):
        problem.bound_all(lower, upper)
    return pd.DataFrame(
        {
            "unit": [cells.names[i][0] for i in hidden],
            "cell": [label(cells.names[i]).partition(": ")[2] for i in hidden],
            "tables": [", ".join(dict.fromkeys(stands_in[i])) for i in hidden],
            "lower": np.ceil(lower[hidden] - WHOLE),
            "upper": np.floor(upper[hidden] + WHOLE),
        }
    )


def shortfalls(
    cells: Cells,
    relations: Sequence[Relation],
    counts: Floats,
    withheld: Bools,
    need: Floats,
    seen: tuple[Floats, Floats],
    rise: Floats | None = None,
) -> list[Shortfall]:
    """The withheld cells that an outsider can narrow to fewer than ``need + 1`` values.

    Parameters
    ----------
    counts : true count of each cell (which must satisfy ``relations``).
    withheld : which cells are not shown.
    need : how far apart each cell's smallest and largest possible count must lie.
    seen : smallest and largest value of each cell in any whole-numbered table found so far; widened in
        place. Withholding more never takes a table from the outsider's choice, so what was seen stays true.
    rise : how far above its true count each cell's largest possible count must lie; by default nothing.
    """
    rise = np.zeros(len(counts)) if rise is None else rise
    lower = np.where(withheld, 1.0, counts)
    upper = np.where(withheld, np.inf, counts)
    # To prove width, tables within reach of the truth are enough, and they keep the programmes bounded.
    furthest = max(float(need.max(initial=0.0)), float(rise.max(initial=0.0)), 1.0)
    reach = np.where(withheld, counts + 2 * furthest, upper)
    short: list[Shortfall] = []
    for problem in _problems(cells, relations, lower, reach):
        short.extend(problem.shortfalls(counts, need, rise, seen))
    return short


def propagated(relations: Sequence[Relation], lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """The bounds that follow from one relation after the other, again and again until nothing more follows.

    Faster than the programmes of ``feasible_bounds``, for tables in which every cell is an interval; what it finds is
    true, and may not be all.

    Raises
    ------
    AmparoError : no counts agree with the bounds.
    """
    lower, upper = lower.copy(), upper.copy()
    ties = matrix(relations, len(lower))
    rows = np.repeat(np.arange(ties.shape[0]), np.diff(ties.indptr))
    cells, signs = ties.indices, ties.data
    low = np.array([r.low for r in relations])[rows]
    high = np.array([r.high for r in relations])[rows]
    for _ in range(len(lower)):
        least = np.where(signs > 0, lower[cells], -upper[cells])
        most = np.where(signs > 0, upper[cells], -lower[cells])
        others_least = np.bincount(rows, least, minlength=ties.shape[0])[rows] - least
        others_most = np.bincount(rows, most, minlength=ties.shape[0])[rows] - most
        # What one cell may be, given the others: low <= sign * cell + others <= high.
        down, up = low - others_most, high - others_least
        before = (lower.copy(), upper.copy())
        np.maximum.at(lower, cells, np.ceil(np.where(signs > 0, down, -up) - WHOLE))
        np.minimum.at(upper, cells, np.floor(np.where(signs > 0, up, -down) + WHOLE))
        if (lower > upper).any():
            raise AmparoError("No counts agree with all that is shown.", remedy="The tables contradict each other.")
        if (lower == before[0]).all() and (upper == before[1]).all():
            break
    return lower, upper


class Walk:
    """A walk over whole-numbered tables that agree with what is shown, from the true one, cube by cube.

    The corners of a box of two codes in each dimension (of which one may be the total) form a move: added to some
    and taken from the others, it changes no total. Each table on the way proves for all cells at once that they can
    have the counts they have in it; it is taken only after all relations have been looked at. What such moves cannot
    prove is left to ``shortfalls``.

    Source: Diaconis & Sturmfels (1998), Ann. Statist. 26 (moves); Giessing & Repsilber (2002), Tools and strategies
    to protect multiple tables with the GHQUAR cell suppression engine (boxes as patterns that protect).
    """

    def __init__(self, cells: Cells, relations: Sequence[Relation], counts: Floats, withheld: Bools) -> None:
        """``withheld`` is watched, not copied: what is withheld later can be walked over."""
        self.counts, self.withheld = counts, withheld
        self.seen = (counts.copy(), counts.copy())
        self._columns = csc_array(matrix(relations, len(counts)))
        self._ties: dict[int, list[tuple[int, float]]] = {}
        self._low = [r.low for r in relations]
        self._high = [r.high for r in relations]
        self._true_rest = self._columns @ counts
        self._restart()
        tied = np.diff(self._columns.indptr)
        self._place: dict[int, tuple[Ints, tuple[int, ...]]] = {}
        self._free = np.zeros(len(counts) + 1, dtype=np.bool_)  # the last, also -1, is no record's
        for cube in cells.cubes:
            # A cell that further relations hold cannot be moved by this cube's corners alone.
            loose = (cube >= 0) & (tied[cube] <= cube.ndim)
            self._free[cube[loose]] = True
            for place in np.argwhere(loose).tolist():
                self._place.setdefault(int(cube[tuple(place)]), (cube, tuple(place)))

    def _restart(self) -> None:
        self._table = self.counts.copy()
        self._rest = self._true_rest.copy()

    def widen(self, cell: int, need: float, rise: float = 0.0) -> bool:
        """Walk until a cell is as open as it needs; False where stuck.

        ``need`` is to lie between its smallest and largest count seen, ``rise`` between the true and the largest.
        """
        for sign in (1.0, -1.0):
            if _missing(self.seen, self.counts, cell, need, rise) <= 0:
                return True
            self._restart()
            while self._step(cell, need, rise, sign):
                pass
        return _missing(self.seen, self.counts, cell, need, rise) <= 0

    def guards(self, cell: int, need: float, rise: float, cost: Floats) -> list[int]:
        """The cheapest further cells to withhold, so that one box opens a cell towards what it needs.

        Cheap is the cost over the cube of how far the box opens it: one that goes half the way needs another, and
        leaves nothing over for the cells beside it. The power matters little: on three tables each of 30 × 8 × 6
        and 40 × 30 skewed counts (``benchmarks/suppression.py``, threshold 10), powers 2 to 4 withheld numbers of
        cells within one per cent of each other, and power 1 up to seven per cent more in three dimensions.

        Parameters
        ----------
        cost : of withholding each cell that is shown now; infinite for those that must stay.

        Returns
        -------
        The cells, not yet withheld; empty where no box helps.
        """
        self._restart()
        price = np.where(self.withheld, 0.0, cost)
        found: tuple[float, list[int]] = (np.inf, [])
        for sign in (1.0, -1.0):
            boxes = self._boxes(cell, sign, np.isfinite(price))
            if boxes is None:
                continue
            room = np.minimum(boxes.room, self._asked(cell, need, rise, sign))
            total = boxes.total(price)
            # What costs nothing has been walked already.
            worth = np.where((room >= 1) & (total > 0), total / room.clip(min=1) ** 3, np.inf)
            best = np.unravel_index(int(np.argmin(worth)), worth.shape)
            if worth[best] < found[0]:
                found = (float(worth[best]), [c for c, _ in boxes.corners(best) if not self.withheld[c]])
        return found[1]

    def _asked(self, cell: int, need: float, rise: float, sign: float) -> float:
        """How far the cell must go from here, up or down."""
        if sign > 0:
            return float(max(self.seen[0][cell] + need, self.counts[cell] + rise) - self._table[cell])
        return float(self._table[cell] - self.seen[1][cell] + need)

    def _step(self, cell: int, need: float, rise: float, sign: float) -> bool:
        """Take the widest box that moves the cell one way; False where there is none."""
        asked = self._asked(cell, need, rise, sign)
        boxes = self._boxes(cell, sign, self.withheld) if asked >= 1 else None
        if boxes is None:
            return False
        best = np.unravel_index(int(np.argmax(boxes.room)), boxes.room.shape)
        far = min(float(boxes.room[best]), asked)
        return far >= 1 and self._go([(corner, turn * far * sign) for corner, turn in boxes.corners(best)])

    def _go(self, move: list[tuple[int, float]]) -> bool:
        """Add the move to the table, unless a relation forbids it."""
        change: dict[int, float] = {}
        for cell, by in move:
            if not self.withheld[cell] or self._table[cell] + by < 1:
                return False
            for relation, sign in self._ties_of(cell):
                change[relation] = change.get(relation, 0.0) + sign * by
        for relation, by in change.items():
            if by and not self._low[relation] <= self._rest[relation] + by <= self._high[relation]:
                return False
        for relation, by in change.items():
            self._rest[relation] += by
        smallest, largest = self.seen
        for cell, by in move:
            self._table[cell] = now = self._table[cell] + by
            smallest[cell], largest[cell] = min(smallest[cell], now), max(largest[cell], now)
        return True

    def _ties_of(self, cell: int) -> list[tuple[int, float]]:
        """The relations of a cell, and its sign in each."""
        if cell not in self._ties:
            part = slice(self._columns.indptr[cell], self._columns.indptr[cell + 1])
            rows, signs = self._columns.indices[part].tolist(), self._columns.data[part].tolist()
            self._ties[cell] = list(zip(rows, signs, strict=True))
        return self._ties[cell]

    def _boxes(self, cell: int, sign: float, usable: Bools) -> _Boxes | None:
        """All boxes with a corner at the cell whose corners are usable, and how far each can be moved."""
        if cell not in self._place:
            return None
        cube, place = self._place[cell]
        lines, turns = [], []
        for axis, (at, size) in enumerate(zip(place, cube.shape, strict=True)):
            along = np.moveaxis(cube, axis, -1)[(*place[:axis], *place[axis + 1 :])]
            line = usable[along] & self._free[along]
            line[at] = False
            partners = np.flatnonzero(line)
            if not len(partners):
                return None
            lines.append(np.concatenate([[at], partners]))
            # A total moves with its part; two parts move against each other.
            turn = np.where((partners == size - 1) | (at == size - 1), 1.0, -1.0)
            turns.append(np.concatenate([[1.0], turn]))
        cells = cube[_open(lines)]
        signs = reduce(np.multiply, _open(turns))
        room = np.where(signs * sign < 0, self._table[cells] - 1, np.inf)
        room[~(usable[cells] & self._free[cells])] = -1.0
        return _Boxes(cells, signs, _over_corners(np.minimum, room))


def _missing(seen: tuple[Floats, Floats], counts: Floats, cell: int, need: float, rise: float) -> float:
    """How much is missing of the width or of the rise that a cell needs; 0 or less where nothing is."""
    return float(max(need - (seen[1][cell] - seen[0][cell]), rise - (seen[1][cell] - counts[cell])))


@dataclass(frozen=True)
class _Boxes:
    """Boxes that share a corner: the one is first in every dimension, the other stands at each further place."""

    cells: Ints
    signs: Floats  # by which each cell moves when the first goes up
    room: Floats  # how far each box can be moved; shape of cells less one in every dimension

    def total(self, price: Floats) -> Floats:
        """The sum of the prices of each box's corners."""
        found: Floats = _over_corners(np.add, price[self.cells])
        return found

    def corners(self, box: tuple[Any, ...]) -> list[tuple[int, float]]:
        """The cells of one box, and how each moves when the first goes up."""
        ends = list(product(*((0, int(k) + 1) for k in box)))
        return [(int(self.cells[end]), float(self.signs[end])) for end in ends]


def _open(lines: Sequence[npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], ...]:
    """The lines along axes of their own, as ``numpy.ix_`` lays them."""
    return tuple(line.reshape([-1 if k == axis else 1 for k in range(len(lines))]) for axis, line in enumerate(lines))


def _over_corners(combine: Any, values: Floats) -> Floats:
    """For every box, its corners' values combined."""
    ends = product((slice(0, 1), slice(1, None)), repeat=values.ndim)
    found: Floats = reduce(combine, (values[end] for end in ends))
    return found


class _Problem:
    """The hidden cells of one connected part, and a linear programme over all counts that they may have."""

    def __init__(self, hidden: Sequence[int], relations: Sequence[Relation], lower: Floats, upper: Floats) -> None:
        self.hidden = list(hidden)
        self.relations = relations
        self.column = {cell: k for k, cell in enumerate(self.hidden)}
        self.solver = quiet_solver()
        for cell in self.hidden:
            self.solver.addVar(float(lower[cell]), float(upper[cell]))
        for relation in relations:
            known, columns, signs = 0.0, [], []
            for cell, sign in ((relation.whole, 1.0), *((part, -1.0) for part in relation.parts)):
                if cell in self.column:
                    columns.append(self.column[cell])
                    signs.append(sign)
                else:
                    known += sign * lower[cell]
            self.solver.addRow(
                relation.low - known, relation.high - known, len(columns), np.array(columns), np.array(signs)
            )

    def extreme(self, cell: int, *, largest: bool) -> tuple[float, Floats] | None:
        """The largest or smallest count of a cell with a table that has it; None where nothing bounds it."""
        column = self.column[cell]
        sense = highspy.ObjSense.kMaximize if largest else highspy.ObjSense.kMinimize
        self.solver.changeObjectiveSense(sense)
        self.solver.changeColCost(column, 1.0)
        self.solver.run()
        status = self.solver.getModelStatus()
        table = np.array(self.solver.getSolution().col_value)
        self.solver.changeColCost(column, 0.0)
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        if status == highspy.HighsModelStatus.kSolutionLimit:
            # Out of nodes: the best whole table so far is a table all the same, where there is one.
            return (float(table[column]), table) if self._agrees() else None
        if status != highspy.HighsModelStatus.kOptimal:
            raise AmparoError(
                "No counts agree with all that is shown.",
                remedy="The tables contradict each other; audit those that agree.",
            )
        return float(table[column]), table

    def _agrees(self) -> bool:
        """Whether the solver's best table satisfies all relations and bounds."""
        return bool(self.solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible)

    def whole_extreme(self, cell: int, *, largest: bool) -> Floats | None:
        """The same over whole counts, by branch and bound; None where the nodes did not suffice."""
        count = len(self.hidden)
        self.solver.changeColsIntegrality(count, np.arange(count), np.full(count, highspy.HighsVarType.kInteger))
        self.solver.setOptionValue("mip_max_nodes", NODES)
        found = self.extreme(cell, largest=largest)
        self.solver.changeColsIntegrality(count, np.arange(count), np.full(count, highspy.HighsVarType.kContinuous))
        return found[1] if found is not None and _is_whole(found[1]) else None

    def bound_all(self, lower: Floats, upper: Floats) -> None:
        """Narrow the bounds of every hidden cell, in place, to what the relations allow."""
        found = {}
        for cell in self.hidden:
            least, most = self.extreme(cell, largest=False), self.extreme(cell, largest=True)
            found[cell] = (lower[cell] if least is None else least[0], np.inf if most is None else most[0])
        for cell, (low, high) in found.items():
            lower[cell], upper[cell] = low, high

    def shortfalls(
        self, counts: Floats, need: Floats, rise: Floats, seen: tuple[Floats, Floats]
    ) -> Iterator[Shortfall]:
        """Cells that cannot be shown to be as open as they need; every whole table found serves all cells."""
        hidden = np.array(self.hidden)
        for cell in sorted(self.hidden, key=lambda c: (-need[c], c)):
            for largest in (True, False):
                if _missing(seen, counts, cell, need[cell], rise[cell]) <= WHOLE:
                    break
                found = self.extreme(cell, largest=largest)
                table = found[1] if found is not None else None
                if table is not None and not _is_whole(table):
                    table = self.whole_extreme(cell, largest=largest)
                if table is not None:
                    rounded = np.round(table)
                    seen[0][hidden] = np.minimum(seen[0][hidden], rounded)
                    seen[1][hidden] = np.maximum(seen[1][hidden], rounded)
            missing = _missing(seen, counts, cell, need[cell], rise[cell])
            if missing > WHOLE:
                yield Shortfall(cell, missing, tuple(r for r in self.relations if cell in r.cells))


def quiet_solver() -> Any:
    """A HiGHS that keeps quiet, with one thread and a fixed seed: the same outcome on every machine.

    HiGHS has one pool of threads for the whole process: a solver that asks for another number than the first one
    gets no answer at all.
    """
    _greeted()
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(option, value)
    return solver


@cache
def _greeted() -> None:
    """Let HiGHS print its banner, which comes with the first solver of a process, where nobody reads it.

    Standard output is for what the user asked for, such as JSON.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()  # type: ignore[no-untyped-call]
        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _is_whole(table: Floats) -> bool:
    return bool((np.abs(table - np.round(table)) < WHOLE).all())


def _problems(cells: Cells, relations: Sequence[Relation], lower: Floats, upper: Floats) -> Iterator[_Problem]:
    """One problem for each set of hidden cells that relations tie together; the rest needs no programme."""
    hidden = np.flatnonzero(lower < upper)
    tied = [[c for c in r.cells if lower[c] < upper[c]] for r in relations]
    ends = [(group[0], other) for group in tied if group for other in group]
    size = len(cells.names)
    first, second = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    members: dict[int, list[int]] = {}
    for cell in hidden.tolist():
        members.setdefault(int(part[cell]), []).append(cell)
    inside: dict[int, list[Relation]] = {}
    for relation, group in zip(relations, tied, strict=True):
        if group:
            inside.setdefault(int(part[group[0]]), []).append(relation)
    for label_, group in members.items():
        yield _Problem(group, inside.get(label_, []), lower, upper)


def _contradiction(cells: Cells, lower: Floats, upper: Floats) -> None:
    wrong = np.flatnonzero(lower > upper + WHOLE)
    if len(wrong):
        raise AmparoError(
            f"No count agrees with all that is shown of {label(cells.names[wrong[0]])}.",
            remedy="The tables contradict each other there; audit the ones that agree.",
        )
