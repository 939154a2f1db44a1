"""Simple estimators and bounds: two lists, counts of counts, sample coverage.

They assume more than a log-linear model does, or promise less, and serve to hold the larger models against.

Sources: Chapman (1951); Seber (1970), Biometrika 57, 1-8; Chao (1987), Biometrics 43, 783-791; Zelterman
(1988), J. Statist. Plan. Inf. 18, 225-237; Böhning (2008), Stat. Methodol. 5, 410-423 (its variance); Chao &
Tsay (1998), Biometrics 54, 1489-1501 (sample coverage, three lists).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable
from amparo.standard.errors import AmparoError

Floats = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)


def chapman(table: CaptureTable, *, levels: Sequence[float] = LEVELS) -> Estimate:
    """Two lists taken as independent, with Chapman's correction for small overlaps.

    Raises
    ------
    AmparoError : there are not exactly two lists.
    """
    if len(table.lists) != 2:
        raise AmparoError("Chapman's estimator takes two lists.", remedy="Merge lists, or choose another method.")
    first, second, both = table.counts[1] + table.counts[3], table.counts[2] + table.counts[3], table.counts[3]
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    return Estimate(
        method="Chapman",
        estimate=float(estimate),
        observed=table.observed,
        intervals=_log_normal(table.observed, estimate - table.observed, variance, levels),
        model="the two lists are independent and every person is equally likely to be on a list",
        source="Chapman 1951; Seber 1970",
        diagnostics={"Lincoln–Petersen": float(first * second / both)},
    )


def chao(table: CaptureTable, *, levels: Sequence[float] = LEVELS) -> Estimate:
    """Chao's lower bound, bias-corrected, from how many persons are on just one and just two lists."""
    t, once, twice = _counts_of_counts(table)
    k = (t - 1) / t
    unseen = k * once * (once - 1) / (2 * (twice + 1))
    variance = (
        unseen
        + k**2 * once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + k**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    return Estimate(
        method="Chao's lower bound",
        estimate=table.observed + unseen,
        observed=table.observed,
        intervals=_log_normal(table.observed, unseen, variance, levels),
        model="persons differ in how likely they are to be seen; lists are alike and independent for each person",
        source="Chao 1987",
        diagnostics={"on one list": int(once), "on two lists": int(twice)},
        warnings=("This is a lower bound where persons differ; dependence between lists can break it.",),
    )


def zelterman(table: CaptureTable, *, levels: Sequence[float] = LEVELS) -> Estimate:
    """Zelterman's estimator, from how many persons are on just one and just two lists."""
    _, once, twice = _counts_of_counts(table)
    if not once or not twice:
        raise AmparoError(
            "Zelterman's estimator needs persons on just one list and on just two.", remedy="Choose another method."
        )
    rate = 2 * twice / once
    seen = 1 - np.exp(-rate)
    estimate = table.observed / seen
    odds = np.exp(-rate) / seen**2
    variance = table.observed * odds * (1 + table.observed * odds * rate**2 * (1 / once + 1 / twice))
    return Estimate(
        method="Zelterman",
        estimate=float(estimate),
        observed=table.observed,
        intervals=_log_normal(table.observed, estimate - table.observed, variance, levels),
        model="the number of lists that a person is on is Poisson for those on one or two lists",
        source="Zelterman 1988; Böhning 2008",
        diagnostics={"on one list": int(once), "on two lists": int(twice)},
    )


def sample_coverage(
    table: CaptureTable, *, levels: Sequence[float] = LEVELS, replicates: int = 1000, seed: int
) -> Estimate:
    """Sample coverage of three lists, the one-step estimator; dependence is estimated with the population.

    Raises
    ------
    AmparoError : there are not exactly three lists.
    """
    if len(table.lists) != 3:
        raise AmparoError("Sample coverage takes three lists.", remedy="Merge lists, or choose another method.")
    counts = table.counts[None, 1:]
    one_step, coverage = _coverage(counts)
    random = np.random.default_rng(seed)
    total = max(one_step[0], table.observed + 1.0)
    probabilities = np.append(counts[0], total - table.observed) / total
    drawn = random.multinomial(round(total), probabilities, size=replicates)[:, :-1].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        again, _ = _coverage(drawn)
    again = again[np.isfinite(again)]
    return Estimate(
        method="Sample coverage",
        estimate=float(one_step[0]),
        observed=table.observed,
        intervals=_log_normal(table.observed, one_step[0] - table.observed, float(np.var(again, ddof=1)), levels),
        model="dependence between lists is measured by coefficients of covariation",
        source="Chao & Tsay 1998",
        diagnostics={"sample coverage": float(coverage[0])},
        warnings=("Below a sample coverage of 55 % the estimate is a lower bound if dependence is positive.",)
        if coverage[0] < 0.55
        else (),
        seed=seed,
    )


def _coverage(counts: Floats) -> tuple[Floats, Floats]:
    """One-step estimate and sample coverage of each table, counts of shape (tables, 7)."""
    z100, z010, z110, z001, z101, z011, z111 = counts.T
    n1, n2, n3 = z100 + z110 + z101 + z111, z010 + z110 + z011 + z111, z001 + z101 + z011 + z111
    observed = counts.sum(axis=1)
    coverage = 1 - (z100 / n1 + z010 / n2 + z001 / n3) / 3
    overlapping = observed - (z100 + z010 + z001) / 3
    zero = overlapping / coverage
    # Persons on a pair's first or second list but not on the third, and on both lists of the pair.
    pairs: list[tuple[Floats, Floats, Floats, Floats]] = [
        (z100 + z110 + z010 + z110, z110 + z111, n1, n2),
        (z100 + z101 + z001 + z101, z101 + z111, n1, n3),
        (z010 + z011 + z001 + z011, z011 + z111, n2, n3),
    ]

    def next_estimate(total: Floats) -> Floats:
        covariation = sum(
            (alone * (total * both / (first * second) - 1) for alone, both, first, second in pairs),
            np.zeros(len(total)),
        )
        return np.asarray(zero + covariation / (3 * coverage))

    one_step: Floats = next_estimate(next_estimate(zero))
    return one_step, coverage


def _counts_of_counts(table: CaptureTable) -> tuple[int, float, float]:
    lists_each = table.histories.sum(axis=1)
    return len(table.lists), float(table.counts[lists_each == 1].sum()), float(table.counts[lists_each == 2].sum())


def _log_normal(
    observed: int, unseen: float, variance: float, levels: Sequence[float]
) -> dict[float, tuple[float, float]]:
    """Intervals on the unseen by a log-normal approximation, so that none falls below the seen (Chao 1987)."""
    unseen, variance = float(unseen), float(variance)
    if unseen <= 0:
        return {level: (float(observed), float(observed)) for level in levels}
    spread = np.sqrt(np.log1p(variance / unseen**2))

    def at(level: float) -> tuple[float, float]:
        factor = float(np.exp(ndtri((1 + level) / 2) * spread))
        return observed + unseen / factor, observed + unseen * factor

    return {level: at(level) for level in levels}
