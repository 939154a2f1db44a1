"""Withholding: what the rule names, and what would give it away."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from amparo.protection import audit
from amparo.protection.audit import Walk, feasible_bounds
from amparo.protection.cells import Relation, Shape, gather, matrix
from amparo.protection.release import Release, Rule, release, republish
from amparo.protection.suppression import optimal_suppression, withheld_cells
from amparo.standard.errors import AmparoError
from amparo.standard.variables import TOTAL
from amparo.statistics.national import subregion_codes
from amparo.statistics.tables import PrivateTable, PublishedTable

PROVENANCE = {"version": "test", "created": "2026-01-01"}


def cube(
    name: str, dims: tuple[str, ...], counts: np.ndarray, *, overlapping: frozenset[str] = frozenset()
) -> PrivateTable:
    """A private table with all its totals, from the counts of its inner cells."""
    whole = counts
    for axis in range(counts.ndim):
        whole = np.concatenate([whole, whole.sum(axis=axis, keepdims=True)], axis=axis)
    codes = [[*(f"{dim}{k}" for k in range(size)), TOTAL] for dim, size in zip(dims, counts.shape, strict=True)]
    rows = [(*key, int(value)) for key, value in zip(product(*codes), whole.ravel(), strict=True)]
    frame = pd.DataFrame(rows, columns=[*dims, "count"]).sort_values(list(dims), ignore_index=True)
    return PrivateTable(name, "records", dims, overlapping, frame, "test")


def made(*tables: PrivateTable, threshold: int = 10) -> Release:
    return release(tables, rule=Rule(threshold), provenance=PROVENANCE)


def shown(found: Release, name: str, **codes: str) -> tuple[str, int | None]:
    frame = found[name].frame
    row = frame[np.logical_and.reduce([frame[dim] == code for dim, code in codes.items()])].iloc[0]
    return row["status"], None if pd.isna(row["lower"]) else int(row["lower"])


def test_small_counts_are_withheld_and_zeros_are_shown() -> None:
    found = made(cube("t", ("a", "b"), np.array([[40, 3, 0], [50, 60, 70], [25, 12, 31]])))
    assert shown(found, "t", a="a0", b="b1") == ("withheld", None)
    assert shown(found, "t", a="a0", b="b2") == ("exact", 0)
    assert shown(found, "t", a=TOTAL, b=TOTAL) == ("exact", 291)


def test_a_single_small_count_is_guarded_by_others() -> None:
    found = made(cube("t", ("a", "b"), np.array([[40, 3, 50], [50, 60, 70], [25, 12, 31]])))
    assert (found["t"].frame["status"] == "withheld").sum() >= 4


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(3, 4), (5, 6), (3, 3, 3), (2, 4, 5)]), st.sampled_from([3, 5, 10]))
def test_every_small_count_stays_open_to_as_many_values_as_the_threshold(
    seed: int, shape: tuple[int, ...], threshold: int
) -> None:
    random = np.random.default_rng(seed)
    counts = random.negative_binomial(0.6, 0.02, size=shape) * (random.random(shape) < 0.9)
    table = cube("t", tuple("abc"[: len(shape)]), counts)
    try:
        found = made(table, threshold=threshold)
    except AmparoError:
        return  # refused: nothing left that could guard it; better no table than a leak
    bounds = feasible_bounds(found)
    true = dict(zip((", ".join(f"{d}={c}" for d, c in zip(table.dims, key, strict=True) if c != TOTAL) or "grand total"
                     for key in table.frame[list(table.dims)].itertuples(index=False, name=None)), table.frame["count"], strict=True))  # fmt: skip
    for row in bounds.itertuples():
        assert row.lower <= true[row.cell] <= row.upper
        if true[row.cell] < threshold:
            assert row.upper - row.lower >= threshold - 1


def brute_force(
    counts: np.ndarray, hidden: np.ndarray, row_totals: list[int | None], column_totals: list[int | None]
) -> list[np.ndarray]:
    """Every whole-numbered table that agrees with what is shown; hidden cells are at least 1."""
    places = np.argwhere(hidden)
    found = []
    for values in product(range(1, 13), repeat=len(places)):
        table = counts.copy()
        table[tuple(places.T)] = values
        rows_fit = all(t is None or table[k].sum() == t for k, t in enumerate(row_totals))
        if rows_fit and all(t is None or table[:, k].sum() == t for k, t in enumerate(column_totals)):
            found.append(table)
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_an_adversary_who_tries_every_table_finds_no_small_count(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 9, size=(3, 3))
    try:
        found = made(cube("t", ("a", "b"), counts), threshold=3)
    except AmparoError:
        return
    hidden = np.array([[shown(found, "t", a=f"a{i}", b=f"b{j}")[0] == "withheld" for j in range(3)] for i in range(3)])
    if hidden.sum() > 5:
        return  # too many tables to try one by one
    rows = [shown(found, "t", a=f"a{i}", b=TOTAL)[1] for i in range(3)]
    columns = [shown(found, "t", a=TOTAL, b=f"b{j}")[1] for j in range(3)]
    tables = brute_force(counts, hidden, rows, columns)
    for i, j in np.argwhere(hidden & (counts < 3)):
        assert len({int(table[i, j]) for table in tables}) >= 3


def test_tables_that_share_totals_guard_each_other() -> None:
    counts = np.array([[[30, 4], [22, 41]], [[25, 33], [18, 27]], [[44, 52], [61, 35]]])
    three = cube("three", ("a", "b", "c"), counts)
    two = cube("two", ("a", "b"), counts.sum(axis=2))
    found = made(three, two)
    left, right = found["three"].frame, found["two"].frame
    faces = left[left["c"] == TOTAL].merge(right, on=["a", "b"], suffixes=("", "_two"))
    assert (faces["status"] == faces["status_two"]).all()
    bounds = feasible_bounds(found)
    small = bounds[bounds["cell"] == "a=a0, b=b0, c=c1"].iloc[0]
    assert small["upper"] - small["lower"] >= 9


def test_a_planted_leak_is_seen_by_the_audit() -> None:
    counts = np.array([[40, 3, 50], [50, 60, 70], [25, 12, 31]])
    table = cube("t", ("a", "b"), counts)
    found = made(table)
    # An outsider who is handed the withheld neighbours as well.
    frame = found["t"].frame
    leaked = frame.merge(table.frame, on=["a", "b"])
    give = leaked["status"].eq("withheld") & leaked["count"].ge(10)
    rows = leaked.assign(
        lower=leaked["lower"].where(~give, leaked["count"]), upper=leaked["upper"].where(~give, leaked["count"])
    )
    known = rows.dropna(subset=["lower"]).astype({"lower": int, "upper": int})
    withheld = pd.DataFrame({"a": ["a0"], "b": ["b1"], "lower": [0], "upper": [99]})
    whole = pd.concat([known[["a", "b", "lower", "upper"]], withheld], ignore_index=True)
    leak = republish(
        [PublishedTable("t", "records", ("a", "b"), frozenset(), whole, "leak", "leak")], provenance=PROVENANCE
    )
    bounds = feasible_bounds(leak)
    assert bounds.loc[bounds["cell"] == "a=a0, b=b1", "upper"].item() == 3


def test_two_tables_that_disagree_are_refused() -> None:
    counts = np.array([[40, 30], [50, 60]])
    with pytest.raises(AmparoError, match="different counts"):
        made(cube("one", ("a", "b"), counts), cube("other", ("a", "b"), counts + 1))


def test_the_same_tables_give_the_same_release() -> None:
    table = cube("t", ("a", "b"), np.random.default_rng(1).integers(0, 40, (6, 7)))
    pd.testing.assert_frame_equal(made(table)["t"].frame, made(table)["t"].frame)


def test_republished_ranges_stay_ranges() -> None:
    frame = pd.DataFrame({"year": ["2020", "2021"], "lower": [0, 12], "upper": [4, 12]})
    found = republish(
        [PublishedTable("t", "persons", ("year",), frozenset(), frame, "as is", "UNODC")], provenance=PROVENANCE
    )
    assert list(found["t"].frame["status"]) == ["interval", "exact"]
    assert "already published by UNODC" in found["t"].rule


def test_a_remainder_shown_together_and_apart_is_one_count() -> None:
    # 34 other or not recorded, of whom 31 not recorded: the 3 others would be known.
    apart = pd.DataFrame({"sex": ["_T", "_X", "female", "other"], "count": [134, 31, 100, 3]})
    together = pd.DataFrame({"sex": ["_T", "_O", "female"], "count": [134, 34, 100]})
    one = PrivateTable("apart", "records", ("sex",), frozenset(), apart, "test")
    year = pd.concat([together.assign(year="2020"), together.assign(year="_T")], ignore_index=True)
    two = PrivateTable("together", "records", ("year", "sex"), frozenset(), year[["year", "sex", "count"]], "test")
    found = made(one, two)
    bounds = feasible_bounds(found).set_index("cell")
    assert shown(found, "apart", sex="other")[0] == "withheld"
    assert bounds.loc["sex=other", "upper"] - bounds.loc["sex=other", "lower"] >= 9


def test_the_few_of_a_remainder_are_guarded_by_the_total_not_by_the_men() -> None:
    counts = np.array([[120, 38, 4], [90, 71, 6], [80, 64, 7], [150, 140, 22]])
    table = cube("t", ("a", "sex"), counts)
    codes = {"sex0": "female", "sex1": "male", "sex2": "_O"}
    named = table.frame.assign(sex=table.frame["sex"].replace(codes)).sort_values(["a", "sex"], ignore_index=True)
    found = made(PrivateTable("t", "records", ("a", "sex"), frozenset(), named, "test"))
    assert shown(found, "t", a="a0", sex="male") == ("exact", 38)
    assert shown(found, "t", a="a0", sex="_T")[0] == "withheld"


def test_a_guess_that_nobody_holds_two_categories_gives_no_small_count_away() -> None:
    frame = pd.DataFrame({"origin": ["BRA", "GHA", "NGA", "USA", "_T"], "count": [12, 90, 3, 60, 165]})
    found = made(PrivateTable("t", "records", ("origin",), frozenset({"origin"}), frame, "test"))
    hidden = frame["count"][found["t"].frame["status"].eq("withheld").to_numpy()]
    assert len(hidden) >= 2
    assert hidden.sum() - len(hidden) >= 9


def test_a_subregion_does_not_give_its_countries_away() -> None:
    many = frozenset({"origin"})
    # The one withheld partner of NGA, GHA or any other, must not be the difference to Western Africa.
    countries = pd.DataFrame({"origin": ["BRA", "GHA", "NGA", "USA", "_T"], "count": [12, 90, 3, 60, 165]})
    codes = subregion_codes()
    regions = countries.assign(origin=[codes.get(code, code) for code in countries["origin"]])
    regions = regions.groupby("origin", as_index=False)["count"].sum().rename(columns={"origin": "origin_subregion"})
    found = made(
        PrivateTable("a", "records", ("origin",), many, countries, "test"),
        PrivateTable("b", "records", ("origin_subregion",), frozenset({"origin_subregion"}), regions, "test"),
    )
    shown_region = shown(found, "b", origin_subregion=codes["NGA"])[0]
    assert shown_region == "withheld" or shown(found, "a", origin="GHA")[0] == "withheld"


def test_running_out_of_nodes_is_no_contradiction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "NODES", 0)
    random = np.random.default_rng(0)
    true = random.integers(1, 60, 60).astype(float)
    relations = []
    for _ in range(40):
        whole, *parts = (int(cell) for cell in random.choice(60, size=9, replace=False))
        rest = true[whole] - true[parts].sum()
        relations.append(Relation(whole, tuple(sorted(parts)), rest, rest))
    problem = audit._Problem(range(60), relations, np.ones(60), np.full(60, 1e4))
    found = [problem.whole_extreme(cell, largest=True) for cell in range(3)]
    assert all(table is None or audit._is_whole(table) for table in found)


def skewed(shape: tuple[int, ...], seed: int) -> PrivateTable:
    random = np.random.default_rng(seed)
    return cube("t", tuple("abc"[: len(shape)]), random.poisson(random.gamma(0.7, 25, shape)))


def linear_width(table: PrivateTable, hidden: np.ndarray, row: int) -> float:
    """The outsider's interval of one row by another solver, from the frame alone."""
    frame, dims = table.frame, list(table.dims)
    counts = frame["count"].to_numpy(dtype=float)
    equations = []
    for dim in dims:
        others = [d for d in dims if d != dim]
        for _, group in frame.groupby(others) if others else [((), frame)]:
            equation = np.zeros(len(frame))
            equation[group.index] = np.where(group[dim] == TOTAL, 1.0, -1.0)
            equations.append(equation)
    bounds = [(1, c + 100) if h else (c, c) for c, h in zip(counts, hidden, strict=True)]
    goal = np.eye(len(frame))[row]
    low, high = (linprog(s * goal, A_eq=np.array(equations), b_eq=np.zeros(len(equations)), bounds=bounds) for s in (1, -1))  # fmt: skip
    return float(-high.fun - low.fun)


@pytest.mark.parametrize(("shape", "seed"), [((3, 3), 0), ((3, 3), 3), ((2, 4), 5), ((3, 4), 2)])
def test_the_optimum_is_what_trying_every_pattern_finds(shape: tuple[int, ...], seed: int) -> None:
    table = skewed(shape, seed)
    counts = table.frame["count"].to_numpy()
    primary = np.flatnonzero((counts > 0) & (counts < 10))
    others = np.flatnonzero(counts >= 10)
    assert len(primary)

    def protects(guards: tuple[int, ...]) -> bool:
        hidden = np.isin(np.arange(len(counts)), [*primary, *guards])
        return all(linear_width(table, hidden, cell) >= 9 - 1e-6 for cell in primary)

    best = next(n for n in range(len(others) + 1) if any(protects(g) for g in combinations(others.tolist(), n)))
    found = optimal_suppression([table], 10)
    assert found.pattern is not None
    assert found.at_least == found.pattern[0].sum() == len(primary) + best
    assert found.primary == len(primary)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(4, 5), (3, 3, 3)]), st.sampled_from([0, 20, 400]))
def test_no_pattern_undercuts_the_bound_whatever_the_budget(seed: int, shape: tuple[int, ...], budget: int) -> None:
    table = skewed(shape, seed)
    try:
        withheld = withheld_cells([table], 10)[0]
    except AmparoError:
        return
    bound = optimal_suppression([table], 10, programmes=budget, nodes=5)
    assert bound.primary <= bound.at_least <= withheld.sum()
    weight = optimal_suppression([table], 10, weight="counts", programmes=budget, nodes=5)
    assert weight.at_least <= table.frame["count"][withheld].sum()


def test_a_walk_stays_among_tables_that_agree_with_all_totals() -> None:
    table = skewed((6, 5, 4), 1)
    shape = Shape("t", "records", table.dims, frozenset(), list(table.frame[list("abc")].itertuples(index=False, name=None)), True)  # fmt: skip
    cells = gather([shape])
    counts = table.frame["count"].to_numpy(dtype=float)
    withheld = counts > 0
    walk = Walk(cells, cells.relations, counts, withheld)
    moved = 0
    for cell in np.flatnonzero(withheld & (counts < 10)).tolist():
        moved += walk.widen(cell, 9)
        assert not (matrix(cells.relations, len(counts)) @ walk._table).any()
        assert (walk._table[withheld] >= 1).all()
        assert (walk._table[~withheld] == counts[~withheld]).all()
    assert moved > 20


def test_a_large_three_way_table_is_protected_by_boxes_and_every_width_is_real() -> None:
    table = skewed((30, 8, 8), 4)
    withheld = withheld_cells([table], 10)[0]
    counts = table.frame["count"].to_numpy()
    for row in np.flatnonzero((counts > 0) & (counts < 10))[::150]:
        assert linear_width(table, withheld, int(row)) >= 9 - 1e-6
