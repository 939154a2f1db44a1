"""Estimates from counts, each with its interval: shares and trends.

Pure functions over numbers, so that they can be applied to published counts as well as to private ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from amparo.standard.errors import AmparoError

FEWEST_YEARS = 4
"""A trend over fewer years has no more than one degree of freedom for its interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval at ``level``; ``n`` is what it rests on (records, or years)."""

    value: float
    low: float
    high: float
    level: float
    n: int


@dataclass(frozen=True)
class Trend:
    """Relative change per year, and the fitted counts: columns ``year``, ``low``, ``fit``, ``high``.

    ``dispersion`` is the variance of the counts around the fit as a multiple of Poisson's.
    """

    annual_change: Estimate
    fitted: pd.DataFrame
    dispersion: float


def share(count: int, known: int, *, level: float = 0.95) -> Estimate:
    """A share of those with information, with Wilson's interval.

    Parameters
    ----------
    count : records with the property. known : records that tell whether they have it.

    Raises
    ------
    AmparoError : nobody is known, or more have the property than are known.

    Source: Wilson (1927), JASA 22, 209-212; Brown, Cai & DasGupta (2001), Statist. Sci. 16, 101-133.
    """
    if known < 1 or not 0 <= count <= known:
        raise AmparoError(f"{count} of {known} is no share.", remedy="Give 0 <= count <= known, known at least 1.")
    z = float(norm.ppf((1 + level) / 2))
    value = count / known
    centre = (value + z**2 / (2 * known)) / (1 + z**2 / known)
    half = z / (1 + z**2 / known) * np.sqrt(value * (1 - value) / known + z**2 / (4 * known**2))
    return Estimate(value, max(0.0, centre - half), min(1.0, centre + half), level, known)


def trend(
    years: Sequence[int] | NDArray[np.int64],
    counts: Sequence[int] | NDArray[np.int64],
    *,
    level: float = 0.95,
) -> Trend:
    """The yearly relative change of counts: a log-linear quasi-Poisson model with a t interval.

    Parameters
    ----------
    years, counts : of the same length, at least four years; counts are 0 or more and not all 0.

    Returns
    -------
    ``annual_change`` as a share (0.05 is 5 % more each year) and the fitted counts with their interval.

    Raises
    ------
    AmparoError : too few years, or nothing was counted.

    Source: McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., ch. 6 and 9.2; the dispersion is Pearson's
    statistic over its degrees of freedom, never below one, so that chance in the counts is never left out.
    """
    x, y = np.asarray(years, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if len(x) < FEWEST_YEARS or len(np.unique(x)) < FEWEST_YEARS:
        raise AmparoError(
            f"A trend needs at least {FEWEST_YEARS} years.", remedy="Publish more years, or give no trend."
        )
    if not y.any():
        raise AmparoError("Nothing was counted in any year.", remedy="Give no trend.")
    middle = x.mean()
    design = np.column_stack([np.ones(len(x)), x - middle])
    beta = np.array([np.log(y.mean()), 0.0])
    for _ in range(100):
        mu = np.exp(design @ beta)
        step = np.linalg.solve(design.T @ (mu[:, None] * design), design.T @ (y - mu))
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    mu = np.exp(design @ beta)
    freedom = len(x) - 2
    dispersion = max(1.0, float(((y - mu) ** 2 / mu).sum() / freedom))
    covariance = dispersion * np.linalg.inv(design.T @ (mu[:, None] * design))
    quantile = float(t.ppf((1 + level) / 2, freedom))
    slope, error = beta[1], float(np.sqrt(covariance[1, 1]))
    change = Estimate(
        float(np.expm1(slope)),
        float(np.expm1(slope - quantile * error)),
        float(np.expm1(slope + quantile * error)),
        level,
        len(x),
    )
    spread = quantile * np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    fitted = pd.DataFrame({"year": x.astype(int), "low": mu * np.exp(-spread), "fit": mu, "high": mu * np.exp(spread)})
    return Trend(change, fitted, dispersion)
