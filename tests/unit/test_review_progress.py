"""Progress and cycles: the rule, what people may judge, and snapshots that cannot be changed without a trace."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.protection.release import Release
from amparo.review.cycles import compare, content, digest, dump, first_figures, freeze, load, snapshots
from amparo.review.evidence import Evidence, Point
from amparo.review.progress import follows, reading
from amparo.review.recorded import EXAMPLE
from amparo.review.register import code_labels, load_register
from amparo.review.standing import Review, Standing, review
from amparo.standard.errors import AmparoError

TODAY = date(2026, 1, 15)
REGISTER = load_register()
INDICATORS = REGISTER.indicators


def evidence(name: str, *figures: tuple[str, float, float]) -> Evidence:
    points = tuple(Point(period, low, high, low if low == high else None) for period, low, high in figures)
    return Evidence(name, INDICATORS[name].unit, points)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "recorded"))


def made(folder: Path, *releases: Release, cycle: str = "2026", today: date = TODAY) -> Review:
    return review(releases, today=today, recorded=folder, cycle=cycle)


def standing(found: Review, name: str) -> Standing:
    return next(one for one in found.standings if one.commitment.id == name)


# --- The rule -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "figures", "read"),
    [
        ("age_recorded", [("2021", 80, 80), ("2025", 90, 90)], "better"),
        ("age_recorded", [("2021", 90, 90), ("2025", 80, 80)], "worse"),
        ("age_recorded", [("2021", 80, 85), ("2025", 84, 90)], "open"),  # the intervals overlap
        ("age_recorded", [("2021", 80, 80), ("2025", 80, 80)], "same"),
        ("age_recorded", [("2021", 80, 80), ("2025", 79.2, 79.2)], "same"),  # within one percentage point
        ("age_recorded", [("2021", 80, 80), ("2025", 80.5, 81.5)], "open"),
        ("age_recorded", [("2021", 80, 85), ("2025", 85.5, 90)], "open"),
        ("convictions_per_100_victims", [("2021", 4, 4), ("2025", 4.19, 4.19)], "same"),  # within a twentieth
        ("convictions_per_100_victims", [("2021", 4, 4), ("2025", 4.3, 4.3)], "better"),
        ("age_recorded", [("2018", 99, 99), ("2021", 80, 80), ("2025", 90, 90)], "better"),  # 2021 is the baseline
        ("age_recorded", [("2022", 99, 99), ("2025", 90, 90)], "worse"),  # without it, the first year is
        ("age_recorded", [("2025", 90, 90)], "open"),
        ("exploited_over_two_years", [("2021", 20, 20), ("2025", 10, 10)], "better"),
        ("reporting_continuity", [("2025", 100, 100)], "met"),
        ("reporting_continuity", [("2025", 60, 99)], "not_met"),
        ("reporting_continuity", [("2025", 60, 100)], "open"),
        ("cells_recoverable", [("", 0, 0)], "met"),
        ("cells_recoverable", [("", 1, 4)], "not_met"),
        ("detected_victims", [("2021", 100, 100), ("2025", 300, 300)], "context"),  # more may be good news or bad
    ],
)
def test_how_figures_read(name: str, figures: list[tuple[str, float, float]], read: str) -> None:
    assert reading(INDICATORS[name], evidence(name, *figures)) == read


def test_a_single_figure_is_read_against_an_earlier_review() -> None:
    now = evidence("sex_recorded", ("", 98, 98))
    assert reading(INDICATORS["sex_recorded"], now) == "open"
    assert reading(INDICATORS["sex_recorded"], now, first=Point("2022", 90, 90, 90)) == "better"


@pytest.mark.parametrize(
    ("readings", "status"),
    [
        ([], ""),
        (["context", "open"], ""),
        (["met"], "kept"),
        (["met", "context"], "kept"),
        (["met", "better"], "kept"),
        (["met", "open"], "under_way"),
        (["met", "not_met"], "under_way"),
        (["met", "worse"], "under_way"),
        (["better"], "under_way"),
        (["not_met"], "under_way"),
        (["same"], "under_way"),
        (["worse"], "gone_back"),
        (["worse", "not_met"], "gone_back"),
    ],
)
def test_what_follows_from_readings(readings: list[str], status: str) -> None:
    assert follows(readings) == status  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(["open", "context"])), st.lists(st.sampled_from(list(code_labels("reading")))))
def test_what_cannot_be_told_never_helps_a_commitment(mute: list[str], readings: list[str]) -> None:
    without, beside = follows(readings), follows([*readings, *mute])  # type: ignore[list-item]
    assert beside in (without, "under_way" if without == "kept" else without)
    assert follows([*readings, "context"]) == without  # type: ignore[list-item]


@given(st.lists(st.sampled_from(list(code_labels("reading")))))
def test_what_is_not_measured_in_all_its_parts_is_not_kept(readings: list[str]) -> None:
    assert follows(readings, complete=False) != "kept"  # type: ignore[arg-type]
    if "open" in readings:
        assert follows(readings) != "kept"  # type: ignore[arg-type]


def test_privacy_is_not_kept_because_one_of_its_four_indicators_is_on_target(demo_release: Release) -> None:
    one = standing(review([demo_release], today=TODAY), "14.1")
    assert one.readings == {"cells_recoverable": "met"}
    assert one.rule == "under_way"


# --- People ---------------------------------------------------------------------------------------------------------


def test_a_commitment_without_evidence_is_shown_as_such(demo_release: Release) -> None:
    found = review([demo_release], today=TODAY)
    without = [one for one in found.standings if not one.known and not one.rows]
    assert len(without) == found.count("no_evidence") > 50
    assert {one.state for one in without} == {"no_evidence"}
    assert {one.rule for one in without} == {""}
    assert found.count("not_judged") == len(found.standings) - len(without)
    # The figures about the review itself are no evidence for what it reviews.
    assert standing(found, "29.2").state == "no_evidence"
    latest = found.evidence["commitments_evidenced"].latest
    assert latest is not None
    assert latest.value == pytest.approx(100 * (151 - len(without)) / 151)


@pytest.mark.parametrize("status", ["under_way", "kept", "gone_back"])
def test_nobody_can_judge_that_a_commitment_without_evidence_advances(folder: Path, status: str) -> None:
    path = folder / "judgements.csv"
    path.write_text(f"commitment,cycle,date,by,status,reason\n19.1,2026,2026-01-01,Ministry,{status},We feel so\n")
    with pytest.raises(AmparoError, match=rf'"{status}" cannot be judged: there is no evidence for 19.1') as caught:
        made(folder)
    assert "judgements.csv, row 2" in str(caught.value)
    path.write_text("commitment,cycle,date,by,status,reason\n19.1,2026,2026-01-01,Ministry,not_started,It is so\n")
    one = standing(made(folder), "19.1")
    assert one.state == "no_evidence"
    assert one.judgement is not None


def test_the_last_judgement_of_a_cycle_counts_and_the_others_are_kept(folder: Path, demo_release: Release) -> None:
    one = standing(made(folder, demo_release), "22.3")
    assert one.state == "kept"
    assert [(past.status, past.by) for past in one.history] == [
        ("under_way", "National statistics office"), ("kept", "Interministerial commission"),
    ]  # fmt: skip
    assert [(who.by, who.status) for who in one.dissents] == [("University", "under_way")]
    assert standing(made(folder, demo_release, cycle="2027"), "22.3").state == "not_judged"


def test_the_rule_stands_beside_the_judgement(folder: Path, demo_release: Release) -> None:
    one = standing(made(folder, demo_release), "22.3")
    assert set(one.readings) == {"reporting_lists", "reporting_continuity"}
    assert one.readings["reporting_continuity"] == "met"
    assert one.rule in code_labels("status")


@pytest.mark.parametrize(
    ("file", "row", "told"),
    [
        ("judgements.csv", "13.7,2026,2026-01-10,B,finished,R", "one of not_started, under_way, kept, gone_back"),
        ("judgements.csv", "13.7,2026,2027-01-10,B,kept,R", "a day up to 2026-01-15"),
        ("judgements.csv", "13.7,next,2026-01-10,B,kept,R", "a year such as 2026"),
        ("judgements.csv", "13.77,2026,2026-01-10,B,kept,R", "did you mean '13.7'"),
        ("judgements.csv", "13.7,2026,2026-01-10,,kept,R", "the cell is empty"),
        ("judgements.csv", "13.7,2026,2026-01-10,B,kept,", "the cell is empty"),
        ("dissent.csv", "13.7,2026,2026-01-10,B,kept,ask a@b.org", "no address or telephone number"),
    ],
)
def test_a_judgement_that_cannot_be_used_is_told(folder: Path, file: str, row: str, told: str) -> None:
    (folder / file).write_text(f"commitment,cycle,date,by,status,reason\n{row}\n", encoding="utf-8")
    with pytest.raises(AmparoError) as caught:
        made(folder)
    assert told in str(caught.value)


def test_a_cycle_that_is_none_is_told() -> None:
    with pytest.raises(AmparoError, match="no review cycle"):
        review([], today=TODAY, cycle="spring")


# --- Cycles ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_the_same_for_the_same_review_and_frozen_for_good(folder: Path, demo_release: Release) -> None:
    first = made(folder, demo_release)
    path = freeze(first, folder / "snapshots")
    before = path.read_bytes()
    assert freeze(made(folder, demo_release), folder / "snapshots").read_bytes() == before
    with pytest.raises(AmparoError, match="frozen already"):
        freeze(made(folder, demo_release, today=date(2026, 1, 16)), folder / "snapshots")
    assert path.read_bytes() == before
    freeze(made(folder, demo_release, cycle="2027"), folder / "snapshots")
    assert [one.cycle for one in snapshots(folder / "snapshots")] == ["2026", "2027"]
    with pytest.raises(AmparoError, match="the cycle 2026 is frozen already"):
        freeze(made(folder, demo_release, cycle="2025"), folder / "snapshots")


def test_a_snapshot_that_was_changed_is_found(folder: Path, demo_release: Release) -> None:
    place = folder / "snapshots"
    path = freeze(made(folder, demo_release), place)
    freeze(made(folder, demo_release, cycle="2027"), place)
    held = json.loads(path.read_text(encoding="utf-8"))
    held["review"]["commitments"]["declaration-2021:19.1"]["state"] = "kept"
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(AmparoError, match="changed since it was frozen"):
        load(path)
    # With a hash that fits, the snapshot after it no longer follows.
    path.write_text(dump(held["review"]), encoding="utf-8")
    assert load(path).sha256 == digest(held["review"])
    with pytest.raises(AmparoError, match="2027 does not follow"):
        snapshots(place)
    path.unlink()
    with pytest.raises(AmparoError, match="2027 does not follow"):
        snapshots(place)


def test_what_is_no_snapshot_is_told(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"sha256": "0", "review": {}}'):
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
        with pytest.raises(AmparoError, match="not a snapshot"):
            snapshots(tmp_path)


def test_a_review_is_compared_with_the_last(folder: Path, demo_release: Release) -> None:
    place = folder / "snapshots"
    freeze(made(folder, cycle="2025"), place)
    now = made(folder, demo_release)
    changes = {change.commitment[1]: change for change in compare(now, snapshots(place)[-1])}
    assert (changes["22.3"].before, changes["22.3"].now) == ("no_evidence", "kept")
    assert changes["22.3"].gained == ("reporting_continuity", "reporting_lists")
    assert "19.1" not in changes
    assert compare(now, load(freeze(now, place))) == ()
    assert content(now)["previous"] == ""


def test_single_figures_are_read_against_the_first_snapshot(folder: Path, demo_release: Release) -> None:
    place = folder / "snapshots"
    path = freeze(made(folder, demo_release, cycle="2022"), place)
    held = json.loads(path.read_text(encoding="utf-8"))["review"]
    held["indicators"]["sex_recorded"]["points"] = [["", {}, 50.0, 50.0, 50.0]]
    path.write_text(dump(held), encoding="utf-8")
    first = first_figures(snapshots(place), before="2026")
    assert first["sex_recorded"] == Point("2022", 50, 50, 50)
    assert first_figures(snapshots(place), before="2022") == {}
    found = review([demo_release], today=TODAY, recorded=folder, earlier=first)
    assert standing(found, "22.1").readings["sex_recorded"] == "better"
