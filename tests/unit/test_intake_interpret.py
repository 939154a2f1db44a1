"""What a cell means: dates, numbers and codes, and missing, unknown and none kept apart."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.intake.interpret import Reading, Rules, parse_date
from amparo.standard.variables import code_list, comparable, variables


def rules(variable: str, codes: dict[str, tuple[str, ...]] | None = None, order: str = "DMY") -> Rules:
    return Rules(
        variable=variables()[variable],
        column="c",
        codes={comparable(text): code for text, code in (codes or {}).items()},
        unknown=frozenset({"ns/nr"}),
        missing=frozenset({"", "-"}),
        separator=";",
        date_order=order,
        today=date(2025, 6, 30),
    )


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2021-03-05", "MDY", (date(2021, 3, 5), "day")),
        ("2021-03-05 00:00:00", "DMY", (date(2021, 3, 5), "day")),
        ("2021-03-05T10:11:12Z", "DMY", (date(2021, 3, 5), "day")),
        ("05/03/2021", "DMY", (date(2021, 3, 5), "day")),
        ("05/03/2021", "MDY", (date(2021, 5, 3), "day")),
        ("5.3.21", "DMY", (date(2021, 3, 5), "day")),
        ("5-3-98", "DMY", (date(1998, 3, 5), "day")),
        ("2021-03", "DMY", (date(2021, 3, 1), "month")),
        ("03/2021", "DMY", (date(2021, 3, 1), "month")),
        ("2021", "DMY", (date(2021, 1, 1), "year")),
        ("2021-00-00", "DMY", (date(2021, 1, 1), "year")),
        ("00/03/2021", "DMY", (date(2021, 3, 1), "month")),
        ("5 de marzo de 2021", "DMY", (date(2021, 3, 5), "day")),
        ("March 5, 2021", "DMY", (date(2021, 3, 5), "day")),
        ("mars 2021", "DMY", (date(2021, 3, 1), "month")),
        ("5 марта 2021 г.", "DMY", (date(2021, 3, 5), "day")),
        ("5 مارس 2021", "DMY", (date(2021, 3, 5), "day")),
        ("٥/٣/٢٠٢١", "DMY", (date(2021, 3, 5), "day")),
        ("2021年3月5日", "DMY", (date(2021, 3, 5), "day")),
        ("2021年3月", "DMY", (date(2021, 3, 1), "month")),
        ("20210305", "DMY", (date(2021, 3, 5), "day")),
    ],
)
def test_dates_in_the_usual_orders_and_parts(text: str, order: str, expected: tuple[date, str]) -> None:
    assert parse_date(comparable(text), order) == expected


@pytest.mark.parametrize("text", ["31/02/2021", "03/13/2021", "5/3", "abc", "2021-13-01", "44260", "1/2/3/4", "0000"])
def test_what_is_no_date_is_not_bent_into_one(text: str) -> None:
    assert parse_date(comparable(text), "DMY") is None


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2025, 6, 30)))
def test_every_date_written_in_the_crosswalks_order_is_read_back(day: date) -> None:
    assert rules("identification_date").read(day.strftime("%d/%m/%Y")).value == (day, "day")
    assert rules("identification_date", order="MDY").read(day.strftime("%m.%d.%Y")).value == (day, "day")


@settings(deadline=None)
@given(st.text())
def test_no_text_is_too_strange_to_be_told_about(text: str) -> None:
    for variable in ("identification_date", "age", "sex", "means_of_control", "citizenship", "full_name"):
        reading = rules(variable).read(text)
        assert (reading.fault is None) or (reading.fault.reason and reading.fault.expected and reading.fault.remedy)


def test_missing_unknown_and_none_are_three_things() -> None:
    control = rules("means_of_control")
    assert control.read("-").value is None
    assert control.read("NS/NR").value == ("unknown",)
    assert control.read("none").value == ("none",)
    assert rules("age").read("-") == Reading()
    assert rules("age").read("NS/NR") == Reading(unknown=True)


def test_a_multi_valued_cell_is_read_in_parts() -> None:
    control = rules("means_of_control", {"amenazas": ("threats",), "deuda": ("debt_bondage",)})
    assert control.read("Amenazas; DEUDA").value == ("threats", "debt_bondage")
    assert control.read("amenazas;NS/NR").value == ("threats",)
    fault = control.read("amenazas;magia").fault
    assert fault is not None
    assert "magia" in fault.reason
    assert '[columns."c".codes]' in fault.remedy


def test_none_beside_something_is_refused() -> None:
    assert rules("means_of_control").read("none;threats").fault is not None


def test_codes_and_labels_in_six_languages_are_known_without_a_crosswalk() -> None:
    sex = rules("sex")
    for label in code_list("sex")["female"].labels.values():
        assert sex.read(f" {label.upper()} ").value == ("female",)


@pytest.mark.parametrize(("text", "value"), [("34", 34), ("34.0", 34), ("٣٤", 34)])
def test_integers(text: str, value: int) -> None:
    assert rules("age").read(text).value == value


@pytest.mark.parametrize("text", ["-1", "121", "34 años", "3.5", "1e3", "0x10"])
def test_implausible_ages_are_refused(text: str) -> None:
    assert rules("age").read(text).fault is not None


@pytest.mark.parametrize(
    ("text", "value"), [("<5", (0, 4)), ("0", (0, 0)), ("1,234", (1234, 1234)), ("12 345", (12345, 12345))]
)
def test_counts_keep_what_was_withheld_as_an_interval(text: str, value: tuple[int, int]) -> None:
    assert rules("count").read(text).value == value


def test_the_future_is_refused() -> None:
    assert rules("identification_date").read("2025-07-01").fault is not None
    assert rules("identification_date").read("2025").fault is None
