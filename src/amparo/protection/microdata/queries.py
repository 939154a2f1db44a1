"""What is asked of the records, and how far each answer moves when one person's record is replaced.

A person has one record and falls into one cell of each marginal. Replacing that record takes 1 from one cell and
adds 1 to one other, so a marginal moves by at most 2 in sum, by the square root of 2 in Euclidean length, and by 1
in any cell.

Source: McKenna, Mullins, Sheldon & Miklau (2022), AIM, PVLDB 15(11), section 4 (the score of a marginal).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
import numpy.typing as npt

Columns = tuple[int, ...]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Records:
    """Coded records as distinct rows and how many stand behind each; a model's table looks the same.

    Parameters
    ----------
    rows : shape (distinct rows, columns), codes from 0.
    weights : shape (distinct rows,): records per row; whole numbers for real records.
    shape : how many codes each column has.
    """

    def __init__(self, rows: npt.ArrayLike, weights: Floats, shape: Sequence[int]) -> None:
        # Column after column in memory: marginals read columns.
        self.rows = np.asfortranarray(rows, dtype=np.int16)
        self.weights = weights
        self.shape = tuple(shape)
        self._counts: dict[Columns, Floats] = {}

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer], shape: Sequence[int]) -> Records:
        """From one row of codes per record."""
        order = np.lexsort(codes.T[::-1])
        ordered = codes[order]
        new = np.ones(len(ordered), dtype=np.bool_)
        new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        starts = np.flatnonzero(new)
        return cls(ordered[starts], np.diff(np.append(starts, len(ordered))).astype(np.float64), shape)

    def __repr__(self) -> str:
        return f"Records({len(self.shape)} columns)"

    def cells(self, columns: Columns) -> Ints:
        """The cell of each row in a marginal, counted with the last column fastest."""
        return cells(self.rows, columns, self.shape)

    def counts(self, columns: Columns) -> Floats:
        """Records per cell of a marginal; kept, for real records are asked many times."""
        if columns not in self._counts:
            size = size_of(self.shape, columns)
            self._counts[columns] = np.bincount(self.cells(columns), self.weights, size).astype(np.float64)
        return self._counts[columns]


class Query(Protocol):
    """Whole numbers computed from records, and how far they move when one record is replaced."""

    @property
    def size(self) -> int:
        """How many numbers."""
        ...

    @property
    def squared(self) -> int:
        """Largest sum of squared moves."""
        ...

    @property
    def largest(self) -> int:
        """Largest move of any one number."""
        ...

    def answer(self, records: Records) -> Ints:
        """Shape (size,)."""
        ...


@dataclass(frozen=True)
class Marginal:
    """How many records are in each combination of the codes of some columns."""

    columns: Columns
    shape: tuple[int, ...]
    squared: int = 2
    largest: int = 1

    @property
    def size(self) -> int:
        """Cells."""
        return size_of(self.shape, self.columns)

    def answer(self, records: Records) -> Ints:
        """Shape (size,)."""
        return np.rint(records.counts(self.columns)).astype(np.int64)


@dataclass(frozen=True)
class Misfits:
    """How badly a model answers each candidate marginal, beyond what noise would do to it anyway: AIM's score.

    ``weights[c] * (sum over cells |count - modelled count| - allowance[c])``, in whole numbers: the modelled counts
    and the allowances are public and come rounded. The sum moves by at most 2, so the score by twice its weight.
    """

    modelled: Mapping[Columns, Ints]
    weights: Mapping[Columns, int]
    allowances: Mapping[Columns, int]

    @property
    def size(self) -> int:
        """Candidates."""
        return len(self.modelled)

    @property
    def largest(self) -> int:
        """Largest move of one score."""
        return 2 * max(self.weights.values())

    @property
    def squared(self) -> int:
        """Largest sum of squared moves."""
        return sum((2 * self.weights[columns]) ** 2 for columns in self.modelled)

    def answer(self, records: Records) -> Ints:
        """Shape (size,), in the order of ``modelled``."""
        scores = [
            self.weights[columns]
            * (int(np.abs(np.rint(records.counts(columns)).astype(np.int64) - counts).sum()) - self.allowances[columns])
            for columns, counts in self.modelled.items()
        ]
        return np.array(scores, dtype=np.int64)


def cells(rows: npt.NDArray[np.int16], columns: Iterable[int], shape: Sequence[int]) -> Ints:
    """The cell of each row in a marginal, counted with the last column fastest."""
    cell = np.zeros(len(rows), dtype=np.int64)
    for column in columns:
        cell *= shape[column]
        cell += rows[:, column]
    return cell


def size_of(shape: Sequence[int], columns: Iterable[int]) -> int:
    """Cells of a marginal."""
    return math.prod(shape[column] for column in columns)


def marginals(shape: Sequence[int], most_columns: int, most_cells: int) -> list[Columns]:
    """All sets of 1 to ``most_columns`` columns with at most ``most_cells`` cells; single columns always."""
    return [
        columns
        for k in range(1, most_columns + 1)
        for columns in combinations(range(len(shape)), k)
        if k == 1 or size_of(shape, columns) <= most_cells
    ]
