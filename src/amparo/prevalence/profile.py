"""Profile-likelihood intervals of the population under a log-linear model.

Given the population, the persons fall into the histories by a multinomial distribution whose cells include the
unseen; the likelihood is maximised over the effects at each population size, and the interval holds the sizes
at which twice the loss of log-likelihood is below the chi-squared limit.

Source: Cormack (1992), Interval estimation for mark-recapture studies of closed populations, Biometrics 48,
567-576.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, gammaln

from amparo.prevalence.loglinear import Fit, masks
from amparo.prevalence.newton import design, fit_batch

Floats = NDArray[np.float64]


def profile_interval(found: Fit, *, level: float = 0.95) -> tuple[float, float]:
    """Lower and upper limit of the population, persons.

    Parameters
    ----------
    found : a fitted model.
    level : such as 0.95.
    """
    from scipy.optimize import brentq  # slow to load, and the bootstrap does not need it

    table = found.table
    shared = design(len(table.lists), max(2, found.model.order))
    parameters, cells = masks(table, [found.model], shared)
    counts = table.counts[1:]
    seen = float(table.observed)
    # The unseen history is one more cell of the multinomial: only the intercept reaches it.
    whole = type(shared)(
        shared.lists,
        shared.terms,
        np.vstack([np.eye(1, len(shared.terms)), shared.matrix]),
        np.vstack([np.eye(1, len(shared.terms) ** 2), shared.products]),
    )
    all_cells = np.column_stack([[[True]], cells])

    def log_likelihood(unseen: float) -> float:
        data = np.concatenate([[unseen], counts])[None]
        fitted = fit_batch(whole, data, parameters, all_cells).fitted[0]
        total = seen + unseen
        inside = fitted > 0
        share = (data[0][inside] * np.log(fitted[inside] / total)).sum()
        return float(gammaln(total + 1) - gammaln(unseen + 1) + share)

    best = max(found.estimate - seen, 1e-6)
    top = max(log_likelihood(best * factor) for factor in (0.98, 0.99, 1.0, 1.01, 1.02))
    drop = float(chdtri(1, 1 - level)) / 2

    def loss(unseen: float) -> float:
        return top - log_likelihood(unseen) - drop

    low, high = best, best
    while low > 1e-6 and loss(low) < 0:
        low /= 2
    while loss(high) < 0:
        high *= 2
    lower = seen if loss(low) < 0 else seen + float(brentq(loss, low, best, xtol=1e-3))
    return lower, seen + float(brentq(loss, best, high, xtol=1e-3))
