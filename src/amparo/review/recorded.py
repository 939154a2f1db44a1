"""Evidence that people record: laws, trainings, budgets, pledges and the like, as rows of files in one folder.

A file per kind of evidence (``law.csv``, ``training.csv``, ... ; see :data:`COLUMNS`), each row with the commitments
that it serves, the responsible body and its dates. ``documents.csv`` lists the documents that prove it, each with the
SHA-256 of its file, which is checked at every reading: what was reviewed is what lies there.

Everything recorded is published with the review. It tells what bodies did, never what happened to a person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from amparo.review.register import DECLARATION, Register, code_labels
from amparo.review.sheets import Cells, Sheet, hint, read_toml
from amparo.standard import countries, variables
from amparo.standard.errors import AmparoError

Type = Literal["text", "day", "number", "year", "yes_no", "currency", "country", "days", "id"]
YES_NO = {"yes": None, "no": None}


@dataclass(frozen=True)
class Column:
    """A column of a kind's file; ``type`` is one of :data:`Type`, or the name of a code list."""

    name: str
    type: str = "text"
    required: bool = False
    many: bool = False


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from a short notation: ``name``, ``name:type``; ``*`` marks the required, ``+`` those that take many."""
    found = []
    for word in text.split():
        name, _, kind = word.rstrip("*+").partition(":")
        found.append(Column(name, kind or "text", "*" in word, "+" in word))
    return tuple(found)


EXAMPLE = Path(__file__).with_name("example")
"""Evidence that is made up for the demonstration country, as a pattern to write from."""

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "treaty": _columns("treaty:treaty* in_force:day"),
    "law": _columns("in_force:day repealed:day forms:exploitation_form+"),
    "policy": _columns("in_force:day* until:day"),
    "procedure": _columns("in_force:day*"),
    "budget": _columns("year:year* currency:currency* allocated:number* spent:number"),
    "pledge": _columns("date:day* currency:currency* amount:number* recipient* fund:fund*"),
    "payment": _columns("date:day* currency:currency* amount:number* recipient* fund:fund* pledge:id"),
    "action": _columns("survivors:survivor_role+"),
    "training": _columns("date:day* hours:number* persons:number* profession:actor* evaluated:yes_no*"),
    "campaign": _columns("audience* message* reach:number"),
    "partnership": _columns("partners* sector:actor* agreed:day* activities:days+"),
    "technical_assistance": _columns("date:day* country:country* currency:currency* amount:number*"),
    "statistic": _columns("indicator:id* year:year* part:number whole:number amount:number currency:currency source*"),
    "disclosure": _columns(
        "organization* sector:actor* date:day* checked* contracts_at_risk:number contracts_checked:number"
    ),
    "assessment": _columns("date:day* type:assessment_type* of:id*"),
    "report": _columns("date:day* global_report:global_report"),
    "statement": _columns("date:day*"),
}
"""What each kind of evidence has besides the columns of all kinds (:data:`REQUIRED`, :data:`OPTIONAL`)."""
REQUIRED = ("id", "commitments", "title", "body")
OPTIONAL = ("start", "due", "done", "documents")
HAPPENED = ("date", "in_force", "agreed", "start", "done")
"""Columns whose day says when it came about, the first that is filled."""
FUTURE = ("due", "until", "in_force", "repealed", "start")
"""Days that may lie ahead; all others tell what has been done."""


@dataclass(frozen=True)
class Paper:
    """A document that proves something; ``sha256`` is that of its file, checked when it was read."""

    id: str
    title: str
    file: str
    url: str
    sha256: str
    published: date


@dataclass(frozen=True)
class Row:
    """One piece of recorded evidence.

    ``commitments`` are (instrument, id). ``happened`` is the day it came about, None where it is only planned.
    ``values`` holds the kind's own cells; money is in the row's ``currency``.
    """

    kind: str
    id: str
    commitments: tuple[tuple[str, str], ...]
    title: str
    body: str
    happened: date | None
    due: date | None
    done: date | None
    documents: tuple[str, ...]
    values: Mapping[str, object]
    where: str

    def number(self, name: str) -> float:
        """A number of its cells; 0 where the cell is empty."""
        value = self.values.get(name)
        return value if isinstance(value, float) else 0.0

    def text(self, name: str) -> str:
        """A text of its cells; "" where the cell is empty."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def day(self, name: str) -> date | None:
        """A day of its cells."""
        value = self.values.get(name)
        return value if isinstance(value, date) else None

    def overdue(self, today: date) -> bool:
        """Whether it should be done by now, and is not."""
        return self.due is not None and self.due < today and self.done is None


@dataclass(frozen=True)
class Record:
    """All recorded evidence of a folder, as it stood ``today``; ``hashes`` are the SHA-256 of its files by name."""

    today: date
    rows: tuple[Row, ...] = ()
    documents: Mapping[str, Paper] | None = None
    hashes: Mapping[str, str] | None = None

    def of(self, kind: str) -> tuple[Row, ...]:
        """The rows of a kind."""
        return tuple(row for row in self.rows if row.kind == kind)

    def for_commitment(self, instrument: str, commitment: str) -> tuple[Row, ...]:
        """What came about by today for a commitment, the newest first; what is only planned is no evidence."""
        mine = [row for row in self.rows if (instrument, commitment) in row.commitments]
        done = [row for row in mine if row.happened is not None and row.happened <= self.today]
        return tuple(sorted(done, key=lambda row: (row.happened or date.min, row.id), reverse=True))

    def overdue(self) -> tuple[Row, ...]:
        """What should be done by now and is not: the longest overdue first. A pledge is done when it is paid."""
        paid = {row.text("pledge"): 0.0 for row in self.of("payment")}
        for row in self.of("payment"):
            paid[row.text("pledge")] += row.number("amount")
        late = [
            row
            for row in self.rows
            if row.overdue(self.today) and (row.kind != "pledge" or paid.get(row.id, 0.0) < row.number("amount"))
        ]
        return tuple(sorted(late, key=lambda row: (row.due or date.max, row.id)))


def read(folder: Path, register: Register, *, today: date) -> Record:
    """Read and check a folder of recorded evidence.

    Parameters
    ----------
    folder : with a file per kind of evidence and ``documents.csv``; each may be absent.
    today : the day of the review; what is later than it has not come about.

    Raises
    ------
    AmparoError : the folder is missing, a file is of no known kind, a cell is not what it should be, or a document
        is not the one that was recorded.
    """
    if not folder.is_dir():
        raise AmparoError(
            "there is no such folder.", remedy="Name the folder of the recorded evidence.", where=str(folder)
        )
    known = (*(f"{kind}.csv" for kind in COLUMNS), *OTHERS)
    for path in sorted(folder.glob("*.csv")):
        if path.name not in known:
            raise AmparoError(
                f"{path.name} is of no kind that is known.",
                remedy=f"Rename it or take it away. Known: {', '.join(known)}.",
                where=str(path),
            )
    documents = _documents(folder)
    rows: dict[str, Row] = {}
    for kind in COLUMNS:
        path = folder / f"{kind}.csv"
        if path.exists():
            for cells in Sheet(path, _names(kind, required=True), optional=_names(kind, required=False)):
                row = _row(kind, cells, register, documents, today)
                if row.id in rows:
                    raise cells.fault("id", row.id, f"an id that no other row has ({rows[row.id].where} has it)")
                rows[row.id] = row
    _linked(rows)
    files = [*sorted(folder.glob("*.csv")), *sorted(folder.glob("review.toml"))]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return Record(today, tuple(rows.values()), documents, hashes)


HEAD = "review.toml"


def read_head(folder: Path) -> dict[str, Any]:
    """The tables of ``review.toml``; none where there is no such file.

    Raises
    ------
    AmparoError : it is not TOML, or holds a table that nobody reads.
    """
    path = folder / HEAD
    if not path.exists():
        return {}
    head = read_toml(path, "Write there: [review], [iati].")
    for name in head:
        if name not in ("review", "iati"):
            raise AmparoError(f"[{name}] is not known.", remedy="Known: [review], [iati].", where=str(path))
    return head


def read_cycle(folder: Path) -> str | None:
    """The review cycle that ``review.toml`` names in ``[review]``."""
    head = read_head(folder).get("review", {})
    cycle = head.get("cycle") if isinstance(head, dict) and set(head) <= {"cycle"} else 0
    if cycle is not None and not isinstance(cycle, str):
        raise AmparoError(
            f'[review] {head!r} does not fit; expected one line such as cycle = "2026".',
            remedy="Correct the table.",
            where=str(folder / HEAD),
        )
    return cycle


OTHERS = ("documents.csv", "judgements.csv", "dissent.csv")


def headers() -> dict[str, tuple[str, ...]]:
    """The first row of every file of recorded evidence, by its name."""
    files = {f"{kind}.csv": (*_names(kind, required=True), *_names(kind, required=False)) for kind in COLUMNS}
    files["documents.csv"] = ("id", "title", "file", "sha256", "published", "url")
    judged = ("commitment", "cycle", "date", "by", "status", "reason")
    return files | {"judgements.csv": judged, "dissent.csv": judged}


def _names(kind: str, *, required: bool) -> tuple[str, ...]:
    own = tuple(column.name for column in COLUMNS[kind] if column.required == required)
    return (*(REQUIRED if required else OPTIONAL), *own)


def _documents(folder: Path) -> dict[str, Paper]:
    path = folder / "documents.csv"
    found: dict[str, Paper] = {}
    if not path.exists():
        return found
    for cells in Sheet(path, ("id", "title", "file", "sha256", "published"), optional=("url",)):
        name = _id(cells, "id")
        if name in found:
            raise cells.fault("id", name, "an id that no other document has")
        published = cells.day("published")
        assert published is not None
        url = cells.text("url", empty=True)
        if url and not re.fullmatch(r"https?://[^\s\"'<>]+", url):
            raise cells.fault("url", url, "an address that starts with https://")
        file = cells.text("file")
        found[name] = Paper(name, public(cells, "title"), file, url, _hash(cells, folder, file), published)
    return found


def _hash(cells: Cells, folder: Path, file: str) -> str:
    """The SHA-256 that is recorded, if it is that of the file."""
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise cells.fault("file", file, "a file within the folder of the recorded evidence")
    recorded, found = cells.text("sha256").lower(), hashlib.sha256(path.read_bytes()).hexdigest()
    if recorded != found:
        raise cells.fault(
            "sha256",
            recorded,
            f"that of the file as it is, {found}",
            "The document is not the one that was recorded: find out who changed it, or record the new one.",
        )
    return found


def _row(kind: str, cells: Cells, register: Register, documents: Mapping[str, Paper], today: date) -> Row:
    values = {column.name: _value(column, cells) for column in COLUMNS[kind]}
    days = {name: cells.day(name, empty=True) for name in ("start", "due", "done")}
    for name, day in [*days.items(), *values.items()]:
        ahead = [one for one in (day if isinstance(day, tuple) else (day,)) if isinstance(one, date) and one > today]
        if ahead and name not in FUTURE:
            raise cells.fault(name, ahead[0].isoformat(), f"a day up to {today}, since it tells what has been done")
    dated = {**days, **values}
    happened = next((day for name in HAPPENED if isinstance(day := dated.get(name), date)), None)
    if kind in ("budget", "statistic"):
        # Of a year: it counts from that year on.
        happened = date(int(str(values["year"])), 1, 1)
    _amounts(cells, values)
    if kind == "statistic":
        _statistic(cells, values, register)
    return Row(
        kind=kind,
        id=_id(cells, "id"),
        commitments=tuple(commitment(word, register, cells, "commitments") for word in _words(cells, "commitments")),
        title=public(cells, "title"),
        body=public(cells, "body"),
        happened=happened,
        due=days["due"],
        done=days["done"],
        documents=cells.codes("documents", documents),
        values=values,
        where=cells.where,
    )


def _amounts(cells: Cells, values: Mapping[str, object]) -> None:
    """A part and its whole stand together, and the part is not the larger."""
    for less, more in (("part", "whole"), ("contracts_checked", "contracts_at_risk")):
        one, other = values.get(less), values.get(more)
        if (one is None) != (other is None) or (isinstance(one, float) and isinstance(other, float) and one > other):
            expected = f'a number up to the one in column "{more}", which belongs to it'
            raise cells.fault(less, cells.text(less, empty=True), expected)


def _statistic(cells: Cells, values: Mapping[str, object], register: Register) -> None:
    """A statistic is of an indicator that asks for one, in its unit."""
    asked = {one.id: one for one in register.indicators.values() if one.inputs == ("statistic",)}
    unit = asked[cells.code("indicator", asked)].unit
    needed = {"percent": ("whole",), "currency": ("amount", "currency")}.get(unit, ("amount",))
    for name in needed:
        if values[name] in (None, ""):
            raise cells.fault(name, "", f"a value, since the indicator is told in {unit}")


def _value(column: Column, cells: Cells) -> object:
    name, empty = column.name, not column.required
    match column.type:
        case "text":
            return public(cells, name, empty=empty)
        case "id":
            return _id(cells, name, empty=empty)
        case "day":
            return cells.day(name, empty=empty)
        case "days":
            fits = cells.fitting(
                name, lambda word: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", word)), "days such as 2026-03-01"
            )
            try:
                return tuple(date.fromisoformat(word) for word in fits)
            except ValueError:
                raise cells.fault(name, " ".join(fits), "days of the calendar such as 2026-03-01") from None
        case "number":
            return cells.number(name, empty=empty)
        case "year":
            value = cells.text(name, empty=empty)
            if value and not re.fullmatch(r"(19|20)\d\d", value):
                raise cells.fault(name, value, "a year such as 2026")
            return value
        case "yes_no":
            return cells.code(name, YES_NO, empty=empty)
        case "currency":
            value = cells.text(name, empty=empty)
            if value and not re.fullmatch("[A-Z]{3}", value):
                raise cells.fault(name, value, "a currency's three letters of ISO 4217, such as USD")
            return value
        case "country":
            return cells.code(name, countries.countries(), empty=empty)
        case "exploitation_form":
            return cells.codes(name, variables.code_list("exploitation_form"))
        case other if column.many:
            return cells.codes(name, code_labels(other))
        case other:
            return cells.code(name, code_labels(other), empty=empty)


def _words(cells: Cells, column: str) -> tuple[str, ...]:
    return cells.fitting(column, lambda word: True, "ids of commitments, such as 15.8 or plan-2026:1.1", least=1)


def commitment(word: str, register: Register, cells: Cells, column: str) -> tuple[str, str]:
    """Instrument and id of a commitment that a cell names: ``15.8``, or ``plan-2026:1.1`` of another instrument."""
    instrument, _, name = word.rpartition(":")
    instrument = instrument or DECLARATION
    if instrument not in register.instruments:
        raise cells.fault(
            column, word, f"an instrument of the register before the colon{hint(instrument, register.instruments)}"
        )
    ids = {one.id: one for one in register.instruments[instrument].commitments}
    if name not in ids:
        raise cells.fault(column, word, f"an id of {instrument}, such as 15.8{hint(name, ids)}")
    return instrument, name


def _id(cells: Cells, column: str, *, empty: bool = False) -> str:
    value = cells.text(column, empty=empty)
    if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        raise cells.fault(column, value, "letters, digits, hyphens and points without spaces, such as law-2026-1")
    return value


def public(cells: Cells, column: str, *, empty: bool = False) -> str:
    """A text that is published: no e-mail address and no telephone number may be in it."""
    value = cells.text(column, empty=empty)
    contact = re.search(r"[^\s@]+@[^\s@]+\.[^\s@]+|\+\d[\d ()-]{6,}\d", value)
    if contact:
        raise cells.fault(
            column,
            contact[0],
            "no address or telephone number",
            "All that is recorded is published: write nothing about a person.",
        )
    return value


_LINKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "payment": ("pledge", ("pledge",)),
    "assessment": ("of", ("law", "policy", "procedure", "action", "training", "campaign", "treaty")),
}


def _linked(rows: Mapping[str, Row]) -> None:
    """Rows that name another row: it must be there, of a kind that fits, and in the same currency."""
    for row in rows.values():
        column, kinds = _LINKS.get(row.kind, ("", ()))
        name = row.text(column) if column else ""
        if not name:
            continue
        fitting = [other for other in rows.values() if other.kind in kinds]
        target = next((other for other in fitting if other.id == name), None)
        if target is None:
            known = [other.id for other in fitting]
            raise AmparoError(
                f"{name!r} does not fit; expected the id of a row of {', '.join(kinds)}{hint(name, known)}.",
                remedy="Correct the cell, or record that row.",
                where=f'{row.where}, column "{column}"',
            )
        if row.kind == "payment" and row.text("currency") != target.text("currency"):
            raise AmparoError(
                f"{row.text('currency')} does not fit; expected {target.text('currency')}, the currency of its pledge.",
                remedy="Record the amount in the currency that was pledged.",
                where=f'{row.where}, column "currency"',
            )
