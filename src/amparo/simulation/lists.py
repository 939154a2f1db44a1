"""An agency's list as it leaves the agency: its words, its gaps and its mistakes, and what is true of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from amparo.simulation.agencies import PROSECUTION, Agency
from amparo.simulation.coded import (
    Bools,
    Days,
    Ints,
    Several,
    Single,
    Texts,
    day_text,
    day_texts,
    days_after,
    month_and_day,
    number_texts,
    texts_of,
    years_between,
)
from amparo.simulation.knobs import AGENCIES, Knobs
from amparo.simulation.names import CULTURES, draw_names, mistype, write_names
from amparo.simulation.population import CITIZENSHIPS, LAST_DAY, Persons, Population
from amparo.standard.variables import variables

PLACES = ("street", "dwelling", "workplace", "health_facility", "online", "border")
_NAMES = ("full_name", "given_name", "family_name", "second_family_name")
_ALWAYS = ("case_number", *_NAMES, "date_of_birth", "age", "perpetrator_number", "perpetrator_event_number", "perpetrator_name")  # fmt: skip
"""Columns whose gaps have reasons of their own, or that have none."""
_SELDOM_MISSING = ("sex", "identification_date", "perpetrator_status_date")
_PARTIAL = ("exploitation_start", "exploitation_end")
_NOT_BEFORE = {"identification_date": "date_of_birth", "exploitation_end": "exploitation_start"}
_BAD_NUMBERS, _BAD_CODES = ("4120", "-7", "many"), ("??", "Z9", "#REF")


@dataclass(frozen=True)
class Made:
    """A list: its columns by header, and one row of truth for each of its rows."""

    columns: Mapping[str, Texts]
    truth: pa.Table


@dataclass(frozen=True)
class _Rows:
    """What is true of the rows of a list: the person, the day of contact and who sent the person (or nobody, -1)."""

    agency: Agency
    persons: Persons
    contact: Days
    sent_by: Ints
    numbers: Texts


def make_list(agency: Agency, population: Population, knobs: Knobs, random: np.random.Generator) -> Made:
    """The list of an agency.

    Its truth has the columns ``list``, ``row`` (as a reader counts: the header is a row, where there is one),
    ``case_number``, ``person_id``, ``is_duplicate`` (the person has an earlier row), and, of a planted wrong cell,
    ``wrong_column``, ``wrong_kind`` and ``wrong_value`` ('' where there is none).
    """
    place = AGENCIES.index(agency.key)
    seen = np.flatnonzero(population.seen[:, place])
    again = seen[random.random(len(seen)) < knobs.repeated]
    resent = seen[random.random(len(seen)) < knobs.resent]
    person = np.concatenate([seen, again, resent])
    copy = np.repeat([0, 1, 2], [len(seen), len(again), len(resent)])
    later = np.where(copy == 0, 0, random.integers(10, 200, len(person)))
    contact = np.minimum(days_after(population.contact[person, place], later), LAST_DAY)
    order = np.lexsort((copy, person, contact))
    person, copy, contact = person[order], copy[order], contact[order]

    rows = _Rows(
        agency=agency,
        persons=population.persons.take(person),
        contact=contact,
        sent_by=_sent_by(population, place)[person],
        numbers=_as_before(_case_numbers(agency, contact), person, copy == 2),
    )
    columns = _written(rows, knobs, random)
    wrong = _plant(agency, columns, rows, knobs.wrong, random)
    return Made(columns, _truth(agency, rows.numbers, person, copy > 0, wrong))


def _sent_by(population: Population, place: int) -> Ints:
    sent = np.full(len(population.persons), -1, np.int64)
    here = population.referrals.target == place
    sent[population.referrals.person[here]] = population.referrals.source[here]
    return sent


def _case_numbers(agency: Agency, days: Days) -> Texts:
    """A number for each row in order, with its year."""
    years = days.astype("datetime64[Y]").astype(int) + 1970
    return texts_of(
        [agency.number.format(year=year, count=count) for count, year in enumerate(years.tolist(), start=1)]
    )


def _as_before(numbers: Texts, person: Ints, resent: Bools) -> Texts:
    """The numbers, but for rows that were sent again that of the person's first row."""
    first = np.flatnonzero(~resent)
    first = first[np.argsort(person[first], kind="stable")]
    return np.where(resent, numbers[first[np.searchsorted(person[first], person)]], numbers)


def _truth(
    agency: Agency, numbers: Texts, person: Ints, duplicate: Bools, wrong: tuple[Texts, Texts, Texts]
) -> pa.Table:
    first = 1 if agency.file.endswith(".jsonl") else len(agency.title) + 2
    count = len(numbers)
    return pa.table(
        {
            "list": pa.repeat(agency.name, count),
            "row": pa.array(np.arange(first, first + count)),
            "case_number": pa.array(numbers, pa.string()),
            "person_id": pa.array(person),
            "is_duplicate": pa.array(duplicate),
            "wrong_column": pa.array(wrong[0], pa.string()),
            "wrong_kind": pa.array(wrong[1], pa.string()),
            "wrong_value": pa.array(wrong[2], pa.string()),
        }
    )


# --- cells --------------------------------------------------------------------------------------------------


def _written(rows: _Rows, knobs: Knobs, random: np.random.Generator) -> dict[str, Texts]:
    """All columns, by header, in the agency's words and with its gaps."""
    agency = rows.agency
    own = _names(rows, knobs, random)
    own["date_of_birth"] = _birth_dates(rows, knobs, random)
    ages = number_texts(years_between(rows.persons.days["date_of_birth"], rows.contact))
    no_date = own["date_of_birth"] == ""
    own["age"] = np.where(no_date, ages, "") if "date_of_birth" in agency.columns else ages
    own["case_number"] = rows.numbers
    found = {
        variable: own[variable]
        if variable in own
        else _gaps(agency, variable, _cells(rows, variable, knobs, random), knobs, random)
        for variable in agency.columns
    }
    if "countries_of_transit" in found:  # nobody writes a way without an end; intake would refuse it
        found["countries_of_transit"] = np.where(
            found["countries_of_exploitation"] == "", "", found["countries_of_transit"]
        )
    columns = {agency.columns[variable]: texts for variable, texts in found.items()}
    for header, (variable, code) in agency.flags.items():
        holds = rows.persons.sets[variable].has(code) & (random.random(len(rows.contact)) >= knobs.omitted)
        columns[header] = np.where(random.random(len(holds)) < knobs.missing, "", np.where(holds, *agency.yes_no))
    return columns


def _cells(rows: _Rows, variable: str, knobs: Knobs, random: np.random.Generator) -> Texts:
    """One column without gaps."""
    agency, persons, count = rows.agency, rows.persons, len(rows.contact)
    if variable in persons.sets:
        recorded = persons.sets[variable].without_some(knobs.omitted, random)
        return recorded.texts(partial(agency.word, variable), agency.separator)
    if variable in persons.codes:
        column = persons.codes[variable]
        if variable in ("sex", "citizenship"):
            false = random.random(count) < knobs.mistaken
            column = Single(column.codes, np.where(false, random.integers(0, len(column.codes), count), column.index))
        return column.texts(partial(agency.word, variable))
    if variable == "identification_date":
        return day_texts(rows.contact, agency.dates)
    if variable in persons.days:
        return _dates(persons.days[variable], variable, agency, knobs, random)
    if variable == "identified_by":
        senders = Single(AGENCIES, np.where(rows.sent_by < 0, AGENCIES.index(agency.key), rows.sent_by))
        return senders.texts(partial(agency.word, variable))
    if variable == "place_of_identification":
        places = Single(PLACES, random.integers(0, len(PLACES), count))
        return places.texts(partial(agency.word, variable))
    if variable in ("phone", "identity_number"):
        return _contact_numbers(persons.numbers[variable], variable, knobs, random)
    return number_texts(persons.numbers[variable])


def _gaps(agency: Agency, variable: str, texts: Texts, knobs: Knobs, random: np.random.Generator) -> Texts:
    """The column with some cells empty and some said to be unknown."""
    draw = random.random(len(texts))
    if variable in _SELDOM_MISSING:
        return np.where(draw < knobs.missing / 4, "", texts)
    if variables()[variable].type == "text":
        return texts
    not_known = (draw >= knobs.missing) & (draw < knobs.missing + knobs.unknown) & (texts != "")
    return np.where(draw < knobs.missing, "", np.where(not_known, agency.unknown, texts))


def _dates(days: Days, variable: str, agency: Agency, knobs: Knobs, random: np.random.Generator) -> Texts:
    texts = day_texts(days, agency.dates)
    if variable in _PARTIAL:
        draw = random.random(len(days))
        texts = np.where(draw < knobs.partial_dates, day_texts(days, "%m/%Y"), texts)
        texts = np.where(draw < knobs.partial_dates / 3, day_texts(days, "%Y"), texts)
    return texts


def _birth_dates(rows: _Rows, knobs: Knobs, random: np.random.Generator) -> Texts:
    """Birth dates: estimated ones, ones with day and month exchanged, slips, gaps."""
    days, count = rows.persons.days["date_of_birth"].copy(), len(rows.contact)
    off = random.random(count) / max(knobs.birth_date, 1e-300)  # below 1 the date is off
    first = days.astype("datetime64[Y]")
    about = (first + random.integers(-2, 2, count).astype("timedelta64[Y]")).astype("datetime64[D]")
    month, day = month_and_day(days)
    turned = (first.astype("datetime64[M]") + (day - 1).astype("timedelta64[M]")).astype("datetime64[D]")
    turned = turned + (month - 1).astype("timedelta64[D]")
    slipped = days_after(days, random.choice([-366, -365, -10, -1, 1, 10, 365], count))
    days = np.select([off < 0.5, (off < 0.75) & (day <= 12), (off >= 0.75) & (off < 1)], [about, turned, slipped], days)
    texts = day_texts(days, rows.agency.dates)
    return np.where(random.random(count) < knobs.birth_missing, "", texts)


def _contact_numbers(numbers: Ints, variable: str, knobs: Knobs, random: np.random.Generator) -> Texts:
    """Telephone and document numbers as people note them; most persons have none to give. +999 is no country's."""
    style, known = random.integers(0, 3, len(numbers)), random.random(len(numbers)) < 0.45
    if variable == "phone":
        out = [
            ("+999 {0} {1}", "999-{0}-{1}", "{0}{1}")[s].format(text[:3], text[3:]) if k else ""
            for text, s, k in zip(map(str, numbers.tolist()), style.tolist(), known.tolist(), strict=True)
        ]
    else:
        out = [f"P{number}" if k else "" for number, k in zip(numbers.tolist(), known.tolist(), strict=True)]
    return mistype(texts_of(out), knobs.typing, random)


def _names(rows: _Rows, knobs: Knobs, random: np.random.Generator) -> dict[str, Texts]:
    """The name columns: in the agency's script and order, with its spellings, slips and gaps."""
    agency, names, count = rows.agency, rows.persons.names, len(rows.contact)
    parts = write_names(names, agency.script, vary=knobs.spelling, nickname=knobs.nickname, random=random)
    given, family = mistype(parts.given, knobs.typing, random), mistype(parts.family, knobs.typing, random)
    middle = np.where(random.random(count) < knobs.shortened, "", parts.middle)
    second = np.where(random.random(count) < knobs.shortened, "", mistype(parts.second, knobs.typing, random))
    turned = random.random(count) < knobs.turned
    given, family = np.where(turned, family, given), np.where(turned, given, family)
    given = _joined(given, middle)
    if agency.name_order == "FAMILY, given":
        surnames = texts_of([text.upper() + "," for text in _joined(family, second).tolist()])
    else:
        surnames = _joined(family, second)
    full = _joined(given, surnames) if agency.name_order == "given family" else _joined(surnames, given)
    if agency.script == "han":
        together = names.culture == CULTURES.index("zh")
        full[together] = family[together] + given[together]
    has_second = "second_family_name" in agency.columns
    found = {
        "full_name": full,
        "given_name": given,
        "family_name": family if has_second else surnames,
        "second_family_name": second,
    }
    nameless = random.random(count) < knobs.nameless
    return {name: np.where(nameless, "", texts) for name, texts in found.items()}


def _joined(first: Texts, second: Texts) -> Texts:
    return np.where(second == "", first, np.where(first == "", second, first + " " + second))


# --- wrong cells --------------------------------------------------------------------------------------------


def _plant(
    agency: Agency, columns: dict[str, Texts], rows: _Rows, share: float, random: np.random.Generator
) -> tuple[Texts, Texts, Texts]:
    """Put a cell that no list may have into a share of the rows: its header, the kind of fault, the text; '' elsewhere.

    Kinds: ``code`` (a text nobody knows), ``number`` (impossible), ``date`` (no day of the calendar), ``future``, and
    ``contradiction`` (identified before birth; the end before the start).
    """
    count = len(next(iter(columns.values())))
    header_of, kind_of, text_of = (texts_of([""] * count) for _ in range(3))
    candidates = [v for v in agency.columns if variables()[v].type != "text"]
    for row in np.flatnonzero(random.random(count) < share).tolist():
        variable = candidates[random.integers(len(candidates))]
        kind, text = _wrong_text(agency, variable, random)
        for later, earlier in _NOT_BEFORE.items():
            if _has_day(agency, columns, row, later, earlier) and random.random() < 0.15:
                day = rows.persons.days[earlier][row] - np.timedelta64(1200, "D")
                variable, kind, text = later, "contradiction", day_text(day, agency.dates)
        header = agency.columns[variable]
        columns[header][row] = text
        header_of[row], kind_of[row], text_of[row] = header, kind, text
    return header_of, kind_of, text_of


def _has_day(agency: Agency, columns: Mapping[str, Texts], row: int, *names: str) -> bool:
    """Whether the row has all of these dates."""
    headers = [agency.columns.get(name) for name in names]
    return all(header and columns[header][row] not in ("", agency.unknown) for header in headers)


def _wrong_text(agency: Agency, variable: str, random: np.random.Generator) -> tuple[str, str]:
    type_ = variables()[variable].type
    if type_ == "integer":
        return "number", str(random.choice(_BAD_NUMBERS))
    if type_ != "date":
        return "code", str(random.choice(_BAD_CODES))
    if random.random() < 0.3:
        return "future", day_text(np.datetime64("2099-05-14"), agency.dates)
    year = random.integers(2018, 2026)
    return "date", agency.dates.replace("%d", "31").replace("%m", "02").replace("%Y", str(year))


# --- perpetrators -------------------------------------------------------------------------------------------


def make_perpetrators(population: Population, knobs: Knobs, random: np.random.Generator) -> Made:
    """The prosecution's list: one row per accused; several may share an event. Its events come from the police.

    A court's register: it has gaps, but no wrong cells. ``person_id`` in its truth is the victim of the event.
    """
    agency, police = PROSECUTION, AGENCIES.index("police")
    victim = np.flatnonzero(population.seen[:, police] & (random.random(len(population.persons)) < 0.5))
    person = np.repeat(victim, random.choice([1, 2, 3], len(victim), p=[0.6, 0.3, 0.1]))
    count = len(person)
    day = np.minimum(days_after(population.contact[person, police], random.integers(10, 500, count)), LAST_DAY)
    order = np.lexsort((person, day))
    person, day = person[order], day[order]
    numbers = _case_numbers(agency, day)
    codes = {
        "perpetrator_sex": Single(("female", "male"), (random.random(count) > 0.35).astype(np.int64)),
        "perpetrator_citizenship": _like_the_country(count, random),
        "perpetrator_status": Single(
            ("suspected", "prosecuted", "convicted", "acquitted"), random.choice(4, count, p=[0.45, 0.3, 0.2, 0.05])
        ),
    }
    roles = Several.of(
        ("recruiter", "transporter", "exploiter", "harboured", "controlled"),
        np.eye(5, dtype=bool)[random.integers(0, 5, count)] | (random.random((count, 5)) < 0.1),
    )
    culture = np.array([CULTURES.index(culture) for _, culture in CITIZENSHIPS.values()])
    names = draw_names(
        culture[codes["perpetrator_citizenship"].index], codes["perpetrator_sex"].index == 0, knobs.name_skew, random
    )
    parts = write_names(names, agency.script)
    texts = {
        "perpetrator_number": numbers,
        "perpetrator_event_number": texts_of([f"HECHO-{event:06d}" for event in person.tolist()]),
        "perpetrator_name": _joined(_joined(parts.given, parts.middle), _joined(parts.family, parts.second)),
        "perpetrator_age": number_texts(random.integers(18, 70, count)),
        "perpetrator_roles": roles.texts(partial(agency.word, "perpetrator_roles"), agency.separator),
        "perpetrator_status_date": day_texts(day, agency.dates),
    }
    for variable, column in codes.items():
        texts[variable] = column.texts(partial(agency.word, variable))
    columns = {
        header: texts[variable] if variable in _ALWAYS else _gaps(agency, variable, texts[variable], knobs, random)
        for variable, header in agency.columns.items()
    }
    nothing = texts_of([""] * count)
    return Made(columns, _truth(agency, numbers, person, np.zeros(count, bool), (nothing, nothing, nothing)))


def _like_the_country(count: int, random: np.random.Generator) -> Single:
    """Citizenships of perpetrators: in half the cases the country's own, else as the victims'."""
    shares = np.array([share for share, _ in CITIZENSHIPS.values()])
    index = np.minimum(np.searchsorted(np.cumsum(shares) / shares.sum(), random.random(count)), len(shares) - 1)
    return Single(tuple(CITIZENSHIPS), np.where(random.random(count) < 0.5, 0, index))
