"""The released types, and the two ways to one.

``statistics`` counts and gives private tables; ``report`` writes releases. Between them stands this
module: only ``release`` (which withholds, and audits what it leaves) and ``republish`` (which passes on
what somebody else has already published) make a Release.

What the seal holds: a Release cannot be made by calling its constructor, by ``dataclasses.replace``,
by subclassing, by copying or by unpickling, and what it holds cannot be changed through it. What it
cannot hold: code in the same process that sets out to forge one with ``object.__setattr__`` or by taking
this module's seal. Python has no defence against its own process; the seal is against mistakes.

Source: Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 (the rules); the rest is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

import pandas as pd

from amparo.protection.prevalence import ReleasedPrevalence
from amparo.protection.suppression import withheld_cells
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable, PublishedTable

_SEAL = object()


def _unsealed(what: str) -> NoReturn:
    raise TypeError(f"{what} is made by amparo.protection.release or republish, and in no other way.")


@dataclass(frozen=True)
class Rule:
    """What must be withheld: counts of 1 to ``threshold - 1``; a threshold of 1 withholds nothing."""

    threshold: int = 10

    def __post_init__(self) -> None:
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int) or self.threshold < 1:
            raise AmparoError(
                f"The threshold {self.threshold!r} is not a whole number of 1 or more.",
                remedy="Give the smallest count that may be shown, for example 10.",
            )

    def sentence(self) -> str:
        """The rule in words, for the reader of a table."""
        if self.threshold == 1:
            return "No count is withheld."
        small = "1" if self.threshold == 2 else f"1 to {self.threshold - 1}"
        return (
            f"Counts of {small} are withheld, and so are the further counts from which they could be worked "
            "out; the two kinds look alike. Zeros, and counts of what was not recorded, are shown. What is shown "
            f"leaves each small count open to at least {self.threshold} values."
        )


@dataclass(frozen=True, eq=False)
class ReleasedTable:
    """A table that may be shown to anybody.

    ``frame`` has the columns ``dims`` (codes, string; "_T" is the total, "_X" not recorded), ``lower``,
    ``upper`` (Int64, inclusive; in ``unit``; both null when withheld) and ``status`` ("exact",
    "interval" or "withheld"), sorted by its codes. Combinations without a row count zero. Each look at ``frame``
    gives a copy. Categories of ``overlapping`` dimensions may hold at once and do not add up to their total.

    Raises
    ------
    TypeError : when made outside protection.
    """

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    method: str
    rule: str
    source: str
    _frame: pd.DataFrame = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            _unsealed("A ReleasedTable")

    def __init_subclass__(cls) -> None:
        _unsealed("A ReleasedTable")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _unsealed("A ReleasedTable")

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the rows."""
        return self._frame.copy()


@dataclass(frozen=True, eq=False)
class Release:
    """Tables that were protected together and may be shown together.

    Iterating gives the tables in the order in which they came; ``release["name"]`` gives one.

    Raises
    ------
    TypeError : when made outside protection.
    """

    tables: Mapping[str, ReleasedTable]
    rule: Rule
    provenance: Mapping[str, str]
    prevalence: ReleasedPrevalence | None = None
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            _unsealed("A Release")

    def __init_subclass__(cls) -> None:
        _unsealed("A Release")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _unsealed("A Release")

    def __iter__(self) -> Iterator[ReleasedTable]:
        return iter(self.tables.values())

    def __len__(self) -> int:
        return len(self.tables)

    def __contains__(self, name: object) -> bool:
        return name in self.tables

    def __getitem__(self, name: str) -> ReleasedTable:
        return self.tables[name]


def release(
    private: Sequence[PrivateTable],
    *,
    rule: Rule | None = None,
    provenance: Mapping[str, str],
    prevalence: ReleasedPrevalence | None = None,
) -> Release:
    """Withhold what the rule asks in all tables jointly, audit the outcome, and only then release it.

    Parameters
    ----------
    private : all tables that will be shown side by side; a cell that several of them show is one cell.
    rule : by default counts of 1 to 9 are withheld.
    provenance : version, seed, inputs' SHA-256, date: whatever says where the counts came from.
    prevalence : the estimate of the undetected, where there is one.

    Raises
    ------
    TypeError : something other than a PrivateTable came in.
    AmparoError : two tables disagree on a cell, totals and parts disagree, or no pattern passes the audit.
    """
    rule = rule or Rule()
    _only(private, PrivateTable)
    masks = withheld_cells(private, rule.threshold)
    tables = []
    for table, mask in zip(private, masks, strict=True):
        counts = table.frame["count"].astype("Int64").mask(mask)
        frame = _codes(table.frame, table.dims)
        frame["lower"] = frame["upper"] = counts.array
        tables.append(_seal_table(table, frame, rule.sentence(), source=""))
    return _seal_release(tables, rule, provenance, prevalence)


def republish(published: Sequence[PublishedTable], *, provenance: Mapping[str, str]) -> Release:
    """Pass on counts that somebody else has already published, just as they are.

    Intervals such as ``<5`` stay intervals: no number is made up inside them. Nothing is withheld, since
    what is public cannot be called back; ``feasible_bounds`` tells what these tables give away.

    Raises
    ------
    TypeError : something other than a PublishedTable came in.
    AmparoError : an interval is upside down or below zero.
    """
    _only(published, PublishedTable)
    tables = []
    for table in published:
        frame = _codes(table.frame, table.dims)
        for bound in ("lower", "upper"):
            frame[bound] = table.frame[bound].astype("Int64").array
        wrong = (frame["lower"] > frame["upper"]) | (frame["lower"] < 0)
        wrong = wrong.fillna(False) | (frame["lower"].isna() != frame["upper"].isna())
        if wrong.any():
            cell = " × ".join(str(code) for code in frame.loc[wrong, list(table.dims)].iloc[0])
            raise AmparoError(
                "The published interval of a cell is not one (lower above upper, below zero, or half missing).",
                where=f"{table.name}, {cell}",
                remedy="Look up the cell in the source and correct the reading.",
            )
        rule = (
            f"Counts as already published by {table.source}; where the source gives a range (such as <5) the "
            "range is kept. Nothing was added, rounded or withheld here."
        )
        tables.append(_seal_table(table, frame, rule, source=table.source))
    return _seal_release(tables, Rule(threshold=1), provenance)


def _only(tables: Sequence[object], kind: type) -> None:
    for table in tables:
        if not isinstance(table, kind):
            raise TypeError(f"Expected {kind.__name__}, got {type(table).__name__}.")


def _codes(frame: pd.DataFrame, dims: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({dim: frame[dim].astype(str).to_numpy(dtype=object) for dim in dims})


def _seal_table(table: PrivateTable | PublishedTable, frame: pd.DataFrame, rule: str, *, source: str) -> ReleasedTable:
    frame["status"] = "exact"
    frame.loc[(frame["lower"] < frame["upper"]).fillna(False), "status"] = "interval"
    frame.loc[frame["lower"].isna(), "status"] = "withheld"
    # Rows that came ordered by their count would tell the order of the withheld ones.
    frame = frame.sort_values(list(table.dims), kind="stable", ignore_index=True) if table.dims else frame
    return ReleasedTable(
        name=table.name,
        unit=table.unit,
        dims=tuple(table.dims),
        overlapping=frozenset(table.overlapping),
        method=table.method,
        rule=rule,
        source=source,
        _frame=frame,
        seal=_SEAL,
    )


def _seal_release(
    tables: Sequence[ReleasedTable],
    rule: Rule,
    provenance: Mapping[str, str],
    prevalence: ReleasedPrevalence | None = None,
) -> Release:
    named = {table.name: table for table in tables}
    if len(named) != len(tables):
        names = [table.name for table in tables]
        twice = next(name for name in names if names.count(name) > 1)
        raise AmparoError(f"Two tables bear the name {twice}.", remedy="Give each table a name of its own.")
    return Release(MappingProxyType(named), rule, MappingProxyType(dict(provenance)), prevalence, seal=_SEAL)
