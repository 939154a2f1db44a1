"""The truth: every victim of the demonstration country, detected or not, and which agency saw whom when.

Everything here is invented. Shares follow the order of magnitude of a country of destination (UNODC, Global Report on
Trafficking in Persons); nothing in the numbers describes a real State.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from amparo.simulation.coded import (
    Bools,
    Days,
    Floats,
    Ints,
    Several,
    Single,
    days_after,
    years_between,
)
from amparo.simulation.knobs import AGENCIES, Knobs
from amparo.simulation.names import CULTURES, Names, draw_names

HOME = "XDM"
FIRST_DAY, LAST_DAY = np.datetime64("2018-01-01"), np.datetime64("2025-12-31")
YEARLY_GROWTH, FALL_OF_2020 = 0.05, 0.75

CITIZENSHIPS: Mapping[str, tuple[float, str]] = {
    "XDM": (0.28, "es"), "VEN": (0.10, "es"), "COL": (0.09, "es"), "NGA": (0.09, "ng"), "MAR": (0.07, "ar"),
    "UKR": (0.07, "ru"), "CHN": (0.06, "zh"), "MDA": (0.04, "ro"), "UZB": (0.05, "uz"), "SYR": (0.04, "ar"),
    "CIV": (0.03, "fr"), "SEN": (0.02, "fr"), "GHA": (0.03, "ng"), "PER": (0.03, "es"),
}  # fmt: skip
"""Citizenship: share of the victims, and culture of the names."""
ROUTES = {
    "NGA": ("NER", "LBY"), "CIV": ("MLI", "MAR"), "SEN": ("MRT", "MAR"), "GHA": ("NER", "LBY"), "SYR": ("TUR", "LBY"),
    "VEN": ("COL",), "UZB": ("RUS",), "MDA": ("ROU",), "UKR": ("POL",), "PER": ("ECU",), "CHN": ("THA",),
}  # fmt: skip
"""Countries that persons recruited in a country usually cross."""
DESTINATIONS = ("XDM", "ESP", "ITA", "LBY")
FORMS = ("sexual", "forced_labour", "forced_criminality", "begging", "servitude", "forced_marriage", "organ_removal")
SECTORS = ("A", "C", "F", "H", "I", "N", "T")
SEXUAL_TYPES = ("prostitution", "pornography", "remote_interactive", "private_sexual_services")
MEANS_OF_CONTROL = (
    "debt_bondage", "false_promises", "psychological_abuse", "physical_abuse", "sexual_abuse", "restricts_movement",
    "withholds_documents", "threatens_family", "excessive_hours", "takes_earnings", "physical_threats",
    "threats_law_enforcement", "withholds_necessities", "psychoactive_substances",
)  # fmt: skip
ACTS = ("recruitment", "transportation", "transfer", "harbouring", "receipt")
MEANS = ("threat_or_force", "coercion", "abduction", "fraud", "deception", "abuse_of_power", "abuse_of_vulnerability", "payments", "none")  # fmt: skip
RECRUITERS = ("stranger", "acquaintance", "friend", "family", "intimate_partner", "other")
METHODS = ("online_social_networks", "online_advertisement", "at_work", "family_events", "friends_or_social_events", "place_of_business", "newspaper_advertisement")  # fmt: skip
ASSISTANCE = ("housing", "health", "psychological", "legal", "financial", "education_training", "reflection_period", "return_reintegration", "translation")  # fmt: skip


@dataclass(frozen=True)
class Persons:
    """The victims, one per row of every column; columns are named as the standard's variables where they are one."""

    codes: Mapping[str, Single]
    sets: Mapping[str, Several]
    days: Mapping[str, Days]
    numbers: Mapping[str, Ints]
    names: Names

    def __len__(self) -> int:
        return len(self.names.culture)

    def take(self, rows: Ints) -> Persons:
        """Some of the persons."""
        return Persons(
            codes={name: column.take(rows) for name, column in self.codes.items()},
            sets={name: column.take(rows) for name, column in self.sets.items()},
            days={name: column[rows] for name, column in self.days.items()},
            numbers={name: column[rows] for name, column in self.numbers.items()},
            names=self.names.take(rows),
        )


@dataclass(frozen=True)
class Referrals:
    """Who was sent on: person (row), positions of the agencies in :data:`AGENCIES`, and the day."""

    person: Ints
    source: Ints
    target: Ints
    day: Days


@dataclass(frozen=True)
class Population:
    """The country before any list is written.

    ``chances``, ``seen`` and ``contact`` have shape (victims, agencies): the chance to be found by the agency's own
    work, who is on which list, and the day of first contact (not a time where not seen).
    """

    persons: Persons
    chances: Floats
    seen: Bools
    contact: Days
    referrals: Referrals

    def histories(self) -> tuple[Ints, Ints]:
        """Capture histories of who was seen: 0/1 of shape (histories, agencies), and persons with each."""
        seen = self.seen[self.seen.any(axis=1)]
        histories, counts = np.unique(seen.astype(np.int64), axis=0, return_counts=True)
        return histories, counts


def populate(knobs: Knobs, random: np.random.Generator) -> Population:
    """Draw the victims, and who is detected by whom."""
    knobs = knobs.in_force()
    persons = _persons(knobs, random)
    return _detected(persons, knobs, random)


# --- detection ----------------------------------------------------------------------------------------------


def _detected(persons: Persons, knobs: Knobs, random: np.random.Generator) -> Population:
    victims, first = len(persons), persons.days["first_contact"]
    chances = _visibility(persons, knobs)[:, None] * _reach(persons) ** knobs.reach
    chances *= np.array(knobs.chances) / np.maximum(chances.mean(axis=0), 1e-300)
    chances = np.clip(chances, 0.0, 1.0)
    seen = np.zeros(chances.shape, bool)
    for target, name in enumerate(AGENCIES):
        chance = chances[:, target].copy()
        for rival, second in knobs.rivals:
            if second == name:
                fewer = np.minimum(chance * knobs.avoidance, 1.0)
                chance = np.where(seen[:, AGENCIES.index(rival)], fewer, chance)
        seen[:, target] = random.random(victims) < chance
    lag = np.floor(random.exponential(40.0, chances.shape)).astype(np.int64)
    contact = np.minimum(days_after(first[:, None], lag), LAST_DAY)
    parts = []
    for source_name, target_name in knobs.referral_paths:
        source, target = AGENCIES.index(source_name), AGENCIES.index(target_name)
        sent = np.flatnonzero(seen[:, source] & ~seen[:, target] & (random.random(victims) < knobs.referral))
        day = np.minimum(days_after(contact[sent, source], random.integers(1, 45, len(sent))), LAST_DAY)
        seen[sent, target], contact[sent, target] = True, day
        parts.append(Referrals(sent, np.full(len(sent), source), np.full(len(sent), target), day))
    contact[~seen] = np.datetime64("NaT")
    return Population(persons, chances, seen, contact, _in_order(parts))


def _in_order(parts: list[Referrals]) -> Referrals:
    if not parts:
        none = np.empty(0, np.int64)
        return Referrals(none, none, none, np.empty(0, "datetime64[D]"))
    person, source, target, day = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("person", "source", "target", "day")
    )
    order = np.lexsort((target, person, day))
    return Referrals(person[order], source[order], target[order], day[order])


def _visibility(persons: Persons, knobs: Knobs) -> Floats:
    factors: Floats = np.array([factor for _, factor in knobs.classes])[persons.numbers["class"]]
    return factors


def _reach(persons: Persons) -> Floats:
    """How many times as well as the average person each agency reaches each person; shape (victims, agencies)."""
    reach = np.ones((len(persons), len(AGENCIES)))
    child = persons.numbers["age"] < 18
    forms = persons.sets["exploitation_forms"]
    foreign = ~persons.codes["citizenship"].equals(HOME)
    for name, where, inside, outside in (
        ("police", forms.has("sexual", "forced_criminality"), 1.3, 0.8),
        ("border", foreign, 1.4, 0.15),
        ("shelter", persons.names.female, 1.3, 0.6),
        ("labour_inspection", forms.has("forced_labour"), 2.0, 0.25),
        ("health", forms.has("sexual", "organ_removal"), 1.3, 0.8),
        ("child_protection", child, 3.0, 0.35),
    ):
        reach[:, AGENCIES.index(name)] = np.where(where, inside, outside)
    return reach


# --- persons ------------------------------------------------------------------------------------------------


def _choice(codes: tuple[str, ...], shares: list[float], count: int, random: np.random.Generator) -> Single:
    return Single(codes, _index(shares, count, random))


def _index(shares: list[float], count: int, random: np.random.Generator) -> Ints:
    cumulative = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(cumulative, random.random(count), side="right"), len(shares) - 1)


def _subset(codes: tuple[str, ...], chances: Floats, random: np.random.Generator) -> Several:
    """Each code by its chance, at least one; ``chances`` of shape (rows, codes) or (codes,)."""
    holds = random.random(chances.shape) < chances
    likeliest = (chances * random.random(chances.shape)).argmax(axis=1)
    none = np.flatnonzero(~holds.any(axis=1))
    holds[none, likeliest[none]] = True
    return Several.of(codes, holds)


def _persons(knobs: Knobs, random: np.random.Generator) -> Persons:
    """Who the victims are and what was done to them."""
    count = knobs.victims
    sex = _choice(("female", "male", "other"), [0.66, 0.335, 0.005], count, random)
    female = sex.index != 1
    citizenship = _choice(tuple(CITIZENSHIPS), [share for share, _ in CITIZENSHIPS.values()], count, random)
    culture = np.array([CULTURES.index(code) for _, code in CITIZENSHIPS.values()])[citizenship.index]
    child = random.random(count) < 0.24
    adult_age = 18 + np.minimum(np.floor(random.gamma(2.2, 5.5, count)).astype(np.int64), 57)
    child_age = 5 + np.floor(13 * np.sqrt(random.random(count))).astype(np.int64)
    age = np.where(child, child_age, adult_age)

    first = _first_contacts(count, random)
    birth = days_after(first, -np.floor(age * 365.2425 + 1 + random.random(count) * 364).astype(np.int64))
    age = years_between(birth, first)
    still = random.random(count) < 0.55
    end = days_after(first, -np.where(still, 0, np.floor(random.gamma(0.8, 90.0, count)).astype(np.int64)))
    length = np.maximum(1, np.floor(random.lognormal(2.1, 0.95, count))).astype(np.int64)
    length = np.minimum(length, np.maximum(1, (age - 4) * 12 - 6))
    start = days_after(end, -np.floor(length * 30.4375).astype(np.int64))
    recruited = days_after(start, -random.integers(1, 60, count))

    forms = _forms(female, age < 18, random)
    places = _places(citizenship, random)
    control = _control(forms, age < 18, random)
    codes = {
        "sex": sex,
        "gender": _gender(sex, random),
        "citizenship": citizenship,
        "marital_status": Single(
            ("single", "married", "separated", "divorced", "widowed"),
            np.where(age < 18, 0, _index([0.55, 0.2, 0.12, 0.09, 0.04], count, random)),
        ),
        "education": _choice(
            ("primary", "lower_secondary", "upper_secondary", "bachelor"), [0.35, 0.35, 0.25, 0.05], count, random
        ),
        "recruiter_relation": _recruiter(age, random),
        "identification_status": _choice(
            ("presumed", "identified", "recognised", "rejected"), [0.35, 0.40, 0.22, 0.03], count, random
        ),
        "participates_in_proceedings": _choice(("yes", "no"), [0.35, 0.65], count, random),
        "proceedings_status": _choice(
            ("no_proceedings", "complaint", "investigation", "prosecution", "trial", "convicted", "dismissed"),
            [0.42, 0.08, 0.24, 0.1, 0.05, 0.07, 0.04],
            count,
            random,
        ),
    }
    return Persons(
        codes=codes | places[0],
        sets={
            "exploitation_forms": forms,
            "labour_sector": _only(
                forms.has("forced_labour"),
                _subset(SECTORS, _even([0.3, 0.12, 0.2, 0.05, 0.15, 0.05, 0.15], count), random),
            ),
            "sexual_exploitation_types": _only(
                forms.has("sexual"), _subset(SEXUAL_TYPES, _even([0.75, 0.12, 0.12, 0.1], count), random)
            ),
            "means_of_control": control,
            "acts": _subset(ACTS, _even([0.85, 0.55, 0.12, 0.5, 0.3], count), random),
            "means": _palermo(control, age < 18),
            "recruitment_methods": _subset(METHODS, _even([0.3, 0.15, 0.15, 0.15, 0.2, 0.08, 0.02], count), random),
            "assistance": _subset(ASSISTANCE, _even([0.5, 0.5, 0.45, 0.4, 0.2, 0.15, 0.2, 0.12, 0.2], count), random),
            **places[1],
        },
        days={
            "date_of_birth": birth,
            "first_contact": first,
            "recruitment_date": recruited,
            "exploitation_start": start,
            "exploitation_end": end,
        },
        numbers={
            "age": age,
            "age_at_recruitment": years_between(birth, recruited),
            "duration_months": np.rint(((end - start).astype(np.int64) + 1) / 30.4375).astype(np.int64),
            "phone": random.integers(10**6, 10**7, count),
            "identity_number": random.integers(10**7, 10**8, count),
            "class": _index([share for share, _ in knobs.classes], count, random),
        },
        names=draw_names(culture, female, knobs.name_skew, random),
    )


def _even(chances: list[float], count: int) -> Floats:
    return np.tile(np.array(chances), (count, 1))


def _only(where: Bools, column: Several) -> Several:
    return Several(column.codes, np.where(where, column.mask, 0))


def _first_contacts(count: int, random: np.random.Generator) -> Days:
    """Days on which persons come into sight; a little more each year, fewer in 2020."""
    days = int((LAST_DAY - FIRST_DAY).astype(int)) + 1
    weight = np.exp(YEARLY_GROWTH * np.arange(days) / 365.25)
    pandemic = np.arange(days) + FIRST_DAY
    weight[pandemic.astype("datetime64[Y]") == np.datetime64("2020")] *= FALL_OF_2020
    cumulative = np.cumsum(weight) / weight.sum()
    return days_after(
        np.full(count, FIRST_DAY), np.minimum(np.searchsorted(cumulative, random.random(count)), days - 1)
    )


def _gender(sex: Single, random: np.random.Generator) -> Single:
    genders = ("woman", "man", "transgender_woman", "transgender_man", "nonconforming")
    draw = random.random(len(sex))
    female = np.where(draw < 0.005, 3, 0)
    male = np.where(draw < 0.03, 2, 1)
    return Single(genders, np.select([sex.index == 0, sex.index == 1], [female, male], 4))


def _recruiter(age: Ints, random: np.random.Generator) -> Single:
    index = _index([0.30, 0.25, 0.13, 0.12, 0.14, 0.06], len(age), random)
    young = (age < 14) & (index == RECRUITERS.index("intimate_partner"))
    return Single(RECRUITERS, np.where(young, RECRUITERS.index("family"), index))


def _forms(female: Bools, child: Bools, random: np.random.Generator) -> Several:
    """Forms of exploitation, one or two, by sex and age."""
    shares = {
        (True, False): [0.60, 0.20, 0.04, 0.02, 0.10, 0.04, 0.0],
        (False, False): [0.08, 0.70, 0.13, 0.06, 0.02, 0.0, 0.01],
        (True, True): [0.50, 0.12, 0.08, 0.10, 0.10, 0.10, 0.0],
        (False, True): [0.15, 0.33, 0.28, 0.22, 0.02, 0.0, 0.0],
    }
    first = np.zeros(len(female), np.int64)
    for (woman, young), share in shares.items():
        rows = np.flatnonzero((female == woman) & (child == young))
        first[rows] = _index(share, len(rows), random)
    second = _index([0.25, 0.35, 0.2, 0.1, 0.1, 0.0, 0.0], len(female), random)
    both = random.random(len(female)) < 0.13
    return Several(FORMS, (1 << first) | np.where(both, 1 << second, 0))


def _control(forms: Several, child: Bools, random: np.random.Generator) -> Several:
    """Means of control; which ones depends on the form."""
    chances = _even([0.25, 0.45, 0.40, 0.28, 0.08, 0.30, 0.15, 0.20, 0.08, 0.28, 0.2, 0.12, 0.1, 0.06], len(child))
    column = MEANS_OF_CONTROL.index
    chances[forms.has("sexual"), column("sexual_abuse")] = 0.45
    chances[forms.has("forced_labour"), column("excessive_hours")] = 0.5
    chances[forms.has("forced_labour"), column("withholds_documents")] = 0.3
    chances[forms.has("servitude"), column("restricts_movement")] = 0.55
    chances[child, column("debt_bondage")] = 0.06
    return _subset(MEANS_OF_CONTROL, chances, random)


def _palermo(control: Several, child: Bools) -> Several:
    """Means under article 3(a) as the means of control show them; a child's trafficking needs none (article 3(c))."""
    holds = np.zeros((len(child), len(MEANS)), bool)
    for name, shown_by in {
        "threat_or_force": ("physical_abuse", "physical_threats", "threatens_family"),
        "coercion": ("restricts_movement", "withholds_documents", "psychological_abuse", "threats_law_enforcement"),
        "fraud": ("takes_earnings",),
        "deception": ("false_promises",),
        "abuse_of_vulnerability": ("debt_bondage", "withholds_necessities", "psychoactive_substances"),
    }.items():
        holds[:, MEANS.index(name)] = control.has(*shown_by)
    bare = ~holds.any(axis=1)
    holds[bare & child, MEANS.index("none")] = True
    holds[bare & ~child, MEANS.index("abuse_of_vulnerability")] = True
    return Several.of(MEANS, holds)


def _places(citizenship: Single, random: np.random.Generator) -> tuple[dict[str, Single], dict[str, Several]]:
    """Countries of birth, recruitment, transit and exploitation; transit is ``none`` for who crossed no third country."""
    count, home = len(citizenship), citizenship.codes.index(HOME)
    moved_before = random.random(count) < 0.12
    recruitment = np.where(moved_before, home, citizenship.index)
    birth = np.where(random.random(count) < 0.04, _index([1.0] * len(CITIZENSHIPS), count, random), citizenship.index)
    crossed = tuple(sorted({country for route in ROUTES.values() for country in route}))
    routes = np.zeros((len(citizenship.codes), len(crossed)), bool)
    for k, code in enumerate(citizenship.codes):
        routes[k, [crossed.index(country) for country in ROUTES.get(code, ())]] = True
    holds = routes[recruitment] & (random.random((count, len(crossed))) < 0.75)
    transit = Several.of((*crossed, "none"), np.column_stack([holds, ~holds.any(axis=1)]))
    elsewhere = _index([0.93, 0.03, 0.02, 0.02], count, random)
    also_home = (elsewhere > 0) & (random.random(count) < 0.3)
    destinations = Several(DESTINATIONS, (1 << elsewhere) | also_home.astype(np.int64))
    return (
        {
            "country_of_birth": Single(citizenship.codes, birth),
            "country_of_recruitment": Single(citizenship.codes, recruitment),
        },
        {"countries_of_transit": transit, "countries_of_exploitation": destinations},
    )
