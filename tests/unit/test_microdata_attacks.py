"""Attacks on released microdata: they find what leaks, and nothing where nothing leaks.

The population has eight columns of codes in six latent classes, so that records are neither all alike nor all
different: in 3,000 records about a third are like no other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import vl_convert

from amparo.protection.microdata_attacks import attack, attack_figure, k_anonymity, prepare, rare_combinations
from amparo.protection.microdata_attacks.combinations import choose, marginals
from amparo.protection.microdata_attacks.material import Material, distances, keys, patterns
from amparo.protection.microdata_attacks.membership import auc, copied, membership
from amparo.protection.microdata_attacks.outcomes import Outcome, Tally, ratio_interval
from amparo.protection.microdata_attacks.report import AttackReport
from amparo.protection.microdata_attacks.unified import inference, linkability, singling_out, singling_out_univariate
from amparo.standard.errors import AmparoError

CTDC = Path(__file__).resolve().parents[3] / "shared" / "data" / "ctdc" / "ctdc_one_hot_91k.csv.gz"
SIZES = (8, 5, 4, 3, 2, 2, 6, 12)


def population(records: int, rng: np.random.Generator, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    fixed = np.random.default_rng(7)
    shares = fixed.dirichlet(np.ones(6))
    tables = [fixed.dirichlet(np.full(size, 0.5), 6).cumsum(axis=1) for size in sizes]
    latent = rng.choice(6, records, p=shares)
    return pd.DataFrame(
        {
            f"c{j}": (table[latent] < rng.random(records)[:, None]).sum(axis=1).clip(max=size - 1)
            for j, (table, size) in enumerate(zip(tables, sizes, strict=True))
        }
    )


def three(seed: int, records: int = 3000, sizes: tuple[int, ...] = SIZES) -> list[pd.DataFrame]:
    """Original, holdout and an independent release."""
    rng = np.random.default_rng(seed)
    return [population(records, rng, sizes) for _ in range(3)]


@pytest.fixture(scope="module")
def leaking() -> AttackReport:
    original, holdout, _ = three(1)
    return attack(original, holdout, original, seed=1)


@pytest.fixture(scope="module")
def innocent() -> AttackReport:
    return attack(*three(2), seed=2)


def row(report: AttackReport, attack: str, detail: str, aimed_at: str = "all") -> pd.Series:
    table = report.table()
    found = table[
        (table["attack"] == attack) & table["detail"].str.startswith(detail) & (table["aimed_at"] == aimed_at)
    ]
    assert len(found) == 1, f"{attack}, {detail}: {len(found)} rows"
    return found.iloc[0]


# --- what leaks is found, what does not is not ----------------------------------------------------------------------


def test_a_release_that_is_the_original_is_at_large_risk(leaking: AttackReport) -> None:
    for columns in (3, 5, 8):
        found = row(leaking, "singling out", f"{columns} columns")
        assert found["main"] == 1.0
        assert found["risk_low"] > 0.9
    for j in range(len(SIZES)):
        assert row(leaking, "inference", f"c{j}")["risk_low"] > 0.3
    assert row(leaking, "linkability", "4 and 4")["risk_low"] > 0.01
    assert row(leaking, "membership", "identical record")["risk"] == 1.0
    assert row(leaking, "membership", "density ratio, all")["risk_low"] > 0.5
    assert row(leaking, "membership", "density ratio, all", "rare")["risk_low"] > 0.6


def test_an_independent_release_raises_no_alarm(innocent: AttackReport) -> None:
    assert innocent.alarms() == []
    table = innocent.table().dropna(subset=["risk"])
    assert len(table) > 35
    # Of intervals at 95 % a few may miss; a fifth may not.
    assert (table["risk_low"] > 0).mean() < 0.2
    assert row(innocent, "membership", "density ratio, all")["risk"] == pytest.approx(0, abs=0.06)


def test_five_in_a_hundred_original_records_copied_in_are_found() -> None:
    """Where records are mostly unlike each other; copies of records that many share cannot be told from chance."""
    original, holdout, released = three(3, 4000, SIZES * 2)
    planted = pd.concat([released.iloc[200:], original.iloc[:200]])
    report = attack(original, holdout, planted, secrets=["c0"], seed=3)
    alarms = report.alarms()
    assert "membership: identical record" in alarms
    assert "membership: identical record (rare records)" in alarms
    assert "membership: density ratio, 1% false alarms" in alarms
    assert "membership: density ratio, all thresholds" in alarms
    assert "linkability: 8 and 8 columns, 1 nearest" in alarms
    # One in twenty is exposed, and that is what the report says.
    copies = row(report, "membership", "identical record")
    assert copies["risk"] == pytest.approx(0.05, abs=0.01)
    assert attack(original, holdout, released, secrets=["c0"], seed=3).alarms() == []


def test_rare_people_are_at_higher_risk_than_the_average(leaking: AttackReport) -> None:
    for detail in ("c0", "c4", "c7"):
        assert row(leaking, "inference", detail, "rare")["risk"] > row(leaking, "inference", detail)["risk"]


def test_one_value_that_only_one_person_has_is_singled_out() -> None:
    original, holdout, released = three(4, 600)
    original["c0"] = np.where(np.arange(600) == 5, 99, original["c0"])
    copied_in = original.copy()
    found = singling_out_univariate(prepare(original, holdout, copied_in, seed=0))
    assert found.main.successes == found.main.attempts >= 1
    none = singling_out_univariate(prepare(original, holdout, pd.concat([released, released]), seed=0))
    assert none.main.attempts == 0
    assert np.isnan(none.risk().value)
    assert none.risk().high == 1.0


# --- intervals ------------------------------------------------------------------------------------------------------


def test_koopman_published_interval() -> None:
    """Koopman (1984), the example of 36 of 40 and 16 of 80: 2.94 to 7.15."""
    assert ratio_interval(36, 40, 16, 80) == pytest.approx((2.94, 7.15), abs=0.005)


def test_ratio_interval_agrees_with_pearsons_test_at_one() -> None:
    """At a ratio of 1 the score is Pearson's chi-squared test, whose 5 % point is 3.841."""
    from scipy.stats import chi2_contingency

    for x1, n1, x2, n2 in ((30, 100, 45, 110), (5, 60, 14, 50), (300, 2000, 340, 2000), (0, 40, 6, 40)):
        low, high = ratio_interval(x1, n1, x2, n2)
        p = chi2_contingency([[x1, n1 - x1], [x2, n2 - x2]], correction=False).pvalue
        assert (p >= 0.05) == (low <= 1 <= high)


def test_risk_at_the_edges() -> None:
    def risk(main: tuple[int, int], control: tuple[int, int]) -> tuple[float, float, float]:
        found = Outcome("a", "b", "all", Tally(*main), Tally(*control), Tally(0, 1)).risk()
        return found.low, found.value, found.high

    low, value, high = risk((50, 50), (10, 50))
    assert (value, high) == (1.0, 1.0)
    assert 0.85 < low < 1
    low, value, high = risk((40, 50), (50, 50))
    assert np.isnan(value)
    assert low == -np.inf
    assert risk((20, 50), (20, 50))[1] == 0
    assert risk((0, 0), (20, 50))[0] == -np.inf
    assert risk((50, 50), (50, 50))[2] == 1.0


@pytest.mark.parametrize(("main", "control"), [(0.3, 0.3), (0.95, 0.95), (0.5, 0.2), (0.02, 0.01), (0.99, 0.5)])
def test_risk_interval_covers_the_true_risk(main: float, control: float) -> None:
    rng = np.random.default_rng(5)
    truth = (main - control) / (1 - control)
    hits = 0
    for a, b in zip(rng.binomial(500, main, 500), rng.binomial(400, control, 500), strict=True):
        found = Outcome("a", "b", "all", Tally(int(a), 500), Tally(int(b), 400), Tally(0, 1)).risk()
        hits += found.low <= truth <= found.high
    # 0.95 minus and plus three standard errors of 500 draws; discreteness may only widen.
    assert 0.92 <= hits / 500 <= 0.995


def test_auc_interval_covers_the_true_auc_with_ties() -> None:
    rng = np.random.default_rng(6)
    shares, others = np.array([0.1, 0.3, 0.6]), np.array([0.3, 0.4, 0.3])
    truth = sum(p * (others[:i].sum() + others[i] / 2) for i, p in enumerate(shares))
    hits = 0
    for _ in range(400):
        found = auc(rng.choice(3, 150, p=shares).astype(float), rng.choice(3, 200, p=others).astype(float))
        hits += found.low <= truth <= found.high
    assert 0.91 <= hits / 400 <= 0.98


def test_auc_is_the_share_of_pairs_in_order() -> None:
    members, others = np.array([3.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.0, 4.0])
    pairs = [(m > o) + 0.5 * (m == o) for m in members for o in others]
    assert auc(members, others).value == pytest.approx(np.mean(pairs))
    apart = auc(np.arange(10.0, 60.0), np.arange(5.0))
    assert apart.value == 1.0
    assert apart.low < 0.7, "five people cannot prove a perfect attack"


def test_intervals_cover_no_risk_when_nothing_leaks() -> None:
    """Forty independent releases; sampling, coding and division of the holdout included."""
    above: dict[str, list[bool]] = {}
    for seed in range(40):
        material = prepare(*three(100 + seed, 800), seed=seed)
        found = [singling_out(material, k, predicates=300, seed=seed) for k in (3, 5, 8)]
        found += inference(material, ["c0", "c6"], targets=400, seed=seed)
        found += [linkability(material, targets=400, seed=seed), copied(material, rare=True, seed=seed)]
        scores = membership(material, targets=400, seed=seed)
        for outcome in found + [score.found for score in scores]:
            name = f"{outcome.attack} {outcome.detail}"
            above.setdefault(name, []).append(outcome.risk().low > 0)
        for score in scores:
            above.setdefault(f"auc {score.score}", []).append(score.auc().low > 0.5)
    # One in forty is due; of forty, seven or more would happen once in 50,000 tests.
    for name, misses in above.items():
        assert sum(misses) < 7, f"{name}: {sum(misses)} of {len(misses)}"
    # All together, 13 × 40 with correlation: 2.5 % are due.
    assert np.mean([miss for misses in above.values() for miss in misses]) < 0.05


# --- parts against brute force --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Material:
    rng = np.random.default_rng(8)
    tables = [population(n, rng) for n in (300, 400, 250)]
    for table in tables:
        table["c1"] = table["c1"].where(rng.random(len(table)) > 0.1)
    return prepare(*tables, seed=8)


def test_distances_and_patterns(small: Material) -> None:
    assert len(small.original) == 300
    assert len(np.unique(small.rows, axis=0)) == len(small.rows)
    for part, differ in distances(small.rows[:40], small.rows):
        assert (differ == (small.rows[:40][part][:, None] != small.rows[None]).sum(axis=2)).all()
    assert len(small.reference) + len(small.calibration) + len(small.control) == 400
    # Codes beyond a byte, and more columns than one number of 64 bits holds.
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 2, (50, 12)).astype(np.uint16) * 700
    assert (next(distances(wide, wide))[1] == (wide[:, None] != wide[None]).sum(axis=2)).all()
    assert len(np.unique(keys(wide, np.full(12, 701)))) == len(np.unique(wide, axis=0))
    rows, (place,) = patterns([wide], np.full(12, 701))
    assert (rows[place] == wide).all()


def test_inference_guesses_the_majority_of_the_nearest(small: Material) -> None:
    from amparo.protection.microdata_attacks.unified import _guesses

    targets = np.unique(small.original)[:60]
    guess = _guesses(small, targets, range(8))
    released = small.rows[small.released].astype(int)
    for i, target in enumerate(small.rows[targets].astype(int)):
        for j in range(8):
            others = [c for c in range(8) if c != j]
            distance = (released[:, others] != target[others]).sum(axis=1)
            votes = np.bincount(released[distance == distance.min(), j])
            assert guess[i, j] == votes.argmax()


def test_nearest_records_are_the_nearest_and_ties_are_broken_by_lot(small: Material) -> None:
    from amparo.protection.microdata_attacks.unified import _nearest

    lots = np.random.default_rng(1).random(len(small.released))
    targets = np.unique(small.original)[:60]
    for k in (1, 3):
        near = _nearest(small, [0, 1, 2], targets, k, lots)
        released = small.rows[small.released][:, :3]
        for i, target in enumerate(small.rows[targets][:, :3]):
            distance = (released != target).sum(axis=1)
            assert set(near[i]) == set(np.argsort(distance + lots)[:k])


def test_marginals_are_pandas_counts(small: Material) -> None:
    frame = pd.DataFrame(small.rows[small.original], columns=list(small.columns))
    weights = [small.counts(small.original), small.counts(small.released)]
    for marginal in marginals(small.rows, small.sizes, weights, choose(8, 3, 20, np.random.default_rng(0))):
        chosen = frame.iloc[:, list(marginal.columns)]
        expected = chosen[(chosen != 0).all(axis=1)].value_counts()
        counted = marginal.counts[0][marginal.counts[0] > 0]
        assert sorted(counted) == sorted(expected)
        assert marginal.counts[1].sum() <= len(small.released)
    assert len(choose(8, 3, 20, np.random.default_rng(0))) == 20
    assert len(choose(8, 3, 56, np.random.default_rng(0))) == 56


# --- rare combinations ----------------------------------------------------------------------------------------------


def test_rare_combinations_by_hand() -> None:
    """Of 500, one is (b, x), three (a, y), the rest (a, x); the release shows (b, x) twice and invents (b, y)."""
    original = pd.DataFrame({"p": ["b"] + ["a"] * 499, "q": ["x"] * 497 + ["y"] * 3})
    holdout = pd.DataFrame({"p": ["a"] * 490 + ["b"] * 10, "q": ["x"] * 495 + ["y"] * 5})
    released = pd.DataFrame({"p": ["b"] * 3 + ["a"] * 97, "q": ["x"] * 2 + ["y"] + ["x"] * 97})
    one, two = rare_combinations(prepare(original, holdout, released, seed=0), rare_below=4).to_dict("records")
    assert (one["unique"], one["rare"], one["unique_shown"], one["rare_shown"]) == (1, 2, 1, 2)
    assert (two["unique"], two["rare"], two["rare_shown"], two["invented"]) == (1, 2, 1, 1)
    assert one["people_unique"] == 1 / 500
    assert one["people_rare"] == 4 / 500
    assert one["released_rare"] == 3 / 100
    assert one["holdout_rare"] == 10 / 500  # ten b, of whom the five y are some
    assert two["released_rare"] == 2 / 100


def test_missing_cells_make_no_combination_but_count_against_anonymity() -> None:
    table = pd.DataFrame({"p": ["a"] * 250 + [None] * 250, "q": ["x"] * 499 + [None]})
    found = rare_combinations(prepare(table, table, table, seed=0), rare_below=300).to_dict("records")
    assert [r["rare"] for r in found] == [1, 1]  # "a" has 250; "x" has 499; (a, x) has 250
    assert [r["unique"] for r in found] == [0, 0]
    assert k_anonymity(table) == 1
    assert k_anonymity(table, ["p"]) == 250


# --- errors, repeatability, figure ----------------------------------------------------------------------------------


def test_codes_that_cannot_match_are_refused_not_found_safe() -> None:
    original, holdout, released = three(9, 500)
    with pytest.raises(AmparoError, match=r"released: No value of column \"c0\".*'") as caught:
        attack(original, holdout, released.astype(str))
    assert "same type" in caught.value.remedy
    with pytest.raises(AmparoError, match="columns differ"):
        attack(original, holdout, released.drop(columns="c3"))
    with pytest.raises(AmparoError, match="399 records"):
        attack(original, holdout.iloc[:399], released)
    with pytest.raises(AmparoError, match="no records"):
        attack(original, holdout, released.iloc[:0])
    with pytest.raises(AmparoError, match="No column c9"):
        attack(original, holdout, released, quasi_identifiers=["c9"])
    with pytest.raises(AmparoError, match="No column c9"):
        attack(original, holdout, released, secrets=["c9"])


def test_columns_in_another_order_and_integers_beside_floats_match() -> None:
    original, holdout, released = three(9, 500)
    shuffled = released[list(reversed(released.columns))].astype(float)
    straight = prepare(original, holdout, released, seed=0)
    assert (prepare(original, holdout, shuffled, seed=0).released == straight.released).all()


def test_same_seed_same_report(innocent: AttackReport) -> None:
    again = attack(*three(2), seed=2)
    pd.testing.assert_frame_equal(again.table(), innocent.table())


def test_figure_shows_every_attack_and_marks_what_leaks(leaking: AttackReport, innocent: AttackReport) -> None:
    for report in (leaking, innocent):
        table = report.table().dropna(subset=["risk"])
        chart = attack_figure(report).to_dict()
        points = max(chart["datasets"].values(), key=len)
        assert len(points) == len(table)
        assert sum(p["found"] == "above zero" for p in points) == (table["risk_low"] > 0).sum()
        svg = vl_convert.vegalite_to_svg(chart)
        assert "inference: c0 (rare records)" in svg
        assert "<script" not in svg


# --- data of the real shape -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not CTDC.exists(), reason="the CTDC-shaped records are not beside this clone")
def test_records_of_the_real_shape() -> None:
    """Half of a third leaks nothing to another third; the third itself does."""
    table = pd.read_csv(CTDC)
    order = np.random.default_rng(11).permutation(len(table))
    original, holdout, released = (table.iloc[part] for part in np.array_split(order, 3))
    material = prepare(original, holdout, released, seed=11)
    assert singling_out(material, 5, seed=11).risk(0.999).low <= 0
    assert copied(material, rare=True, seed=11).risk(0.999).low <= 0
    leaking = prepare(original, holdout, original, seed=11)
    assert singling_out(leaking, 5, seed=11).risk().low > 0.9
    assert membership(leaking, rare=True, seed=11)[1].auc().low > 0.6
