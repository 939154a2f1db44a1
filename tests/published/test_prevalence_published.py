"""Multiple systems estimates as published, and as the field's R packages give them.

UK 2013: Home Office (2014), Modern Slavery: an application of multiple systems estimation (Silverman); Bales,
Hesketh & Silverman (2015), Significance 12(3). Kosovo 1999: Ball et al. (2002), Killings and refugee flow in
Kosovo, March to June 1999. Hepatitis A: Chao et al. (2001), Statistics in Medicine 20, 3123-3157, table 1.
What SparseMSE 2.0.1, Rcapture and dga give on these tables was measured side by side with R 4.2.2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amparo.prevalence.decomposable import decomposable, decomposable_graphs
from amparo.prevalence.latent import latent_classes
from amparo.prevalence.loglinear import Model, check, fit, fit_all, stepwise
from amparo.prevalence.simple import chao, sample_coverage
from amparo.prevalence.table import CaptureTable, read_capture_table
from amparo.standard.errors import AmparoError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mse"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the published tables of ../shared/data/mse are not here")


def table(lists: str, histories: dict[str, int]) -> CaptureTable:
    """A capture table from histories written as the initials of the lists that hold the person."""
    names = tuple(lists.split())
    counts = np.zeros(2 ** len(names))
    for on, persons in histories.items():
        counts[sum(1 << names.index(name) for name in on.split())] = persons
    return CaptureTable(names, counts)


UK = table(
    "LA NG PF GO GP NCA",
    {
        "LA": 54, "NG": 463, "PF": 907, "GO": 695, "GP": 316, "NCA": 57, "LA NG": 15, "LA PF": 19, "LA GO": 3,
        "NG PF": 56, "NG GO": 19, "NG GP": 1, "NG NCA": 3, "PF GO": 69, "PF GP": 10, "PF NCA": 31, "GO GP": 8,
        "GO NCA": 6, "GP NCA": 1, "LA NG PF": 1, "LA NG GO": 1, "NG PF GO": 4, "NG PF NCA": 3, "PF GO NCA": 1,
        "LA NG PF GO": 1,
    },
)  # fmt: skip
UK_FIVE = UK.merged([[0], [1], [2, 5], [3], [4]])
KOSOVO = table(
    "EXH ABA OSCE HRW",
    {
        "EXH": 1131, "ABA": 845, "EXH ABA": 177, "OSCE": 936, "EXH OSCE": 228, "ABA OSCE": 217, "EXH ABA OSCE": 181,
        "HRW": 306, "EXH HRW": 106, "ABA HRW": 31, "EXH ABA HRW": 18, "OSCE HRW": 123, "EXH OSCE HRW": 42,
        "ABA OSCE HRW": 32, "EXH ABA OSCE HRW": 27,
    },
)  # fmt: skip
HEPATITIS = table("P Q E", {"P": 69, "Q": 55, "E": 63, "P Q": 21, "P E": 17, "Q E": 18, "P Q E": 28})
ARTIFICIAL = table("A B C", {"A": 40, "B": 30, "C": 20, "A B": 6})


def test_uk_2013_stepwise_gives_sparsemse_estimate() -> None:
    assert stepwise(UK).estimate == pytest.approx(11418.0, abs=0.1)


def test_uk_2013_with_police_and_nca_merged_gives_sparsemse_estimate() -> None:
    assert stepwise(UK_FIVE).estimate == pytest.approx(11313.0, abs=0.1)


@needs_shared
@pytest.mark.parametrize(
    ("name", "estimate"),
    [("Ned", 111139.4), ("Ned_5", 121521.6), ("NewOrl", 1183.7), ("NewOrl_5", 1034.2), ("Western", 2483.4)],
)
def test_stepwise_gives_sparsemse_estimate(name: str, estimate: float) -> None:
    found = stepwise(read_capture_table(SHARED / f"{name}.csv")[()])
    assert found.estimate == pytest.approx(estimate, abs=0.1)


def pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Rcapture's way of writing pairs, such as ``12,35``."""
    return tuple((int(pair[0]) - 1, int(pair[1]) - 1) for pair in text.split(",") if len(pair) == 2)


def test_uk_2013_best_of_32768_models_by_bic_is_rcapture_s() -> None:
    ranking = fit_all(UK)
    best = ranking.iloc[0]
    assert len(ranking) == 32768
    assert best["pairs"] == pairs("12,13,25,35,36,45")
    assert best["estimate"] == pytest.approx(12349.59, abs=0.01)
    assert best["standard_error"] == pytest.approx(829.16, abs=0.01)


def test_uk_2013_five_lists_best_model_by_bic_is_rcapture_s() -> None:
    best = fit_all(UK_FIVE).iloc[0]
    assert best["pairs"] == pairs("12,13,23,25,34")
    assert best["estimate"] == pytest.approx(22991.33, abs=0.01)
    assert best["standard_error"] == pytest.approx(3021.59, abs=0.01)


@needs_shared
@pytest.mark.parametrize(
    ("name", "model", "estimate", "error"),
    [
        ("Ned_5", "12,15,23,24,25,35,45", 48012.73, 3263.89),
        ("NewOrl_5", "", 1034.15, 254.95),
        ("Western", "15", 2483.38, 534.89),
    ],
)
def test_best_model_by_bic_is_rcapture_s(name: str, model: str, estimate: float, error: float) -> None:
    best = fit_all(read_capture_table(SHARED / f"{name}.csv")[()]).iloc[0]
    assert best["pairs"] == pairs(model)
    assert best["estimate"] == pytest.approx(estimate, abs=0.01)
    assert best["standard_error"] == pytest.approx(error, abs=0.01)


def test_there_are_as_many_decomposable_graphs_as_counted() -> None:
    # OEIS A058862: labelled chordal graphs.
    assert [len(decomposable_graphs(lists).edges) for lists in (2, 3, 4, 5)] == [2, 8, 61, 822]


def assert_quantiles(lists: CaptureTable, expected: tuple[int, int, int]) -> None:
    found = decomposable(lists)
    low, high = found.interval(0.95)
    assert (low, found.estimate, high) == pytest.approx(expected, rel=0.01)


def test_uk_2013_five_lists_posterior_over_decomposable_graphs_is_dga_s() -> None:
    assert_quantiles(UK_FIVE, (10387, 22990, 33510))


@needs_shared
@pytest.mark.parametrize(
    ("name", "quantiles"),
    [("Ned_5", (41666, 50383, 203389)), ("NewOrl_5", (511, 869, 1762)), ("Western", (1343, 2133, 3871))],
)
def test_posterior_over_decomposable_graphs_is_dga_s(name: str, quantiles: tuple[int, int, int]) -> None:
    assert_quantiles(read_capture_table(SHARED / f"{name}.csv")[()], quantiles)


@pytest.mark.parametrize(
    ("model", "exists", "identifiable"),
    [([(0, 1), (0, 2), (1, 2)], True, False), ([(0, 1)], False, True), ([(0, 2), (1, 2)], True, True)],
)
def test_the_artificial_example_gets_its_three_verdicts(
    model: list[tuple[int, int]], exists: bool, identifiable: bool
) -> None:
    verdict = check(ARTIFICIAL, Model.of(model))
    assert (verdict.exists, verdict.identifiable) == (exists, identifiable)


@pytest.mark.parametrize("model", [[(0, 1), (0, 2), (1, 2)], [(0, 1)]])
def test_a_model_that_fails_is_refused_with_the_reason(model: list[tuple[int, int]]) -> None:
    with pytest.raises(AmparoError, match=r"(?i)no finite estimate|cannot be told apart"):
        fit(ARTIFICIAL, Model.of(model))


def test_hepatitis_a_sample_coverage_one_step_estimate_is_the_published_508() -> None:
    found = sample_coverage(HEPATITIS, seed=1)
    assert round(found.estimate) == 508
    assert found.diagnostics["sample coverage"] == pytest.approx(0.513, abs=0.0005)


def test_kosovo_chao_bound_is_below_every_model_average() -> None:
    assert chao(KOSOVO).estimate < decomposable(KOSOVO).estimate


def test_kosovo_latent_classes_agree_with_lcmcr_within_monte_carlo_error() -> None:
    # LCMCR 0.4.14, K = 10, a = b = 0.25, 1,000 draws thinned by 100: 9,126, 10,343, 14,953. At the autocorrelation
    # found here (one independent draw per some 900 sweeps) its sample is worth about 110 draws, so that the standard
    # error of its median is about 1.25 * 1,300 / sqrt(110) = 150 and that of its tails several times as large.
    found = latent_classes(KOSOVO, seed=1)
    assert found.estimate == pytest.approx(10_343, abs=450)
    low, high = found.interval(0.95)
    assert low == pytest.approx(9_126, rel=0.12)
    assert high == pytest.approx(14_953, rel=0.16)
    assert isinstance(found.diagnostics["R-hat"], float)


def test_latent_chains_that_have_not_met_say_so() -> None:
    found = latent_classes(KOSOVO, chains=4, burn_in=50, draws=40, thin=1, seed=1)
    assert any("have not met" in warning or "independent draws" in warning for warning in found.warnings)
