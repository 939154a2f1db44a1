"""No cell acts as a formula on the way out, and numbers stay numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.standard.cells import safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "＝1",
        "=-5",
        "-",
        "--5",
    ],
)
def test_what_could_be_a_formula_becomes_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["-5", "+3", "-1.5", "-1,5", "1e-3", "-12%", "", "María", "a=b", "2021-03-05", "<5"])
def test_numbers_and_plain_texts_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


@given(st.text())
def test_nothing_is_lost_and_nothing_starts_a_formula(text: str) -> None:
    safe = safe_cell(text)
    assert safe in (text, "'" + text)
    if safe[:1] in "=@\t\r" and safe:
        raise AssertionError(safe)
