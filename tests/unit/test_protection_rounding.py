"""Controlled rounding: near, adding up, and open enough."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.protection import rounding
from amparo.protection.audit import feasible_bounds
from amparo.protection.release import Rule, parse_rule, release
from amparo.protection.rounding import controlled_rounding
from amparo.protection.suppression import Dominance, PPercent
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable


def cube(name: str, dims: tuple[str, ...], counts: np.ndarray) -> PrivateTable:
    for axis in range(counts.ndim):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    codes = [[*(f"{dim}{k}" for k in range(size - 1)), "_T"] for dim, size in zip(dims, counts.shape, strict=True)]
    rows = [(*key, int(v)) for key, v in zip(product(*codes), counts.ravel(), strict=True) if v or set(key) == {"_T"}]
    return PrivateTable(name, "records", dims, frozenset(), pd.DataFrame(rows, columns=[*dims, "count"]), "test")


SHAPES = st.sampled_from([(4,), (3, 4), (5, 5), (3, 3, 3)])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), SHAPES, st.sampled_from([3, 5, 10]))
def test_counts_go_to_a_multiple_next_to_them_and_add_up(seed: int, shape: tuple[int, ...], base: int) -> None:
    table = cube("t", tuple("abc"[: len(shape)]), np.random.default_rng(seed).poisson(6, shape))
    found = controlled_rounding([table], base, seed=1)
    values, counts = found.values[0], table.frame["count"].to_numpy()
    assert not (values % base).any()
    assert (np.abs(values - counts) < base * found.reach).all()
    if found.reach == 1:
        assert (values == counts)[counts % base == 0].all()
    shown = table.frame.assign(value=values)
    for dim in table.dims:
        others = [d for d in table.dims if d != dim]
        for _, group in shown.groupby(others) if others else [((), shown)]:
            total = group[dim] == "_T"
            assert group["value"][total].sum() == group["value"][~total].sum()


def test_two_dimensions_always_have_a_zero_restricted_rounding() -> None:
    # Cox & Ernst (1982): a transportation problem, whose vertices are whole.
    for seed in range(20):
        table = cube("t", ("a", "b"), np.random.default_rng(seed).poisson(8, (6, 5)))
        assert controlled_rounding([table], 5, seed=seed).reach == 1


def test_an_outsider_who_has_all_totals_learns_no_more_than_the_range() -> None:
    table = cube("t", ("a", "b"), np.random.default_rng(4).poisson(9, (4, 5)))
    found = release([table], rule=Rule(threshold=1, rounding=5), provenance={}, seed=7)
    bounds = feasible_bounds(found).set_index("cell")
    frame = found["t"].frame
    assert set(frame["status"]) == {"interval"}
    for a, b, lower, upper in frame[["a", "b", "lower", "upper"]].itertuples(index=False, name=None):
        cell = ", ".join(f"{d}={c}" for d, c in (("a", a), ("b", b)) if c != "_T") or "grand total"
        assert (bounds.loc[cell, "lower"], bounds.loc[cell, "upper"]) == (lower, upper)


def test_rounding_has_little_bias() -> None:
    table = cube("t", ("a", "b"), np.array([[2, 7, 4], [11, 3, 8]]))
    counts = table.frame["count"].to_numpy()
    mean = np.mean([controlled_rounding([table], 5, seed=seed).values[0] - counts for seed in range(400)], axis=0)
    assert np.abs(mean.mean()) < 0.2
    assert np.abs(mean).max() < 5 / 3  # rounding up, or down, always would give up to 4


def test_tables_that_share_a_cell_show_it_alike_and_the_same_seed_gives_the_same() -> None:
    counts = np.random.default_rng(5).poisson(7, (3, 4, 3))
    tables = [cube("three", ("a", "b", "c"), counts), cube("two", ("a", "b"), counts.sum(axis=2))]
    once, again = (controlled_rounding(tables, 5, seed=3) for _ in range(2))
    assert all((x == y).all() for x, y in zip(once.values, again.values, strict=True))
    three = tables[0].frame.assign(value=once.values[0])
    two = tables[1].frame.assign(value=once.values[1])
    both = three[three["c"] == "_T"].merge(two, on=["a", "b"])
    assert (both["value_x"] == both["value_y"]).all()
    assert any((controlled_rounding(tables, 5, seed=s).values[0] != once.values[0]).any() for s in range(4, 8))


def test_where_the_nearest_multiples_do_not_add_up_counts_go_further_and_the_rule_says_so() -> None:
    # Causey, Cox & Ernst (1985): ones in the four even corners of a cube, base 2. Every face has two, and so must
    # show one of them as 2 and the other as 0: from any choice at one corner a contradiction follows.
    counts = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    table = cube("t", ("a", "b", "c"), counts)
    found = controlled_rounding([table], 2, seed=1)
    assert found.reach == 2
    assert (found.values[0] >= 0).all()
    shown = release([table], rule=Rule(threshold=1, rounding=2), provenance={}, seed=1)["t"]
    assert "up to 3 away" in shown.rule


def test_tables_for_which_no_rounding_is_found_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "FURTHEST", 1)
    counts = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    with pytest.raises(AmparoError, match="No rounding to multiples"):
        controlled_rounding([cube("t", ("a", "b", "c"), counts)], 2, seed=1)


def test_rounding_needs_a_seed() -> None:
    with pytest.raises(AmparoError, match="no seed"):
        release([cube("t", ("a",), np.array([3, 4]))], rule=Rule(threshold=1, rounding=5), provenance={})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("threshold:10", Rule(10)),
        ("threshold:10,dominance:1:0.85", Rule(10, Dominance(1, 0.85))),
        ("threshold:5, p-percent:0.1", Rule(5, PPercent(0.1))),
        ("dominance:2:.9", Rule(1, Dominance(2, 0.9))),
        ("rounding:5", Rule(1, rounding=5)),
    ],
)
def test_a_rule_is_read_as_people_write_it(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule
    assert parse_rule("cell-key:D=3,V=2").noise is not None


@pytest.mark.parametrize("text", ["", "10", "threshold", "threshold:0", "rounding:1", "cell-key:D=2,V=2", "threshold:10,rounding:5", "dominance:9:0.5", "threshold:3,threshold:4"])  # fmt: skip
def test_what_is_no_rule_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(AmparoError) as caught:
        parse_rule(text)
    assert caught.value.remedy
