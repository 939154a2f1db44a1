"""The register of commitments: what each instrument asks, of whom, and what would show it.

The first instrument is the General Assembly's 2021 Political Declaration on trafficking in persons, one
commitment per operative statement, in our own short words. Further instruments (a national action plan,
GRETA or UPR recommendations) stand beside it; where two ask the same, they name the same cluster.

An instrument is two files of one name: ``plan.toml``, its head, and ``plan.csv``, a row per commitment with its
wording in the instrument's language. ``plan.fr.csv`` holds the wording in French, and so on. All of them are for
a person to read and correct, so every mistake is told with its file, row, column, value and what was expected.

Source: 2021 Political Declaration on the Implementation of the United Nations Global Plan of Action to Combat
Trafficking in Persons, A/RES/76/7 (draft A/76/L.11), annex, paragraphs 1 to 29.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from amparo.review.sheets import Cells, Sheet, hint, meant, read_toml
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES

DATA = Path(__file__).with_name("data")
DECLARATION = "declaration-2021"

T = TypeVar("T")
Source = Literal["release", "desk", "recorded"]
Goal = Literal["increase", "decrease", "at_least", "at_most", "context"]

PALERMO_PARAGRAPHS = (3, 0, 0, 0, 2, 6, 2, 6, 5, 3, 6, 0, 0, 2, 4, 4, 2, 2, 2, 2)
"""Numbered paragraphs of each of the 20 articles of the Trafficking Protocol (2000); 0 where it has none."""
SDG_TARGETS = {
    1: (5, "ab"),
    2: (5, "abc"),
    3: (9, "abcd"),
    4: (7, "abc"),
    5: (6, "abc"),
    6: (6, "ab"),
    7: (3, "ab"),
    8: (10, "ab"),
    9: (5, "abc"),
    10: (7, "abc"),
    11: (7, "abc"),
    12: (8, "abc"),
    13: (3, "ab"),
    14: (7, "abc"),
    15: (9, "abc"),
    16: (10, "ab"),
    17: (19, ""),
}
"""Per goal of the 2030 Agenda (A/RES/70/1): how many numbered targets it has, and the letters of the others."""


@dataclass(frozen=True)
class Commitment:
    """One thing that an instrument asks.

    ``text`` is our wording by language; ``actors``, ``beneficiaries``, ``kind``, ``theme`` and ``evidence`` are
    codes (see :func:`code_labels`). ``palermo``, ``global_plan`` and ``sdg`` name articles of the Trafficking
    Protocol, paragraphs of A/RES/64/293 and targets of the 2030 Agenda that ask for the same. Without
    ``indicators`` it is judged from recorded evidence only, of the kinds in ``evidence``.
    """

    instrument: str
    id: str
    paragraph: str
    letter: str
    text: Mapping[str, str]
    kind: str
    theme: str
    actors: tuple[str, ...]
    beneficiaries: tuple[str, ...]
    palermo: tuple[str, ...]
    global_plan: tuple[str, ...]
    sdg: tuple[str, ...]
    indicators: tuple[str, ...]
    evidence: tuple[str, ...]
    cluster: str

    @property
    def recorded_only(self) -> bool:
        """Whether no number shows it: people judge it from recorded evidence alone."""
        return not self.indicators


@dataclass(frozen=True)
class Instrument:
    """A text that holds commitments. ``language`` is the one in which every commitment has its wording."""

    id: str
    symbol: str
    adopted: date
    language: str
    title: Mapping[str, str]
    clusters: Mapping[str, str]
    commitments: tuple[Commitment, ...]

    def wording(self, commitment: Commitment, language: str) -> str:
        """The wording in a language, else in the instrument's own."""
        return commitment.text.get(language) or commitment.text[self.language]


@dataclass(frozen=True)
class Indicator:
    """A number that would show whether commitments are kept.

    ``inputs`` are tables of a release, kinds of records of the referral desk or kinds of recorded evidence, as
    ``source`` says. ``target`` is a bound, in ``unit``, where ``goal`` is ``at_least`` or ``at_most``; a goal
    of ``context`` is read, never judged (more detected victims may be good news or bad). ``baseline`` is the
    year whose value counts as the first, or a code: ``first_year`` of records, ``first_value`` published.
    """

    id: str
    name: Mapping[str, str]
    definition: str
    unit: str
    source: Source
    inputs: tuple[str, ...]
    disaggregation: tuple[str, ...]
    goal: Goal
    target: float | None
    baseline: str

    @property
    def computed(self) -> bool:
        """Whether Amparo computes it, from a release or from the desk; otherwise people record it."""
        return self.source != "recorded"


@dataclass(frozen=True)
class Register:
    """All instruments side by side, and the indicators that they share."""

    instruments: Mapping[str, Instrument]
    indicators: Mapping[str, Indicator]

    @property
    def commitments(self) -> tuple[Commitment, ...]:
        """The commitments of all instruments, in their order."""
        return tuple(one for instrument in self.instruments.values() for one in instrument.commitments)

    def instrument(self, instrument: str = DECLARATION) -> Instrument:
        """An instrument by id.

        Raises
        ------
        AmparoError : no such instrument.
        """
        return _known(instrument, self.instruments, "an instrument of the register")

    def get(self, commitment: str, *, instrument: str = DECLARATION) -> Commitment:
        """A commitment by its id, such as "15.3" or "16.a.1".

        Raises
        ------
        AmparoError : no such instrument or commitment.
        """
        by_id = {one.id: one for one in self.instrument(instrument).commitments}
        return _known(commitment, by_id, f"a commitment of {instrument}")

    def by_paragraph(
        self, paragraph: str, letter: str | None = None, *, instrument: str = DECLARATION
    ) -> tuple[Commitment, ...]:
        """What a paragraph asks; with a letter what its sub-paragraph asks, with letter "" what its head asks.

        Raises
        ------
        AmparoError : no such instrument, or it has no commitment there.
        """
        found = tuple(
            one
            for one in self.instrument(instrument).commitments
            if one.paragraph == paragraph and letter in (None, one.letter)
        )
        if not found:
            all_of_it = self.instrument(instrument).commitments
            known = [one.paragraph if letter is None else _place(one.paragraph, one.letter) for one in all_of_it]
            _known(_place(paragraph, letter or ""), dict.fromkeys(known), f"a paragraph of {instrument}")
        return found

    def by_theme(self, theme: str) -> tuple[Commitment, ...]:
        """The commitments of a theme; AmparoError where there is no such theme."""
        _known(theme, code_labels("theme"), "a theme")
        return tuple(one for one in self.commitments if one.theme == theme)

    def by_actor(self, actor: str) -> tuple[Commitment, ...]:
        """The commitments on which an actor must act; AmparoError where there is no such actor."""
        _known(actor, code_labels("actor"), "an actor")
        return tuple(one for one in self.commitments if actor in one.actors)

    def by_cluster(self, cluster: str) -> tuple[Commitment, ...]:
        """The commitments, of whatever instrument, that ask the same; AmparoError for an unknown cluster."""
        _known(cluster, self.clusters, "a cluster")
        return tuple(one for one in self.commitments if one.cluster == cluster)

    @property
    def clusters(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of all clusters by language: ours, and those that further instruments bring."""
        labels = {cluster: dict(ours) for cluster, ours in code_labels("cluster").items()}
        for instrument in self.instruments.values():
            for cluster, label in instrument.clusters.items():
                labels.setdefault(cluster, {})[instrument.language] = label
        return labels

    def indicators_of(self, commitment: Commitment) -> tuple[Indicator, ...]:
        """The indicators that would show a commitment, most telling first."""
        return tuple(self.indicators[name] for name in commitment.indicators)


def _place(paragraph: str, letter: str) -> str:
    return f"{paragraph}.{letter}" if letter else paragraph


def _known(name: str, known: Mapping[str, T], what: str) -> T:
    if name in known:
        return known[name]
    raise AmparoError(f"{name!r} is not {what}.", remedy=f"{meant(name, known)}Known: {', '.join(known)}.")


@cache
def code_labels(name: str) -> Mapping[str, Mapping[str, str]]:
    """The codes of a list, such as ``theme`` or ``actor``, and their labels in the six languages.

    Raises
    ------
    KeyError : no such list.
    """
    return _codes()[name]


@cache
def _codes() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    lists: dict[str, dict[str, Mapping[str, str]]] = {}
    for cells in Sheet(DATA / "codes.csv", ("list", "code", *(f"label_{language}" for language in LANGUAGES))):
        labels = {language: cells.text(f"label_{language}") for language in LANGUAGES}
        lists.setdefault(cells.text("list"), {})[cells.text("code")] = labels
    return lists


def load_register(*further: Path) -> Register:
    """The declaration, and the instruments of further files beside it.

    Parameters
    ----------
    further : files of instruments (see :func:`load_instrument`).

    Raises
    ------
    AmparoError : a file does not hold what it should, or two instruments have one id.
    """
    instruments = {DECLARATION: _declaration()}
    for path in further:
        instrument = load_instrument(path)
        if instrument.id in instruments:
            raise AmparoError(
                f"id: {instrument.id!r} is already in the register.",
                remedy="Give each instrument an id of its own, and name each file once.",
                where=str(path),
            )
        instruments[instrument.id] = instrument
    return Register(instruments, load_indicators())


@cache
def _declaration() -> Instrument:
    return load_instrument(DATA / f"{DECLARATION}.toml")


@cache
def load_indicators() -> Mapping[str, Indicator]:
    """The indicators by id, in their order."""
    return _indicators(DATA / "indicators.csv")


def _indicators(path: Path) -> Mapping[str, Indicator]:
    found: dict[str, Indicator] = {}
    for cells in Sheet(path, _INDICATOR_COLUMNS):
        indicator = _indicator(cells)
        if indicator.id in found:
            raise cells.fault("id", indicator.id, "an id that no other row has", "Rename one of the two.")
        found[indicator.id] = indicator
    names = _translations(path, set(found))
    return {one.id: replace(one, name={**one.name, **_of(one.id, names)}) for one in found.values()}


def load_instrument(path: Path) -> Instrument:
    """An instrument from its two files, checked cell by cell.

    Parameters
    ----------
    path : the head (TOML) or the rows (CSV, separated by commas or semicolons); the other lies beside it under
        the same name. Wordings in other languages lie there too: ``plan.fr.csv`` with columns ``id`` and ``text``.

    Raises
    ------
    AmparoError : a file is missing or cannot be read, or a cell is not what it should be; names file, row, column,
        value, what was expected and what to do.
    """
    if path.suffix not in (".toml", ".csv"):
        raise AmparoError("an instrument is a .toml and a .csv file.", remedy="Name one of the two.", where=str(path))
    head_path, rows_path = path.with_suffix(".toml"), path.with_suffix(".csv")
    head = _head(head_path)
    clusters = {**dict.fromkeys(code_labels("cluster"), ""), **head.clusters}
    commitments: dict[str, Commitment] = {}
    for cells in Sheet(rows_path, _REQUIRED, optional=_OPTIONAL):
        one = _commitment(cells, head, clusters)
        if one.id in commitments:
            raise cells.fault(
                "id",
                one.id,
                "an id that no other row has",
                "A spreadsheet writes 12.10 as 12.1 unless the column is text; otherwise renumber.",
            )
        commitments[one.id] = one
    if not commitments:
        raise AmparoError("there is no commitment.", remedy="Add a row for each.", where=str(rows_path))
    wordings = _translations(rows_path, set(commitments))
    if head.language in wordings:
        raise AmparoError(
            f"{head.language!r} is the instrument's own language.",
            remedy=f"Its wording belongs in {rows_path.name}; remove this file.",
            where=str(rows_path.with_suffix(f".{head.language}.csv")),
        )
    worded = (replace(one, text={**one.text, **_of(one.id, wordings)}) for one in commitments.values())
    return replace(head, commitments=tuple(worded))


def _head(path: Path) -> Instrument:
    """The instrument without its commitments."""
    document = read_toml(path, "Write there: [instrument], id, symbol, adopted, language and title.")
    for key in document:
        if key not in ("instrument", "clusters"):
            raise _head_fault(path, key, document[key], "[instrument] or [clusters]")
    head = document.get("instrument")
    if not isinstance(head, dict):
        raise _head_fault(path, "instrument", head, "a table [instrument]")
    for key, value in head.items():
        if key not in _HEAD:
            raise _head_fault(path, key, value, f"one of the keys {', '.join(_HEAD)}")
    for key, (fits, expected) in _HEAD.items():
        if not fits(head.get(key)):
            raise _head_fault(path, key, head.get(key), expected)
    language, title = head["language"], head["title"]
    if language not in title:
        raise _head_fault(path, "title", title, f"the title in the instrument's own language, title.{language}")
    clusters = document.get("clusters", {})
    if not isinstance(clusters, dict):
        raise _head_fault(path, "clusters", clusters, "a table [clusters]")
    for cluster, label in clusters.items():
        if not (_is_text(label) and re.fullmatch(r"[a-z][a-z0-9_]*", cluster)):
            raise _head_fault(path, cluster, label, 'a line of [clusters] such as hotlines = "Hotlines"')
        if cluster in code_labels("cluster"):
            raise _head_fault(path, cluster, label, "a cluster of your own; this one is in the register already")
    return Instrument(head["id"], head["symbol"], head["adopted"], language, title, clusters, ())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


_LANGUAGE = re.compile("[a-z]{2,3}")
_HEAD: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "id": (
        lambda value: isinstance(value, str) and bool(re.fullmatch(r"[a-z0-9][a-z0-9-]*", value)),
        'an id of small letters, digits and hyphens, such as "national-plan-2026"',
    ),
    "symbol": (_is_text, 'the reference of the text, such as "A/RES/76/7"'),
    "adopted": (lambda value: type(value) is date, "the day of adoption without quotes, such as 2021-11-22"),
    "language": (
        lambda value: isinstance(value, str) and bool(_LANGUAGE.fullmatch(value)),
        'the language of the rows, such as "es"',
    ),
    "title": (
        lambda value: isinstance(value, dict) and bool(value) and all(map(_is_text, value.values())),
        'titles by language, such as title.es = "Plan nacional"',
    ),
}


def _head_fault(path: Path, key: str, value: object, expected: str) -> AmparoError:
    said = "is missing" if value is None else f"{value!r} does not fit"
    return AmparoError(f"{key}: {said}; expected {expected}.", remedy="Correct the line.", where=str(path))


_REQUIRED = ("id", "paragraph", "kind", "theme", "actors", "evidence", "text")
_OPTIONAL = ("letter", "beneficiaries", "palermo", "global_plan", "sdg", "indicators", "cluster")


def _commitment(cells: Cells, head: Instrument, clusters: Mapping[str, object]) -> Commitment:
    paragraph, letter = cells.text("paragraph"), cells.text("letter", empty=True)
    if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", paragraph):
        # It names a page of the review, so it must be no path.
        raise cells.fault("paragraph", paragraph, "letters and digits, such as 12 or II-3")
    if letter and not re.fullmatch("[a-z]", letter):
        raise cells.fault("letter", letter, "one small letter, or nothing")
    place = _place(paragraph, letter)
    name = cells.text("id")
    if name != place and not re.fullmatch(rf"{re.escape(place)}\.\d+", name):
        raise cells.fault("id", name, f"{place!r}, or {place!r} with a number such as '{place}.1'")
    indicators, evidence = (
        cells.codes("indicators", load_indicators()),
        cells.codes("evidence", code_labels("evidence")),
    )
    if not indicators and not evidence:
        kinds = ", ".join(code_labels("evidence"))
        raise cells.fault("evidence", "", f"kinds of evidence where there is no indicator (known: {kinds})")
    return Commitment(
        instrument=head.id,
        id=name,
        paragraph=paragraph,
        letter=letter,
        text={head.language: cells.text("text")},
        kind=cells.code("kind", code_labels("kind")),
        theme=cells.code("theme", code_labels("theme")),
        actors=cells.codes("actors", code_labels("actor"), least=1),
        beneficiaries=cells.codes("beneficiaries", code_labels("beneficiary")),
        palermo=cells.fitting("palermo", _is_palermo, "articles 1 to 20 of the Protocol, such as 6 or 6.3"),
        global_plan=cells.fitting("global_plan", _is_number, "paragraph numbers of A/RES/64/293, such as 38"),
        sdg=cells.fitting("sdg", _is_sdg, "targets of the 2030 Agenda, such as 16.2"),
        indicators=indicators,
        evidence=evidence,
        cluster=cells.code("cluster", clusters, empty=True),
    )


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[1-9]\d*", text))


def _is_palermo(text: str) -> bool:
    article, _, paragraph = text.partition(".")
    if not _is_number(article) or int(article) > len(PALERMO_PARAGRAPHS):
        return False
    return text == article or (_is_number(paragraph) and int(paragraph) <= PALERMO_PARAGRAPHS[int(article) - 1])


def _is_sdg(text: str) -> bool:
    goal, _, target = text.partition(".")
    if not _is_number(goal) or int(goal) not in SDG_TARGETS:
        return False
    numbered, letters = SDG_TARGETS[int(goal)]
    return (_is_number(target) and int(target) <= numbered) or (len(target) == 1 and target in letters)


_INDICATOR_COLUMNS = (
    "id",
    "unit",
    "source",
    "inputs",
    "disaggregation",
    "goal",
    "target",
    "baseline",
    "text",
    "definition",
)


def _indicator(cells: Cells) -> Indicator:
    source = cast(Source, cells.code("source", code_labels("source")))
    inputs = (
        cells.fitting("inputs", _is_table, "names of tables of a release", least=1)
        if source == "release"
        else cells.codes("inputs", code_labels("desk_record" if source == "desk" else "evidence"), least=1)
    )
    goal = cast(Goal, cells.code("goal", code_labels("goal")))
    target = cells.text("target", empty=True)
    bounded = goal in ("at_least", "at_most")
    if bounded != bool(re.fullmatch(r"\d+(\.\d+)?", target)) or (target and not bounded):
        raise cells.fault("target", target, "a number where the goal is at_least or at_most, else nothing")
    baseline = cells.text("baseline")
    if not re.fullmatch(r"20\d\d", baseline):
        cells.code("baseline", code_labels("baseline"))
    return Indicator(
        id=cells.text("id"),
        name={"en": cells.text("text")},
        definition=cells.text("definition"),
        unit=cells.code("unit", code_labels("unit")),
        source=source,
        inputs=inputs,
        disaggregation=cells.codes("disaggregation", code_labels("disaggregation")),
        goal=goal,
        target=float(target) if target else None,
        baseline=baseline,
    )


def _is_table(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z_]+", text))


def _translations(rows: Path, ids: set[str]) -> Mapping[str, Mapping[str, str]]:
    """By language, the texts by id of the files beside ``rows`` that carry a language in their name."""
    found = {}
    for path in sorted(rows.parent.glob(f"{glob.escape(rows.stem)}.*.csv")):
        language = path.stem.removeprefix(f"{rows.stem}.")
        if not _LANGUAGE.fullmatch(language):
            continue
        texts: dict[str, str] = {}
        for cells in Sheet(path, ("id", "text")):
            name = cells.text("id")
            if name not in ids or name in texts:
                raise cells.fault("id", name, f"an id of {rows.name}, once{hint(name, ids)}")
            texts[name] = cells.text("text")
        found[language] = texts
    return found


def _of(name: str, texts: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The texts of one id by language."""
    return {language: by_id[name] for language, by_id in texts.items() if name in by_id}
