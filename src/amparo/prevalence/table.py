"""The capture table: how many persons are on which lists.

A capture history says on which of the lists a person is. The table counts the persons of each history; the
one history that nobody can see, on no list at all, is what multiple systems estimation is about.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amparo.standard.errors import AmparoError

MOST_LISTS = 12
DRAW = "draw"
"""Column that numbers plausible linkages; see ``imputation``."""


@dataclass(frozen=True)
class CaptureTable:
    """Counts of persons by capture history.

    Parameters
    ----------
    lists : names of the 2 to 12 lists.
    counts : persons per history, shape (2**len(lists),). Bit i of the index says whether the person is on
        list i; index 0, on no list, is 0.

    Raises
    ------
    AmparoError : the table cannot carry an estimate; says why and what to do.
    """

    lists: tuple[str, ...]
    counts: NDArray[np.float64]

    def __post_init__(self) -> None:
        problem = _problem(self.lists, self.counts)
        if problem:
            raise AmparoError(*problem[:1], remedy=problem[1])

    @cached_property
    def observed(self) -> int:
        """Persons on at least one list."""
        return int(self.counts.sum())

    @cached_property
    def histories(self) -> NDArray[np.int64]:
        """Shape (2**lists, lists) of 0 and 1: row h is the capture history with index h."""
        index = np.arange(len(self.counts))
        return (index[:, None] >> np.arange(len(self.lists))) & 1

    def pair_names(self, pairs: Sequence[tuple[int, int]]) -> list[str]:
        """The pairs of lists in words, such as ``police × shelter``."""
        return [f"{self.lists[i]} × {self.lists[j]}" for i, j in pairs]

    def without(self, lists: Sequence[int]) -> CaptureTable:
        """The table that remains when these lists are left out; who was on no other is no longer seen."""
        keep = [i for i in range(len(self.lists)) if i not in lists]
        return self._regroup(tuple(self.lists[i] for i in keep), [[i] for i in keep])

    def merged(self, groups: Sequence[Sequence[int]]) -> CaptureTable:
        """The table in which each group of lists counts as one list."""
        names = tuple("+".join(self.lists[i] for i in group) for group in groups)
        return self._regroup(names, groups)

    def _regroup(self, names: tuple[str, ...], groups: Sequence[Sequence[int]]) -> CaptureTable:
        on = np.stack([self.histories[:, list(group)].any(axis=1) for group in groups], axis=1)
        index = on @ (1 << np.arange(len(groups)))
        counts = np.bincount(index, weights=self.counts, minlength=2 ** len(groups)).astype(np.float64)
        counts[0] = 0
        return CaptureTable(names, counts)


def _problem(lists: Sequence[str], counts: NDArray[np.float64]) -> tuple[str, str] | None:
    """Why the table cannot carry an estimate, and what to do; None if it can."""
    t = len(lists)
    if t < 2:
        return "There is one list only; what is missed by one list cannot be seen.", "Give two lists or more."
    if t > MOST_LISTS:
        return f"There are {t} lists; at most {MOST_LISTS} are possible.", "Merge lists of the same kind first."
    if len(counts) != 2**t:
        return f"There must be {2**t} counts for {t} lists, not {len(counts)}.", "Give every history once."
    if not np.isfinite(counts).all() or (counts < 0).any() or (counts != np.round(counts)).any():
        wrong = next(value for value in counts if not np.isfinite(value) or value < 0 or value != round(value))
        return f"{wrong:g} is not a count of persons.", "Counts are whole numbers of 0 or more."
    if counts[0]:
        return "There is a count of persons who are on no list.", "Leave that row out: nobody can have seen them."
    on_list = [counts[(np.arange(2**t) >> i & 1).astype(bool)].sum() for i in range(t)]
    empty = [name for name, persons in zip(lists, on_list, strict=True) if not persons]
    if empty:
        return f"Nobody is on the list {', '.join(empty)}.", "Leave the list out."
    overlaps = sum(counts[h] for h in range(2**t) if h & (h - 1))
    if not overlaps:
        return (
            "No person is on two lists, so the lists say nothing of each other.",
            "Link the lists first, or use lists that can meet the same persons.",
        )
    return None


def read_capture_table(path: Path, *, strata: Sequence[str] = ()) -> dict[tuple[str, ...], CaptureTable]:
    """Read capture histories from a CSV file: one 0/1 column per list, the last column the number of persons.

    Parameters
    ----------
    path : the file, with a header. Histories that do not occur may be left out or have the count 0; a history
        that occurs twice is added up.
    strata : columns that are not lists but split the table, such as ``sex``.

    Returns
    -------
    The table of each stratum by its values; without strata, the one table under ``()``.

    Raises
    ------
    AmparoError : naming the file, row and column that cannot be used.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError) as error:
        raise AmparoError(
            f"it cannot be read ({error}).", remedy="Give a CSV file in UTF-8.", where=str(path)
        ) from None
    if len(rows) < 2:
        raise AmparoError("it has no rows.", remedy="Give a header and a row per capture history.", where=str(path))
    header = [name.strip() for name in rows[0]]
    missing = [name for name in strata if name not in header]
    if missing:
        raise AmparoError(f"there is no column {missing[0]!r}.", remedy=f"Known: {', '.join(header)}.", where=str(path))
    lists = tuple(name for name in header[:-1] if name not in strata)
    if len(lists) > MOST_LISTS:
        raise AmparoError(
            f"there are {len(lists)} lists; at most {MOST_LISTS} are possible.",
            remedy="Merge lists of the same kind first.",
            where=str(path),
        )
    counts: dict[tuple[str, ...], NDArray[np.float64]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise AmparoError(
                f"{len(row)} cells, expected {len(header)}.", remedy="Mend the row.", where=f"{path}, row {number}"
            )
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        history = sum(_bit(cells[name], path, number, name) << i for i, name in enumerate(lists))
        stratum = tuple(cells[name] for name in strata)
        counts.setdefault(stratum, np.zeros(2 ** len(lists)))[history] += _count(
            cells[header[-1]], path, number, header[-1]
        )
    return {stratum: _table(lists, values, path, stratum) for stratum, values in counts.items()}


def _table(lists: tuple[str, ...], counts: NDArray[np.float64], path: Path, stratum: tuple[str, ...]) -> CaptureTable:
    try:
        return CaptureTable(lists, counts)
    except AmparoError as error:
        where = f"{path}, {' '.join(stratum)}" if stratum else str(path)
        raise AmparoError(error.message, remedy=error.remedy, where=where) from None


def _bit(cell: str, path: Path, row: int, column: str) -> int:
    if cell not in ("0", "1"):
        raise AmparoError(
            f"{cell!r} is neither 0 nor 1.",
            remedy="Say 1 where the person is on the list; name columns that split the table with --strata.",
            where=f'{path}, row {row}, column "{column}"',
        )
    return int(cell)


def _count(cell: str, path: Path, row: int, column: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not (value >= 0 and value == int(value)) if np.isfinite(value) else True:
        raise AmparoError(
            f"{cell!r} is not a count of persons.",
            remedy="Counts are whole numbers of 0 or more.",
            where=f'{path}, row {row}, column "{column}"',
        )
    return value


def all_pairs(lists: int) -> tuple[tuple[int, int], ...]:
    """Every pair of lists, in the order of the columns of the design."""
    return tuple(itertools.combinations(range(lists), 2))


def pooled(tables: Mapping[tuple[str, ...], CaptureTable]) -> CaptureTable:
    """The table of all strata together."""
    first = next(iter(tables.values()))
    return CaptureTable(first.lists, np.sum([table.counts for table in tables.values()], axis=0))


def read_draws(path: Path) -> list[CaptureTable]:
    """The capture table of each plausible linkage in a file with a column ``draw``; without one, the one table.

    Raises
    ------
    AmparoError : as :func:`read_capture_table`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = [name.strip() for name in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError):
        header = []  # read_capture_table says what is wrong
    tables = read_capture_table(path, strata=[DRAW] if DRAW in header else [])
    return list(tables.values())
