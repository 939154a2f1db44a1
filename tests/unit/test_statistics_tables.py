"""Counts of records: every cell is what a plain count of the records gives."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.intake.key import new_key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.protection.release import Rule, release
from amparo.report.reading import Reader
from amparo.standard.crosswalks import built_in
from amparo.standard.errors import AmparoError
from amparo.statistics.national import detected, national_tables
from amparo.statistics.tables import PrivateTable, tabulate

CTDC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ctdc" / "ctdc_one_hot_91k.csv.gz"
SEX = st.sampled_from([None, "female", "male", "unknown"])
FORMS = st.sampled_from([None, ["sexual"], ["forced_labour", "sexual"], ["unknown"], ["begging", "unknown"], ["none"]])


def records(rows: list[tuple[str | None, list[str] | None]]) -> ibis.Table:
    schema = {"sex": "string", "form": "array<string>"}
    return ibis.memtable({"sex": [r[0] for r in rows], "form": [r[1] for r in rows]}, schema=ibis.schema(schema))


def holds(row: tuple[str | None, list[str] | None], sex: str, form: str) -> bool:
    said = [code for code in row[1] or [] if code != "unknown"] or (["unknown"] if row[1] else ["_X"])
    return sex in ("_T", row[0] or "_X") and (form == "_T" or form in said)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(SEX, FORMS), min_size=1, max_size=25))
def test_every_cell_is_a_plain_count(rows: list[tuple[str | None, list[str] | None]]) -> None:
    table = tabulate(records(rows), ["sex", "form"], name="t")
    found = {(sex, form): count for sex, form, count in table.frame.itertuples(index=False, name=None)}
    for sex, form in product(
        ["_T", "_X", "female", "male", "unknown"], ["_T", "_X", "unknown", "sexual", "begging", "none"]
    ):
        assert found.get((sex, form), 0) == sum(holds(row, sex, form) for row in rows)
    assert table.overlapping == {"form"}


def test_an_unknown_column_is_told() -> None:
    with pytest.raises(AmparoError, match="no column colour"):
        tabulate(records([("male", None)]), ["colour"], name="t")


def test_a_rejected_person_is_no_detected_victim(demo: Path) -> None:
    from amparo.intake.key import load_key

    victims = Workspace(demo / "workspace", load_key(demo / "demo.key")).table("victims")
    rejected = victims.filter(victims.identification_status == "rejected").count().execute()
    assert rejected > 0
    assert detected(victims).count().execute() == victims.count().execute() - rejected


def test_every_table_of_the_national_picture_has_the_same_grand_total(demo_tables: list[PrivateTable]) -> None:
    totals = {
        t.name: int(t.frame[(t.frame[list(t.dims)] == "_T").all(axis=1)]["count"].item())
        for t in demo_tables
        if t.unit == "records"
    }
    assert len(totals) >= 17
    assert len(set(totals.values())) == 1


def test_who_was_convicted_was_prosecuted_and_suspected(demo_tables: list[PrivateTable]) -> None:
    frame = next(t for t in demo_tables if t.name == "justice_by_stage_sex").frame
    stages = frame[frame["sex"] == "_T"].set_index("stage")["count"]
    assert stages["suspected"] > stages["prosecuted"] > stages["convicted"] > 0


def test_several_accused_of_one_event_are_one_offence(demo: Path, demo_tables: list[PrivateTable]) -> None:
    listed = pq.read_table(demo / "country" / "lists" / "fiscalia.parquet").to_pandas()
    frame = next(t for t in demo_tables if t.name == "offences_by_year").frame
    assert frame.set_index("year")["count"]["_T"] == listed["Nº del hecho"].nunique() < len(listed)


def test_a_private_table_cannot_name_a_dimension_like_a_column_of_a_release() -> None:
    frame = pd.DataFrame({"status": ["a"], "count": [1]})
    with pytest.raises(ValueError, match="cannot be called"):
        PrivateTable("t", "records", ("status",), frozenset(), frame, "")


@pytest.mark.skipif(not CTDC.exists(), reason="the CTDC-shaped records of ../shared/data/ctdc are not here")
def test_ctdc_shaped_records_give_the_shares_that_pandas_gives(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", new_key(tmp_path / "k"))
    loaded = load_list(CTDC, built_in()["ctdc-one-hot"], workspace)
    assert (loaded.rows_in, loaded.accepted) == (91_043, 91_043)
    tables = national_tables(workspace.table("victims"), workspace.table("perpetrators"))
    raw = pd.read_csv(CTDC)
    means = {
        "Means Threats": "threats", "Means Abuse": "abuse", "Means False Promises": "false_promises",
        "Means Withhold Docs": "withholds_documents", "Means Excessive Work Hours": "excessive_hours",
    }  # fmt: skip
    known = (raw[[c for c in raw if c.startswith("Means")]] == 1).any(axis=1)
    found = release(tables, rule=Rule(10), provenance={"version": "t", "created": "2026-01-01"})
    reader = Reader(found["victims_by_means_of_control_sex"])
    for column, code in means.items():
        share = reader.share("means_of_control", code)
        assert share is not None
        assert share.count.lower == (raw[column] == 1).sum()
        assert share.value == pytest.approx((raw[column] == 1).sum() / known.sum())


@pytest.mark.skipif(
    not (find_spec("pyspark") and shutil.which("java")), reason="needs pyspark (pip install amparo[spark]) and Java"
)
def test_the_same_call_gives_the_same_table_on_spark(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    sexes, forms = ("female", "male", "unknown", None), (["sexual"], ["begging", "sexual"], ["unknown"], None)
    rows = [(sexes[random.integers(4)], forms[random.integers(4)]) for _ in range(300)]
    path = tmp_path / "records.parquet"
    columns = {"sex": pa.array([r[0] for r in rows]), "form": pa.array([r[1] for r in rows], pa.list_(pa.string()))}
    pq.write_table(pa.table(columns), path)
    spark = ibis.pyspark.connect()
    try:
        there = tabulate(spark.read_parquet(path), ["sex", "form"], name="t")
    finally:
        spark.disconnect()
    here = tabulate(ibis.duckdb.connect().read_parquet(path), ["sex", "form"], name="t")
    pd.testing.assert_frame_equal(there.frame, here.frame)
