"""The country on disk: the same seed the same bytes; its lists, read by their crosswalks, are what the truth says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from amparo.intake.key import load_key, new_key
from amparo.intake.load import load_list
from amparo.intake.readers import ROW, read
from amparo.intake.workspace import Workspace
from amparo.simulation import AGENCIES, Knobs, populate, simulate
from amparo.simulation.agencies import LISTS, PROSECUTION, Agency
from amparo.simulation.lists import make_list
from amparo.standard.crosswalks import load
from amparo.standard.errors import AmparoError
from amparo.standard.variables import variables

FLAWLESS = Knobs(
    victims=1500,
    **dict.fromkeys(
        (
            *("missing", "unknown", "omitted", "mistaken", "wrong", "repeated", "resent", "partial_dates"),
            *("spelling", "typing", "turned", "shortened", "nickname", "nameless"),
            *("birth_missing", "birth_date"),
        ),
        0.0,
    ),
)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def loaded(country: Path, folder: Path) -> Workspace:
    workspace = Workspace(folder / "workspace", new_key(folder / "key"))
    for agency in (*LISTS, PROSECUTION):
        file = country / "lists" / agency.file
        crosswalk = load(country / "lists" / f"{agency.name}.crosswalk.toml")
        result = load_list(file, crosswalk, workspace, today=date(2026, 1, 15))
        assert result.rows_in == result.accepted + result.quarantined
        assert result.left_out == ()
    return workspace


@pytest.fixture(scope="module")
def flawless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country whose agencies make no mistakes, with its loaded workspace."""
    folder = tmp_path_factory.mktemp("flawless")
    simulate(folder / "country", seed=5, knobs=FLAWLESS)
    loaded(folder / "country", folder)
    return folder


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("once", 7), ("again", 7), ("other", 8)):
        simulate(tmp_path / name, victims=800, seed=seed)
    assert digest(tmp_path / "again") == digest(tmp_path / "once")
    same = {name for name, value in digest(tmp_path / "other").items() if value == digest(tmp_path / "once").get(name)}
    assert same == {f"lists/{agency.name}.crosswalk.toml" for agency in (*LISTS, PROSECUTION)}


def test_the_truth_says_how_many_there_are_and_how_many_were_never_seen(demo: Path) -> None:
    truth = demo / "country" / "truth"
    facts = json.loads((truth / "truth.json").read_text())
    histories = pd.read_csv(truth / "capture_histories.csv")
    persons = pd.read_parquet(truth / "persons.parquet")
    assert facts["detected"] + facts["undetected"] == facts["victims"] == len(persons) == 6000
    assert facts["detected"] == histories["persons"].sum() == (persons["on_lists"].str.len() > 0).sum()
    assert facts["detected"] == persons["identification_date"].notna().sum()
    assert facts["undetected"] > facts["detected"]
    assert facts["knobs"]["wrong"] == Knobs().wrong


def test_rows_of_the_lists_are_those_of_the_records_and_the_histories(demo: Path) -> None:
    truth = demo / "country" / "truth"
    records = pd.read_parquet(truth / "records.parquet")
    histories = pd.read_csv(truth / "capture_histories.csv")
    for agency in LISTS:
        file = demo / "country" / "lists" / agency.file
        batches = read(file, load(file.with_name(f"{agency.name}.crosswalk.toml")))
        rows = pd.concat(batch.to_pandas() for batch in batches)
        mine = records[records["list"] == agency.name]
        assert rows[ROW].tolist() == mine["row"].tolist()
        assert rows[agency.columns["case_number"]].tolist() == mine["case_number"].tolist()
        assert mine["person_id"].nunique() == histories.loc[histories[agency.key] == 1, "persons"].sum()
        assert mine.loc[~mine["is_duplicate"], "person_id"].is_unique


def planted_and_refused(country: Path, workspace: Workspace) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    truth = country / "truth"
    records = pd.concat(pd.read_parquet(truth / f"{name}.parquet") for name in ("records", "perpetrators"))
    return records, records[records["wrong_column"] != ""], workspace.quarantine().to_pandas()


def assert_exactly_the_planted_rows_are_refused(country: Path, workspace: Workspace) -> None:
    records, planted, refused = planted_and_refused(country, workspace)
    cells = set(zip(refused["list"], refused["row"], refused["column"], strict=True))
    assert set(zip(planted["list"], planted["row"], planted["wrong_column"], strict=True)) <= cells
    assert {(name, row) for name, row, _ in cells} == set(zip(planted["list"], planted["row"], strict=True))
    for result in workspace.loads():
        sound = records[(records["list"] == result.list) & (records["wrong_column"] == "")]
        assert result.accepted == len(sound)
        assert result.duplicates == sound["case_number"].duplicated().sum()


def test_intake_refuses_the_rows_with_a_planted_wrong_cell_and_no_other(demo: Path) -> None:
    workspace = Workspace(demo / "workspace", load_key(demo / "demo.key"))
    assert_exactly_the_planted_rows_are_refused(demo / "country", workspace)


def test_intake_refuses_every_kind_of_wrong_cell(tmp_path: Path) -> None:
    simulate(tmp_path / "country", seed=11, knobs=replace(Knobs(), victims=1500, wrong=0.3))
    workspace = loaded(tmp_path / "country", tmp_path)
    assert_exactly_the_planted_rows_are_refused(tmp_path / "country", workspace)
    _, planted, _ = planted_and_refused(tmp_path / "country", workspace)
    assert set(planted["wrong_kind"]) == {"code", "number", "date", "future", "contradiction"}


def as_texts(value: object) -> list[str]:
    """A cell as sorted texts: nothing as none of them, a timestamp as its day, a number without decimals."""
    if isinstance(value, list | np.ndarray):
        return sorted(map(str, value))
    return [] if value is None else [str(value).removesuffix(" 00:00:00").removesuffix(".0")]


def test_of_a_flawless_country_intake_reads_the_truth_in_every_language(flawless: Path) -> None:
    truth = flawless / "country" / "truth"
    persons = pd.read_parquet(truth / "persons.parquet").set_index("person_id")
    records = pd.read_parquet(truth / "records.parquet")
    workspace = Workspace(flawless / "workspace", load_key(flawless / "key"))
    assert workspace.quarantine().num_rows == 0
    case_numbers = workspace.identities().to_pandas()[["record_id", "list", "case_number"]]
    read_back = workspace.table("victims").to_pandas().merge(case_numbers, on=["record_id", "list"])
    both = read_back.merge(records[["list", "case_number", "person_id"]], on=["list", "case_number"])
    assert len(both) == len(records)
    compared = 0
    for agency in LISTS:
        mine = both[both["list"] == agency.name]
        true = persons.loc[mine["person_id"]]
        for variable in agency.columns:
            kind = variables()[variable]
            if variable not in persons or kind.storage != "analysis" or variable in ("age", "identification_date"):
                continue
            for read_value, true_value in zip(mine[variable], true[variable], strict=True):
                assert as_texts(read_value) == as_texts(true_value), (agency.name, variable)
                compared += 1
    assert compared > 5000


def test_of_a_flawless_country_names_and_birth_dates_are_the_passports(flawless: Path) -> None:
    truth = flawless / "country" / "truth"
    persons = pd.read_parquet(truth / "persons.parquet").set_index("person_id")
    records = pd.read_parquet(truth / "records.parquet")
    workspace = Workspace(flawless / "workspace", load_key(flawless / "key"))
    police = workspace.identities().to_pandas().query("list == 'policia'")
    both = police.merge(records[records["list"] == "policia"], on="case_number")
    true = persons.loc[both["person_id"]]
    latin = ~true["family_name"].str.contains("[șțăŞ]").to_numpy()  # letters that the police's old encoding lacks
    assert (both["family_name"].to_numpy() == true["family_name"].to_numpy())[latin].all()
    given = (true["given_name"] + " " + true["middle_name"]).str.strip().to_numpy()
    plain = ~pd.Series(given).str.contains("[șțăȘȚ]").to_numpy()
    assert (both["given_name"].to_numpy() == given)[plain].all()
    assert both["date_of_birth"].astype(str).tolist() == true["date_of_birth"].astype(str).tolist()


def test_mistakes_are_as_frequent_as_the_knobs_say() -> None:
    knobs = Knobs(victims=60_000, independent=True, police=0.5, repeated=0.05, birth_date=0.2, nameless=0.04)
    population = populate(knobs, np.random.default_rng(6))
    made = make_list(LISTS[0], population, knobs, np.random.default_rng(7))
    truth, rows = made.truth.to_pandas(), len(made.truth)
    column = {variable: made.columns[header] for variable, header in LISTS[0].columns.items()}
    birth = column["date_of_birth"]

    def close(share: float, expected: float) -> bool:
        return abs(share - expected) < 4 * np.sqrt(expected / rows) + 0.002

    assert close((column["means_of_control"] == "").mean(), knobs.missing)
    assert close((column["means_of_control"] == "NS/NC").mean(), knobs.unknown)
    assert close((truth["wrong_column"] != "").mean(), knobs.wrong)
    assert close((birth == "").mean(), knobs.birth_missing)
    assert close((column["family_name"] == "").mean(), knobs.nameless)
    january = np.array([text[:5] == "01/01" for text in birth])
    assert close(january.mean(), (knobs.birth_date / 2 + 1 / 365) * (1 - knobs.birth_missing))
    first = truth.loc[~truth["is_duplicate"], "person_id"].nunique()
    assert close((rows - first) / first, knobs.repeated + knobs.resent)


def test_a_row_sent_again_has_the_number_of_the_first_and_one_entered_again_has_its_own() -> None:
    knobs = Knobs(victims=5000, police=0.4, repeated=0.0, resent=0.1)
    population = populate(knobs, np.random.default_rng(8))
    resent = make_list(LISTS[0], population, knobs, np.random.default_rng(9)).truth.to_pandas()
    again = replace(knobs, repeated=0.1, resent=0.0)
    entered = make_list(LISTS[0], population, again, np.random.default_rng(9)).truth.to_pandas()
    assert min(resent["is_duplicate"].sum(), entered["is_duplicate"].sum()) > 100
    assert (resent.groupby("person_id")["case_number"].nunique() == 1).all()
    assert entered["case_number"].is_unique


@pytest.mark.parametrize("agency", [*LISTS, PROSECUTION], ids=lambda agency: agency.name)
def test_no_word_of_an_agency_holds_its_separator_and_no_two_codes_share_a_word(agency: Agency) -> None:
    for variable, own in agency.words.items():
        assert len(set(own.values())) == len(own), variable
    for variable in agency.columns:
        if variables()[variable].type == "codes":
            known = populate(Knobs(victims=10), np.random.default_rng(1)).persons.sets
            for code in known[variable].codes if variable in known else ():
                assert agency.separator not in agency.word(variable, code)


def test_the_order_of_the_agencies_is_the_same_everywhere() -> None:
    assert tuple(agency.key for agency in LISTS) == AGENCIES


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AmparoError, match="not empty"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_country_of_one_victim_can_be_written(tmp_path: Path) -> None:
    certain = Knobs(victims=1, **dict.fromkeys(AGENCIES, 1.0), independent=True)
    simulate(tmp_path / "one", knobs=certain)
    assert json.loads((tmp_path / "one" / "truth" / "truth.json").read_text())["detected"] == 1
