"""The demonstration country: its truth is what its knobs say, and its lists are what its truth says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from amparo.intake.key import new_key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.simulation import Knobs, simulate
from amparo.simulation.country import population
from amparo.simulation.names import in_script
from amparo.simulation.population import AGENCIES
from amparo.standard.crosswalks import load
from amparo.standard.errors import AmparoError


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("country")
    simulate(folder, victims=3000, seed=7)
    return folder


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(country: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "again", victims=3000, seed=7)
    simulate(tmp_path / "other", victims=3000, seed=8)
    assert digest(tmp_path / "again") == digest(country)
    assert digest(tmp_path / "other")["lists/policia.csv"] != digest(country)["lists/policia.csv"]


def test_most_victims_are_never_detected_and_the_truth_says_how_many(country: Path) -> None:
    facts = json.loads((country / "truth" / "truth.json").read_text())
    histories = pd.read_csv(country / "truth" / "capture_histories.csv")
    assert facts["detected"] + facts["undetected"] == facts["victims"] == 3000
    assert facts["detected"] == histories["persons"].sum()
    assert facts["undetected"] > facts["detected"]


@pytest.mark.parametrize("agency", AGENCIES)
def test_each_agency_sees_the_share_that_its_knob_says_when_lists_are_independent(agency: str) -> None:
    drawn = population(Knobs(victims=40_000, independent=True), np.random.default_rng(1))
    share = drawn.seen[:, AGENCIES.index(agency)].mean()
    assert share == pytest.approx(getattr(Knobs(), agency), abs=0.006)


def odds_ratio(seen: np.ndarray, first: str, second: str) -> float:
    a, b = seen[:, AGENCIES.index(first)], seen[:, AGENCIES.index(second)]
    table = [(a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()]
    return float(table[0] * table[3] / (table[1] * table[2]))


def test_independent_lists_have_no_effect_on_each_other() -> None:
    seen = population(Knobs(victims=200_000, independent=True), np.random.default_rng(2)).seen
    for first, second in (("police", "shelter"), ("police", "labour_inspection"), ("border", "health")):
        assert np.log(odds_ratio(seen, first, second)) == pytest.approx(0, abs=0.1)


def test_referral_draws_lists_together_and_avoidance_pushes_them_apart() -> None:
    def seen(**knobs: float) -> np.ndarray:
        return population(Knobs(victims=100_000, visible_factor=1.0, **knobs), np.random.default_rng(3)).seen

    assert odds_ratio(seen(referral=0.4), "police", "shelter") > 1.5 * odds_ratio(
        seen(referral=0.0), "police", "shelter"
    )
    apart, free = seen(avoidance=0.2), seen(avoidance=1.0)
    assert odds_ratio(apart, "police", "labour_inspection") < 0.5 * odds_ratio(free, "police", "labour_inspection")


def test_visible_persons_are_on_more_lists() -> None:
    drawn = population(Knobs(victims=20_000), np.random.default_rng(4))
    lists = drawn.seen.sum(axis=1)
    visible = drawn.persons["visible"].to_numpy()
    assert lists[visible].mean() > 2 * lists[~visible].mean()


def test_intake_refuses_every_planted_wrong_cell_and_loses_no_row(country: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace", new_key(tmp_path / "key"))
    truth = pd.read_parquet(country / "truth" / "records.parquet")
    for file in sorted((country / "lists").iterdir()):
        if file.suffix == ".toml":
            continue
        loaded = load_list(file, load(file.with_name(f"{file.name.split('.')[0]}.crosswalk.toml")), workspace)
        assert loaded.rows_in == loaded.accepted + loaded.quarantined
        assert loaded.left_out == ()
        assert loaded.absent == ()
        if loaded.list != "fiscalia":
            assert loaded.rows_in == (truth["list"] == loaded.list).sum()
    refused = workspace.quarantine().to_pandas()
    planted = truth[truth["wrong_column"] != ""]
    found = set(zip(refused["list"], refused["row"], refused["column"], strict=True))
    assert set(zip(planted["list"], planted["row"], planted["wrong_column"], strict=True)) <= found
    assert len(planted) > 5


def test_capture_histories_are_those_of_the_records(country: Path) -> None:
    records = pd.read_parquet(country / "truth" / "records.parquet")
    per_person = records.groupby("person_id")["list"].nunique()
    histories = pd.read_csv(country / "truth" / "capture_histories.csv")
    lists = histories[list(AGENCIES)].sum(axis=1)
    expected = histories.groupby(lists)["persons"].sum()
    assert per_person.value_counts().sort_index().to_dict() == expected.to_dict()


def test_names_are_written_in_the_script_of_the_office() -> None:
    assert in_script("Blessing", "cyrillic") == "Блессинг"
    assert in_script("Kofi", "arabic") == "كوفي"


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AmparoError, match="not empty"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("knobs", [{"police": 1.5}, {"missing": -0.1}, {"victims": 0}])
def test_a_knob_out_of_range_is_told(knobs: dict[str, float]) -> None:
    with pytest.raises(AmparoError):
        Knobs(**knobs)  # type: ignore[arg-type]
