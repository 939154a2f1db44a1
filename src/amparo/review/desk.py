"""Evidence from the referral desk: what its released tables answer, by the recipes in ``data/desk.csv``.

A desk table bears the name of a desk record (``desk_record`` in codes.csv) and is a released table like all others:
the desk counts, ``amparo.protection`` withholds, and only then is it read here. A recipe names the table, the
dimension, and the codes that count:

- ``count``: of the codes in ``part``, or of everybody;
- ``distinct``: how many codes of the dimension have any row;
- ``share``: ``part`` in per cent of ``part`` and ``rest``;
- ``gap``: the share among the ``yes`` of the dimension ``by`` less the share among its ``no``, in percentage points;
- ``median``: of days that are counted in bands such as ``0-2``, ``3-7`` and ``31+``: the band that holds it;
- ``amount``: sums of money, which tables of counts do not tell.

``where`` restricts to codes of other dimensions. With a dimension ``year`` in the table there is a figure per year.

Recipes follow the definitions in indicators.csv to the letter. Many ask for a dimension that the desk does not count
yet; the indicator then says which, and is not answered with something that is nearly it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path

from amparo.review.evidence import Evidence, Point, traced
from amparo.review.figures import CannotTell, Figures, TableMissing
from amparo.review.intervals import Interval, share, total
from amparo.review.register import Indicator

RECIPES = Path(__file__).with_name("data") / "desk.csv"
BAND = re.compile(r"(\d+)-(\d+)|(\d+)\+")


@dataclass(frozen=True)
class Recipe:
    """A line of desk.csv."""

    indicator: str
    table: str
    measure: str
    dim: str
    part: tuple[str, ...]
    rest: tuple[str, ...]
    where: Mapping[str, str]
    by: str


@cache
def recipes() -> Mapping[str, Recipe]:
    """The recipes by indicator."""
    with RECIPES.open(encoding="utf-8", newline="") as file:
        return {row["indicator"]: _recipe(row) for row in csv.DictReader(file)}


def _recipe(row: Mapping[str, str]) -> Recipe:
    where = dict(one.split("=", 1) for one in row["where"].split())
    part, rest = tuple(row["part"].split()), tuple(row["rest"].split())
    return Recipe(row["indicator"], row["table"], row["measure"], row["dim"], part, rest, where, row["by"])


def desk_evidence(indicator: Indicator, figures: Figures, command: str) -> Evidence:
    """What released desk tables say of an indicator, or why they say nothing."""
    recipe = recipes()[indicator.id]
    if recipe.measure == "amount":
        return Evidence(indicator.id, indicator.unit, reason="amounts", detail=recipe.table)
    try:
        points = _points(recipe, figures)
    except TableMissing:
        return Evidence(indicator.id, indicator.unit, reason="no-desk-table", detail=recipe.table)
    except CannotTell as cannot:
        return Evidence(indicator.id, indicator.unit, reason=cannot.args[0], detail=f"{recipe.table}: {cannot.args[1]}")
    if not points:
        return Evidence(indicator.id, indicator.unit, reason="nothing-counted", detail=recipe.table)
    return traced(indicator, points, figures, (recipe.table,), command)


def _points(recipe: Recipe, figures: Figures) -> list[Point]:
    dated = "year" in figures.table(recipe.table).dims
    periods = figures.years(recipe.table) if dated else [""]
    codes = figures.codes(recipe.table, recipe.by) if recipe.by and recipe.measure != "gap" else []
    points = []
    for period in periods:
        at = {**recipe.where, **({"year": period} if dated else {})}
        found = _measure(recipe, figures, at)
        points += [] if found is None else [_point(found, period)]
        for code in codes:
            found = _measure(recipe, figures, {**at, recipe.by: code})
            points += [] if found is None else [_point(found, period, ((recipe.by, code),))]
    return points


def _point(found: Interval, period: str, by: tuple[tuple[str, str], ...] = ()) -> Point:
    return Point(period, found.low, found.high, found.low if found.exact else None, by)


def _measure(recipe: Recipe, figures: Figures, at: Mapping[str, str]) -> Interval | None:
    def counted(codes: tuple[str, ...], **more: str) -> Interval:
        return total(figures.count(recipe.table, **{**at, **more, recipe.dim: code}) for code in codes)

    if recipe.measure == "count":
        return counted(recipe.part) if recipe.part else figures.count(recipe.table, **at)
    if recipe.measure == "distinct":
        held = [figures.count(recipe.table, **{**at, recipe.dim: c}) for c in figures.codes(recipe.table, recipe.dim)]
        return total(Interval(min(1, count.low), min(1, count.high)) for count in held)
    if recipe.measure == "median":
        bands = figures.codes(recipe.table, recipe.dim)
        return median({band: counted((band,)) for band in bands})
    if recipe.measure == "gap":
        yes, no = (
            share(counted(recipe.part, **{recipe.by: c}), counted(recipe.rest, **{recipe.by: c})) for c in ("yes", "no")
        )
        return None if yes is None or no is None else yes.less(no)
    return share(counted(recipe.part), counted(recipe.rest))


def median(bands: Mapping[str, Interval]) -> Interval | None:
    """The days between which the median lies.

    Parameters
    ----------
    bands : counts by band of days, such as ``{"0-2": ..., "3-7": ..., "31+": ...}``; other codes are left out.

    Returns
    -------
    From the first day of the lowest band in which the (lower) median may lie to the last day of the highest (infinite
    where that band is open); None where nobody may be counted.
    """
    ends = sorted(((_band(c), count) for c, count in bands.items() if BAND.fullmatch(c)), key=lambda one: one[0])
    counts = [count for _, count in ends]
    if sum(count.low for count in counts) <= 0:
        return None
    low = high = None
    for place, ((first, last), _) in enumerate(ends):
        below, above = total(counts[: place + 1]), total(counts[place + 1 :])
        if low is None and below.high >= above.low:
            low = first
        if high is None and below.low >= above.high:
            high = last
    assert low is not None
    assert high is not None
    return Interval(low, high)


def _band(code: str) -> tuple[float, float]:
    found = BAND.fullmatch(code)
    assert found
    return (float(found[1]), float(found[2])) if found[1] else (float(found[3]), inf)
