"""Evidence that is computed: each indicator from the tables of releases, and from nothing else.

Whoever has the open data can compute each figure again. Where a count is withheld, the figure is the interval that
the published counts leave open (:mod:`amparo.review.intervals`); a number inside it is never made up. Shares are of
the records that exist, so they carry no sampling interval; an estimate carries its own.

An indicator that the releases do not answer says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

from amparo.protection.release import Release
from amparo.review.figures import CannotTell, Figures, TableMissing
from amparo.review.intervals import Interval, ratio, share, share_of, total, union
from amparo.review.register import Indicator, Register
from amparo.standard.variables import NONE, NOT_RECORDED, OTHER_OR_NOT_RECORDED, TOTAL, UNKNOWN

Reason = Literal[
    "", "no-release-table", "no-desk-table", "no-prevalence", "no-dimension", "not-published", "never-said",
    "nothing-counted", "amounts", "no-rows", "not-recorded-yet",
]  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One figure: of a period (a year, "" for all years together) and of codes (nothing for all of them).

    ``low`` and ``high`` bound it; ``value`` is the figure where one is known: both bounds are equal then, or it is
    an estimate and they are its 95 % interval.
    """

    period: str
    low: float
    high: float
    value: float | None = None
    by: tuple[tuple[str, str], ...] = ()

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


@dataclass(frozen=True)
class Evidence:
    """What is known of one indicator.

    ``points`` : in ``unit``, by period. ``sources`` : the tables or files that they were computed from.
    ``rules`` : what was withheld in them, a sentence each. ``provenance`` : version, date and SHA-256 of the inputs.
    ``command`` : makes the figures anew. ``reason`` : why there is no point ("" where there is one), with ``detail``.
    """

    indicator: str
    unit: str
    points: tuple[Point, ...] = ()
    sources: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    provenance: Mapping[str, str] | None = None
    command: str = ""
    reason: Reason = ""
    detail: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return bool(self.points)

    @property
    def series(self) -> tuple[Point, ...]:
        """The figures of everybody, by period."""
        return tuple(point for point in self.points if not point.by)

    @property
    def latest(self) -> Point | None:
        """The last figure of everybody."""
        return self.series[-1] if self.series else None


def compute(releases: Sequence[Release], register: Register, *, command: str = "") -> dict[str, Evidence]:
    """The evidence of every indicator of the register that is computed from a release, or from released desk tables.

    Parameters
    ----------
    releases : the national tables, and those of the referral desk where there is one.
    command : that made the releases, to be shown beside each figure.

    Raises
    ------
    TypeError : something other than a Release came in.
    """
    from amparo.review.desk import desk_evidence

    figures = Figures(releases)
    found = {}
    for indicator in register.indicators.values():
        if indicator.source == "release":
            found[indicator.id] = _evidence(indicator, RECIPES[indicator.id], figures, command)
        elif indicator.source == "desk":
            found[indicator.id] = desk_evidence(indicator, figures, command)
    return found


def _evidence(
    indicator: Indicator, recipe: Callable[[Figures], Iterable[Point]], figures: Figures, command: str
) -> Evidence:
    try:
        points = tuple(recipe(figures))
    except TableMissing as missing:
        return Evidence(indicator.id, indicator.unit, reason=no_table(str(missing.args[0])), detail=missing.args[0])
    except CannotTell as cannot:
        return Evidence(
            indicator.id, indicator.unit, reason=cannot.args[0], detail=cannot.args[1] if cannot.args[1:] else ""
        )
    if not points:
        return Evidence(indicator.id, indicator.unit, reason="nothing-counted")
    return traced(indicator, points, figures, indicator.inputs, command)


def no_table(name: str) -> Reason:
    """The reason's code where a table is in no release."""
    return "no-prevalence" if name == "prevalence" else "no-release-table"


def traced(
    indicator: Indicator, points: Sequence[Point], figures: Figures, inputs: Sequence[str], command: str
) -> Evidence:
    """Evidence with what its tables say of themselves."""
    names = tuple(figures.tables) if inputs == ("all_tables",) else tuple(inputs)
    tables = [figures.tables[name] for name in names if name in figures.tables]
    releases = [figures.release_of[table.name] for table in tables] or list(figures.release_of.values())[:1]
    provenance: dict[str, str] = {}
    for release in releases:
        provenance |= release.provenance
    return Evidence(
        indicator=indicator.id,
        unit=indicator.unit,
        points=tuple(points),
        sources=names,
        rules=tuple(dict.fromkeys(table.rule for table in tables)),
        provenance=provenance,
        command=command,
    )


# --- Recipes: how each indicator follows from its tables ------------------------------------------------------------


def _point(found: Interval, period: str = "", **by: str) -> Point:
    value = found.low if found.exact else None
    return Point(period, found.low, found.high, value, tuple(by.items()))


def _points(found: Iterable[tuple[Interval | None, str, dict[str, str]]]) -> list[Point]:
    """Points of the figures that there are."""
    return [_point(figure, period, **by) for figure, period, by in found if figure is not None]


def _by_year(measure: Callable[[Figures, str], Interval | None], table: str) -> Callable[[Figures], list[Point]]:
    return lambda f: _points((measure(f, year), year, {}) for year in f.years(table))


def _counts(table: str, dim: str = "", code: str = TOTAL) -> Callable[[Figures], list[Point]]:
    """Counts of a code by year."""
    return _by_year(lambda f, year: f.count(table, year=year, **({dim: code} if dim else {})), table)


def _detected_victims(f: Figures) -> list[Point]:
    name = "victims_by_year_sex"
    points = [_point(f.count(name, year=year), year) for year in f.years(name)]
    known = [(year, sex) for year in f.years(name) for sex in f.codes(name, "sex")]
    return points + [_point(f.count(name, year=year, sex=sex), year, sex=sex) for year, sex in known]


def _women(f: Figures, year: str) -> Interval | None:
    """Women among those whose sex is recorded; of "other or not recorded" no more than all others are others."""
    name = "victims_by_year_sex"
    rest = f.count(name, year=year, sex="male")
    merged = f.count(name, year=year, sex=OTHER_OR_NOT_RECORDED)
    others = f.count("victims_by_sex", sex="other").high if "victims_by_sex" in f.tables else merged.high
    return share(f.count(name, year=year, sex="female"), rest.plus(Interval(0, min(merged.high, others))))


def _children(f: Figures, year: str) -> Interval | None:
    name = "victims_by_year_age"
    return share(f.count(name, year=year, age_group="child"), f.count(name, year=year, age_group="adult"))


def _of_recorded(f: Figures, name: str, dim: str, code: str, **codes: str) -> Interval | None:
    """A category's share of the records that tell the dimension."""
    return share_of(f.count(name, **codes, **{dim: code}), f.recorded(name, dim, **codes))


def _forms(f: Figures) -> list[Point]:
    name = "victims_by_year_form"
    return _points(
        (_of_recorded(f, name, "form", form, year=year), year, {"form": form})
        for year in f.years(name)
        for form in f.codes(name, "form")
    )


def _children_by_form(f: Figures) -> list[Point]:
    name = "victims_by_form_age"
    return [_point(f.count(name, form=form, age_group="child"), form=form) for form in f.codes(name, "form")]


def _form_by_sex(f: Figures) -> list[Point]:
    name = "victims_by_form_sex"
    return _points(
        (_of_recorded(f, name, "form", form, sex=sex), "", {"sex": sex, "form": form})
        for sex in ("female", "male")
        for form in f.codes(name, "form")
    )


def _conflict_forms(f: Figures) -> list[Point]:
    name, forms = "victims_by_form_sex", ("forced_military", "forced_marriage", "slavery_like")
    return [_point(f.count(name, form=form), form=form) for form in forms] + [
        _point(f.count(name, form=form, sex=sex), form=form, sex=sex)
        for form, sex in product(forms, ("female", "male"))
    ]


def _cross_border(f: Figures, year: str) -> Interval | None:
    name = "victims_by_year_cross_border"
    return share(
        f.count(name, year=year, cross_border="cross_border"), f.count(name, year=year, cross_border="domestic")
    )


def _told(f: Figures, name: str, dim: str, **codes: str) -> Interval | None:
    """Records that tell a dimension, in per cent of all."""
    return share_of(f.recorded(name, dim, **codes), f.count(name, **codes))


def _told_in_all(table: str, dim: str) -> Callable[[Figures], list[Point]]:
    return lambda f: _points([(_told(f, table, dim), "", {})])


def _control_recorded(f: Figures) -> list[Point]:
    name, dim = "victims_by_means_of_control_sex", "means_of_control"
    return _points(
        [(_told(f, name, dim), "", {}), *((_told(f, name, dim, sex=s), "", {"sex": s}) for s in ("female", "male"))]
    )


def _lists(f: Figures, year: str) -> list[Interval]:
    """Per list, 1 where it has a record of the year, 0 where it has none."""
    name = "victims_by_list_year"
    counts = [f.count(name, year=year, list=code) for code in f.codes(name, "list")]
    return [Interval(min(1, count.low), min(1, count.high)) for count in counts]


def _continuity(f: Figures) -> list[Point]:
    """Lists with a record of the year, among those with one in any of the three years before."""
    years = f.years("victims_by_list_year")
    points: list[tuple[Interval | None, str, dict[str, str]]] = []
    for year in years[1:]:
        before = [_lists(f, earlier) for earlier in years if int(year) - 3 <= int(earlier) < int(year)]
        if not before:
            continue
        was = [
            Interval(max(one.low for one in seen), max(one.high for one in seen)) for seen in zip(*before, strict=True)
        ]
        now = _lists(f, year)
        stayed = total(Interval(a.low * b.low, a.high * b.high) for a, b in zip(was, now, strict=True))
        points.append((share_of(stayed, total(was)), year, {}))
    return _points(points)


def _part(table: str, dim: str, *codes: str) -> Callable[[Figures], list[Point]]:
    """Codes of a dimension whose codes add up, in per cent of the records that tell it."""

    def recipe(f: Figures) -> list[Point]:
        known = f.codes(table, dim)
        part = total(f.count(table, **{dim: code}) for code in codes)
        rest = total(f.count(table, **{dim: code}) for code in known if code not in codes)
        return _points([(share(part, rest), "", {})])

    return recipe


ASSISTANCE = "victims_by_assistance_participation"


def _said(f: Figures, name: str, dim: str, codes: Sequence[str]) -> list[str]:
    """The codes that any record uses: 0 % of what no list can say would be no finding."""
    used = [code for code in codes if code in f.codes(name, dim)]
    if not used:
        raise CannotTell("never-said", ", ".join(codes))
    return used


def _assisted(f: Figures, participates: str) -> Interval | None:
    """Records with assistance among those with assistance recorded.

    Lists that never say "none" would make it 100 % whatever was done, so it is then not told.
    """
    _said(f, ASSISTANCE, "assistance", (NONE,))
    codes = {"participates_in_proceedings": participates}
    none = f.count(ASSISTANCE, assistance=NONE, **codes)
    told = f.recorded(ASSISTANCE, "assistance", **codes)
    return share(told.less(none).within(0, told.high), none)


def _assistance_gap(f: Figures) -> list[Point]:
    yes, no = _assisted(f, "yes"), _assisted(f, "no")
    return [] if yes is None or no is None else [_point(yes.less(no))]


def _help(*kinds: str) -> Callable[[Figures], list[Point]]:
    """Records with a kind of assistance among those with assistance recorded, by participation in proceedings."""

    def recipe(f: Figures) -> list[Point]:
        found = []
        for kind, participates in product(_said(f, ASSISTANCE, "assistance", kinds), (TOTAL, "yes", "no")):
            by = {"assistance": kind} if len(kinds) > 1 else {}
            by |= {} if participates == TOTAL else {"participates_in_proceedings": participates}
            codes = {"participates_in_proceedings": participates}
            found.append((_of_recorded(f, ASSISTANCE, "assistance", kind, **codes), "", by))
        return _points(found)

    return recipe


def _stage(f: Figures, year: str, stage: str) -> Interval:
    return f.count("justice_by_year_stage", year=year, stage=stage)


def _women_convicted(f: Figures) -> list[Point]:
    name = "justice_by_stage_sex"
    rest = f.count(name, stage="convicted", sex="male")
    merged = f.count(name, stage="convicted", sex=OTHER_OR_NOT_RECORDED)
    return _points(
        [(share(f.count(name, stage="convicted", sex="female"), rest.plus(Interval(0, merged.high))), "", {})]
    )


def _convictions_per_victims(f: Figures, year: str) -> Interval | None:
    found = ratio(_stage(f, year, "convicted"), f.count("victims_by_year_sex", year=year))
    return None if found is None else found.times(100)


def _prevalence(
    measure: Callable[[float, float, float, int], tuple[float, float, float]],
) -> Callable[[Figures], list[Point]]:
    def recipe(f: Figures) -> list[Point]:
        found = f.prevalence
        if found is None:
            raise TableMissing("prevalence")
        value, low, high = measure(found.estimate, found.low, found.high, found.observed)
        return [Point("", low, high, value)]

    return recipe


def _flow_pairs(f: Figures) -> list[Point]:
    """Pairs whose count is shown; a published range above zero is shown too."""
    table = f.table("flows_by_origin_destination")
    nowhere = (TOTAL, NOT_RECORDED, OTHER_OR_NOT_RECORDED, UNKNOWN)
    frame = table.frame
    shown = frame[(frame["status"] != "withheld") & (frame["lower"].fillna(0) > 0)]
    pairs = [(o, d) for o, d in zip(shown["origin"], shown["destination"], strict=True) if o != d]
    return [_point(Interval(*[float(sum(o not in nowhere and d not in nowhere for o, d in pairs))] * 2))]


def _subregions(f: Figures) -> list[Point]:
    name, dims = "flows_by_subregion", ("origin_subregion", "destination_subregion")
    pairs = product(f.codes(name, dims[0]), f.codes(name, dims[1]))
    found = [
        (dict(zip(dims, pair, strict=True)), f.count(name, **dict(zip(dims, pair, strict=True)))) for pair in pairs
    ]
    return [_point(count, **by) for by, count in found if count.high > 0]


def _control(*means: str) -> Callable[[Figures], list[Point]]:
    """Records with a means of control among those that tell one, all and by sex."""
    name = "victims_by_means_of_control_sex"

    def recipe(f: Figures) -> list[Point]:
        found = []
        for code, sex in product(_said(f, name, "means_of_control", means), (TOTAL, "female", "male")):
            by = {"means_of_control": code} if len(means) > 1 else {}
            by |= {} if sex == TOTAL else {"sex": sex}
            found.append((_of_recorded(f, name, "means_of_control", code, sex=sex), "", by))
        return _points(found)

    return recipe


def _known_recruiter(f: Figures) -> list[Point]:
    name, dim = "victims_by_recruiter_relation", "recruiter_relation"
    close = ("intimate_partner", "family", "friend", "acquaintance")
    told = f.recorded(name, dim)
    part = union((f.count(name, recruiter_relation=code) for code in close), told)
    # Whoever tells a recruiter and names none of the others names one of these.
    others = total(f.count(name, recruiter_relation=code) for code in f.codes(name, dim) if code not in close)
    low = max(part.low, told.low - others.high)
    return _points([(share_of(Interval(low, max(low, part.high)), told), "", {})])


def _cells_shown(f: Figures) -> list[Point]:
    """A combination without a row counts zero, and is shown as such."""
    cells = hidden = 0
    for table in f.tables.values():
        frame = table.frame
        rows = len(frame) if table.source else prod(frame[dim].nunique() for dim in table.dims)
        cells, hidden = cells + rows, hidden + int((frame["status"] != "exact").sum())
    return _points([(share(Interval(cells - hidden, cells - hidden), Interval(hidden, hidden)), "", {})])


def _recoverable(f: Figures) -> list[Point]:
    return [_point(Interval(f.recoverable, f.recoverable))] if f.tables else []


RECIPES: Mapping[str, Callable[[Figures], Iterable[Point]]] = {
    "detected_victims": _detected_victims,
    "detected_women_girls": _by_year(_women, "victims_by_year_sex"),
    "detected_children": _by_year(_children, "victims_by_year_age"),
    "detected_by_form": _forms,
    "children_by_form": _children_by_form,
    "form_by_sex": _form_by_sex,
    "forced_labour_victims": _by_year(
        lambda f, year: _of_recorded(f, "victims_by_year_form", "form", "forced_labour", year=year),
        "victims_by_year_form",
    ),
    "organ_removal_victims": _counts("victims_by_year_form", "form", "organ_removal"),
    "conflict_forms_victims": _conflict_forms,
    "cross_border_victims": _by_year(_cross_border, "victims_by_year_cross_border"),
    "sex_recorded": _told_in_all("victims_by_sex", "sex"),
    "age_recorded": _by_year(lambda f, y: _told(f, "victims_by_year_age", "age_group", year=y), "victims_by_year_age"),
    "form_recorded": _by_year(lambda f, y: _told(f, "victims_by_year_form", "form", year=y), "victims_by_year_form"),
    "origin_recorded": _told_in_all("flows_by_origin_destination", "origin"),
    "control_recorded": _control_recorded,
    "transit_recorded": _told_in_all("flows_by_transit_destination", "transit"),
    "reporting_lists": _by_year(lambda f, year: total(_lists(f, year)), "victims_by_list_year"),
    "reporting_continuity": _continuity,
    "identified_within_3_months": _part("victims_by_time_to_identification", "time_to_identification", "0-3"),
    "exploited_over_two_years": _part("victims_by_duration", "duration_band", "25+"),
    "recognised_victims": _part("victims_by_status", "identification_status", "recognised"),
    "assisted_victims": lambda f: _points([(_assisted(f, TOTAL), "", {})]),
    "assisted_without_cooperation": lambda f: _points([(_assisted(f, "no"), "", {})]),
    "assistance_gap": _assistance_gap,
    "health_assistance": _help("health"),
    "psychological_assistance": _help("psychological"),
    "legal_assistance": _help("legal"),
    "education_work_assistance": _help("education_training", "employment"),
    "permit_granted": _help("residence_permit"),
    "persons_prosecuted": _counts("justice_by_year_stage", "stage", "prosecuted"),
    "persons_convicted": _counts("justice_by_year_stage", "stage", "convicted"),
    "conviction_ratio": _by_year(
        lambda f, year: share_of(_stage(f, year, "convicted"), _stage(f, year, "prosecuted")), "justice_by_year_stage"
    ),
    "women_convicted": _women_convicted,
    "offences": _counts("offences_by_year"),
    "convictions_per_100_victims": _by_year(_convictions_per_victims, "justice_by_year_stage"),
    "prevalence_estimate": _prevalence(lambda estimate, low, high, seen: (estimate, low, high)),
    "detection_ratio": _prevalence(
        lambda estimate, low, high, seen: (100 * seen / estimate, 100 * seen / high, min(100.0, 100 * seen / low))
    ),
    "prevalence_precision": _prevalence(lambda estimate, low, high, seen: ((high - low) / estimate,) * 3),
    "flow_pairs": _flow_pairs,
    "flows_by_subregion": _subregions,
    "fraudulent_recruitment": _control("debt_bondage", "false_promises"),
    "documents_withheld": _control("withholds_documents"),
    "families_threatened": _control("threatens_family"),
    "recruited_by_known_person": _known_recruiter,
    "cells_shown": _cells_shown,
    "cells_recoverable": _recoverable,
}
"""Recipe of each indicator whose source is a release; each follows the definition in data/indicators.csv."""
