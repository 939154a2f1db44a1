"""Latent classes with a Dirichlet process prior: persons differ, and the lists are independent within a class.

Blocked Gibbs sampling of a truncated stick-breaking mixture; the unseen are drawn with the parameters. Many
chains run side by side as arrays, so that convergence is judged between chains (R-hat) and no time is lost on
interpretation.

Source: Manrique-Vallier (2016), Bayesian population size estimation using Dirichlet process mixtures,
Biometrics 72, 1246-1254; R-hat and effective sample size: Vehtari et al. (2021), Bayesian Anal. 16, 667-718.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable

Floats = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)


def latent_classes(
    table: CaptureTable,
    *,
    levels: Sequence[float] = LEVELS,
    classes: int = 10,
    concentration: tuple[float, float] = (0.25, 0.25),
    chains: int = 32,
    burn_in: int = 4000,
    draws: int = 500,
    thin: int = 20,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Estimate:
    """The posterior of the population under the latent class model.

    Parameters
    ----------
    classes : truncation of the stick-breaking prior.
    concentration : shape and rate of the gamma prior of its concentration.
    chains, burn_in, draws, thin : of the sampler; per chain ``burn_in + draws * thin`` sweeps.
    progress : told sweeps done and in all.
    """
    sample = _sample(table, classes, concentration, chains, burn_in, draws, thin, np.random.default_rng(seed), progress)
    r_hat, effective = diagnostics(sample)
    pooled = sample.ravel()
    warnings = []
    if r_hat > 1.01:
        warnings.append(f"The chains have not met (R-hat {r_hat:.3f}, asked 1.01): draw longer before you publish.")
    if effective < 400:
        warnings.append(f"The sample is worth {effective:.0f} independent draws, asked 400.")
    tails = {level: np.quantile(pooled, [(1 - level) / 2, (1 + level) / 2]) for level in levels}
    return Estimate(
        method="Latent classes",
        estimate=float(np.median(pooled)),
        observed=table.observed,
        intervals={level: (float(low), float(high)) for level, (low, high) in tails.items()},
        model=f"up to {classes} classes of persons; lists independent within a class",
        source="Manrique-Vallier 2016",
        diagnostics={"R-hat": r_hat, "effective sample size": effective, "chains": chains, "draws per chain": draws},
        warnings=tuple(warnings),
        seed=seed,
    )


def _sample(
    table: CaptureTable,
    classes: int,
    concentration: tuple[float, float],
    chains: int,
    burn_in: int,
    draws: int,
    thin: int,
    random: np.random.Generator,
    progress: Callable[[int, int], None] | None,
) -> Floats:
    """Population sizes, shape (draws, chains)."""
    seen_cells = np.flatnonzero(table.counts)
    history = table.histories[seen_cells].astype(np.float64)
    counts = table.counts[seen_cells].astype(np.int64)
    seen = table.observed
    shape, rate = concentration
    # Chains start apart: class weights from the prior, capture chances spread around the observed shares.
    shares = counts @ history / seen
    weights = random.dirichlet(np.ones(classes), size=chains)
    chance = np.clip(random.beta(1 + 4 * shares, 5 - 4 * shares, size=(chains, classes, len(shares))), 1e-6, 1 - 1e-6)
    alpha = np.ones(chains)
    unseen_class = np.zeros((chains, classes), dtype=np.int64)
    out = np.empty((draws, chains))
    sweeps = burn_in + draws * thin
    cell_counts = np.broadcast_to(counts, (chains, len(counts)))
    for sweep in range(sweeps):
        log_yes, log_no = np.log(chance), np.log1p(-chance)
        base = np.log(np.maximum(weights, 1e-300)) + log_no.sum(axis=2)
        logit = base[:, None, :] + np.swapaxes((log_yes - log_no) @ history.T, 1, 2)
        share = np.exp(logit - logit.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        split = random.multinomial(cell_counts, share)
        caught = np.swapaxes(split, 1, 2) @ history
        size = split.sum(axis=1) + unseen_class
        caught, size = _swap_labels(random, caught, size, weights)
        chance = np.clip(random.beta(1 + caught, 1 + size[:, :, None] - caught), 1e-12, 1 - 1e-12)
        later = (size[:, ::-1].cumsum(axis=1)[:, ::-1] - size)[:, :-1]
        stick = np.log(np.maximum(random.standard_gamma(1.0 + size[:, :-1]), 1e-300))
        rest = np.log(np.maximum(random.standard_gamma(alpha[:, None] + later), 1e-300))
        both = np.logaddexp(stick, rest)
        log_weights = np.concatenate([np.zeros((chains, 1)), (rest - both).cumsum(axis=1)], axis=1)
        log_last = log_weights[:, -1].copy()
        log_weights[:, :-1] += stick - both
        weights = np.exp(log_weights)
        missed = weights * np.prod(1 - chance, axis=2)
        all_missed = missed.sum(axis=1)
        unseen = random.negative_binomial(seen, np.clip(1 - all_missed, 1e-9, 1.0))
        unseen_class = random.multinomial(unseen, missed / all_missed[:, None])
        alpha = random.gamma(shape + classes - 1, 1 / (rate - log_last))
        if sweep >= burn_in and (sweep - burn_in) % thin == thin - 1:
            out[(sweep - burn_in) // thin] = seen + unseen
        if progress and sweep % 100 == 0:
            progress(sweep, sweeps)
    return out


def _swap_labels(
    random: np.random.Generator, caught: Floats, size: NDArray[np.int64], weights: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Exchange the members of two random classes of each chain, a Metropolis move of probability one half or so.

    Stick-breaking weights are ordered, so that single members move between labels slowly.

    Source: Papaspiliopoulos & Roberts (2008), Biometrika 95, 169-186, sec. 3.4.
    """
    chains, classes = size.shape
    row = np.arange(chains)
    one = random.integers(classes, size=(chains,))
    other = (one + random.integers(1, classes, size=(chains,))) % classes
    log_ratio = (size[row, other] - size[row, one]) * (
        np.log(np.maximum(weights[row, one], 1e-300)) - np.log(np.maximum(weights[row, other], 1e-300))
    )
    taken = np.flatnonzero(np.log(random.random(chains)) < log_ratio)
    order = np.tile(np.arange(classes), (chains, 1))
    order[taken, one[taken]], order[taken, other[taken]] = other[taken], one[taken]
    return np.take_along_axis(caught, order[:, :, None], axis=1), np.take_along_axis(size, order, axis=1)


def diagnostics(sample: Floats) -> tuple[float, float]:
    """Rank-normalised split R-hat and bulk effective sample size of draws of shape (draws, chains)."""
    from scipy.stats import rankdata  # slow to load, and no other method needs it

    half = len(sample) // 2
    split = np.concatenate([sample[:half], sample[half : 2 * half]], axis=1)
    ranks = rankdata(split.ravel()).reshape(split.shape)
    scores = ndtri((ranks - 0.375) / (split.size + 0.25))
    draws, chains = scores.shape
    within = scores.var(axis=0, ddof=1).mean()
    between = draws * scores.mean(axis=0).var(ddof=1)
    total = (draws - 1) / draws * within + between / draws
    centred = scores - scores.mean(axis=0)
    transformed = np.fft.rfft(centred, n=2 * draws, axis=0)
    autocovariance = np.fft.irfft(transformed * transformed.conj(), axis=0)[:draws].mean(axis=1) / draws
    correlation = 1 - (within - autocovariance * draws / (draws - 1)) / total
    correlation[0] = 1.0
    # Geyer (1992): sum pairs of neighbouring lags for as long as they are positive and falling.
    pairs = correlation[: 2 * (draws // 2)].reshape(-1, 2).sum(axis=1)
    positive = np.flatnonzero(pairs <= 0)
    pairs = np.minimum.accumulate(pairs[: positive[0] if len(positive) else len(pairs)])
    time = max(2 * pairs.sum() - 1, 1 / np.log10(draws * chains))
    return float(np.sqrt(total / within)), float(draws * chains / time)
