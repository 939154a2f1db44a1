"""Which records are one person: the most plausible answer, and other plausible ones drawn from the posterior.

Pairs alone do not say who is who: A may be B and B be C, but hardly A be C. Records that any likely pair ties together
form a group, and within a group each way of parting it into persons has the weight

    P(partition) ~ exp( sum of the log odds of all pairs within one person ).

Groups of up to seven records are enumerated in full (877 partitions of seven); larger ones are walked by Gibbs
sampling, record by record. The linkage is the heaviest partition; the draws are what multiple imputation needs.

Source: Sadinle (2018), Bayesian propagation of record linkage uncertainty into population size estimation of human
rights violations, Annals of Applied Statistics 12, 1013-1038; for partitions of a likelihood-ratio graph, Bansal, Blum
& Chawla (2004), Correlation clustering, Machine Learning 56.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ENUMERATED = 7
LEAST_CHANCE = 1e-2
"""Pairs less likely than this tie no group together."""

LARGEST, RISING = 60, (0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999)
"""Records that one group may have, and the chances that a pair must then pass to tie."""

LEAST_DRAWS = 100
"""From which chances in a large group are counted, however few are asked for."""

BURN_IN, SWEEPS = 100, 10
"""Of Gibbs sampling in a large group: before the first draw, and between two draws."""


@dataclass(frozen=True)
class Linkage:
    """Who is who among ``n`` records.

    persons : shape (n,), the person of each record in the most plausible linkage; 0, 1, … in order of first record.
    draws : shape (draws, n), the same in each plausible linkage drawn.
    together : shape (pairs,), posterior chance that the two records of each pair are one person.
    """

    persons: Ints
    draws: Ints
    together: Floats


def link(
    records: int,
    left: Ints,
    right: Ints,
    log_odds: Floats,
    *,
    other: float,
    apart: Callable[[int, int], bool] = lambda one, other: False,
    draws: int = 20,
    seed: int,
) -> Linkage:
    """Part the records into persons.

    Parameters
    ----------
    records : how many there are. left, right : shape (pairs,), the records of each pair that was compared.
    log_odds : of each pair that it is one person (natural logarithm).
    other : log odds of pairs that are not among them.
    apart : whether two records cannot be one person, such as two of a list that has each person once.
    draws : plausible linkages to draw.
    """
    random = np.random.default_rng(seed)
    group = _groups(records, left, right, log_odds)
    size = np.bincount(group)
    weight = {}
    inside = group[left] == group[right]
    for one, two, odds in zip(left[inside].tolist(), right[inside].tolist(), log_odds[inside].tolist(), strict=True):
        weight[(min(one, two), max(one, two))] = odds
    best = np.arange(records)
    drawn = np.tile(best, (draws, 1))
    members = np.argsort(group, kind="stable")
    starts = np.concatenate([[0], np.cumsum(size)])
    chance: dict[tuple[int, int], float] = {}
    for many in np.unique(size[size > 1]).tolist():
        groups = np.flatnonzero(size == many)
        rows = members[starts[groups][:, None] + np.arange(many)]
        pairs = list(itertools.combinations(range(many), 2))
        odds = np.array(
            [
                [-np.inf if apart(row[i], row[j]) else weight.get((row[i], row[j]), other) for i, j in pairs]
                for row in rows.tolist()
            ]
        )
        if many <= ENUMERATED:
            labels, together, which_best, which = _enumerated(odds, many, draws, random)
            best[rows] = np.take_along_axis(rows, labels[which_best], axis=1)
            for draw in range(draws):
                drawn[draw, rows] = np.take_along_axis(rows, labels[which[draw]], axis=1)
        else:
            together = np.empty_like(odds)
            for at, row in enumerate(rows):
                top, sampled = _walked(odds[at], many, max(draws, LEAST_DRAWS), random)
                best[row] = row[top]
                drawn[:, row] = row[sampled[:draws]]
                together[at] = [(sampled[:, i] == sampled[:, j]).mean() for i, j in pairs]
        for row, probabilities in zip(rows.tolist(), together.tolist(), strict=True):
            chance.update({(row[i], row[j]): p for (i, j), p in zip(pairs, probabilities, strict=True)})
    both = zip(np.minimum(left, right).tolist(), np.maximum(left, right).tolist(), strict=True)
    return Linkage(_numbered(best), np.stack([_numbered(row) for row in drawn]) if draws else drawn,
                   np.array([chance.get(pair, 0.0) for pair in both]))  # fmt: skip


def _groups(records: int, left: Ints, right: Ints, log_odds: Floats) -> Ints:
    """The group of each record; where likely pairs tie more than ``LARGEST`` together, only likelier ones do."""
    kept = log_odds > _odds(LEAST_CHANCE)
    for chance in RISING:
        graph = coo_array((np.ones(int(kept.sum())), (left[kept], right[kept])), shape=(records, records))
        _, group = connected_components(graph, directed=False)
        large = np.bincount(group) > LARGEST
        if not large.any():
            break
        kept &= ~large[group[left]] | (log_odds > _odds(chance))
    return np.asarray(group, dtype=np.int64)


def _odds(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def _numbered(first_of: Ints) -> Ints:
    """Persons numbered in order of their first record."""
    return np.unique(first_of, return_inverse=True)[1].astype(np.int64)


@cache
def _partitions(many: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Every partition of ``many`` records: the first member of each one's block, and which pairs are together."""
    out: list[list[int]] = [[0]]
    for record in range(1, many):
        out = [[*labels, label] for labels in out for label in (*sorted(set(labels)), record)]
    labels = np.array(out, dtype=np.int64)
    pairs = list(itertools.combinations(range(many), 2))
    return labels, np.stack([labels[:, i] == labels[:, j] for i, j in pairs], axis=1)


def _enumerated(odds: Floats, many: int, draws: int, random: np.random.Generator) -> tuple[Ints, Floats, Ints, Ints]:
    """Partitions, chance that each pair is together, the best partition of each group, and draws of it."""
    labels, same = _partitions(many)
    # A pair that cannot be together is minus infinity, which times 0 would be no number.
    score = np.where(np.isinf(odds), -1e9, odds) @ same.T.astype(np.float64)
    chance = np.exp(score - score.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    total = chance.cumsum(axis=1)
    ticket = random.random((draws, len(odds), 1))
    which = np.minimum((total[None] < ticket).sum(axis=2), len(labels) - 1) if draws else np.empty((0, len(odds)), int)
    return labels, chance @ same, score.argmax(axis=1), which


def _walked(odds: Floats, many: int, draws: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """The best partition that a Gibbs walk meets, and draws of it, as the first member of each record's block."""
    matrix = np.zeros((many, many))
    matrix[np.triu_indices(many, 1)] = np.where(np.isinf(odds), -1e9, odds)
    matrix += matrix.T
    labels = np.arange(many)
    best, best_score = labels.copy(), 0.0
    sampled = np.empty((draws, many), dtype=np.int64)
    total = BURN_IN + draws * SWEEPS
    tickets = random.random((total, many))
    for sweep in range(total):
        for record in range(many):
            labels[record] = many  # of nobody, while the record looks for its person
            gain = np.bincount(labels, weights=matrix[record], minlength=many + 1)[:many]
            taken = np.bincount(labels, minlength=many + 1)[:many] > 0
            gain[~taken] = -np.inf
            gain[int(np.flatnonzero(~taken)[0])] = 0.0  # one new person
            chance = np.exp(gain - gain.max()).cumsum()
            labels[record] = int((chance < tickets[sweep, record] * chance[-1]).sum())
        score = float(matrix[labels[:, None] == labels[None, :]].sum())
        if score > best_score:
            best, best_score = labels.copy(), score
        draw, rest = divmod(sweep - BURN_IN, SWEEPS)
        if draw >= 0 and rest == SWEEPS - 1:
            sampled[draw] = _first_member(labels)
    return _first_member(best), sampled


def _first_member(labels: Ints) -> Ints:
    first: dict[int, int] = {}
    return np.array([first.setdefault(int(label), at) for at, label in enumerate(labels)], dtype=np.int64)
