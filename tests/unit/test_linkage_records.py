"""Records made ready to be compared: births, numbers, codes and blocking keys of known rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from amparo.intake.workspace import analysis_schema, vault_schema
from amparo.linkage.records import LARGEST_BLOCK, SCHEMA, comparable_records


def ready(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of identities and facts together, made ready."""
    vault, analysis = vault_schema("victims"), analysis_schema("victims")
    given = [{"record_id": f"r{n}", "list": "police"} | row for n, row in enumerate(rows)]
    tables = [
        pa.Table.from_pylist([{k: v for k, v in row.items() if k in schema.names} for row in given], schema=schema)
        for schema in (vault, analysis)
    ]
    records = comparable_records(*tables)
    assert records.schema == SCHEMA
    return records.to_pylist()


def birth(**row: Any) -> tuple[Any, ...]:
    made = ready(row)[0]
    return tuple(made[name] for name in ("birth", "birth_turned", "birth_from", "birth_to", "birth_guessed"))


def test_birth_day_month_year_age_and_nothing() -> None:
    day = {"date_of_birth": date(1990, 3, 4), "date_of_birth_precision": "day"}
    assert birth(**day) == ("1990-03-04", "1990-04-03", "1990-03-04", "1990-03-04", False)
    late = {"date_of_birth": date(1990, 3, 14), "date_of_birth_precision": "day"}
    assert birth(**late)[1] is None  # there is no fourteenth month
    first = {"date_of_birth": date(1990, 1, 1), "date_of_birth_precision": "day"}
    assert birth(**first)[-1] is True
    year = {"date_of_birth": date(1990, 1, 1), "date_of_birth_precision": "year"}
    assert birth(**year) == (None, None, "1990-01-01", "1990-12-31", True)
    month = {"date_of_birth": date(1990, 3, 1), "date_of_birth_precision": "month"}
    assert birth(**month)[2:4] == ("1990-03-01", "1990-03-31")
    aged = {"age": 17, "identification_date": date(2020, 6, 5)}
    assert birth(**aged) == (None, None, "2002-06-05", "2003-06-05", True)
    assert birth() == (None, None, None, None, False)


def test_a_person_of_that_age_was_born_between_the_days() -> None:
    """Seventeen on 5 June 2020: born after 5 June 2002, and on 5 June 2003 at the latest."""
    first, last = birth(age=17, identification_date=date(2020, 6, 5))[2:4]
    assert (first <= "2002-06-06", last) == (True, "2003-06-05")


def test_numbers_in_any_writing() -> None:
    ways = ["+999 612 345678", "612-345678", "(612) 345678", "٦١٢٣٤٥٦٧٨"]
    assert {row["phone"] for row in ready(*({"phone": way} for way in ways))} == {"2345678"}
    assert ready({"phone": "123"})[0]["phone"] is None
    assert {row["document"] for row in ready({"identity_number": "P 12-34.567"}, {"identity_number": "p1234567"})} == {
        "p1234567"
    }
    assert ready({"identity_number": "no"})[0]["document"] is None


def test_what_says_nothing_is_nothing() -> None:
    made = ready({"sex": "unknown", "means_of_control": [], "citizenship": None})[0]
    assert [made[name] for name in ("sex", "means_of_control", "origin", "sounded")] == [None] * 4
    assert made["sounds"] == made["keys"] == []


def test_origin_joins_citizenships_and_country_of_birth() -> None:
    made = ready({"citizenship": ["VEN", "COL"], "country_of_birth": "COL"})[0]
    assert made["origin"] == ["COL", "VEN"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"family_name": "García", "given_name": "José"}, {"full_name": "Хосе Гарсия"}),
        ({"phone": "+999 612345678"}, {"phone": "612 345 678"}),
        ({"identity_number": "P1234567"}, {"identity_number": "p-1234567"}),
        (
            {"date_of_birth": date(1990, 3, 4), "date_of_birth_precision": "day"},
            {"date_of_birth": date(1990, 4, 3), "date_of_birth_precision": "day"},
        ),
        (
            {"full_name": "Ana X", "date_of_birth": date(1990, 3, 4), "date_of_birth_precision": "day"},
            {"full_name": "Ana Y", "age": 30, "identification_date": date(2020, 6, 5)},
        ),
    ],
)
def test_records_alike_in_one_thing_share_a_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = ready(one, other)
    assert set(first["keys"]) & set(second["keys"])


def test_strangers_share_no_key_and_lone_keys_are_left_out() -> None:
    first, second = ready({"full_name": "Olena Kovalenko"}, {"full_name": "Chidi Okafor"})
    assert first["keys"] == second["keys"] == []


def test_a_key_that_too_many_share_is_left_out() -> None:
    few = ready(*({"phone": "612345678"} for _ in range(LARGEST_BLOCK)))
    many = ready(*({"phone": "612345678"} for _ in range(LARGEST_BLOCK + 1)))
    assert all(row["keys"] for row in few)
    assert not any(row["keys"] for row in many)


def test_rare_parts_are_those_that_few_have() -> None:
    rows = ready(*({"full_name": "Ana"} for _ in range(600)), {"full_name": "Ana Quispe"})
    assert (
        rows[-1]["rare"] == rows[-1]["seldom"] == [part for part in rows[-1]["sounds"] if part != rows[0]["sounds"][0]]
    )
    assert rows[0]["rare"] == rows[0]["seldom"] == []
