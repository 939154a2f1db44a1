"""What a cell means: one reading for each distinct text of a column, whatever the number of rows.

Three answers are kept apart: missing (nothing was recorded: null), unknown (the source says that it is not known) and
none (the source says that it is absent). A text that is none of these and cannot be read is a fault, told with what
was expected and what to do.

Dates: ISO 8601 always; else the crosswalk's order, never another; parts may be absent (``2021-03``, ``2021``) and
months may be named in the six languages (CLDR names, through Babel). An Excel serial number is no date.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from amparo.standard import countries
from amparo.standard.variables import LANGUAGES, NONE, UNKNOWN, Variable, code_list, codes_by_label, comparable

PRECISIONS = ("day", "month", "year")
MOST_PERSONS = 1_000_000
"""No cell of a table counts more victims or offenders; the world detects some 50,000 victims a year (UNODC 2022)."""
RANGES: Mapping[str, tuple[int, int]] = {
    "age": (0, 120),
    "age_at_recruitment": (0, 120),
    "perpetrator_age": (0, 120),
    "duration_months": (0, 1_200),
    "registration_year": (1980, 9999),
    "year": (1980, 9999),
}
"""Plausible values, both ends included; years end with the current one."""
_FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell is refused: reason, what was expected, and what to do."""

    reason: str
    expected: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means. ``value`` is None where it is missing, unknown or refused.

    The value is a tuple of codes (code and country variables), an int, a text, a ``(first day, precision)`` pair
    (dates) or a ``(lower, upper)`` pair (counts).
    """

    value: Any = None
    unknown: bool = False
    fault: Fault | None = None


MISSING = Reading()


@dataclass(frozen=True)
class Rules:
    """What a crosswalk says about one column, ready to be asked."""

    variable: Variable
    column: str
    codes: Mapping[str, tuple[str, ...]]
    unknown: frozenset[str]
    missing: frozenset[str]
    separator: str
    date_order: str
    today: date

    def read(self, text: str | None) -> Reading:
        """The reading of one text."""
        if text is None:
            return MISSING
        if self.variable.type == "text":
            return Reading(text.strip()) if comparable(text) not in self.missing else MISSING
        plain = comparable(text)
        given = self.codes.get(plain)
        if given is not None:
            if self.variable.type in ("code", "codes", "country", "countries"):
                return self._known(given)
            if given == (UNKNOWN,):
                return Reading(unknown=True)
            if not given:
                return MISSING
            text, plain = given[0], comparable(given[0])
        if not plain or plain in self.missing:
            return MISSING
        if plain in self.unknown:
            return self._known((UNKNOWN,))
        return _READERS[self.variable.type](self, text, plain)

    def _known(self, codes: tuple[str, ...]) -> Reading:
        if codes == (UNKNOWN,) and self.variable.type in ("country", "date", "integer", "count"):
            return Reading(unknown=True)
        if self.variable.type in ("code", "country") and len(codes) > 1:
            return self._one_only(codes)
        if NONE in codes and len(codes) > 1:
            return Reading(
                fault=Fault("the cell says none and also something", "either none or what holds", "Ask the source.")
            )
        return Reading(codes or None)

    def _one_only(self, codes: Iterable[str]) -> Reading:
        return Reading(
            fault=Fault(
                f"several values ({', '.join(codes)}) where one can hold",
                "one value",
                "Ask the source which holds.",
            )
        )

    def _parts(self, text: str) -> list[str]:
        if not self.separator or self.separator not in text:
            return [text]
        return [part for part in text.split(self.separator) if part.strip()]

    def _read_codes(self, text: str, plain: str) -> Reading:
        known = codes_by_label(self.variable.codes)
        return self._each(text, plain, known.get, self._expected_codes)

    def _read_countries(self, text: str, plain: str) -> Reading:
        return self._each(text, plain, find_country, lambda: "a country: ISO 3166 code or UN name in six languages")

    def _each(self, text: str, plain: str, find: Callable[[str], str | None], expected: Callable[[], str]) -> Reading:
        whole = find(plain)
        if whole is not None:
            return self._known((whole,))
        found: list[str] = []
        for part in self._parts(text):
            bare = comparable(part)
            code = find(bare)
            if bare in self.codes:
                found.extend(self.codes[bare])
            elif bare in self.unknown:
                found.append(UNKNOWN)
            elif code is not None:
                found.append(code)
            elif bare not in self.missing:
                return Reading(
                    fault=Fault(
                        f"{part.strip()!r} is not in the crosswalk nor in the standard",
                        expected(),
                        f"Correct it, or add to the crosswalk under [columns.{_quoted(self.column)}.codes]: "
                        f'{_quoted(part.strip())} = "…"',
                    )
                )
        return self._known(tuple(known_first(found)))

    def _expected_codes(self) -> str:
        own = list(self.codes) or list(code_list(self.variable.codes))
        return "known: " + ", ".join(own[:12]) + (", …" if len(own) > 12 else "")

    def _read_integer(self, text: str, plain: str) -> Reading:
        lowest, highest = RANGES.get(self.variable.name, (0, 2**31 - 1))
        if highest == 9999:
            highest = self.today.year
        expected = f"a whole number from {lowest} to {highest}"
        match = _INTEGER.fullmatch(_ungrouped(plain))
        if match is None:
            return Reading(fault=Fault("not a whole number", expected, _ASK))
        number = int(match[1])
        if not lowest <= number <= highest:
            return Reading(fault=Fault("out of the plausible range", expected, _ASK))
        return Reading(number)

    def _read_count(self, text: str, plain: str) -> Reading:
        below = _BELOW.fullmatch(plain)
        if below is not None and 1 < int(below[1]) <= 1000:
            return Reading((0, int(below[1]) - 1))
        number = _INTEGER.fullmatch(_ungrouped(plain))
        if number is None or int(number[1]) < 0:
            return Reading(fault=Fault("not a count", "a number from 0, or <N", _ASK))
        if int(number[1]) > MOST_PERSONS:
            expected = f"a number of persons up to {MOST_PERSONS:,}"
            return Reading(fault=Fault("out of the plausible range", expected, _ASK))
        return Reading((int(number[1]), int(number[1])))

    def _read_date(self, text: str, plain: str) -> Reading:
        found = parse_date(plain, self.date_order)
        expected = f"a date as YYYY-MM-DD or in the order {self.date_order}; YYYY-MM and YYYY are dates too"
        if found is None:
            return Reading(fault=Fault("not a date", expected, f"{_ASK} Or correct date_order in the crosswalk."))
        first, _ = found
        if first > self.today:
            return Reading(fault=Fault("the date lies in the future", f"a date up to {self.today}", _ASK))
        if first.year < _FIRST_YEAR:
            return Reading(fault=Fault("the date is too early", f"a date from {_FIRST_YEAR}", _ASK))
        return Reading(found)


_ASK = "Ask the source and correct the cell."
_INTEGER = re.compile(r"([+-]?\d{1,15})(?:[.,]0{1,2})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[.,' ]\d{3})+")
_BELOW = re.compile(r"<\s*(\d{1,4})")

_READERS: Mapping[str, Callable[[Rules, str, str], Reading]] = {
    "code": Rules._read_codes,
    "codes": Rules._read_codes,
    "country": Rules._read_countries,
    "countries": Rules._read_countries,
    "integer": Rules._read_integer,
    "count": Rules._read_count,
    "date": Rules._read_date,
}


def _ungrouped(plain: str) -> str:
    """A whole number without what parts its thousands; three digits after a comma are never decimals of a count."""
    return re.sub(r"[.,' ]", "", plain) if _GROUPED.fullmatch(plain) else plain


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def find_country(plain: str) -> str | None:
    """ISO 3166-1 alpha-3 of a country's code or name; ``unknown`` and ``none`` as they are."""
    if plain in (UNKNOWN, NONE):
        return plain
    return countries.find(plain)


def known_first(codes: Iterable[str]) -> list[str]:
    """Codes once each; ``unknown`` only where nothing is known."""
    distinct = list(dict.fromkeys(codes))
    known = [code for code in distinct if code != UNKNOWN]
    return known or distinct


# --- dates -------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[t ]\d{1,2}:.*)?")
_TRIPLE = re.compile(r"(\d{1,2})\s?[-/. ]\s?(\d{1,2})\s?[-/. ]\s?(\d{4}|\d{2})(?: \d{1,2}:.*)?")
_MONTH_YEAR = re.compile(r"(\d{1,2})\s?[-/.]\s?(\d{4})")
_YEAR = re.compile(r"(\d{4})年?")
_CHINESE = re.compile(r"(\d{4})\s?年\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?[日号])?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WORDS = re.compile(r"[^\W\d_]+")


def parse_date(plain: str, order: str) -> tuple[date, str] | None:
    """First day and precision (``day``, ``month``, ``year``) of a normalised date text; None where it is no date."""
    if match := _ISO.fullmatch(plain) or _CHINESE.fullmatch(plain) or _COMPACT.fullmatch(plain):
        return _made(match[1], match[2], match[3])
    if match := _YEAR.fullmatch(plain):
        return _made(match[1], None, None)
    if match := _MONTH_YEAR.fullmatch(plain):
        return _made(match[2], match[1], None)
    if match := _TRIPLE.fullmatch(plain):
        first, second, third = match[1], match[2], match[3]
        if order == "YMD":
            return _made(first, second, third) if len(third) == 2 else None
        day, month = (first, second) if order == "DMY" else (second, first)
        return _made(third, month, day)
    return _named_month(plain, order)


def _made(year_text: str, month_text: str | None, day_text: str | None) -> tuple[date, str] | None:
    year, month, day = int(year_text), int(month_text or 0), int(day_text or 0)
    if len(year_text) <= 2:
        year += 2000 if year <= date.today().year - 2000 else 1900
    if year < 1:
        return None
    if month == 0:
        return (date(year, 1, 1), "year") if day == 0 else None
    if month > 12 or day > calendar.monthrange(year, month)[1]:
        return None
    return (date(year, month, 1), "month") if day == 0 else (date(year, month, day), "day")


@cache
def _months() -> Mapping[str, int]:
    from babel.dates import get_month_names

    found: dict[str, int] = {}
    for language in (*LANGUAGES, "ar_SY", "ar_DZ"):
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in get_month_names(width, context, language).items():
                    found.setdefault(comparable(name).rstrip("."), number)
    return found


_FILLERS = frozenset(("de", "del", "of", "the", "г", "года", "st", "nd", "rd", "th", "er"))


def _named_month(plain: str, order: str) -> tuple[date, str] | None:
    words = [word for word in _WORDS.findall(plain) if word not in _FILLERS]
    month = _months().get(" ".join(words)) or (_months().get(words[0]) if len(words) == 1 else None)
    numbers = re.findall(r"\d+", plain)
    if month is None or not 1 <= len(numbers) <= 2:
        return None
    years = [number for number in numbers if len(number) == 4]
    days = [number for number in numbers if len(number) <= 2]
    if len(years) != 1 or len(years) + len(days) != len(numbers):
        return None
    return _made(years[0], str(month), days[0] if days else None)
