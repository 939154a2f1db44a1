"""Shares and trends: against published numbers, and their intervals against populations of known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from amparo.standard.errors import AmparoError
from amparo.statistics.estimates import share, trend


def test_wilson_interval_of_newcombe_s_table() -> None:
    # Newcombe (1998), Statist. Med. 17, 857-872, table I, method 3 (score, no continuity correction).
    for count, known, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = share(count, known)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_holds_the_truth_as_often_as_it_says() -> None:
    # Exact coverage, summed over all outcomes: it oscillates around 95 % (Brown, Cai & DasGupta 2001, fig. 5).
    coverage = []
    for n in (40, 200, 1000):
        found = [share(k, n) for k in range(n + 1)]
        for p in np.linspace(0.05, 0.95, 37):
            held = np.array([f.low <= p <= f.high for f in found])
            coverage.append(float(binom.pmf(np.arange(n + 1), n, p) @ held))
    assert min(coverage) > 0.92
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize("dispersion", [1.0, 4.0])
def test_trend_interval_holds_the_truth_as_often_as_it_says(dispersion: float) -> None:
    random = np.random.default_rng(6)
    years, change = np.arange(2012, 2024), 0.06
    mean = 300 * np.exp(np.log1p(change) * (years - 2012))
    held, values = 0, []
    for _ in range(600):
        if dispersion == 1.0:
            counts = random.poisson(mean)
        else:
            counts = random.poisson(random.gamma(mean / (dispersion - 1), dispersion - 1))
        found = trend(years, counts).annual_change
        held += found.low <= change <= found.high
        values.append(found.value)
    assert 0.92 <= held / 600 <= 0.99
    assert np.mean(values) == pytest.approx(change, abs=0.002)


def test_an_exact_exponential_gives_its_rate() -> None:
    found = trend([2018, 2019, 2020, 2021, 2022], [100, 110, 121, 133, 146])
    assert found.annual_change.value == pytest.approx(0.10, abs=0.001)
    assert found.fitted["fit"].sum() == pytest.approx(610, rel=1e-6)


def test_a_year_without_cases_is_a_zero_not_a_gap() -> None:
    assert np.isfinite(trend([2018, 2019, 2020, 2021], [0, 3, 5, 9]).annual_change.value)


@pytest.mark.parametrize(
    ("years", "counts"), [([2020, 2021, 2022], [1, 2, 3]), ([2019, 2020, 2021, 2022], [0, 0, 0, 0])]
)
def test_what_has_no_trend_is_told(years: list[int], counts: list[int]) -> None:
    with pytest.raises(AmparoError):
        trend(years, counts)


def test_more_than_are_known_is_no_share() -> None:
    with pytest.raises(AmparoError):
        share(11, 10)
