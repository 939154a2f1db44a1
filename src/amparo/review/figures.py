"""The counts of releases, as bounds: what any reader of the open data can know, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import pandas as pd

from amparo.protection.audit import feasible_bounds
from amparo.protection.prevalence import ReleasedPrevalence
from amparo.protection.release import Release, ReleasedTable
from amparo.review.intervals import ZERO, Interval, total
from amparo.standard.errors import AmparoError
from amparo.standard.variables import NO_INFORMATION, NOT_RECORDED, OTHER_OR_NOT_RECORDED, TOTAL, UNKNOWN

Codes = Mapping[str, str]


class TableMissing(LookupError):
    """No release holds the table."""


class CannotTell(LookupError):
    """The release holds the table, and yet it does not answer; ``args[0]`` is the reason's code."""


class Figures:
    """The tables of releases by name.

    Parameters
    ----------
    releases : such as the national tables and those of the referral desk.

    Raises
    ------
    TypeError : something other than a Release came in.
    AmparoError : two releases hold tables of one name.
    """

    def __init__(self, releases: Sequence[Release]) -> None:
        self.tables: dict[str, ReleasedTable] = {}
        self.release_of: dict[str, Release] = {}
        self.prevalence: ReleasedPrevalence | None = None
        self._hidden: dict[tuple[str, str], Interval] = {}
        self.recoverable = 0
        """Cells that are not shown, and whose interval all the same holds one value only."""
        for release in releases:
            if not isinstance(release, Release):
                raise TypeError(f"A review is made of releases, not of {type(release).__name__}.")
            self._take(release)
        years = [int(one.provenance["created"][:4]) for one in releases if "created" in one.provenance]
        self.before = str(min(years, default=9999))
        """The year of the release, which is not over and is not compared with others."""

    def _take(self, release: Release) -> None:
        for table in release:
            if table.name in self.tables:
                raise AmparoError(
                    f"Two releases hold a table {table.name}.", remedy="Review releases of different tables together."
                )
            self.tables[table.name], self.release_of[table.name] = table, release
        self.prevalence = self.prevalence or release.prevalence
        # Each release is bounded alone: its own tables are what it was audited with.
        found = feasible_bounds(release)
        for unit, cell, low, high in found[["unit", "cell", "lower", "upper"]].itertuples(index=False, name=None):
            self._hidden[unit, cell] = Interval(float(low), float(high))
        self.recoverable += int((found["lower"] == found["upper"]).sum())

    def table(self, name: str) -> ReleasedTable:
        """A table by its name; raises TableMissing."""
        if name not in self.tables:
            raise TableMissing(name)
        return self.tables[name]

    @cached_property
    def _cells(self) -> dict[str, dict[tuple[str, ...], Interval]]:
        return {name: self._read(table) for name, table in self.tables.items()}

    def _read(self, table: ReleasedTable) -> dict[tuple[str, ...], Interval]:
        frame = table.frame
        keys = frame[list(table.dims)].itertuples(index=False, name=None)
        cells = {}
        for key, low, high in zip(keys, frame["lower"], frame["upper"], strict=True):
            if not pd.isna(low) and low == high:
                cells[key] = Interval(float(low), float(high))
                continue
            codes = sorted((d, c) for d, c in zip(table.dims, key, strict=True) if c != TOTAL)
            name = ", ".join(f"{dim}={code}" for dim, code in codes) or "grand total"
            shown = Interval(1.0, float("inf")) if pd.isna(low) else Interval(float(low), float(high))
            cells[key] = self._hidden.get((table.unit, name), shown)
        return cells

    def codes(self, name: str, dim: str, *, informative: bool = True) -> list[str]:
        """The codes of a dimension without its total; ``informative`` leaves out those that tell nothing."""
        table = self.table(name)
        if dim not in table.dims:
            raise CannotTell("no-dimension", dim)
        leave = (TOTAL, *NO_INFORMATION) if informative else (TOTAL,)
        return [str(code) for code in sorted(table.frame[dim].unique()) if code not in leave]

    def years(self, name: str) -> list[str]:
        """The years that are over, in order."""
        return [year for year in self.codes(name, "year") if year.isdigit() and year < self.before]

    def count(self, name: str, **codes: str) -> Interval:
        """The count of a cell; dimensions that are not named are at their total.

        A cell without a row counts zero, except in a table that others published, where it is not known.
        """
        table = self.table(name)
        for dim in codes:
            if dim not in table.dims:
                raise CannotTell("no-dimension", dim)
        key = tuple(codes.get(dim, TOTAL) for dim in table.dims)
        if key not in self._cells[name] and table.source:
            raise CannotTell("not-published", ", ".join(key))
        return self._cells[name].get(key, ZERO)

    def not_recorded(self, name: str, dim: str, **codes: str) -> Interval:
        """Records that do not tell a dimension; the code for other or not recorded holds none to all of its own."""
        lost = total(self.count(name, **{**codes, dim: code}) for code in (NOT_RECORDED, UNKNOWN))
        return lost.plus(Interval(0, self.count(name, **{**codes, dim: OTHER_OR_NOT_RECORDED}).high))

    def recorded(self, name: str, dim: str, **codes: str) -> Interval:
        """Records that tell a dimension."""
        everybody = self.count(name, **codes)
        return everybody.less(self.not_recorded(name, dim, **codes)).within(0, everybody.high)
