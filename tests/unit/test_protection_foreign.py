"""Tables that somebody else published: how they are read, and that the attack finds what trying everything finds."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy.sparse import csr_array
from typer.testing import CliRunner

from amparo.cli import protection as commands
from amparo.protection.foreign import audit_foreign, interval_of, read_foreign
from amparo.protection.whole_counts import System, set_aside, whole_bounds
from amparo.standard.errors import AmparoError
from amparo.standard.variables import TOTAL

INF = np.inf


# --- what a cell says --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "low", "high", "withheld"),
    [
        ("17", 17, 17, False), ("17,000", 17000, 17000, False), ("6 112 019", 6112019, 6112019, False),
        ("1.234", 1234, 1234, False), ("12.0", 12, 12, False), ("٤٢", 42, 42, False),
        ("<5", 0, 4, True), ("< 10", 0, 9, True), ("n<3", 0, 2, True), ("≤4", 0, 4, True), ("1-4", 1, 4, True),
        ("1 – 4", 1, 4, True), ("fewer than 5", 0, 4, True), ("moins de 5", 0, 4, True), ("menos de 5", 0, 4, True),
        ("менее 5", 0, 4, True), ("أقل من 5", 0, 4, True), ("少于5", 0, 4, True),
        *((mark, 0, INF, True) for mark in ("..", "*", "x", "c", ":", "-", "–", "suppressed", "Confidencial", "保密")),
    ],
)  # fmt: skip
def test_what_a_cell_says(text: str, low: float, high: float, withheld: bool) -> None:
    assert interval_of(text) == (low, high, withheld)


@pytest.mark.parametrize("text", ["12.5", "women", "5-", "4-1", "1,23", "-3", "=1+1", "5 %"])
def test_what_is_no_count_is_not_taken_for_one(text: str) -> None:
    assert interval_of(text) is None


def test_a_publishers_own_mark_comes_first() -> None:
    assert interval_of("C", {"c": (1, 9)}) == (1, 9, True)


# --- how a table is read -----------------------------------------------------------------------------------


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


LONG = """Country,Iso,Sex,Year,Unit,Victims
Spain,ESP,Female,2020,Counts,12
Spain,ESP,Male,2020,Counts,<5
Spain,ESP,Total,2020,Counts,15
Chad,TCD,Female,2020,Counts,<5
Chad,TCD,Male,2020,Counts,9
Chad,TCD,Total,2020,Counts,..
Chad,TCD,Female,2021,Counts,6
Chad,TCD,Male,2021,Counts,7
Chad,TCD,Total,2021,Counts,13
"""


def test_a_long_table_finds_its_dimensions_and_its_counts(tmp_path: Path) -> None:
    table = read_foreign(written(tmp_path / "t.csv", LONG))
    assert (table.layout, table.count) == ("long", ("Victims",))
    assert table.dims == ("Country", "Sex", "Year")
    assert set(table.dropped) == {"Iso", "Unit"}
    assert (table.frame["Sex"] == TOTAL).sum() == 3
    assert table.frame["mark"].tolist() == ["", "<5", "", "<5", "", "..", "", "", ""]


@pytest.mark.parametrize("total", ["Total", "المجموع", "总计", "Ensemble", "Всего", "Ambos sexos"])
def test_a_cross_tab_under_a_title_finds_its_totals_in_six_languages(tmp_path: Path, total: str) -> None:
    text = f"Victims detected,,,\n\nYear,Female,Male,{total}\n2020,12,<5,15\n2021,8,9,17\n{total},20,..,32\n"
    table = read_foreign(written(tmp_path / "t.csv", text))
    assert (table.layout, table.count) == ("wide", ("Female", "Male", total))
    assert table.dims == ("Year", "column")
    found = audit_foreign(table)
    assert (found.exposure["sure"].withheld, found.exposure["sure"].exact) == (2, 2)
    assert found.derived["sure_lower"].tolist() == found.derived["sure_upper"].tolist() == [3, 12]


def test_workbooks_give_the_same_as_csv(tmp_path: Path) -> None:
    frame = pd.read_csv(written(tmp_path / "t.csv", LONG))
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_excel(tmp_path / "t.ods", index=False, engine="odf")
    tables = [read_foreign(tmp_path / name).frame for name in ("t.csv", "t.xlsx", "t.ods")]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Year,Sex,Count\n2020,F,12\n2020,M,15\n", "no column holds counts of which some are withheld"),
        ("Year,Sex,Count\n2020,F,12\n2020,M,<5\n", "no column holds totals"),
    ],
)
def test_a_table_that_cannot_be_judged_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AmparoError, match=words):
        audit_foreign(read_foreign(written(tmp_path / "t.csv", text)))


def test_an_unknown_mark_in_a_named_column_is_told_with_the_remedy(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", LONG.replace("<5", "zz"))
    with pytest.raises(AmparoError, match=r"--mark 'zz=LOW\.\.HIGH'"):
        read_foreign(path, count=["Victims"])
    assert read_foreign(path, count=["Victims"], marks={"zz": (1, 9)}).frame["upper"].max() == INF


# --- what follows ------------------------------------------------------------------------------------------


def published(counts: np.ndarray, rule: int) -> pd.DataFrame:
    """The cube of a table of places × sexes × ages with all totals; counts below the rule are withheld."""
    cube = counts
    for axis in (1, 2):
        cube = np.concatenate([cube, cube.sum(axis=axis, keepdims=True)], axis=axis)
    rows = []
    for (p, s, a), count in np.ndenumerate(cube):
        sex = "Total" if s == counts.shape[1] else f"s{s}"
        age = "Total" if a == counts.shape[2] else f"a{a}"
        rows.append((f"p{p}", sex, age, f"<{rule}" if count < rule else str(count)))
    return pd.DataFrame(rows, columns=["place", "sex", "age", "count"])


def all_tables(frame: pd.DataFrame, rule: int, shape: tuple[int, int]) -> dict[tuple[str, str], tuple[int, int]]:
    """By trying every table of one place: the smallest and the largest count of each withheld cell."""
    said = {(s, a): c for s, a, c in frame[["sex", "age", "count"]].itertuples(index=False)}
    inner = [(f"s{s}", f"a{a}") for s in range(shape[0]) for a in range(shape[1])]
    choices = [range(rule) if said[cell].startswith("<") else [int(said[cell])] for cell in inner]
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for counts in product(*choices):
        cube = np.array(counts).reshape(shape)
        whole = {(f"s{s}", f"a{a}"): int(cube[s, a]) for s, a in np.ndindex(*shape)}
        whole |= {(f"s{s}", "Total"): int(cube[s].sum()) for s in range(shape[0])}
        whole |= {("Total", f"a{a}"): int(cube[:, a].sum()) for a in range(shape[1])}
        whole["Total", "Total"] = int(cube.sum())
        if all(whole[c] < rule if t.startswith("<") else whole[c] == int(t) for c, t in said.items()):
            for cell, text in said.items():
                if text.startswith("<"):
                    low, high = found.get(cell, (rule, -1))
                    found[cell] = (min(low, whole[cell]), max(high, whole[cell]))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_intervals_are_those_that_trying_every_table_finds(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (2, 3)
    counts = rng.poisson(4, (6, *shape))
    frame = published(counts, 5)
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = audit_foreign(read_foreign(tmp_path / "t.csv"))
    told = pd.concat([found.cells, found.derived], axis=1)
    assert found.exposure["sure"].set_aside == 0
    for place, of_place in frame.groupby("place"):
        truth = all_tables(of_place, 5, shape)
        mine = told[told["place"] == place]
        assert len(mine) == len(truth)
        for row in mine.to_dict("records"):
            cell = tuple("Total" if row[dim] == TOTAL else row[dim] for dim in ("sex", "age"))
            assert (row["sure_lower"], row["sure_upper"]) == truth[cell], (place, cell)


def test_margins_that_are_not_shown_still_tie_the_finest_cells_to_the_grand_total(tmp_path: Path) -> None:
    text = "sex,age,n\nF,child,6\nF,adult,<5\nM,child,7\nM,adult,8\nTotal,Total,23\n"
    found = audit_foreign(read_foreign(written(tmp_path / "t.csv", text)))
    assert found.derived["sure_lower"].tolist() == found.derived["sure_upper"].tolist() == [2]
    assert found.cells["sure_by"].tolist() == ["several together"]


def test_rows_under_one_key_count_together(tmp_path: Path) -> None:
    text = "place,age,n\np,child,<5\np,child,6\np,adult,10\np,Total,17\nq,child,6\nq,adult,5\nq,Total,11\n"
    found = audit_foreign(read_foreign(written(tmp_path / "t.csv", text)))
    assert found.derived["sure_lower"].tolist() == found.derived["sure_upper"].tolist() == [1]


def test_a_pattern_that_sometimes_fails_is_likely_only_and_its_contradictions_are_set_aside(tmp_path: Path) -> None:
    good = "".join(f"p{k},F,{k + 5}\np{k},M,9\np{k},Total,{k + 14}\n" for k in range(12))
    text = "place,sex,n\n" + good + "bad,F,8\nbad,M,9\nbad,Total,12\nx,F,10\nx,M,<5\nx,Total,13\n"
    found = audit_foreign(read_foreign(written(tmp_path / "t.csv", text)))
    assert (found.exposure["sure"].exact, found.exposure["likely"].exact) == (0, 1)
    assert found.set_aside.to_numpy().tolist() == [["likely", "sum over sex: place bad"]]
    pattern = found.patterns.iloc[0]
    assert (pattern["checked"], pattern["held"], pattern["contradicted"]) == (13, 12, 1)
    assert (pattern["sure"], pattern["likely"]) == ("", "adds up")


def test_parts_that_need_not_add_up_still_never_exceed_their_total(tmp_path: Path) -> None:
    # Sometimes something is left over: from one side the sums hold, and a full total leaves nothing.
    some = "".join(f"p{k},F,{k + 5}\np{k},M,9\np{k},Total,{k + 14 + 6 * (k % 2)}\n" for k in range(12))
    text = "place,sex,n\n" + some + "x,F,10\nx,M,<5\nx,Total,10\ny,F,10\ny,M,<5\ny,Total,12\n"
    found = audit_foreign(read_foreign(written(tmp_path / "t.csv", text)))
    assert found.patterns.iloc[0]["sure"] == "at most"
    assert found.cells["sure_width"].tolist() == [0, 2]


def test_a_breakdown_with_its_categories_is_one_dimension(tmp_path: Path) -> None:
    rows = [("Total", "Total", 30), ("by form", "sexual", 20), ("by form", "labour", "<15"), ("by origin", "A", 18),
            ("by origin", "B", 12)]  # fmt: skip
    years = "".join(f"{year},{a},{b},{n}\n" for year in (2020, 2021) for a, b, n in rows).replace(
        "2021,by form,labour,<15", "2021,by form,labour,10"
    )
    found = audit_foreign(read_foreign(written(tmp_path / "t.csv", "year,dimension,category,n\n" + years)))
    assert found.derived["sure_lower"].tolist() == found.derived["sure_upper"].tolist() == [10]


# --- sums in general ---------------------------------------------------------------------------------------


def everything(system: System, lower: np.ndarray, upper: np.ndarray, keep: list[int]) -> np.ndarray:
    counts = np.array(list(product(*(range(int(a), int(b) + 1) for a, b in zip(lower, upper, strict=True)))))
    value = counts @ system.matrix.toarray().T
    good = ((value >= system.low) & (value <= system.high))[:, keep].all(axis=1)
    return counts[good]


def random_system(rng: np.random.Generator, sums: int, counts: int, slack: int) -> System:
    matrix = np.where(rng.random((sums, counts)) < 0.6, -1, 0)
    matrix[np.arange(sums), rng.integers(0, counts, sums)] = 1
    truth = rng.integers(0, 4, counts)
    value = matrix @ truth
    return System(csr_array(matrix.astype(float)), value - rng.integers(0, slack + 1, sums), value.astype(float))


@pytest.mark.parametrize("seed", range(25))
def test_bounds_are_those_of_all_whole_solutions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = random_system(rng, 4, 6, 1)
    lower, upper = np.zeros(6), np.full(6, 3.0)
    solutions = everything(system, lower, upper, list(range(4)))
    low, high = whole_bounds(system, lower, upper, np.ones(6, dtype=bool))
    assert low.tolist() == solutions.min(axis=0).tolist()
    assert high.tolist() == solutions.max(axis=0).tolist()


@pytest.mark.parametrize("seed", range(15))
def test_the_smallest_number_of_sums_is_set_aside(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    system = random_system(rng, 5, 5, 0)
    shift = rng.integers(-2, 3, 5).astype(float)
    system = System(system.matrix, system.low + shift, system.high + shift)
    lower, upper = np.zeros(5), np.full(5, 3.0)
    out = set_aside(system, lower, upper, np.arange(5.0))
    fewest = next(
        size
        for size in range(6)
        for dropped in combinations(range(5), size)
        if len(everything(system, lower, upper, [r for r in range(5) if r not in dropped]))
    )
    assert out.sum() == fewest
    assert len(everything(system, lower, upper, np.flatnonzero(~out).tolist()))
    assert (set_aside(system, lower, upper, np.arange(5.0)) == out).all()


def test_a_count_that_nothing_bounds_stays_without_end() -> None:
    system = System(csr_array(np.array([[1.0, -1.0, 0.0]])), np.zeros(1), np.zeros(1))
    low, high = whole_bounds(system, np.array([2.0, 0, -INF]), np.full(3, INF), np.ones(3, dtype=bool))
    assert low.tolist() == [2, 2, -INF]
    assert high.tolist() == [INF] * 3


def test_a_three_way_table_needs_whole_numbers() -> None:
    # All two-way totals of a 2 x 2 x 2 table of counts 0 and 1 that leave halves to a linear programme.
    rows, totals = [], []
    for axis in range(3):
        for index in np.ndindex(2, 2):
            cube = np.zeros((2, 2, 2))
            where = list(index)
            where.insert(axis, slice(None))  # type: ignore[arg-type]
            cube[tuple(where)] = -1
            rows.append(cube.ravel())
            totals.append(-1.0)
    system = System(csr_array(np.array(rows)), np.array(totals), np.array(totals))
    low, high = whole_bounds(system, np.zeros(8), np.ones(8), np.ones(8, dtype=bool))
    assert (low.tolist(), high.tolist()) == ([0.0] * 8, [1.0] * 8)


# --- the command -------------------------------------------------------------------------------------------

app = typer.Typer()
app.command()(commands.audit)


def test_derived_counts_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "year,F,M,Total\n2020,4123,<5,4126\n2021,4000,5000,9000\n")
    plain = CliRunner().invoke(app, [str(path), "--json", "--out", str(tmp_path / "out")])
    document = json.loads(plain.stdout)[0]
    assert document["readings"]["sure"]["exact"] == 1
    assert "cells" not in document
    cells = pd.read_csv(tmp_path / "out" / "t-cells.csv")
    assert cells.columns.tolist() == ["year", "column", "mark", "sure_width", "sure_by", "likely_width", "likely_by"]
    assert (tmp_path / "out" / "t-widths.svg").read_text().startswith("<svg")
    shown = json.loads(CliRunner().invoke(app, [str(path), "--json", "--reveal"]).stdout)[0]
    assert (shown["cells"][0]["sure_lower"], shown["cells"][0]["sure_upper"]) == (3, 3)


@pytest.mark.parametrize("mark", ["z", "z=9..1", "z=a..b", "=1..2"])
def test_a_mark_that_says_nothing_is_refused(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path / "t.csv", LONG)
    result = CliRunner().invoke(app, [str(path), "--mark", mark])
    assert isinstance(result.exception, AmparoError)


def test_an_own_mark_is_taken_from_the_command(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "year,F,M,Total\n2020,4123,zz,4126\n2021,4000,5000,9000\n2022,8,8,16\n")
    result = CliRunner().invoke(app, [str(path), "--mark", "zz=1..9", "--json"])
    assert json.loads(result.stdout)[0]["readings"]["sure"]["exact"] == 1
