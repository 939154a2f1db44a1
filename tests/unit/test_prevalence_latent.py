"""The sampler of the latent class model against the model itself: prior, likelihood and N by other means.

Source: Geweke (2004), Getting it right, JASA 99, 799-804; Gandy & Scott (2021), Unit testing for MCMC and other Monte
Carlo methods, arXiv:2001.06465: a draw from the prior, and a table drawn from the model under it, are a draw from the
posterior of that table, so that any number of steps of a right sampler leaves the draw distributed as the prior.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, gammaln, logsumexp
from scipy.stats import chisquare, ks_2samp

from amparo.prevalence import estimate, latent
from amparo.prevalence.latent import Chains, Model, diagnostics, latent_classes, log_density, sweep, trajectory
from amparo.prevalence.table import CaptureTable
from amparo.standard.errors import AmparoError

Floats = NDArray[np.float64]
Kernel = Callable[[Model, Chains, np.random.Generator], Chains]
LISTS, CLASSES, PERSONS = 3, 3, 30
HISTORIES = np.hstack([(np.arange(2**LISTS)[:, None] >> np.arange(LISTS)) & 1, np.ones((2**LISTS, 1), dtype=np.int64)])
SMALL = CaptureTable(("A", "B", "C"), np.array([0.0, 4, 3, 2, 2, 1, 0, 1]))
FOUR = CaptureTable(
    ("A", "B", "C", "D"), np.array([0, 122, 135, 14, 48, 26, 11, 5, 60, 12, 17, 4, 19, 3, 5, 2], dtype=np.float64)
)


def mixture(logit: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights (classes, chains), chances (classes, chains, lists), and probabilities (chains, 2**lists), written out."""
    share, chance = expit(logit[:, :, -1]), expit(logit[:, :, :-1])
    share[-1] = 1
    weights = share * np.cumprod(np.vstack([np.ones_like(share[:1]), 1 - share[:-1]]), axis=0)
    on = HISTORIES[:, None, None, :-1] == 1
    return weights, chance, (weights * np.where(on, chance, 1 - chance).prod(axis=-1)).sum(axis=1).T


def from_the_prior(model: Model, chains: int, random: np.random.Generator) -> tuple[Model, Chains]:
    """Parameters drawn from the prior, a chain for each, and the tables drawn from the model under them."""
    concentration = random.gamma(model.shape, 1 / model.rate, size=chains)
    logit = np.zeros((model.classes, chains, LISTS + 1))
    logit[:, :, :-1] = random.logistic(size=logit[:, :, :-1].shape)
    rest = np.log(random.random((model.classes - 1, chains))) / concentration  # log of 1 - Beta(1, concentration)
    logit[:-1, :, -1] = np.log(-np.expm1(rest)) - rest
    probability = mixture(logit)[2][:, 1:]
    counts = random.multinomial(PERSONS, probability / probability.sum(axis=1, keepdims=True))
    return replace(model, counts=counts), Chains(logit, concentration)


def summaries(model: Model, chain: Chains) -> dict[str, Floats]:
    """What is compared between parameters before and after the sampler has worked on them."""
    weights, chance, probability = mixture(chain.logit)
    seen = probability[:, 1:] / probability[:, 1:].sum(axis=1, keepdims=True)
    return {
        "concentration": chain.concentration,
        "first share": chain.logit[0, :, -1],
        "last weight": weights[-1],
        "heaviest class": weights.argmax(axis=0).astype(np.float64),
        "heaviest weight": weights.max(axis=0),
        "chance in the first class": chance[0, :, 0],
        "chance in the last class": chance[-1, :, 1],
        "probability of the unseen": probability[:, 0],
        "likelihood": (model.counts * np.log(seen)).sum(axis=1),
    }


def surprise(kernel: Kernel, repeats: int, *, told: Callable[[Model], Model] = lambda model: model) -> float:
    """Smallest p-value, over all summaries, of the sampler's draws against draws that it never touched.

    ``told`` makes the model that the sampler is told, which may be a wrong one.
    """
    random = np.random.default_rng(11)
    model = Model(HISTORIES.astype(np.float64), np.zeros((1, 2**LISTS - 1), dtype=np.int64), CLASSES, 0.5, 0.5)
    untouched = summaries(*from_the_prior(model, 6000, random))
    drawn, chain = from_the_prior(model, 6000, random)
    for _ in range(repeats):
        chain = kernel(told(drawn), chain, random)
    touched = summaries(drawn, chain)
    return min(float(ks_2samp(untouched[name], touched[name]).pvalue) for name in untouched)


def move(model: Model, chain: Chains, random: np.random.Generator) -> Chains:
    return trajectory(model, chain, 0.4, 6, random)[0]


def gibbs(model: Model, chain: Chains, random: np.random.Generator) -> Chains:
    return sweep(model, chain, random)[0]


def both(model: Model, chain: Chains, random: np.random.Generator) -> Chains:
    return gibbs(model, move(model, chain, random), random)


@pytest.mark.parametrize("kernel", [move, gibbs, both])
def test_the_sampler_leaves_a_draw_from_the_posterior_one(kernel: Kernel) -> None:
    assert surprise(kernel, 10) > 1e-3


@pytest.mark.parametrize(
    ("kernel", "wrong"),
    [
        (gibbs, lambda model: replace(model, shape=model.shape * 1.5)),
        (gibbs, lambda model: replace(model, rate=model.rate * 2)),
        (gibbs, lambda model: replace(model, counts=model.counts[:, ::-1])),
        (move, lambda model: replace(model, counts=model.counts * 2)),
        (both, lambda model: replace(model, counts=np.roll(model.counts, 1, axis=1))),
    ],
)
def test_a_sampler_that_has_the_model_wrong_is_found_out(kernel: Kernel, wrong: Callable[[Model], Model]) -> None:
    assert surprise(kernel, 10, told=wrong) < 1e-6


def test_a_density_that_forgets_that_persons_were_seen_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconditional(model: Model, chain: Chains) -> tuple[Floats, Floats]:
        density, gradient = log_density(model, chain)
        seen = mixture(chain.logit)[2][:, 1:].sum(axis=1)
        return density + PERSONS * np.log(seen), gradient

    monkeypatch.setattr(latent, "log_density", unconditional)
    assert surprise(move, 10) < 1e-6


def test_label_moves_under_another_prior_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    relabel = latent._relabel
    monkeypatch.setattr(latent, "_relabel", lambda model, *rest: relabel(replace(model, shape=4.0), *rest))
    assert surprise(gibbs, 10) < 1e-6


def test_the_gradient_is_that_of_the_density() -> None:
    random = np.random.default_rng(3)
    model = latent.model_of(FOUR, 4, (0.25, 0.25))
    chain = Chains(random.standard_normal((4, 5, 5)) * 2, random.gamma(1.0, size=5))
    _, gradient = log_density(model, chain)
    for index in np.ndindex(4, 5):
        shift = np.zeros((4, 1, 5))
        shift[index[0], 0, index[1]] = 1e-5
        up, down = (log_density(model, chain._replace(logit=chain.logit + sign * shift))[0] for sign in (1, -1))
        assert gradient[index[0], :, index[1]] == pytest.approx((up - down) / 2e-5, abs=1e-4)


def test_the_population_is_drawn_under_the_prior_one_over_n() -> None:
    random = np.random.default_rng(5)
    model = latent.model_of(SMALL, 2, (0.25, 0.25))
    logit = np.repeat(random.standard_normal((2, 1, LISTS + 1)), 40_000, axis=1)
    logit[-1, :, -1] = 0
    _, drawn = sweep(model, Chains(logit, np.ones(40_000)), random)
    missed = mixture(logit[:, :1])[2][0, 0]
    size = np.arange(SMALL.observed, 2000)
    log_chance = gammaln(size) - gammaln(size - SMALL.observed + 1) + (size - SMALL.observed) * np.log(missed)
    chance = np.exp(log_chance - logsumexp(log_chance))
    edges = SMALL.observed + np.searchsorted(chance.cumsum(), [0.1, 0.3, 0.5, 0.7, 0.9])
    found = np.bincount(np.searchsorted(edges, drawn, side="right"), minlength=6)
    expected = np.add.reduceat(chance, [0, *(edges - SMALL.observed)]) * 40_000
    assert chisquare(found, expected).pvalue > 1e-3


def test_the_posterior_of_a_small_table_is_that_of_weighted_draws_from_the_prior() -> None:
    random = np.random.default_rng(7)
    model = Model(HISTORIES.astype(np.float64), np.zeros((1, 7), dtype=np.int64), 4, 0.25, 0.25)
    _, chain = from_the_prior(model, 300_000, random)
    probability = mixture(chain.logit)[2]
    seen = probability[:, 1:].sum(axis=1)
    log_weight = (SMALL.counts[1:] * np.log(probability[:, 1:] / seen[:, None])).sum(axis=1)
    weight = np.exp(log_weight - logsumexp(log_weight))
    worth = 1 / (weight**2).sum()
    drawn = SMALL.observed + random.negative_binomial(SMALL.observed, seen)
    found = latent_classes(SMALL, levels=(0.5, 0.9), classes=4, burn_in=1000, draws=400, seed=1)
    points = [found.interval(0.9)[0], *found.interval(0.5), found.estimate, found.interval(0.9)[1]]
    for point, below in zip(points, (0.05, 0.25, 0.75, 0.5, 0.95), strict=True):
        # The sampler's quantile lies at a whole number, which has a chance of its own.
        low, high = weight[drawn < point].sum(), weight[drawn <= point].sum()
        error = 4 * np.sqrt(below * (1 - below) * (1 / worth + 1 / 2000))
        assert low - error < below < high + error
    assert worth > 2000


def test_a_table_of_four_lists_converges_as_it_is() -> None:
    found = estimate(FOUR, method="latent", seed=3)
    assert not found.warnings
    assert isinstance(found.diagnostics["R-hat"], float)
    assert found.diagnostics["R-hat"] <= 1.01
    low, high = found.interval(0.95)
    assert FOUR.observed < low < found.estimate < high


def test_the_same_seed_gives_the_same_and_another_seed_another_sample() -> None:
    one, same, other = (latent_classes(FOUR, chains=4, burn_in=50, draws=8, thin=2, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.intervals != other.intervals


def test_known_classes_are_found_where_independent_lists_would_miss_half() -> None:
    # Of 3,000 persons, 15 % are easy to see and the others hard.
    random = np.random.default_rng(2)
    easy = random.random(3000) < 0.15
    on = random.random((3000, 5)) < np.where(easy, 0.7, 0.12)[:, None]
    counts = np.bincount(on @ (1 << np.arange(5)), minlength=32).astype(np.float64)
    counts[0] = 0
    low, high = latent_classes(CaptureTable(tuple("ABCDE"), counts), seed=1).interval(0.95)
    assert low < 3000 < high


def test_too_short_a_run_warns() -> None:
    found = latent_classes(FOUR, chains=2, burn_in=4, draws=8, thin=1, seed=1)
    assert any("independent draws" in warning for warning in found.warnings)


@pytest.mark.parametrize(("chains", "draws"), [(1, 400), (32, 4)])
def test_a_run_that_could_not_tell_whether_it_has_converged_is_refused(chains: int, draws: int) -> None:
    with pytest.raises(AmparoError, match="cannot tell"):
        latent_classes(FOUR, chains=chains, draws=draws, seed=1)


def test_r_hat_and_effective_size_of_independent_draws_and_of_chains_apart() -> None:
    random = np.random.default_rng(1)
    independent = random.standard_normal((500, 8))
    r_hat, effective = diagnostics(independent)
    assert r_hat < 1.01
    assert effective == pytest.approx(4000, rel=0.15)
    assert diagnostics(independent + np.arange(8))[0] > 1.5
    walk = np.zeros((2000, 8))
    for step in range(1, 2000):  # autocorrelation 0.9: worth (1 - 0.9) / (1 + 0.9) of independent draws
        walk[step] = 0.9 * walk[step - 1] + random.standard_normal(8)
    assert diagnostics(walk)[1] == pytest.approx(16_000 / 19, rel=0.25)
