"""The report as a document: findings, sections, figures and tables, before it is HTML or PDF.

Everything here is computed from released tables alone, so that a reader of the open data can compute it again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from amparo.protection.prevalence import ReleasedPrevalence
from amparo.protection.release import Release, ReleasedTable
from amparo.protection.suppression import Dominance
from amparo.report import figures
from amparo.report.reading import Count, Reader
from amparo.report.text import Texts
from amparo.standard import countries
from amparo.standard.variables import NOT_RECORDED, OTHER_OR_NOT_RECORDED, TOTAL, UNKNOWN, code_list
from amparo.statistics.estimates import FEWEST_YEARS, Estimate, Trend, trend

WITHHELD = "c"
"""What stands in the place of a withheld count."""
MOST_BARS = 12
MOST_FLOWS = 40
MOST_COLUMNS = 24


@dataclass(frozen=True)
class Finding:
    """A sentence with its interval, and the table that it was computed from ('' where that is not published)."""

    text: str
    table: str


@dataclass(frozen=True)
class Figure:
    """A drawing, its title and text alternative, its notes, and the table behind it ('' where there is none)."""

    name: str
    title: str
    alt: str
    svg: str
    notes: tuple[str, ...]
    table: str


@dataclass(frozen=True)
class TableView:
    """A table as it is shown: the last dimension runs across."""

    name: str
    title: str
    method: str
    head: tuple[str, ...]
    labels: int
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[bool, ...]
    """Which rows are totals."""
    withheld: bool


@dataclass(frozen=True)
class Section:
    """A chapter: sentences, figures, and the tables that carry it without a figure of their own."""

    name: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """The whole report in one language."""

    texts: Texts
    title: str
    subtitle: str
    findings: tuple[Finding, ...]
    sections: tuple[Section, ...]
    tables: tuple[TableView, ...]
    methods: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...] = field(default=())

    def table(self, name: str) -> TableView:
        """A table by its name."""
        return next(table for table in self.tables if table.name == name)


def build(release: Release, texts: Texts, *, title: str | None = None) -> Document:
    """Arrange a release as a report.

    Parameters
    ----------
    release : tables of the national picture (made from records) or of what States have published; any may be absent.
    texts : the language.
    title : of the report; without it the language's own.
    """
    readers = {table.name: Reader(table) for table in release}
    published = all(table.source for table in release)
    picture = _Published if published else _National
    make = picture(readers, texts, before=int(release.provenance.get("created", "9999")[:4]))
    years = make.years()
    span = {"from": years[0] if years else "–", "to": years[-1] if years else "–"}
    if published:
        source = next(iter(release)).source
        heading, below = texts("report-title-published"), texts("subtitle-published", source=source, **span)
    else:
        lists = readers["victims_by_list_year"].codes("list") if "victims_by_list_year" in readers else []
        heading, below = texts("report-title"), texts("subtitle", lists=len(lists), **span)
    blurred = release.rule.rounding is not None or release.rule.noise is not None
    heading_of_rule = texts("rule-heading-blurred" if blurred else "rule-heading")
    rule = texts("rule-text-published") if published else rule_text(release, texts)
    methods = [(heading_of_rule, rule), (texts("method-heading"), texts("method-share"))]
    if not published:
        methods.append((texts("unit-records").capitalize(), texts("method-records")))
    return Document(
        texts=texts,
        title=title or heading,
        subtitle=f"{below} · {texts.date(release.provenance['created'])}" if "created" in release.provenance else below,
        findings=tuple(Finding(f.text, f.table if f.table in readers else "") for f in make.findings()),
        sections=tuple(
            section
            for section in (*make.sections(), *([_unseen(release.prevalence, texts)] if release.prevalence else []))
            if section.figures or section.tables
        ),
        tables=tuple(view(table, texts) for table in release),
        methods=tuple(methods),
        provenance=tuple(
            (_origin(name, texts), texts.date(value) if name == "created" else value)
            for name, value in release.provenance.items()
        ),
    )


def rule_text(release: Release, texts: Texts) -> str:
    """What was done to the counts, in the language of the report; the open data carry ``Rule.sentence`` besides."""
    rule = release.rule
    if rule.rounding is not None:
        frame = pd.concat([table.frame for table in release])
        # A count far above zero has a range both ways; it is twice as wide as the rounding went far.
        far = int((frame["upper"] - frame["lower"]).max()) // 2
        if far < rule.rounding:
            return texts("rule-text-rounding", base=texts.number(rule.rounding))
        return texts("rule-text-rounding-far", base=texts.number(rule.rounding), far=texts.number(far))
    if rule.noise is not None:
        return texts("rule-text-noise", most=texts.number(rule.noise.largest), variance=f"{rule.noise.variance:g}")
    told = [texts("rule-text-none") if rule.threshold == 1 else texts("rule-text", most=rule.threshold - 1)]
    if isinstance(rule.dominance, Dominance):
        told.append(
            texts(
                "rule-text-dominance", lists=texts.number(rule.dominance.n), share=_share(rule.dominance.share, texts)
            )
        )
    elif rule.dominance is not None:
        told.append(texts("rule-text-contributors", share=_share(rule.dominance.p, texts)))
    return texts.sentences(*told)


def _share(share: float, texts: Texts) -> str:
    """A share of a rule in full: rounding it would state another rule."""
    return f"{100 * share:.6g}{texts.percent_sign}"


def _origin(name: str, texts: Texts) -> str:
    """What a line of the provenance tells, in words."""
    if name in ("version", "created"):
        return texts(f"provenance-{name}")
    checksum = re.fullmatch(r"sha256 of (.+)", name)
    return texts("provenance-sha256", file=checksum[1]) if checksum else name


def method(table: ReleasedTable, texts: Texts) -> str:
    """How a table was counted, in the language of the report; the open data carry the table's own words besides."""
    if table.source:
        parts = [texts("method-reported")]
        parts += [texts("method-all-years")] if "year" not in table.dims else []
        flows = "method-origin-reported"
    else:
        counted = "offences" if table.unit == "offences" else "justice" if "stage" in table.dims else "detected"
        parts = [texts(f"method-{counted}")]
        told = ("cross_border", "duration_band", "time_to_identification")
        parts += [texts(f"method-{dim}") for dim in table.dims if dim in told]
        flows = "method-origin"
    if table.dims[0].startswith("origin"):
        parts.append(texts(flows))
    if table.dims[0] == "origin_subregion":
        parts.append(texts("method-subregion"))
    if table.overlapping:
        parts.append(texts("method-several"))
    if (table.frame[list(table.dims)] == OTHER_OR_NOT_RECORDED).any(axis=None):
        parts.append(texts("method-other"))
    return texts.sentences(*parts)


def view(table: ReleasedTable, texts: Texts) -> TableView:
    """A released table for the eye: totals last, withheld counts as ``c``, ranges from–to."""
    reader = Reader(table)
    dims = table.dims
    columns = _ordered(reader, dims[-1]) if len(dims) > 1 else []
    across = dims[-1] if 0 < len(columns) <= MOST_COLUMNS else None
    down = dims[:-1] if across else dims
    columns = columns if across else []
    frame = table.frame
    keys = sorted(
        set(frame[list(down)].itertuples(index=False, name=None)),
        key=lambda key: [_order(dim, code) for dim, code in zip(down, key, strict=True)],
    )
    rows, totals = [], []
    for key in keys:
        fixed = dict(zip(down, key, strict=True))
        counts = [reader.count(**fixed, **({across: code} if across else {})) for code in (columns or [TOTAL])]
        if table.source and all(count is not None and count.upper == 0 for count in counts):
            continue  # nothing was reported
        labels = [texts.code(dim, code) for dim, code in zip(down, key, strict=True)]
        rows.append((*labels, *(_shown(count, texts) for count in counts)))
        totals.append(TOTAL in key)
    head = [texts.dim(dim) for dim in down]
    head += [texts.code(across, code) for code in columns] if across else [texts("column-count")]
    return TableView(
        name=table.name,
        title=title_of(table, texts),
        method=method(table, texts),
        head=tuple(head),
        labels=len(down),
        rows=tuple(rows),
        totals=tuple(totals),
        withheld=bool(reader.withheld()),
    )


def title_of(table: ReleasedTable, texts: Texts) -> str:
    """By what a table counts, and what: `Year × Sex (records)`."""
    return f"{' × '.join(texts.dim(dim) for dim in table.dims)} ({_unit(table, texts)})"


def _unit(table: ReleasedTable, texts: Texts) -> str:
    return texts({"records": "unit-records", "offences": "unit-offences"}.get(table.unit, "unit-persons"))


def _shown(count: Count | None, texts: Texts) -> str:
    if count is None:
        return WITHHELD
    return texts.number(count.lower) if count.exact else f"{texts.number(count.lower)}–{texts.number(count.upper)}"


def _order(dim: str, code: str) -> tuple[int, int, str]:
    """Codes in the order of their code list, what says nothing after them, the total last."""
    late = {UNKNOWN: 1, OTHER_OR_NOT_RECORDED: 2, NOT_RECORDED: 2, TOTAL: 3}.get(code, 0)
    lists = {"form": "exploitation_form", "stage": "perpetrator_status"}
    try:
        known = list(code_list(lists.get(dim, dim)))
    except FileNotFoundError:
        known = []
    number = re.match(r"\d+", code)
    return (
        late,
        known.index(code) if code in known else len(known),
        f"{int(number[0]):09d}" if number else code,
    )


def _ordered(reader: Reader, dim: str) -> list[str]:
    return sorted([*reader.codes(dim, informative=False), TOTAL], key=lambda code: _order(dim, code))


def _unseen(found: ReleasedPrevalence, texts: Texts) -> Section:
    """The chapter on those never detected: the estimate, what it rests on, how far it depends on choices."""
    number = texts.number
    seen = found.observed
    every = found.analyses
    low, quarter, three, high = np.quantile(every["estimate"], [0, 0.25, 0.75, 1])
    model = texts("model-effects", pairs=", ".join(found.pairs)) if found.pairs else texts("model-independent")
    sentences = (
        texts(
            "prevalence-text",
            estimate=number(found.estimate),
            low=number(found.low),
            high=number(found.high),
            observed=number(seen),
            dark=number(found.estimate - seen),
            darklow=number(found.low - seen),
            darkhigh=number(found.high - seen),
        ),
        texts("prevalence-rests", method=texts("prevalence-method"), threshold=f"{found.threshold:g}", model=model),
        texts(
            "prevalence-sensitivity",
            count=len(every),
            low=number(low),
            high=number(high),
            quarter=number(quarter),
            three=number(three),
        ),
        texts("prevalence-limit"),
    )
    title = texts("figure-multiverse")
    alt = texts("figure-multiverse-alt", count=len(every), low=number(low), high=number(high), observed=number(seen))
    named = every.assign(choice=[texts(f"choice-{choice.replace(' ', '-')}") for choice in every["choice"]])
    svg = figures.multiverse(named, texts, seen=seen, title=title, alt_text=alt, name="multiverse")
    notes = (texts("data-here", file="data/prevalence.csv"),)
    return Section("unseen", texts("section-unseen"), sentences, (Figure("multiverse", title, alt, svg, notes, ""),))


# --- what both pictures share ---------------------------------------------------------------------------------------


class _Picture:
    """Findings and figures from the tables that are there."""

    main: str
    """The table that holds the yearly totals."""

    def __init__(self, readers: dict[str, Reader], texts: Texts, *, before: int) -> None:
        self.readers = readers
        self.texts = texts
        self.before = before
        """The year of the report: it is not over, and no part of a trend."""

    def total(self, year: str) -> Count | None:
        """Detected victims of a year."""
        raise NotImplementedError

    def years(self) -> list[str]:
        """The years that are published, in order."""
        if self.main not in self.readers:
            return []
        found = [year for year in self.readers[self.main].codes("year") if year.isdigit()]
        return sorted(year for year in found if self.total(year) is not None)

    def _none(self, table: str) -> Finding:
        return Finding(self.texts("finding-none"), table)

    def yearly(self) -> pd.DataFrame:
        """Year, lower and upper of each published total."""
        counts = [(int(year), self.total(year)) for year in self.years() if int(year) < self.before]
        return pd.DataFrame(
            [(year, c.lower, c.upper) for year, c in counts if c is not None],
            columns=["year", "lower", "upper"],
        )

    @cached_property
    def trends(self) -> tuple[Trend, Trend]:
        """A trend through either end of published ranges; what is said of them holds both."""
        points = self.yearly()
        below, above = (trend(points["year"].to_numpy(), points[end].to_numpy()) for end in ("lower", "upper"))
        return below, above

    def trend_finding(self) -> Finding:
        """Whether detections rise or fall."""
        points = self.yearly()
        if len(points) < FEWEST_YEARS:
            return Finding(self.texts("finding-trend-none"), self.main)
        years = points["year"].to_numpy()
        ends = [end.annual_change for end in self.trends]
        value = sum(end.value for end in ends) / 2
        change = Estimate(value, min(e.low for e in ends), max(e.high for e in ends), ends[0].level, len(points))
        way = "up" if change.low > 0 else "down" if change.high < 0 else "open"
        sign = -1 if way == "down" else 1
        low, high = sorted((sign * change.low, sign * change.high))
        signed = way == "open"
        first, last = str(years[0]), str(years[-1])
        said = self.texts(
            f"finding-trend-{way}",
            change=self.texts.percent(sign * change.value, signed=signed),
            low=self.texts.percent(low, signed=signed),
            high=self.texts.percent(high, signed=signed),
            **{"from": first, "to": last},
        )
        return Finding(self.texts.sentences(said, *self.trend_caution(first, last)), self.main)

    def trend_caution(self, first: str, last: str) -> list[str]:
        """What the trend from the first to the last year leaves out or rests on."""
        raise NotImplementedError

    def trend_figure(self) -> Figure | None:
        """The yearly totals with their trend."""
        points = self.yearly()
        if len(points) < 2:
            return None
        if len(points) >= FEWEST_YEARS:
            below, above = (end.fitted for end in self.trends)
            points = points.assign(
                low=np.minimum(below["low"].to_numpy(), above["low"].to_numpy()),
                fit=(below["fit"].to_numpy() + above["fit"].to_numpy()) / 2,
                high=np.maximum(below["high"].to_numpy(), above["high"].to_numpy()),
            )
        t = self.texts
        first, last = points.iloc[0], points.iloc[-1]
        title = t("figure-trend")
        alt = t(
            "figure-trend-alt",
            count=len(points),
            **{"from": str(int(first["year"])), "to": str(int(last["year"]))},
            first=t.number(first["lower"]),
            last=t.number(last["lower"]),
        )
        svg = figures.trend(
            points, t, title=title, alt_text=alt, name="trend", unit=_unit(self.readers[self.main].table, t)
        )
        notes = (t("note-reporting"),) if self.readers[self.main].table.source else ()
        return Figure("trend", title, alt, svg, notes, self.main)

    def who(self, name: str, ages: str) -> Finding:
        """Women and children, each of those whose sex or age is told, from a table by sex and one by age."""
        if name not in self.readers or ages not in self.readers:
            return self._none(name)
        by_sex, by_age, t = self.readers[name], self.readers[ages], self.texts
        women, children = by_sex.share("sex", "female"), by_age.share("age_group", "child")
        known = by_sex.known("sex"), by_age.known("age_group")
        if women is None or children is None or known[0] is None or known[1] is None:
            return self._none(name)
        return Finding(
            t(
                "finding-who",
                women=t.percent(women.value),
                womenlow=t.percent(women.low),
                womenhigh=t.percent(women.high),
                womenknown=_shown(known[0], t),
                children=t.percent(children.value),
                childrenlow=t.percent(children.low),
                childrenhigh=t.percent(children.high),
                childrenknown=_shown(known[1], t),
            ),
            name,
        )

    def form(self, name: str) -> Finding:
        """The most frequent form of exploitation."""
        if name not in self.readers:
            return self._none(name)
        reader, t = self.readers[name], self.texts
        shares, known, missing = reader.shares("form"), reader.known("form"), reader.gaps("form")
        if not shares or known is None or missing is None:
            return self._none(name)
        top = shares[0]
        said = t(
            "finding-form",
            form=t.within(t.code("form", top.code)),
            share=t.percent(top.value),
            low=t.percent(top.low),
            high=t.percent(top.high),
            known=_shown(known, t),
        )
        left_out = [t("finding-form-missing", missing=_shown(missing, t))] if missing.upper else []
        return Finding(t.sentences(said, *left_out), name)

    def cross_border(self, name: str) -> Finding:
        """How many were exploited outside their own country, and the largest flow."""
        flows = "flows_by_origin_destination"
        if name not in self.readers or flows not in self.readers:
            return self._none(name)
        reader, t = self.readers[name], self.texts
        abroad, known = reader.share("cross_border", "cross_border"), reader.known("cross_border")
        found = [f for f in self.flows(flows, "origin", "destination")[0] if f.origin != f.destination]
        if abroad is None or known is None or not found:
            return self._none(name)
        largest = self.readers[flows].count(origin=found[0].origin, destination=found[0].destination)
        return Finding(
            t(
                "finding-flow",
                share=t.percent(abroad.value),
                low=t.percent(abroad.low),
                high=t.percent(abroad.high),
                known=_shown(known, t),
                origin=t.code("origin", found[0].origin),
                destination=t.code("destination", found[0].destination),
                count=_shown(largest, t),
            ),
            name,
        )

    def bars(self, name: str, dim: str, title: str, figure: str) -> Figure | None:
        """Shares of the categories of a dimension."""
        if name not in self.readers:
            return None
        reader, t = self.readers[name], self.texts
        shares, known, total = reader.shares(dim)[:MOST_BARS], reader.known(dim), reader.count()
        if not shares or known is None or total is None:
            return None
        rows = [figures.Bar(t.code(dim, s.code), s.value, s.low, s.high) for s in shares]
        alt = t(
            "figure-bars-alt",
            label=rows[0].label,
            share=t.percent(rows[0].value),
            low=t.percent(rows[0].low),
            high=t.percent(rows[0].high),
        )
        notes = [t("note-share", known=_shown(known, t), total=_shown(total, t))]
        if dim in reader.table.overlapping:
            notes.append(t("note-overlap"))
        svg = figures.bars(rows, t, title=t(title), alt_text=alt, name=figure)
        return Figure(figure, t(title), alt, svg, tuple(notes), name)

    def flows(self, name: str, origin: str, destination: str) -> tuple[list[figures.Flow], int]:
        """Published flows of a table, the largest first, and how many are withheld."""
        reader = self.readers[name]
        found, hidden = [], 0
        for a in reader.codes(origin):
            for b in reader.codes(destination):
                count = reader.count(**{origin: a, destination: b})
                if count is None:
                    hidden += 1
                elif count.upper > 0:
                    found.append(figures.Flow(a, b, count.middle))
        return sorted(found, key=lambda f: (-f.persons, f.origin, f.destination)), hidden

    def _flow_notes(self, hidden: int, *more: str) -> tuple[str, ...]:
        note = [self.texts("note-withheld", count=hidden, shown=self.texts.number(hidden))] if hidden else []
        return (*note, *more)

    def map(self, name: str, origin: str, destination: str) -> Figure | None:
        """Flows between countries on a map."""
        if name not in self.readers:
            return None
        flows, hidden = self.flows(name, origin, destination)
        places = {}
        for code in {c for f in flows for c in (f.origin, f.destination)}:
            try:
                country = countries.country(code)
            except KeyError:
                continue
            if country.latitude is not None and country.longitude is not None:
                places[code] = (country.longitude, country.latitude)
        drawn = [f for f in flows if f.origin != f.destination and f.origin in places and f.destination in places][
            :MOST_FLOWS
        ]
        if not drawn:
            return None
        t, top = self.texts, drawn[0]
        alt = t(
            "figure-map-alt",
            count=len(drawn),
            origin=t.code("origin", top.origin),
            destination=t.code("destination", top.destination),
            persons=t.number(top.persons),
        )
        svg = figures.flow_map(drawn, places, t, title=t("figure-map"), alt_text=alt, name="map")
        return Figure("map", t("figure-map"), alt, svg, self._flow_notes(hidden, t("note-map")), name)

    def sankey(self, name: str, origin: str, destination: str) -> Figure | None:
        """Flows between regions as streams."""
        if name not in self.readers:
            return None
        flows, hidden = self.flows(name, origin, destination)
        if not flows:
            return None
        t, drawn = self.texts, flows[:MOST_FLOWS]
        top = drawn[0]
        alt = t(
            "figure-sankey-alt",
            count=len(drawn),
            origin=t.code(origin, top.origin),
            destination=t.code(destination, top.destination),
            persons=t.number(top.persons),
        )
        svg = figures.sankey(
            drawn, t, dims=(origin, destination), title=t("figure-sankey"), alt_text=alt, name="sankey"
        )
        return Figure("sankey", t("figure-sankey"), alt, svg, self._flow_notes(hidden), name)

    def flow_figures(self) -> list[Figure | None]:
        """Flows between countries on a map, and between subregions as streams."""
        return [
            self.map("flows_by_origin_destination", "origin", "destination"),
            self.sankey("flows_by_subregion", "origin_subregion", "destination_subregion"),
        ]

    def _section(self, name: str, drawn: Sequence[Figure | None], tables: Sequence[str] = ()) -> Section:
        return Section(
            name,
            self.texts(f"section-{name}"),
            (),
            tuple(figure for figure in drawn if figure),
            tuple(table for table in tables if table in self.readers),
        )


class _National(_Picture):
    """The picture from the records of a country's own entities."""

    main = "victims_by_year_sex"

    def total(self, year: str) -> Count | None:
        return self.readers[self.main].count(year=year)

    def trend_caution(self, first: str, last: str) -> list[str]:
        undated = self.readers[self.main].count(year=NOT_RECORDED)
        if undated is None or not undated.upper:
            return []
        return [self.texts("finding-trend-undated", count=undated.upper, shown=_shown(undated, self.texts))]

    def findings(self) -> list[Finding]:
        """The five sentences that open the report."""
        return [
            self.detected(),
            self.trend_finding(),
            self.who("victims_by_sex", "victims_by_year_age"),
            self.form("victims_by_year_form"),
            self.cross_border("victims_by_year_cross_border"),
        ]

    def detected(self) -> Finding:
        """Records, and the persons that they can stand for."""
        name = "victims_by_list_year"
        if name not in self.readers or self.main not in self.readers:
            return self._none(name)
        reader, years, t = self.readers[name], self.years(), self.texts
        total = reader.count()
        lists = [reader.count(list=code) for code in reader.codes("list")]
        largest = max((count.lower for count in lists if count is not None), default=0)
        if total is None or not years or not largest:
            return self._none(name)
        span = {"from": years[0], "to": years[-1]}
        return Finding(
            t(
                "finding-detected",
                count=_shown(total, t),
                low=t.number(largest),
                high=t.number(total.upper),
                **span,
            ),
            name,
        )

    def sections(self) -> list[Section]:
        """The chapters of the national picture."""
        return [
            self._section("trend", [self.trend_figure()], ["victims_by_list_year"]),
            self._section("who", [self.pyramid()], ["victims_by_year_sex", "victims_by_year_age"]),
            self._section(
                "forms",
                [self.bars("victims_by_year_form", "form", "figure-forms", "forms")],
                ["victims_by_form_sex", "victims_by_form_age"],
            ),
            self._section(
                "control",
                [
                    self.bars("victims_by_means_of_control_sex", "means_of_control", "figure-control", "control"),
                    self.bars("victims_by_recruiter_relation", "recruiter_relation", "figure-recruiter", "recruiter"),
                ],
            ),
            self._section(
                "flows",
                self.flow_figures(),
                ["victims_by_year_cross_border"],
            ),
            self._section("time", [], ["victims_by_duration", "victims_by_time_to_identification"]),
            self._section(
                "response",
                [],
                [
                    "victims_by_status",
                    "victims_by_assistance_participation",
                    "justice_by_year_stage",
                    "justice_by_stage_sex",
                    "offences_by_year",
                ],
            ),
        ]

    def pyramid(self) -> Figure | None:
        """Age bands, women to one side and men to the other."""
        name = "victims_by_sex_age_band"
        if name not in self.readers:
            return None
        reader, t = self.readers[name], self.texts
        bands = [band for band in code_list("age_band") if band != UNKNOWN]
        counts = {(b, s): reader.count(age_band=b, sex=s) for b in bands for s in ("female", "male")}
        if all(count is None for count in counts.values()):
            return None
        rows = pd.DataFrame(
            {
                "band": [t.code("age_band", band) for band in reversed(bands)],
                **{
                    field: [np.nan if (c := counts[band, sex]) is None else c.middle for band in reversed(bands)]
                    for field, sex in (("first", "female"), ("second", "male"))
                },
            }
        )
        top, count = max(((key, c) for key, c in counts.items() if c is not None), key=lambda item: item[1].lower)
        group = f"{t.code('sex', top[1])}, {t.code('age_band', top[0])}"
        alt = t("figure-pyramid-alt", group=group, count=_shown(count, t))
        sides = (t.code("sex", "female"), t.code("sex", "male"))
        svg = figures.pyramid(rows, t, title=t("figure-pyramid"), alt_text=alt, name="pyramid", sides=sides)
        notes = (t("withheld-legend"),) if reader.withheld() else ()
        return Figure("pyramid", t("figure-pyramid"), alt, svg, notes, name)


class _Published(_Picture):
    """The picture from what States have reported and somebody has published."""

    main = "world_by_year_indicator"

    def total(self, year: str) -> Count | None:
        return self.readers[self.main].count(year=year, indicator="detected_victims")

    def years(self) -> list[str]:
        """The years for which a State reported detected victims; one without a report is not a year of none."""
        return [year for year in super().years() if (count := self.total(year)) is not None and count.upper > 0]

    def trend_caution(self, first: str, last: str) -> list[str]:
        name = "country_by_year_indicator"
        if name not in self.readers:
            return [self.texts("note-reporting")]
        then, now = self.states(name, first), self.states(name, last)
        return [self.texts("finding-trend-states", first=self.texts.number(then), last=self.texts.number(now))]

    def states(self, name: str, year: str) -> int:
        """How many States reported a detected victim in a year."""
        reader = self.readers[name]
        counts = [
            reader.count(reporting_country=code, year=year, indicator="detected_victims")
            for code in reader.codes("reporting_country")
        ]
        return sum(count is not None and count.upper > 0 for count in counts)

    def findings(self) -> list[Finding]:
        """The five sentences that open the report."""
        return [
            self.detected(),
            self.trend_finding(),
            self.who("world_by_year_sex", "world_by_year_age"),
            self.form("world_by_year_form"),
            self.cross_border("world_by_year_cross_border"),
        ]

    def detected(self) -> Finding:
        """Detected victims in the last year."""
        years = self.years()
        count = self.total(years[-1]) if years else None
        if count is None:
            return self._none(self.main)
        low, high = self.texts.number(count.lower), self.texts.number(count.upper)
        return Finding(self.texts("finding-detected-published", year=years[-1], low=low, high=high), self.main)

    def sections(self) -> list[Section]:
        """The chapters of the world's picture."""
        return [
            self._section("trend", [self.trend_figure()], ["world_by_year_indicator", "region_by_year_indicator"]),
            self._section("who", [], ["region_by_sex", "world_by_year_age"]),
            self._section(
                "forms", [self.bars("world_by_year_form", "form", "figure-forms", "forms")], ["region_by_form"]
            ),
            self._section(
                "flows",
                self.flow_figures(),
                ["world_by_year_cross_border"],
            ),
        ]
