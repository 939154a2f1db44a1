"""Records made ready to be compared: one row a record, whatever the agency's columns, script and order of names.

Nothing here decides whether two records are one person; it only brings out what can be compared, and finds which
records are worth comparing at all (blocking keys).

Source: Christen (2012), Data Matching, ch. 3 (preparation) and ch. 4 (indexing; keys that too many records share are
purged: Papadakis et al. 2020, ACM Computing Surveys 53, sec. 4).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from anyascii import anyascii

from amparo.linkage.names import sounds
from amparo.standard.variables import NO_INFORMATION, variables

NAMES = ("full_name", "given_name", "middle_name", "family_name", "second_family_name", "alias")
SELDOM, RARE = 1 / 64, 1 / 512
"""Shares of the records below which a part of a name is seldom, or rare: agreeing on it tells more."""

LARGEST_BLOCK = 100
"""A key that more records share brings more pairs than it finds matches; other keys of theirs must do."""

CODES = (
    "sex", "exploitation_forms", "labour_sector", "means_of_control", "recruiter_relation", "recruitment_methods",
    "marital_status", "education",
)  # fmt: skip
"""Coded variables that tell of the person or of what was done, and that do not follow from the origin."""

SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("list", pa.string()),
        *((name, pa.list_(pa.string())) for name in ("sounds", "seldom", "rare")),
        ("sounded", pa.string()),
        *((name, pa.string()) for name in ("birth", "birth_turned", "birth_from", "birth_to")),
        ("birth_guessed", pa.bool_()),
        *((name, pa.string()) for name in ("phone", "document")),
        *((name, pa.list_(pa.string())) for name in ("address", "address_seldom", "address_rare")),
        *((name, pa.list_(pa.string())) for name in ("origin", *CODES)),
        ("start", pa.string()),
        ("keys", pa.list_(pa.string())),
    ]
)
"""Columns of records made ready.

``sounds`` of the name, of them the ``seldom`` and the ``rare`` ones, and all joined; ``birth`` where the day is known,
the same with day and month exchanged, the days between which the birth lies, and whether it is a guess (the first of
January, or from an age); numbers; words of the address; ``origin`` (citizenships and country of birth); facts;
blocking keys.
"""

Columns = dict[str, list[Any]]


def comparable_records(identities: pa.Table, analysis: pa.Table) -> pa.Table:
    """Names, birth, contacts and facts of each record in a form that can be compared.

    Parameters
    ----------
    identities : the vault in clear, columns of ``vault_schema("victims")``.
    analysis : the analysis table, columns of ``analysis_schema("victims")``.

    Returns
    -------
    One row per record of ``identities``, columns :data:`SCHEMA`.
    """
    people = identities.to_pandas().set_index("record_id", drop=False)
    facts = analysis.to_pandas().set_index("record_id").reindex(people.index)
    out: Columns = {"record_id": people["record_id"].tolist(), "list": people["list"].tolist()}
    out["sounds"] = [list(sounds(*row)) for row in zip(*(_texts(people, name) for name in NAMES), strict=True)]
    _by_frequency(out, "sounds", ("seldom", "rare"))
    out["sounded"] = [" ".join(parts) or None for parts in out["sounds"]]
    _birth(out, people, facts)
    out["phone"] = [_digits(text) for text in _texts(people, "phone")]
    out["document"] = [_letters(text) for text in _texts(people, "identity_number")]
    out["address"] = [_words(text) for text in _texts(people, "address")]
    _by_frequency(out, "address", ("address_seldom", "address_rare"))
    for name in CODES:
        out[name] = _codes(facts, name)
    origins = zip(_codes(facts, "citizenship"), _codes(facts, "country_of_birth"), strict=True)
    out["origin"] = [sorted({*(one or ()), *(other or ())}) or None for one, other in origins]
    start = pd.to_datetime(facts["exploitation_start"])
    known = facts["exploitation_start_precision"].isin(["day", "month"])
    out["start"] = [f"{day:%Y-%m}" if sure else None for day, sure in zip(start, known, strict=True)]
    out["keys"] = blocking_keys(out)
    return pa.table(out, schema=SCHEMA)


def _texts(people: pd.DataFrame, name: str) -> list[str]:
    return [text if isinstance(text, str) else "" for text in people[name]] if name in people else [""] * len(people)


def _digits(text: str) -> str | None:
    """The last seven digits of a telephone number: countries and agencies write the rest in many ways."""
    found = re.sub(r"\D", "", anyascii(text))
    return found[-7:] if len(found) >= 6 else None


def _letters(text: str) -> str | None:
    found = re.sub(r"[^a-z0-9]", "", anyascii(text).lower())
    return found if len(found) >= 5 else None


def _words(text: str) -> list[str]:
    return sorted(set(re.findall(r"[a-z0-9]+", anyascii(text).lower())))


def _codes(facts: pd.DataFrame, name: str) -> list[list[str] | None]:
    """The informative codes of each record, sorted; None where there is none."""
    if name not in facts:
        return [None] * len(facts)
    several = variables()[name].type in ("codes", "countries")
    out: list[list[str] | None] = []
    for cell in facts[name]:
        given: Iterable[str] = (
            (cell if cell is not None and not isinstance(cell, float) else ()) if several else (cell,)
        )
        known = sorted(
            code for code in given if isinstance(code, str) and code not in NO_INFORMATION and code != "none"
        )
        out.append(known or None)
    return out


def _by_frequency(out: Columns, name: str, into: tuple[str, str]) -> None:
    """The parts that few records have, apart."""
    count = Counter(itertools.chain.from_iterable(out[name]))
    for column, share in zip(into, (SELDOM, RARE), strict=True):
        most = max(share * len(out[name]), 1)
        few = {part for part, records in count.items() if records <= most}
        out[column] = [[part for part in parts if part in few] for parts in out[name]]


def _birth(out: Columns, people: pd.DataFrame, facts: pd.DataFrame) -> None:
    born = pd.to_datetime(people["date_of_birth"]).to_numpy(dtype="datetime64[D]")
    precision = people["date_of_birth_precision"].to_numpy(dtype=object)
    age = facts["age"].to_numpy(dtype="float64", na_value=np.nan)
    seen = pd.to_datetime(facts["identification_date"]).to_numpy(dtype="datetime64[D]")
    rows = [_one_birth(*row) for row in zip(born.tolist(), precision, age.tolist(), seen.tolist(), strict=True)]
    for at, name in enumerate(("birth", "birth_turned", "birth_from", "birth_to", "birth_guessed")):
        out[name] = [row[at] for row in rows]


def _one_birth(
    born: date | None, precision: object, age: float, seen: date | None
) -> tuple[str | None, str | None, str | None, str | None, bool]:
    """Day, day with month and day exchanged, first and last possible day, whether it is a guess."""
    if born is not None and precision == "day":
        guessed = (born.month, born.day) == (1, 1)
        turned = born.replace(month=born.day, day=born.month).isoformat() if born.day <= 12 else None
        return born.isoformat(), turned, born.isoformat(), born.isoformat(), guessed
    if born is not None:
        last = f"{born.year}-12-31" if precision == "year" else f"{born.year}-{born.month:02d}-31"
        return None, None, born.isoformat(), last, True
    if age == age and seen is not None:
        year, rest = seen.year - int(age), seen.isoformat()[4:]
        return None, None, f"{year - 1}{rest}", f"{year}{rest}", True
    return None, None, None, None, False


def blocking_keys(out: Columns) -> list[list[str]]:
    """Keys of which two records must share one to be compared; none of more than ``LARGEST_BLOCK`` records.

    Two parts of the name; a part and the birth year; all three; a part and the origin; the day of birth;
    telephone; document; two uncommon words of the address; a rare part of the name.
    """
    columns = (
        "sounds",
        "rare",
        "birth",
        "birth_turned",
        "birth_from",
        "birth_to",
        "phone",
        "document",
        "address_rare",
        "origin",
    )
    keys = [_keys(*row) for row in zip(*(out[name] for name in columns), strict=True)]
    count = Counter(itertools.chain.from_iterable(keys))
    return [[key for key in of_record if 1 < count[key] <= LARGEST_BLOCK] for of_record in keys]


def _keys(
    parts: Sequence[str], rare: Sequence[str], birth: str | None, turned: str | None,
    first: str | None, last: str | None, phone: str | None, document: str | None, address: Sequence[str],
    origin: Sequence[str] | None,
) -> set[str]:  # fmt: skip
    years = range(int(first[:4]), int(last[:4]) + 1) if first and last else range(0)
    pairs = ["+".join(pair) for pair in itertools.combinations(parts[:6], 2)]
    found = {*pairs, *rare, *("a:" + "+".join(pair) for pair in itertools.combinations(address[:4], 2))}
    found |= {f"{part}@{year}" for part in (*parts, *pairs) for year in years}
    found |= {f"{part}/{country}" for part in parts for country in origin or ()}
    found |= {f"{mark}:{value}" for mark, value in (("t", phone), ("i", document)) if value}
    # Of day and month exchanged both forms, so that they meet the true one.
    found |= {f"d:{day}" for day in (birth, turned) if day}
    return found
