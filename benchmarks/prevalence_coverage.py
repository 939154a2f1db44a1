"""Bias and coverage of every interval, from populations whose size is known.

Four lists see some of 2,000 persons: independently; with two lists that send persons to each other; or with
persons of whom one fifth is three times as visible as the rest. Prints the table of docs/prevalence.md.

    python benchmarks/prevalence_coverage.py [--runs 200]
"""

from __future__ import annotations

import argparse

import numpy as np

from amparo.prevalence import estimate
from amparo.prevalence.result import Estimate
from amparo.prevalence.strata import by_strata
from amparo.prevalence.table import CaptureTable

PERSONS = 2000
CHANCES = np.array([0.12, 0.10, 0.15, 0.06])
METHODS = ("stepwise", "best-bic", "decomposable", "strata", "coverage", "chapman", "chao", "zelterman")
WORLDS = ("independent", "dependent", "heterogeneous")


def draw(world: str, random: np.random.Generator) -> CaptureTable:
    """Capture histories of one population."""
    chances = np.tile(CHANCES, (PERSONS, 1))
    if world == "heterogeneous":
        visible = random.random(PERSONS) < 0.2
        chances = np.where(visible[:, None], chances * 3, chances) / 1.4
    on = random.random(chances.shape) < chances
    if world == "dependent":
        referred = on[:, 0] & (random.random(PERSONS) < 0.35)
        on[:, 1] |= referred
    counts = np.bincount(on @ (1 << np.arange(4)), minlength=16).astype(float)
    counts[0] = 0
    return CaptureTable(("A", "B", "C", "D"), counts)


def estimated(table: CaptureTable, method: str, seed: int) -> Estimate:
    """One estimate; sample coverage takes the first three lists, Chapman the first two, strata two random halves."""
    if method == "chapman":
        return estimate(table.without([2, 3]), method=method)
    if method == "coverage":
        return estimate(table.without([3]), method=method, seed=seed)
    if method == "strata":
        half = np.random.default_rng(seed).binomial(table.counts.astype(int), 0.5).astype(float)
        parts = {("one",): half, ("two",): table.counts - half}
        tables = {name: CaptureTable(table.lists, counts) for name, counts in parts.items()}
        return by_strata(tables, replicates=400, seed=seed).total
    return estimate(table, method=method, replicates=400, seed=seed)


def coverage(world: str, method: str, runs: int) -> tuple[float, float, float]:
    """Mean relative bias, share of 95 % intervals that hold the truth, their median relative width."""
    random = np.random.default_rng(WORLDS.index(world) + 1)
    found = [estimated(draw(world, random), method, run) for run in range(runs)]
    values = np.array([[e.estimate, *e.interval(0.95)] for e in found])
    bias = values[:, 0].mean() / PERSONS - 1
    held = np.mean((values[:, 1] <= PERSONS) & (values[:, 2] >= PERSONS))
    return float(bias), float(held), float(np.median(values[:, 2] - values[:, 1]) / PERSONS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    print(f"{PERSONS} persons, four lists, {runs} runs; nominal coverage 95 %\n")
    print("| lists | method | mean bias | coverage | median width |")
    print("| --- | --- | --- | --- | --- |")
    for world in WORLDS:
        for method in METHODS:
            bias, held, width = coverage(world, method, runs)
            print(f"| {world} | {method} | {bias:+.1%} | {held:.1%} | {width:.0%} of N |")


if __name__ == "__main__":
    main()
