"""k-anonymity by local suppression."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo.protection.microdata.k_anonymity import WITHHELD, smallest, suppress
from amparo.standard.errors import AmparoError

CTDC = Path(__file__).parents[3] / "shared" / "data" / "ctdc" / "ctdc_one_hot_91k.csv.gz"


@st.composite
def keyed(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Records with unrecorded keys, at least as many as k."""
    k = draw(st.integers(2, 5))
    keys = draw(st.integers(1, 4))
    row = st.tuples(*[st.integers(-1, 3)] * keys)
    return np.array(draw(st.lists(row, min_size=k, max_size=40)), dtype=np.int16).reshape(-1, keys), k


@given(keyed())
@settings(max_examples=300, deadline=None)
def test_every_combination_occurs_k_times_and_values_are_withheld_but_never_changed(
    case: tuple[np.ndarray, int],
) -> None:
    codes, k = case
    found = suppress(codes, k)
    assert smallest(found) >= k
    assert ((found == codes) | (found == WITHHELD)).all()


@given(keyed())
@settings(max_examples=100, deadline=None)
def test_whoever_knows_all_keys_of_a_person_finds_at_least_k_records_that_fit(case: tuple[np.ndarray, int]) -> None:
    codes, k = case
    found = suppress(codes, k)
    for person in codes[:10]:
        assert ((found == person) | (found == WITHHELD)).all(axis=1).sum() >= k


@given(keyed())
@settings(max_examples=50, deadline=None)
def test_the_same_records_give_the_same_release(case: tuple[np.ndarray, int]) -> None:
    codes, k = case
    assert (suppress(codes, k) == suppress(codes, k)).all()


def test_records_that_are_already_k_anonymous_stay_as_they_are() -> None:
    codes = np.repeat(np.array([[0, 1], [1, 0], [1, -1]], dtype=np.int16), 3, axis=0)
    assert (suppress(codes, 3) == codes).all()


def test_a_rare_record_joins_frequent_ones_by_the_fewest_values() -> None:
    # ("0", "1") once beside four ("0", "0"): two of the four give their second key, three values in all.
    codes = np.array([[0, 1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]], dtype=np.int16)
    assert (suppress(codes, 3) == WITHHELD).sum() == 3


def fewest(codes: np.ndarray, k: int) -> int:
    """The optimum by trying all patterns of withheld values."""
    best = codes.size
    for mask in product((False, True), repeat=codes.size):
        pattern = np.array(mask).reshape(codes.shape)
        withheld = int((pattern & (codes != WITHHELD)).sum())
        if withheld < best and smallest(np.where(pattern, WITHHELD, codes)) >= k:
            best = withheld
    return best


def test_on_small_tables_at_most_a_quarter_more_is_withheld_than_the_optimum() -> None:
    random = np.random.default_rng(5)
    ours = optimum = 0
    for _ in range(12):
        codes = random.integers(0, 2, size=(6, 2)).astype(np.int16)
        ours += int((suppress(codes, 2) == WITHHELD).sum())
        optimum += fewest(codes, 2)
    assert optimum > 0
    assert ours <= 1.25 * optimum


def test_too_few_records_and_a_senseless_k_are_refused() -> None:
    codes = np.zeros((3, 2), dtype=np.int16)
    for k in (4, 1, 0, True, 2.0):
        with pytest.raises(AmparoError):
            suppress(codes, k)  # type: ignore[arg-type]


@pytest.mark.skipif(not CTDC.exists(), reason="the records of ../shared/data/ctdc are not here")
def test_records_of_the_shape_of_ctdc_become_10_anonymous_in_all_19_columns_for_a_twentieth_of_their_values() -> None:
    codes = pd.read_csv(CTDC).to_numpy().astype(np.int16) - 1  # 0 is not recorded
    assert codes.shape == (91_043, 19)
    found = suppress(codes, 10)
    assert smallest(found) >= 10
    assert (found != codes).sum() <= 0.0505 * (codes != WITHHELD).sum()
