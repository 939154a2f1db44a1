"""What UNODC's published workbook gives away, against figures worked out by hand and by another way."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from amparo.protection.foreign import ForeignAudit, audit_foreign, read_foreign

WORKBOOK = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "unodc" / "data_glotip.xlsx"
pytestmark = pytest.mark.skipif(not WORKBOOK.exists(), reason="UNODC's workbook of ../shared/data/unodc is not here")


@pytest.fixture(scope="module")
def timed() -> tuple[ForeignAudit, float]:
    started = time.monotonic()
    found = audit_foreign(read_foreign(WORKBOOK))
    return found, time.monotonic() - started


@pytest.fixture(scope="module")
def found(timed: tuple[ForeignAudit, float]) -> ForeignAudit:
    return timed[0]


@pytest.fixture(scope="module")
def told(found: ForeignAudit) -> pd.DataFrame:
    return pd.concat([found.cells, found.derived], axis=1)


def test_all_rows_are_read_and_judged_in_under_two_minutes(timed: tuple[ForeignAudit, float]) -> None:
    found, seconds = timed
    assert len(found.table.frame) == 58_769
    assert found.exposure["sure"].withheld == 29_558
    assert set(found.cells["mark"]) == {"<5"}
    assert seconds < 120


def test_the_sums_that_always_hold_are_those_of_the_ages_within_a_sex(found: ForeignAudit) -> None:
    """UNODC adds girls and women to females itself; other sums are reported, and contradict each other."""
    sure = found.patterns[(found.patterns["sure"] == "adds up") & (found.patterns["checked"] > 0)]
    assert sure["checked"].sum() == sure["held"].sum() == 1_363
    assert set(sure["over"]) == {"Age"}
    assert sure["pattern"].str.contains("Sex given; Dimension/Category total").all()
    by_sex = found.patterns[found.patterns["pattern"].str.startswith("over Sex; Age total; Dimension/Category total")]
    assert (by_sex["held"] < by_sex["checked"]).all()


def test_how_many_cells_are_given_away(found: ForeignAudit) -> None:
    sure, likely = found.exposure["sure"], found.exposure["likely"]
    assert (sure.exact, sure.within_one, sure.set_aside) == (2_043, 22, 0)
    # A smallest set of contradictory sums is not always the only one: what hangs on the choice is counted apart.
    assert (likely.exact, likely.within_one, likely.set_aside) == (5_746, 635, 1_229)
    assert (likely.exact_beside, likely.within_one_beside) == (786, 75)
    for exposure in (sure, likely):
        assert exposure.exact + exposure.within_one + exposure.narrowed + exposure.own == exposure.withheld


def test_the_sure_cells_are_those_of_a_sum_by_sum_reckoning(found: ForeignAudit) -> None:
    """Another way: pandas, one sum after the other; no sum of this kind shares a cell with another."""
    rows = CalamineWorkbook.from_path(str(WORKBOOK)).get_sheet_by_index(0).to_python()
    frame = pd.DataFrame(rows[3:], columns=rows[2])
    frame = frame[(frame["Dimension"] == "Total") & frame["Sex"].isin(["Female", "Male", "Other"])]
    sums: dict[tuple[str, ...], list[tuple[int, int, int]]] = {}
    for row in frame.to_dict("records"):
        text = str(row["txtVALUE"]).replace(",", "").removesuffix(".0")
        low, high = (0, 4) if text == "<5" else (int(text), int(text))
        sign = 1 if row["Age"] == "Total" else -1
        key = tuple(str(row[column]) for column in ("Country", "Indicator", "Sex", "Year"))
        sums.setdefault(key, []).append((sign, low, high))
    exact = one = 0
    for terms in sums.values():
        if {sign for sign, _, _ in terms} != {1, -1}:
            continue
        # The total less its parts is 0, so each term is what the others leave of it.
        least = sum(low if sign > 0 else -high for sign, low, high in terms)
        most = sum(high if sign > 0 else -low for sign, low, high in terms)
        for sign, low, high in terms:
            if low < high:
                others = (least - low, most - high) if sign > 0 else (least + high, most + low)
                ends = (-others[1], -others[0]) if sign > 0 else others
                width = min(high, ends[1]) - max(low, ends[0])
                exact, one = exact + (width == 0), one + (width == 1)
    assert (exact, one) == (found.exposure["sure"].exact, found.exposure["sure"].within_one)


def cell(told: pd.DataFrame, country: str, indicator: str, sex: str, age: str, year: str) -> list[float]:
    here = told[
        (told["Iso3_code"] == country) & (told["Indicator"] == indicator) & (told["Dimension"] == "_T")
        & (told["Sex"] == sex) & (told["Age"] == age) & (told["Year"] == year)
    ]  # fmt: skip
    assert len(here) == 1
    return [float(value) for value in here[["sure_lower", "sure_upper"]].iloc[0]]


def test_cells_worked_out_by_hand(told: pd.DataFrame) -> None:
    detected, met, child = "Detected trafficking victims", "Persons brought into formal contact", "0 to 17 years"
    # Spain 2021: 165 female victims, of whom 161 are women; 23 male victims, of whom 23 are men.
    assert cell(told, "ESP", detected, "Female", child, "2021") == [4, 4]
    assert cell(told, "ESP", detected, "Male", child, "2021") == [0, 0]
    # Spain 2021: 127 female suspects of whom 127 are women, 117 male of whom 117 are men: such "<5" are none at all.
    assert cell(told, "ESP", met, "Female", child, "2021") == [0, 0]
    assert cell(told, "ESP", met, "Male", child, "2021") == [0, 0]


def test_what_contradicts_itself_is_named(found: ForeignAudit) -> None:
    """Spain 2021: 117 adults and 127 women and 117 men: the sexes exceed the adults whom they are said to be."""
    by_sex = found.patterns.query("pattern == 'over Sex; Age given; Dimension/Category total; "
                                  "Indicator Persons brought into formal contact'").iloc[0]  # fmt: skip
    assert (by_sex["checked"], by_sex["held"], by_sex["exceeded"]) == (172, 49, 73)
    # A pattern that fails so often is not relied on at all.
    assert (by_sex["sure"], by_sex["likely"]) == ("", "")
    assert found.set_aside["reading"].eq("likely").all()


def test_counts_hidden_from_the_attack_are_found_and_found_right(found: ForeignAudit) -> None:
    """A quarter of the counts of 5 to 9 that UNODC shows, hidden as "5-9": here the truth is known."""
    frame = found.table.frame.copy()
    shown = np.flatnonzero((~frame["withheld"] & frame["lower"].between(5, 9)).to_numpy())
    hidden = np.random.default_rng(1).choice(shown, len(shown) // 4, replace=False)
    truth = frame["lower"].to_numpy().copy()
    frame.loc[hidden, ["lower", "upper", "withheld", "mark"]] = [5, 9, True, "5-9"]
    again = audit_foreign(replace(found.table, frame=frame))
    rows = np.flatnonzero(frame["withheld"].to_numpy())
    told = again.derived.assign(truth=truth[rows])[(again.cells["mark"] == "5-9").to_numpy()]
    assert len(told) == 1_543
    right = {}
    for reading in ("sure", "likely"):
        exact = told[told[f"{reading}_lower"] == told[f"{reading}_upper"]]
        right[reading] = (int((exact[f"{reading}_lower"] == exact["truth"]).sum()), len(exact))
    assert right["sure"] == (162, 162)
    assert told["truth"].between(told["sure_lower"], told["sure_upper"]).all()
    assert right["likely"] == (411, 420)
