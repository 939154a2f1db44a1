"""The two kinds of table that leave this room: private ones and ones that somebody has already published.

A private table holds true counts of persons. It has no way out by itself: it cannot be printed or written,
and only ``amparo.protection`` turns it into something that may be shown.

Source: codes of totals and of what was not recorded follow SDMX (``_T``, ``_X``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["PrivateTable", "PublishedTable"]


def _check(
    dims: tuple[str, ...], overlapping: frozenset[str], frame: pd.DataFrame, values: list[str]
) -> None:
    if list(frame.columns) != [*dims, *values]:
        raise ValueError(f"columns are {list(frame.columns)}, expected {[*dims, *values]}")
    if not overlapping <= set(dims):
        raise ValueError(f"overlapping names what is no dimension: {sorted(overlapping - set(dims))}")
    if frame.duplicated(list(dims)).any():
        raise ValueError("a cell appears twice")


@dataclass(frozen=True, repr=False, eq=False)
class PrivateTable:
    """True counts; for ``amparo.protection`` only.

    Parameters
    ----------
    name : e.g. ``victims_by_year_sex_age``.
    unit : what is counted: ``victims``, ``records``, ``offences`` or ``persons``.
    dims : dimension names, in column order.
    overlapping : the dimensions whose categories may hold at once, and so need not add up to their total.
    frame : columns ``dims`` + ``count`` (int64); the full cube with totals coded ``_T`` in every dimension,
        what was not recorded ``_X``; only cells that have a record, except the grand total, which is always there.
    method : how it was counted, in one sentence.
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    frame: pd.DataFrame
    method: str

    def __post_init__(self) -> None:
        _check(self.dims, self.overlapping, self.frame, ["count"])

    def __repr__(self) -> str:
        """The name and the shape: counts never reach a log or a traceback."""
        return f"PrivateTable({self.name}: {' × '.join(self.dims)}, {len(self.frame)} cells)"


@dataclass(frozen=True, eq=False)
class PublishedTable:
    """Counts that somebody else has already published; small ones may be intervals.

    Parameters
    ----------
    frame : columns ``dims`` + ``lower``, ``upper`` (int64, inclusive; equal where the count is exact).
    source : who published it.

    The other fields are those of :class:`PrivateTable`.
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    frame: pd.DataFrame
    method: str
    source: str

    def __post_init__(self) -> None:
        _check(self.dims, self.overlapping, self.frame, ["lower", "upper"])
        if (self.frame["lower"] > self.frame["upper"]).any():
            raise ValueError("an interval ends before it begins")
