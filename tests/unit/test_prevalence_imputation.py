"""Coverage with linkage error: it holds where plausible linkages are combined and fails where error is ignored.

Truth is known. Three independent lists of a population of 900; of each two records of one person and of chance pairs
a comparison says little, as much as its two densities allow: match weights are normal with means +2.2 and -2.2 times
their spread, as in Fellegi & Sunter with many small comparisons, so that the log odds are exactly calibrated.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from amparo.linkage.clusters import link
from amparo.prevalence.imputation import combined
from amparo.prevalence.loglinear import Model, fit
from amparo.prevalence.profile import profile_interval
from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable
from amparo.standard.errors import AmparoError

PERSONS, CHANCE, LISTS = 900, 0.3, 3
APART = 2.2
"""Half the distance of the weights' means, in standard deviations: nine in ten matches lie above most non-matches."""


def estimated(table: CaptureTable) -> Estimate:
    found = fit(table, Model.of(()))
    return Estimate("independent", found.estimate, table.observed, {0.95: profile_interval(found, level=0.95)}, "", "")


def table_of(person: np.ndarray, lists: np.ndarray) -> CaptureTable:
    on = np.zeros((person.max() + 1, LISTS), dtype=int)
    on[person, lists] = 1
    index = on @ (1 << np.arange(LISTS))
    counts = np.bincount(index, minlength=2**LISTS).astype(float)
    counts[0] = 0
    return CaptureTable(("A", "B", "C"), counts)


def linked(seed: int) -> tuple[bool, bool]:
    """Whether the interval covers the truth with imputation, and with the best linkage taken for true."""
    random = np.random.default_rng(seed)
    caught = random.random((PERSONS, LISTS)) < CHANCE
    person, lists = np.nonzero(caught)
    count = len(person)
    true = [(i, j) for i, j in itertools.combinations(range(count), 2) if person[i] == person[j]]
    # Each record is compared with its own and with two strangers of every other list, as blocking would have it.
    pairs = dict.fromkeys(true, True)
    for record in range(count):
        for other in range(LISTS):
            if other != lists[record]:
                for stranger in random.choice(np.flatnonzero(lists == other), 2):
                    pairs.setdefault(
                        (min(record, int(stranger)), max(record, int(stranger))), person[record] == person[stranger]
                    )
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    same = np.array(list(pairs.values()))
    score = random.normal(np.where(same, APART, -APART), 1)
    log_odds = 2 * APART * score + np.log(same.mean() / (1 - same.mean()))
    once = lambda one, other: lists[one] == lists[other]  # noqa: E731
    found = link(count, left, right, log_odds, other=-30.0, apart=once, draws=20, seed=seed)
    low, high = combined([table_of(draw, lists) for draw in found.draws], estimated, levels=(0.95,)).interval()
    strict = link(count, left, right, np.where(log_odds > 4, 8.0, -8.0), other=-30.0, apart=once, draws=1, seed=seed)
    naive = estimated(table_of(strict.persons, lists)).interval()
    return low <= PERSONS <= high, naive[0] <= PERSONS <= naive[1]


def test_coverage_holds_with_imputation_and_fails_where_linkage_is_taken_for_true() -> None:
    covers = np.array([linked(seed) for seed in range(60)]).mean(axis=0)
    assert covers[0] >= 0.86  # 0.95 less three standard errors of 60 runs
    assert covers[1] <= 0.75


def test_without_linkage_error_nothing_is_added() -> None:
    random = np.random.default_rng(1)
    person, lists = np.nonzero(random.random((PERSONS, LISTS)) < CHANCE)
    table = table_of(np.unique(person, return_inverse=True)[1], lists)
    one, many = estimated(table), combined([table] * 5, estimated, levels=(0.95,))
    assert many.estimate == pytest.approx(one.estimate)
    assert many.diagnostics["share of variance due to linking"] == pytest.approx(0, abs=1e-9)
    width = one.interval()[1] - one.interval()[0]
    assert many.interval()[1] - many.interval()[0] == pytest.approx(width, rel=0.03)


def test_one_linkage_alone_is_refused() -> None:
    with pytest.raises(AmparoError, match="One linkage alone"):
        combined([], estimated, levels=(0.95,))
