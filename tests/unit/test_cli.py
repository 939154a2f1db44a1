"""The command line: the main job, its errors and exit codes, as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent / "amparo"


def run(*words: str | Path, cwd: Path, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(cwd / "config"), "COLUMNS": "200"}
    environment.pop("AMPARO_KEY", None)
    if key:
        environment["AMPARO_KEY"] = str(key)
    return subprocess.run(
        [str(BIN), *map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_help_tells_the_whole_story_in_one_screen(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 50
    for word in ("key", "report", "simulate", "crosswalk", "quarantine", "Exit codes"):
        assert word in done.stdout


def test_the_main_job_in_one_line(demo: Path, tmp_path: Path) -> None:
    done = run(
        "report", demo / "country" / "lists", "--out", "out", "--lang", "es", "--today", "2026-01-15", "--json",
        cwd=tmp_path, key=demo / "demo.key",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said["findings"]) == 5
    assert all(item["rows_in"] == item["accepted"] + item["quarantined"] for item in said["loads"])
    assert (tmp_path / "out" / "report.es.html").exists()
    assert (tmp_path / "out" / "report.es.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "out" / "data" / "datapackage.json").exists()
    again = run(
        "report", "--out", "out", "--lang", "es", "--today", "2026-01-15", "--json", cwd=tmp_path, key=demo / "demo.key"
    )
    assert json.loads(again.stdout)["findings"] == said["findings"]


def test_refused_rows_are_shown_with_reason_and_remedy(demo: Path, tmp_path: Path) -> None:
    done = run("quarantine", "--workspace", demo / "workspace", "--json", cwd=tmp_path, key=demo / "demo.key")
    refused = json.loads(done.stdout)
    assert refused
    assert all(entry["reason"] and entry["expected"] and entry["remedy"] for entry in refused)


def test_a_list_that_nobody_explained_is_told_with_the_command_to_explain_it(tmp_path: Path) -> None:
    (tmp_path / "police.csv").write_text("foo,bar\n1,2\n3,4\n")
    run("key", "new", cwd=tmp_path)
    done = run("report", "police.csv", "--out", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert "amparo crosswalk suggest police.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_suggest_then_report(tmp_path: Path) -> None:
    rows = "".join(
        f"{k},Ana,Ruiz,{'Mujer' if k % 3 else 'Hombre'},{k % 28 + 1:02d}/03/{2019 + k % 4},Colombia\n"
        for k in range(200)
    )
    (tmp_path / "casa.csv").write_text(f"expediente,nombre,apellido,sexo,fecha de identificación,nacionalidad\n{rows}")
    assert run("key", "new", cwd=tmp_path).returncode == 0
    suggested = run("crosswalk", "suggest", "casa.csv", "--json", cwd=tmp_path)
    assert suggested.returncode == 0, suggested.stderr
    variables = {c["variable"] for c in json.loads(suggested.stdout)["columns"].values()}
    assert {"sex", "identification_date", "citizenship"} <= variables
    done = run("report", "casa.csv", "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["loads"][0]["accepted"] == 200


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("report", "nowhere.csv", "--out", "o"), 3, "no such file"),
        (("report", "--out", "o"), 3, "nothing to report"),
        (("report", "--threshold", "1"), 2, ""),
        (("crosswalk", "show", "nobody"), 3, "no crosswalk"),
        (("nonsense",), 2, ""),
    ],
)
def test_what_cannot_be_done_is_told_with_its_exit_code(
    words: tuple[str, ...], code: int, text: str, tmp_path: Path
) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_key_nothing_is_loaded(demo: Path, tmp_path: Path) -> None:
    done = run("report", demo / "country" / "lists" / "policia.csv", "--out", "out", cwd=tmp_path)
    assert done.returncode == 4
    assert "amparo key new" in done.stderr
    assert not list(tmp_path.rglob("*.parquet"))


def test_with_another_key_nothing_is_spoilt(demo: Path, tmp_path: Path) -> None:
    run("key", "new", "other.key", cwd=tmp_path)
    before = {path: path.read_bytes() for path in (demo / "workspace").rglob("*") if path.is_file()}
    done = run("quarantine", "--workspace", demo / "workspace", cwd=tmp_path, key=tmp_path / "other.key")
    assert done.returncode == 4
    assert {path: path.read_bytes() for path in (demo / "workspace").rglob("*") if path.is_file()} == before


def test_names_do_not_reach_what_is_published(demo: Path, tmp_path: Path) -> None:
    done = run("report", demo / "country" / "lists", "--out", "out", cwd=tmp_path, key=demo / "demo.key")
    assert done.returncode == 0, done.stderr
    import pandas as pd

    persons = pd.read_parquet(demo / "country" / "truth" / "persons.parquet")
    names = {f"{row.given_name} {row.family_name}" for row in persons.head(500).itertuples()}
    published = b"".join(
        path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file() and path.suffix != ".pdf"
    )
    assert not [name for name in names if name.encode() in published]


def captures(folder: Path) -> Path:
    path = folder / "lists.csv"
    path.write_text("sex,A,B,C,n\nf,1,0,0,60\nf,0,1,0,50\nf,0,0,1,70\nf,1,1,0,9\nf,1,0,1,12\nf,0,1,1,10\nf,1,1,1,2\n"
                    "m,1,0,0,30\nm,0,1,0,20\nm,0,0,1,25\nm,1,1,0,4\nm,1,0,1,5\nm,0,1,1,3\nm,1,1,1,1\n")  # fmt: skip
    return path


def test_prevalence_by_strata_with_sensitivity_and_a_rate(tmp_path: Path) -> None:
    done = run(
        "prevalence", captures(tmp_path), "--strata", "sex", "--sensitivity", "--population", "500000", "--out", "o", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    estimates = {row["stratum"]: row["estimate"] for row in said["estimates"]}
    assert estimates["f"] + estimates["m"] == pytest.approx(estimates["total"])
    assert said["rate per 100,000"][0] == pytest.approx(estimates["total"] / 5)
    assert "analyses the estimate runs from" in said["sentence"]
    assert {path.name for path in (tmp_path / "o").iterdir()} >= {
        "multiverse.svg",
        "sensitivity.csv",
        "estimate-total.csv",
    }


def test_an_option_that_cannot_apply_is_refused_and_never_ignored(tmp_path: Path) -> None:
    done = run("prevalence", captures(tmp_path), "--strata", "sex", "--method", "chao", cwd=tmp_path)
    assert done.returncode == 3
    assert "the method is stepwise" in done.stderr
    rows = "".join(
        f"ESP,Detected trafficking victims,Total,Total,Total,Total,{y},{y - 1900}\n" for y in range(2003, 2023)
    )
    (tmp_path / "glotip.csv").write_text(
        f"GLOTIP\n2025-04-14\nIso3_code,Indicator,Dimension,Category,Sex,Age,Year,txtVALUE\n{rows}"
    )
    (tmp_path / "glotip.crosswalk.toml").write_text(run("crosswalk", "show", "glotip", cwd=tmp_path).stdout)
    done = run("report", "glotip.csv", "--out", "o", "--captures", "lists.csv", cwd=tmp_path)
    assert done.returncode == 3
    assert "--captures cannot belong" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A,B,n\n1,0,5\n0,1,2\n", "No person is on two lists"),
        ("A,n\n1,5\n", "one list only"),
        ("A,B,n\n1,0,-5\n0,1,2\n", "row 2"),
        ("A,B,C,n\n1,0,0,5\n1,1,0,2\n", "Nobody is on the list C"),
    ],
)
def test_a_capture_table_that_carries_no_estimate_gives_no_number(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "lists.csv").write_text(text)
    done = run("prevalence", "lists.csv", cwd=tmp_path)
    assert done.returncode == 3
    assert said in done.stderr
    assert done.stdout == ""


def test_the_truth_of_independent_lists_is_inside_the_interval(tmp_path: Path) -> None:
    from amparo.simulation import Knobs, simulate

    simulate(tmp_path / "c", seed=3, knobs=Knobs(victims=4000, independent=True))
    done = run("prevalence", tmp_path / "c" / "truth" / "capture_histories.csv", "--json", cwd=tmp_path)
    row = max(json.loads(done.stdout)["estimates"], key=lambda row: row["level"])
    assert row["lower"] <= 4000 <= row["upper"]


def test_every_number_of_the_country_can_be_set_from_the_shell() -> None:
    from dataclasses import fields

    from amparo.cli.lists import KNOBS
    from amparo.simulation import Knobs

    pairs = {"referral_paths", "rivals"}  # pairs of agencies are set from Python
    assert set(KNOBS) == {field.name for field in fields(Knobs)} - pairs - {"victims"}
