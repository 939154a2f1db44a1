"""Controlled rounding: all counts become multiples of a base, and still add up.

Zero-restricted means that every count goes to one of the two multiples next to it, and that multiples (zero among
them) stay what they are. Which of the two is drawn with the odds that would keep its mean (a count of 2 becomes 5 in
two draws of five), and an integer programme then finds the rounding that adds up and is nearest to the draw. Adding up
comes first: a single count may keep a bias that the draws alone would not have (a quarter of the base in our tests).

For some tables of three or more dimensions, and for linked ones, no such rounding exists. Then multiples above zero
may move as well and counts may go one or more multiples further, as few as it takes, and the outcome says so.

Why a rounding that adds up leaves each count open: the published numbers are themselves counts that add up. Raise an
inner one and every total over it by up to ``base - 1``: they add up as before, and may round to what is shown.

Source: Cox & Ernst (1982), Controlled rounding, INFOR 20, 423-432; Salazar-González (2005), Controlled rounding and
cell perturbation: statistical disclosure limitation methods for tabular data, Math. Program. 105, 583-603; (2006),
Statistics and Computing 16, 189-200 (restricted and relaxed rounding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from amparo.protection.audit import quiet_solver
from amparo.protection.cells import matrix
from amparo.protection.suppression import gathered
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FURTHEST = 4
"""How many multiples away a count may go before the tables are refused."""
NODES = 2000
"""Branch-and-bound nodes for each reach: a bound that, unlike seconds, is the same on every machine."""
GAP = 0.05
"""A rounding this near to the nearest will do."""


@dataclass(frozen=True)
class Rounded:
    """Multiples of the base for each row of each table; every count is less than ``reach * base`` away from its own."""

    values: list[Ints]
    reach: int


def controlled_rounding(private: Sequence[PrivateTable], base: int, *, seed: int) -> Rounded:
    """Round all tables together, so that what added up still does and what was at most a total still is.

    Parameters
    ----------
    private : all tables that are shown side by side; a cell that several show is rounded once.
    base : what counts become multiples of. seed : of the draws; who knows it can narrow counts, so keep it private.

    Raises
    ------
    AmparoError : no rounding was found, or the tables disagree with each other.
    """
    found = gathered(private)
    counts = found.counts
    ties = matrix(found.relations, len(counts))
    low = np.array([np.ceil(r.low / base) for r in found.relations])
    high = np.array([np.floor(r.high / base) for r in found.relations])
    drawn = np.random.default_rng(seed).random(len(counts))
    floor = np.floor(counts / base)
    rest = counts / base - floor
    for reach in range(1, FURTHEST + 1):
        steps = _nearest(floor, rest, drawn < rest, ties, (low, high), reach)
        if steps is not None:
            values = (base * steps).astype(np.int64)
            return Rounded([values[ids] for ids in found.cells.of_rows], reach)
    raise AmparoError(
        f"No rounding to multiples of {base} was found in which all these tables add up.",
        remedy="Withhold small counts instead (a threshold), or publish fewer tables together.",
    )


def _nearest(
    floor: Floats, rest: Floats, up: npt.NDArray[np.bool_], ties: csr_array, sides: tuple[Floats, Floats], reach: int
) -> Floats | None:
    """Multiples, in units of the base, nearest to the draw among those that add up; None where none was found.

    Columns: for each cell whether it goes up, then how many multiples further up, then how many further down.
    """
    size = len(floor)
    zero = (floor == 0) & (rest == 0)
    further = np.where(zero, 0.0, reach - 1.0)
    down = np.minimum(further, floor)  # no count below zero
    solver = quiet_solver()
    for option, value in (("mip_max_nodes", NODES), ("mip_rel_gap", GAP)):
        solver.setOptionValue(option, value)
    columns = 3 * size
    solver.addVars(columns, np.zeros(columns), np.concatenate([(rest > 0).astype(np.float64), further, down]))
    # To leave the draw costs as much more as the other multiple is further away.
    price = np.where(up, -np.maximum(rest, 0.1), np.maximum(1 - rest, 0.1))
    costs = np.concatenate([price, np.full(2 * size, 2.0)])
    every = np.arange(columns, dtype=np.int32)
    solver.changeColsCost(columns, every, costs)
    solver.changeColsIntegrality(columns, every, np.full(columns, highspy.HighsVarType.kInteger))
    start = ties @ floor
    for k in range(len(start)):
        part = slice(ties.indptr[k], ties.indptr[k + 1])
        cells, signs = ties.indices[part], ties.data[part]
        index = np.concatenate([cells, cells + size, cells + 2 * size]).astype(np.int32)
        row = np.concatenate([signs, signs, -signs])
        solver.addRow(sides[0][k] - start[k], sides[1][k] - start[k], len(index), index, row)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    chosen = np.round(np.array(solver.getSolution().col_value)).reshape(3, size)
    steps: Floats = floor + chosen[0] + chosen[1] - chosen[2]
    return steps
