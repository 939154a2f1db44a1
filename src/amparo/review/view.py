"""The review as it is shown, in one language: pages, Word, PDF and the shell all take their words from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import isinf

from amparo.protection.release import ReleasedTable
from amparo.review.cycles import Change, Snapshot, compare
from amparo.review.evidence import Evidence, Point
from amparo.review.progress import Judgement
from amparo.review.recorded import Row
from amparo.review.register import Commitment, Indicator, Instrument, code_labels
from amparo.review.standing import Review, Standing
from amparo.review.words import ReviewTexts
from amparo.standard.variables import TOTAL

SIGNS = {
    "no_evidence": "∅",
    "not_judged": "?",
    "not_started": "○",
    "under_way": "◐",
    "kept": "●",
    "gone_back": "▼",
}
"""A sign per state, so that no state is told by colour alone; in the order in which states are counted."""
MOST_GROUPS = 24
"""Figures by group that a page shows; the open data hold all of them."""


@dataclass(frozen=True)
class Figure:
    """An indicator of a commitment, in words.

    ``against`` : the target or the first figure that the reading goes by. ``missing`` : why there is no figure (""
    where there is one).
    """

    id: str
    name: str
    definition: str
    value: str
    period: str
    reading: str
    against: str
    spark: str
    groups: tuple[tuple[str, str, str], ...]
    sources: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    command: str
    proof: tuple[tuple[str, str], ...]
    missing: str


@dataclass(frozen=True)
class Recorded:
    """A recorded row, in words; ``documents`` are title, address and SHA-256."""

    kind: str
    title: str
    body: str
    date: str
    due: str
    documents: tuple[tuple[str, str, str], ...]

    def line(self, texts: ReviewTexts) -> str:
        """The row in one line: what, by whom, when."""
        return f"{self.kind}: {texts.isolate(self.title)} ({texts.isolate(self.body)}, {self.date or self.due})"


@dataclass(frozen=True)
class Entry:
    """A commitment, in words; ``lang`` is that of its wording where it is not the page's."""

    key: tuple[str, str]
    id: str
    anchor: str
    page: str
    text: str
    lang: str
    state: str
    state_label: str
    sign: str
    last: str
    gap: str
    spark: str
    figures: tuple[Figure, ...]
    recorded: tuple[Recorded, ...]
    judged: str
    reason: str
    rule: str
    differs: bool
    dissents: tuple[tuple[str, str], ...]
    history: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    same: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of an instrument and what it asks."""

    number: str
    title: str
    page: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Part:
    """An instrument and its paragraphs."""

    title: str
    symbol: str
    lang: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Group:
    """Commitments and recorded rows under one heading: a theme or a body."""

    name: str
    anchor: str
    entries: tuple[Entry, ...]
    recorded: tuple[Recorded, ...] = ()


@dataclass(frozen=True)
class View:
    """The whole review in one language."""

    texts: ReviewTexts
    title: str
    about: str
    asof: str
    symbol: str
    counts: tuple[tuple[str, str, str, int], ...]
    parts: tuple[Part, ...]
    themes: tuple[Group, ...]
    actors: tuple[Group, ...]
    bodies: tuple[Group, ...]
    overdue: tuple[Recorded, ...]
    changes: tuple[tuple[Entry, str, str, str, str], ...]
    compared: str
    impact: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    proof: tuple[tuple[str, str], ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All commitments."""
        return tuple(e for part in self.parts for paragraph in part.paragraphs for e in paragraph.entries)


def page_of(commitment: Commitment) -> str:
    """The page of a commitment's paragraph."""
    return f"{commitment.instrument}.{commitment.paragraph}.html"


def build(
    review: Review, texts: ReviewTexts, *, previous: Snapshot | None = None, impact: Sequence[ReleasedTable] = ()
) -> View:
    """Put a review into words.

    Parameters
    ----------
    previous : the frozen review of the last cycle.
    impact : released tables of victims' impact assessments.
    """
    entries = {one.key: _entry(one, review, texts) for one in review.standings}
    parts = tuple(_part(instrument, entries, texts) for instrument in review.register.instruments.values())
    first = next(iter(review.register.instruments.values()))
    changes = compare(review, previous) if previous else ()
    return View(
        texts=texts,
        title=texts("review-title"),
        about=texts(
            "review-about",
            title=first.title.get(texts.lang, first.title[first.language]),
            symbol=first.symbol,
            cycle=review.cycle,
            date=texts.date(review.today.isoformat()),
        ),
        asof=texts("review-asof", cycle=review.cycle, date=texts.date(review.today.isoformat())),
        symbol=first.symbol,
        counts=tuple((code, SIGNS[code], texts.state(code), review.count(code)) for code in SIGNS),
        parts=parts,
        themes=_groups(review, entries, texts, "theme", lambda one: (one.theme,)),
        actors=_groups(review, entries, texts, "actor", lambda one: one.actors),
        bodies=_bodies(review, entries, texts),
        overdue=tuple(_recorded(row, review, texts) for row in review.record.overdue()),
        changes=tuple(_change(change, entries, review, texts) for change in changes),
        compared=texts("changes-text", cycle=previous.cycle, hash=previous.sha256) if previous else "",
        impact=tuple(_impact(table, texts) for table in impact),
        proof=_proof(review.provenance, texts),
    )


def _part(instrument: Instrument, entries: dict[tuple[str, str], Entry], texts: ReviewTexts) -> Part:
    paragraphs: dict[str, list[Commitment]] = {}
    for one in instrument.commitments:
        paragraphs.setdefault(one.paragraph, []).append(one)
    titled = texts.lang in instrument.title
    return Part(
        title=instrument.title[texts.lang if titled else instrument.language],
        symbol=instrument.symbol,
        lang="" if titled else instrument.language,
        paragraphs=tuple(
            Paragraph(
                number=number,
                title=texts("paragraph", number=number),
                page=page_of(asked[0]),
                entries=tuple(entries[one.instrument, one.id] for one in asked),
            )
            for number, asked in paragraphs.items()
        ),
    )


def _entry(one: Standing, review: Review, texts: ReviewTexts) -> Entry:
    commitment, register = one.commitment, review.register
    instrument = register.instruments[commitment.instrument]
    indicators = register.indicators_of(commitment)
    figures = tuple(_figure(i, review.evidence[i.id], one, texts) for i in indicators)
    shown = [figure for figure in figures if not figure.missing and _of_the_world(figure.id, indicators)]
    recorded = tuple(_recorded(row, review, texts) for row in one.rows)
    missing = [figure.name for figure in figures if figure.missing]
    asked = [texts.label("evidence", kind) for kind in one.asked]
    gap = [texts("gap-figures", list=texts.listed(missing))] if missing else []
    gap += [texts("gap-recorded", list=texts.listed(asked))] if asked else []
    told = next((figure for figure in shown if figure.value), None)
    last = f"{told.name}: {told.value} ({told.period})" if told else shown[0].name if shown else ""
    if not last and recorded:
        last = f"{recorded[0].kind}: {texts.isolate(recorded[0].title)} ({recorded[0].date})"
    status = one.judgement.status if one.judgement else ""
    return Entry(
        key=one.key,
        id=commitment.id,
        anchor=f"c-{commitment.id}",
        page=page_of(commitment),
        text=instrument.wording(commitment, texts.lang),
        lang="" if texts.lang in commitment.text else instrument.language,
        state=one.state,
        state_label=texts.state(one.state),
        sign=SIGNS[one.state],
        last=last,
        gap=texts.sentences(*gap) if gap else texts("gap-none"),
        spark=next((figure.spark for figure in shown if figure.spark), ""),
        figures=figures,
        recorded=recorded,
        judged=_judged(one.judgement, texts) if one.judgement else texts("judged-nobody"),
        reason=one.judgement.reason if one.judgement else "",
        rule=texts("rule-gives", status=texts.state(one.rule)) if one.rule else texts("rule-nothing"),
        differs=bool(status and one.rule and status != one.rule),
        dissents=tuple((_judged(other, texts), other.reason) for other in one.dissents),
        history=tuple((_judged(past, texts), past.reason) for past in one.history if past is not one.judgement),
        facts=_facts(commitment, texts),
        same=tuple(
            (f"{page_of(other)}#c-{other.id}", f"{other.instrument}: {other.id}")
            for other in (register.by_cluster(commitment.cluster) if commitment.cluster else ())
            if other.instrument != commitment.instrument
        ),
    )


def _of_the_world(name: str, indicators: Iterable[Indicator]) -> bool:
    """Whether an indicator tells of something else than the review itself."""
    return any(one.id == name and one.inputs != ("review",) for one in indicators)


def _facts(commitment: Commitment, texts: ReviewTexts) -> tuple[tuple[str, str], ...]:
    facts = [(texts("kind"), texts.label("kind", commitment.kind))]
    facts.append((texts("nav-themes"), texts.label("theme", commitment.theme)))
    facts.append((texts("actors"), texts.listed([texts.label("actor", code) for code in commitment.actors])))
    if commitment.beneficiaries:
        who = [texts.label("beneficiary", code) for code in commitment.beneficiaries]
        facts.append((texts("beneficiaries"), texts.listed(who)))
    links = [
        texts(f"link-{name}", list=texts.listed(list(given)))
        for name, given in (("palermo", commitment.palermo), ("plan", commitment.global_plan), ("sdg", commitment.sdg))
        if given
    ]
    return (*facts, *([(texts("links"), "; ".join(links))] if links else []))


def _judged(one: Judgement, texts: ReviewTexts) -> str:
    status = texts.state(one.status) if one.status else texts("dissent")
    return texts("judged", status=status, by=texts.isolate(one.by), date=texts.date(one.day.isoformat()))


def _figure(indicator: Indicator, evidence: Evidence, one: Standing, texts: ReviewTexts) -> Figure:
    latest = evidence.latest
    read = one.readings.get(indicator.id)
    return Figure(
        id=indicator.id,
        name=indicator.name.get(texts.lang, indicator.name["en"]),
        definition=indicator.definition,
        value=texts.figure(indicator, evidence, latest) if latest else "",
        period=(latest.period or texts("all-years")) if latest else "",
        reading=texts.label("reading", read) if read else "",
        against=_against(indicator, evidence, one, texts) if read and read != "context" else "",
        spark=spark(indicator, evidence, texts),
        groups=_broken_down(indicator, evidence, texts),
        sources=tuple((name, _address(name)) for name in evidence.sources),
        rules=evidence.rules,
        command=evidence.command,
        proof=_proof(evidence.provenance or {}, texts),
        missing="" if evidence.known else texts.reason(evidence),
    )


def _against(indicator: Indicator, evidence: Evidence, one: Standing, texts: ReviewTexts) -> str:
    """What a figure is read against: its target, else the figure of the start."""
    if indicator.target is not None:
        target = Point("", indicator.target, indicator.target, indicator.target)
        return f"{texts.label('goal', indicator.goal)}: {texts.figure(indicator, evidence, target)}"
    start = one.starts.get(indicator.id)
    return f"{start.period or texts('all-years')}: {texts.figure(indicator, evidence, start)}" if start else ""


def _address(source: str) -> str:
    """Where the open data hold a source: a released table, or the recorded rows of a file."""
    if source == "commitments.csv":
        return f"../data/{source}"
    return "../data/recorded.csv" if source.endswith(".csv") else f"../data/tables/{source}.csv"


def _broken_down(indicator: Indicator, evidence: Evidence, texts: ReviewTexts) -> tuple[tuple[str, str, str], ...]:
    """The figures by group of the last period: group, period, value."""
    grouped = [point for point in evidence.points if point.by]
    last = max((point.period for point in grouped), default="")
    found = []
    for point in grouped:
        if point.period == last:
            name = texts.listed([texts.group(dim, code) for dim, code in point.by])
            found.append((name, point.period or texts("all-years"), texts.figure(indicator, evidence, point)))
    return tuple(found[:MOST_GROUPS])


def _proof(provenance: Mapping[str, str], texts: ReviewTexts) -> tuple[tuple[str, str], ...]:
    found = []
    for name, value in provenance.items():
        if name == "created":
            found.append((texts("provenance-created"), texts.date(value)))
        elif name == "version":
            found.append((texts("provenance-version"), value))
        elif name.startswith("sha256 of "):
            found.append((texts("provenance-sha256", file=name.removeprefix("sha256 of ")), value))
        else:
            found.append((name, value))
    return tuple(found)


def _recorded(row: Row, review: Review, texts: ReviewTexts) -> Recorded:
    papers = review.record.documents or {}
    named = [papers[name] for name in row.documents]
    return Recorded(
        kind=texts.label("evidence", row.kind),
        title=row.title,
        body=row.body,
        date=texts.date(row.happened.isoformat()) if row.happened else "",
        due=texts.date(row.due.isoformat()) if row.due else "",
        documents=tuple((paper.title, paper.url, paper.sha256) for paper in named),
    )


def _groups(
    review: Review,
    entries: dict[tuple[str, str], Entry],
    texts: ReviewTexts,
    name: str,
    codes: Callable[[Commitment], tuple[str, ...]],
) -> tuple[Group, ...]:
    found: dict[str, list[Entry]] = {code: [] for code in code_labels(name)}
    for one in review.standings:
        for code in codes(one.commitment):
            found[code].append(entries[one.key])
    return tuple(Group(texts.label(name, code), f"{name}-{code}", tuple(held)) for code, held in found.items() if held)


def _bodies(review: Review, entries: dict[tuple[str, str], Entry], texts: ReviewTexts) -> tuple[Group, ...]:
    found: dict[str, list[Row]] = {}
    for row in review.record.rows:
        found.setdefault(row.body, []).append(row)
    groups = []
    for place, (body, rows) in enumerate(sorted(found.items())):
        keys = dict.fromkeys(key for row in rows for key in row.commitments)
        served = tuple(entries[key] for key in entries if key in keys)
        groups.append(Group(body, f"body-{place}", served, tuple(_recorded(row, review, texts) for row in rows)))
    return tuple(groups)


def _change(
    change: Change, entries: dict[tuple[str, str], Entry], review: Review, texts: ReviewTexts
) -> tuple[Entry, str, str, str, str]:
    def names(ids: tuple[str, ...]) -> str:
        known = [review.register.indicators[name] for name in ids]
        return texts.listed([one.name.get(texts.lang, one.name["en"]) for one in known])

    before = texts.state(change.before) if change.before else ""
    return entries[change.commitment], before, texts.state(change.now), names(change.gained), names(change.lost)


def _impact(table: ReleasedTable, texts: ReviewTexts) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A question of an assessment, and its answers: a count, its bounds, or that it is withheld."""
    question = table.dims[0]
    about, _, year = table.name.removeprefix(f"impact_{question}_").rpartition("_")
    said = []
    for code, low, high, status in table.frame[[question, "lower", "upper", "status"]].itertuples(index=False):
        if status == "withheld":
            count = texts("withheld")
        elif low == high:
            count = texts.number(low)
        else:
            count = texts("between", low=texts.number(low), high=texts.number(high))
        said.append((texts("total") if code == TOTAL else texts.group(question, code), count))
    return f"{texts.label('impact_question', question)} ({about}, {year})", tuple(said)


# --- Sparkline ------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, MARGIN = 120, 30, 4


def spark(indicator: Indicator, evidence: Evidence, texts: ReviewTexts) -> str:
    """The yearly figures as a small line with its text alternative; bounds as bars. "" with fewer than two years."""
    series = [point for point in evidence.series if point.period.isdigit() and not isinf(point.high)]
    if len(series) < 2:
        return ""
    years = [int(point.period) for point in series]
    bottom = min(0.0, *(point.low for point in series))
    span = max(0.0, *(point.high for point in series)) - bottom or 1.0

    def place(point: Point, value: float) -> tuple[float, float]:
        across = (int(point.period) - years[0]) / (years[-1] - years[0])
        x = MARGIN + (1 - across if texts.rtl else across) * (WIDTH - 2 * MARGIN)
        return x, HEIGHT - MARGIN - (value - bottom) / span * (HEIGHT - 2 * MARGIN)

    drawn = ""
    for one, following in pairwise([*series, None]):
        assert one is not None
        (x, low), (_, high) = place(one, one.low), place(one, one.high)
        if not one.exact:
            drawn += f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
            continue
        drawn += f'<circle cx="{x:.1f}" cy="{low:.1f}" r="1.6"/>'
        if following is not None and following.exact:
            to = place(following, following.low)
            drawn += f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{to[0]:.1f}" y2="{to[1]:.1f}"/>'
    label = texts(
        "sparkline",
        name=indicator.name.get(texts.lang, indicator.name["en"]),
        first=texts.figure(indicator, evidence, series[0]),
        **{"from": series[0].period, "to": series[-1].period},
        last=texts.figure(indicator, evidence, series[-1]),
    )
    return (
        f'<svg class="spark" role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}">{drawn}</svg>'
    )
