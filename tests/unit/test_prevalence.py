"""Multiple systems estimation on tables with a known truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.prevalence import METHODS, estimate
from amparo.prevalence.bootstrap import bca
from amparo.prevalence.existence import exists
from amparo.prevalence.loglinear import Model, check, fit, stepwise
from amparo.prevalence.newton import design, fit_batch
from amparo.prevalence.profile import profile_interval
from amparo.prevalence.sensitivity import multiverse
from amparo.prevalence.simple import chapman, zelterman
from amparo.prevalence.strata import by_strata
from amparo.prevalence.table import CaptureTable, pooled, read_capture_table
from amparo.standard.errors import AmparoError

FOUR = CaptureTable(tuple("ABCD"), np.array([0, 61, 58, 16, 40, 14, 12, 4, 70, 17, 18, 5, 11, 3, 4, 2], dtype=float))


def independent(random: np.random.Generator, persons: int, chances: list[float]) -> CaptureTable:
    on = random.random((persons, len(chances))) < chances
    counts = np.bincount(on @ (1 << np.arange(len(chances))), minlength=2 ** len(chances)).astype(float)
    counts[0] = 0
    return CaptureTable(tuple("ABCDEFGH"[: len(chances)]), counts)


def test_independent_lists_have_the_closed_form_of_two_lists() -> None:
    table = CaptureTable(("A", "B"), np.array([0.0, 30, 20, 10]))
    assert fit(table, Model()).estimate == pytest.approx(40 * 30 / 10)
    assert chapman(table).diagnostics["Lincoln–Petersen"] == pytest.approx(120)


def test_fitted_margins_are_the_table_s() -> None:
    model = Model.of([(0, 1), (1, 2, 3)])
    found = fit(FOUR, model)
    index = np.arange(1, 16)
    for effect in [(), (0,), (3,), *model.sorted()]:
        mask = sum(1 << i for i in effect)
        on = (index & mask) == mask
        assert found.fitted[on].sum() == pytest.approx(FOUR.counts[1:][on].sum(), rel=1e-8)


def test_a_hierarchical_model_has_the_parts_of_its_effects() -> None:
    assert Model.of([(0, 1, 2)]).sorted() == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 7]), min_size=15, max_size=15), st.integers(0, 63))
def test_the_solver_certifies_just_the_models_that_the_linear_programme_does(counts: list[int], which: int) -> None:
    shared = design(4)
    parameters = np.zeros((1, len(shared.terms)), dtype=bool)
    parameters[0, :5] = True
    parameters[0, 5:] = [bool(which >> k & 1) for k in range(6)]
    table = np.array([counts], dtype=float)
    covered = np.ones(table.shape, dtype=bool)
    matrix = shared.matrix[:, parameters[0]]
    truth = bool(table.sum()) and exists(matrix, table[0])
    certified = bool(fit_batch(shared, table, parameters, covered).certified[0]) if table.sum() else False
    assert certified <= truth, "a fit was certified that the linear programme refutes"
    if truth and not certified:
        pytest.fail("an estimate exists that the solver did not find")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.3))
def test_stepwise_never_gives_nan_or_fewer_than_were_seen(seed: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    table = independent(random, 400, [0.1, 0.05, 0.2, 0.02])
    found = stepwise(table, threshold=threshold)
    assert np.isfinite(found.estimate)
    assert found.estimate >= table.observed
    assert check(table, found.model).usable


def test_the_order_of_the_lists_does_not_matter() -> None:
    order = [2, 0, 3, 1]
    turned = FOUR.merged([[i] for i in order])
    assert stepwise(turned).estimate == pytest.approx(stepwise(FOUR).estimate)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bca(FOUR, replicates=200, seed=7).interval(0.95) == bca(FOUR, replicates=200, seed=7).interval(0.95)


def test_wider_levels_hold_narrower_ones() -> None:
    for method in ("stepwise", "chao", "zelterman", "decomposable", "best-bic"):
        found = estimate(FOUR, method=method, replicates=200)
        spans = [found.interval(level) for level in (0.5, 0.8, 0.95)]
        assert spans[2][0] <= spans[1][0] <= spans[0][0] <= spans[0][1] <= spans[1][1] <= spans[2][1]


def test_strata_add_up_to_their_total() -> None:
    random = np.random.default_rng(3)
    tables = {(name,): independent(random, size, [0.2, 0.15, 0.3]) for name, size in (("f", 3000), ("m", 900))}
    found = by_strata(tables, replicates=100, seed=1)
    assert sum(e.estimate for e in found.estimates.values()) == pytest.approx(found.total.estimate)
    assert found.total.observed == pooled(tables).observed
    assert found.estimates[("f",)].estimate == pytest.approx(3000, rel=0.15)


def test_a_stratum_without_overlap_of_its_own_borrows_and_says_so() -> None:
    random = np.random.default_rng(4)
    large = independent(random, 3000, [0.2, 0.15, 0.3])
    counts = np.zeros(8)
    counts[[1, 2, 4, 5]] = [12, 9, 20, 2]
    found = by_strata({("large",): large, ("small",): CaptureTable(large.lists, counts)}, replicates=100, seed=1)
    assert "rests on the other strata" in " ".join(found.estimates[("small",)].warnings)


def test_the_multiverse_holds_each_choice_and_says_how_far_it_matters() -> None:
    found = multiverse(FOUR, replicates=100, seed=1)
    assert set(found.frame["choice"]) == {
        "threshold",
        "list left out",
        "lists merged",
        "effect between lists",
        "method",
    }
    assert (found.frame["choice"] == "effect between lists").sum() == 6
    assert f"{len(found.usable)} analyses" in found.sentence
    assert (
        (found.usable["lower"] <= found.usable["estimate"]) & (found.usable["estimate"] <= found.usable["upper"])
    ).mean() > 0.9


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("chapman", "coverage", "latent")])
def test_every_method_gives_a_finite_estimate_and_a_summary_with_its_source(method: str) -> None:
    found = estimate(FOUR, method=method, replicates=100)
    assert np.isfinite([found.estimate, *found.interval(0.95)]).all()
    assert found.source in found.summary()
    assert found.plot().to_dict()
    assert len(found.to_frame()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A,B,n\n1,0,5\n1,1,2\n0,1,-3\n", "'-3' is not a count"),
        ("A,B,n\n1,0,5\n1,1,2.5\n", "'2.5' is not a count"),
        ("A,B,n\n1,0,5\n1,1,nan\n", "'nan' is not a count"),
        ("A,B,n\n1,0,5\n2,1,2\n", "'2' is neither 0 nor 1"),
        ("A,n\n1,5\n", "one list only"),
        ("A,B,n\n1,0,5\n0,1,2\n", "No person is on two lists"),
        ("A,B,C,n\n1,0,0,5\n0,1,0,2\n1,1,0,2\n", "Nobody is on the list C"),
        ("A,B,n\n", "no rows"),
        ("A,B,n\n0,0,9\n1,1,2\n", "on no list"),
        ("A,B,n\n1,0\n", "2 cells, expected 3"),
        (",".join("ABCDEFGHIJKLMNOPQRST") + ",n\n" + "1," * 20 + "5\n", "20 lists"),
    ],
)
def test_a_table_that_cannot_carry_an_estimate_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "lists.csv"
    path.write_text(text)
    with pytest.raises(AmparoError, match=message) as caught:
        read_capture_table(path)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_zelterman_without_pairs_is_refused() -> None:
    counts = np.zeros(8)
    counts[[1, 2, 4, 7]] = [5, 5, 5, 1]
    with pytest.raises(AmparoError, match="Zelterman"):
        zelterman(CaptureTable(tuple("ABC"), counts))


def test_profile_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    hits = 0
    runs = 200
    for _ in range(runs):
        table = independent(random, 1000, [0.25, 0.2, 0.3])
        low, high = profile_interval(fit(table, Model()))
        hits += low <= 1000 <= high
    assert 0.90 <= hits / runs <= 0.985
