"""A list is loaded: every row is accepted or in quarantine, told why, and once."""

from __future__ import annotations

import csv
import json
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amparo.intake.key import Key, new_key
from amparo.intake.load import Load, load_list
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import Column, Crosswalk
from amparo.standard.errors import AmparoError, KeyMissingError

TODAY = date(2025, 6, 30)
COLUMNS = {
    "case": "case_number",
    "name": "full_name",
    "sex": "sex",
    "born": "date_of_birth",
    "age": "age",
    "band": "age_band",
    "group": "age_group",
    "found": "identification_date",
    "start": "exploitation_start",
    "end": "exploitation_end",
    "months": "duration_months",
    "transit": "countries_of_transit",
    "where": "countries_of_exploitation",
    "young": "age_at_recruitment",
    "forms": "exploitation_forms",
    "sector": "labour_sector",
}
CROSSWALK = Crosswalk(
    name="test-list",
    unit="victim",
    entity_type="ngo",
    unknown=("?",),
    columns={name: Column(variable) for name, variable in COLUMNS.items()},
)


def write(path: Path, rows: list[dict[str, str]], names: list[str] | None = None) -> Path:
    names = names or sorted({name for row in rows for name in row})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def loaded(
    folder: Path, rows: list[dict[str, str]], crosswalk: Crosswalk = CROSSWALK
) -> tuple[Load, Workspace, pd.DataFrame]:
    folder.mkdir(exist_ok=True)
    work = Workspace(folder / "w", Key(b"k" * 32))
    done = load_list(write(folder / "list.csv", rows), crosswalk, work, today=TODAY)
    return done, work, work.table("victims").execute()


def refused(folder: Path, **row: str) -> set[str]:
    """Columns at which a row with these cells is refused."""
    done, work, _ = loaded(folder, [{"case": "1", "name": "x"} | row])
    columns = work.quarantine()["column"].to_pylist()
    assert done.quarantined == bool(columns)
    return set(columns)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"born": "1990-01-02", "found": "1990-01-01"}, "found"),
        ({"born": "1990", "found": "2020-05-01", "age": "20"}, "age"),
        ({"born": "2024", "age": "20"}, "age"),
        ({"age": "17", "band": "18-20"}, "band"),
        ({"age": "18", "group": "child"}, "group"),
        ({"band": "9-17", "group": "adult"}, "group"),
        ({"start": "2020-05", "end": "2020-04"}, "end"),
        ({"start": "2020-01-01", "end": "2021-01-01", "months": "30"}, "months"),
        ({"transit": "PER"}, "transit"),
        ({"age": "15", "young": "16"}, "young"),
        ({"sex": "perhaps"}, "sex"),
        ({"born": "1899-01-01"}, "born"),
    ],
)
def test_cells_that_cannot_both_be_true_are_refused_where_they_stand(
    tmp_path: Path, row: dict[str, str], column: str
) -> None:
    assert column in refused(tmp_path, **row)


@pytest.mark.parametrize(
    "row",
    [
        {"born": "1990", "found": "1990"},
        {"born": "1990-12-31", "found": "2020-05-01", "age": "30"},
        {"start": "2020-05-20", "end": "2020-05"},
        {"transit": "PER", "where": "unknown"},
        {"transit": "none"},
        {"born": "?", "age": "?", "found": "?"},
    ],
)
def test_cells_that_may_both_be_true_are_accepted(tmp_path: Path, row: dict[str, str]) -> None:
    assert refused(tmp_path, **row) == set()


def test_each_refused_cell_is_told_with_its_row_and_the_row_kept_whole(tmp_path: Path) -> None:
    rows = [{"case": "1", "sex": "female", "age": "30"}, {"case": "2", "sex": "Muj.", "age": "200"}]
    done, work, table = loaded(tmp_path, rows)
    entries = work.quarantine().to_pylist()
    assert (done.rows_in, done.accepted, done.quarantined) == (2, 1, 1)
    assert {(e["row"], e["column"], e["value"]) for e in entries} == {(3, "age", "200"), (3, "sex", "Muj.")}
    assert all(e["reason"] and e["expected"] and e["remedy"] for e in entries)
    assert json.loads(entries[0]["raw"]) == rows[1]
    assert len(table) == 1


def test_what_follows_from_several_cells_is_derived(tmp_path: Path) -> None:
    row = {
        "case": "1",
        "born": "2005-06-15",
        "found": "2022-06-14",
        "start": "2021-01-01",
        "end": "2022-06-01",
    }
    _, _, table = loaded(tmp_path, [row])
    record = table.iloc[0]
    assert (record.age, record.age_band, record.age_group) == (16, "9-17", "child")
    assert (record.registration_year, record.duration_months, record.duration_band) == (2022, 17, "13-24")
    assert record.identification_date_precision == "day"


def test_an_age_that_partial_dates_leave_open_is_not_made_up_but_its_group_is(tmp_path: Path) -> None:
    _, _, table = loaded(tmp_path, [{"case": "1", "born": "1980", "found": "2020-05"}])
    assert pd.isna(table.age[0])
    assert (table.age_band[0], table.age_group[0]) == ("39-47", "adult")


def test_unknown_stays_apart_from_missing(tmp_path: Path) -> None:
    _, _, table = loaded(tmp_path, [{"case": "1", "age": "?", "found": ""}, {"case": "2", "age": "", "found": "?"}])
    told = [None if value is None else list(value) for value in table.recorded_unknown]
    assert told == [["age"], ["identification_date"]]
    assert table.age.isna().all()


def test_a_repeated_case_number_counts_once_and_unnumbered_rows_stay_apart(tmp_path: Path) -> None:
    rows = [{"case": case, "sex": "female"} for case in ("A-1", " a-1", "A-2", "", "")]
    done, _, table = loaded(tmp_path, rows)
    assert (done.rows_in, done.accepted, done.duplicates) == (5, 5, 1)
    assert len(table) == table.record_id.nunique() == 4


def test_loading_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    first, work, _ = loaded(tmp_path, [{"case": "1", "sex": "female"}])
    before = {file: file.read_bytes() for file in (tmp_path / "w").rglob("*") if file.is_file()}
    assert load_list(tmp_path / "list.csv", CROSSWALK, work, today=TODAY) == first
    assert {file: file.read_bytes() for file in (tmp_path / "w").rglob("*") if file.is_file()} == before


def test_a_corrected_list_takes_the_place_of_the_record_it_corrects(tmp_path: Path) -> None:
    loaded(tmp_path, [{"case": "1", "name": "Ana", "sex": "female"}, {"case": "2", "name": "B", "sex": "male"}])
    _, work, table = loaded(tmp_path, [{"case": "1", "name": "Anna", "sex": "other"}])
    assert sorted(table.sex) == ["male", "other"]
    assert sorted(work.identities()["full_name"].to_pylist()) == ["Anna", "B"]


def test_several_columns_feed_one_variable(tmp_path: Path) -> None:
    crosswalk = Crosswalk(
        name="one-hot",
        unit="victim",
        constants={"countries_of_exploitation": "XDM"},
        columns={
            "threats": Column("means_of_control", {"1": ("threats",), "0": ()}),
            "debt": Column("means_of_control", {"1": ("debt_bondage",), "0": ()}),
            "woman": Column("sex", {"1": ("female",), "0": ()}),
            "man": Column("sex", {"1": ("male",), "0": ()}),
        },
    )
    rows = [
        {"threats": "1", "debt": "1", "woman": "1", "man": "0"},
        {"threats": "0", "debt": "0", "woman": "0", "man": "0"},
        {"threats": "0", "debt": "0", "woman": "1", "man": "1"},
    ]
    done, _, table = loaded(tmp_path, rows, crosswalk)
    assert done.quarantined == 1
    assert list(table.means_of_control[0]) == ["threats", "debt_bondage"]
    assert table.means_of_control[1] is None
    assert [list(cell) for cell in table.countries_of_exploitation] == [["XDM"], ["XDM"]]


def test_what_is_only_unusual_is_counted_and_kept(tmp_path: Path) -> None:
    done, _, _ = loaded(tmp_path, [{"case": "1", "forms": "sexual", "sector": "A"}])
    assert done.accepted == 1
    assert done.warnings == {"a sector without forced labour": 1}


def test_columns_that_are_left_out_or_absent_are_told(tmp_path: Path) -> None:
    done, _, _ = loaded(tmp_path, [{"case": "1", "extra": "x"}])
    assert done.left_out == ("extra",)
    assert "sex" in done.absent


def test_a_list_of_cases_needs_a_key_and_nothing_is_spoiled_without(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", [{"case": "1", "sex": "female"}])
    with pytest.raises(KeyMissingError, match="amparo key new"):
        load_list(file, CROSSWALK, Workspace(tmp_path / "w", None))
    assert not (tmp_path / "w").exists()


def test_another_key_is_refused_and_spoils_nothing(tmp_path: Path) -> None:
    _, work, _ = loaded(tmp_path, [{"case": "1", "sex": "female"}])
    with pytest.raises(KeyMissingError, match="another key"):
        Workspace(tmp_path / "w", new_key(tmp_path / "other"))
    with pytest.raises(KeyMissingError):
        Workspace(tmp_path / "w", None).identities()
    assert work.identities().num_rows == 1


def test_a_crosswalk_of_another_list_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "list.csv", [{"a": "1", "b": "2"}])
    with pytest.raises(AmparoError, match="none of the columns"):
        load_list(file, CROSSWALK, Workspace(tmp_path / "w", Key(b"k" * 32)))


def test_numbers_already_counted_need_no_key(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("iso,what,by,cat,n,year\nBOL,detected_victims,citizenship,Peru,<5,2020\nBOL,?,_T,x,7,2020\n")
    columns = ("reporting_country", "indicator", "dimension", "category", "count", "year")
    names = ("iso", "what", "by", "cat", "n", "year")
    crosswalk = Crosswalk(
        name="numbers",
        unit="aggregate",
        columns={name: Column(variable) for name, variable in zip(names, columns, strict=True)},
    )
    work = Workspace(tmp_path / "w", None)
    done = load_list(file, crosswalk, work)
    (row,) = work.table("aggregates").execute().to_dict("records")
    assert (done.accepted, done.quarantined, work.quarantine().num_rows) == (1, 1, 1)
    assert (row["category"], row["lower"], row["upper"], row["row"]) == ("PER", 0, 4, 2)


CELLS = st.one_of(
    st.sampled_from(["", "?", "female", "male", "30", "9-17", "child", "2020-01-01", "2021", "PER", "none", "=1+1"]),
    st.text(max_size=8),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=6, max_size=8), min_size=1, max_size=12))
def test_every_row_is_accepted_or_in_quarantine_whatever_stands_in_it(rows: list[list[str]]) -> None:
    names = ["case", "sex", "born", "age", "found", "band", "where"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([names, *rows])
        work = Workspace(folder / "w", Key(b"k" * 32))
        blank = sum(len(row) == len(names) and not any(row) for row in rows)
        try:
            done = load_list(folder / "list.csv", CROSSWALK, work, today=TODAY)
        except AmparoError:
            assert blank == len(rows) or any("\x00" in cell for row in rows for cell in row)
            return
        assert done.rows_in == done.accepted + done.quarantined == len(rows) - blank
        assert len(work.table("victims").execute()) == done.accepted - done.duplicates
        assert len(set(work.quarantine()["row"].to_pylist())) == done.quarantined
