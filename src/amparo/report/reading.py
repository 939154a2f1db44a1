"""Look-ups in a released table: what a reader of the publication can know, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from amparo.protection.release import ReleasedTable
from amparo.standard.variables import NO_INFORMATION, TOTAL
from amparo.statistics.estimates import Estimate, share


@dataclass(frozen=True)
class Count:
    """A published count, from ``lower`` to ``upper``; both equal where it is exact."""

    lower: int
    upper: int

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.lower == self.upper

    @property
    def middle(self) -> float:
        """Half way between; for the place and size of marks in a figure, never for a text."""
        return (self.lower + self.upper) / 2


@dataclass(frozen=True)
class Share:
    """A category's part of those with information: its interval, and the records that it rests on."""

    code: str
    value: float
    low: float
    high: float
    count: Count


class Reader:
    """Counts of a released table by codes; dimensions that are not named are at their total."""

    def __init__(self, table: ReleasedTable) -> None:
        self.table = table

    @cached_property
    def _cells(self) -> dict[tuple[str, ...], Count | None]:
        frame = self.table.frame
        keys = frame[list(self.table.dims)].itertuples(index=False, name=None)
        return {
            key: None if status == "withheld" else Count(int(lower), int(upper))
            for key, status, lower, upper in zip(
                keys, frame["status"], frame["lower"].fillna(0), frame["upper"].fillna(0), strict=True
            )
        }

    @cached_property
    def _codes(self) -> dict[str, list[str]]:
        frame = self.table.frame
        return {dim: list(pd.unique(frame[dim])) for dim in self.table.dims}

    def codes(self, dim: str, *, informative: bool = True) -> list[str]:
        """The codes of a dimension without the total; ``informative`` leaves out what says nothing."""
        leave = (TOTAL, *NO_INFORMATION) if informative else (TOTAL,)
        return [code for code in self._codes[dim] if code not in leave]

    def count(self, **codes: str) -> Count | None:
        """The count of a cell, None where it is withheld; a cell without a row is zero."""
        key = tuple(codes.get(dim, TOTAL) for dim in self.table.dims)
        return self._cells.get(key, Count(0, 0))

    def known(self, dim: str, **codes: str) -> Count | None:
        """Records that tell the dimension; None where a withheld cell keeps it open."""
        total, lost = self.count(**codes), self.gaps(dim, **codes)
        if total is None or lost is None:
            return None
        return Count(max(0, total.lower - lost.upper), max(0, total.upper - lost.lower))

    def gaps(self, dim: str, **codes: str) -> Count | None:
        """Records that do not tell the dimension; None where that is withheld."""
        counts = [self.count(**{**codes, dim: code}) for code in NO_INFORMATION]
        known = [count for count in counts if count is not None]
        if len(known) < len(counts):
            return None
        return Count(sum(count.lower for count in known), sum(count.upper for count in known))

    def share(self, dim: str, code: str, **codes: str) -> Share | None:
        """A category's share of the records that tell the dimension (CTDC's rule); None where it is withheld.

        Exact counts get a Wilson interval; published ranges get the smallest and largest share that they allow.
        """
        count, known = self.count(**{**codes, dim: code}), self.known(dim, **codes)
        if count is None or known is None or known.lower == 0:
            return None
        if count.exact and known.exact:
            found: Estimate = share(count.lower, known.lower)
            return Share(code, found.value, found.low, found.high, count)
        low = count.lower / max(known.upper, count.lower)
        high = min(1.0, count.upper / max(known.lower, count.upper))
        return Share(code, (low + high) / 2, low, high, count)

    def shares(self, dim: str, **codes: str) -> list[Share]:
        """All shares of a dimension that are published, the largest first."""
        found = [self.share(dim, code, **codes) for code in self.codes(dim)]
        return sorted((s for s in found if s is not None and s.count.upper > 0), key=lambda s: (-s.value, s.code))

    def withheld(self) -> int:
        """How many cells of the table are withheld."""
        return sum(count is None for count in self._cells.values())
