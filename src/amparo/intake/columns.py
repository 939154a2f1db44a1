"""Columns of a batch as readings: each distinct text is interpreted once, then spread over the rows.

A variable's values in a batch are an index into its readings plus parallel arrays of numbers, so that checks across
columns are NumPy expressions over all rows at once.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from amparo.intake.interpret import MISSING, PRECISIONS, Fault, Reading, Rules, known_first
from amparo.standard.variables import NONE, UNKNOWN, Variable

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_STATE, _FIRST, _LAST, _PRECISION, _FIRST_YEAR, _FIRST_DAY, _LAST_YEAR, _LAST_DAY = range(8)
_WIDTH = 8
ABSENT, KNOWN, NOT_KNOWN, REFUSED = range(4)
"""State of a reading: missing; recorded; said to be unknown; refused."""

_EPOCH = date(1970, 1, 1).toordinal()
_MOST_DISTINCT = 200_000
"""Distinct texts of a column that are remembered between batches; more would take memory without saving time."""


class Readings:
    """A growing list of readings with their numbers, so that rows are compared without asking a reading again."""

    def __init__(self) -> None:
        self.all: list[Reading] = []
        self._new: list[tuple[int, ...]] = []
        self._array: Ints = np.empty((_WIDTH, 64), np.int64)
        self.add(MISSING)

    def add(self, reading: Reading) -> int:
        """Keep a reading; its position. Position 0 is what is missing."""
        self.all.append(reading)
        self._new.append(_numbers(reading))
        return len(self.all) - 1

    def array(self) -> Ints:
        """One column per reading; its rows are named by the constants ``_STATE`` to ``_LAST_DAY``."""
        if self._new:
            size, known = len(self.all), len(self.all) - len(self._new)
            if size > self._array.shape[1]:
                larger = np.empty((_WIDTH, 2 * size), np.int64)
                larger[:, :known] = self._array[:, :known]
                self._array = larger
            self._array[:, known:size] = np.array(self._new, np.int64).T
            self._new = []
        return self._array[:, : len(self.all)]


def _numbers(reading: Reading) -> tuple[int, ...]:
    state, low, high, precision, parts = ABSENT, 0, 0, 0, (0, 0, 0, 0)
    value = reading.value
    if reading.fault is not None:
        state = REFUSED
    elif reading.unknown or value == (UNKNOWN,):
        state = NOT_KNOWN
    elif value is not None:
        state = KNOWN
        if isinstance(value, int):
            low = high = value
        elif isinstance(value, tuple) and isinstance(value[0], date):
            first, last = value[0], _last(value[0], value[1])
            low, high = first.toordinal() - _EPOCH, last.toordinal() - _EPOCH
            precision = PRECISIONS.index(value[1])
            parts = (first.year, first.month * 32 + first.day, last.year, last.month * 32 + last.day)
        elif isinstance(value, tuple) and isinstance(value[0], int):
            low, high = value
    return state, low, high, precision, *parts


def _last(first: date, precision: str) -> date:
    if precision == "day":
        return first
    if precision == "month":
        return first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return first.replace(month=12, day=31)


@dataclass(frozen=True)
class Values:
    """One variable over the rows of a batch."""

    variable: Variable
    index: Ints
    readings: Readings

    def _spread(self, what: int) -> Ints:
        spread: Ints = self.readings.array()[what][self.index]
        return spread

    @cached_property
    def state(self) -> Ints:
        return self._spread(_STATE)

    @cached_property
    def known(self) -> Bools:
        known: Bools = self.state == KNOWN
        return known

    @cached_property
    def first(self) -> Ints:
        """The number, the first day (days since 1970-01-01), or the lower bound."""
        return self._spread(_FIRST)

    @cached_property
    def last(self) -> Ints:
        """The number, the last day of the date's period, or the upper bound."""
        return self._spread(_LAST)

    @cached_property
    def precision(self) -> Ints:
        """0 day, 1 month, 2 year."""
        return self._spread(_PRECISION)

    def calendar(self, *, last: bool) -> tuple[Ints, Ints]:
        """Year, and month × 32 + day, of the last (or first) day of dates."""
        if last:
            return self._spread(_LAST_YEAR), self._spread(_LAST_DAY)
        return self._spread(_FIRST_YEAR), self._spread(_FIRST_DAY)

    def has(self, *codes: str) -> Bools:
        """Whether any of the codes holds."""
        wanted = set(codes)
        hits = np.fromiter((bool(wanted.intersection(r.value or ())) for r in self.readings.all), np.bool_)
        rows: Bools = hits[self.index]
        return rows

    def codes(self) -> pa.Array:
        """Lists of codes."""
        lists = [list(r.value) if r.value else None for r in self.readings.all]
        return pa.array(lists, pa.list_(pa.string())).take(pa.array(self.index))

    def code(self) -> pa.Array:
        """One code each."""
        return pa.array([r.value[0] if r.value else None for r in self.readings.all], pa.string()).take(
            pa.array(self.index)
        )


class Interpreter:
    """Reads one column of the file, batch after batch."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._reset()

    def _reset(self) -> None:
        self.readings = Readings()
        self._position: dict[str, int] = {}

    def read(self, column: pa.StringArray) -> Values:
        """The readings of a batch of texts."""
        if len(self._position) > _MOST_DISTINCT:
            self._reset()
        encoded = column.dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        positions = list(map(self._position.get, texts))
        if None in positions:
            positions = [self._of(text) if p is None else p for text, p in zip(texts, positions, strict=True)]
        local = np.array([*positions, 0], np.int64)  # the last is a null's place
        index = encoded.indices.fill_null(len(local) - 1).to_numpy(zero_copy_only=False)
        return Values(self.rules.variable, local[index], self.readings)

    def _of(self, text: str) -> int:
        reading = self.rules.read(text)
        position = 0 if reading == MISSING else self.readings.add(reading)
        self._position[text] = position
        return position


class Union:
    """Joins several columns that feed one variable: codes are united, of other types the first recorded holds.

    Columns that contradict one another on a variable with one value are a fault.
    """

    def __init__(self, variable: Variable) -> None:
        self._variable = variable
        self._reset(())

    def _reset(self, parts: Sequence[Readings]) -> None:
        self._of = tuple(parts)
        self.readings = Readings()
        self._position: dict[tuple[int, ...], int] = {}

    def join(self, parts: Sequence[Values]) -> Values:
        """One value per row from the same row's value in each part."""
        stores = tuple(part.readings for part in parts)
        if len(self._position) > _MOST_DISTINCT or any(a is not b for a, b in zip(self._of, stores, strict=False)):
            self._reset(stores)
        self._of = stores
        key = parts[0].index
        first = np.arange(len(key))
        size = len(stores[0].all)
        for part in parts[1:]:
            if size > 2**62 // len(part.readings.all):
                key, first = _compressed(key)
                size = len(first)
            key = key * len(part.readings.all) + part.index
            size *= len(part.readings.all)
        key, first = _compressed(key)
        combos = (
            np.stack([part.index[first] for part in parts], axis=1) if len(first) else np.empty((0, len(parts)), int)
        )
        local = np.fromiter((self._reading_of(combo) for combo in combos.tolist()), np.int64, count=len(combos))
        return Values(self._variable, local[key] if len(local) else key, self.readings)

    def _reading_of(self, combo: list[int]) -> int:
        position = self._position.get(tuple(combo))
        if position is None:
            position = self.readings.add(
                united(self._variable, [store.all[i] for store, i in zip(self._of, combo, strict=True)])
            )
            self._position[tuple(combo)] = position
        return position


def _compressed(key: Ints) -> tuple[Ints, Ints]:
    """The key as positions among its distinct values, and the row at which each first stands."""
    encoded = pa.array(key).dictionary_encode()
    index: Ints = encoded.indices.to_numpy().astype(np.int64)
    first = np.zeros(len(encoded.dictionary), np.int64)
    first[index[::-1]] = np.arange(len(index))[::-1]
    return index, first


def united(variable: Variable, readings: Sequence[Reading]) -> Reading:
    """What several readings of one variable say together; refused ones are told where they stand."""
    told = [reading for reading in readings if reading.fault is None]
    values = [reading.value for reading in told if reading.value is not None]
    if variable.type in ("code", "codes", "country", "countries"):
        codes = known_first(code for value in values for code in value)
        codes = [code for code in codes if code != NONE] or codes
        if variable.type in ("code", "country") and len(codes) > 1:
            return _contradiction(codes)
        if codes:
            return Reading(tuple(codes))
    elif len(set(values)) > 1:
        return _contradiction([str(value) for value in values])
    elif values:
        return Reading(values[0])
    return Reading(unknown=True) if any(reading.unknown for reading in told) else MISSING


def _contradiction(values: Sequence[str]) -> Reading:
    return Reading(
        fault=Fault(
            f"the columns contradict one another ({', '.join(values)})",
            "one value",
            "Ask the source which holds.",
        )
    )
