"""The two kinds of table that leave this room: private ones and ones that somebody has already published.

A private table holds true counts of persons. It has no way out by itself: it cannot be printed or written,
and only ``amparo.protection`` turns it into something that may be shown.

Source: codes of totals and of what was not recorded follow SDMX (``_T``, ``_X``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from amparo.standard.errors import AmparoError
from amparo.standard.variables import NOT_RECORDED, TOTAL, UNKNOWN

__all__ = ["KEYS", "LARGEST", "PrivateTable", "PublishedTable", "tabulate"]

LARGEST = 5
"""How many of a cell's contributions are kept, the largest first: as many as a dominance rule may ask about."""
KEYS = 2**32
"""Record keys and cell keys are whole numbers from 0 to this less one."""

Ints = npt.NDArray[np.int64]


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
    largest : shape (rows, LARGEST): how many of each cell's records come from the list that gives most of them, the
        next, and so on; 0 where there are fewer lists. None where nobody asked.
    keys : shape (rows,): the sum of the keys of each cell's records, modulo KEYS. None where nobody asked.
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    frame: pd.DataFrame
    method: str
    largest: Ints | None = None
    keys: Ints | None = None

    def __post_init__(self) -> None:
        _check(self.dims, self.overlapping, self.frame, ["count"])
        if self.largest is not None and self.largest.shape != (len(self.frame), LARGEST):
            raise ValueError(f"largest has shape {self.largest.shape}, expected {(len(self.frame), LARGEST)}")
        if self.keys is not None and self.keys.shape != (len(self.frame),):
            raise ValueError(f"keys has shape {self.keys.shape}, expected {(len(self.frame),)}")

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
    contributor: str | None = None,
    key: str | None = None,
) -> PrivateTable:
    """Count records over the full cube of ``by``, as one Ibis expression (DuckDB, Spark).

    Parameters
    ----------
    records : one row per record. A column that is a list holds the categories that hold at once.
    by : columns of ``records`` to count by.
    recode : for a dimension, other codes for its codes (countries to subregions, say); a code not named stays.
        A list that two codes turn into the same one counts it once.
    contributor : a column that says which list a record comes from; the largest contributions to each cell are then
        kept, for a rule on dominance.
    key : a column of whole numbers from 0 to KEYS - 1, the keys of the records (``protection.cell_key``); their sum
        over each cell is then kept.

    Returns
    -------
    Counts of every combination and every total. In a list, ``unknown`` beside a recorded value is dropped, so
    that total less ``_X`` less ``unknown`` is the number of records with information.

    Raises
    ------
    AmparoError : a dimension is no column of the records.
    """
    absent = [c for c in (*by, contributor, key) if c is not None and c not in records.columns]
    if absent:
        raise AmparoError(
            f"the records have no column {', '.join(absent)}.",
            remedy=f"Columns are: {', '.join(records.columns)}.",
            where=name,
        )
    overlapping = frozenset(dim for dim in by if records[dim].type().is_array())
    frame = _cube(records, tuple(by), overlapping, recode or {}, contributor, key).to_pandas()
    if frame.empty:
        frame.loc[0] = [*[TOTAL] * len(by), *[0] * (len(frame.columns) - len(by))]
    largest = None
    if contributor is not None:
        frame = frame.sort_values([*by, "count"], ascending=[True] * len(by) + [False])
        cell = frame.groupby(list(by), sort=True)
        places = cell.ngroup().to_numpy(), cell.cumcount().to_numpy()
        kept = places[1] < LARGEST
        largest = np.zeros((cell.ngroups, LARGEST), dtype=np.int64)
        largest[places[0][kept], places[1][kept]] = frame["count"].to_numpy(dtype=np.int64)[kept]
        frame = cell.sum(numeric_only=True).reset_index()
    frame = frame.astype(dict.fromkeys(by, object)).sort_values(list(by), ignore_index=True)
    keys = frame["key"].to_numpy(dtype=np.int64) % KEYS if key is not None else None
    frame = frame[[*by, "count"]].astype({"count": "int64"})
    return PrivateTable(name, unit, tuple(by), overlapping, frame, method, largest, keys)


def _cube(
    records: ibis.Table,
    by: tuple[str, ...],
    overlapping: frozenset[str],
    recode: Mapping[str, Mapping[str, str]],
    contributor: str | None,
    key: str | None,
) -> ibis.Table:
    """Group once, then turn each group into one row per combination of (its codes or the total)."""
    columns = {dim: records[dim] if dim in overlapping else _text(records[dim]) for dim in by}
    within = [*by]
    if contributor is not None:
        columns["_contributor"] = _text(records[contributor])
        within.append("_contributor")
    if key is not None:
        columns["_key"] = records[key].cast("int64")
    chosen = records.select(**columns)
    # Keys are taken modulo KEYS at each step: sums of a billion of them still fit 64 bits.
    keys = {"key": (chosen["_key"].sum() % KEYS).cast("int64")} if key is not None else {}
    groups = chosen.group_by(within).aggregate(count=ibis._.count(), **keys)
    for dim in by:
        codes = _codes(groups[dim], dim in overlapping)
        if dim in recode:
            other = ibis.literal(dict(recode[dim]), type="map<string, string>")
            codes = codes.map(lambda code, other=other: other.get(code, code)).unique()
        groups = groups.mutate(**{dim: codes.concat(ibis.array([ibis.literal(TOTAL)]))}).unnest(dim)
    keys = {"key": (groups["key"].sum() % KEYS).cast("int64")} if key is not None else {}
    return groups.group_by(within).aggregate(count=groups["count"].sum(), **keys)


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
