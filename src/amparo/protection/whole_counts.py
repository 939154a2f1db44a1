"""Intervals of whole counts that are tied by sums, however many, and the sums that cannot all be true.

The interval of a count is exact over whole numbers. Bounds are propagated through the sums first; what they leave open
is settled by linear programmes over all connected parts at once, one end of one interval in each part. A solution
proves an end only when it is whole and satisfies every sum in integer arithmetic; what is not whole goes to an integer
programme. Out of branch-and-bound nodes the end of the linear programme stays: wider than the truth, never narrower.

Where sums contradict each other, the smallest number of them is set aside in each connected part.

Source: bound propagation: Savelsbergh (1994), ORSA Journal on Computing 6, 445-454; linear programmes of an outsider:
Fischetti & Salazar (2001), Management Science 47, 1008-1027; smallest set of constraints to set aside: Chinneck
(2008), Feasibility and Infeasibility in Optimization, ch. 7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack
from scipy.sparse.csgraph import connected_components

from amparo.protection.audit import NODES, quiet_solver
from amparo.standard.errors import AmparoError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[str], None]
WHOLE = 1e-6
INFEASIBLE = 2
"""SciPy's status of an integer programme without a solution."""


def silent(_: str) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True)
class System:
    """Sums over counts: ``low <= matrix @ counts <= high``; the matrix (sums × counts) holds -1, 0 and 1."""

    matrix: csr_array
    low: Floats
    high: Floats


def added(label: npt.NDArray[np.integer], values: Floats, size: int) -> Floats:
    return np.bincount(label, weights=values, minlength=size).astype(np.float64)


def without(system: System, dropped: Bools) -> System:
    keep = np.flatnonzero(~dropped)
    return System(system.matrix[keep], system.low[keep], system.high[keep])


def propagate(system: System, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Bounds that single sums give, again and again until nothing moves; crossed bounds show a contradiction."""
    lower, upper = lower.copy(), upper.copy()
    entries = system.matrix.tocoo()
    row, col, positive = entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data > 0
    rows = system.matrix.shape[0]
    frozen = np.zeros(rows, dtype=np.bool_)
    while True:
        new_low, new_high = one_pass(row, col, positive, rows, system.low, system.high, lower, upper)
        stays = frozen[row]
        new_low[stays], new_high[stays] = -np.inf, np.inf
        next_lower, next_upper = lower.copy(), upper.copy()
        np.maximum.at(next_lower, col, new_low)
        np.minimum.at(next_upper, col, new_high)
        if (next_lower == lower).all() and (next_upper == upper).all():
            return lower, upper
        lower, upper = next_lower, next_upper
        # Bounds that have crossed would go on moving apart for ever.
        crossed = lower > upper
        np.logical_or.at(frozen, row, crossed[col])


def one_pass(
    row: Ints, col: Ints, positive: Bools, rows: int, low: Floats, high: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats]:
    """What each sum alone says of each of its terms, given the bounds of the others."""
    least = np.where(positive, lower[col], -upper[col])
    most = np.where(positive, upper[col], -lower[col])

    def of_others(values: Floats) -> Floats:
        infinite = np.isinf(values)
        finite = np.bincount(row, weights=np.where(infinite, 0, values), minlength=rows)
        endless = np.bincount(row, weights=infinite, minlength=rows)
        sign = np.inf if (values[infinite] > 0).any() else -np.inf
        rest = finite[row] - np.where(infinite, 0, values)
        return np.where(endless[row] - infinite > 0, sign, rest)

    # low <= term + others <= high
    term_low = low[row] - of_others(most)
    term_high = high[row] - of_others(least)
    return np.where(positive, term_low, -term_high), np.where(positive, term_high, -term_low)


def connected_parts(system: System, size: int) -> Ints:
    """The connected part that each variable belongs to."""
    pattern = abs(system.matrix)
    _, label = connected_components(pattern.T @ pattern, directed=False)
    return np.asarray(label[:size], dtype=np.int64)


def set_aside(system: System, lower: Floats, upper: Floats, rank: Floats, progress: Progress = silent) -> Bools:
    """Rows of the smallest set of sums without which the others can all be true, in every connected part.

    Among sets of the same size, the one with the lowest total of ``rank`` (least reliable first, then by order).
    """
    # A sum that its own terms already exclude is in every such set.
    least, most = _range(system, lower, upper)
    dropped = (most < system.low) | (least > system.high)
    kept = np.flatnonzero(~dropped)
    dropped[kept] = _set_aside_jointly(without(system, dropped), lower, upper, rank[kept], progress)
    return dropped


def _set_aside_jointly(system: System, lower: Floats, upper: Floats, rank: Floats, progress: Progress) -> Bools:
    dropped = np.zeros(system.matrix.shape[0], dtype=np.bool_)
    part = connected_parts(system, len(lower))
    row_part = _row_part(system, part)
    tight_lower, tight_upper = propagate(system, lower, upper)
    wrong = set(np.unique(part[tight_lower > tight_upper]).tolist())
    wrong |= _infeasible(system, lower, upper, part, row_part, wrong)
    rows_in: dict[int, list[int]] = {p: [] for p in wrong}
    for r in np.flatnonzero(np.isin(row_part, list(wrong))).tolist():
        rows_in[int(row_part[r])].append(r)
    for at, rows in enumerate(rows_in[p] for p in sorted(wrong)):
        dropped[_fewest(system, rows, lower, upper, rank)] = True
        if at % 50 == 0:
            progress(f"sums that cannot all be true: place {at + 1} of {len(wrong)}")
    return dropped


def _range(system: System, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value of each row, term by term."""
    entries = system.matrix.tocoo()
    plus = entries.data > 0
    rows = system.matrix.shape[0]
    least = np.where(plus, lower[entries.col], -upper[entries.col])
    most = np.where(plus, upper[entries.col], -lower[entries.col])
    return added(entries.row, least, rows), added(entries.row, most, rows)


def _row_part(system: System, part: Ints) -> Ints:
    matrix = system.matrix
    return part[matrix.indices[matrix.indptr[:-1]]]


def _fewest(system: System, rows: list[int], lower: Floats, upper: Floats, rank: Floats) -> list[int]:
    """The smallest set of these rows to leave out."""
    block = system.matrix[rows]
    columns = np.unique(block.indices)
    dense = block[:, columns]
    low, high = _finite(lower[columns], upper[columns], np.zeros(len(columns), dtype=np.int64))
    lo, hi = system.low[rows], system.high[rows]
    n, m = len(columns), len(rows)
    plus, minus = dense.maximum(0), (-dense).maximum(0)
    least = plus @ low - minus @ high
    most = plus @ high - minus @ low
    # y = 1 lets a sum be whatever the counts make it.
    under = coo_array((np.where(np.isinf(lo), 0, np.maximum(0, lo - least)), (range(m), range(m))), shape=(m, m))
    over = coo_array((np.where(np.isinf(hi), 0, np.maximum(0, most - hi)), (range(m), range(m))), shape=(m, m))
    sums = [
        LinearConstraint(_beside(dense, under), lo, np.inf),
        LinearConstraint(_beside(dense, -over), -np.inf, hi),
    ]
    bounds = Bounds(np.concatenate([low, np.zeros(m)]), np.concatenate([high, np.ones(m)]))
    whole = np.ones(n + m, dtype=np.int64)
    count = np.concatenate([np.zeros(n), np.ones(m)])
    found = milp(count, constraints=sums, bounds=bounds, integrality=whole, options={"mip_rel_gap": 0.0})
    if found.x is None:
        return rows
    fewest = round(float(count @ found.x))
    order = np.argsort(np.argsort(rank[rows], kind="stable"), kind="stable") + 1.0
    cost = np.concatenate([np.zeros(n), order])
    limit = LinearConstraint(count[None, :], 0, fewest + 0.5)
    second = milp(cost, constraints=[*sums, limit], bounds=bounds, integrality=whole, options={"mip_rel_gap": 0.0})
    chosen = (found.x if second.x is None else second.x)[n:] > 0.5
    return [row for row, out in zip(rows, chosen.tolist(), strict=True) if out]


def _beside(left: csr_array, right: coo_array | csr_array) -> csr_array:
    return csr_array(hstack([left, right]))


def _finite(lower: Floats, upper: Floats, part: Ints) -> tuple[Floats, Floats]:
    """The bounds, with numbers far beyond what the other counts of the same part add up to instead of infinity."""
    known = np.where(np.isinf(lower), 0, abs(lower)) + np.where(np.isinf(upper), 0, abs(upper))
    far = 4 * added(part, known, int(part.max(initial=0)) + 1)[part] + 1e5
    return np.where(np.isinf(lower), -far, lower), np.where(np.isinf(upper), far, upper)


def _infeasible(system: System, lower: Floats, upper: Floats, part: Ints, row_part: Ints, known: set[int]) -> set[int]:
    """Connected parts in which no whole-numbered counts satisfy all sums, beyond those known already.

    One linear programme asks how far all sums together must be stretched; a part that needs no stretch and comes out
    whole is proven possible, the others are asked one by one in whole numbers.
    """
    rows = np.flatnonzero(~np.isin(row_part, list(known)))
    if not len(rows):
        return set()
    inside = System(system.matrix[rows], system.low[rows], system.high[rows])
    columns = np.unique(inside.matrix.indices)
    low, high = (bound[columns] for bound in _finite(lower, upper, part))
    matrix = inside.matrix[:, columns]
    stretch = eye_array(len(rows), format="csr")
    programme = _Programme(
        _beside(matrix, _beside(stretch, -stretch)),
        inside.low,
        inside.high,
        np.concatenate([low, np.zeros(2 * len(rows))]),
        np.concatenate([high, np.full(2 * len(rows), np.inf)]),
    )
    counts = np.round(programme.solve(np.concatenate([np.zeros(len(columns)), np.ones(2 * len(rows))]))[: len(columns)])
    counts = np.clip(counts, low, high)
    value = matrix @ counts
    doubtful = np.unique(row_part[rows[(value < inside.low) | (value > inside.high)]])
    found: set[int] = set()
    for p in doubtful.tolist():
        of_part = np.flatnonzero(row_part[rows] == p)
        block = matrix[of_part]
        its = np.unique(block.indices)
        constraint = LinearConstraint(block[:, its], inside.low[of_part], inside.high[of_part])
        solved = milp(np.zeros(len(its)), constraints=constraint, bounds=Bounds(low[its], high[its]),
                      integrality=np.ones(len(its), dtype=np.int64))  # fmt: skip
        if not solved.success:
            found.add(p)
    return found


class _Programme:
    """A linear programme that stays loaded, so that the next objective starts where the last one ended."""

    def __init__(self, matrix: csr_array, low: Floats, high: Floats, lower: Floats, upper: Floats) -> None:
        self._size = len(lower)
        self._solver = quiet_solver()
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self._size, matrix.shape[0]
        model.col_cost_ = np.zeros(self._size)
        model.col_lower_, model.col_upper_ = lower, upper
        model.row_lower_, model.row_upper_ = low, high
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        model.a_matrix_.index_ = matrix.indices.astype(np.int32)
        model.a_matrix_.value_ = matrix.data.astype(np.float64)
        self._solver.passModel(model)

    def solve(self, cost: Floats) -> Floats:
        """Counts that make the cost smallest."""
        self._solver.changeColsCost(self._size, np.arange(self._size, dtype=np.int32), cost)
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise AmparoError("The sums in use contradict each other.", remedy="This is a fault of Amparo: report it.")
        return np.array(self._solver.getSolution().col_value)


def whole_bounds(
    system: System, lower: Floats, upper: Floats, asked: Bools, progress: Progress = silent
) -> tuple[Floats, Floats]:
    """The smallest and largest whole count of every cell ``asked`` about, in any counts that satisfy all sums.

    Parameters
    ----------
    system : sums that can all be true (see :func:`set_aside`).
    lower, upper : whole numbers or infinite, one per count.

    Returns
    -------
    New bounds; those of counts that were not asked about are merely valid.
    """
    lower, upper = propagate(system, lower, upper)
    matrix = system.matrix
    part = connected_parts(system, len(lower))
    floor, cap = _finite(lower, upper, part)
    open_ = lower < upper
    rows = np.flatnonzero(np.bincount(matrix.tocoo().row, weights=open_[matrix.indices], minlength=matrix.shape[0]) > 1)
    columns = np.unique(matrix[rows].indices)
    columns = columns[open_[columns]]
    if not len(columns):
        return lower, upper
    fixed = np.where(open_, 0.0, lower)
    known = matrix[rows] @ fixed
    block = matrix[rows][:, columns]
    low, high = system.low[rows] - known, system.high[rows] - known
    column_part = np.unique(connected_parts(System(block, low, high), len(columns)), return_inverse=True)[1]
    least, most = floor[columns].copy(), cap[columns].copy()
    ends = (least.copy(), most.copy())  # what is proven: nothing lies outside
    programme = _Programme(block, low, high, least, most)
    seen = (np.full(len(columns), np.inf), np.full(len(columns), -np.inf))
    _note(seen, programme.solve(np.zeros(len(columns))), block, low, high, column_part, least, most)
    wanted = asked[columns]
    hard: list[tuple[int, bool]] = []
    rounds = 0
    given_up = [np.zeros(len(columns), dtype=np.bool_) for _ in range(2)]
    for largest in (False, True):
        side = int(largest)
        while True:
            unsettled = wanted & (seen[side] != ends[side]) & ~given_up[side]
            _, first = np.unique(column_part[unsettled], return_index=True)
            chosen = np.flatnonzero(unsettled)[first]
            if not len(chosen):
                break
            cost = np.zeros(len(columns))
            cost[chosen] = -1.0 if largest else 1.0
            found = programme.solve(cost)
            ends[side][chosen] = np.floor(found[chosen] + WHOLE) if largest else np.ceil(found[chosen] - WHOLE)
            _note(seen, found, block, low, high, column_part, least, most)
            missed = chosen[seen[side][chosen] != ends[side][chosen]]
            given_up[side][missed] = True
            hard.extend((int(c), largest) for c in missed)
            rounds += 1
            progress(f"linear programmes: round {rounds}, {int(unsettled.sum())} ends of intervals open")
    for at, (column, largest) in enumerate(hard):
        progress(f"integer programmes: {at + 1} of {len(hard)}")
        _settle(column, largest, ends, seen, block, low, high, column_part, least, most)
    endless = (
        np.isinf(lower[columns]) & (ends[0] < floor[columns] / 2),
        np.isinf(upper[columns]) & (ends[1] > cap[columns] / 2),
    )
    lower[columns] = np.where(endless[0], -np.inf, ends[0])
    upper[columns] = np.where(endless[1], np.inf, ends[1])
    return lower, upper


def _settle(
    column: int, largest: bool, ends: tuple[Floats, Floats], seen: tuple[Floats, Floats], block: csr_array,
    low: Floats, high: Floats, part: Ints, least: Floats, most: Floats,
) -> None:  # fmt: skip
    """Move an end inwards until whole counts reach it: is there a table in which the cell is just there?"""
    side = int(largest)
    its = np.flatnonzero(part == part[column])
    inside = np.unique(block[:, its].tocoo().row)
    constraint = LinearConstraint(block[inside][:, its], low[inside], high[inside])
    bounds = Bounds(least[its].copy(), most[its].copy())
    here = int(np.flatnonzero(its == column)[0])
    while seen[side][column] != ends[side][column]:
        bounds.lb[here] = bounds.ub[here] = ends[side][column]
        solved = milp(np.zeros(len(its)), constraints=constraint, bounds=bounds,
                      integrality=np.ones(len(its), dtype=np.int64), options={"node_limit": NODES})  # fmt: skip
        if solved.status == INFEASIBLE:
            ends[side][column] += -1.0 if largest else 1.0
        elif solved.x is not None:
            counts = np.zeros(len(part))
            counts[its] = solved.x
            _note(seen, counts, block, low, high, part, least, most, only=int(part[column]))
            if seen[side][column] != ends[side][column]:
                return
        else:
            # Out of nodes the end stays where it is proven: possibly too wide, never too narrow.
            return


def _note(
    seen: tuple[Floats, Floats], found: Floats, block: csr_array, low: Floats, high: Floats, part: Ints,
    least: Floats, most: Floats, only: int | None = None,
) -> None:  # fmt: skip
    """Widen what has been seen by the solution, in the parts where it is whole and satisfies every sum."""
    counts = np.clip(np.round(found), least, most)
    value = block @ counts
    entries = block.tocoo()
    bad_row = (value < low) | (value > high)
    bad = np.zeros(int(part.max()) + 1, dtype=np.bool_)
    bad[part[entries.col[bad_row[entries.row]]]] = True
    good = ~bad[part] if only is None else ~bad[part] & (part == only)
    seen[0][good] = np.minimum(seen[0][good], counts[good])
    seen[1][good] = np.maximum(seen[1][good], counts[good])
