"""Attempts to get something out past the ledger, and to get withheld counts out of what it lets through."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from amparo.cli import app
from amparo.cli.clearing import Sending, clear_tables, private_tables
from amparo.intake.key import load_key, new_key
from amparo.intake.workspace import Workspace
from amparo.protection import (
    Cleared,
    Ledger,
    RefusedError,
    Release,
    ReleasedTable,
    Rule,
    already_public,
    enter,
    enter_microdata,
    parse_rule,
    release,
    republish,
    verify,
)
from amparo.protection.microdata import Aim, KAnonymity, PacSynth, PrivateMicrodata, release_microdata
from amparo.protection.microdata.case_records import RECORDS_NOT_PERSONS, case_records
from amparo.protection.microdata_attacks.trial import attack_trial
from amparo.protection.secrets import rounding_seed
from amparo.protection.table_attack import attack_tables
from amparo.report import write, write_records
from amparo.standard.errors import AmparoError, KeyMissingError
from amparo.statistics.tables import PrivateTable, PublishedTable, tabulate

Clear = Callable[[Release], Cleared[Release]]
CTDC = Path(__file__).resolve().parents[3] / "shared" / "data" / "ctdc" / "ctdc_one_hot_91k.csv.gz"
PROVENANCE = {"version": "1", "created": "2026-01-15", "sha256 of lists": "0" * 64}


def table(counts: dict[str, int]) -> PrivateTable:
    rows = [*counts.items(), ("_T", sum(counts.values()))]
    return PrivateTable(
        "by_form", "records", ("form",), frozenset(), pd.DataFrame(rows, columns=["form", "count"]), "m"
    )


def made(counts: dict[str, int] | None = None) -> Release:
    return release([table(counts or {"sexual": 40, "labour": 30})], rule=Rule(10), provenance=PROVENANCE)


def records(number: int = 1000, seed: int = 1) -> PrivateMicrodata:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.choice(["a", "b", "c"], number) for name in ("one", "two", "three")})
    return PrivateMicrodata(frame, dict.fromkeys(frame, ("a", "b", "c")), notes=("A note.",))


# --- the type ----------------------------------------------------------------------------------------------


def test_only_what_the_ledger_cleared_is_written(clear: Clear, tmp_path: Path) -> None:
    own, cleared = made(), clear(made())
    private = records()
    microdata = release_microdata(private, method=KAnonymity(5), provenance=PROVENANCE, seed=1)
    mine = SimpleNamespace(release=own, entry="0001-00000000")
    for other in (
        own,
        own["by_form"],
        table({"a": 20}),
        private,
        private.frame,
        microdata,
        mine,
        cleared.release,
        None,
    ):
        with pytest.raises(TypeError):
            write(other, tmp_path)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            write_records(other, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_records(cleared, tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_cleared_cannot_be_made_altered_or_copied_outside_the_ledger(clear: Clear) -> None:
    cleared = clear(made())
    with pytest.raises(TypeError):
        Cleared(made(), "0001-00000000")
    with pytest.raises(TypeError):
        Cleared[Release](made(), "0001-00000000", seal=object())
    with pytest.raises(TypeError):
        dataclasses.replace(cleared, release=made({"a": 50}))
    with pytest.raises(TypeError):
        type("Mine", (Cleared,), {})
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(cleared)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cleared.release = made({"a": 50})  # type: ignore[misc]


def test_what_is_cleared_stands_in_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger", new_key(tmp_path / "key"))
    cleared = enter(ledger, made(), title="T", recipient="public", population="p")
    entry = verify(ledger).entries[-1]
    assert cleared.entry == entry["id"]
    written = write(cleared, tmp_path / "out", formats=("data",)).files
    assert (tmp_path / "out" / "data" / "by_form.csv") in written


def test_our_own_counts_cannot_go_out_as_somebody_else_s(tmp_path: Path) -> None:
    frame = pd.DataFrame({"form": ["sexual", "_T"], "lower": [3, 3], "upper": [3, 3]})
    public = republish(
        [PublishedTable("by_form", "records", ("form",), frozenset(), frame, "m", "UNODC")], provenance=PROVENANCE
    )
    assert already_public(public).entry == ""
    for own in (made(), made()["by_form"], table({"a": 20})):
        with pytest.raises((AmparoError, TypeError)):
            already_public(own)  # type: ignore[arg-type]


# --- sending again -----------------------------------------------------------------------------------------


def test_the_very_same_release_is_entered_once_and_another_is_compared(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, new_key(tmp_path / "key"))
    words = {"title": "T", "population": "p"}
    first = enter(ledger, made({"a": 40, "b": 30}), recipient="public", **words)
    again = enter(ledger, made({"a": 40, "b": 30}), recipient="public", **words)
    assert again.entry == first.entry
    assert len(verify(ledger).entries) == 1
    enter(ledger, made({"a": 40, "b": 30}), recipient="ministry", **words)
    assert len(verify(ledger).entries) == 2
    few_more = release(
        [table({"a": 42, "b": 30})], rule=Rule(10), provenance={**PROVENANCE, "sha256 of lists": "1" * 64}
    )
    with pytest.raises(RefusedError, match="form=a"):
        enter(ledger, few_more, recipient="public", **words)
    sent = enter(ledger, few_more, recipient="public", override="Minister's order 7", **words)
    assert verify(ledger).entries[-1]["override"] == "Minister's order 7"
    assert enter(ledger, few_more, recipient="public", **words).entry == sent.entry
    # What went to one by override does not go to the next without one.
    with pytest.raises(RefusedError, match="form=a"):
        enter(ledger, few_more, recipient="press", **words)


def test_records_that_attacks_get_something_out_of_need_an_override(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, new_key(tmp_path / "key"))
    given = release_microdata(records(), method=KAnonymity(5), provenance=PROVENANCE, seed=1)
    words = {"title": "R", "recipient": "public", "population": "p"}
    with pytest.raises(RefusedError, match="membership"):
        enter_microdata(ledger, given, alarms=["membership: x"], **words)
    assert not verify(ledger).entries
    enter_microdata(ledger, given, alarms=["membership: x"], override="Order 8", **words)
    entry = verify(ledger).entries[-1]
    assert (entry["override"], entry["findings"]) == ("Order 8", ["membership: x"])


def test_a_rounding_is_the_same_for_the_same_inputs_and_another_for_others(tmp_path: Path) -> None:
    key, other = new_key(tmp_path / "key"), new_key(tmp_path / "other")
    seed = rounding_seed(key, PROVENANCE)
    assert seed == rounding_seed(key, {**PROVENANCE, "created": "2027-01-01"})
    assert seed != rounding_seed(key, {**PROVENANCE, "sha256 of lists": "1" * 64})
    assert seed != rounding_seed(other, PROVENANCE)


# --- the attack report -------------------------------------------------------------------------------------


def test_no_withheld_cell_of_the_demonstration_country_can_be_worked_out(
    demo_tables: list[PrivateTable], demo_release: Release
) -> None:
    found = attack_tables(demo_tables, demo_release)
    assert (found.cells["left"] >= 2).all()
    small = found.cells[found.cells["why"] == "small"]
    assert len(small) > 50
    assert (small["left"] >= 10).all()
    assert (found.rare["few"] > 0).any()
    assert not found.rare["few_exact"].any()
    assert "Cells that can be worked out exactly: 0." in found.sentences()


@pytest.mark.parametrize("text", ["threshold:10,dominance:1:0.85", "threshold:5,p-percent:0.1", "rounding:5", "cell-key:D=3,V=2"])  # fmt: skip
def test_every_rule_holds_on_the_demonstration_country(demo: Path, text: str) -> None:
    rule = parse_rule(text)
    store = Workspace(demo / "workspace", load_key(demo / "demo.key"))
    private = private_tables(store, [item.load_id for item in store.loads()], rule)
    given = release(private, rule=rule, provenance=PROVENANCE, seed=rounding_seed(store.needed_key(), PROVENANCE))
    found = attack_tables(private, given)
    assert (found.cells["left"] >= 2).all()
    for before, after in zip(private, given, strict=True):
        # The range that is shown holds the true count, whatever the rule.
        dims = list(before.dims)
        both = before.frame.astype(dict.fromkeys(dims, str)).merge(after.frame, on=dims)
        shown = both[both["status"] != "withheld"]
        assert len(both) == len(before.frame)
        assert ((shown["lower"] <= shown["count"]) & (shown["count"] <= shown["upper"])).all()


def test_a_total_too_many_is_caught_before_anything_is_out(
    demo_tables: list[PrivateTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted leak: one cell is shown after all, and with it what it guards."""
    room = sys.modules["amparo.protection.release"]  # the package has a function of that name
    chosen = [t for t in demo_tables if t.name in ("victims_by_year_age", "victims_by_form_age", "offences_by_year")]
    masks = room.withheld_cells(chosen, 10)
    small = [(t.frame["count"].between(1, 9)).to_numpy() & mask for t, mask in zip(chosen, masks, strict=True)]
    caught, of_small = [], []
    for at, mask in enumerate(masks):
        for row in np.flatnonzero(mask).tolist()[:8]:
            planted = [m.copy() for m in masks]
            planted[at][row] = False
            monkeypatch.setattr(room, "withheld_cells", lambda *_, planted=planted, **__: planted)
            given = release(chosen, rule=Rule(10), provenance=PROVENANCE)
            try:
                attack_tables(chosen, given)
                told = ""
            except AmparoError as error:
                told = str(error)
            caught.append(told)
            of_small.append(bool(small[at][row]))
    assert len(caught) > 10
    assert any(of_small)
    # A small count that is shown is always seen. A guard too many may have been guarded twice: most are not.
    assert all(told for told, is_small in zip(caught, of_small, strict=True) if is_small)
    assert sum(bool(told) for told in caught) > len(caught) / 2


@pytest.mark.skipif(not CTDC.exists(), reason="the CTDC-shaped records of ../shared/data/ctdc are not here")
def test_no_withheld_cell_of_the_ctdc_shaped_records_can_be_worked_out() -> None:
    frame = pd.read_csv(CTDC).astype(str)
    frame.columns = [name.lower().replace(" ", "_").replace("/", "_") for name in frame]
    source = ibis.memtable(frame)
    dims = (
        ("age_band", "trafficking_duration", "woman"),
        ("age_band", "trans_nonconforming", "woman"),
        ("age_band", "recruiter_relation_family", "is_citizen_of_country"),
        ("trafficking_duration", "isforcedlabour", "issexualexploit"),
        ("age_band", "means_withhold_docs", "means_drugs_alcohol"),
    )
    private = [tabulate(source, by, name="_by_".join(by)) for by in dims]
    found = attack_tables(private, release(private, rule=Rule(10), provenance=PROVENANCE))
    small = found.cells[found.cells["why"] == "small"]
    assert len(small) >= 5
    assert (small["left"] >= 10).all()
    assert (found.cells["left"] >= 2).all()


# --- records -----------------------------------------------------------------------------------------------


def test_the_case_records_become_microdata_in_the_standard_s_categories(demo: Path) -> None:
    store = Workspace(demo / "workspace", load_key(demo / "demo.key"))
    private = case_records(store.table("victims"), last_year=2026)
    victims = store.table("victims").to_pandas()
    assert len(private) == (victims["identification_status"] != "rejected").sum()
    assert private.frame["sex"].value_counts().to_dict() == (
        victims.loc[victims["identification_status"] != "rejected", "sex"].value_counts().to_dict()
    )
    forms = victims.loc[victims["identification_status"] != "rejected", "exploitation_forms"].dropna()
    begging = sum("begging" in cell for cell in forms)
    assert (private.frame["form=begging"] == "1").sum() == begging > 0
    assert {"CHN", "COL", "UKR"}.isdisjoint(set(private.frame["citizenship"].dropna()))
    given = release_microdata(private, method=PacSynth(4), provenance=PROVENANCE, seed=1)
    assert RECORDS_NOT_PERSONS in given.words


def test_the_trial_sees_a_release_of_the_records_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted leak: a method that hands the records out unchanged; and one that does not."""
    import amparo.protection.microdata_attacks.trial as room

    random = np.random.default_rng(3)
    frame = pd.DataFrame({f"c{k}": random.choice(list("abcdef"), 2500) for k in range(6)})
    private = PrivateMicrodata(frame, dict.fromkeys(frame, tuple("abcdef")))
    # Of twenty honest releases one may raise an alarm by chance, and its noise has no seed; a leak raises many.
    assert len(attack_trial(private, Aim(1), seed=1, targets=500).alarms()) <= 1
    monkeypatch.setattr(room, "release_microdata", lambda kept, **_: SimpleNamespace(frame=kept.frame))
    found = attack_trial(private, Aim(1), seed=1, targets=500)
    assert sum(alarm.startswith("membership") for alarm in found.alarms()) >= 3
    told = "\n".join(room.sentences(found))
    assert "beyond chance:" in told
    assert "None gains" not in told


def test_too_few_records_are_not_released_unattacked() -> None:
    with pytest.raises(AmparoError, match="too few to attack"):
        attack_trial(records(799), KAnonymity(10), seed=1)


# --- the commands ------------------------------------------------------------------------------------------


@pytest.fixture
def workspace(demo: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo / "workspace", tmp_path / "w")
    return tmp_path / "w"


def amparo(*words: str | Path, cwd: Path, key: Path) -> SimpleNamespace:
    """A command in this process; its exit code and what it said."""
    here = Path.cwd()
    os.chdir(cwd)
    try:
        done = CliRunner().invoke(app, [str(word) for word in words], env={"AMPARO_KEY": str(key)})
    finally:
        os.chdir(here)
    if isinstance(done.exception, AmparoError):
        return SimpleNamespace(returncode=done.exception.exit_code, stdout=done.stdout, stderr=str(done.exception))
    return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.output)


def test_a_report_that_tells_more_beside_an_earlier_one_leaves_no_file(
    demo: Path, workspace: Path, tmp_path: Path
) -> None:
    def report(out: str, *further: str) -> SimpleNamespace:
        words = ("report", "-w", "w", "--out", out, "--no-pdf", "--today", "2026-01-15", "-q", *further)
        return amparo(*words, cwd=tmp_path, key=demo / "demo.key")

    ledger = Ledger(workspace / "ledger", load_key(demo / "demo.key"))
    assert report("one").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert report("one", "--lang", "en").returncode == 0  # once more, without a further entry
    assert len(verify(ledger).entries) == 1
    assert {path: path.read_bytes() for path in before} == before
    refused = report("two", "--threshold", "15")
    assert refused.returncode == 3
    assert "beside 0001-" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "two").exists()
    assert len(verify(ledger).entries) == 1
    assert report("two", "--threshold", "15", "--override", "Order 9", "--to", "ministry").returncode == 0
    entry = verify(ledger).entries[-1]
    assert (entry["override"], entry["recipient"]) == ("Order 9", "ministry")
    told = (workspace / "attack-reports" / entry["id"] / "attack-report.txt").read_text(encoding="utf-8")
    assert "Order 9" in told
    assert not list((tmp_path / "two").rglob("attack-report*"))


def test_the_key_is_asked_for_before_anything_is_written(workspace: Path, tmp_path: Path) -> None:
    store = Workspace(workspace, None)
    loads = [item.load_id for item in store.loads()]
    with pytest.raises(KeyMissingError):
        clear_tables(store, loads, Rule(10), Sending("public", "p", "", "T"), PROVENANCE)
    assert not (workspace / "ledger").exists()
    assert not (workspace / "attack-reports").exists()


def test_release_hands_out_tables_and_records_with_their_reports_apart(
    demo: Path, workspace: Path, tmp_path: Path
) -> None:
    words = ("release", "-w", "w", "--out", "out", "--rule", "rounding:5", "--microdata", "pac-synth:1",
             "--override", "should chance raise an alarm",
             "--today", "2026-01-15", "--json")  # fmt: skip
    done = amparo(*words, cwd=tmp_path, key=demo / "demo.key")
    assert done.returncode == 0, done.stderr
    tables, microdata = json.loads(done.stdout)["released"]
    published = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"records.csv", "records.txt", "datapackage.json", "victims_by_sex.csv"} <= published
    assert not [name for name in published if "attack" in name or "utility" in name]
    for item in (tables, microdata):
        folder = workspace / "attack-reports" / item["entry"]
        assert {f"{name}-report.{kind}" for name in ("attack", "utility") for kind in ("txt", "csv", "svg")} <= {
            path.name for path in folder.iterdir()
        }
    listed = json.loads(amparo("ledger", "list", "-w", "w", "--json", cwd=tmp_path, key=demo / "demo.key").stdout)
    assert listed["spent"]["everybody in this workspace"]["epsilon"] == 1
    assert [entry["kind"] for entry in listed["entries"]] == ["tables", "microdata"]
    assert RECORDS_NOT_PERSONS in (tmp_path / "out" / "records.txt").read_text(encoding="utf-8")
    values = pd.read_csv(tmp_path / "out" / "data" / "victims_by_sex.csv")
    assert (values["status"] == "interval").all()


def test_beyond_the_limit_no_records_leave(demo: Path, workspace: Path, tmp_path: Path) -> None:
    key = demo / "demo.key"
    limit = amparo("ledger", "limit", "0.5", "--reason", "Decision 7", "-w", "w", cwd=tmp_path, key=key)
    assert limit.returncode == 0, limit.stderr
    done = amparo(
        "release",
        "-w",
        "w",
        "--out",
        "out",
        "--microdata",
        "pac-synth:1",
        "--override",
        "should chance raise an alarm",
        "-q",
        cwd=tmp_path,
        key=key,
    )
    assert done.returncode == 3
    assert "the limit is 0.5" in done.stderr
    assert not (tmp_path / "out").exists()
    assert (workspace / "attack-reports" / "not-released" / "attack-report.txt").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("report", "-w", "w", "--rule", "threshold:10", "--threshold", "5"), "--rule and --threshold"),
        (("report", "-w", "w", "--rule", "nonsense"), "Unknown rule"),
        (("release", "-w", "w", "--microdata", "aim:0"), "Unknown method"),
        (("release", "-w", "nowhere"), "nothing to release"),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    demo: Path, workspace: Path, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    done = amparo(*words, cwd=tmp_path, key=demo / "demo.key")
    assert done.returncode == 3
    assert text in done.stderr


def test_a_released_table_is_still_sealed() -> None:
    with pytest.raises(TypeError):
        ReleasedTable("t", "records", ("form",), frozenset(), "", "", "", pd.DataFrame())
