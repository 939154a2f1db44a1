"""How many victims were never detected: multiple systems estimation over a capture table.

:func:`estimate` is the one door; the rooms behind it are plain functions over :class:`CaptureTable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.prevalence.result import Estimate
    from amparo.prevalence.table import CaptureTable

LEVELS = (0.5, 0.8, 0.95)
METHODS = ("stepwise", "best-bic", "decomposable", "latent", "chao", "zelterman", "chapman", "coverage")


def estimate(
    table: CaptureTable,
    *,
    method: str = "stepwise",
    levels: Sequence[float] = LEVELS,
    threshold: float = 0.02,
    replicates: int = 1000,
    seed: int = 2021,
) -> Estimate:
    """Estimate the population behind a capture table.

    Parameters
    ----------
    method : one of :data:`METHODS`.
    levels : of the intervals.
    threshold, replicates : of the stepwise choice and its bootstrap.
    seed : of whatever chance the method has.

    Raises
    ------
    AmparoError : the method is not known, or cannot be used on this table; says why.
    """
    from amparo.prevalence import decomposable, latent, loglinear, simple

    if method == "stepwise":
        return _stepwise(table, levels, threshold, replicates, seed)
    if method == "best-bic":
        best = loglinear.fit(table, loglinear.Model.of(loglinear.fit_all(table).iloc[0]["pairs"]))
        return _of_fit(best, levels, ("The interval takes the model as given; the choice of model adds to it.",))
    if method == "decomposable":
        return decomposable.decomposable(table, levels=levels)
    if method == "latent":
        return latent.latent_classes(table, levels=levels, seed=seed)
    if method == "coverage":
        return simple.sample_coverage(table, levels=levels, seed=seed)
    if method in ("chao", "zelterman", "chapman"):
        return {"chao": simple.chao, "zelterman": simple.zelterman, "chapman": simple.chapman}[method](
            table, levels=levels
        )
    raise AmparoError(f"There is no method {method!r}.", remedy=f"Known: {', '.join(METHODS)}.")


def _stepwise(table: CaptureTable, levels: Sequence[float], threshold: float, replicates: int, seed: int) -> Estimate:
    from amparo.prevalence.bootstrap import bca
    from amparo.prevalence.loglinear import stepwise
    from amparo.prevalence.result import Estimate
    from amparo.prevalence.table import all_pairs

    chosen = stepwise(table, threshold=threshold)
    boot = bca(table, threshold=threshold, replicates=replicates, seed=seed)
    warnings = []
    if boot.lost:
        warnings.append(f"In {boot.lost} of {replicates} bootstrap samples no estimate exists.")
    if chosen.never_together:
        names = ", ".join(table.pair_names([(e[0], e[1]) for e in chosen.never_together]))
        warnings.append(f"Nobody is on both lists of {names}; their effect is taken as minus infinity.")
    often = {
        table.pair_names([pair])[0]: f"{share:.0%}"
        for pair, share in zip(all_pairs(len(table.lists)), boot.pairs_chosen, strict=True)
        if share >= 0.5
    }
    return Estimate(
        method="Stepwise log-linear",
        estimate=chosen.estimate,
        observed=table.observed,
        intervals={level: boot.interval(level) for level in levels},
        model=chosen.model.words(table),
        source="Chan, Silverman & Vincent 2021; BCa bootstrap, Efron 1987",
        diagnostics={
            "threshold": threshold,
            "AIC": chosen.aic,
            "BIC": chosen.bic,
            "bootstrap replicates": len(boot.replicates),
            "effects chosen in half of the replicates or more": often or "none",
        },
        warnings=tuple(warnings),
        seed=seed,
    )


def _of_fit(found: object, levels: Sequence[float], warnings: tuple[str, ...]) -> Estimate:
    from amparo.prevalence.loglinear import Fit
    from amparo.prevalence.profile import profile_interval
    from amparo.prevalence.result import Estimate

    assert isinstance(found, Fit)
    return Estimate(
        method="Log-linear, best by BIC",
        estimate=found.estimate,
        observed=found.table.observed,
        intervals={level: profile_interval(found, level=level) for level in levels},
        model=found.model.words(found.table),
        source="Baillargeon & Rivest 2007; profile likelihood, Cormack 1992",
        diagnostics={"AIC": found.aic, "BIC": found.bic, "standard error": found.standard_error},
        warnings=warnings,
    )
