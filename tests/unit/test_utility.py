"""Utility of released microdata: errors by hand, against pandas, and the sentences that follow from them."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import vl_convert

from amparo.protection.utility import (
    FEWEST,
    Utility,
    conclusions,
    count_errors,
    flow_errors,
    trend_errors,
    utility,
    utility_figure,
)
from amparo.standard.errors import AmparoError

CTDC = Path(__file__).resolve().parents[3] / "shared" / "data" / "ctdc" / "ctdc_one_hot_91k.csv.gz"


def cases(records: int, rng: np.random.Generator, growth: float = 1.15) -> pd.DataFrame:
    """Cases over ten years, in five columns; women are more, and grow with the years as all do."""
    weight = growth ** np.arange(10)
    origin = rng.choice(list("ABCDEF"), records, p=[0.4, 0.25, 0.2, 0.1, 0.04, 0.01])
    return pd.DataFrame(
        {
            "year": 2011 + rng.choice(10, records, p=weight / weight.sum()),
            "sex": rng.choice(["f", "m"], records, p=[0.7, 0.3]),
            "form": np.where(rng.random(records) < 0.6, "labour", np.where(origin == "A", "sexual", "other")),
            "origin": origin,
            "destination": rng.choice(list("XYZ"), records, p=[0.6, 0.3, 0.1]),
        }
    )


# --- counts and shares ----------------------------------------------------------------------------------------------


def test_count_errors_by_hand() -> None:
    """p: a 6 → 5, b 2 → 2, c 0 → 1. q: x 8 → 8. p and q together the same as p."""
    original = pd.DataFrame({"p": list("aaaaaabb"), "q": ["x"] * 8})
    released = pd.DataFrame({"p": list("aaaaabbc"), "q": ["x"] * 8})
    counts, by_size = count_errors(original, released)
    one, two = counts.to_dict("records")
    assert (one["column_sets"], one["of"], one["combinations"]) == (2, 2, 4)
    assert one["mean_absolute"] == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert one["mean_relative"] == pytest.approx((1 / 6 + 0 + 0) / 3)
    assert one["lost"] == 0
    assert one["invented"] == pytest.approx(1 / 4)
    assert one["share_error"] == pytest.approx((1 / 8 + 0) / 2)
    assert (two["combinations"], two["mean_absolute"], two["share_error"]) == (3, pytest.approx(2 / 3), 1 / 8)
    small = by_size[(by_size["length"] == 1) & (by_size["least"] == 1)].set_index("classed_by")
    assert small.loc["true", "mean_relative"] == pytest.approx((1 / 6) / 3)
    # Of the shown counts a 5 (1 off), b 2, c 1 (1 off) and x 8.
    assert small.loc["shown", "combinations"] == 4
    assert small.loc["shown", "mean_relative"] == pytest.approx((1 / 5 + 1) / 4)
    assert by_size[by_size["least"] > 1]["combinations"].sum() == 0


def test_count_errors_are_those_of_pandas() -> None:
    rng = np.random.default_rng(1)
    original, released = cases(3000, rng), cases(2500, rng)
    released["sex"] = released["sex"].where(rng.random(2500) > 0.1)
    counts, by_size = count_errors(original, released)
    for length in (1, 2, 3, 4):
        errors, true_counts = [], []
        for columns in itertools.combinations(original.columns, length):
            both = [table.groupby(list(columns)).size() for table in (original, released)]
            true, shown = pd.concat(both, axis=1).fillna(0).to_numpy().T
            errors.append(np.abs(true - shown))
            true_counts.append(true)
        error, true = np.concatenate(errors), np.concatenate(true_counts)
        found = counts.set_index("length").loc[length]
        assert found["combinations"] == len(true)
        assert found["mean_absolute"] == pytest.approx(error.mean())
        inside = (true >= 10) & (true < 100)
        row = by_size.query(f"length == {length} and least == 10 and classed_by == 'true'").iloc[0]
        assert row["combinations"] == inside.sum()
        assert row["p95_relative"] == pytest.approx(np.quantile(error[inside] / true[inside], 0.95))


def test_nothing_changed_is_no_error_and_may_be_quoted() -> None:
    table = cases(20_000, np.random.default_rng(2))
    same = utility(table, table, year="year", origin="origin", destination="destination")
    assert (same.counts[["mean_absolute", "mean_relative", "lost", "invented", "share_error"]] == 0).all(axis=None)
    assert same.trends is not None
    assert (same.trends["verdict"] == "same").all()
    assert same.flows is not None
    assert (same.flows["true"] == same.flows["released"]).all()
    text = "\n".join(conclusions(same))
    assert "totals may be quoted" in text
    assert "no conclusion may rest" not in text
    assert "proves nothing" not in text
    assert "the direction of a group's trend may be concluded" in text
    assert "10 are among the 10 largest of the release, and none is off by more than 0 %" in text


def test_a_sample_of_the_column_sets_is_said_and_seeded() -> None:
    rng = np.random.default_rng(3)
    original, released = cases(500, rng), cases(500, rng)
    counts, _ = count_errors(original, released, longest=2, most_sets=4, seed=1)
    assert counts["column_sets"].tolist() == [4, 4]
    assert counts["of"].tolist() == [5, 10]
    again, _ = count_errors(original, released, longest=2, most_sets=4, seed=1)
    pd.testing.assert_frame_equal(counts, again)


# --- trends ---------------------------------------------------------------------------------------------------------


def test_trends_that_are_lost_reversed_or_invented_are_called_so() -> None:
    years = list(range(2011, 2021))

    def table(rising: list[int], level: list[int], falling: list[int]) -> pd.DataFrame:
        counts = {"rising": rising, "level": level, "falling": falling}
        return pd.DataFrame(
            [{"year": y, "g": g} for g, n in counts.items() for y, k in zip(years, n, strict=True) for _ in range(k)]
        )

    up, flat = [20 * (k + 1) for k in range(10)], [100] * 10
    original = table(up, flat, up[::-1])
    released = table(up[::-1], up, flat)
    found = trend_errors(original, released, "year").set_index("value")
    assert found["verdict"].to_dict() == {"": "same", "falling": "missed", "level": "invented", "rising": "reversed"}
    assert found.loc["rising", "true"] > 0.15
    assert found.loc["rising", "released"] < -0.1
    assert found.loc["level", "true"] == pytest.approx(0, abs=1e-9)
    assert found.loc["rising", "mean_error"] == pytest.approx(np.abs(np.subtract(up, up[::-1])).mean())
    text = " ".join(
        conclusions(
            Utility((len(original), len(released)), *count_errors(original, released), found.reset_index(), None)
        )
    )
    assert "0 show the same direction of trend, 1 miss one, 1 show one that is not there and 1 the opposite" in text
    assert "may not be concluded" in text


def test_a_group_that_the_release_has_lost_misses_its_trend() -> None:
    original = cases(4000, np.random.default_rng(4))
    found = trend_errors(original, original[original["sex"] == "f"], "year")
    lost = found[found["value"] == "m"].iloc[0]
    assert math.isnan(lost["released"])
    assert lost["verdict"] == "missed"


def test_years_that_are_none_are_refused() -> None:
    table = cases(300, np.random.default_rng(5))
    with pytest.raises(AmparoError, match=r'"[fm]" in column "sex" is no year'):
        trend_errors(table, table, "sex")
    with pytest.raises(AmparoError, match='No column "when"'):
        trend_errors(table, table, "when")
    with pytest.raises(AmparoError, match="covers 2 years"):
        trend_errors(table[table["year"] < 2013], table, "year")
    with pytest.raises(AmparoError, match=r"released: .*2014.5"):
        trend_errors(table, table.assign(year=2014.5), "year")


# --- flows ----------------------------------------------------------------------------------------------------------


def test_flows_by_hand() -> None:
    original = pd.DataFrame({"o": list("AAAABBC"), "d": list("XXXYXXY")})
    released = pd.DataFrame({"o": list("AAABBBBD"), "d": list("XXYXXXXX")})
    found = flow_errors(original, released, "o", "d")
    rows = {(r["origin"], r["destination"]): r for r in found.to_dict("records")}
    assert found["true"].tolist() == [3, 2, 1, 1, 0]
    assert (rows["A", "X"]["rank"], rows["A", "X"]["released_rank"]) == (1, 2)
    assert (rows["B", "X"]["true"], rows["B", "X"]["released"], rows["B", "X"]["released_rank"]) == (2, 4, 1)
    assert pd.isna(rows["C", "Y"]["released_rank"])
    assert pd.isna(rows["D", "X"]["rank"])
    text = " ".join(conclusions(Utility((7, 8), *count_errors(original, released), None, found)))
    assert "1 of 4 flows are not in the release, and 1 of the release's are not in the original" in text
    assert "totals are 14 % too high" in text
    with pytest.raises(AmparoError, match="No column q"):
        flow_errors(original, released, "o", "q")


# --- sentences follow from the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1.0, "may be quoted"), (1.3, "may be read as a rough size"), (3.0, "no conclusion may rest on them")],
)
def test_verdicts_follow_the_error(factor: float, words: str) -> None:
    """30 values of 100 to 400 records, all shown ``factor`` times too often."""
    sizes = np.linspace(100, 300, 30).astype(int)
    original = pd.DataFrame({"p": np.repeat(np.arange(30), sizes)})
    released = pd.DataFrame({"p": np.repeat(np.arange(30), (sizes * factor).astype(int))})
    sentences = [s for s in conclusions(utility(original, released)) if "100 to 999 records" in s]
    assert len(sentences) == 1
    assert words in sentences[0]


def test_few_counts_are_not_judged() -> None:
    table = pd.DataFrame({"p": np.repeat(np.arange(FEWEST - 1), 150)})
    text = "\n".join(conclusions(utility(table, table)))
    assert "too few to judge" in text
    assert "may be quoted (on average" not in text


def test_sentences_give_two_digits() -> None:
    rng = np.random.default_rng(6)
    for sentence in conclusions(utility(cases(5000, rng), cases(4321, rng), year="year")):
        for word in sentence.replace(";", " ").split(" %")[:-1]:
            digits = word.split()[-1].lstrip("+-(").replace(",", "").replace(".", "").strip("0")
            assert len(digits) <= 2, sentence


def test_figure_shows_each_class_that_can_be_judged() -> None:
    rng = np.random.default_rng(7)
    found = utility(cases(5000, rng), cases(5000, rng))
    chart = utility_figure(found).to_dict()
    judged = found.by_size[(found.by_size["classed_by"] == "shown") & (found.by_size["combinations"] >= FEWEST)]
    points = max(chart["datasets"].values(), key=len)
    assert len(points) == 2 * len(judged)
    svg = vl_convert.vegalite_to_svg(chart)
    assert "4 columns, counts of 10 to 99" in svg
    assert "<script" not in svg


@pytest.mark.skipif(not CTDC.exists(), reason="the CTDC-shaped records are not beside this clone")
def test_records_of_the_real_shape() -> None:
    """A bootstrap sample of the records: errors are those of sampling, sqrt(2 n / pi) for a count of n at most."""
    table = pd.read_csv(CTDC)
    counts, by_size = count_errors(table, table.sample(len(table), replace=True, random_state=1), longest=2)
    assert counts["column_sets"].tolist() == [19, 171]
    small = by_size.query("length == 2 and least == 10 and classed_by == 'true'").iloc[0]
    assert 0.5 * math.sqrt(2 * 10 / math.pi) < small["mean_absolute"] < 1.2 * math.sqrt(2 * 99 / math.pi)
    assert counts["share_error"].max() < 0.01
