"""What is asked, how far it moves, and OpenDP's accounts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.protection.microdata.noise import Budget, epsilon_for, gaussian_cost, rho_for, selection_scale
from amparo.protection.microdata.queries import Marginal, Misfits, Records, marginals
from amparo.standard.errors import AmparoError

SHAPE = (2, 3, 2)
RECORD = st.tuples(*[st.integers(0, size - 1) for size in SHAPE])
PEOPLE = st.lists(RECORD, min_size=1, max_size=30)


def records(rows: list[tuple[int, ...]]) -> Records:
    return Records.of(np.array(rows), SHAPE)


@given(PEOPLE, RECORD, st.data())
@settings(max_examples=200, deadline=None)
def test_no_query_moves_farther_than_it_says_when_one_record_is_replaced(
    people: list[tuple[int, ...]], other: tuple[int, ...], data: st.DataObject
) -> None:
    replaced = [*people]
    replaced[data.draw(st.integers(0, len(people) - 1))] = other
    candidates = marginals(SHAPE, 3, 100)
    queries: list[Marginal | Misfits] = [Marginal(columns, SHAPE) for columns in candidates]
    modelled = {
        c: np.array(data.draw(st.lists(st.integers(0, 30), min_size=q.size, max_size=q.size)))
        for c, q in zip(candidates, queries, strict=True)
    }
    queries.append(Misfits(modelled, {c: len(c) for c in candidates}, dict.fromkeys(candidates, 7)))
    for query in queries:
        moved = query.answer(records(people)) - query.answer(records(replaced))
        assert len(moved) == query.size
        assert (moved**2).sum() <= query.squared
        assert np.abs(moved).max() <= query.largest


def test_the_stated_moves_are_reached_and_not_only_bounds() -> None:
    before, after = records([(0, 0, 0)]), records([(1, 2, 1)])
    for columns in marginals(SHAPE, 3, 100):
        query = Marginal(columns, SHAPE)
        moved = query.answer(before) - query.answer(after)
        assert ((moved**2).sum(), np.abs(moved).max()) == (query.squared, query.largest)


@given(PEOPLE)
@settings(max_examples=50, deadline=None)
def test_each_person_is_counted_once_in_each_marginal(people: list[tuple[int, ...]]) -> None:
    for columns in marginals(SHAPE, 3, 100):
        assert Marginal(columns, SHAPE).answer(records(people)).sum() == len(people)


def test_counts_are_those_of_a_table_made_by_hand() -> None:
    found = Marginal((0, 1), SHAPE).answer(records([(0, 0, 0), (0, 0, 1), (1, 2, 0)]))
    assert found.tolist() == [2, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_rho_is_the_most_that_epsilon_and_delta_allow(epsilon: float) -> None:
    rho = rho_for(epsilon, 1e-6)
    assert epsilon_for(rho, 1e-6) <= epsilon < epsilon_for(rho * 1.001, 1e-6)
    # Bun & Steinke (2016), prop. 1.3: rho + 2 sqrt(rho ln(1 / delta)) is safe; OpenDP's conversion is no worse.
    assert epsilon <= rho + 2 * math.sqrt(rho * math.log(1e6))


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0.0, 1e-6), (-1, 1e-6), (21, 1e-6), (1, 0.0), (1, 1.0), (math.nan, 0.1)]
)
def test_a_senseless_promise_is_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(AmparoError):
        rho_for(epsilon, delta)


def test_a_question_costs_what_the_papers_say_and_no_question_overdraws() -> None:
    budget = Budget(records([(0, 0, 0)] * 20), 0.1)
    budget.counts(Marginal((0,), SHAPE), 5.0)
    assert budget.spent == pytest.approx(gaussian_cost(2, 5.0)) == pytest.approx(0.04)
    misfits = Misfits({(0,): np.array([20, 0]), (1,): np.array([0, 0, 20])}, {(0,): 1, (1,): 1}, {(0,): 0, (1,): 0})
    budget.largest(misfits, selection_scale(misfits.largest, 0.05))
    assert budget.spent == pytest.approx(0.09)
    with pytest.raises(AmparoError, match="is left"):
        budget.counts(Marginal((0,), SHAPE), 5.0)
    assert budget.spent == pytest.approx(0.09)


def test_the_noise_is_whole_and_has_the_spread_asked_for() -> None:
    shape = (1000, 4)
    people = Records.of(np.zeros((100, 2), dtype=np.int64), shape)
    true = Marginal((0, 1), shape).answer(people)
    drawn = Budget(people, 1.0).counts(Marginal((0, 1), shape), 4.0)
    assert drawn.dtype == np.int64
    # 4,000 draws: the standard error of the mean is 0.063, of the standard deviation 0.045; five of each.
    assert abs((drawn - true).mean()) < 0.32
    assert abs((drawn - true).std() - 4.0) < 0.23


def test_the_choice_prefers_the_larger_score_with_the_odds_of_the_exponential_mechanism() -> None:
    misfits = Misfits({(0,): np.array([10, 0]), (1,): np.array([10, 0, 4])}, {(0,): 1, (1,): 1}, {(0,): 0, (1,): 0})
    people = records([(0, 0, 0)] * 10)  # scores 0 and 4
    chosen = [Budget(people, 10.0).largest(misfits, 4.0) for _ in range(500)]
    lesser = 1 / (1 + math.e)  # McSherry & Talwar (2007): odds of exp(difference / scale)
    assert abs(chosen.count(0) / 500 - lesser) < 5 * math.sqrt(lesser * (1 - lesser) / 500)
