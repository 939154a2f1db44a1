"""Counts of all combinations of few columns, in several tables at once.

A combination that has a missing cell is left out: it says nothing of anybody.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amparo.protection.microdata_attacks.material import MISSING, Codes, Ids

DENSE = 1 << 16
"""Cells up to which counting every cell beats finding those that occur."""


@dataclass(frozen=True)
class Marginal:
    """One set of columns: the counts of its cells, and the cell of each pattern.

    ``counts`` is tables × cells; ``cell`` (patterns) is -1 where a value is missing.
    """

    columns: tuple[int, ...]
    counts: Ids
    cell: Ids

    def of_patterns(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each pattern's cell is flagged; never where a value is missing."""
        return np.append(flags, False)[self.cell]


def choose(columns: int, length: int, most: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """All sets of ``length`` columns, or ``most`` different ones by chance where there are more."""
    if math.comb(columns, length) <= most:
        return list(itertools.combinations(range(columns), length))
    found: set[tuple[int, ...]] = set()
    while len(found) < most:
        found.add(tuple(sorted(rng.choice(columns, length, replace=False).tolist())))
    return sorted(found)


def marginals(rows: Codes, sizes: Ids, weights: Sequence[Ids], sets: Sequence[tuple[int, ...]]) -> Iterator[Marginal]:
    """The counts of each set of columns.

    Parameters
    ----------
    rows : patterns × columns of codes. sizes : codes per column. weights : per table, the records of each pattern.
    """
    columns = np.ascontiguousarray(rows.T).astype(np.int64)
    absent = columns == MISSING
    some_absent = absent.any(axis=1)
    # Sums of whole numbers below 2**53 are exact in floating point.
    records = [w.astype(np.float64) for w in weights]
    for chosen in sets:
        key = np.zeros(len(rows), dtype=np.int64)
        for j in chosen:
            key = key * sizes[j] + columns[j]
        cells = math.prod(int(sizes[j]) for j in chosen)
        if cells > DENSE:
            found, key = np.unique(key, return_inverse=True)
            cells = len(found)
        for j in chosen:
            if some_absent[j]:
                key[absent[j]] = cells
        counts = np.stack([np.bincount(key, weights=w, minlength=cells + 1)[:cells] for w in records])
        key[key == cells] = -1
        yield Marginal(chosen, counts.astype(np.int64), key)
