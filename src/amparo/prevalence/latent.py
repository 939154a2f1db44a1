"""Latent classes with a Dirichlet process prior: persons differ, and the lists are independent within a class.

The posterior is that of Manrique-Vallier (2016), from which the R package LCMCR draws by Gibbs sampling: the classes
of all persons and the number of the unseen given the parameters, then the parameters given those. As most persons are
unseen, a sweep moves the parameters little, and one independent draw takes hundreds of sweeps.

Here the persons are summed out. Under the prior 1/N the seen persons are multinomial over the histories that can be
seen, with probabilities p(h) / (1 - p(0)), whatever N; N follows afterwards. What is left is a smooth density of class
weights and capture chances, on the logit scale, whose gradient costs one pass over the table: Hamiltonian
trajectories cross it from end to end. The Gibbs sweep after each trajectory draws N, the concentration of the prior
and the parameters of classes that hold nobody, and lets classes trade places. Both leave the posterior as it is.

Many chains run side by side as arrays, so that convergence is judged between chains (R-hat) and no time is lost on
interpretation.

Source: Manrique-Vallier (2016), Bayesian population size estimation using Dirichlet process mixtures, Biometrics 72,
1246-1254; Neal (2011), MCMC using Hamiltonian dynamics, in the Handbook of Markov Chain Monte Carlo, ch. 5; R-hat and
effective sample size: Vehtari et al. (2021), Bayesian Anal. 16, 667-718.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri

from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable
from amparo.standard.errors import AmparoError

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
LEVELS = (0.5, 0.8, 0.95)
MET, ENOUGH = 1.01, 400.0
"""R-hat at which chains count as met, and effective draws asked (Vehtari et al. 2021, sec. 4)."""
ROUNDS = 5
"""How often, twice as long each time, a sample is drawn until the chains have met."""
ACCEPTED = 0.8
"""Share of trajectories that the step size is set to have accepted (Neal 2011, sec. 4.4; a little above his 0.65)."""
STEP = 2.5
"""The step in logits, times the root of the persons seen, from which burn-in sets out to find the right one."""
LENGTH = 3.0
"""Length of a trajectory in logits: the uniform prior of a chance has a standard deviation of 1.8 on this scale."""


def latent_classes(
    table: CaptureTable,
    *,
    levels: Sequence[float] = LEVELS,
    classes: int = 10,
    concentration: tuple[float, float] = (0.25, 0.25),
    chains: int = 32,
    burn_in: int = 5_000,
    draws: int = 200,
    thin: int | None = None,
    seed: int,
) -> Estimate:
    """The posterior of the population under the latent class model.

    When the chains have not met after ``draws``, these count as burn-in too and twice as many are drawn, and so on
    for five rounds. What is amiss even then is said in a warning.

    Parameters
    ----------
    classes : truncation of the stick-breaking prior.
    concentration : shape and rate of the gamma prior of its concentration.
    chains, draws : run side by side, and draws from each.
    burn_in : steps, each a pass over the table, until the first draw; they also find the step size.
    thin : steps from one draw to the next, which make one trajectory; by default as many as lead about LENGTH far.

    Raises
    ------
    AmparoError : there are too few chains or draws to tell whether the chains have met.
    """
    if chains < 2 or draws < 8:
        raise AmparoError(
            f"{draws} draws from {chains} chains cannot tell whether the chains have met.",
            remedy="Take 2 chains and 8 draws or more.",
        )
    random = np.random.default_rng(seed)
    model = model_of(table, classes, concentration)
    thin = thin or steps_between_draws(table)
    chain, step = _burn_in(model, start(model, chains, random), thin, max(1, burn_in // thin), random)
    for number in range(ROUNDS):
        chain, sample = _draw(model, chain, step, thin, draws * 2**number, random)
        r_hat, effective = diagnostics(sample)
        if r_hat <= MET and effective >= ENOUGH:
            break
    warnings = []
    if r_hat > MET:
        warnings.append(f"The chains have not met (R-hat {r_hat:.3f}, asked {MET}): draw longer before you publish.")
    if effective < ENOUGH:
        warnings.append(f"The sample is worth {effective:.0f} independent draws, asked {ENOUGH:.0f}.")
    tails = {level: np.quantile(sample, [(1 - level) / 2, (1 + level) / 2]) for level in levels}
    return Estimate(
        method="Latent classes",
        estimate=float(np.median(sample)),
        observed=table.observed,
        intervals={level: (float(low), float(high)) for level, (low, high) in tails.items()},
        model=f"up to {classes} classes of persons; lists independent within a class",
        source="Manrique-Vallier 2016",
        diagnostics={
            "R-hat": r_hat,
            "effective sample size": effective,
            "chains": chains,
            "draws per chain": len(sample),
        },
        warnings=tuple(warnings),
        seed=seed,
    )


@dataclass(frozen=True)
class Model:
    """The table and the prior.

    Attributes
    ----------
    histories : shape (histories, lists + 1) of 0 and 1; row 0 is the history of the unseen, the last column is 1.
    counts : shape (tables, histories - 1), persons of each seen history; one table for all chains, or one for each.
    classes, shape, rate : of the prior, see :func:`latent_classes`.
    """

    histories: Floats
    counts: Counts
    classes: int
    shape: float
    rate: float


class Chains(NamedTuple):
    """Where the chains are.

    ``logit`` has shape (classes, chains, lists + 1): the logits of the capture chances and, in the last column, of
    the share that a class takes of the stick; the last class takes all that is left, its logit there is 0 and idle.
    ``concentration`` has shape (chains,).
    """

    logit: Floats
    concentration: Floats


def model_of(table: CaptureTable, classes: int, concentration: tuple[float, float]) -> Model:
    """The model of one table; histories that nobody has do not enter it."""
    seen = np.flatnonzero(table.counts)
    histories = np.vstack([np.zeros(len(table.lists), dtype=np.int64), table.histories[seen]])
    augmented = np.hstack([histories, np.ones((len(histories), 1))])
    return Model(augmented, table.counts[seen].astype(np.int64)[None], classes, *concentration)


def steps_between_draws(table: CaptureTable) -> int:
    """The steps that lead about LENGTH logits far: a step must shrink with the root of the persons seen."""
    return max(1, round(LENGTH / STEP * math.sqrt(table.observed)))


def start(model: Model, chains: int, random: np.random.Generator) -> Chains:
    """Chains that start apart: weights from the prior, chances spread around the observed shares; then some sweeps."""
    lists = model.histories.shape[1] - 1
    shares = (model.counts @ model.histories[1:, :-1]).sum(axis=0) / model.counts.sum()
    logit = np.zeros((model.classes, chains, lists + 1))
    chance = np.clip(random.beta(1 + 4 * shares, 5 - 4 * shares, size=logit[:, :, :-1].shape), 1e-6, 1 - 1e-6)
    logit[:, :, :-1] = np.log(chance) - np.log1p(-chance)
    logit[:-1, :, -1] = random.logistic(size=(model.classes - 1, chains))
    chain = Chains(logit, np.ones(chains))
    for _ in range(20):
        chain, _ = sweep(model, chain, random)
    return chain


def _burn_in(
    model: Model, chain: Chains, steps: int, trajectories: int, random: np.random.Generator
) -> tuple[Chains, float]:
    """The chains after burn-in, and the step size at which ``ACCEPTED`` of the trajectories are accepted.

    Source: Robbins-Monro averaging over the second half, Andrieu & Thoms (2008), Stat. Comput. 18, sec. 4.
    """
    log_step = np.empty(trajectories + 1)
    log_step[0] = np.log(STEP / np.sqrt(model.counts.sum(axis=1).max()))
    for number in range(trajectories):
        chain, accepted = trajectory(model, chain, float(np.exp(log_step[number])), steps, random)
        chain, _ = sweep(model, chain, random)
        log_step[number + 1] = log_step[number] + (accepted.mean() - ACCEPTED) / np.sqrt(number + 1)
    return chain, float(np.exp(log_step[(trajectories + 1) // 2 :].mean()))


def _draw(
    model: Model, chain: Chains, step: float, steps: int, draws: int, random: np.random.Generator
) -> tuple[Chains, Floats]:
    """The chains after the draws, and population sizes of shape (draws, chains)."""
    sample = np.empty((draws, chain.logit.shape[1]))
    for number in range(draws):
        chain, _ = trajectory(model, chain, step, steps, random)
        chain, sample[number] = sweep(model, chain, random)
    return chain, sample


def trajectory(
    model: Model, chain: Chains, step: float, steps: int, random: np.random.Generator
) -> tuple[Chains, Floats]:
    """A Hamiltonian move of weights and chances given the concentration, and the probability that each chain took it.

    Step size (by chain) and number of steps are drawn within two fifths and one half of what is given, so that no
    trajectory runs in a circle.

    Source: Neal (2011), fig. 2 and sec. 3.2.
    """
    size = step * random.uniform(0.6, 1.4, size=(chain.logit.shape[1], 1))
    steps = int(random.integers((steps + 1) // 2, steps + steps // 2 + 1))
    momentum = random.standard_normal(chain.logit.shape)
    momentum[-1, :, -1] = 0
    logit = chain.logit.copy()
    with np.errstate(all="ignore"):  # a trajectory that leaves the range of numbers is refused
        density, gradient = log_density(model, chain)
        before = density - (momentum**2).sum(axis=(0, 2)) / 2
        momentum += size / 2 * gradient
        for left in reversed(range(steps)):
            logit += size * momentum
            density, gradient = log_density(model, Chains(logit, chain.concentration))
            gradient *= size if left else size / 2
            momentum += gradient
        gain = density - (momentum**2).sum(axis=(0, 2)) / 2 - before
    accept = np.exp(np.minimum(0.0, np.where(np.isfinite(gain), gain, -np.inf)))
    taken = random.random(len(accept)) < accept
    return chain._replace(logit=np.where(taken[:, None], logit, chain.logit)), accept


def log_density(model: Model, chain: Chains) -> tuple[Floats, Floats]:
    """Log density of the logits given concentration and table, up to a constant, and its gradient.

    With the persons summed out, the gradient is that of the density in which everybody's class is known, at the
    expected number of persons in each class: Fisher's identity.
    """
    chance, log_chance, log_not, joint = _mixture(model, chain.logit)
    probability = joint.sum(axis=0)
    seen, persons = 1 - probability[:, 0], model.counts.sum(axis=1)
    density = (model.counts * np.log(probability[:, 1:])).sum(axis=1) - persons * np.log(seen)
    density += (log_chance + log_not).sum(axis=(0, 2)) + (chain.concentration - 1) * log_not[:, :, -1].sum(axis=0)
    per_chance = np.empty_like(probability)
    np.divide(model.counts, probability[:, 1:], out=per_chance[:, 1:])
    np.divide(persons, seen, out=per_chance[:, 0])
    joint *= per_chance  # now the expected persons by class, chain and history
    gradient = _by_rows(joint, model.histories)
    size = gradient[:, :, -1:].copy()
    trials = np.broadcast_to(size + 2, gradient.shape).copy()
    trials[:, :, -1] = size[::-1, :, 0].cumsum(axis=0)[::-1] + chain.concentration + 1
    trials *= chance
    gradient += 1
    gradient -= trials
    gradient[-1, :, -1] = 0
    return density, gradient


def _mixture(model: Model, logit: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Chances, their logs, the logs of their complements, and the chance of each class and history.

    Shapes (classes, chains, lists + 1), and (classes, chains, histories) for the last. The last class takes all that
    is left of the stick.
    """
    chance = 1 / (1 + np.exp(-logit))
    log_chance = np.log(chance)
    log_not = log_chance - logit
    log_chance[-1, :, -1] = log_not[-1, :, -1] = 0
    weight = logit.copy()
    weight[:, :, -1] = log_chance[:, :, -1] + log_not[:, :, :-1].sum(axis=2)
    weight[1:, :, -1] += log_not[:-1, :, -1].cumsum(axis=0)
    return chance, log_chance, log_not, np.exp(_by_rows(weight, np.ascontiguousarray(model.histories.T)))


def _by_rows(array: Floats, matrix: Floats) -> Floats:
    """``array @ matrix`` as one product instead of one for each class."""
    product = array.reshape(-1, array.shape[2]) @ matrix
    return product.reshape(*array.shape[:2], -1)


def sweep(model: Model, chain: Chains, random: np.random.Generator) -> tuple[Chains, Floats]:
    """A Gibbs sweep; the chains after it, and the population sizes drawn for the chains before it.

    Source: Manrique-Vallier (2016), sec. 4 and supplement.
    """
    with np.errstate(over="ignore", divide="ignore"):
        joint = _mixture(model, chain.logit)[-1]
    probability = joint.sum(axis=0)
    persons = model.counts.sum(axis=1)
    unseen = random.negative_binomial(persons, np.clip(1 - probability[:, 0], 1e-9, 1.0))
    everybody = np.column_stack([unseen, np.broadcast_to(model.counts, (len(unseen), model.counts.shape[1]))])
    split = random.multinomial(everybody, np.moveaxis(joint / probability, 0, 2))
    caught, size = np.moveaxis(split, 2, 0) @ model.histories[:, :-1], split.sum(axis=1).T
    logit = np.zeros_like(chain.logit)
    logit[:, :, :-1] = _log_gamma(random, 1 + caught) - _log_gamma(random, 1 + size[:, :, None] - caught)
    later = size[::-1].cumsum(axis=0)[::-1][1:]
    concentration = _concentration(model, chain.concentration, size[:-1], later, random)
    logit[:-1, :, -1] = _log_gamma(random, 1.0 + size[:-1]) - _log_gamma(random, concentration + later)
    logit, log_last = _relabel(model, logit, random)
    concentration = random.gamma(model.shape + model.classes - 1, 1 / (model.rate - log_last))
    return Chains(logit, concentration), (persons + unseen).astype(np.float64)


def _concentration(
    model: Model, concentration: Floats, size: Counts, later: Counts, random: np.random.Generator
) -> Floats:
    """The concentration after Metropolis steps given how many persons are in each class but the last, and behind it.

    The shares are integrated out: where one class holds everybody, they pin the concentration to where it is, though
    the prior of its logarithm is wide; steps of 3 cross that.

    Source: the integral of share(k) ** size(k) * (1 - share(k)) ** later(k) over Beta(1, concentration).
    """

    def density(log: Floats) -> Floats:
        value = np.exp(log)
        shares = log + gammaln(value + later) - gammaln(1 + size + value + later)
        return np.asarray(model.shape * log - model.rate * value + shares.sum(axis=0))

    log = np.log(concentration)
    here = density(log)
    for _ in range(4):
        offer = log + 3 * random.standard_normal(len(log))
        there = density(offer)
        taken = np.log1p(-random.random(len(log))) < there - here
        log, here = np.where(taken, offer, log), np.where(taken, there, here)
    return np.asarray(np.exp(log))


def _log_gamma(random: np.random.Generator, shape: Floats) -> Floats:
    """Logs of standard gamma draws, right for shapes so small that the draws themselves are 0 to the computer.

    Source: Stuart's identity, gamma(a) = gamma(a + 1) * uniform ** (1 / a); Devroye (1986), ch. IX.3.
    """
    return np.asarray(np.log(random.standard_gamma(shape + 1)) - random.standard_exponential(shape.shape) / shape)


def _relabel(model: Model, logit: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The logits after random pairs of classes have offered to trade places, and the log weight of the last class.

    A class keeps weight and chances, so that nothing changes but the prior of the weights, in which the order counts.
    With the concentration integrated out, and R(k) the weight of class k and all behind it, their density is
    proportional to (rate - log R(K)) ** -(shape + K - 1) / (R(1) ... R(K)).

    Source: label moves for stick-breaking priors, Papaspiliopoulos & Roberts (2008), Biometrika 95, 169-186, sec. 3.4;
    the density follows from R(k + 1) = R(k) (1 - share(k)), share(k) being Beta(1, concentration).
    """
    classes, chains = logit.shape[:2]
    column = np.arange(chains)

    def prior(log_weights: Floats) -> tuple[Floats, Floats]:
        rest = np.logaddexp.accumulate(log_weights[::-1], axis=0)[::-1]
        return rest, -rest.sum(axis=0) - (model.shape + classes - 1) * np.log(model.rate - log_weights[-1])

    log_weights = -np.logaddexp(0, -logit[:, :, -1])
    log_weights[-1] = 0
    log_weights[1:] -= np.logaddexp(0, logit[:-1, :, -1]).cumsum(axis=0)
    order = np.tile(np.arange(classes)[:, None], (1, chains))
    rest, density = prior(log_weights)
    for _ in range(classes):
        one = random.integers(classes, size=(chains,))
        other = (one + random.integers(1, classes, size=(chains,))) % classes
        swapped = log_weights.copy()
        swapped[one, column], swapped[other, column] = log_weights[other, column], log_weights[one, column]
        new_rest, new_density = prior(swapped)
        taken = np.log1p(-random.random(chains)) < new_density - density
        log_weights, rest = np.where(taken, swapped, log_weights), np.where(taken, new_rest, rest)
        density = np.where(taken, new_density, density)
        t = np.flatnonzero(taken)
        order[one[t], t], order[other[t], t] = order[other[t], t], order[one[t], t]
    moved = np.take_along_axis(logit, order[:, :, None], axis=0)
    moved[:-1, :, -1] = log_weights[:-1] - rest[1:]
    moved[-1, :, -1] = 0
    return moved, log_weights[-1]


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
