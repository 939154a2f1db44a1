"""The two kinds of table that leave this room: private ones and ones that somebody has already published.

A private table holds true counts of persons. It has no way out by itself: it cannot be printed or written,
and only ``amparo.protection`` turns it into something that may be shown.

Source: codes of totals and of what was not recorded follow SDMX (``_T``, ``_X``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import pandas as pd

from amparo.standard.errors import AmparoError
from amparo.standard.variables import NOT_RECORDED, TOTAL, UNKNOWN

__all__ = ["PrivateTable", "PublishedTable", "tabulate"]


def _check(dims: tuple[str, ...], overlapping: frozenset[str], frame: pd.DataFrame, values: list[str]) -> None:
    if reserved := {"count", "lower", "upper", "status"} & set(dims):
        raise ValueError(f"a dimension cannot be called {sorted(reserved)}: released tables have such columns")
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
        what was not recorded ``_X``;
        a cell that no record has is left out (it counts zero), save the grand total, which is always there.
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


def tabulate(
    records: ibis.Table,
    by: Sequence[str],
    *,
    name: str,
    unit: str = "records",
    method: str = "Records counted once in each category that holds and once in each total.",
    recode: Mapping[str, Mapping[str, str]] | None = None,
) -> PrivateTable:
    """Count records over the full cube of ``by``, as one Ibis expression (DuckDB, Spark).

    Parameters
    ----------
    records : one row per record. A column that is a list holds the categories that hold at once.
    by : columns of ``records`` to count by.
    recode : for a dimension, other codes for its codes (countries to subregions, say); a code not named stays.
        A list that two codes turn into the same one counts it once.

    Returns
    -------
    Counts of every combination and every total. In a list, ``unknown`` beside a recorded value is dropped, so
    that total less ``_X`` less ``unknown`` is the number of records with information.

    Raises
    ------
    AmparoError : a dimension is no column of the records.
    """
    absent = [dim for dim in by if dim not in records.columns]
    if absent:
        raise AmparoError(
            f"the records have no column {', '.join(absent)}.",
            remedy=f"Columns are: {', '.join(records.columns)}.",
            where=name,
        )
    overlapping = frozenset(dim for dim in by if records[dim].type().is_array())
    frame = _cube(records, tuple(by), overlapping, recode or {}).to_pandas()
    frame = frame[[*by, "count"]].astype({"count": "int64"})
    if frame.empty:
        frame.loc[0] = [*[TOTAL] * len(by), 0]
    frame = frame.astype(dict.fromkeys(by, object)).sort_values(list(by), ignore_index=True)
    return PrivateTable(name, unit, tuple(by), overlapping, frame, method)


def _cube(
    records: ibis.Table,
    by: tuple[str, ...],
    overlapping: frozenset[str],
    recode: Mapping[str, Mapping[str, str]],
) -> ibis.Table:
    """Group once, then turn each group into one row per combination of (its codes or the total)."""
    groups = (
        records.select(**{dim: records[dim] if dim in overlapping else _text(records[dim]) for dim in by})
        .group_by(list(by))
        .aggregate(count=ibis._.count())
    )
    for dim in by:
        codes = _codes(groups[dim], dim in overlapping)
        if dim in recode:
            other = ibis.literal(dict(recode[dim]), type="map<string, string>")
            codes = codes.map(lambda code, other=other: other.get(code, code)).unique()
        groups = groups.mutate(**{dim: codes.concat(ibis.array([ibis.literal(TOTAL)]))}).unnest(dim)
    return groups.group_by(list(by)).aggregate(count=groups["count"].sum())


def _text(column: ibis.Column) -> ibis.Column:
    return column.cast("string").fill_null(NOT_RECORDED)


def _codes(column: ibis.Column, several: bool) -> ibis.Column:
    """A list of the distinct codes that hold; never empty."""
    if not several:
        return ibis.array([column])
    codes = column.cast("array<string>").unique()
    said = codes.filter(lambda code: code != UNKNOWN)
    return ibis.cases(
        (codes.isnull() | (codes.length() == 0), ibis.array([ibis.literal(NOT_RECORDED)])),
        (said.length() == 0, ibis.array([ibis.literal(UNKNOWN)])),
        else_=said,
    )
