"""Bias-corrected and accelerated (BCa) bootstrap intervals around the stepwise choice.

Each replicate draws the observed persons anew and makes the whole choice of the model again, so that the
interval holds the uncertainty of the choice too.

Sources: Efron (1987), JASA 82, 171-185; DiCiccio & Efron (1996), Statist. Sci. 11, 189-228; Chan, Silverman &
Vincent (2021), JASA 116, sec. 3.3; quantiles of type 8: Hyndman & Fan (1996), Amer. Statist. 50, 361-365.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from amparo.prevalence.loglinear import stepwise_batch
from amparo.prevalence.table import CaptureTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """Replicates of the stepwise estimate and what BCa needs of them.

    ``estimate`` on the data; ``replicates`` (persons); ``acceleration`` from the jackknife; ``pairs_chosen``,
    the share of replicates that chose each pair; ``lost``, replicates in which a list or all overlap vanished
    and no estimate exists.
    """

    estimate: float
    replicates: Floats
    acceleration: float
    pairs_chosen: Floats
    lost: int

    def interval(self, level: float) -> tuple[float, float]:
        """The BCa interval at a level such as 0.95."""
        tail = (1 - level) / 2
        low, high = self.quantiles([tail, 1 - tail])
        return float(low), float(high)

    def quantiles(self, probabilities: Sequence[float]) -> Floats:
        """BCa limits at these probabilities."""
        half = 0.5 / len(self.replicates)
        below = np.clip(np.mean(self.replicates < self.estimate), half, 1 - half)
        bias = ndtri(below)
        shifted = bias + ndtri(probabilities)
        adjusted = ndtr(bias + shifted / (1 - self.acceleration * shifted))
        return np.asarray(np.quantile(self.replicates, adjusted, method="median_unbiased"))


def bca(table: CaptureTable, *, threshold: float = 0.02, replicates: int = 1000, seed: int) -> Bootstrap:
    """Bootstrap the stepwise estimate.

    Parameters
    ----------
    threshold : of the stepwise choice.
    replicates : number of multinomial draws of the observed histories.
    seed : of the draws.
    """
    lists = len(table.lists)
    counts = table.counts[1:]
    persons = int(counts.sum())
    random = np.random.default_rng(seed)
    drawn = random.multinomial(persons, counts / persons, size=replicates).astype(np.float64)
    seen = np.flatnonzero(counts)
    less_one = np.tile(counts, (len(seen), 1))
    less_one[np.arange(len(seen)), seen] -= 1
    found = stepwise_batch(lists, np.vstack([counts[None], less_one, drawn]), threshold=threshold)
    jackknife, replicate = found.estimates[1 : 1 + len(seen)], found.estimates[1 + len(seen) :]
    usable = np.isfinite(replicate)
    weights = counts[seen]
    residual = (weights @ jackknife) / weights.sum() - jackknife
    spread = float(weights @ residual**2)
    acceleration = float(weights @ residual**3) / (6 * spread**1.5) if spread > 0 else 0.0
    return Bootstrap(
        estimate=float(found.estimates[0]),
        replicates=replicate[usable],
        acceleration=acceleration,
        pairs_chosen=found.included[1 + len(seen) :][usable].mean(axis=0),
        lost=int((~usable).sum()),
    )
