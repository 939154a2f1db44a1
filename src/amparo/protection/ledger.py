"""The ledger of releases: what left the house, when, to whom, under which rule, and at what cost in privacy.

No release without an entry: :func:`enter` compares a release with all earlier ones about the same population
(:mod:`amparo.protection.differencing`), writes it down, and only then hands it back as :class:`Cleared`, which is all
that ``report`` writes. The very same release may be sent again: it is entered once for each recipient, charged once.

A ledger is a folder::

    ledger.jsonl          one entry a line, canonical JSON, each with the SHA-256 of the line before and an HMAC
    head.json             how many entries there are and the SHA-256 of the last line, with an HMAC
    tables/<sha256>.csv   each released table, as it was shown; public data

Entries are only ever added. An entry is on the disk (fsync) before the head names it, and the head is renamed into its
place, so that a crash leaves one of three states, which :func:`verify` tells apart: as before; a torn last line (kept
aside and cut off by the next entry); a whole last line that the head does not name yet (taken in by the next entry).
One writer at a time: a lock on the folder.

What :func:`verify` finds: any byte changed, an entry removed, repeated, moved or added by somebody who has not the key,
the tail cut off, a table changed or gone. What it cannot find: the whole folder put back to an older state, head and
all, or deleted; against that keep the last head elsewhere (``amparo ledger verify --head``); and anything written by
who holds the key. Without the key the chain is checked and not who wrote it.

Source: Schneier & Kelsey (1999), Secure audit logs to support computer forensics, ACM TISSEC 2, 159-176; Crosby &
Wallach (2009), Efficient data structures for tamper-evident logging, USENIX Security; RFC 2104 (HMAC); RFC 5869
(HKDF). Losses of privacy are added up (basic composition): Dwork & Roth (2014), The Algorithmic Foundations of
Differential Privacy, theorem 3.16.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import pandas as pd
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amparo.intake.key import Key
from amparo.protection.differencing import Finding, Shown, ShownTable, differences
from amparo.protection.release import Release, ReleasedTable
from amparo.standard.errors import AmparoError, KeyMissingError
from amparo.standard.files import replace_whole, sync_folder

if TYPE_CHECKING:
    from amparo.protection.microdata import ReleasedMicrodata
    from amparo.protection.prevalence import ReleasedPrevalence

FIRST = "0" * 64
"""What the first entry has in place of the hash of the entry before."""
WAIT = 30.0
"""Seconds that a writer waits for another one."""
_INPUT = "sha256 of "
_SEAL = object()

Entry = Mapping[str, Any]
Out = TypeVar("Out", covariant=True)


class LedgerError(AmparoError):
    """The ledger is not what was written; nothing may be released until a person has looked at it."""


class RefusedError(AmparoError):
    """The release would tell too much beside what is already out.

    ``findings`` say which cells and beside which releases.
    """

    def __init__(self, message: str, *, remedy: str, findings: Sequence[Finding] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message, remedy=remedy)


def _unsealed() -> NoReturn:
    raise TypeError("Cleared is made by amparo.protection.ledger (enter, enter_microdata, already_public) alone.")


@dataclass(frozen=True, eq=False)
class Cleared(Generic[Out]):
    """A release that may leave the house: it stands in the ledger, or its numbers were public before.

    ``release`` : a Release or ReleasedMicrodata. ``entry`` : its id in the ledger, empty where it was public before.
    What the seal holds and what it cannot is said in ``amparo.protection.release``.

    Raises
    ------
    TypeError : when made outside the ledger.
    """

    release: Out
    entry: str
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            _unsealed()

    def __init_subclass__(cls) -> None:
        _unsealed()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _unsealed()


@dataclass(frozen=True)
class State:
    """What :func:`verify` found.

    Parameters
    ----------
    entries : the good ones, in order.
    head : SHA-256 of the last of them; :data:`FIRST` for an empty ledger.
    torn : bytes of a last line that a crash cut off; they were never an entry.
    lagging : the last entry is whole, yet a crash kept the head from naming it.
    signed : the key was given, so it is known that its holder wrote everything.
    """

    entries: tuple[Entry, ...]
    head: str
    torn: bytes
    lagging: bool
    signed: bool


@dataclass(frozen=True)
class Ledger:
    """Where a ledger lies, and the key that signs it (None to read it only)."""

    folder: Path
    key: Key | None = None

    @property
    def lines(self) -> Path:
        return self.folder / "ledger.jsonl"

    @property
    def head(self) -> Path:
        return self.folder / "head.json"

    def table(self, sha256: str) -> Path:
        return self.folder / "tables" / f"{sha256}.csv"


# --- reading -----------------------------------------------------------------------------------------------


def verify(ledger: Ledger, *, head: str | None = None) -> State:
    """Read the whole ledger and hold it against its chain, its signatures, its head and its tables.

    Parameters
    ----------
    head : the head of an earlier look, kept elsewhere; it must still be in the chain.

    Raises
    ------
    LedgerError : something was changed, removed, moved, added or cut off; says where.
    KeyMissingError : the key is another one than the ledger was signed with.
    """
    try:
        content = ledger.lines.read_bytes() if ledger.lines.exists() else b""
        told = ledger.head.read_bytes() if ledger.head.exists() else None
    except OSError as error:
        raise _broken(ledger.lines, f"it cannot be read ({error.strerror})") from None
    *lines, torn = content.split(b"\n")
    count, last = _head(ledger, told)
    entries, previous, hashes = [], FIRST, [FIRST]
    for number, line in enumerate(lines, start=1):
        entries.append(_checked(ledger, line, number, previous))
        previous = hashlib.sha256(line).hexdigest()
        hashes.append(previous)
    if len(entries) < count:
        raise _broken(
            ledger.lines, f"the head names {count} entries and only {len(entries)} are whole: the tail is gone"
        )
    if len(entries) > count + 1:
        raise _broken(ledger.head, f"it names {count} entries and there are {len(entries)}")
    if hashes[count] != last:
        raise _broken(ledger.lines, f"entry {count} is not the one that the head names")
    if torn and len(entries) > count:
        raise _broken(ledger.lines, "bytes follow an entry that the head does not name: a crash cannot do that")
    if head is not None and head not in hashes:
        raise _broken(ledger.lines, "it does not contain the head that was kept elsewhere: an older state was put back")
    for entry in entries:
        for table in entry.get("tables", ()):
            _bytes_of(ledger, table["sha256"])
    return State(tuple(entries), previous, torn, len(entries) > count, ledger.key is not None)


def _broken(where: Path, what: str) -> LedgerError:
    return LedgerError(
        f"{what}.", where=str(where), remedy="Release nothing; compare it with a copy, and find out who changed it."
    )


def _head(ledger: Ledger, told: bytes | None) -> tuple[int, str]:
    """How many entries there are by the head, and the hash of the last."""
    if told is None:
        if ledger.lines.exists():
            raise _broken(ledger.head, "it is gone")
        return 0, FIRST
    head = _canonical_object(told.removesuffix(b"\n"))
    if head is None or set(head) != {"entries", "sha256", "key", "mac"} or not told.endswith(b"\n"):
        raise _broken(ledger.head, "it was changed or is damaged")
    _check_mac(ledger, head, ledger.head, "it")
    count, last = head["entries"], head["sha256"]
    if type(count) is not int or count < 0 or type(last) is not str:
        raise _broken(ledger.head, "it was changed or is damaged")
    return count, last


def _checked(ledger: Ledger, line: bytes, number: int, previous: str) -> Entry:
    entry = _canonical_object(line)
    if entry is None:
        raise _broken(ledger.lines, f"line {number} was changed or is damaged")
    _check_mac(ledger, entry, ledger.lines, f"entry {number}")
    if entry.get("number") != number or entry.get("previous") != previous:
        raise _broken(ledger.lines, f"entry {number} does not follow the one before: removed, moved, added or changed")
    return entry


def _canonical_object(line: bytes) -> dict[str, Any] | None:
    """The object, if the line is its one canonical form; so that no byte of it can change unseen."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and _canonical(value) == line else None


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=None
    ).encode("utf-8", "surrogatepass")


def _mac(key: Key, value: Mapping[str, Any]) -> str:
    secret = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"amparo/1/ledger").derive(key.secret)
    unsigned = {name: part for name, part in value.items() if name != "mac"}
    return hmac.new(secret, _canonical(unsigned), hashlib.sha256).hexdigest()


def _check_mac(ledger: Ledger, value: Mapping[str, Any], where: Path, what: str) -> None:
    if ledger.key is None:
        return
    if hmac.compare_digest(_mac(ledger.key, value), str(value.get("mac"))):
        return
    if value.get("key", ledger.key.fingerprint) != ledger.key.fingerprint:
        raise KeyMissingError(
            f"{what} was signed with another key, or was changed.",
            remedy="Give the key that the ledger was written with: --key FILE.",
            where=str(where),
        )
    raise _broken(where, f"{what} was changed after it was signed")


def _bytes_of(ledger: Ledger, sha256: str) -> bytes:
    path = ledger.table(sha256)
    try:
        content = path.read_bytes()
    except OSError:
        raise _broken(path, "the released table is gone") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _broken(path, "the released table was changed")
    return content


def shown_by(ledger: Ledger, entry: Entry) -> Shown:
    """The tables of an entry as they were released.

    Raises
    ------
    LedgerError : a table is gone or was changed.
    """
    tables = []
    for kept in entry["tables"]:
        codes: dict[str, Any] = dict.fromkeys(kept["dims"], str)
        frame = pd.read_csv(
            io.BytesIO(_bytes_of(ledger, kept["sha256"])),
            dtype={**codes, "lower": "Int64", "upper": "Int64", "status": str},
            keep_default_na=False,
            na_values={"lower": [""], "upper": [""]},
        )
        tables.append(
            ShownTable(
                kept["name"], kept["unit"], tuple(kept["dims"]), frozenset(kept["overlapping"]), kept["complete"], frame
            )
        )
    return Shown(entry["id"], entry["data"], entry["within"], entry["threshold"], tuple(tables))


# --- what was spent ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """Loss of privacy of a population, in exact fractions: spent and, where a limit was set, the most that may be."""

    epsilon: Fraction
    delta: Fraction
    epsilon_limit: Fraction | None
    delta_limit: Fraction | None


def budget(entries: Sequence[Entry], population: str) -> Budget:
    """What all releases about a population, and about parts of it, have spent together (basic composition)."""
    of_population = [entry for entry in entries if entry["population"] == population]
    limits = [entry for entry in of_population if entry["kind"] == "budget"]
    return Budget(
        sum((Fraction(entry["epsilon"]) for entry in of_population if entry["kind"] != "budget"), Fraction(0)),
        sum((Fraction(entry["delta"]) for entry in of_population if entry["kind"] != "budget"), Fraction(0)),
        Fraction(limits[-1]["epsilon"]) if limits else None,
        Fraction(limits[-1]["delta"]) if limits else None,
    )


def set_budget(
    ledger: Ledger,
    population: str,
    *,
    epsilon: float | str,
    delta: float | str,
    reason: str,
    when: datetime | None = None,
) -> Entry:
    """Write down how much may be spent on a population; a later limit takes the place of an earlier one.

    Raises
    ------
    AmparoError : the limit is no number, or no reason is given.
    LedgerError : the ledger is not what was written.
    """
    _needs_words(population=population, reason=reason)
    body = {
        "kind": "budget",
        "population": population,
        "epsilon": _amount("epsilon", epsilon),
        "delta": _amount("delta", delta),
        "reason": reason,
    }
    with _writing(ledger) as state:
        return _append(ledger, state, body, when)


def _amount(name: str, value: float | str) -> str:
    """The number in digits, so that sums of it are exact."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or number.adjusted() > 6 or int(number.as_tuple().exponent) < -100:
        raise AmparoError(f"{name} {value!r} is no number of 0 or more.", remedy=f"Give {name} as digits, such as 0.5.")
    return format(number, "f")


def _within_budget(state: State, population: str, epsilon: str, delta: str) -> None:
    so_far = budget(state.entries, population)
    for name, more, spent, limit in (
        ("epsilon", Fraction(epsilon), so_far.epsilon, so_far.epsilon_limit),
        ("delta", Fraction(delta), so_far.delta, so_far.delta_limit),
    ):
        if limit is not None and more and spent + more > limit:
            raise RefusedError(
                f"{population}: {name} {float(spent):g} is spent, this release needs {float(more):g}, "
                f"and the limit is {float(limit):g}.",
                remedy="Release less, or have who answers for it write down a new limit with its reason.",
            )


# --- entering ----------------------------------------------------------------------------------------------


def enter(
    ledger: Ledger,
    release: Release,
    *,
    title: str,
    recipient: str,
    population: str,
    within: Mapping[str, str] | None = None,
    epsilon: float | str = 0,
    delta: float | str = 0,
    override: str = "",
    when: datetime | None = None,
) -> Cleared[Release]:
    """Compare a release with all that is out, write it down, and only then clear it.

    The very same release (tables, estimate, rule, inputs, population) to the same recipient is in the ledger already
    and gets no further entry; to another recipient it gets one that spends nothing.

    Parameters
    ----------
    title : what it is, in a few words.
    recipient : who gets it; ``public`` for everybody.
    population : whom it counts, by a name that stays the same over months and tables (``victims of XDM``): only
        releases of one name are compared, and what they spend is added up.
    within : the part of the population that it is about, such as ``{"sex": "female"}``.
    epsilon, delta : what differential privacy it spends, 0 where none is used.
    override : why it goes out although it tells more beside earlier releases; written down with what it tells.
    when : by default now (UTC).

    Raises
    ------
    TypeError : something other than a Release came in.
    RefusedError : it would tell too much beside earlier releases and no override is given, or the budget is spent.
    LedgerError : the ledger is not what was written.
    AmparoError : a title, recipient, population or the hashes of the inputs are missing, or another writer stays.
    """
    if not isinstance(release, Release):
        raise TypeError(f"Expected Release, got {type(release).__name__}.")
    _needs_words(title=title, recipient=recipient, population=population)
    inputs = _inputs(release.provenance)
    part = dict(sorted((within or {}).items()))
    if twice := sorted({dim for table in release for dim in table.dims} & set(part)):
        raise AmparoError(
            f"the release is said to be about one {twice[0]} and has {twice[0]} as a dimension.",
            remedy="Tabulate the part without that dimension, or leave it out of within.",
        )
    data = hashlib.sha256(_canonical(dict(_in_order(inputs)))).hexdigest()
    spent = {"epsilon": _amount("epsilon", epsilon), "delta": _amount("delta", delta)}
    frames = [_csv(table) for table in release]
    what = {
        "kind": "tables",
        "population": population,
        "within": part,
        "rule": release.rule.sentence(),
        "tables": [_described(table, content) for table, content in zip(release, frames, strict=True)],
        "prevalence": _of_prevalence(release.prevalence),
        "data": data,
    }
    with _writing(ledger) as state:
        again = [entry for entry in state.entries if all(entry.get(name) == value for name, value in what.items())]
        for entry in again:
            if entry["recipient"] == recipient:
                return Cleared(release, entry["id"], seal=_SEAL)
        if again:
            spent = dict.fromkeys(spent, "0")
        _within_budget(state, population, spent["epsilon"], spent["delta"])
        new = Shown("this release", data, part, release.rule.fewest, tuple(_shown(table) for table in release))
        earlier = [shown_by(ledger, entry) for entry in state.entries
                   if entry["kind"] == "tables" and entry["population"] == population]  # fmt: skip
        findings = differences(new, earlier)
        # What it told when it was sent first, by override, it tells the next recipient too.
        told = [str(finding) for finding in findings] or list(again[0]["findings"] if again else ())
        if told and not override.strip():
            remedy = "Withhold those cells, or release it with an override and its reason."
            raise RefusedError(_refusal(told), remedy=remedy, findings=findings)
        for content in frames:
            _keep(ledger.table(hashlib.sha256(content).hexdigest()), content)
        body = {
            **what,
            "title": title,
            "recipient": recipient,
            "threshold": release.rule.fewest,
            **spent,
            "inputs": inputs,
            "override": override.strip() if told else "",
            "findings": told,
            "compared": len(earlier),
            "version": release.provenance.get("version", ""),
        }
        entry = _append(ledger, state, body, when)
    return Cleared(release, entry["id"], seal=_SEAL)


def already_public(release: Release) -> Cleared[Release]:
    """Clear tables that somebody else has published: no key, no entry, no comparison.

    What is public cannot be told a second time, and a comparison would hold our own releases to numbers that are out
    whatever we do. Only ``republish`` makes tables with a source.

    Raises
    ------
    TypeError : something other than a Release came in.
    AmparoError : some of it is counted from records, or estimated from them.
    """
    if not isinstance(release, Release):
        raise TypeError(f"Expected Release, got {type(release).__name__}.")
    own = [table.name for table in release if not table.source]
    if own or release.prevalence is not None:
        raise AmparoError(
            f"{own[0] if own else 'the estimate'} was not public before.", remedy="Enter the release in the ledger."
        )
    return Cleared(release, "", seal=_SEAL)


def enter_microdata(
    ledger: Ledger,
    release: ReleasedMicrodata,
    *,
    title: str,
    recipient: str,
    population: str,
    alarms: Sequence[str],
    override: str = "",
    when: datetime | None = None,
) -> Cleared[ReleasedMicrodata]:
    """Write down a release of records, and only then clear it; refused beyond the budget of the population.

    Records are compared with no other release: what protects them is their epsilon, which adds up, and what attacks
    on them have measured. Only their hash is kept. Each release with an epsilon is charged, also where the same records
    come out twice: noise was drawn twice. Without one the very same records are entered once for each recipient.

    Parameters
    ----------
    alarms : the attacks that told more of persons in the records than of others (``AttackReport.alarms``).
    override : why it goes out although there are alarms; written down with them.
    title, recipient, population, when : as for :func:`enter`.

    Raises
    ------
    TypeError : something other than ReleasedMicrodata came in.
    RefusedError : there are alarms and no override, or the budget is spent.
    LedgerError, AmparoError : as for :func:`enter`.
    """
    from amparo.protection.microdata import ReleasedMicrodata

    if not isinstance(release, ReleasedMicrodata):
        raise TypeError(f"Expected ReleasedMicrodata, got {type(release).__name__}.")
    _needs_words(title=title, recipient=recipient, population=population)
    inputs = _inputs(release.provenance)
    content = str(release.frame.to_csv(index=False, lineterminator="\n")).encode("utf-8")
    spent = {"epsilon": _amount("epsilon", release.epsilon or 0), "delta": _amount("delta", release.delta or 0)}
    what = {
        "kind": "microdata",
        "population": population,
        "rule": f"{release.method}. {' '.join(release.words)}",
        "sha256": hashlib.sha256(content).hexdigest(),
        "inputs": inputs,
    }
    if alarms and not override.strip():
        raise RefusedError(
            f"attacks tell more of the persons in the records than of others: {'; '.join(alarms)}.",
            remedy="Use a smaller epsilon or another method, or release it with an override and its reason.",
        )
    with _writing(ledger) as state:
        if release.epsilon is None:
            for entry in state.entries:
                if all(entry.get(name) == value for name, value in {**what, "recipient": recipient}.items()):
                    return Cleared(release, entry["id"], seal=_SEAL)
        _within_budget(state, population, spent["epsilon"], spent["delta"])
        body = {
            **what,
            "title": title,
            "recipient": recipient,
            **spent,
            "records": len(release),
            "columns": list(release.frame.columns),
            "override": override.strip() if alarms else "",
            "findings": list(alarms),
            "version": release.provenance.get("version", ""),
        }
        entry = _append(ledger, state, body, when)
    return Cleared(release, entry["id"], seal=_SEAL)


def _inputs(provenance: Mapping[str, str]) -> dict[str, str]:
    """The hashes of the files that a release was made from, by their names."""
    inputs = {name.removeprefix(_INPUT): value for name, value in provenance.items() if name.startswith(_INPUT)}
    if not inputs:
        raise AmparoError(
            "the release does not say from which files it was made, so it cannot be compared with others.",
            remedy='Give its provenance "sha256 of FILE" for each input.',
        )
    return inputs


def _in_order(inputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The hashes of the inputs in a fixed order: names of files do not make other data."""
    for at, value in enumerate(sorted(inputs.values())):
        yield f"{at:06}", value


def _needs_words(**given: str) -> None:
    for name, text in given.items():
        if not text.strip():
            raise AmparoError(f"the {name} is empty.", remedy=f"Say the {name}: the ledger is read by people.")


def _refusal(findings: Sequence[str]) -> str:
    first = "; ".join(findings[:3])
    more = f"; and {len(findings) - 3} more" if len(findings) > 3 else ""
    return f"beside earlier releases it would tell small counts: {first}{more}."


def _of_prevalence(found: ReleasedPrevalence | None) -> str:
    """The SHA-256 of an estimate as it is shown, empty where there is none."""
    if found is None:
        return ""
    numbers = [found.estimate, found.low, found.high, found.observed, *found.pairs, str(found.threshold)]
    shown = {"numbers": numbers, "analyses": found.analyses.to_csv(index=False, lineterminator="\n")}
    return hashlib.sha256(_canonical(shown)).hexdigest()


def _csv(table: ReleasedTable) -> bytes:
    return str(table.frame.to_csv(index=False, lineterminator="\n")).encode("utf-8")


def _shown(table: ReleasedTable) -> ShownTable:
    return ShownTable(table.name, table.unit, table.dims, table.overlapping, not table.source, table.frame)


def _described(table: ReleasedTable, content: bytes) -> dict[str, Any]:
    status = table.frame["status"]
    return {
        "name": table.name,
        "unit": table.unit,
        "dims": list(table.dims),
        "overlapping": sorted(table.overlapping),
        "complete": not table.source,
        "cells": len(status),
        "shown": int((status != "withheld").sum()),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


# --- writing -----------------------------------------------------------------------------------------------


@contextmanager
def _writing(ledger: Ledger) -> Iterator[State]:
    """The verified state of the ledger, while no other process may write to it."""
    if ledger.key is None:
        raise KeyMissingError("a ledger is signed, and no key was given.", remedy="Give it with --key FILE.")
    ledger.folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(ledger.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AmparoError(
                        f"another process has been writing to it for {WAIT:.0f} seconds.",
                        where=str(ledger.folder),
                        remedy="Wait for it to end, then try again.",
                    ) from None
                time.sleep(0.02)
        state = verify(ledger)
        if not ledger.head.exists():
            # Before the first line, so that lines without a head can only be what somebody else left.
            _write_head(ledger, ledger.key, 0, FIRST)
        yield state
    finally:
        os.close(handle)


def _append(ledger: Ledger, state: State, body: Mapping[str, Any], when: datetime | None) -> Entry:
    """Add one entry to a ledger that was just verified; the caller holds the lock."""
    if ledger.key is None:
        raise KeyMissingError("a ledger is signed, and no key was given.", remedy="Give it with --key FILE.")
    number = len(state.entries) + 1
    entry = {
        **body,
        "number": number,
        "id": f"{number:04}-{hashlib.sha256(_canonical({**body, 'number': number})).hexdigest()[:8]}",
        "when": (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
        "previous": state.head,
        "key": ledger.key.fingerprint,
    }
    entry["mac"] = _mac(ledger.key, entry)
    line = _canonical(entry)
    if state.torn:
        _cut_off_torn(ledger, state.torn)
    if state.lagging:
        # The head names at most one entry less than there are: bring it up before another is added.
        _write_head(ledger, ledger.key, number - 1, state.head)
    handle = os.open(ledger.lines, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        rest = line + b"\n"
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(ledger.folder)
    _write_head(ledger, ledger.key, number, hashlib.sha256(line).hexdigest())
    return entry


def _cut_off_torn(ledger: Ledger, torn: bytes) -> None:
    """Keep what a crash left of a line aside, and take it off the ledger."""
    kept = ledger.folder / f"torn-{hashlib.sha256(torn).hexdigest()[:16]}"
    _keep(kept, torn)
    with ledger.lines.open("rb+") as file:
        file.truncate(ledger.lines.stat().st_size - len(torn))
        file.flush()
        os.fsync(file.fileno())


def _write_head(ledger: Ledger, key: Key, count: int, last: str) -> None:
    head: dict[str, Any] = {"entries": count, "sha256": last, "key": key.fingerprint}
    head["mac"] = _mac(key, head)
    replace_whole(ledger.head, _canonical(head) + b"\n")


def _keep(path: Path, content: bytes) -> None:
    """Write a file whose name is made from its content, unless it is there already."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        replace_whole(path, content)
