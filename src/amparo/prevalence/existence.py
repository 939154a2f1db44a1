"""Whether a model's maximum likelihood estimate exists and is identifiable, and why not.

Source: Fienberg & Rinaldo (2012), Maximum likelihood estimation in log-linear models, Annals of Statistics 40,
996-1023, and its supplement (the linear programme); Chan, Silverman & Vincent (2021), Multiple systems
estimation for sparse capture data, JASA 116, 1297-1306 (non-overlapping pairs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST = 1e-7
"""Below this many persons the smallest cell of the programme's best table counts as zero."""


@dataclass(frozen=True)
class Verdict:
    """What can be said of a model on a table before it is believed."""

    exists: bool
    identifiable: bool

    @property
    def usable(self) -> bool:
        """Whether the model may be used."""
        return self.exists and self.identifiable

    @property
    def reason(self) -> str:
        """The verdict in words."""
        if self.usable:
            return "The estimate exists and is identifiable."
        no_estimate = "no finite estimate exists: some totals of the table leave no room for a positive expectation"
        not_unique = "the effects cannot be told apart: different values fit the table equally well"
        return (
            "; ".join([no_estimate] * (not self.exists) + [not_unique] * (not self.identifiable)) + "."
        ).capitalize()


def identifiable(matrix: Floats) -> bool:
    """Whether the design (histories, parameters) has full column rank, so that the parameters are unique."""
    return bool(np.linalg.matrix_rank(matrix) == matrix.shape[1])


def exists(matrix: Floats, counts: Floats) -> bool:
    """Whether a finite maximum likelihood estimate of the expectations exists.

    Maximises the smallest cell over all tables with the margins of the data; the estimate exists if and only
    if that maximum is positive.

    Parameters
    ----------
    matrix : shape (histories, parameters), the design over the histories that the model covers.
    counts : shape (histories,), persons.
    """
    from scipy.optimize import linprog  # only models in doubt wait for it to load

    cells = len(matrix)
    objective = np.zeros(cells + 1)
    objective[-1] = -1.0
    solution = linprog(
        objective,
        A_eq=np.column_stack([matrix.T, np.zeros(matrix.shape[1])]),
        b_eq=matrix.T @ counts,
        A_ub=np.column_stack([-np.eye(cells), np.ones(cells)]),
        b_ub=np.zeros(cells),
        bounds=[(0, None)] * (cells + 1),
        method="highs",
    )
    return bool(solution.x is not None and solution.x[-1] > SMALLEST)
