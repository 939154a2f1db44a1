"""UNODC's published statistics (GLOTIP) as tables of the world, its regions and its countries.

The workbook gives one row per country, year, indicator and category, with totals among the rows. Which rows make
which table is fixed here, so that nobody is counted twice: totals are never added to their parts, and a table by
sex takes the rows that hold all ages, one by age those that hold both sexes.

A count shown as ``<5`` is 0 to 4 (the workbook shows no zero, and totals prove that some of its ``<5`` are zero);
sums are then ranges too. What stands more than once under one key, because a label was lost, is told by the rows
that kept it:

- A sex at all ages that stands twice is its children and its adults (in the release of 2025-04-14 all 155 such pairs
  are those two rows, count for count): the sum.
- A form of exploitation that stands several times is several forms under one name: from the largest to the sum.
- Anything else is from the smallest to the largest, and is listed by :func:`contradictions`.

A number given both as sex ``other`` and as sex ``unknown``, where the total has room for one of the two, is counted
once, as ``other``.

Source: UNODC data portal, Trafficking in persons (GLOTIP); UNODC (2022), Global Report on Trafficking in Persons,
methodology.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import ibis
import pandas as pd

from amparo.standard.countries import countries
from amparo.standard.variables import TOTAL, UNKNOWN
from amparo.statistics.tables import PublishedTable

SOURCE = "UNODC, GLOTIP"
VICTIMS = "detected_victims"
_KEY = ["reporting_country", "indicator", "dimension", "category", "sex", "age", "year"]


def published_tables(aggregates: ibis.Table) -> list[PublishedTable]:
    """The tables of the world, the regions and the countries.

    Parameters
    ----------
    aggregates : the analysis table of published numbers (see ``amparo.standard``).

    Returns
    -------
    Tables whose counts are ranges where the source's are; rows without a country are in the world's alone.
    """
    rows = _rows(aggregates)
    totals = rows[(rows["dimension"] == TOTAL) & (rows["category"] == TOTAL)]
    whole = totals[(totals["sex"] == TOTAL) & (totals["age"] == TOTAL)]
    victims = totals[totals["indicator"] == VICTIMS]
    by_sex = victims[(victims["sex"] != TOTAL) & ((victims["age"] == TOTAL) | (victims["sex"] == UNKNOWN))]
    by_age = victims[(victims["age"] != TOTAL) & ((victims["sex"] == TOTAL) | (victims["age"] == UNKNOWN))]
    by_age = by_age.assign(age_group=by_age["age"])
    forms = rows[(rows["indicator"] == VICTIMS) & (rows["dimension"] == "exploitation_form")]
    forms = forms[(forms["sex"] == TOTAL) & (forms["age"] == TOTAL)].assign(form=lambda f: f["category"])
    citizenship = rows[(rows["indicator"] == VICTIMS) & (rows["dimension"] == "citizenship")]
    flows = citizenship.assign(
        origin=citizenship["category"].where(citizenship["category"] != "Nationals", citizenship["reporting_country"]),
        destination=citizenship["reporting_country"],
    )
    flows["origin"] = flows["origin"].where(flows["origin"].isin(list(countries())), UNKNOWN)
    border = flows.assign(
        cross_border=["domestic" if o == d else UNKNOWN if o == UNKNOWN else "cross_border"
                      for o, d in zip(flows["origin"], flows["destination"], strict=True)]
    )  # fmt: skip
    subregion = {code: place.subregion for code, place in countries().items()}
    between = flows.assign(
        origin_subregion=flows["origin"].map(subregion).fillna(UNKNOWN),
        destination_subregion=flows["destination"].map(subregion).fillna(UNKNOWN),
    )
    home = rows[(rows["indicator"] == VICTIMS) & (rows["dimension"] == "repatriation")]
    home = home.assign(destination=home["category"].where(home["category"].isin(list(countries())), UNKNOWN))
    counted = "Sum of the totals that countries reported; a country that reported nothing adds nothing."
    return [
        _table("world_by_year_indicator", whole, ["year", "indicator"], counted, totals=["year"]),
        _table("world_by_year_sex", by_sex, ["year", "sex"], f"{counted} Rows that hold all ages."),
        _table("world_by_year_age", by_age, ["year", "age_group"], f"{counted} Rows that hold both sexes."),
        _table("world_by_year_form", forms, ["year", "form"], f"{counted} Victims whose form was reported."),
        _table("world_by_year_cross_border", border, ["year", "cross_border"], "By citizenship as reported."),
        _table("region_by_year_indicator", whole, ["region", "year", "indicator"], counted, totals=["year"]),
        _table("subregion_by_year_indicator", whole, ["subregion", "year", "indicator"], counted, totals=["year"]),
        _table("region_by_form", forms, ["region", "form"], f"{counted} Victims whose form was reported."),
        _table("region_by_sex", by_sex, ["region", "sex"], f"{counted} Rows that hold all ages."),
        _table(
            "country_by_year_indicator", whole, ["reporting_country", "year", "indicator"], "As reported.", totals=[]
        ),
        _table("country_by_form", forms, ["reporting_country", "form"], "Sum over all years reported."),
        _table("country_by_sex", by_sex, ["reporting_country", "sex"], "Sum over all years reported."),
        _table("country_by_age", by_age, ["reporting_country", "age_group"], "Sum over all years reported."),
        _table(
            "flows_by_origin_destination",
            flows,
            ["origin", "destination"],
            "Citizenship to reporting country, all years.",
        ),
        _table(
            "flows_by_subregion",
            between,
            ["origin_subregion", "destination_subregion"],
            "M49 subregion of citizenship to that of the reporting country, all years.",
        ),
        _table("repatriated_by_country", home, ["destination"], "Country of repatriation, all years."),
    ]


def _rows(aggregates: ibis.Table) -> pd.DataFrame:
    """One row per key, with its region; what stands more than once becomes a sum or a range (see above)."""
    rows = aggregates.select(*_KEY, "lower", "upper").to_pandas()
    rows["category"] = rows["category"].fillna(TOTAL)
    rows["year"] = rows["year"].astype("Int64").astype(str)
    rows["reporting_country"] = rows["reporting_country"].fillna(UNKNOWN)
    groups = rows.groupby(_KEY, sort=True)
    once = groups.agg(lower=("lower", "min"), upper=("upper", "max")).reset_index()
    # Parts of one category under one name: the truth lies between the largest and their sum.
    parts = groups.agg(lower=("lower", "max"), upper=("upper", "sum")).reset_index()
    split = once["dimension"] == "exploitation_form"
    once.loc[split, ["lower", "upper"]] = parts.loc[split, ["lower", "upper"]]
    once = _without_other_again(_with_ages_together(once, rows))
    places = countries()
    for level in ("region", "subregion"):
        known = {code: getattr(place, level) for code, place in places.items()}
        once[level] = once["reporting_country"].map(known).fillna(UNKNOWN)
    rows_once: pd.DataFrame = once
    return rows_once


_PLACE = ["reporting_country", "indicator", "dimension", "category", "year"]


def _lost_ages(rows: pd.DataFrame) -> pd.DataFrame:
    """The sums of a sex's rows at all ages that are, count for count, its children and its adults; by key."""
    key = [*_PLACE, "sex"]
    totals = (rows["dimension"] == TOTAL) & (rows["sex"] != TOTAL)
    again = rows[totals & (rows["age"] == TOTAL)]
    again = again[again.duplicated(key, keep=False)]
    ages = rows[totals & rows["age"].isin(["child", "adult"])]

    def counts(part: pd.DataFrame) -> pd.Series:
        pairs = pd.Series(list(zip(part["lower"], part["upper"], strict=True)), index=part.index, dtype=object)
        joined: pd.Series = pairs.groupby([part[column] for column in key]).agg(sorted)
        return joined

    same = counts(again)
    same = same[same == counts(ages).reindex(same.index)]
    sums = again.groupby(key)[["lower", "upper"]].sum()
    return sums[sums.index.isin(same.index)]


def _with_ages_together(once: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    sums = _lost_ages(rows)
    indexed = once.set_index([*_PLACE, "sex", "age"])
    indexed.update(sums.assign(age=TOTAL).set_index("age", append=True))
    return indexed.reset_index().astype({"lower": "int64", "upper": "int64"})[once.columns]


def _without_other_again(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out an exact sex ``unknown`` that repeats ``other``, where the total holds only one of the two."""
    sexes = rows[(rows["age"] == TOTAL) | ((rows["sex"] == UNKNOWN) & (rows["age"] == UNKNOWN))]
    low = sexes.pivot(index=_PLACE, columns="sex", values="lower").reindex(columns=_SEXES)
    high = sexes.pivot(index=_PLACE, columns="sex", values="upper").reindex(columns=_SEXES)
    without = low[["female", "male", "other"]].sum(axis=1)
    again = (
        (low[UNKNOWN] == high[UNKNOWN])
        & (low[UNKNOWN] == low["other"])
        & (high[UNKNOWN] == high["other"])
        & (low[UNKNOWN] > 0)
        & (without <= high[TOTAL])
        & (without + low[UNKNOWN] > high[TOTAL])
    )
    repeated = pd.MultiIndex.from_frame(rows[_PLACE]).isin(again[again].index) & (rows["sex"] == UNKNOWN)
    return rows[~repeated].reset_index(drop=True)


_SEXES = ["female", "male", "other", UNKNOWN, TOTAL]


def _table(
    name: str, rows: pd.DataFrame, dims: Sequence[str], method: str, *, totals: Sequence[str] | None = None
) -> PublishedTable:
    """Sum the rows by ``dims``, with totals over ``totals`` (all of them unless said)."""
    summable = list(dims) if totals is None else list(totals)
    parts = []
    for size in range(len(summable) + 1):
        for over in combinations(summable, size):
            part = rows.assign(**dict.fromkeys(over, TOTAL))
            parts.append(part.groupby(list(dims), sort=True)[["lower", "upper"]].sum().reset_index())
    frame = pd.concat(parts, ignore_index=True).astype({"lower": "int64", "upper": "int64"})
    frame = frame.sort_values(list(dims), ignore_index=True)
    return PublishedTable(name, "persons", tuple(dims), frozenset(), frame[[*dims, "lower", "upper"]], method, SOURCE)


def contradictions(aggregates: ibis.Table) -> pd.DataFrame:
    """Where the published numbers contradict each other.

    Returns
    -------
    One row per contradiction: ``reporting_country``, ``year``, ``indicator``, ``what`` (which numbers), ``lower``,
    ``upper`` (what the parts, or the smallest of several entries, allow), ``published_lower``, ``published_upper``
    (the total, or the largest of several entries). Parts that exceed their total contradict it whatever else there
    is; parts by sex or age that fall short of it, with those of unknown sex and age, leave victims of no category.
    """
    raw = aggregates.select(*_KEY, "lower", "upper").to_pandas()
    raw["category"] = raw["category"].fillna(TOTAL)
    raw["reporting_country"] = raw["reporting_country"].fillna(UNKNOWN)
    groups = raw.groupby(_KEY)
    many = groups.agg(
        lower=("lower", "min"),
        upper=("upper", "min"),
        published_lower=("lower", "max"),
        published_upper=("upper", "max"),
    )
    lost = _lost_ages(raw).assign(age=TOTAL).set_index("age", append=True).reorder_levels(_KEY)
    many = many[~many.index.isin(lost.index)]
    many = many[(many["lower"] != many["published_lower"]) | (many["upper"] != many["published_upper"])].reset_index()
    twice = many.assign(
        what="reported more than once: " + many["dimension"].where(many["dimension"] != TOTAL, "total")
        + ", " + many["category"] + ", " + many["sex"] + ", " + many["age"]
    )  # fmt: skip
    rows = _rows(aggregates)
    checks = [*_by_parts(rows, "sex"), *_by_parts(rows, "age"), _exceeding_category(rows)]
    columns = ["reporting_country", "year", "indicator", "what", "lower", "upper", "published_lower", "published_upper"]
    twice["year"] = twice["year"].astype(str)
    found = pd.concat([twice[columns], *(check[columns] for check in checks)], ignore_index=True)
    ordered: pd.DataFrame = found.sort_values(columns[:4], ignore_index=True)
    return ordered


def _by_parts(rows: pd.DataFrame, dim: str) -> list[pd.DataFrame]:
    """Totals that their parts by sex, or by age, cannot add up to: parts that exceed them, parts that fall short."""
    other = "age" if dim == "sex" else "sex"
    place = ["reporting_country", "year", "indicator", "dimension", "category"]
    keys = [*place, other]
    whole = rows[rows[dim] == TOTAL].set_index(keys)[["lower", "upper"]]
    parts = rows[(rows[dim] != TOTAL) & (rows[dim] != UNKNOWN)].groupby(keys)[["lower", "upper"]].sum()
    both = parts.join(whole.add_suffix("_total"), how="inner").reset_index()
    unknown = rows[(rows["sex"] == UNKNOWN) & (rows["age"] == UNKNOWN)].set_index(place)["upper"]
    most = both["upper"] + both.set_index(place).index.map(unknown.to_dict()).to_series(index=both.index).fillna(0)
    where = both["dimension"].where(both["dimension"] != TOTAL, "total") + ", " + both["category"] + ", " + both[other]
    more = both["lower"] > both["upper_total"]
    less = most < both["lower_total"]
    short = both.assign(upper=most.astype("int64"))
    return [
        _named(both[more], f"parts by {dim} exceed their total: " + where[more]),
        _named(short[less], f"parts by {dim} fall short of their total: " + where[less]),
    ]


def _exceeding_category(rows: pd.DataFrame) -> pd.DataFrame:
    """Totals that are smaller than the least that the forms, or the citizenships, add up to."""
    keys = ["reporting_country", "year", "indicator"]
    flat = rows[(rows["sex"] == TOTAL) & (rows["age"] == TOTAL)]
    whole = flat[flat["dimension"] == TOTAL].set_index(keys)[["lower", "upper"]]
    parts = flat[flat["dimension"].isin(["exploitation_form", "citizenship"])]
    summed = parts.groupby([*keys, "dimension"])[["lower", "upper"]].sum().reset_index("dimension")
    both = summed.join(whole.add_suffix("_total"), how="inner").reset_index()
    both = both[both["lower"] > both["upper_total"]]
    return _named(both, "parts by " + both["dimension"] + " exceed their total")


def _named(both: pd.DataFrame, what: pd.Series) -> pd.DataFrame:
    return both.rename(columns={"lower_total": "published_lower", "upper_total": "published_upper"}).assign(what=what)
