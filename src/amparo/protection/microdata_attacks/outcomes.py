"""How well an attack does: on those in the data, on those not in it, and by guessing.

An attack that succeeds as often on people whose records were never used tells what is true of the population.
The risk is what it gains beyond that, as a share of what was left to gain:
R = (main - control) / (1 - control) (Giomi et al. 2023, PoPETs 2023(2), 312-328, eq. 3).

Its interval is not the paper's, which adds errors by the delta method. 1 - R is the ratio of the rates of
failure, (1 - main) / (1 - control), and a ratio of two proportions has a score interval that holds with no
failures too (Koopman 1984, Biometrics 40, 513-517; Miettinen & Nurminen 1985, Stat. Med. 4, 213-226).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.stats import norm

from amparo.statistics.estimates import Estimate, share

WIDEST = 60.0
"""Logarithm of a ratio of rates that no data here can reach."""


@dataclass(frozen=True)
class Tally:
    """Successful attacks of all that were tried."""

    successes: int
    attempts: int

    def rate(self, level: float = 0.95) -> Estimate:
        """The share that succeeded, with Wilson's interval; with no attempt nothing is known of it."""
        if not self.attempts:
            return Estimate(math.nan, 0.0, 1.0, level, 0)
        return share(self.successes, self.attempts, level=level)


@dataclass(frozen=True)
class Outcome:
    """One attack, tried on ``main`` (the original), ``control`` (the holdout) and by ``naive`` guessing.

    ``detail`` says which columns; ``aimed_at`` is ``all`` records or the ``rare`` ones.
    """

    attack: str
    detail: str
    aimed_at: str
    main: Tally
    control: Tally
    naive: Tally

    def risk(self, level: float = 0.95) -> Estimate:
        """R with its score interval. It may be negative: chance favours the control as often as the original.

        Nothing is known (not a number, and an interval of everything below 1) where no attack could be tried,
        and where every attack on the control succeeds, so that nothing is left to gain.
        """
        tried = min(self.main.attempts, self.control.attempts)
        if not tried:
            return Estimate(math.nan, -math.inf, 1.0, level, 0)
        missed = self.main.attempts - self.main.successes
        missed_control = self.control.attempts - self.control.successes
        low, high = ratio_interval(missed, self.main.attempts, missed_control, self.control.attempts, level=level)
        value = math.nan
        if missed_control:
            value = 1 - (missed / self.main.attempts) / (missed_control / self.control.attempts)
        return Estimate(value, 1 - high, 1 - low, level, tried)

    @property
    def beats_naive(self) -> bool:
        """Whether the attack did better than guessing; where it did not, its risk says nothing about safety."""
        return self.main.rate().value > self.naive.rate().high


def ratio_interval(x1: int, n1: int, x2: int, n2: int, *, level: float = 0.95) -> tuple[float, float]:
    """Koopman's score interval for the ratio p1 / p2 of two independent proportions x1 of n1 and x2 of n2.

    Source: Koopman (1984), Biometrics 40, 513-517, with the constrained estimate in closed form. Like Wilson's it
    covers less than its level where almost no failures are expected: 0.91 instead of 0.95 for half a failure.
    """
    z = float(norm.ppf((1 + level) / 2))

    def score(log_ratio: float) -> float:
        """Standardised difference between the data and a ratio; falls as the ratio grows."""
        ratio = math.exp(log_ratio)
        b = ratio * (n1 + x2) + x1 + n2
        # The smaller root, in the form that loses no digits.
        p1 = 2 * ratio * (x1 + x2) / (b + math.sqrt(max(0.0, b * b - 4 * ratio * (n1 + n2) * (x1 + x2))))
        p2 = p1 / ratio
        variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
        gap = x1 / n1 - ratio * x2 / n2
        if gap == 0:
            return 0.0
        return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)

    if x1 + x2 == 0:
        return 0.0, math.inf
    low = 0.0 if x1 == 0 else math.exp(brentq(lambda t: _finite(score(t)) - z, -WIDEST, WIDEST))
    high = math.inf if x2 == 0 else math.exp(brentq(lambda t: _finite(score(t)) + z, -WIDEST, WIDEST))
    return low, high


def _finite(score: float) -> float:
    return max(-1e9, min(1e9, score))
