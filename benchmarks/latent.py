"""Draws from the posterior of the latent class model: Amparo's sampler beside the blocked Gibbs sampler of LCMCR.

The Gibbs sampler below is the scheme of R's LCMCR 0.4.14 (Manrique-Vallier 2016) for many chains at once. It also
exchanges the members of two classes now and then, which LCMCR does not, and which can only help it. Both run here in
the same process on one core, both from starts that are apart. Times are seconds of that core, so that they hold on a
busy machine too. Effective draws per second count the time after burn-in only; R-hat says whether they can be trusted.

That both draw from one posterior is tested by setting the Gibbs sampler off from Amparo's draws: were they not from
its posterior, it would lead away from them. Shares of its draws below Amparo's quantiles are compared, with standard
errors between independent chains. That run also shows Gibbs at its best, spared the way from the start; the ratio is
to the better of its two runs.

    OMP_NUM_THREADS=1 python benchmarks/latent.py
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from amparo.prevalence import latent
from amparo.prevalence.table import CaptureTable, read_capture_table

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "mse"
Floats = NDArray[np.float64]
CLASSES, SHAPE, RATE, CHAINS = 10, 0.25, 0.25, 32
LCMCR = 110_000 / 1.6
"""Sweeps per second of LCMCR on Kosovo: 110,000 in 1.6 s, measured once with R 4.2.2 on one core."""
PROBABILITIES = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


def apart(table: CaptureTable, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Weights from the prior and chances around the observed shares."""
    shares = table.counts @ table.histories / table.observed
    chance = random.beta(1 + 4 * shares, 5 - 4 * shares, size=(CHAINS, CLASSES, len(shares)))
    return random.dirichlet(np.ones(CLASSES), size=CHAINS), np.clip(chance, 1e-6, 1 - 1e-6)


def gibbs(
    table: CaptureTable, start: tuple[Floats, Floats], sweeps: int, thin: int, random: np.random.Generator
) -> Floats:
    """Population sizes after every ``thin`` sweeps, shape (sweeps // thin, chains)."""
    seen_cells = np.flatnonzero(table.counts)
    history = table.histories[seen_cells].astype(np.float64)
    counts = table.counts[seen_cells].astype(np.int64)
    seen = table.observed
    weights, chance = start
    alpha = np.ones(CHAINS)
    unseen_class = np.zeros((CHAINS, CLASSES), dtype=np.int64)
    out = np.empty((sweeps // thin, CHAINS))
    cell_counts = np.broadcast_to(counts, (CHAINS, len(counts)))
    for sweep in range(sweeps):
        log_yes, log_no = np.log(chance), np.log1p(-chance)
        base = np.log(np.maximum(weights, 1e-300)) + log_no.sum(axis=2)
        logit = base[:, None, :] + np.swapaxes((log_yes - log_no) @ history.T, 1, 2)
        share = np.exp(logit - logit.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        split = random.multinomial(cell_counts, share)
        caught = np.swapaxes(split, 1, 2) @ history
        size = split.sum(axis=1) + unseen_class
        caught, size = exchange(random, caught, size, weights)
        chance = np.clip(random.beta(1 + caught, 1 + size[:, :, None] - caught), 1e-12, 1 - 1e-12)
        later = (size[:, ::-1].cumsum(axis=1)[:, ::-1] - size)[:, :-1]
        stick = np.log(np.maximum(random.standard_gamma(1.0 + size[:, :-1]), 1e-300))
        rest = np.log(np.maximum(random.standard_gamma(alpha[:, None] + later), 1e-300))
        both = np.logaddexp(stick, rest)
        log_weights = np.concatenate([np.zeros((CHAINS, 1)), (rest - both).cumsum(axis=1)], axis=1)
        log_last = log_weights[:, -1].copy()
        log_weights[:, :-1] += stick - both
        weights = np.exp(log_weights)
        missed = weights * np.prod(1 - chance, axis=2)
        all_missed = missed.sum(axis=1)
        unseen = random.negative_binomial(seen, np.clip(1 - all_missed, 1e-9, 1.0))
        unseen_class = random.multinomial(unseen, missed / all_missed[:, None])
        alpha = random.gamma(SHAPE + CLASSES - 1, 1 / (RATE - log_last))
        if sweep % thin == thin - 1:
            out[sweep // thin] = seen + unseen
    return out


def exchange(
    random: np.random.Generator, caught: Floats, size: NDArray[np.int64], weights: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Exchange the members of two random classes of each chain, a Metropolis move."""
    row = np.arange(CHAINS)
    one = random.integers(CLASSES, size=(CHAINS,))
    other = (one + random.integers(1, CLASSES, size=(CHAINS,))) % CLASSES
    log_ratio = (size[row, other] - size[row, one]) * (
        np.log(np.maximum(weights[row, one], 1e-300)) - np.log(np.maximum(weights[row, other], 1e-300))
    )
    taken = np.flatnonzero(np.log(random.random(CHAINS)) < log_ratio)
    order = np.tile(np.arange(CLASSES), (CHAINS, 1))
    order[taken, one[taken]], order[taken, other[taken]] = other[taken], one[taken]
    return np.take_along_axis(caught, order[:, :, None], axis=1), np.take_along_axis(size, order, axis=1)


def weights_and_chances(chain: latent.Chains) -> tuple[Floats, Floats]:
    """Where Amparo's chains are, as the Gibbs sampler would have it."""
    share, chance = expit(chain.logit[:, :, -1]), expit(chain.logit[:, :, :-1])
    share[-1] = 1
    rest = np.vstack([np.ones((1, CHAINS)), expit(-chain.logit[:-1, :, -1]).cumprod(axis=0)])
    return (share * rest).T, np.clip(np.moveaxis(chance, 0, 1), 1e-12, 1 - 1e-12)


def row(name: str, sampler: str, sample: Floats, burning: float, drawing: float) -> tuple[float, float]:
    """Print one line; effective draws in all and per second after burn-in."""
    r_hat, effective = latent.diagnostics(sample)
    quantiles = ", ".join(f"{value:,.0f}" for value in np.quantile(sample, [0.025, 0.5, 0.975]))
    print(
        f"| {name} | {sampler} | {burning:.1f} s | {drawing:.1f} s | {r_hat:.3f} | {effective:,.0f} "
        f"| {effective / drawing:,.1f} | {quantiles} |"
    )
    return effective, effective / drawing


def compare(name: str, sweeps: int) -> list[str]:
    """Print both samplers' lines for one table; what follows from them, in sentences."""
    table = read_capture_table(DATA / f"{name}.csv")[()]
    random = np.random.default_rng(1)
    start, clock = apart(table, random), time.process_time()
    sample = gibbs(table, start, 2 * sweeps, 20, random)
    took = (time.process_time() - clock) / 2
    slow = row(name, "Gibbs", sample[len(sample) // 2 :], took, took)

    clock = time.process_time()
    found = latent.latent_classes(table, seed=1)
    whole = time.process_time() - clock
    model, thin = latent.model_of(table, CLASSES, (SHAPE, RATE)), latent.steps_between_draws(table)
    clock = time.process_time()
    chain, step = latent._burn_in(model, latent.start(model, CHAINS, random), thin, 10_000 // thin, random)
    burning = time.process_time() - clock
    clock = time.process_time()
    chain, drawn = latent._draw(model, chain, step, thin, 1000, random)
    _, rate = row(name, "Amparo", drawn, burning, time.process_time() - clock)

    clock = time.process_time()
    again = gibbs(table, weights_and_chances(chain), sweeps, 20, random)
    effective, gibbs_rate = max(slow, row(name, "Gibbs from there", again, 0.0, time.process_time() - clock))
    again = again[len(again) // 2 :]
    points = np.quantile(drawn, PROBABILITIES)
    ours, theirs = ((values[:, :, None] <= points).mean(axis=0) for values in (drawn, again))
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / CHAINS)
    apart_by = (theirs.mean(axis=0) - ours.mean(axis=0)) / error
    below = ", ".join(f"{100 * share:.1f}" for share in theirs.mean(axis=0))
    figures = ", ".join(f"{key} {value:.4g}" for key, value in found.diagnostics.items() if isinstance(value, float))
    said = [
        f"{name}: {rate / gibbs_rate:,.0f} times as many effective draws per second as the better run of Gibbs.",
        f"{name}: as called by default {whole:.1f} s, {figures}, {len(found.warnings)} warnings.",
        f"{name}: Gibbs set off from Amparo's draws has {below} % below Amparo's "
        f"{', '.join(f'{100 * p:g}' for p in PROBABILITIES)} % quantiles; apart by "
        f"{', '.join(f'{value:+.1f}' for value in apart_by)} standard errors.",
    ]
    if name == "Kosovo":
        lcmcr = LCMCR * effective / (sweeps * CHAINS)
        said.append(
            f"{name}: at the autocorrelation of Gibbs here, LCMCR's own {LCMCR:,.0f} sweeps per second give "
            f"{lcmcr:.0f} effective draws per second; Amparo {rate / lcmcr:,.0f} times as many."
        )
    return said


def main() -> None:
    if not DATA.exists():
        print("skipped: the published tables of ../shared/data/mse are not here")
        return
    print(f"{CHAINS} chains, {CLASSES} classes, one core.\n")
    print("| table | sampler | burn-in | sampling | R-hat | effective draws | per second | N: 2.5, 50, 97.5 % |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    said = [
        sentence
        for name, sweeps in (("Kosovo", 20_000), ("NewOrl", 10_000), ("UKdat", 10_000))
        for sentence in compare(name, sweeps)
    ]
    print("\n" + "\n".join(said))


if __name__ == "__main__":
    main()
