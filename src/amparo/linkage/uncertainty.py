"""How good a linkage is, with intervals: from the model alone, or with pairs that people have looked at.

Without review, the draws tell: a pair that the linkage makes is right in those draws that make it too. With review,
the log odds are first corrected by logistic regression on the reviewed pairs (Platt 1999), since a model that takes
comparisons for independent is too sure of itself; then all else follows from the corrected odds.

Source: Sadinle (2018), Annals of Applied Statistics 12 (draws); Platt (1999) and, for shrinkage towards the model
where few pairs were reviewed, a normal prior on the logit (Gelman et al. 2008, Annals of Applied Statistics 2);
Belin & Rubin (1995), A method for calibrating false-match rates in record linkage, JASA 90.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from amparo.linkage.clusters import Linkage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PRIOR_SPREAD = (2.0, 0.5)
"""Standard deviations of the prior of the calibration's shift and of the logarithm of its slope; centre: no change."""


@dataclass(frozen=True)
class Quality:
    """Share of made links that are right, and of right links that are made; each with its interval at ``level``."""

    precision: float
    precision_interval: tuple[float, float]
    recall: float
    recall_interval: tuple[float, float]
    links: int
    level: float

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"Of {self.links:,} links made, {self.precision:.1%} are estimated to be right "
            f"({self.level:.0%} interval {self.precision_interval[0]:.1%} to {self.precision_interval[1]:.1%}); of all "
            f"links that are right among the pairs compared, {self.recall:.1%} were made "
            f"({self.recall_interval[0]:.1%} to {self.recall_interval[1]:.1%})."
        )


@dataclass(frozen=True)
class Calibration:
    """Log odds as reviewed pairs correct them: ``shift + slope * log odds``."""

    shift: float = 0.0
    slope: float = 1.0
    reviewed: int = 0

    def apply(self, log_odds: Floats) -> Floats:
        """The corrected log odds."""
        return self.shift + self.slope * log_odds


def quality(linkage: Linkage, left: NDArray[np.int64], right: NDArray[np.int64], *, level: float = 0.95) -> Quality:
    """Precision and recall of the linkage among the pairs compared, from its draws.

    Pairs that no blocking key brought together are in neither; how many matches blocking loses cannot be told from
    the lists alone (``docs/linkage.md`` shows what it was on simulated countries).
    """
    made = linkage.persons[left] == linkage.persons[right]
    drawn = linkage.draws[:, left] == linkage.draws[:, right]
    right_ones = (drawn & made).sum(axis=1)
    precision = right_ones / max(int(made.sum()), 1)
    recall = right_ones / np.maximum(drawn.sum(axis=1), 1)
    tails = [(1 - level) / 2, (1 + level) / 2]

    def interval(values: Floats) -> tuple[float, float]:
        low, high = np.quantile(values, tails)
        return float(low), float(high)

    return Quality(
        float(precision.mean()), interval(precision), float(recall.mean()), interval(recall), int(made.sum()), level
    )


def calibrate(log_odds: Floats, same: Bools) -> Calibration:
    """Learn from reviewed pairs how far the model's log odds are off.

    Parameters
    ----------
    log_odds : the model's, of each reviewed pair. same : whether the reviewer found one person.

    Returns
    -------
    Maximum of the posterior; without pairs, no change.
    """
    from scipy.optimize import minimize

    if not len(log_odds):
        return Calibration()

    def loss(at: Floats) -> float:
        score = at[0] + np.exp(at[1]) * log_odds
        misfit = np.logaddexp(0, np.where(same, -score, score)).sum()
        return float(misfit + 0.5 * ((at / np.array(PRIOR_SPREAD)) ** 2).sum())

    best = minimize(loss, np.zeros(2), method="BFGS").x
    return Calibration(float(best[0]), float(np.exp(best[1])), len(log_odds))
