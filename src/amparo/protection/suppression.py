"""Which cells to withhold: those that the rule names, and those that would give them away.

Primary cells are counts of 1 to threshold - 1, but for those that tell nothing of a person: how many records of a
year or a list leave something unrecorded. A shown total less its shown parts gives a single withheld part away,
so further cells are withheld until an outsider's interval for every primary cell is as wide as the rule asks. First
by a quick look at each total alone, then by linear programmes over all totals of all tables together; where these
find a cell too narrow, one more cell is withheld and they look again.

The protection that a primary cell needs is a sliding one: its feasible interval must hold at least ``threshold``
whole numbers, so that nothing narrower than the rule itself is learnt.

Source: Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.3 and 4.4 (hypercube and network heuristics);
Fischetti & Salazar (2001), Management Science 47, 1008-1027 (the attacker's programme).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import highspy
import numpy as np
import numpy.typing as npt

from amparo.protection.audit import WHOLE, Walk, quiet_solver, shortfalls
from amparo.protection.cells import OF_THE_RECORD, Cells, Ints, Relation, Shape, gather, label, matrix, tell_nothing
from amparo.standard.errors import AmparoError
from amparo.standard.variables import NO_INFORMATION
from amparo.statistics.tables import LARGEST, PrivateTable

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Dominance:
    """(n, k): a cell is withheld when its ``n`` largest lists give more than the ``share`` of its records.

    Its largest possible count must then reach the one at which they would give no more than that.

    Source: Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.2 (rule and protection level).
    """

    n: int
    share: float

    def __post_init__(self) -> None:
        if not (isinstance(self.n, int) and 1 <= self.n <= LARGEST and 0 < self.share < 1):
            raise AmparoError(
                f"No rule on dominance: {self.n!r} lists, share {self.share!r}.",
                remedy=f"Give 1 to {LARGEST} lists and a share between 0 and 1, for example 1 and 0.85.",
            )

    def rise(self, counts: Floats, largest: Floats) -> Floats:
        """How far each count's upper bound must lie above it, shape (cells,); 0 where the rule is kept."""
        above: Floats = (largest[:, : self.n].sum(axis=1) / self.share - counts).clip(0)
        return above

    def sentence(self) -> str:
        """The rule in words."""
        who = "one list gives" if self.n == 1 else f"{self.n} lists together give"
        return f"Counts of which {who} more than {self.share:.4g} of the whole are withheld as well."


@dataclass(frozen=True)
class PPercent:
    """p%: a cell is withheld when the second largest list, who knows its own, could tell the largest to within p.

    Taking its own from the count leaves the largest and the rest; the rest must be ``p`` of the largest or more, or
    else the cell's largest possible count must make up for it. ``p`` is a share: 0.1 for 10%.

    Source: Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.2 (rule and protection level).
    """

    p: float

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise AmparoError(
                f"No p% rule: {self.p!r}.", remedy="Give a share above 0 and up to 1, for example 0.1 for 10%."
            )

    def rise(self, counts: Floats, largest: Floats) -> Floats:
        """How far each count's upper bound must lie above it, shape (cells,); 0 where the rule is kept."""
        return (self.p * largest[:, 0] - (counts - largest[:, 0] - largest[:, 1])).clip(0)

    def sentence(self) -> str:
        """The rule in words."""
        return (
            "Counts from which one list could work out what another contributed, to within "
            f"{self.p:.4g} of it, are withheld as well."
        )


def withheld_cells(
    private: Sequence[PrivateTable], threshold: int, dominance: Dominance | PPercent | None = None
) -> list[Bools]:
    """For each table, which of its rows must not be shown.

    Parameters
    ----------
    private : all tables that are shown side by side.
    threshold : the smallest count that may be shown; zeros are shown.
    dominance : a rule on what single lists contribute; the tables must carry their largest contributions.

    Raises
    ------
    AmparoError : two tables disagree on a cell, a total is not the sum of its parts, or a table carries no
        contributions although a rule asks for them.
    """
    found = gathered(private, threshold, dominance)
    cells, counts, relations, need, rise = found.cells, found.counts, found.relations, found.need, found.rise
    withheld = need > 0
    of_cell: dict[int, list[Relation]] = {}
    for relation in relations:
        for cell in relation.cells:
            of_cell.setdefault(cell, []).append(relation)
    few = int(withheld.sum()) <= FEW
    _close_totals(cells, relations, counts, withheld, remainders_only=not few)
    seen = _guard_by_boxes(found, withheld, few=few)
    _close_totals(cells, relations, counts, withheld)
    while short := shortfalls(cells, relations, counts, withheld, need, seen, rise):
        before = int(withheld.sum())
        for shortfall in short:
            _withhold_one_more(shortfall.held_by, counts, withheld)
        if int(withheld.sum()) == before:
            # All cells around are hidden already: go one relation further out.
            for shortfall in short:
                further = [r for held in shortfall.held_by for cell in held.cells for r in of_cell[cell]]
                _withhold_one_more(further, counts, withheld)
        if int(withheld.sum()) == before:
            raise AmparoError(
                f"Nothing is left to withhold that could guard {label(cells.names[short[0].cell])}.",
                remedy="Publish fewer categories, or a lower threshold.",
            )
        _close_totals(cells, relations, counts, withheld)
    # No table that proves an interval needs these guards to differ: they may be shown, and all of it stays proved.
    withheld &= (need > 0) | (seen[0] < seen[1])
    return [withheld[ids] for ids in cells.of_rows]


@dataclass(frozen=True)
class Gathered:
    """What there is to protect: all cells of all tables, and how wide each primary one's interval must be."""

    cells: Cells
    counts: Floats
    relations: list[Relation]
    need: Floats  # width of the interval; 0 for cells that may be shown
    rise: Floats  # of the interval's end above the true count, for cells that one or a few lists dominate


def gathered(
    private: Sequence[PrivateTable], threshold: int = 1, dominance: Dominance | PPercent | None = None
) -> Gathered:
    """All cells of the tables, their counts, and what ties them together.

    Raises
    ------
    AmparoError : as ``withheld_cells``.
    """
    cells = gather([Shape(t.name, t.unit, t.dims, t.overlapping, list(_keys(t)), complete=True) for t in private])
    counts = _counts(private, cells)
    personal = ~tell_nothing(cells.names)
    need = np.where((counts >= 1) & (counts < threshold) & personal, float(threshold - 1), 0.0)
    rise = np.zeros(len(counts))
    if dominance is not None:
        rise = np.where(personal & ~_of_one_list(cells), _rises(private, cells, dominance), 0.0)
        need = np.maximum(need, rise)
    return Gathered(cells, counts, _holding(cells, counts), need, rise)


def _rises(private: Sequence[PrivateTable], cells: Cells, dominance: Dominance | PPercent) -> Floats:
    """How far above its count the largest possible count of each cell must lie; 0 where no list dominates it."""
    rises = np.zeros(len(cells.names))
    for table, ids in zip(private, cells.of_rows, strict=True):
        if table.largest is None:
            raise AmparoError(
                "A rule on dominance needs to know how much each list contributes to each cell.",
                where=f"table {table.name}",
                remedy='Count with tabulate(..., contributor="list").',
            )
        counts = table.frame["count"].to_numpy(dtype=np.float64)
        np.maximum.at(rises, ids, np.ceil(dominance.rise(counts, table.largest.astype(np.float64)) - WHOLE))
    return rises


def _of_one_list(cells: Cells) -> Bools:
    """Cells that are about one list, and say so; that its figures are shown is then no accident."""
    return np.array([any(dim == "list" for dim, _ in codes) for _, codes in cells.names], dtype=np.bool_)


FEW = 300
"""Primary cells, up to which programmes are asked before a box is withheld: they prove more, and take longer."""


def _guard_by_boxes(found: Gathered, withheld: Bools, *, few: bool) -> tuple[Floats, Floats]:
    """Withhold, in place, the cheapest boxes around primary cells; what the walk over them has seen."""
    counts, need, rise = found.counts, found.need, found.rise
    walk = Walk(found.cells, found.relations, counts, withheld)
    cost = _cost(found.cells, counts)
    primary = sorted(np.flatnonzero(need > 0).tolist(), key=lambda c: (counts[c], c))
    if few:
        for cell in primary:
            walk.widen(cell, need[cell], rise[cell])
        shortfalls(found.cells, found.relations, counts, withheld, need, walk.seen, rise)
    for cell in primary:
        while not walk.widen(cell, need[cell], rise[cell]):
            guards = walk.guards(cell, need[cell], rise[cell], cost)
            if not guards:
                break
            withheld[guards] = True
    return walk.seen


def _cost(cells: Cells, counts: Floats) -> Floats:
    """One per cell, and a quarter more for each total, whom readers miss most.

    Infinite for zeros: an outsider knows that what is withheld is at least one.
    """
    dims = max((len(codes) for _, codes in cells.names), default=0)
    totals = np.array([dims - len(codes) for _, codes in cells.names])
    return np.where(counts > 0, 1 + 0.25 * totals, np.inf)


def _keys(table: PrivateTable) -> Iterable[tuple[str, ...]]:
    return table.frame[list(table.dims)].astype(str).itertuples(index=False, name=None)


def _counts(private: Sequence[PrivateTable], cells: Cells) -> Floats:
    """The true count of each cell."""
    counts = np.full(len(cells.names), np.nan)
    for table, ids in zip(private, cells.of_rows, strict=True):
        values = table.frame["count"].to_numpy(dtype=np.float64)
        differs = ~np.isnan(counts[ids]) & (counts[ids] != values)
        if differs.any():
            cell = cells.names[int(ids[np.flatnonzero(differs)[0]])]
            raise AmparoError(
                f"Two tables show different counts of {label(cell)}.",
                where=f"table {table.name}",
                remedy="Make all tables of a release from the same records.",
            )
        counts[ids] = values
    return counts


def _holding(cells: Cells, counts: Floats) -> list[Relation]:
    """The relations that an outsider may rely on: the firm ones, and those that the counts agree with.

    Raises
    ------
    AmparoError : a firm relation does not hold, so the tables are not what they say.
    """
    holding = []
    for relation in cells.relations:
        rest = counts[relation.whole] - counts[list(relation.parts)].sum()
        if relation.low <= rest <= relation.high:
            holding.append(relation)
            # Categories may hold at once, yet here nobody holds two: whoever guesses so subtracts, and is right.
            if relation.low == -np.inf and rest == 0:
                holding.append(Relation(relation.whole, relation.parts, 0, 0, firm=False))
        elif relation.firm:
            raise AmparoError(
                f"The parts of {label(cells.names[relation.whole])} do not add up to it.",
                remedy="Name dimensions whose categories may hold at once as overlapping.",
            )
    return holding


def _close_totals(
    cells: Cells, relations: Sequence[Relation], counts: Floats, withheld: Bools, *, remainders_only: bool = False
) -> None:
    """Withhold a partner wherever a total and its parts have just one withheld cell between them.

    Where that cell is a remainder, such as other or not recorded, its partner is the total: readers miss the sum of
    women, men and a few others less than they would miss the men.
    """
    additive = [r for r in relations if r.low == r.high == 0]
    ties = abs(matrix(additive, len(counts)))
    changed = True
    while changed:
        changed = False
        for at in np.flatnonzero(ties @ withheld.astype(np.float64) == 1).tolist():
            relation = additive[at]
            hidden = [cell for cell in relation.cells if withheld[cell]]
            if len(hidden) != 1:
                continue  # an earlier one of this round has given it a partner
            total_first = hidden[0] in _remainders(cells, relation)
            if total_first or not remainders_only:
                changed |= _withhold_one_more([relation], counts, withheld, total_first=total_first)


def _remainders(cells: Cells, relation: Relation) -> frozenset[int]:
    """The parts that differ from their total by a code of a person's that tells nothing.

    None where other tables show the total too, nor for what a record leaves out: the totals of a year, and over all
    years, matter most of all.
    """
    if sum(bool((ids == relation.whole).any()) for ids in cells.of_rows) > 1:
        return frozenset()
    whole = set(cells.names[relation.whole][1])

    def is_remainder(part: int) -> bool:
        return all(
            dim not in OF_THE_RECORD and code in NO_INFORMATION for dim, code in set(cells.names[part][1]) - whole
        )

    return frozenset(part for part in relation.parts if is_remainder(part))


def _withhold_one_more(
    relations: Iterable[Relation], counts: Floats, withheld: Bools, *, total_first: bool = False
) -> bool:
    """Withhold the smallest shown cell of the relations, a part rather than a total; False if none is left.

    Zeros stay: an outsider knows that what is withheld is at least one.
    """
    candidates = {
        ((cell == relation.whole) != total_first, counts[cell], cell)
        for relation in relations
        for cell in relation.cells
        if counts[cell] > 0 and not withheld[cell]
    }
    if not candidates:
        return False
    withheld[min(candidates)[2]] = True
    return True


@dataclass(frozen=True)
class Optimum:
    """What no pattern can do better than.

    Attributes
    ----------
    primary : cells that the rule withholds. cells : all cells of the tables, each counted once.
    at_least : cells (or their weight) that every pattern withholds, the primary ones among them; proven.
    pattern : for each table its withheld rows, where the search came to its end: then ``at_least`` is the optimum.
    """

    primary: int
    cells: int
    at_least: float
    pattern: list[Bools] | None


def optimal_suppression(
    private: Sequence[PrivateTable],
    threshold: int,
    *,
    weight: Literal["cells", "counts"] = "cells",
    programmes: int = 5000,
    nodes: int = 500,
) -> Optimum:
    """The fewest cells that must be withheld, or as much of that number as a budget can prove.

    A master programme chooses cells; where an outsider can narrow a primary cell too far, the dual of his programme
    is a cut that forbids the choice, and the master chooses again. Cuts of one total at a time come first: they need
    no programme. Every bound of the master is a bound of the optimum, however far the search goes.

    The outsider here may think in fractions. ``withheld_cells`` stands up to one who knows that counts are whole, and
    who thus may know more; its patterns can therefore need more cells than this optimum, and never fewer.

    Parameters
    ----------
    private, threshold : as for ``withheld_cells``.
    weight : what is made small, the number of cells withheld or the sum of their counts.
    programmes, nodes : outsider's programmes in all, and branch-and-bound nodes of each choice; not seconds, so that
        every machine finds the same.

    Raises
    ------
    AmparoError : as for ``withheld_cells``; or not even withholding all cells protects the primary ones.

    Source: Fischetti & Salazar (2001), Management Science 47, 1008-1027: the model (sec. 3), capacity constraints
    and bridgeless inequalities (sec. 4.1, 4.3).
    """
    found = gathered(private, threshold)
    master = _Master(found, weight)
    left = programmes
    while True:
        chosen, at_least, solved = master.choose(nodes)
        cuts, asked = _outsiders_cuts(found, chosen, left)
        left -= asked
        if not cuts or left <= 0:
            break
        for cut in cuts:
            master.add(*cut)
    solved = solved and not cuts and left > 0
    pattern = [chosen[ids] for ids in found.cells.of_rows] if solved else None
    return Optimum(int((found.need > 0).sum()), len(found.counts), at_least, pattern)


class _Master:
    """Which cells to withhold, of least weight, so that all cuts so far hold."""

    def __init__(self, found: Gathered, weight: Literal["cells", "counts"]) -> None:
        counts, need = found.counts, found.need
        self.size = len(counts)
        self.solver = quiet_solver()
        self.solver.addVars(self.size, (need > 0).astype(np.float64), (counts > 0).astype(np.float64))
        costs = np.ones(self.size) if weight == "cells" else counts
        self.solver.changeColsCost(self.size, np.arange(self.size, dtype=np.int32), costs)
        self.whole_costs = bool((costs == np.round(costs)).all())
        self.pool = [cut for r in found.relations if r.low == r.high == 0 for cut in _cuts_of_one(r, counts, need)]
        self.additive = abs(matrix([r for r in found.relations if r.low == r.high == 0], self.size))

    def add(self, cells: Ints, factors: Floats, least: float) -> None:
        """The sum of the factors of the cells withheld is at least ``least``."""
        used = factors != 0
        self.solver.addRow(least, np.inf, int(used.sum()), cells[used].astype(np.int32), factors[used])

    def relaxed(self) -> Bools:
        """Solve with fractions, adding cuts of one total until all hold; the cells chosen in part or whole."""
        while True:
            self.solver.run()
            share = np.array(self.solver.getSolution().col_value)
            broken = [cut for cut in self.pool if cut[1] @ share[cut[0]] < cut[2] - WHOLE]
            self.pool = [cut for cut in self.pool if cut[1] @ share[cut[0]] >= cut[2] - WHOLE]
            broken += self._bridges(share)
            if not broken:
                return share > WHOLE
            for cut in broken:
                self.add(*cut)

    def _bridges(self, share: Floats) -> list[tuple[Ints, Floats, float]]:
        """A cell withheld alone in its total is known: withholding it was in vain, so the optimum does not."""
        ties = self.additive
        among = ties @ share
        rows = np.repeat(np.arange(ties.shape[0]), np.diff(ties.indptr))
        cuts = []
        for at in np.flatnonzero(2 * share[ties.indices] > among[rows] + 0.01).tolist():
            part = slice(ties.indptr[rows[at]], ties.indptr[rows[at] + 1])
            members = ties.indices[part].astype(np.int64)
            cuts.append((members, np.where(members == ties.indices[at], -1.0, 1.0), 0.0))
        return cuts

    def choose(self, nodes: int) -> tuple[Bools, float, bool]:
        """The cells of the best choice found, a bound that no choice undercuts, and whether the two are one."""
        every = np.arange(self.size, dtype=np.int32)
        chosen = self.relaxed()
        at_least = float(self.solver.getInfo().objective_function_value)
        self.solver.changeColsIntegrality(self.size, every, np.full(self.size, highspy.HighsVarType.kInteger))
        self.solver.setOptionValue("mip_max_nodes", nodes)
        self.solver.setOptionValue("mip_rel_gap", 0.0)
        self.solver.run()
        status, info = self.solver.getModelStatus(), self.solver.getInfo()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise AmparoError(
                "Not even withholding every cell would protect the small ones.",
                remedy="Publish fewer categories, or a lower threshold.",
            )
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            chosen = np.array(self.solver.getSolution().col_value) > 0.5
        at_least = max(at_least, float(info.mip_dual_bound))
        self.solver.changeColsIntegrality(self.size, every, np.full(self.size, highspy.HighsVarType.kContinuous))
        if self.whole_costs:
            at_least = float(np.ceil(at_least - WHOLE))
        return chosen, at_least, status == highspy.HighsModelStatus.kOptimal


def _cuts_of_one(relation: Relation, counts: Floats, need: Floats) -> Iterable[tuple[Ints, Floats, float]]:
    """What one total alone asks of the cells around each primary cell in it.

    A cell of count a can fall by a - 1; to be as open as it needs it must rise by the rest. It rises when another part
    falls, by its own count less 1 at most, or when the total does: without limit, and so by all that is asked.
    """
    cells = np.array(relation.cells, dtype=np.int64)
    for at, cell in enumerate(relation.cells):
        rise = need[cell] - (counts[cell] - 1)
        if need[cell] > 0 and rise > 0:
            factors = np.minimum((counts[cells] - 1).clip(0), rise) if at else np.full(len(cells), rise)
            factors[0] = rise
            factors[at] = 0
            factors[counts[cells] == 0] = 0
            yield cells, factors, float(rise)


def _outsiders_cuts(found: Gathered, chosen: Bools, most: int) -> tuple[list[tuple[Ints, Floats, float]], int]:
    """Cuts that the choice breaks, one for each primary cell that it leaves too narrow; how many programmes it took.

    A whole-numbered table found by walking proves a cell open without a programme.
    """
    counts, need = found.counts, found.need
    walk = Walk(found.cells, found.relations, counts, chosen)
    programme: _Outsider | None = None
    cuts: list[tuple[Ints, Floats, float]] = []
    asked = 0
    for cell in np.flatnonzero(need > 0).tolist():
        if walk.widen(cell, need[cell]):
            continue
        if asked + 2 > most:
            return cuts, most
        programme = programme or _Outsider(found, chosen)
        asked += 2
        cut = programme.cut(cell)
        if cut is not None:
            cuts.append(cut)
    return cuts, asked


class _Outsider:
    """The outsider's programme over changes of the true counts: a cell that is not chosen cannot change."""

    FAR = 1e6
    """How far a withheld count may rise; no interval asked for is so wide."""

    def __init__(self, found: Gathered, chosen: Bools) -> None:
        self.need = found.need
        self.cells = np.flatnonzero(found.counts > 0)
        self.fall = found.counts[self.cells] - 1
        self.chosen = chosen[self.cells]
        self.solver = quiet_solver()
        size = len(self.cells)
        self.low, self.high = np.where(self.chosen, -self.fall, 0.0), np.where(self.chosen, self.FAR, 0.0)
        self.solver.addVars(size, self.low, self.high)
        ties = matrix(found.relations, len(found.counts))
        rest = ties @ found.counts
        ties = ties[:, self.cells].tocsr()
        for k, relation in enumerate(found.relations):
            part = slice(ties.indptr[k], ties.indptr[k + 1])
            columns = ties.indices[part].astype(np.int32)
            self.solver.addRow(relation.low - rest[k], relation.high - rest[k], len(columns), columns, ties.data[part])

    def cut(self, cell: int) -> tuple[Ints, Floats, float] | None:
        """The cut that the choice breaks; None where the cell is as open as it needs.

        By duality the rise (fall) of the cell is at most the sum of the dual values times the bounds. A bound is 0
        where a cell is not chosen; as an unknown of the master it is the choice times how far the cell may go.
        """
        at = int(np.searchsorted(self.cells, cell))
        width, fixed = 0.0, 0.0
        factors = np.zeros(len(self.cells))
        for sense, sign in ((highspy.ObjSense.kMaximize, 1.0), (highspy.ObjSense.kMinimize, -1.0)):
            self.solver.changeObjectiveSense(sense)
            self.solver.changeColCost(at, 1.0)
            self.solver.run()
            solution = self.solver.getSolution()
            self.solver.changeColCost(at, 0.0)
            reach = sign * float(solution.col_value[at])
            dual = sign * np.array(solution.col_dual)
            dual[np.abs(dual) < WHOLE] = 0.0
            rising = np.where(dual > 0, self.FAR, 0.0) * dual
            falling = np.where(dual < 0, -self.fall, 0.0) * dual
            width += reach
            fixed += reach - float((rising + falling)[self.chosen].sum())
            factors += rising + falling
        if width >= self.need[cell] - WHOLE:
            return None
        least = self.need[cell] - fixed - factors[at]
        factors[at] = 0.0
        # Choices are whole: no cell's factor need exceed what is asked in all.
        return self.cells, np.minimum(factors, least), float(least)
