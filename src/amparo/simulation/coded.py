"""Columns of codes as whole numbers, so that a million persons are a few array operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Single:
    """One code per row: positions in ``codes``; -1 where there is none."""

    codes: tuple[str, ...]
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Ints) -> Single:
        """Some of the rows."""
        return Single(self.codes, self.index[rows])

    def equals(self, code: str) -> Bools:
        """Where the code holds."""
        return np.equal(self.index, self.codes.index(code))

    def texts(self, write: Callable[[str], str]) -> Texts:
        """Each code as ``write`` has it; '' where there is none."""
        return texts_of([*(write(code) for code in self.codes), ""])[self.index]

    def arrow(self) -> pa.Array:
        """Strings, null where there is none."""
        return pa.array([*self.codes, None], pa.string()).take(pa.array(self.index % (len(self.codes) + 1)))


@dataclass(frozen=True)
class Several:
    """Any number of codes per row: bit k of ``mask`` says whether ``codes[k]`` holds."""

    codes: tuple[str, ...]
    mask: Ints

    def __len__(self) -> int:
        return len(self.mask)

    @classmethod
    def of(cls, codes: Sequence[str], holds: Bools) -> Several:
        """From a matrix of shape (rows, codes)."""
        return cls(tuple(codes), holds @ (1 << np.arange(len(codes), dtype=np.int64)))

    def take(self, rows: Ints) -> Several:
        """Some of the rows."""
        return Several(self.codes, self.mask[rows])

    def has(self, *codes: str) -> Bools:
        """Where any of the codes holds."""
        wanted = sum(1 << self.codes.index(code) for code in codes)
        return np.asarray((self.mask & wanted) != 0)

    def without_some(self, share: float, random: np.random.Generator) -> Several:
        """The same with a share of the codes gone, but none of the rows left without any."""
        keep = np.zeros(len(self.mask), np.int64)
        for bit in range(len(self.codes)):
            keep |= (random.random(len(self.mask)) >= share).astype(np.int64) << bit
        kept = self.mask & keep
        return Several(self.codes, np.where(kept == 0, self.mask, kept))

    def _distinct(self) -> tuple[list[list[str]], Ints]:
        masks, index = np.unique(self.mask, return_inverse=True)
        lists = [[code for k, code in enumerate(self.codes) if mask >> k & 1] for mask in masks.tolist()]
        return lists, index

    def texts(self, write: Callable[[str], str], separator: str) -> Texts:
        """The codes of each row in one cell; '' where there are none."""
        lists, index = self._distinct()
        return texts_of([separator.join(write(code) for code in codes) for codes in lists])[index]

    def arrow(self) -> pa.Array:
        """Lists of strings."""
        lists, index = self._distinct()
        return pa.array(lists, pa.list_(pa.string())).take(pa.array(index))


def texts_of(values: Sequence[str]) -> Texts:
    """An array of Python strings."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def date_array(days: Days) -> pa.Array:
    """Dates; null where there is none."""
    return pa.array(days.astype("datetime64[D]"), pa.date32())


def day_text(day: np.datetime64, pattern: str) -> str:
    """One day by a ``strftime`` pattern."""
    return str(day_texts(np.array([day]), pattern)[0])


def day_texts(days: Days, pattern: str) -> Texts:
    """Each day by a ``strftime`` pattern; '' where there is none."""
    distinct, index = np.unique(days, return_inverse=True)
    return texts_of(["" if day is None else day.strftime(pattern) for day in distinct.tolist()])[index]


def number_texts(numbers: Ints) -> Texts:
    """Each whole number in digits."""
    distinct, index = np.unique(numbers, return_inverse=True)
    return texts_of([str(number) for number in distinct.tolist()])[index]


def days_after(days: Days, count: Ints) -> Days:
    """Each day moved by a number of days."""
    return np.asarray(days + count.astype("timedelta64[D]"))


def years_between(birth: Days, at: Days) -> Ints:
    """Completed years of age."""
    years = at.astype("datetime64[Y]").astype(int) - birth.astype("datetime64[Y]").astype(int)
    before = _in_year(at) < _in_year(birth)
    return np.asarray(years - before, dtype=np.int64)


def _in_year(days: Days) -> Ints:
    """Month and day of the month as one number that grows through the year."""
    month, day = month_and_day(days)
    return month * 32 + day


def month_and_day(days: Days) -> tuple[Ints, Ints]:
    """Month (1 to 12) and day of the month (1 to 31)."""
    months = days.astype("datetime64[M]")
    return months.astype(np.int64) % 12 + 1, (days - months).astype(np.int64) + 1
