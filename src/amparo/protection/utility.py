"""What released microdata are still good for: how far counts, shares, trends and flows are from the truth.

Counts are those of combinations of one to four columns, as the reports of pac-synth give them (the tool with which
IOM makes the Counter-Trafficking Data Collaborative's synthetic data; Edge et al. 2020, Design of a privacy-preserving
data platform for collaboration against human trafficking, arXiv:2005.05688). From the measured errors follow
sentences that say what a researcher may conclude and what not.

The report compares with private records; no ε of the release covers it. The sentences give figures to two digits,
over classes of many counts.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from amparo.protection.microdata_attacks.combinations import choose, marginals
from amparo.protection.microdata_attacks.material import encode, patterns
from amparo.standard.errors import AmparoError
from amparo.statistics.estimates import FEWEST_YEARS, trend

Floats = NDArray[np.float64]
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b7280"
"""Okabe & Ito (2008), as in the report's figures."""
CLASSES = (1, 10, 100, 1000)
"""Where the classes of true counts begin: 1 to 9, 10 to 99, 100 to 999, 1,000 and more."""
QUOTABLE, ROUGH = 0.10, 0.50
"""A count may be quoted where 95 of 100 are off by at most the first, and read as a rough size up to the second."""
FEWEST = 20
"""Counts in a class below which 95 of 100 says nothing."""
MOST_SETS = 5000
"""Sets of columns of one length that are compared; all of them up to 19 columns and length 4 (3,876)."""


@dataclass(frozen=True)
class Utility:
    """Errors of a release; shares are of 1, counts are records.

    ``records`` : of original and of released. ``counts``, ``by_size`` : see :func:`count_errors`. ``trends`` : see
    :func:`trend_errors`; None without a year column. ``flows`` : see :func:`flow_errors`; None without both places.
    """

    records: tuple[int, int]
    counts: pd.DataFrame
    by_size: pd.DataFrame
    trends: pd.DataFrame | None
    flows: pd.DataFrame | None


def utility(
    original: pd.DataFrame,
    released: pd.DataFrame,
    *,
    year: str | None = None,
    origin: str | None = None,
    destination: str | None = None,
    longest: int = 4,
    most_sets: int = MOST_SETS,
    seed: int = 0,
) -> Utility:
    """Compare a release with the records that it was made from.

    Parameters
    ----------
    original, released : records × the same columns of codes; sizes may differ.
    year : column of calendar years, for trends. origin, destination : columns of countries, for flows.
    longest : columns per combination, at most. most_sets, seed : see :func:`count_errors`.

    Raises
    ------
    AmparoError : tables whose columns or codes differ, or an unknown column.
    """
    counts, by_size = count_errors(original, released, longest=longest, most_sets=most_sets, seed=seed)
    both = origin is not None and destination is not None
    return Utility(
        (len(original), len(released)),
        counts,
        by_size,
        trend_errors(original, released, year) if year is not None else None,
        flow_errors(original, released, str(origin), str(destination)) if both else None,
    )


def count_errors(
    original: pd.DataFrame, released: pd.DataFrame, *, longest: int = 4, most_sets: int = MOST_SETS, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Errors of the counts of all combinations of one to ``longest`` columns that either table has.

    Combinations with a missing cell are left out. Where there are more than ``most_sets`` sets of columns of one
    length, that many are drawn by chance with ``seed``.

    Returns
    -------
    By length: ``length``; ``column_sets`` compared, ``of`` how many; ``combinations`` that either table has;
    ``mean_absolute`` error in records, over them; ``mean_relative`` error, over those of the original;
    ``lost`` and ``invented``, the share of the original's that the release has not, and of the release's that the
    original has not; ``share_error``, half the sum of absolute differences of shares (total variation), mean over
    the sets of columns.

    By length and size of the count: ``length``; ``classed_by`` the ``true`` count (as pac-synth reports it) or the
    ``shown`` one, which is all that a reader of the release has; ``least`` and ``most`` of the class (the last is
    infinite); ``combinations`` in it; ``mean_absolute``; ``mean_relative`` and ``p95_relative`` (95 of 100 are off by
    no more), relative to the count that the class is made by.
    """
    (coded, coded_released), sizes = encode({"original": original, "released": released})
    rows, (of_original, of_released) = patterns([coded, coded_released], sizes)
    weights = [np.bincount(ids, minlength=len(rows)) for ids in (of_original, of_released)]
    rng = np.random.default_rng(seed)
    by_length, by_size = [], []
    for length in range(1, min(longest, rows.shape[1]) + 1):
        sets = choose(rows.shape[1], length, most_sets, rng)
        cells, distances = [], []
        for marginal in marginals(rows, sizes, weights, sets):
            counts = marginal.counts[:, marginal.counts.any(axis=0)]
            cells.append(counts)
            totals = counts.sum(axis=1, keepdims=True)
            if totals.all():
                distances.append(float(np.abs(np.subtract(*(counts / totals))).sum() / 2))
        true, shown = np.concatenate(cells, axis=1).astype(np.float64)
        error = np.abs(shown - true)
        there = true > 0
        by_length.append(
            {
                "length": length,
                "column_sets": len(sets),
                "of": math.comb(rows.shape[1], length),
                "combinations": len(true),
                "mean_absolute": _mean(error),
                "mean_relative": _mean(error[there] / true[there]),
                "lost": _mean((shown == 0)[there]),
                "invented": _mean((true == 0)[shown > 0]),
                "share_error": _mean(np.array(distances)),
            }
        )
        by_size += [{"length": length, **row} for row in _classes("true", true, error)]
        by_size += [{"length": length, **row} for row in _classes("shown", shown, error)]
    return pd.DataFrame(by_length), pd.DataFrame(by_size)


def _classes(by: str, counts: Floats, error: Floats) -> list[dict[str, object]]:
    """The errors of each class of counts, relative to the count that made the class."""
    rows: list[dict[str, object]] = []
    for least, after in zip(CLASSES, (*CLASSES[1:], math.inf), strict=True):
        inside = (counts >= least) & (counts < after)
        relative = error[inside] / counts[inside]
        rows.append(
            {
                "classed_by": by,
                "least": least,
                "most": after - 1,
                "combinations": int(inside.sum()),
                "mean_absolute": _mean(error[inside]),
                "mean_relative": _mean(relative),
                "p95_relative": float(np.quantile(relative, 0.95)) if len(relative) else math.nan,
            }
        )
    return rows


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan


def trend_errors(original: pd.DataFrame, released: pd.DataFrame, year: str) -> pd.DataFrame:
    """The yearly change of all records, and of those with each value of each other column, in both tables.

    The change is that of a log-linear model with its interval (:func:`amparo.statistics.estimates.trend`), over the
    years of the original; a year without records is a zero. Groups that have records in fewer than four years of
    the original are left out; a group that the release has lost has no released change.

    Returns
    -------
    ``column`` and ``value`` (both empty for all records), ``records`` of the original; ``true``, ``true_low``,
    ``true_high``, ``released``, ``released_low``, ``released_high`` (yearly change, shares of 1);
    ``mean_error`` of the yearly counts, in records; ``verdict``: ``same`` where both intervals say rising, falling
    or neither alike, ``missed`` where the release shows no trend that there is, ``invented`` where it shows one that
    the original does not, ``reversed`` where it shows the opposite.

    Raises
    ------
    AmparoError : no such column, its values are no whole numbers, or fewer than four years.
    """
    years = _years(original, released, year)
    rows = []
    groups: list[tuple[str, object]] = [("", "")]
    for column in original.columns:
        if column != year:
            groups += [(column, value) for value in sorted(original[column].dropna().unique(), key=str)]
    for column, value in groups:
        tables = [table if not column else table[table[column] == value] for table in (original, released)]
        true, shown = (
            np.asarray(pd.to_numeric(table[year]).value_counts().reindex(years, fill_value=0), dtype=np.int64)
            for table in tables
        )
        if (true > 0).sum() < FEWEST_YEARS:
            continue
        truth = trend(years, true).annual_change
        row = {
            "column": str(column),
            "value": str(value),
            "records": int(true.sum()),
            "true": truth.value,
            "true_low": truth.low,
            "true_high": truth.high,
            "released": math.nan,
            "released_low": math.nan,
            "released_high": math.nan,
            "mean_error": float(np.abs(shown - true).mean()),
            "verdict": "missed" if _direction(truth.low, truth.high) else "same",
        }
        if (shown > 0).sum() >= FEWEST_YEARS:
            found = trend(years, shown).annual_change
            row |= {"released": found.value, "released_low": found.low, "released_high": found.high}
            row["verdict"] = _verdict(_direction(truth.low, truth.high), _direction(found.low, found.high))
        rows.append(row)
    return pd.DataFrame(rows)


def _years(original: pd.DataFrame, released: pd.DataFrame, year: str) -> list[int]:
    for name, table in (("original", original), ("released", released)):
        if year not in table.columns:
            raise AmparoError(f'No column "{year}".', remedy="Name the column of years.", where=name)
        numbers = pd.to_numeric(table[year], errors="coerce")
        wrong = table[year][(numbers.isna() & table[year].notna()) | (numbers % 1 > 0)]
        if len(wrong):
            raise AmparoError(
                f'"{wrong.iloc[0]}" in column "{year}" is no year.',
                remedy="Give calendar years as whole numbers.",
                where=name,
            )
    found = pd.to_numeric(original[year]).dropna()
    years = list(range(int(found.min()), int(found.max()) + 1)) if len(found) else []
    if len(years) < FEWEST_YEARS:
        raise AmparoError(
            f'Column "{year}" covers {len(years)} years; a trend needs {FEWEST_YEARS}.',
            remedy="Leave the year out of the comparison.",
            where="original",
        )
    return years


def _direction(low: float, high: float) -> int:
    return int(low > 0) - int(high < 0)


def _verdict(true: int, shown: int) -> str:
    if true == shown:
        return "same"
    if not shown:
        return "missed"
    return "reversed" if true else "invented"


def flow_errors(original: pd.DataFrame, released: pd.DataFrame, origin: str, destination: str) -> pd.DataFrame:
    """Every flow that either table has, from the largest.

    Returns
    -------
    ``origin``, ``destination``, ``true`` and ``released`` records, ``rank`` in the original and ``released_rank``
    (1 is the largest; equal flows share the best rank; missing where the table has not the flow).

    Raises
    ------
    AmparoError : no such column.
    """
    sides = []
    for name, table in (("original", original), ("released", released)):
        missing = [column for column in (origin, destination) if column not in table.columns]
        if missing:
            raise AmparoError(f"No column {', '.join(missing)}.", remedy="Name the columns of places.", where=name)
        sides.append(table.groupby([origin, destination], observed=True).size())
    flows = pd.concat(sides, axis=1, keys=["true", "released"]).fillna(0).astype(np.int64)
    flows.index.names = ["origin", "destination"]
    for count, rank in (("true", "rank"), ("released", "released_rank")):
        flows[rank] = flows[count].where(flows[count] > 0).rank(ascending=False, method="min").astype("Int64")
    flows = flows.reset_index()
    order = flows.assign(o=flows["origin"].astype(str), d=flows["destination"].astype(str))
    return flows.loc[order.sort_values(["true", "o", "d"], ascending=[False, True, True]).index].reset_index(drop=True)


def conclusions(found: Utility) -> list[str]:
    """What a researcher may and may not conclude, in sentences, each from the measured errors alone.

    A released count may be quoted where 95 of 100 of its size are within ``QUOTABLE`` of the truth, read as a rough
    size up to ``ROUGH``, and is no basis for a conclusion beyond. Errors are shares of the released count, since
    that is what the reader has.
    """
    before, after = found.records
    sentences = [
        f"The release has {after:,} records, the original {before:,}"
        + (": totals may be quoted." if before == after else f": totals are {_off(after, before)}; use shares.")
    ]
    for row in found.by_size[found.by_size["classed_by"] == "shown"].to_dict("records"):
        what = f"Released counts of {_columns(row['length'])}, of {_size(row)} records"
        if 0 < row["combinations"] < FEWEST:
            sentences.append(f"{what}: there are fewer than {FEWEST}, too few to judge.")
        elif row["combinations"]:
            words = _verdict_on_counts(row["p95_relative"])
            off = f"{_percent(row['mean_relative'])}; 95 of 100 by at most {_percent(row['p95_relative'])}"
            sentences.append(f"{what}: {words} (on average off by {off}).")
    for row in found.counts.to_dict("records"):
        if row["invented"] > 0 or row["lost"] > 0:
            sentences.append(
                f"Of the combinations of {_columns(row['length'])} in the release {_percent(row['invented'])} are not "
                f"in the original, and {_percent(row['lost'])} of the original's are not in the release: "
                "that a combination is there, or is not, proves nothing."
            )
        sentences.append(
            f"Shares over {_columns(row['length'])}: {_percent(row['share_error'])} of all records, on average, "
            "would have to move to another combination for all shares to be right."
        )
    if found.trends is not None:
        sentences += _of_trends(found.trends)
    if found.flows is not None:
        sentences += _of_flows(found.flows)
    return sentences


def _verdict_on_counts(p95: float) -> str:
    if p95 <= QUOTABLE:
        return "may be quoted"
    return "may be read as a rough size, not quoted" if p95 <= ROUGH else "no conclusion may rest on them"


def _columns(length: int) -> str:
    return "1 column" if length == 1 else f"{length} columns"


def _size(row: dict[Hashable, Any]) -> str:
    least, most = row["least"], row["most"]
    return f"{least:,} or more" if math.isinf(most) else f"{least:,} to {int(most):,}"


def _of_trends(trends: pd.DataFrame) -> list[str]:
    if not len(trends):
        return []
    sentences = []
    first = trends.iloc[0]
    if not first["column"]:
        known = not math.isnan(first["released"])
        sentences.append(
            f"All records change by {_percent(first['true'], sign=True)} a year; the release "
            + (f"shows {_percent(first['released'], sign=True)}." if known else "has too few years to tell.")
        )
    groups = trends[trends["column"] != ""]
    if len(groups):
        number = groups["verdict"].value_counts().to_dict()
        same = number.get("same", 0)
        sentences.append(
            f"Of {len(groups)} groups, {same} show the same direction of trend, {number.get('missed', 0)} miss one, "
            f"{number.get('invented', 0)} show one that is not there and {number.get('reversed', 0)} the opposite: "
            + (
                "the direction of a group's trend may be concluded."
                if same >= 0.95 * len(groups)
                else "the direction of a group's trend may not be concluded from the release alone."
            )
        )
    return sentences


def _of_flows(flows: pd.DataFrame) -> list[str]:
    there = flows[flows["true"] > 0]
    if not len(there):
        return []
    top = min(10, len(there))
    largest = there[there["rank"] <= top]
    kept = int((largest["released_rank"] <= top).sum())
    error = ((largest["released"] - largest["true"]).abs() / largest["true"]).max()
    lost = int((there["released"] == 0).sum())
    invented = int((flows["true"] == 0).sum())
    return [
        f"Of the {len(largest)} largest flows {kept} are among the {top} largest of the release, "
        f"and none is off by more than {_percent(float(error))}.",
        f"{lost} of {len(there)} flows are not in the release, and {invented} of the release's are not in the original"
        + (": that a flow is there, or is not, proves nothing." if lost or invented else "."),
    ]


def _off(shown: int, true: int) -> str:
    return f"{_percent(abs(shown - true) / true)} too {'high' if shown > true else 'low'}"


def _percent(share: float, *, sign: bool = False) -> str:
    """A share to two digits: more would tell of single records."""
    if math.isnan(share):
        return "an unknown share"
    digits = f"{100 * share:+.2g}" if sign else f"{100 * share:.2g}"
    return f"{float(digits):{'+' if sign else ''},g} %"


def utility_figure(found: Utility, *, width: int = 420) -> alt.LayerChart | alt.FacetChart:
    """Mean and 95th percentile of the relative error, by length of combination and size of the released count.

    The axis ends at 200 %; what lies beyond stands at its end. The lines say up to where a count may be quoted, and
    read as a rough size.
    """
    shown = found.by_size["classed_by"] == "shown"
    frame = found.by_size[shown & (found.by_size["combinations"] >= FEWEST)].copy()
    frame["name"] = [f"{_columns(row['length'])}, counts of {_size(row)}" for row in frame.to_dict("records")]
    for end in ("mean_relative", "p95_relative"):
        frame[end] = frame[end].clip(upper=2.0)
    long = frame.melt(
        id_vars=["name"], value_vars=["mean_relative", "p95_relative"], var_name="measure", value_name="error"
    )
    long["measure"] = long["measure"].map({"mean_relative": "mean", "p95_relative": "95 of 100 are no further off"})
    order = list(frame["name"])
    measures = ["mean", "95 of 100 are no further off"]
    scale = alt.Scale(domain=[0, max(0.6, float(long["error"].max()))])
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=400))
    x_axis = alt.Axis(format=".0%", tickCount=6)
    rule = (
        alt.Chart(frame[["name", "mean_relative", "p95_relative"]])
        .mark_rule(color=GREY)
        .encode(
            y=y,
            x=alt.X("mean_relative:Q", title="error, as a share of the released count", scale=scale, axis=x_axis),
            x2="p95_relative:Q",
        )
    )
    point = (
        alt.Chart(long)
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            y=y,
            x=alt.X("error:Q", scale=scale),
            color=alt.Color("measure:N", title=None, scale=alt.Scale(domain=measures, range=[BLUE, ORANGE])),
            shape=alt.Shape("measure:N", title=None, scale=alt.Scale(domain=measures, range=["circle", "diamond"])),
        )
    )
    limits = (
        alt.Chart(pd.DataFrame({"x": [QUOTABLE, ROUGH]}))
        .mark_rule(color=GREY, strokeDash=[4, 3])
        .encode(x=alt.X("x:Q", scale=scale))
    )
    return alt.layer(limits, rule, point).properties(width=width, height=alt.Step(18))
