"""Bayesian averaging over decomposable graphical models.

Every decomposable graph over the lists is a model; with hyper-Dirichlet priors its marginal likelihood given
the number of unseen persons has a closed form, so that the posterior over models and numbers is computed, not
sampled. A graph's likelihood is a product over its cliques divided by one over its separators, so that only
2**lists terms depend on the number of unseen persons; they are computed once and shared by all models.

Source: Madigan & York (1997), Bayesian methods for estimation of the size of a closed population, Biometrika
84, 19-31; Lum, Price & Banks (2013), American Statistician 67, 191-200.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable, all_pairs
from amparo.standard.errors import AmparoError

Floats = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)
MOST_LISTS = 5
NEGLIGIBLE = 32.0
"""Models whose best weight is below exp(-32) of the best model's, 1e-14 of it, add nothing that a digit shows."""


@dataclass(frozen=True)
class Graphs:
    """All decomposable graphs over some lists: ``weights`` (graphs, 2**lists) holds +1 for each clique and -1
    for each separator, as sets of lists in bits; ``edges`` the pairs that each graph joins."""

    weights: Floats
    edges: tuple[tuple[tuple[int, int], ...], ...]


@cache
def decomposable_graphs(lists: int) -> Graphs:
    """Every decomposable graph over ``lists`` lists (8 for 3, 61 for 4, 822 for 5)."""
    pairs = all_pairs(lists)
    weights, edges = [], []
    for index in range(2 ** len(pairs)):
        joined = tuple(pair for k, pair in enumerate(pairs) if index >> k & 1)
        row = _factorisation(lists, joined)
        if row is not None:
            weights.append(row)
            edges.append(joined)
    return Graphs(np.array(weights), tuple(edges))


def _factorisation(lists: int, edges: Sequence[tuple[int, int]]) -> Floats | None:
    """Cliques and separators by maximum cardinality search; None when the graph is not decomposable.

    Source: Tarjan & Yannakakis (1984), SIAM J. Comput. 13, 566-579.
    """
    neighbours = [0] * lists
    for i, j in edges:
        neighbours[i] |= 1 << j
        neighbours[j] |= 1 << i
    weights = np.zeros(2**lists)
    visited = 0
    for _ in range(lists):
        open_lists = [i for i in range(lists) if not visited >> i & 1]
        chosen = max(open_lists, key=lambda i: (neighbours[i] & visited).bit_count())
        before = neighbours[chosen] & visited
        if any(before >> i & 1 and before & ~neighbours[i] != 1 << i for i in range(lists)):
            return None
        weights[before | 1 << chosen] += 1
        weights[before] -= 1
        visited |= 1 << chosen
    return weights


def decomposable(
    table: CaptureTable,
    *,
    levels: Sequence[float] = LEVELS,
    prior_count: float | None = None,
    most_unseen: int | None = None,
) -> Estimate:
    """The posterior of the population, averaged over all decomposable graphs.

    Parameters
    ----------
    table : two to five lists.
    prior_count : Dirichlet prior count of each cell; without it 2**-lists.
    most_unseen : largest number of unseen persons considered; without it 30 times the seen. The prior of the
        population is proportional to its inverse.

    Returns
    -------
    The posterior median and central intervals. A warning says when the bound on the unseen matters.

    Raises
    ------
    AmparoError : more than five lists.
    """
    lists = len(table.lists)
    if lists > MOST_LISTS:
        raise AmparoError(
            f"Averaging over decomposable graphs takes at most {MOST_LISTS} lists, not {lists}.",
            remedy="Merge lists, or use latent classes.",
        )
    prior = prior_count if prior_count is not None else 2.0**-lists
    seen = table.observed
    bound = most_unseen if most_unseen is not None else 30 * seen
    graphs = decomposable_graphs(lists)
    terms = _Terms.of(table, prior)
    coarse = np.unique(np.concatenate([np.arange(1, min(bound, 50) + 1), np.geomspace(1, bound, 400).astype(int)]))
    best = terms.log_posterior(graphs.weights, coarse).max(axis=1)
    kept = np.flatnonzero(best > best.max() - NEGLIGIBLE)
    unseen = np.arange(1, bound + 1)
    log_weights = terms.log_posterior(graphs.weights[kept], unseen)
    log_weights -= log_weights.max()
    weights = np.exp(log_weights, out=log_weights)
    weights /= weights.sum()
    posterior = weights.sum(axis=0)
    cumulative = np.cumsum(posterior)

    def quantile(probability: float) -> float:
        return float(seen + unseen[min(int(np.searchsorted(cumulative, probability)), bound - 1)])

    model_weights = weights.sum(axis=1)
    top = int(kept[int(model_weights.argmax())])
    cut = float(posterior[-max(1, bound // 100) :].sum())
    return Estimate(
        method="Decomposable graphs",
        estimate=quantile(0.5),
        observed=seen,
        intervals={level: (quantile((1 - level) / 2), quantile((1 + level) / 2)) for level in levels},
        model=f"average over {len(graphs.edges)} decomposable graphs",
        source="Madigan & York 1997",
        diagnostics={
            "best graph": ", ".join(table.pair_names(graphs.edges[top])) or "no edges (independent lists)",
            "its weight": float(model_weights.max()),
            "posterior mean": float(seen + unseen @ posterior),
            "prior count per cell": float(prior),
        },
        warnings=(
            f"{cut:.1%} of the posterior lies at the bound of {bound:,} unseen persons, and so does the upper limit.",
        )
        if cut > 0.001
        else (),
    )


@dataclass(frozen=True)
class _Terms:
    """What the marginal likelihoods are made of, by set of lists: a constant, and the cell that grows."""

    seen: int
    constant: Floats
    nowhere: Floats
    prior: Floats

    @classmethod
    def of(cls, table: CaptureTable, prior: float) -> _Terms:
        size = len(table.counts)
        index = np.arange(size)
        constant, nowhere, priors = np.zeros(size), np.zeros(size), np.zeros(size)
        for subset in range(size):
            cells = 2 ** subset.bit_count()
            priors[subset] = prior * size / cells
            marginal = np.bincount(index & subset, weights=table.counts, minlength=size)
            inside = index[(index & ~subset) == 0]
            nowhere[subset] = marginal[0]
            constant[subset] = gammaln(marginal[inside[1:]] + priors[subset]).sum() - cells * gammaln(priors[subset])
        return cls(table.observed, constant, nowhere, priors)

    def log_posterior(self, weights: Floats, unseen: NDArray[np.int64]) -> Floats:
        """Unnormalised log posterior of each graph at each number of unseen persons; shape (graphs, numbers).

        The empty separator stands for the normalising gamma functions of each connected part.
        """
        used = np.flatnonzero(weights.any(axis=0))
        growing = np.stack([gammaln(self.nowhere[k] + unseen + self.prior[k]) for k in used])
        total = self.seen + unseen
        shared = gammaln(total + 1.0) - gammaln(unseen + 1.0) - np.log(total)
        log_posterior: Floats = weights[:, used] @ growing
        # In place: the array is hundreds of megabytes, and each copy of it costs more than the product.
        log_posterior += (weights @ self.constant)[:, None]
        log_posterior += shared
        return log_posterior
