"""Linkage of a simulated country's lists in four scripts, whose truth is known, on a seed that nothing was tuned on."""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from amparo.intake.key import Key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.linkage import model
from amparo.linkage.encode import SHAREABLE, encode
from amparo.linkage.persons import Persons, link_records
from amparo.linkage.records import comparable_records
from amparo.simulation import simulate
from amparo.standard.crosswalks import load
from amparo.standard.errors import AmparoError

SEED = 43
KEY = Key(bytes(range(32)))
Country = tuple[pa.Table, list[int]]


def made(folder: Path, victims: int, seed: int) -> Country:
    """The lists of a country made ready, and the person of each record."""
    simulate(folder / "country", victims=victims, seed=seed)
    workspace = Workspace(folder / "workspace", KEY)
    for file in sorted((folder / "country" / "lists").glob("*")):
        if file.suffix != ".toml":
            crosswalk = load(file.with_name(f"{file.name.split('.')[0]}.crosswalk.toml"))
            load_list(file, crosswalk, workspace, today=date(2026, 1, 15))
    identities = workspace.identities()
    truth = pd.read_parquet(folder / "country" / "truth" / "records.parquet")
    of_case = truth.drop_duplicates(["list", "case_number"]).set_index(["list", "case_number"])["person_id"]
    cases = zip(identities["list"].to_pylist(), identities["case_number"].to_pylist(), strict=True)
    records = comparable_records(identities, workspace.table("victims").to_pyarrow())
    return records, [int(of_case[case]) for case in cases]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return made(tmp_path_factory.mktemp("linkage"), 6000, SEED)


@pytest.fixture(scope="module")
def clear(country: Country) -> Persons:
    return link_records(country[0])


@pytest.fixture(scope="module")
def encoded(country: Country) -> Persons:
    return link_records(encode(country[0], KEY, SHAREABLE))


def pairs_of(persons: list[int]) -> set[tuple[int, int]]:
    rows = defaultdict(list)
    for row, person in enumerate(persons):
        rows[person].append(row)
    return {pair for group in rows.values() for pair in itertools.combinations(group, 2)}


def f1(found: list[int], true: list[int]) -> float:
    one, other = pairs_of(found), pairs_of(true)
    return 2 * len(one & other) / (len(one) + len(other))


def test_lists_in_several_scripts_in_clear(country: Country, clear: Persons) -> None:
    assert f1(clear.linkage.persons.tolist(), country[1]) >= 0.97


def test_lists_in_several_scripts_encoded_do_not_get_worse(country: Country, encoded: Persons) -> None:
    """A floor under what was measured (0.930 to 0.938 on four unseen seeds); the aim is in the next test."""
    assert f1(encoded.linkage.persons.tolist(), country[1]) >= 0.92


@pytest.mark.xfail(
    strict=True,
    reason="the aim of 0.94 encoded is not met: 0.937. Elements of one part of the name and the birth year would "
    "meet it (0.956), but fall to the frequency attack",
)
def test_lists_in_several_scripts_encoded_reach_the_aim(country: Country, encoded: Persons) -> None:
    assert f1(encoded.linkage.persons.tolist(), country[1]) >= 0.94


OFF = 0.05
"""How far off a chance may be, beside 2.6 standard errors of the share of pairs in its bin. Other seeds show more: docs/linkage-names.md."""


@pytest.mark.parametrize("way", ["clear", "encoded"])
def test_a_chance_that_is_said_is_so(country: Country, way: str, request: pytest.FixtureRequest) -> None:
    """Calibration: in each bin of the posterior chance, the share of pairs that are one person."""
    persons: Persons = request.getfixturevalue(way)
    left, right = persons.rows()
    person = np.array(country[1])
    true, said = person[left] == person[right], persons.linkage.together
    edges = [0.01, 0.2, 0.5, 0.8, 0.95, 1.001]
    lines = []
    for low, high in itertools.pairwise(edges):
        inside = (said >= low) & (said < high)
        if (many := int(inside.sum())) >= 15:
            mean, share = float(said[inside].mean()), float(true[inside].mean())
            room = OFF + 2.6 * np.sqrt(mean * (1 - mean) / many)
            lines.append((low, high, many, round(mean, 3), round(share, 3), abs(mean - share) <= room))
    assert len(lines) >= 3
    assert all(line[-1] for line in lines), lines


def test_persons_by_draws_are_about_as_many_as_there_are(country: Country, clear: Persons) -> None:
    draws = [len(set(draw.tolist())) for draw in clear.linkage.draws]
    assert np.mean(draws) == pytest.approx(len(set(country[1])), rel=0.015)


def test_the_order_of_the_records_does_not_matter(country: Country) -> None:
    records, _ = country
    some = records.slice(0, 700)
    turned = some.take(np.arange(699, -1, -1))

    def found(table: pa.Table) -> dict[tuple[str, str], float]:
        frame = model.compare(table).frame
        return {(row.left, row.right): row.bits for row in frame.itertuples()}

    one, other = found(some), found(turned)
    assert one.keys() == other.keys()
    assert list(one.values()) == pytest.approx([other[pair] for pair in one], abs=1e-6)


def test_lists_with_nothing_in_common_are_refused(country: Country) -> None:
    records, _ = country
    only = ["record_id", "list", "sex", "keys"]
    with pytest.raises(AmparoError, match="in common"):
        model.compare(records.select(only))


def test_short_lists_are_linked_too(tmp_path: Path) -> None:
    records, persons = made(tmp_path, 2500, 31)
    assert f1(link_records(records).linkage.persons.tolist(), persons) >= 0.95


NO_SPARK = find_spec("pyspark") is None


@pytest.mark.skipif(NO_SPARK, reason="pyspark is not installed (amparo[spark])")
@pytest.mark.xfail(
    strict=True, reason="the comparisons are DuckDB's SQL: Spark knows no list_has_any, list_intersect, len"
)
def test_spark_finds_the_same_persons(country: Country, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession
    from splink.backends.spark import SparkAPI

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    spark.sparkContext.setCheckpointDir(str(tmp_path / "checkpoints"))
    try:
        some = country[0].slice(0, 600)
        duck = link_records(some)
        sparks = link_records(some, database=SparkAPI(spark_session=spark))
    finally:
        spark.stop()
    assert duck.pairs.frame[["left", "right"]].equals(sparks.pairs.frame[["left", "right"]])
    assert duck.linkage.persons.tolist() == sparks.linkage.persons.tolist()
