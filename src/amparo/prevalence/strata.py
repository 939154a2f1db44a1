"""Estimates by stratum, such as sex, age or form, that say what they share.

All strata have one model: each has its own size and its own chance to be on each list; the effects between
lists are common to all. A stratum too small to tell its own effects thus borrows them from the others, and the
strata add up to the total by construction.

Source: Bishop, Fienberg & Holland (1975), Discrete Multivariate Analysis, sec. 6.4 (homogeneous interactions over
strata); Sekar & Deming (1949), JASA 44, 101-115 (why strata).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from amparo.prevalence.bootstrap import Bootstrap
from amparo.prevalence.existence import exists, identifiable
from amparo.prevalence.loglinear import Model, stepwise
from amparo.prevalence.newton import Design, design, fit_batch
from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable, pooled
from amparo.standard.errors import AmparoError

LEVELS = (0.5, 0.8, 0.95)
SMALL_OVERLAP = 5
"""Below this many persons on two lists or more, a stratum says little of its own."""


@dataclass(frozen=True)
class Strata:
    """Estimates by stratum, and their total."""

    estimates: Mapping[tuple[str, ...], Estimate]
    total: Estimate


def by_strata(
    tables: Mapping[tuple[str, ...], CaptureTable],
    *,
    threshold: float = 0.02,
    levels: Sequence[float] = LEVELS,
    replicates: int = 500,
    seed: int,
) -> Strata:
    """Estimate every stratum under one model with common effects between lists.

    Parameters
    ----------
    tables : capture tables over the same lists.
    threshold : of the stepwise choice of the common effects, made on all strata together.
    replicates, seed : of the bootstrap, which draws the persons of each stratum anew and fits the model again.

    Raises
    ------
    AmparoError : the lists differ, or the common model has no estimate.
    """
    names = list(tables)
    if len({tables[name].lists for name in names}) != 1:
        raise AmparoError("The strata have different lists.", remedy="Give every stratum the same lists.")
    whole = pooled(tables)
    model = stepwise(whole, threshold=threshold).model
    shared, cells = _common_design(whole, model, len(names))
    counts = np.concatenate([tables[name].counts[1:] for name in names])
    random = np.random.default_rng(seed)
    drawn = np.hstack(
        [
            random.multinomial(table.observed, table.counts[1:] / table.observed, size=replicates)
            for table in tables.values()
        ]
    ).astype(np.float64)
    matrix = shared.matrix[cells]
    if not (identifiable(matrix) and exists(matrix, counts[cells])):
        raise AmparoError(
            f"The common model ({model.words(whole)}) has no estimate in some stratum.",
            remedy="Merge strata, or lists that hardly meet in one of them.",
        )
    # A replicate in which a pair never meets has that effect at minus infinity, as in the stepwise choice.
    samples = np.vstack([counts[None], drawn])
    parameters = samples @ shared.matrix > 0
    covered = cells & ~(~parameters @ shared.matrix.T.astype(np.bool_))
    fits = fit_batch(shared, samples, parameters, covered)
    usable = fits.certified
    unseen = np.exp(fits.coefficients[:, : len(names)])
    sizes = unseen + np.array([tables[name].observed for name in names])
    estimates = {}
    words = f"{model.words(whole)}, common to all strata; size and lists' chances of its own"
    for k, name in enumerate(names):
        estimates[name] = _estimate(
            sizes[:, k], usable, tables[name].observed, words, levels, seed, _warnings(tables[name])
        )
    total = _estimate(sizes.sum(axis=1), usable, whole.observed, words, levels, seed, ())
    return Strata(estimates, total)


def _common_design(whole: CaptureTable, model: Model, strata: int) -> tuple[Design, np.ndarray]:
    """Design over all strata: an intercept each, list effects each, then the common effects; and what it covers."""
    single = design(len(whole.lists), max(2, model.order))
    column = {frozenset(term): k for k, term in enumerate(single.terms)}
    together = whole.counts[1:] @ single.matrix
    effects = [column[effect] for effect in sorted(model.effects, key=sorted)]
    finite = [k for k in effects if together[k]]
    cells = np.ones(len(single.matrix), dtype=np.bool_)
    for k in effects:
        if not together[k]:
            cells &= single.matrix[:, k] == 0
    each = np.eye(strata)
    lists = single.matrix[:, 1 : 1 + len(whole.lists)]
    matrix = np.hstack(
        [
            np.kron(each, np.ones((len(lists), 1))),
            np.kron(each, lists),
            np.tile(single.matrix[:, finite], (strata, 1)),
        ]
    )
    products = (matrix[:, :, None] * matrix[:, None, :]).reshape(len(matrix), -1)
    terms = tuple((k,) for k in range(matrix.shape[1]))
    return Design(len(whole.lists), terms, matrix, products), np.tile(cells, strata)


def _estimate(
    sizes: np.ndarray,
    usable: np.ndarray,
    observed: int,
    words: str,
    levels: Sequence[float],
    seed: int,
    warnings: tuple[str, ...],
) -> Estimate:
    boot = Bootstrap(float(sizes[0]), sizes[1:][usable[1:]], 0.0, np.empty(0), int((~usable[1:]).sum()))
    return Estimate(
        method="Log-linear, common effects",
        estimate=float(sizes[0]),
        observed=observed,
        intervals={level: boot.interval(level) for level in levels},
        model=words,
        source="Bishop, Fienberg & Holland 1975; bias-corrected bootstrap, Efron 1987",
        diagnostics={"bootstrap replicates": len(boot.replicates), "replicates without estimate": boot.lost},
        warnings=warnings,
        seed=seed,
    )


def _warnings(table: CaptureTable) -> tuple[str, ...]:
    overlap = int(table.counts[table.histories.sum(axis=1) > 1].sum())
    if overlap < SMALL_OVERLAP:
        return (f"Only {overlap} persons here are on two lists: the estimate rests on the other strata.",)
    return ()
