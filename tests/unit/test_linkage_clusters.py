"""Persons from pairs: held against all partitions counted by hand, and a Gibbs walk against them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from amparo.linkage import clusters
from amparo.linkage.clusters import ENUMERATED, Linkage, link


def linked(records: int, odds: dict[tuple[int, int], float], *, other: float = -8.0, draws: int = 200) -> Linkage:
    left, right = (np.array([pair[side] for pair in odds], dtype=np.int64) for side in (0, 1))
    return link(records, left, right, np.array(list(odds.values()), dtype=float), other=other, draws=draws, seed=3)


def partitions(items: list[int]) -> list[list[list[int]]]:
    """Every way to part the items, by the textbook recursion."""
    if not items:
        return [[]]
    out = []
    for smaller in partitions(items[1:]):
        out.append([[items[0]], *smaller])
        out += [[*smaller[:k], [items[0], *smaller[k]], *smaller[k + 1 :]] for k in range(len(smaller))]
    return out


def exactly(records: int, odds: dict[tuple[int, int], float], other: float) -> dict[tuple[int, int], float]:
    """Chance that each pair is together, P(partition) ~ exp(sum of log odds within persons)."""
    pairs = list(itertools.combinations(range(records), 2))
    together, total = dict.fromkeys(pairs, 0.0), 0.0
    for partition in partitions(list(range(records))):
        inside = [pair for block in partition for pair in itertools.combinations(sorted(block), 2)]
        weight = float(np.exp(sum(odds.get(pair, other) for pair in inside)))
        total += weight
        for pair in inside:
            together[pair] += weight
    return {pair: weight / total for pair, weight in together.items()}


def test_bell_numbers() -> None:
    assert [len(clusters._partitions(many)[0]) for many in range(2, 8)] == [2, 5, 15, 52, 203, 877]


def test_two_records_have_the_chance_of_their_odds() -> None:
    found = linked(2, {(0, 1): 1.0}, draws=4000)
    assert found.together[0] == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert (found.draws[:, 0] == found.draws[:, 1]).mean() == pytest.approx(found.together[0], abs=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_chances_are_those_of_all_partitions(seed: int) -> None:
    random = np.random.default_rng(seed)
    records = int(random.integers(3, 7))
    odds = {pair: float(random.normal(0, 2)) for pair in itertools.combinations(range(records), 2)}
    odds[(0, 1)] = odds[(1, 2)] = 1.0  # ties them into one group
    odds |= {(k, k + 1): max(odds[(k, k + 1)], -1.0) for k in range(records - 1)}
    found = linked(records, odds, other=-3.0)
    right = exactly(records, odds, -3.0)
    assert found.together == pytest.approx([right[pair] for pair in odds])


def test_the_walk_draws_what_enumeration_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    odds = {(0, 1): 1.5, (1, 2): 0.5, (0, 2): -0.5, (2, 3): 0.0, (3, 4): 2.0}
    right = exactly(5, odds, -2.0)
    monkeypatch.setattr(clusters, "ENUMERATED", 1)
    walked = linked(5, odds, other=-2.0, draws=3000)
    assert walked.together == pytest.approx([right[pair] for pair in odds], abs=0.04)
    monkeypatch.setattr(clusters, "ENUMERATED", ENUMERATED)
    assert walked.persons.tolist() == linked(5, odds, other=-2.0).persons.tolist()


def test_what_two_links_imply_is_weighed_as_well() -> None:
    """A is B and B is C, but A cannot be C: the weaker link gives way."""
    found = linked(3, {(0, 1): 4.0, (1, 2): 3.0, (0, 2): -20.0})
    assert found.persons.tolist() == [0, 0, 1]
    assert found.together[1] < 0.3


def test_a_large_group_of_one_person_is_found() -> None:
    records = 3 * ENUMERATED
    odds = dict.fromkeys(itertools.combinations(range(records), 2), 6.0)
    assert len(set(linked(records, odds).persons.tolist())) == 1


@pytest.mark.parametrize("many", [3, ENUMERATED + 2])
def test_records_that_cannot_be_one_person_never_are(many: int) -> None:
    left, right = np.arange(many - 1), np.arange(1, many)
    found = link(
        many, left, right, np.full(many - 1, 5.0), other=1.0, apart=lambda one, other: {one, other} == {0, 1},
        draws=50, seed=1,
    )  # fmt: skip
    assert found.persons[0] != found.persons[1]
    assert (found.draws[:, 0] != found.draws[:, 1]).all()
    assert found.together[0] == 0


def test_no_pairs_no_links() -> None:
    found = linked(4, {})
    assert found.persons.tolist() == [0, 1, 2, 3]
    assert (found.draws == np.arange(4)).all()


def test_numbers_follow_the_first_record_and_the_seed_decides() -> None:
    odds = {(1, 3): 5.0, (0, 2): 0.0}
    found, again = linked(4, odds), linked(4, odds)
    assert found.persons[1] == found.persons[3]
    assert found.persons.tolist() == list(np.unique(found.persons, return_inverse=True)[1])
    assert (found.draws == again.draws).all()


def test_without_draws_every_chance_is_still_a_number() -> None:
    many = ENUMERATED + 2
    odds = {(k, k + 1): 3.0 for k in range(many - 1)}
    assert np.isfinite(linked(many, odds, draws=0).together).all()
