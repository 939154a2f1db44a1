"""The truth: every victim of the demonstration country, detected or not, and who saw whom.

Everything here is invented. Citizenships follow the order of magnitude of a country of destination; nothing in the
numbers describes a real State.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

AGENCIES = ("police", "border", "shelter", "labour_inspection", "health", "child_protection")
"""The agencies that keep lists, in the order of the columns of every matrix here."""

HOME = "XDM"
FIRST_YEAR, LAST_YEAR = 2018, 2025

CITIZENSHIPS = {
    "XDM": 0.30, "VEN": 0.10, "COL": 0.09, "NGA": 0.10, "MAR": 0.07, "SYR": 0.04, "UKR": 0.08, "MDA": 0.04,
    "UZB": 0.04, "CHN": 0.06, "CIV": 0.04, "GHA": 0.02, "PER": 0.02,
}  # fmt: skip
CULTURES = {
    "XDM": "es", "VEN": "es", "COL": "es", "PER": "es", "NGA": "fr", "CIV": "fr", "GHA": "fr", "MAR": "ar", "SYR": "ar",
    "UKR": "ru", "MDA": "ru", "UZB": "ru", "CHN": "zh",
}  # fmt: skip
TRANSIT = {
    "NGA": ["NER", "LBY"],
    "CIV": ["MLI", "MAR"],
    "GHA": ["NER", "LBY"],
    "SYR": ["TUR"],
    "VEN": ["COL"],
    "UZB": ["RUS"],
}
FORMS = (
    "sexual",
    "forced_labour",
    "forced_criminality",
    "begging",
    "servitude",
    "forced_marriage",
    "organ_removal",
)
SECTORS = ("A", "C", "F", "I", "T")
MEANS = (
    "debt_bondage", "false_promises", "psychological_abuse", "physical_abuse", "sexual_abuse", "restricts_movement",
    "withholds_documents", "threatens_family", "excessive_hours", "takes_earnings",
)  # fmt: skip
RECRUITERS = ("stranger", "acquaintance", "friend", "family", "intimate_partner", "other")
ASSISTANCE = ("housing", "health", "psychological", "legal", "financial", "return_reintegration")


@dataclass(frozen=True)
class Population:
    """``persons``: one row per victim. ``seen``: shape (victims, agencies), who is on which list.

    ``referrals``: one row per referral: person_id, from, to, date. ``chances`` (victims, agencies): the chance of
    each agency to see the person before referrals.
    """

    persons: pd.DataFrame
    seen: Bools
    referrals: pd.DataFrame
    chances: Floats


def populate(
    victims: int,
    random: np.random.Generator,
    *,
    base: Floats,
    visible_share: float,
    visible_factor: float,
    referral: Floats,
    avoidance: float,
    independent: bool,
) -> Population:
    """Draw the victims and who detects them.

    Parameters
    ----------
    base : shape (agencies,), chance to be seen by each agency of an average person.
    visible_share, visible_factor : one class of persons is that many times as visible as the other.
    referral : shape (agencies, agencies), chance that the row's agency sends a person to the column's.
    avoidance : factor on the chance of the labour inspection to see a person whom the police saw.
    independent : every person has the chances ``base`` and no agency sends or avoids anyone.
    """
    persons = _persons(victims, random)
    chances = np.tile(base, (victims, 1))
    visible = random.random(victims) < visible_share
    persons["visible"] = visible
    if not independent:
        level = 1 / (visible_share * visible_factor + 1 - visible_share)
        chances *= np.where(visible, visible_factor * level, level)[:, None] * _reach(persons)
    chances = np.clip(chances, 0, 0.95)
    seen = random.random(chances.shape) < chances
    referrals: list[pd.DataFrame] = []
    if not independent:
        labour, police = AGENCIES.index("labour_inspection"), AGENCIES.index("police")
        seen[:, labour] &= ~seen[:, police] | (random.random(victims) < avoidance)
        first = seen.copy()
        for source, target in zip(*np.nonzero(referral), strict=True):
            sent = first[:, source] & ~seen[:, target] & (random.random(victims) < referral[source, target])
            seen[:, target] |= sent
            rows = np.flatnonzero(sent)
            day = persons["identification_date"].to_numpy()[rows] + random.integers(1, 60, len(rows)).astype(
                "timedelta64[D]"
            )
            referrals.append(
                pd.DataFrame(
                    {
                        "person_id": persons["person_id"].to_numpy()[rows],
                        "from": AGENCIES[source],
                        "to": AGENCIES[target],
                        "date": day,
                    }
                )
            )
    columns = ["person_id", "from", "to", "date"]
    history = pd.concat(referrals, ignore_index=True) if referrals else pd.DataFrame(columns=columns)
    return Population(persons, seen, history.sort_values(["date", "person_id", "to"], ignore_index=True), chances)


def _reach(persons: pd.DataFrame) -> Floats:
    """How much more or less than average each agency reaches each kind of person; shape (victims, agencies)."""
    reach = np.ones((len(persons), len(AGENCIES)))
    child = (persons["age"] < 18).to_numpy()
    woman = (persons["sex"] == "female").to_numpy()
    sexual = persons["exploitation_forms"].map(lambda forms: "sexual" in forms).to_numpy()
    labour = persons["exploitation_forms"].map(lambda forms: "forced_labour" in forms).to_numpy()
    foreign = (persons["citizenship"] != HOME).to_numpy()
    reach[:, AGENCIES.index("police")] *= np.where(sexual, 1.3, 0.8)
    reach[:, AGENCIES.index("border")] *= np.where(foreign, 1.4, 0.1)
    reach[:, AGENCIES.index("shelter")] *= np.where(woman, 1.3, 0.6)
    reach[:, AGENCIES.index("labour_inspection")] *= np.where(labour, 2.0, 0.2)
    reach[:, AGENCIES.index("child_protection")] *= np.where(child, 3.0, 0.3)
    return reach


def _persons(victims: int, random: np.random.Generator) -> pd.DataFrame:
    """Who the victims are and what was done to them."""
    codes = list(CITIZENSHIPS)
    shares = np.array([CITIZENSHIPS[code] for code in codes])
    citizenship = random.choice(codes, victims, p=shares / shares.sum())
    sex = random.choice(["female", "male", "other"], victims, p=[0.66, 0.33, 0.01])
    age = np.where(
        random.random(victims) < 0.22,
        random.integers(6, 18, victims),
        18 + random.gamma(2.2, 5.5, victims).astype(int),
    )
    age = np.minimum(age, 75)
    forms = _forms(sex, age, random)
    days = (date(LAST_YEAR, 12, 31) - date(FIRST_YEAR, 1, 1)).days
    # Detections grow by about 5 % a year, with a fall in 2020.
    weight = np.exp(0.05 * np.arange(days) / 365.25)
    weight[731:1097] *= 0.75
    cumulative = np.cumsum(weight) / weight.sum()
    identification = np.datetime64(f"{FIRST_YEAR}-01-01") + np.searchsorted(cumulative, random.random(victims)).astype(
        "timedelta64[D]"
    )
    after_end = random.gamma(0.8, 60, victims).astype(int) * (random.random(victims) < 0.4)
    end = identification - after_end.astype("timedelta64[D]")
    months = np.maximum(1, random.lognormal(2.0, 0.9, victims).astype(int))
    months = np.minimum(months, np.maximum(1, age * 12 - 48))
    start = end - (months * 30.4375).astype(int).astype("timedelta64[D]")
    birth = identification - (age * 365.2425 + 1 + random.integers(0, 360, victims)).astype(int).astype(
        "timedelta64[D]"
    )
    recruitment = np.where(random.random(victims) < 0.8, citizenship, HOME)
    transit = [
        TRANSIT[country] if country in TRANSIT and moved else []
        for country, moved in zip(recruitment, random.random(victims) < 0.7, strict=True)
    ]
    status = random.choice(["presumed", "identified", "recognised", "rejected"], victims, p=[0.35, 0.40, 0.21, 0.04])
    convicted = random.choice(
        ["no_proceedings", "investigation", "prosecution", "convicted", "dismissed"],
        victims,
        p=[0.45, 0.28, 0.14, 0.08, 0.05],
    )
    labour = np.array(["forced_labour" in each for each in forms])
    return pd.DataFrame(
        {
            "person_id": np.arange(victims),
            "sex": sex,
            "age": age,
            "date_of_birth": birth,
            "citizenship": citizenship,
            "culture": [CULTURES[code] for code in citizenship],
            "country_of_recruitment": recruitment,
            "countries_of_transit": transit,
            "country_of_exploitation": np.where(
                random.random(victims) < 0.93, HOME, random.choice(["ESP", "ITA"], victims)
            ),
            "exploitation_forms": forms,
            "labour_sector": [
                [sector] if has else []
                for sector, has in zip(
                    random.choice(SECTORS, victims, p=[0.35, 0.15, 0.2, 0.15, 0.15]), labour, strict=True
                )
            ],
            "means_of_control": _several(
                MEANS, [0.3, 0.45, 0.4, 0.3, 0.25, 0.35, 0.2, 0.25, 0.2, 0.3], victims, random
            ),
            "recruiter_relation": random.choice(RECRUITERS, victims, p=[0.3, 0.25, 0.13, 0.12, 0.14, 0.06]),
            "recruitment_date": start - random.integers(1, 60, victims).astype("timedelta64[D]"),
            "exploitation_start": start,
            "exploitation_end": end,
            "duration_months": months,
            "identification_date": identification,
            "identification_status": status,
            "assistance": _several(ASSISTANCE, [0.5, 0.5, 0.45, 0.4, 0.2, 0.12], victims, random),
            "participates_in_proceedings": random.choice(["yes", "no"], victims, p=[0.35, 0.65]),
            "proceedings_status": convicted,
        }
    )


def _forms(sex: NDArray[np.str_], age: NDArray[np.int64], random: np.random.Generator) -> list[list[str]]:
    """Forms of exploitation, one or two, by sex and age."""
    adult = {
        "female": [0.62, 0.20, 0.04, 0.02, 0.08, 0.04, 0.0],
        "male": [0.08, 0.72, 0.12, 0.05, 0.02, 0.0, 0.01],
    }
    child = {
        "female": [0.50, 0.15, 0.08, 0.09, 0.08, 0.10, 0.0],
        "male": [0.15, 0.35, 0.28, 0.20, 0.02, 0.0, 0.0],
    }
    first = np.empty(len(sex), dtype=np.int64)
    for young, table in ((False, adult), (True, child)):
        for group in ("female", "male", "other"):
            rows = np.flatnonzero((sex == group) & ((age < 18) == young))
            shares = np.array(table["female" if group == "other" else group])
            first[rows] = random.choice(len(FORMS), len(rows), p=shares / shares.sum())
    second = random.choice(len(FORMS), len(sex), p=[0.3, 0.3, 0.2, 0.1, 0.1, 0.0, 0.0])
    both = (random.random(len(sex)) < 0.12) & (second != first)
    return [[FORMS[a], FORMS[b]] if two else [FORMS[a]] for a, b, two in zip(first, second, both, strict=True)]


def _several(codes: tuple[str, ...], chances: list[float], rows: int, random: np.random.Generator) -> list[list[str]]:
    """For each row the codes that hold; at least one."""
    has = random.random((rows, len(codes))) < chances
    has[np.arange(rows), random.choice(len(codes), rows, p=np.array(chances) / sum(chances))] = True
    return [[code for code, on in zip(codes, row, strict=True) if on] for row in has]
