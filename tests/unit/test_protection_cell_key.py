"""Noise by cell keys: the same records, the same noise; what its probabilities keep."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from amparo.protection.cell_key import Noise, record_keys, with_record_keys
from amparo.protection.release import Rule, release
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import KEYS, PrivateTable, tabulate

SECRET = b"sixteen bytes or more"
NOISE = Noise(3, 2.0)


def people(number: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    codes = {"year": ["2020", "2021"], "sex": ["female", "male"], "place": [f"p{k}" for k in range(8)]}
    frame = pd.DataFrame({dim: random.choice(c, number) for dim, c in codes.items()})
    return frame.assign(id=[f"r{k}" for k in range(number)])


def table(frame: pd.DataFrame, by: list[str], name: str = "t") -> PrivateTable:
    keyed = with_record_keys(ibis.memtable(frame), "id", SECRET)
    return tabulate(keyed, by, name=name, key="record_key")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.floats(0.05, 0.9))
def test_probabilities_keep_mean_variance_and_zero(largest: int, part: float) -> None:
    variance = part * largest
    noise = Noise(largest, variance)
    found = noise.probabilities()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found @ noise.values, 0, atol=1e-8)
    np.testing.assert_allclose(found[1:] @ noise.values**2, variance, rtol=1e-8)
    assert found[0, largest] == 1
    for count in range(largest + 1):
        assert not found[count, noise.values < -count].any()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_other_noise_under_the_constraints_has_more_entropy(count: int) -> None:
    values = NOISE.values[NOISE.values >= -count].astype(float)
    ours = NOISE.probabilities()[count][NOISE.values >= -count]
    constraints = [
        {"type": "eq", "fun": lambda p: p.sum() - 1},
        {"type": "eq", "fun": lambda p: p @ values},
        {"type": "eq", "fun": lambda p: p @ values**2 - 2.0},
    ]
    start = np.full(len(values), 1 / len(values))
    other = minimize(
        lambda p: (p * np.log(p)).sum(), start, constraints=constraints, bounds=[(1e-9, 1)] * len(values), tol=1e-12
    )
    np.testing.assert_allclose(ours, other.x, atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5, 1000])
def test_noise_of_simulated_records_has_no_bias_and_its_variance(count: int) -> None:
    cells = 40_000
    keys = record_keys((f"{count}-{k}" for k in range(cells)), SECRET)
    noise = NOISE.perturb(np.full(cells, count), keys) - count
    assert abs(noise.mean()) < 4 * np.sqrt(2.0 / cells)
    assert abs(noise.var() - 2.0) < 0.06
    assert noise.min() >= -min(3, count)
    assert noise.max() == 3


def test_the_same_records_get_the_same_noise_in_every_table_and_release() -> None:
    frame = people(400, 1)
    by_sex = table(frame, ["sex"])
    by_both = table(frame.sample(frac=1, random_state=2), ["year", "sex"], "other")
    left = dict(zip(by_sex.frame["sex"], NOISE.perturb(by_sex.frame["count"].to_numpy(), by_sex.keys), strict=True))
    noisy = NOISE.perturb(by_both.frame["count"].to_numpy(), by_both.keys)
    right = {s: int(v) for (y, s), v in zip(by_both.frame[["year", "sex"]].to_numpy(), noisy, strict=True) if y == "_T"}
    assert left == right
    assert by_sex.keys is not None
    assert ((by_sex.keys >= 0) & (by_sex.keys < KEYS)).all()


def test_another_secret_gives_other_noise() -> None:
    ids = [str(k) for k in range(50)]
    assert (record_keys(ids, SECRET) != record_keys(ids, SECRET[::-1])).any()
    with pytest.raises(AmparoError, match="bytes"):
        record_keys(ids, b"short")


def test_records_without_an_id_of_their_own_are_refused() -> None:
    frame = people(5, 1)
    frame.loc[1, "id"] = "r0"
    with pytest.raises(AmparoError, match="1 records have no id"):
        with_record_keys(ibis.memtable(frame), "id", SECRET)


def test_a_release_holds_every_true_count_in_its_range_and_hides_which_zeros_are_true() -> None:
    private = table(people(90, 3), ["year", "sex", "place"])
    found = release([private], rule=Rule(threshold=1, noise=NOISE), provenance={})["t"].frame
    assert len(found) == 3 * 3 * 9
    both = found.merge(private.frame, how="left").fillna({"count": 0})
    assert ((both["lower"] <= both["count"]) & (both["count"] <= both["upper"])).all()
    assert (both["upper"] == 3)[both["count"] == 0].all()
    assert set(found["status"]) == {"interval"}


def test_a_release_without_keys_is_refused() -> None:
    private = tabulate(ibis.memtable(people(30, 1)), ["sex"], name="t")
    with pytest.raises(AmparoError, match="keys of the records"):
        release([private], rule=Rule(threshold=1, noise=NOISE), provenance={})


def test_noise_that_cannot_be_is_refused() -> None:
    for largest, variance in ((0, 1.0), (3, 3.0), (3, 0.0)):
        with pytest.raises(AmparoError, match="without bias"):
            Noise(largest, variance)
