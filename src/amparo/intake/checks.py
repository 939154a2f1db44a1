"""Checks across columns, and what follows from several columns together.

A row fails where two of its cells cannot both be true: which one is wrong only the source can tell, so that the row
waits in quarantine. A row is warned of, and kept, where the cells are merely unusual together. Dates of which only the
month or the year is known are compared as periods: a row fails only if no day of the one fits any day of the other.

| fails | warned of |
| --- | --- |
| birth after identification, recruitment, start or end of exploitation | identified before exploitation started |
| age differs by more than a year from birth date and identification | recruited after exploitation started |
| age outside the age band; age or band against child or adult | assistance began before identification |
| end of exploitation before its start; recruitment after the end | registered in a year before identification |
| months of exploitation against its dates (by more than 2) or its band | a sector without forced labour |
| age when first trafficked above the age | types of sexual exploitation without sexual exploitation |
| countries of transit without a country of exploitation | an intimate partner as recruiter of a child under 12 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from amparo.intake.columns import Bools, Ints, Values
from amparo.intake.interpret import Fault
from amparo.standard.variables import NONE, UNKNOWN, code_list

_BAND_EDGES = [
    (code, int(low), int(high))
    for code, low, high in (
        (code, *(code.removesuffix("+").split("-") + (["200"] if code.endswith("+") else [])))
        for code in code_list("age_band")
        if code != UNKNOWN
    )
]
AGE_BANDS = tuple(code for code, _, _ in _BAND_EDGES)
_ADULT = 18


@dataclass(frozen=True)
class Contradiction:
    """Rows in which cells contradict one another, told at the column of ``variable``."""

    rows: Bools
    variable: str
    fault: Fault


def _fault(reason: str, expected: str) -> Fault:
    return Fault(reason, expected, "Ask the source which cell is wrong and correct it.")


def age_range(birth: Values, at: Values) -> tuple[Ints, Ints]:
    """Smallest and largest completed years of age that two dates (or periods) allow; void where one is missing."""
    return _years(at, birth, last=False), _years(at, birth, last=True)


def _years(at: Values, birth: Values, *, last: bool) -> Ints:
    """Completed years at the last day of ``at`` from the first of ``birth``, or the other way round."""
    year, day = at.calendar(last=last)
    birth_year, birth_day = birth.calendar(last=not last)
    years: Ints = year - birth_year - (day < birth_day)
    return years


def _months_between(start: Ints, end: Ints) -> Ints:
    """Whole months from the start to the end, both days since 1970 (a month begun counts when half over)."""
    months: Ints = np.rint((end - start + 1) / 30.4375).astype(np.int64)
    return months


def contradictions(values: Mapping[str, Values], today: date) -> list[Contradiction]:
    """Every pair of cells that cannot both be true."""
    found: list[Contradiction] = []

    def fail(rows: Bools, variable: str, reason: str, expected: str) -> None:
        if rows.any():
            found.append(Contradiction(rows, variable, _fault(reason, expected)))

    get = values.get
    for born in ("date_of_birth", "perpetrator_date_of_birth"):
        birth = get(born)
        if birth is None:
            continue
        for name in (
            ("identification_date", "recruitment_date", "exploitation_start", "exploitation_end")
            if born == "date_of_birth"
            else ("perpetrator_status_date",)
        ):
            if (moment := get(name)) is not None:
                fail(
                    birth.known & moment.known & (birth.first > moment.last),
                    name,
                    "the date lies before the date of birth",
                    f"a date from {born} on",
                )
        prefix = "perpetrator_" if born.startswith("perp") else ""
        age, at = get(f"{prefix}age"), get("perpetrator_status_date" if prefix else "identification_date")
        if age is not None and at is not None:
            low, high = age_range(birth, at)
            fail(
                age.known & birth.known & at.known & ((age.first < low - 1) | (age.first > high + 1)),
                f"{prefix}age",
                "the age does not agree with the date of birth",
                "the age that birth and identification give, within a year",
            )
        elif age is not None:
            fail(
                age.known & birth.known & (age.first > today.year - birth.calendar(last=False)[0]),
                f"{prefix}age",
                "the person would be older than the date of birth allows",
                "an age that the date of birth allows",
            )

    age, band, group = get("age"), get("age_band"), get("age_group")
    if age is not None and band is not None:
        outside = np.zeros(len(age.index), bool)
        for code, low_edge, high_edge in _BAND_EDGES:
            outside |= band.has(code) & ((age.first < low_edge) | (age.first > high_edge))
        fail(age.known & outside, "age_band", "the age lies outside the age band", "a band that holds the age")
    for prefix in ("", "perpetrator_"):
        age, group = get(f"{prefix}age"), get(f"{prefix}age_group")
        if age is not None and group is not None:
            wrong = (group.has("child") & (age.first >= _ADULT)) | (group.has("adult") & (age.first < _ADULT))
            fail(
                age.known & wrong,
                f"{prefix}age_group",
                "the age says otherwise",
                "child under 18, adult from 18 on",
            )
    if band is not None and (group := get("age_group")) is not None:
        children = [code for code in AGE_BANDS if code_list("age_band")[code].parent == "child"]
        adults = [code for code in AGE_BANDS if code_list("age_band")[code].parent == "adult"]
        wrong = (group.has("child") & band.has(*adults)) | (group.has("adult") & band.has(*children))
        fail(wrong, "age_group", "the age band says otherwise", "child under 18, adult from 18 on")
    if (young := get("age_at_recruitment")) is not None and (age := get("age")) is not None:
        fail(
            young.known & age.known & (young.first > age.first),
            "age_at_recruitment",
            "the person was older when first trafficked than when identified",
            "an age up to the one at identification",
        )

    start, end, recruited = get("exploitation_start"), get("exploitation_end"), get("recruitment_date")
    if start is not None and end is not None:
        fail(
            start.known & end.known & (end.last < start.first),
            "exploitation_end",
            "exploitation ended before it started",
            "an end from the start on",
        )
    if recruited is not None and end is not None:
        fail(
            recruited.known & end.known & (end.last < recruited.first),
            "recruitment_date",
            "the person was recruited after exploitation had ended",
            "a date up to the end of exploitation",
        )
    months, months_band = get("duration_months"), get("duration_band")
    if months is not None and start is not None and end is not None:
        low, high = _months_between(start.last, end.first), _months_between(start.first, end.last)
        fail(
            months.known & start.known & end.known & ((months.first < low - 2) | (months.first > high + 2)),
            "duration_months",
            "the months do not agree with start and end of exploitation",
            "the months from start to end, within two",
        )
    if months is not None and months_band is not None:
        outside = (
            (months_band.has("0-12") & (months.first > 12))
            | (months_band.has("13-24") & ((months.first < 12) | (months.first > 24)))
            | (months_band.has("25+") & (months.first < 24))
        )
        fail(
            months.known & outside,
            "duration_band",
            "the months lie outside the band",
            "a band that holds the months",
        )

    transit, exploited = get("countries_of_transit"), get("countries_of_exploitation")
    if transit is not None:
        crossed = transit.known & ~transit.has(NONE)
        nowhere = exploited.state == 0 if exploited is not None else np.ones(len(transit.index), bool)
        fail(
            crossed & nowhere,
            "countries_of_transit",
            "countries of transit without a country of exploitation",
            "a country of exploitation, or that it is unknown",
        )
    return found


def warnings(values: Mapping[str, Values]) -> dict[str, int]:
    """Rows that are kept though their cells are unusual together: reason to number of rows."""
    found: dict[str, int] = {}

    def warn(rows: npt.NDArray[np.bool_], reason: str) -> None:
        if count := int(rows.sum()):
            found[reason] = count

    get = values.get
    identified, start = get("identification_date"), get("exploitation_start")
    recruited, helped = get("recruitment_date"), get("assistance_start")
    if identified is not None and start is not None:
        warn(
            identified.known & start.known & (identified.last < start.first),
            "identified before exploitation started",
        )
    if recruited is not None and start is not None:
        warn(
            recruited.known & start.known & (recruited.first > start.last),
            "recruited after exploitation started",
        )
    if helped is not None and identified is not None:
        warn(
            helped.known & identified.known & (helped.last < identified.first),
            "assisted before identification",
        )
    if (registered := get("registration_year")) is not None and identified is not None:
        early = registered.first < identified.calendar(last=False)[0]
        warn(registered.known & identified.known & early, "registered in a year before identification")
    forms = get("exploitation_forms")
    if forms is not None and (sector := get("labour_sector")) is not None:
        warn(sector.known & forms.known & ~forms.has("forced_labour"), "a sector without forced labour")
    if forms is not None and (kinds := get("sexual_exploitation_types")) is not None:
        warn(
            kinds.known & ~kinds.has(NONE) & forms.known & ~forms.has("sexual"),
            "types of sexual exploitation without sexual exploitation",
        )
    if (recruiter := get("recruiter_relation")) is not None and (age := get("age")) is not None:
        warn(
            recruiter.has("intimate_partner") & age.known & (age.first < 12),
            "an intimate partner as recruiter of a child under 12",
        )
    return found


def band_of(ages: Ints) -> Ints:
    """Position in :data:`AGE_BANDS` of each age."""
    lows = np.array([low for _, low, _ in _BAND_EDGES])
    return np.searchsorted(lows, ages, side="right") - 1


def months_between(start: Values, end: Values) -> Ints:
    """Months from start to end of exploitation, by the first day of each period."""
    return np.maximum(_months_between(start.first, end.first), 0)
