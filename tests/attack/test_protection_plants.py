"""Leaks planted in releases: an audit that does not find them is blind, and these tests then fail."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from amparo.protection import suppression
from amparo.protection.audit import feasible_bounds, shortfalls
from amparo.protection.cell_key import KEYS, Noise, record_keys, with_record_keys
from amparo.protection.release import Release, Rule, release, republish
from amparo.protection.suppression import gathered
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable, PublishedTable, tabulate

SECRET = b"a secret of this test alone"


def made_up(seed: int = 3, by: tuple[str, ...] = ("a", "b"), name: str = "t") -> PrivateTable:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"a": random.choice([f"a{k}" for k in range(5)], 700, p=[0.5, 0.3, 0.12, 0.05, 0.03])})
    rows["b"] = random.choice([f"b{k}" for k in range(4)], 700, p=[0.6, 0.25, 0.1, 0.05])
    rows["list"] = np.where(rows["a"] == "a1", "police", random.choice(["police", "shelter", "ngo"], 700))
    rows["id"] = [f"r{k}" for k in range(700)]
    records = with_record_keys(ibis.memtable(rows), "id", SECRET)
    return tabulate(records, by, name=name, contributor="list", key="record_key")


def leaks(table: PrivateTable, found: Release, more: list[int]) -> int:
    """Small counts that an outsider narrows below the rule, when rows ``more`` are published as well."""
    frame = found["t"].frame
    both = table.frame.merge(frame, on=list(table.dims))
    lower = both["lower"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    lower[more] = both["count"].to_numpy()[more]
    hidden = np.isnan(lower)
    everything = gathered([table], 10)
    seen = (everything.counts.copy(), everything.counts.copy())
    need = np.where(hidden, everything.need, 0.0)
    return len(shortfalls(everything.cells, everything.relations, everything.counts, hidden, need, seen))


def test_one_total_too_many_is_caught_whichever_it_is() -> None:
    table = made_up()
    found = release([table], rule=Rule(10), provenance={})
    withheld = (table.frame.merge(found["t"].frame, on=["a", "b"])["status"] == "withheld").to_numpy()
    counts = table.frame["count"].to_numpy()
    guards = np.flatnonzero(withheld & (counts >= 10)).tolist()
    assert guards
    assert leaks(table, found, []) == 0
    caught = [leaks(table, found, [guard]) for guard in guards]
    assert sum(c > 0 for c in caught) >= len(guards) / 2  # some guards stand by for others, most are needed
    assert leaks(table, found, guards) > 0


def test_a_total_published_too_many_gives_its_cell_to_feasible_bounds() -> None:
    rows = {("a0", "b0"): 40, ("a0", "b1"): 3, ("a0", "_T"): 43, ("_T", "b0"): 95, ("_T", "b1"): 60}
    for planted in (False, True):
        known = {key: value for key, value in rows.items() if planted or key != ("a0", "_T")}
        frame = pd.DataFrame(
            [(*key, value, value) for key, value in known.items()], columns=["a", "b", "lower", "upper"]
        )
        frame.loc[(frame["a"] == "a0") & (frame["b"] == "b1"), ["lower", "upper"]] = [0, 9]
        table = PublishedTable("t", "records", ("a", "b"), frozenset(), frame, "planted", "planted")
        bounds = feasible_bounds(republish([table], provenance={})).set_index("cell")
        assert bounds.loc["a=a0, b=b1", "upper"] == (3 if planted else 9)


def test_a_guard_that_another_table_shows_too_is_withheld_there_as_well() -> None:
    # All of a1 is of one list: its total is withheld, and so must be the one that the other table shows.
    rule = Rule(10, suppression.Dominance(1, 0.85))
    found = release([made_up(), made_up(by=("a",), name="margin")], rule=rule, provenance={})
    left = found["t"].frame
    left = left[left["b"] == "_T"].set_index("a")["status"]
    assert (left == "withheld").any()
    assert (left == found["margin"].frame.set_index("a")["status"]).all()


def test_without_its_guards_a_release_of_boxes_is_seen_to_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    table = made_up(5)
    monkeypatch.setattr(
        suppression, "_guard_by_boxes", lambda found, withheld, few: (found.counts.copy(), found.counts.copy())
    )
    monkeypatch.setattr(suppression, "_close_totals", lambda *args, **kwargs: None)
    monkeypatch.setattr(suppression, "shortfalls", lambda *args: [])
    careless = release([table], rule=Rule(10), provenance={})
    assert leaks(table, careless, []) > 0


# Dominance ----------------------------------------------------------------------------------------------------------


def test_a_count_that_comes_wholly_from_one_list_does_not_tell_that_lists_figures() -> None:
    table = made_up()
    assert table.largest is not None
    rule = Rule(10, suppression.Dominance(1, 0.85))
    found = release([table], rule=rule, provenance={})["t"].frame
    both = table.frame.merge(found, on=["a", "b"])
    counts = table.frame["count"].to_numpy()
    dominated = table.largest[:, 0] > 0.85 * counts
    assert dominated.sum() >= 4
    assert (both["status"] == "withheld")[dominated].all()
    plain = release([table], rule=Rule(10), provenance={})["t"].frame
    assert (table.frame.merge(plain, on=["a", "b"])["status"] == "exact")[dominated].any()
    released = release([table], rule=rule, provenance={})
    bounds = feasible_bounds(released).set_index("cell")
    for a, b, count in table.frame[dominated].itertuples(index=False, name=None):
        cell = ", ".join(f"{d}={c}" for d, c in (("a", a), ("b", b)) if c != "_T")
        assert bounds.loc[cell, "upper"] >= count / 0.85 - 1e-6


def test_the_second_largest_list_cannot_tell_the_largest_to_within_p() -> None:
    largest = np.array([[90, 8, 2, 0, 0], [50, 30, 20, 0, 0], [60, 40, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=float)
    # By hand: 100 - 90 - 8 = 2 remain, 9 are asked for; 20 remain, 5 are asked for; 0 remain, 6 are asked for.
    np.testing.assert_allclose(suppression.PPercent(0.1).rise(largest.sum(axis=1), largest), [7, 0, 6, 0])
    # By hand: (1, 0.85) lets 90 stand in 90 / 0.85 = 105.88.
    np.testing.assert_allclose(suppression.Dominance(1, 0.85).rise(largest.sum(axis=1), largest), [5.8823529, 0, 0, 0])


def test_largest_contributions_are_what_a_plain_count_gives() -> None:
    rows = pd.DataFrame({"a": ["x"] * 6 + ["y"], "list": ["p", "p", "p", "q", "q", "r", "q"]})
    table = tabulate(ibis.memtable(rows), ["a"], name="t", contributor="list")
    assert table.frame.to_numpy().tolist() == [["_T", 7], ["x", 6], ["y", 1]]
    assert table.largest is not None
    assert table.largest.tolist() == [[3, 3, 1, 0, 0], [3, 2, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert tabulate(ibis.memtable(rows), ["a"], name="t").largest is None


def test_dominance_without_contributions_is_refused() -> None:
    table = tabulate(ibis.memtable(pd.DataFrame({"a": ["x"] * 30})), ["a"], name="t")
    with pytest.raises(AmparoError, match="how much each list contributes"):
        release([table], rule=Rule(10, suppression.Dominance(1, 0.85)), provenance={})


# Noise --------------------------------------------------------------------------------------------------------------


def test_averaging_many_tables_over_one_cell_gains_nothing() -> None:
    # The adversary asks for one cell in twelve tables, each with another dimension beside it, and averages.
    random = np.random.default_rng(1)
    noise = Noise(3, 2.0)
    rows = pd.DataFrame({f"x{k}": random.integers(0, 3, 300).astype(str) for k in range(12)})
    rows["sex"] = random.choice(["female", "male"], 300)
    rows["id"] = [str(k) for k in range(300)]
    records = with_record_keys(ibis.memtable(rows), "id", SECRET)
    answers = set()
    for k in range(12):
        table = tabulate(records, ["sex", f"x{k}"], name="t", key="record_key")
        assert table.keys is not None
        noisy = noise.perturb(table.frame["count"].to_numpy(), table.keys)
        at = (table.frame["sex"] == "female") & (table.frame[f"x{k}"] == "_T")
        answers.add(int(noisy[at.to_numpy()][0]))
    assert len(answers) == 1


def test_fresh_noise_would_have_been_averaged_away() -> None:
    # The same adversary against noise that is drawn anew each time: he wins, so the test above is no test of nothing.
    noise = Noise(3, 2.0)
    fresh = np.random.default_rng(2).integers(0, KEYS, 4000)
    answers = noise.perturb(np.full(4000, 57), fresh)
    assert len(set(answers.tolist())) > 1
    assert round(float(answers.mean())) == 57


def test_adding_up_the_parts_of_a_cell_costs_their_noise() -> None:
    # Summing noisy parts over many partitions is the averaging that is left; each sum carries its parts' variance.
    random = np.random.default_rng(4)
    noise = Noise(3, 2.0)
    errors = []
    for trial in range(300):
        keys = record_keys([f"{trial}-{k}" for k in range(60)], SECRET)
        parts = random.integers(0, 6, 60)
        counts = np.bincount(parts, minlength=6)
        sums = np.array([keys[parts == p].sum() % KEYS for p in range(6)])
        errors.append(int(noise.perturb(counts, sums).sum() - 60))
    assert abs(np.mean(errors)) < 4 * np.sqrt(12 / 300)
    assert np.var(errors) > 8  # six parts, a variance of 2 each


def test_ranges_that_give_a_count_away_together_are_not_released() -> None:
    # Two parts shown 1 too low and their total 1 too high meet in one value: about one secret in ten does it.
    rows = pd.DataFrame({"a": ["x"] * 25 + ["y"] * 31, "id": [str(k) for k in range(56)]})
    noise = Noise(1, 0.9)
    refused = 0
    for trial in range(40):
        records = with_record_keys(ibis.memtable(rows), "id", f"{trial} and sixteen bytes".encode())
        table = tabulate(records, ["a"], name="t", key="record_key")
        assert table.keys is not None
        shown = noise.perturb(table.frame["count"].to_numpy(), table.keys) - table.frame["count"].to_numpy()
        given_away = shown.tolist() in ([1, -1, -1], [-1, 1, 1])
        if given_away:
            refused += 1
            with pytest.raises(AmparoError, match="single value"):
                release([table], rule=Rule(threshold=1, noise=noise), provenance={})
        else:
            release([table], rule=Rule(threshold=1, noise=noise), provenance={})
    assert refused > 0
