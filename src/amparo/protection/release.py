"""The released types, and the two ways to one.

``statistics`` counts and gives private tables; ``report`` writes releases. Between them stands this
module: only ``release`` (which withholds, rounds or adds noise, and audits what it leaves) and
``republish`` (which passes on what somebody else has already published) make a Release.

What the seal holds: a Release cannot be made by calling its constructor, by ``dataclasses.replace``,
by subclassing, by copying or by unpickling, and what it holds cannot be changed through it. What it
cannot hold: code in the same process that sets out to forge one with ``object.__setattr__`` or by taking
this module's seal. Python has no defence against its own process; the seal is against mistakes.

Source: Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 (the rules); the rest is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from amparo.protection.audit import propagated
from amparo.protection.cell_key import Noise
from amparo.protection.cells import Shape, gather
from amparo.protection.prevalence import ReleasedPrevalence
from amparo.protection.rounding import controlled_rounding
from amparo.protection.suppression import Dominance, PPercent, withheld_cells
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable, PublishedTable

_SEAL = object()


def _unsealed(what: str) -> NoReturn:
    raise TypeError(f"{what} is made by amparo.protection.release or republish, and in no other way.")


@dataclass(frozen=True)
class Rule:
    """How counts are protected: withheld, rounded or given noise.

    Parameters
    ----------
    threshold : counts of 1 to ``threshold - 1`` are withheld; 1 withholds nothing, as with the other two methods.
    dominance : what single lists may contribute to a count that is shown, beside the threshold.
    rounding : the base whose multiples are shown instead of counts.
    noise : the noise that is added to counts by their cell keys.

    Raises
    ------
    AmparoError : the numbers make no rule, or two methods are asked for at once.
    """

    threshold: int = 10
    dominance: Dominance | PPercent | None = None
    rounding: int | None = None
    noise: Noise | None = None

    def __post_init__(self) -> None:
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int) or self.threshold < 1:
            raise AmparoError(
                f"The threshold {self.threshold!r} is not a whole number of 1 or more.",
                remedy="Give the smallest count that may be shown, for example 10.",
            )
        if self.rounding is not None and (not isinstance(self.rounding, int) or self.rounding < 2):
            raise AmparoError(
                f"The base {self.rounding!r} is not a whole number of 2 or more.",
                remedy="Give the number whose multiples are shown, for example 5.",
            )
        withholds = self.threshold > 1 or self.dominance is not None
        if withholds + (self.rounding is not None) + (self.noise is not None) > 1:
            raise AmparoError(
                "A release withholds, rounds or adds noise; together they would undo each other.",
                remedy="Choose one; with rounding or noise the threshold is 1.",
            )

    @property
    def fewest(self) -> int:
        """Possible counts left of a small one: the threshold; the base of a rounding; D + 1 with noise."""
        return self.rounding or (self.noise.largest + 1 if self.noise is not None else self.threshold)

    def sentence(self) -> str:
        """The rule in words, for the reader of a table."""
        if self.rounding is not None:
            return (
                f"Counts are multiples of {self.rounding}, and still add up; each stands for all counts of its range. "
                "Which of the two nearest multiples is shown was drawn by lot."
            )
        if self.noise is not None:
            return (
                f"Noise of at most {self.noise.largest} was added to each count above zero; it has a variance of "
                f"{self.noise.variance:g}, mean zero, and is always the same for the same records. Each range holds "
                "the true count; totals got noise of their own, so ranges need not add up."
            )
        further = f" {self.dominance.sentence()}" if self.dominance is not None else ""
        if self.threshold == 1:
            return f"No count is withheld for being small.{further}" if further else "No count is withheld."
        small = "1" if self.threshold == 2 else f"1 to {self.threshold - 1}"
        return (
            f"Counts of {small} are withheld, and so are the further counts from which they could be worked "
            "out; the two kinds look alike. Zeros, and counts of what was not recorded, are shown. What is shown "
            f"leaves each small count open to at least {self.threshold} values.{further}"
        )


RULES = (
    "threshold:10",
    "threshold:10,dominance:1:0.85",
    "threshold:10,p-percent:0.1",
    "rounding:5",
    "cell-key:D=3,V=2",
)
"""One example of each rule that ``parse_rule`` reads."""


def parse_rule(text: str) -> Rule:
    """A rule from the way people write it.

    Parameters
    ----------
    text : one of ``threshold:N``, with ``,dominance:n:share`` (more than the share from the n largest lists) or
        ``,p-percent:p`` (a share, 0.1 for 10%) after it or alone; ``rounding:base``; ``cell-key:D=d,V=v``.

    Raises
    ------
    AmparoError : it is none of these, or its numbers make no rule.
    """
    known = AmparoError(f"Unknown rule: {text!r}.", remedy=f"Write it as one of: {'; '.join(RULES)}.")
    compact = text.replace(" ", "")
    if noise := re.fullmatch(r"cell-key:D=(\d+),V=(\d+(?:\.\d+)?)", compact):
        return Rule(threshold=1, noise=Noise(int(noise[1]), float(noise[2])))
    if rounding := re.fullmatch(r"rounding:(\d+)", compact):
        return Rule(threshold=1, rounding=int(rounding[1]))
    threshold: int | None = None
    dominance: Dominance | PPercent | None = None
    for part in compact.split(","):
        if (found := re.fullmatch(r"threshold:(\d+)", part)) and threshold is None:
            threshold = int(found[1])
        elif (found := re.fullmatch(r"dominance:(\d+):(\d*\.?\d+)", part)) and dominance is None:
            dominance = Dominance(int(found[1]), float(found[2]))
        elif (found := re.fullmatch(r"p-percent:(\d*\.?\d+)", part)) and dominance is None:
            dominance = PPercent(float(found[1]))
        else:
            raise known
    return Rule(threshold=1 if threshold is None else threshold, dominance=dominance)


@dataclass(frozen=True, eq=False)
class ReleasedTable:
    """A table that may be shown to anybody.

    ``frame`` has the columns ``dims`` (codes, string; "_T" is the total, "_X" not recorded), ``lower``,
    ``upper`` (Int64, inclusive; in ``unit``; both null when withheld) and ``status`` ("exact",
    "interval" or "withheld"), sorted by its codes. Combinations without a row count zero. Each look at ``frame``
    gives a copy. Categories of ``overlapping`` dimensions may hold at once and do not add up to their total.

    Where counts were rounded or got noise every row is an interval that holds the true count; what is shown for it is
    ``upper`` less the base less 1, or less the largest noise. Every combination then has a row, for zero may stand
    for a few.

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
    seed: int | None = None,
) -> Release:
    """Protect all tables jointly as the rule asks, audit the outcome, and only then release it.

    Parameters
    ----------
    private : all tables that will be shown side by side; a cell that several of them show is one cell.
    rule : by default counts of 1 to 9 are withheld.
    provenance : version, seed, inputs' SHA-256, date: whatever says where the counts came from.
    prevalence : the estimate of the undetected, where there is one.
    seed : of the draws of a rounding; who knows it can narrow the counts, so it stays out of ``provenance``.

    Raises
    ------
    TypeError : something other than a PrivateTable came in.
    AmparoError : two tables disagree on a cell, totals and parts disagree, no pattern passes the audit, or a table
        lacks what the rule needs (contributions, keys, a seed).
    """
    rule = rule or Rule()
    _only(private, PrivateTable)
    if rule.rounding is not None:
        frames, sentence = _rounded(private, rule, rule.rounding, seed)
    elif rule.noise is not None:
        frames, sentence = _noisy(private, rule.noise), rule.sentence()
    else:
        frames, sentence = _withheld(private, rule), rule.sentence()
    tables = [_seal_table(t, frame, sentence, source="") for t, frame in zip(private, frames, strict=True)]
    return _seal_release(tables, rule, provenance, prevalence)


def _withheld(private: Sequence[PrivateTable], rule: Rule) -> list[pd.DataFrame]:
    further = {"dominance": rule.dominance} if rule.dominance is not None else {}
    frames = []
    for table, mask in zip(private, withheld_cells(private, rule.threshold, **further), strict=True):
        frame = _codes(table.frame, table.dims)
        frame["lower"] = frame["upper"] = table.frame["count"].astype("Int64").mask(mask).array
        frames.append(frame)
    return frames


def _rounded(
    private: Sequence[PrivateTable], rule: Rule, base: int, seed: int | None
) -> tuple[list[pd.DataFrame], str]:
    if seed is None:
        raise AmparoError("Rounding draws lots and has no seed.", remedy="Give a whole number and keep it private.")
    found = controlled_rounding(private, base, seed=seed)
    far = found.reach * base - 1
    frames = [_ranges(table, values, far) for table, values in zip(private, found.values, strict=True)]
    _none_found_out(private, frames)
    if found.reach == 1:
        return frames, rule.sentence()
    return frames, (
        f"Counts are multiples of {base}, and still add up. No rounding of these tables to the nearest multiples adds "
        f"up: some counts are up to {far} away from what is shown, and each stands for all counts of its range."
    )


def _noisy(private: Sequence[PrivateTable], noise: Noise) -> list[pd.DataFrame]:
    frames = []
    for table in private:
        if table.keys is None:
            raise AmparoError(
                "Noise by cell keys needs the keys of the records.",
                where=f"table {table.name}",
                remedy='Add them by with_record_keys, and count with tabulate(..., key="record_key").',
            )
        values = noise.perturb(table.frame["count"].to_numpy(dtype=np.int64), table.keys)
        frames.append(_ranges(table, values, noise.largest))
    _none_found_out(private, frames)
    return frames


def _ranges(table: PrivateTable, values: npt.NDArray[np.int64], far: int) -> pd.DataFrame:
    """One row per combination of the table's codes: the counts that lie within ``far`` of what is shown.

    A count that becomes zero must look like one that was zero, so all combinations have a row. What is shown above
    zero was not zero, since zeros stay.
    """
    shown = table.frame[list(table.dims)].astype(str).assign(value=values)
    codes = pd.MultiIndex.from_product([sorted(set(shown[dim])) for dim in table.dims], names=list(table.dims))
    frame = shown.set_index(list(table.dims))["value"].reindex(codes, fill_value=0).reset_index()
    value = frame.pop("value")
    frame["lower"] = (value - far).clip(lower=(value > 0).astype("int64")).astype("Int64")
    frame["upper"] = (value + far).astype("Int64")
    return frame.astype(dict.fromkeys(table.dims, object))


def _none_found_out(private: Sequence[PrivateTable], frames: Sequence[pd.DataFrame]) -> None:
    """Refuse ranges that, taken together, leave a count of one or more a single value.

    Raises
    ------
    AmparoError : names a table in which that happens, and never the count.
    """
    keys = [
        list(frame[list(t.dims)].itertuples(index=False, name=None)) for t, frame in zip(private, frames, strict=True)
    ]
    cells = gather(
        [
            Shape(t.name, t.unit, t.dims, t.overlapping, rows, complete=True)
            for t, rows in zip(private, keys, strict=True)
        ]
    )
    lower, upper = np.zeros(len(cells.names)), np.full(len(cells.names), np.inf)
    for frame, ids in zip(frames, cells.of_rows, strict=True):
        np.maximum.at(lower, ids, frame["lower"].to_numpy(dtype=np.float64))
        np.minimum.at(upper, ids, frame["upper"].to_numpy(dtype=np.float64))
    lower, upper = propagated(cells.relations, lower, upper)
    exact = (lower == upper) & (upper > 0)
    if exact.any():
        table = next(t for t, ids in zip(private, cells.of_rows, strict=True) if exact[ids].any())
        raise AmparoError(
            f"The ranges of all tables together leave {int(exact.sum())} counts a single value.",
            where=f"table {table.name}",
            remedy="Use noise with a larger D or a larger base, or publish fewer totals together.",
        )


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
