"""Releases side by side: what they tell together, against an adversary who tries every table; the ledger's commands."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from amparo.cli import protection as commands
from amparo.intake.key import load_key, new_key
from amparo.protection.cells import label
from amparo.protection.differencing import Shown, ShownTable, differences
from amparo.protection.ledger import Ledger, RefusedError, enter, set_budget, verify
from amparo.protection.release import Release, ReleasedTable, Rule, release
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable

T = 4
SEXES, FORMS = ("female", "male"), ("labour", "sexual")


def cube(counts: np.ndarray, dims: tuple[str, ...]) -> PrivateTable:
    """The full cube over some of sex and form, from counts of sex × form."""
    kept = counts if len(dims) == 2 else counts.sum(axis=1 if dims == ("sex",) else 0)
    names = {"sex": (*SEXES, "_T"), "form": (*FORMS, "_T")}
    for axis in range(kept.ndim):
        kept = np.concatenate([kept, kept.sum(axis=axis, keepdims=True)], axis=axis)
    codes = list(product(*(names[dim] for dim in dims)))
    frame = pd.DataFrame(codes, columns=list(dims)).assign(count=kept.ravel().astype("int64"))
    frame = frame[frame["count"] > 0].reset_index(drop=True)
    return PrivateTable("_".join(dims), "victims", dims, frozenset(), frame, "counted")


def shown(name: str, tables: list[PrivateTable], data: str = "a", within: dict[str, str] | None = None) -> Shown:
    given = release(tables, rule=Rule(T), provenance={})
    return Shown(name, data, within or {}, T, tuple(as_shown(table) for table in given))


def as_shown(table: ReleasedTable) -> ShownTable:
    return ShownTable(table.name, table.unit, table.dims, table.overlapping, True, table.frame)


def every_table(releases: list[Shown], most: int = 14) -> np.ndarray:
    """All counts of sex × form with their totals (last in each dimension) that agree with all that is shown."""
    inner = np.indices((most + 1,) * 4).reshape(4, -1).T.reshape(-1, 2, 2)
    whole = np.concatenate([inner, inner.sum(axis=1, keepdims=True)], axis=1)
    whole = np.concatenate([whole, whole.sum(axis=2, keepdims=True)], axis=2)
    for item in releases:
        for table in item.tables:
            there = set()
            for row in table.frame.to_dict("records"):
                at = place({**row, **item.within})
                there.add(at)
                value = whole[:, *at]
                whole = whole[value >= 1] if pd.isna(row["lower"]) else whole[value == row["lower"]]
            names = [(*SEXES, "_T") if dim == "sex" else (*FORMS, "_T") for dim in table.dims]
            for codes in product(*names):
                at = place({**dict(zip(table.dims, codes, strict=True)), **item.within})
                if at not in there:
                    whole = whole[whole[:, *at] == 0]
    return whole


def place(codes: dict[str, object]) -> tuple[int, int]:
    sex, form = codes.get("sex", "_T"), codes.get("form", "_T")
    return (*SEXES, "_T").index(str(sex)), (*FORMS, "_T").index(str(form))


def withheld(releases: list[Shown]) -> set[tuple[int, int]]:
    return {
        place({**row, **item.within})
        for item in releases
        for table in item.tables
        for row in table.frame.to_dict("records")
        if pd.isna(row["lower"])
    }


def words(at: tuple[int, int]) -> str:
    codes = []
    if at[1] < 2:
        codes.append(("form", FORMS[at[1]]))
    if at[0] < 2:
        codes.append(("sex", SEXES[at[0]]))
    return label(("victims", tuple(codes)))


def adversary(new: Shown, earlier: list[Shown]) -> set[str]:
    """The cells that all releases together narrow to fewer than T counts, small ones among them, and none alone."""
    whole = every_table([new, *earlier])
    found = set()
    for at in withheld([new, *earlier]):
        low, high = whole[:, *at].min(), whole[:, *at].max()
        if high - low + 1 >= T or low >= T:
            continue
        alone = [every_table(group)[:, *at] for group in ([new], earlier) if at in withheld(group)]
        if all(values.max() - values.min() > high - low for values in alone):
            found.add(words(at))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_two_releases_of_the_same_data_tell_what_trying_every_table_tells(seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(3.5, (2, 2))
    first = shown("r1", [cube(counts, ("sex",)), cube(counts, ("form",))])
    second = shown("this release", [cube(counts, ("sex", "form"))])
    assert {finding.cell for finding in differences(second, [first])} == adversary(second, [first])


def test_the_adversary_finds_something_and_nothing_in_turn() -> None:
    """Else the comparison above would prove nothing."""
    found = []
    for seed in range(12):
        counts = np.random.default_rng(seed).poisson(3.5, (2, 2))
        first = shown("r1", [cube(counts, ("sex",)), cube(counts, ("form",))])
        found.append(len(adversary(shown("r2", [cube(counts, ("sex", "form"))]), [first])))
    assert found.count(0) >= 2
    assert found.count(0) <= 10


@pytest.mark.parametrize("seed", range(8))
def test_a_release_about_women_is_compared_with_the_one_about_all(seed: int) -> None:
    counts = np.random.default_rng(50 + seed).poisson(5, (2, 2))
    everybody = shown("r1", [cube(counts, ("form",)), cube(counts, ("sex",))])
    women = shown("this release", [cube(counts * [[1], [0]], ("form",))], within={"sex": "female"})
    found = {finding.cell for finding in differences(women, [everybody])}
    # What trying every table finds of cells that are shown somewhere, and of the men who are left.
    assert {cell for cell in found if "outside" not in cell} == adversary(women, [everybody])
    whole = every_table([women, everybody])
    for at, form in enumerate((*FORMS, "")):
        low, high = whole[:, 1, at].min(), whole[:, 1, at].max()
        told = high - low + 1 < T and low < T and high > 0
        cell = f"victims: form={form}, outside=sex=female" if form else "victims: outside=sex=female"
        assert (cell in found) == told, cell


def form_table(**counts: int | None) -> Shown:
    rows = list(counts.items())
    values = pd.array([count for _, count in rows], dtype="Int64")
    frame = pd.DataFrame({"form": [form for form, _ in rows], "lower": values, "upper": values})
    return Shown("x", "x", {}, 10, (ShownTable("t", "victims", ("form",), frozenset(), True, frame),))


def a_month_later(before: Shown, after: Shown) -> list[str]:
    old = Shown("r1", "a", {}, 10, before.tables)
    return [finding.cell for finding in differences(Shown("this release", "b", {}, 10, after.tables), [old])]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (form_table(a=20, b=30, _T=50), form_table(a=40, b=60, _T=100), []),
        (form_table(a=20, b=30, _T=50), form_table(a=20, b=30, _T=50), []),
        (form_table(a=20, b=30, _T=50), form_table(a=22, b=60, _T=82), ["victims: form=a"]),
        # Few are gone: a case withdrawn is a person too.
        (form_table(a=20, b=30, _T=50), form_table(a=19, b=60, _T=79), ["victims: form=a"]),
        # The change of a withheld cell follows from the changes of the others.
        (form_table(a=None, b=30, c=None, _T=80), form_table(a=None, b=60, c=None, _T=111), ["victims: form=a", "victims: form=c"]),
        (form_table(a=None, b=30, c=None, _T=80), form_table(a=None, b=60, c=None, _T=130), []),
        # Who had nobody before is guarded by the rule of the new release.
        (form_table(b=30, c=None, _T=50), form_table(a=12, b=60, c=None, _T=150), []),
    ],
)  # fmt: skip
def test_what_a_later_month_tells_of_those_who_came(before: Shown, after: Shown, told: list[str]) -> None:
    assert a_month_later(before, after) == told


def test_a_stricter_rule_of_before_still_holds() -> None:
    frame = pd.DataFrame({"form": ["a", "b", "_T"], "count": [6, 30, 36]}).astype({"count": "int64"})
    table = PrivateTable("t", "victims", ("form",), frozenset(), frame, "counted")

    def given(threshold: int, name: str) -> Shown:
        made = release([table], rule=Rule(threshold), provenance={})
        return Shown(name, "a", {}, threshold, tuple(as_shown(t) for t in made))

    findings = differences(given(5, "this release"), [given(10, "r1")])
    assert "victims: form=a" in {finding.cell for finding in findings}
    assert all("threshold of 10" in str(finding) or "10 possible" in str(finding) for finding in findings)
    assert differences(given(10, "this release"), [given(10, "r1")]) == []


def test_a_second_rounding_of_the_same_counts_is_told_and_the_same_one_is_not() -> None:
    counts = np.array([[7, 11], [13, 3]])

    def rounded(name: str, seed: int) -> Shown:
        made = release([cube(counts, ("sex", "form"))], rule=Rule(1, rounding=5), provenance={}, seed=seed)
        return Shown(name, "a", {}, 5, tuple(as_shown(t) for t in made))

    first = rounded("r1", 0)
    told = [bool(differences(rounded("this release", seed), [first])) for seed in range(12)]
    same = [rounded("r1", seed).tables[0].frame.equals(first.tables[0].frame) for seed in range(12)]
    assert not any(t and s for t, s in zip(told, same, strict=True))
    assert any(told)


def test_what_earlier_releases_tell_already_is_not_held_against_a_new_one() -> None:
    """Else one override would refuse everything after it."""
    january, february = form_table(a=20, b=30, _T=50), form_table(a=22, b=60, _T=82)
    out = [Shown("r1", "a", {}, 10, january.tables), Shown("r2", "b", {}, 10, february.tables)]
    assert differences(Shown("this release", "b", {}, 10, february.tables), out) == []
    counts = np.array([[12, 8], [1, 2]])
    everybody = shown("r1", [cube(counts, ("form",))])
    women = shown("r2", [cube(counts * [[1], [0]], ("form",))], within={"sex": "female"})
    assert differences(women, [everybody])
    again = Shown("this release", women.data, women.within, T, women.tables)
    assert differences(again, [everybody, women]) == []


def test_releases_of_one_data_that_show_different_counts_are_told() -> None:
    first, second = form_table(a=20, b=30, _T=50), form_table(a=21, b=30, _T=51)
    findings = differences(Shown("this release", "x", {}, 10, second.tables), [Shown("r1", "x", {}, 10, first.tables)])
    assert {str(f.what) for f in findings} == {"releases of the same data show different counts"}


def test_the_earlier_release_that_tells_it_is_named() -> None:
    counts = np.array([[9, 8], [1, 2]])
    harmless = shown("r1", [cube(counts, ("form",))])
    guilty = form_table(labour=10, sexual=10, _T=20)
    women = shown("this release", [cube(counts * [[1], [0]], ("form",))], within={"sex": "female"})
    findings = differences(women, [harmless, Shown("r2", "other", {}, 10, guilty.tables)])
    assert {finding.releases for finding in findings} <= {("r1",), ("r2",)}
    assert any(finding.cell == "victims: form=labour, outside=sex=female" for finding in findings)


def test_the_demonstration_country_is_released_twice_without_a_finding(demo_release: Release, tmp_path: Path) -> None:
    inputs = {"sha256 of lists": "a" * 64, "version": "1"}
    tables = tuple(ShownTable(t.name, t.unit, t.dims, t.overlapping, not t.source, t.frame) for t in demo_release)
    again = Shown("r1", str(inputs), {}, 10, tables)
    assert differences(Shown("this release", str(inputs), {}, 10, tables), [again]) == []


# --- the commands ------------------------------------------------------------------------------------------

app = typer.Typer()
app.command("list")(commands.ledger_list)
app.command("verify")(commands.ledger_verify)
app.command("show")(commands.ledger_show)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    key = new_key(tmp_path / "the.key")
    ledger = Ledger(tmp_path / "ledger", key)
    set_budget(ledger, "victims of XDM", epsilon=4, delta=0, reason="Decision 7")
    frame = pd.DataFrame({"form": ["a", "b", "_T"], "count": [20, 30, 50]}).astype({"count": "int64"})
    table = PrivateTable("t", "victims", ("form",), frozenset(), frame, "counted")
    made = release([table], rule=Rule(10), provenance={"version": "1", "sha256 of x.csv": "0" * 64})
    enter(ledger, made, title="Yearly report", recipient="public", population="victims of XDM", epsilon=0.5)
    return tmp_path


def run(workspace: Path, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--workspace", str(workspace), "--key", str(workspace / "the.key")])
    if result.exception:
        raise result.exception
    return result.stdout


def test_the_ledger_is_listed_verified_and_shown(workspace: Path) -> None:
    listed = json.loads(run(workspace, "list", "--json"))
    assert [entry["kind"] for entry in listed["entries"]] == ["budget", "tables"]
    assert listed["spent"]["victims of XDM"]["epsilon"] == 0.5
    assert listed["entries"][1]["id"] in run(workspace, "list")
    entry = json.loads(run(workspace, "show", listed["entries"][1]["id"]))
    assert (entry["title"], entry["inputs"]) == ("Yearly report", {"x.csv": "0" * 64})
    told = json.loads(run(workspace, "verify", "--json"))
    assert told == {"entries": 2, "head": listed["head"], "signed": True, "torn_bytes": 0, "head_lags": False}
    assert listed["head"] in run(workspace, "verify", "--head", listed["head"]).replace("\n", "")
    with pytest.raises(AmparoError, match="no entry"):
        run(workspace, "show", "0009-00000000")
    with pytest.raises(AmparoError, match="nothing was released"):
        CliRunner().invoke(app, ["list", "--workspace", str(workspace / "none")], catch_exceptions=False)


def test_the_budget_stands_before_the_release(workspace: Path) -> None:
    ledger = Ledger(workspace / "ledger", load_key(workspace / "the.key"))
    made = release([], rule=Rule(10), provenance={"sha256 of x.csv": "0" * 64})
    with pytest.raises(RefusedError, match=r"0\.5 is spent, this release needs 4"):
        enter(ledger, made, title="T", recipient="public", population="victims of XDM", epsilon=4)
    assert len(verify(ledger).entries) == 2
