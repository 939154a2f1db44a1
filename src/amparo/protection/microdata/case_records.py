"""The case records of a workspace as microdata: one row per record, in columns that researchers ask for.

Places are UN M49 subregions, since a country among few records names a person; a place in several subregions is
``several``. Forms of exploitation and relations to recruiters, of which several may hold, have a column per code.
The categories are those of the standard, never those that occur.

Until lists are linked a record is not a person: who is on two lists has two records, and a promise that is made to
one record holds for that person with twice the epsilon.

Source: the columns follow the CTDC Global Synthetic Dataset (IOM, codebook of 2024); M49.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ibis

from amparo.protection.microdata.private import PrivateMicrodata, spread
from amparo.standard.countries import countries
from amparo.standard.variables import NONE, UNKNOWN, code_list
from amparo.statistics.national import detected, subregion_codes

FIRST_YEAR = 2000
"""The year of the Palermo Protocol; earlier years are not recorded."""
SEVERAL = "several"
YEAR, ORIGIN, DESTINATION = "year", "citizenship", "destination"

RECORDS_NOT_PERSONS = (
    "The lists were not linked before: who is on several lists has as many records here, and what is promised to one "
    "record holds for that person with epsilon as many times as large."
)


def case_records(victims: ibis.Table, *, last_year: int) -> PrivateMicrodata:
    """The records of detected victims, rejected ones left out.

    Parameters
    ----------
    victims : the analysis table. last_year : the last year that may be in the records, that of the release.

    Raises
    ------
    AmparoError : there are no records, or one holds what the standard does not know.
    """
    records = detected(victims).select(
        YEAR, "sex", "age_band", "citizenship", "destination", "cross_border", "duration_band", "form",
        "recruiter_relation",
    )  # fmt: skip
    frame = records.to_pandas()
    subregions = subregion_codes()
    known = {str(year) for year in range(FIRST_YEAR, last_year + 1)}
    years = frame[YEAR].astype("Int64").astype("string")
    singles = frame[["sex", "age_band", "cross_border", "duration_band"]].astype(object)
    singles.insert(0, YEAR, years.where(years.isin(known), None).astype(object))
    for place in (ORIGIN, DESTINATION):
        singles[place] = [_place(cell, subregions) for cell in frame[place]]
    places = (*sorted({subregions.get(iso3, iso3) for iso3 in countries()}), NONE, UNKNOWN, SEVERAL)
    categories: dict[str, tuple[str, ...]] = {
        YEAR: tuple(sorted(known)),
        **{name: tuple(code_list(name)) for name in ("sex", "age_band", "duration_band")},
        "cross_border": ("domestic", "cross_border", UNKNOWN),
        ORIGIN: places,
        DESTINATION: places,
    }
    lists = {"form": "exploitation_form", "recruiter_relation": "recruiter_relation"}
    several = {name: [code for code in code_list(codes) if code != UNKNOWN] for name, codes in lists.items()}
    told = frame[list(several)].map(lambda cell: None if cell is None else [code for code in cell if code != UNKNOWN])
    marks, mark_categories = spread(told, several)
    return PrivateMicrodata(singles.join(marks), categories | mark_categories, notes=(RECORDS_NOT_PERSONS,))


def _place(cell: Iterable[str] | None, subregions: Mapping[str, str]) -> str | None:
    """The subregion of some countries; None where nothing was recorded."""
    codes = [] if cell is None else list(cell)
    said = {subregions.get(code, code) for code in codes if code != UNKNOWN}
    if len(said) > 1:
        return SEVERAL
    return said.pop() if said else UNKNOWN if codes else None
