"""The estimate of the undetected as it may be published: rounded numbers of the whole, never a capture history.

How many persons are on each combination of lists stays private; what leaves is the estimate, its interval, the model,
and the same for each analysis of the multiverse.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

import pandas as pd

from amparo.prevalence.loglinear import Fit
from amparo.prevalence.result import Estimate
from amparo.prevalence.sensitivity import Multiverse
from amparo.standard.errors import AmparoError

_SEAL = object()
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class ReleasedPrevalence:
    """An estimate of the population that may be shown; all numbers are whole persons.

    ``pairs``: names of the pairs of lists that the model holds to depend on each other. ``analyses``: columns
    ``choice``, ``variant``, ``estimate``, ``lower``, ``upper``.

    Raises
    ------
    TypeError : when made outside protection.
    """

    estimate: int
    low: int
    high: int
    observed: int
    pairs: tuple[str, ...]
    threshold: float
    seed: int
    _analyses: pd.DataFrame = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("A ReleasedPrevalence is made by release_prevalence, and in no other way.")

    @property
    def analyses(self) -> pd.DataFrame:
        """A copy of the analyses that gave an estimate."""
        return self._analyses.copy()


def release_prevalence(estimate: Estimate, model: Fit, every: Multiverse, *, fewest: int) -> ReleasedPrevalence:
    """Pass on an estimate.

    Parameters
    ----------
    estimate, model : of the stepwise method, on the same table. every : its multiverse.
    fewest : persons that must have been seen, the threshold of the release.

    Raises
    ------
    AmparoError : fewer persons were seen.
    """
    if estimate.observed < fewest:
        raise AmparoError(
            f"Only {estimate.observed} persons were seen; an estimate from so few is not published.",
            remedy=f"Use lists that hold at least {fewest} persons together.",
        )
    low, high = estimate.interval(LEVEL)
    numbers = every.usable[["estimate", "lower", "upper"]].round(0)
    analyses = pd.concat([every.usable[["choice", "variant"]], numbers], axis=1).reset_index(drop=True)
    threshold = estimate.diagnostics["threshold"]
    assert isinstance(threshold, float)
    assert estimate.seed is not None
    return ReleasedPrevalence(
        estimate=round(estimate.estimate),
        low=round(low),
        high=round(high),
        observed=estimate.observed,
        pairs=tuple(" × ".join(model.table.lists[i] for i in effect) for effect in model.model.sorted()),
        threshold=threshold,
        seed=estimate.seed,
        _analyses=analyses,
        seal=_SEAL,
    )
