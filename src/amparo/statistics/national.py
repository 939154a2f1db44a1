"""The tables of a national picture, from case records: those of UNODC's Global Report for one country.

Records of persons who were found not to be victims (``rejected``) are left out of all tables. Until lists are
linked a record is not a person: someone on two lists counts twice, and the unit says ``records``.

Source: UNODC, Global Report on Trafficking in Persons (2024), ch. 1 and its methodology; IC-TIP (UNODC/IOM, 2025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from amparo.standard.countries import WORLD, countries
from amparo.standard.variables import NONE, NOT_RECORDED, OTHER_OR_NOT_RECORDED, UNKNOWN
from amparo.statistics.tables import KEYS, PrivateTable, tabulate

REJECTED = "rejected"
STAGES = ("suspected", "prosecuted", "convicted")
"""Stages of the justice process that the Global Report counts; each holds for whoever went further, too."""

FEW_RECORDS = 100
"""Destinations with fewer records are shown together."""
FEW_BY_SEX = {"other": OTHER_OR_NOT_RECORDED, NOT_RECORDED: OTHER_OR_NOT_RECORDED, UNKNOWN: OTHER_OR_NOT_RECORDED}
"""Alone, the few of another sex would be withheld in every row, and others' counts with them to guard theirs."""
_TIME_BANDS = ((3, "0-3"), (12, "4-12"), (24, "13-24"))


@dataclass(frozen=True)
class _Plan:
    name: str
    by: tuple[str, ...]
    method: str = ""


_VICTIM_TABLES = (
    _Plan("victims_by_year_sex", ("year", "sex"), "Other and not recorded are one category, since each is a few."),
    _Plan("victims_by_year_age", ("year", "age_group")),
    _Plan("victims_by_sex", ("sex",)),
    _Plan("victims_by_sex_age_band", ("sex", "age_band"), "Other and not recorded are one."),
    _Plan("victims_by_year_form", ("year", "form"), "Several forms may hold at once."),
    _Plan("victims_by_form_age", ("form", "age_group"), "Several forms may hold at once."),
    _Plan("victims_by_form_sex", ("form", "sex"), "Several forms may hold at once. Other and not recorded are one."),
    _Plan(
        "victims_by_citizenship_destination",
        ("citizenship", "destination"),
        "Destination is the country of exploitation; several citizenships and countries may hold at once.",
    ),
    _Plan(
        "victims_by_year_cross_border",
        ("year", "cross_border"),
        "Domestic: exploited only within a country of own citizenship; cross-border: also or only outside.",
    ),
    _Plan(
        "victims_by_means_of_control_sex",
        ("means_of_control", "sex"),
        "Several means may hold at once. Other and not recorded are one.",
    ),
    _Plan(
        "victims_by_recruiter_relation",
        ("recruiter_relation",),
        "Several recruiters may have taken part.",
    ),
    _Plan("victims_by_duration", ("duration_band",), "Months from start to end of exploitation."),
    _Plan(
        "victims_by_time_to_identification",
        ("time_to_identification",),
        "Months from the end of exploitation (its start where no end is recorded) to identification, where both"
        " dates are known to the month; identified while it lasted counts as 0-3.",
    ),
    _Plan("victims_by_status", ("identification_status",)),
    _Plan("victims_by_list_year", ("list", "year")),
    _Plan(
        "victims_by_assistance_participation",
        ("assistance", "participates_in_proceedings"),
        "Several kinds of assistance may hold at once.",
    ),
    _Plan("flows_by_origin_destination", ("origin", "destination")),
    _Plan(
        "flows_by_subregion",
        ("origin_subregion", "destination_subregion"),
        "UN M49 subregions; a person with two countries in one subregion counts once in it.",
    ),
    _Plan("flows_by_transit_destination", ("transit", "destination")),
)
_FLOW = "Origin is the country of recruitment, else the citizenship; destination the country of exploitation."


def national_tables(
    victims: ibis.Table, perpetrators: ibis.Table, *, contributor: str | None = None, key: str | None = None
) -> list[PrivateTable]:
    """All tables of the national picture.

    Parameters
    ----------
    victims, perpetrators : the analysis tables (see ``amparo.standard``); either may have no row.
    contributor, key : columns of both, which a rule on dominance or noise by cell keys needs: see ``tabulate``.

    Returns
    -------
    One private table per picture, named by what it counts and by what.
    """
    records = detected(victims)
    subregions = subregion_codes()
    few = few_destinations(records)
    tables = []
    for plan in _VICTIM_TABLES:
        recode: dict[str, Mapping[str, str]] = {dim: subregions for dim in plan.by if dim.endswith("_subregion")}
        if "destination_subregion" in plan.by:
            recode["destination_subregion"] = {**subregions, **few}
        if "destination" in plan.by:
            recode["destination"] = few
        if "sex" in plan.by and len(plan.by) > 1:
            recode["sex"] = FEW_BY_SEX
        tables.append(
            tabulate(
                records,
                plan.by,
                name=plan.name,
                method=_sentence(plan),
                recode=recode,
                contributor=contributor,
                key=key,
            )
        )
    justice = justice_tables(perpetrators, contributor=contributor, key=key)
    return [*tables, *justice, offences_table(perpetrators, contributor=contributor, key=key)]


def _sentence(plan: _Plan) -> str:
    flow = _FLOW if plan.name.startswith("flows_") else ""
    base = "Records of detected victims (rejected ones left out); a person on two lists counts on each."
    return " ".join(part for part in (base, flow, plan.method) if part)


def few_destinations(records: ibis.Table) -> Mapping[str, str]:
    """Destinations of few records, and those not recorded, as the one code of a remainder.

    Most flows to a destination of few records are of a few persons. Shown one by one they would all be withheld, and
    the large flows beside them to guard theirs.
    """
    counts = records.select(code=records.destination).filter(ibis._.code.notnull()).unnest("code").code.value_counts()
    frame = counts.to_pandas().set_index("code").iloc[:, 0].sort_values(ascending=False)
    few = [str(code) for code, count in frame.iloc[1:].items() if count < FEW_RECORDS]
    return dict.fromkeys([*few, NOT_RECORDED, UNKNOWN], OTHER_OR_NOT_RECORDED)


def subregion_codes() -> Mapping[str, str]:
    """M49 code of the subregion by ISO 3166-1 alpha-3; a country that is in none keeps its own code."""
    return {iso3: place.subregion for iso3, place in countries().items() if place.subregion != WORLD}


def detected(victims: ibis.Table) -> ibis.Table:
    """Records of detected victims, with the dimensions that the tables count by as further columns."""
    t = victims.filter(victims.identification_status.fill_null("") != REJECTED)
    return t.mutate(
        year=ibis.coalesce(t.registration_year.cast("int32"), t.identification_date.year().cast("int32")),
        form=t.exploitation_forms,
        destination=t.countries_of_exploitation,
        destination_subregion=t.countries_of_exploitation,
        origin=_origin(t),
        origin_subregion=_origin(t),
        transit=t.countries_of_transit,
        cross_border=_cross_border(t),
        time_to_identification=_time_to_identification(t),
    )


def _origin(t: ibis.Table) -> ibis.Column:
    recruited = t.country_of_recruitment
    known = recruited.notnull() & (recruited != UNKNOWN)
    said = ibis.ifelse(recruited.notnull(), ibis.array([recruited]), ibis.null("array<string>"))
    return ibis.ifelse(known, ibis.array([recruited]), ibis.coalesce(t.citizenship, said))


def _cross_border(t: ibis.Table) -> ibis.Column:
    """Null where either side is not recorded, ``unknown`` where the source calls either unknown.

    A stateless person (citizenship ``none``) is never within an own country.
    """
    own, where = t.citizenship, t.countries_of_exploitation.unique()
    recorded = (own.length() > 0) & (where.length() > 0)
    unknown = own.contains(UNKNOWN) | where.contains(UNKNOWN) | where.contains(NONE)
    at_home = where.intersect(own).length() == where.length()
    return ibis.cases(
        (~recorded.fill_null(False), ibis.null("string")),
        (unknown, UNKNOWN),
        (at_home, "domestic"),
        else_="cross_border",
    )


def _time_to_identification(t: ibis.Table) -> ibis.Column:
    """Band of months; null where a date is missing or known only to the year."""
    ended = t.exploitation_end.notnull()
    since = ibis.ifelse(ended, t.exploitation_end, t.exploitation_start)
    precise = ibis.ifelse(ended, t.exploitation_end_precision, t.exploitation_start_precision)
    until = t.identification_date
    usable = precise.isin(["day", "month"]) & t.identification_date_precision.isin(["day", "month"])
    months = (until.year() - since.year()) * 12 + until.month() - since.month()
    bands = [(usable.fill_null(False) & (months <= most), band) for most, band in _TIME_BANDS]
    return ibis.cases(*bands, (usable.fill_null(False), "25+"), else_=ibis.null("string"))


def justice_tables(
    perpetrators: ibis.Table, *, contributor: str | None = None, key: str | None = None
) -> list[PrivateTable]:
    """Persons who reached each stage of the justice process, by year of the furthest stage, and by sex.

    A record gives the furthest stage reached. Who was convicted was prosecuted and suspected before, who was
    acquitted was prosecuted, so the stages overlap. Persons are no count of offences: see :func:`offences_table`.
    ``contributor`` and ``key`` : as for :func:`national_tables`.
    """
    p = perpetrators
    reached: Sequence[tuple[str, tuple[str, ...]]] = (
        ("suspected", ("suspected",)),
        ("prosecuted", ("suspected", "prosecuted")),
        ("acquitted", ("suspected", "prosecuted")),
        ("convicted", STAGES),
        (UNKNOWN, (UNKNOWN,)),
    )
    stage = ibis.cases(
        *((p.perpetrator_status == status, _codes(stages)) for status, stages in reached),
        else_=ibis.null("array<string>"),
    )
    records = p.mutate(year=p.perpetrator_status_date.year(), stage=stage, sex=p.perpetrator_sex)
    method = (
        "Records of perpetrators by the year of the furthest stage reached; each counts in that stage and in the ones"
        " before it."
    )
    return [
        tabulate(
            records,
            ("year", "stage"),
            name="justice_by_year_stage",
            unit="persons",
            method=method,
            contributor=contributor,
            key=key,
        ),
        tabulate(
            records,
            ("stage", "sex"),
            name="justice_by_stage_sex",
            unit="persons",
            method=f"{method} Other and not recorded are one.",
            recode={"sex": FEW_BY_SEX},
            contributor=contributor,
            key=key,
        ),
    ]


def offences_table(perpetrators: ibis.Table, *, contributor: str | None = None, key: str | None = None) -> PrivateTable:
    """Offences by the first year in which anybody reached a stage; several accused of one event are one offence.

    The key of an offence is the sum of its records' keys. Its contributor is that of its records: the pseudonym of an
    event is made within a list, so that no event is on two.
    """
    p = perpetrators
    known = p.filter(p.event_id.notnull())
    further = {contributor: known[contributor].min()} if contributor is not None else {}
    if key is not None:
        further[key] = (known[key].sum() % KEYS).cast("int64")
    events = known.group_by("event_id").aggregate(year=known.perpetrator_status_date.year().min(), **further)
    return tabulate(
        events,
        ("year",),
        name="offences_by_year",
        unit="offences",
        method="Trafficking events with at least one accused, each counted once in the first year of any stage.",
        contributor=contributor,
        key=key,
    )


def _codes(codes: Sequence[str]) -> ibis.Value:
    return ibis.array([ibis.literal(code) for code in codes])
