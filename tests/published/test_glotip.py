"""UNODC's published workbook: sums against its own totals, and where it contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
import pytest

from amparo.intake.load import load_list
from amparo.intake.suggest import matching_built_in
from amparo.intake.workspace import Workspace
from amparo.protection.ledger import Cleared
from amparo.protection.release import Release, republish
from amparo.report import write
from amparo.statistics import glotip

Clear = Callable[[Release], Cleared[Release]]

WORKBOOK = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "unodc" / "data_glotip.xlsx"
needs_workbook = pytest.mark.skipif(
    not WORKBOOK.exists(), reason="UNODC's workbook of ../shared/data/unodc is not here"
)

COLUMNS = ["reporting_country", "indicator", "dimension", "category", "sex", "age", "year", "lower", "upper"]
SMALL = [
    ("ESP", "detected_victims", "_T", None, "_T", "_T", 2021, 188, 188),
    ("ESP", "detected_victims", "_T", None, "female", "_T", 2021, 165, 165),
    ("ESP", "detected_victims", "_T", None, "male", "_T", 2021, 23, 23),
    ("ESP", "detected_victims", "_T", None, "male", "adult", 2021, 23, 23),
    ("ESP", "detected_victims", "_T", None, "male", "child", 2021, 0, 4),
    ("PRT", "detected_victims", "_T", None, "_T", "_T", 2021, 0, 4),
    ("PRT", "detected_victims", "_T", None, "female", "_T", 2021, 9, 9),
    ("PRT", "detected_victims", "citizenship", "NGA", "_T", "_T", 2021, 0, 4),
    ("PRT", "detected_victims", "citizenship", "PRT", "_T", "_T", 2021, 3, 3),
    ("ESP", "detected_victims", "exploitation_form", "other", "_T", "_T", 2021, 20, 20),
    ("ESP", "detected_victims", "exploitation_form", "other", "_T", "_T", 2021, 5, 5),
]


def small() -> ibis.Table:
    return ibis.memtable(pd.DataFrame(SMALL, columns=COLUMNS))


def frame(name: str, aggregates: ibis.Table) -> pd.DataFrame:
    return next(table for table in glotip.published_tables(aggregates) if table.name == name).frame


def test_a_total_is_never_added_to_its_parts() -> None:
    rows = frame("world_by_year_indicator", small())
    assert rows[rows["year"] == "2021"][["lower", "upper"]].to_numpy().tolist() == [[188, 192]]
    by_sex = frame("world_by_year_sex", small()).set_index(["year", "sex"])
    assert by_sex.loc[("2021", "male"), "upper"] == 23


def test_two_entries_of_one_form_are_a_range_from_the_largest_to_their_sum() -> None:
    row = frame("country_by_form", small()).query("reporting_country == 'ESP' and form == 'other'").iloc[0]
    assert (row["lower"], row["upper"]) == (20, 25)


def of_italy(*rows: tuple[str, str, int, int]) -> ibis.Table:
    """Detected victims of one country and year, by sex and age."""
    return ibis.memtable(
        pd.DataFrame(
            [("ITA", "detected_victims", "_T", None, sex, age, 2017, lower, upper) for sex, age, lower, upper in rows],
            columns=COLUMNS,
        )
    )


def test_a_sex_that_stands_twice_is_its_children_and_its_adults() -> None:
    # Bulgaria 2017: 36 girls, 407 women and "female: 407", "female: 36"; 443 with 62 of other rows make its 505.
    italy = of_italy(("female", "child", 36, 36), ("female", "adult", 407, 407), ("female", "_T", 407, 407),
                     ("female", "_T", 36, 36), ("male", "_T", 59, 59), ("_T", "_T", 502, 502))  # fmt: skip
    rows = frame("country_by_sex", italy).set_index(["reporting_country", "sex"])
    assert rows.loc[("ITA", "female")].tolist() == [443, 443]
    assert glotip.contradictions(italy).empty


def test_a_sex_that_stands_twice_without_such_ages_is_a_range_and_is_listed() -> None:
    italy = of_italy(("female", "child", 30, 30), ("female", "adult", 407, 407), ("female", "_T", 407, 407),
                     ("female", "_T", 36, 36))  # fmt: skip
    rows = frame("country_by_sex", italy).set_index(["reporting_country", "sex"])
    assert rows.loc[("ITA", "female")].tolist() == [36, 407]
    assert glotip.contradictions(italy)["what"].str.startswith("reported more than once").any()


@pytest.mark.parametrize(
    ("total", "sexes"), [(30, {"_T", "female", "other"}), (40, {"_T", "female", "other", "unknown"})]
)
def test_other_given_again_as_unknown_counts_once_where_the_total_holds_one(total: int, sexes: set[str]) -> None:
    italy = of_italy(("female", "_T", 20, 20), ("other", "_T", 10, 10), ("unknown", "unknown", 10, 10),
                     ("_T", "_T", total, total))  # fmt: skip
    rows = frame("country_by_sex", italy).query("reporting_country == 'ITA'").set_index("sex")
    assert set(rows.index) == sexes
    assert rows.loc["_T", "lower"] == total


def test_parts_that_fall_short_of_their_total_are_listed_with_those_of_no_sex() -> None:
    italy = of_italy(("female", "_T", 20, 20), ("unknown", "unknown", 0, 4), ("_T", "_T", 30, 30))
    found = glotip.contradictions(italy).iloc[0]
    assert found["what"] == "parts by sex fall short of their total: total, _T, _T"
    assert (found["upper"], found["published_lower"]) == (24, 30)


def test_own_citizens_are_domestic() -> None:
    rows = frame("world_by_year_cross_border", small()).query("year == '2021'").set_index("cross_border")
    assert (rows.loc["domestic", "lower"], rows.loc["cross_border", "upper"]) == (3, 4)


def test_parts_that_exceed_their_total_are_listed() -> None:
    found = glotip.contradictions(small())
    assert set(found["what"]) == {
        "parts by sex exceed their total: total, _T, _T",
        "reported more than once: exploitation_form, other, _T, _T",
    }
    portugal = found[found["reporting_country"] == "PRT"].iloc[0]
    assert (portugal["lower"], portugal["published_upper"]) == (9, 4)


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> ibis.Table:
    workspace = Workspace(tmp_path_factory.mktemp("glotip") / "w", None)
    crosswalk = matching_built_in(WORKBOOK)
    assert crosswalk is not None
    loaded = load_list(WORKBOOK, crosswalk, workspace)
    assert loaded.rows_in == 58_769
    assert loaded.accepted == 58_641  # 128 cells hold codes of a questionnaire, such as 6,112,019
    return workspace.table("aggregates")


@needs_workbook
def test_sums_are_those_of_the_workbook_s_own_totals(workbook: ibis.Table) -> None:
    import python_calamine

    rows = python_calamine.CalamineWorkbook.from_path(str(WORKBOOK)).get_sheet_by_index(0).to_python()
    head = next(k for k, row in enumerate(rows) if "Iso3_code" in row)
    raw = pd.DataFrame(rows[head + 1 :], columns=rows[head])
    plain = raw[(raw["Indicator"] == "Detected trafficking victims") & (raw["Dimension"] == "Total")]
    plain = plain[(plain["Sex"] == "Total") & (plain["Age"] == "Total") & (plain["Iso3_code"] != "")]
    once = plain[~plain.duplicated(["Iso3_code", "Year"], keep=False)]
    once = once[once["Year"].astype(float) == 2019]
    exact = once[~once["txtVALUE"].astype(str).str.startswith("<")]
    least = exact["txtVALUE"].astype(str).str.replace(",", "").astype(float).sum()
    found = frame("country_by_year_indicator", workbook)
    found = found[(found["year"] == "2019") & (found["indicator"] == "detected_victims")]
    found = found[found["reporting_country"].isin(once["Iso3_code"])]
    assert found["lower"].sum() == least
    assert found["upper"].sum() == least + 4 * (len(once) - len(exact))


@needs_workbook
def test_the_workbook_contradicts_itself_where_it_does(workbook: ibis.Table) -> None:
    found = glotip.contradictions(workbook)
    kinds = found["what"].str.replace("[:,].*", "", regex=True).value_counts().to_dict()
    assert kinds == {
        "parts by sex fall short of their total": 763,
        "parts by exploitation_form exceed their total": 578,
        "parts by sex exceed their total": 531,
        "parts by age fall short of their total": 368,
        "reported more than once": 193,
        "parts by age exceed their total": 192,
        "parts by citizenship exceed their total": 116,
    }
    angola = found[
        (found["reporting_country"] == "AGO") & (found["year"] == "2017") & (found["indicator"] == "convicted")
    ]
    assert angola.iloc[0][["lower", "published_upper"]].tolist() == [12, 6]


@needs_workbook
def test_every_sex_that_stands_twice_in_the_workbook_is_its_children_and_its_adults(workbook: ibis.Table) -> None:
    rows = workbook.filter(workbook["dimension"] == "_T").to_pandas()
    key = ["reporting_country", "year", "indicator", "sex"]
    again = rows[(rows["age"] == "_T") & rows.duplicated([*key, "age"], keep=False)]
    ages = rows[rows["age"].isin(["child", "adult"])]
    assert len(again) == 310  # pairs of rows, each the country's children and adults of that sex
    sums, of_ages = (part.groupby(key)[["lower", "upper"]].sum() for part in (again, ages))
    pd.testing.assert_frame_equal(sums, of_ages.reindex(sums.index))


@needs_workbook
def test_the_workbook_becomes_a_report_with_ranges(clear: Clear, workbook: ibis.Table, tmp_path: Path) -> None:
    ready = republish(glotip.published_tables(workbook), provenance={"version": "t", "created": "2026-01-01"})
    findings = write(clear(ready), tmp_path, lang="en").findings
    assert "75,128 to 75,176" in findings[0]
    assert (tmp_path / "report.en.pdf").stat().st_size > 50_000
