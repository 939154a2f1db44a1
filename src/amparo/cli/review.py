"""The review of commitments: from lists and recorded evidence to public pages, and to the shell."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amparo.cli.clearing import (
    EVERYBODY,
    LEDGER,
    Override,
    Population,
    Sending,
    To,
    clear_tables,
    hashes_of,
    provenance_of,
)
from amparo.cli.lists import opened, say_loads
from amparo.cli.report import unseen
from amparo.cli.shared import (
    CrosswalkFile,
    Json,
    KeyFile,
    Languages,
    Lists,
    PrivateDir,
    Quiet,
    day_of,
    out_console,
    spinner,
)
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.intake.load import Load
    from amparo.intake.workspace import Workspace
    from amparo.protection.ledger import Cleared
    from amparo.protection.release import Release, Rule
    from amparo.review import Written
    from amparo.review.standing import Standing

NEXT = "Nothing is in it yet: each file says in its first row what belongs there."


def review(
    lists: Lists = None,
    out: Annotated[Path, typer.Option(help="Folder for the review; all of it may be published.")] = Path("out/review"),
    recorded: Annotated[
        Path | None, typer.Option(help="Folder of recorded evidence; `amparo review-start DIR` makes one.")
    ] = None,
    workspace: PrivateDir = None,
    key: KeyFile = None,
    crosswalk: CrosswalkFile = None,
    lang: Languages = None,
    threshold: Annotated[int, typer.Option(min=2, help="Counts below it are never published.")] = 10,
    desk: Annotated[Path | None, typer.Option("--desk", help="Folder of the referral desk, to count it, too.")] = None,
    captures: Annotated[
        Path | None, typer.Option(help="Capture histories (CSV), for the estimate of those never detected.")
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(help="Victims' answers on a law or policy, NAME.YEAR.csv; may be given several times."),
    ] = None,
    instrument: Annotated[
        list[Path] | None, typer.Option(help="A further instrument beside the declaration; may be given several times.")
    ] = None,
    cycle: Annotated[str | None, typer.Option(help="A year, or two: 2026 or 2025-2029.")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Keep this review as the snapshot of its cycle.")] = False,
    commitment: Annotated[str | None, typer.Option(help="Show this commitment in the shell, such as 15.8.")] = None,
    no_documents: Annotated[bool, typer.Option("--no-documents", help="Leave Word and PDF out.")] = False,
    today: Annotated[str | None, typer.Option(help="Day of the review, YYYY-MM-DD.")] = None,
    to: To = "public",
    population: Population = EVERYBODY,
    override: Override = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Review every commitment: what shows that it is kept, what people make of it, and what is missing.

    Without LISTS, everything in the workspace is counted.
    """
    from amparo import review as room
    from amparo.protection.release import Rule
    from amparo.review.impact import assess

    silent = quiet or as_json
    day = day_of(today)
    store, loads = opened(lists, out, workspace, key, crosswalk, quiet=silent)
    if not (loads or recorded or desk or answers):
        raise AmparoError(
            "There is nothing to review.",
            remedy="Name lists, recorded evidence, or both: amparo review LISTS... --recorded DIR",
        )
    rule = Rule(threshold=threshold)
    command = _command(loads, threshold, desk, captures, answers or [], day)
    with spinner("Counting, protecting, reviewing and writing", quiet=silent):
        sending = Sending(to, population, override, "Review of commitments")
        cleared = [clear_lists(store, loads, rule, day, captures, sending)] if loads else []
        if desk:
            cleared.append(_enter(store, desk_release(desk, rule, day), sending, "persons in the referral desk"))
        for path in answers or []:
            given = assess(path, rule=rule, provenance=provenance_of(_hash(path), day))
            cleared.append(_enter(store, given, sending, f"answers of {path.name}"))
        written = room.write(
            cleared,
            out,
            today=day,
            recorded=recorded,
            languages=lang or ["en"],
            formats=("html",) if no_documents else room.FORMATS,
            instruments=instrument or [],
            cycle=cycle,
            command=command,
            freeze=freeze,
        )
    say_loads(loads, store.path, quiet=silent, as_json=False)
    if as_json:
        print(json.dumps(_as_json(written), ensure_ascii=False, indent=2))
    elif not quiet:
        _say(written, (lang or ["en"])[0], commitment)


def review_start(
    folder: Annotated[Path, typer.Argument(help="New folder for recorded evidence.")],
    example: Annotated[
        bool, typer.Option("--example", help="With the made-up evidence of the demonstration country.")
    ] = False,
) -> None:
    """Make the folder in which laws, trainings, budgets, pledges and the like are recorded."""
    from amparo.review.recorded import EXAMPLE, headers

    if folder.exists() and any(folder.iterdir()):
        raise AmparoError(f"{folder} is not empty.", remedy="Name a new folder.")
    if example:
        shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        out_console.print(f"Made-up evidence of the demonstration country is in {folder}.", soft_wrap=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in headers().items():
        (folder / name).write_text(",".join(columns) + "\n", encoding="utf-8")
    out_console.print(f"The folder is {folder}. {NEXT}", soft_wrap=True)


def clear_lists(
    store: Workspace, loads: Sequence[Load], rule: Rule, day: date, captures: Path | None, sending: Sending
) -> Cleared[Release]:
    """Count what was loaded, protect it and enter it in the ledger, as ``amparo report`` does.

    Raises
    ------
    RefusedError : it would tell too much beside earlier releases.
    AmparoError : tables of numbers are among the lists, or they cannot be protected.
    """
    if any(item.unit == "aggregate" for item in loads):
        raise AmparoError(
            "Tables of numbers have no cases to review.",
            remedy="Name lists of cases; `amparo report` shows tables of numbers.",
        )
    found = unseen(captures, rule.fewest) if captures else None
    provenance = provenance_of(hashes_of(loads), day)
    return clear_tables(store, [item.load_id for item in loads], rule, sending, provenance, found)


def _enter(store: Workspace, given: Release, sending: Sending, population: str) -> Cleared[Release]:
    """Enter a release that does not come from lists."""
    from amparo.protection.ledger import Ledger, enter

    return enter(
        Ledger(store.path / LEDGER, store.needed_key()),
        given,
        title=sending.title,
        recipient=sending.to,
        population=population,
        override=sending.override,
    )


def desk_release(folder: Path, rule: Rule, day: date) -> Release:
    """Count the referral desk and protect its tables together.

    Raises
    ------
    AmparoError : there is no desk, or its tables cannot be protected.
    """
    from amparo.protection.release import release
    from amparo.site.opening import open_desk

    open_desk(folder)
    from amparo.site.figures import desk_tables

    tables = desk_tables()
    counted = sha256("".join(table.frame.to_csv(index=False) for table in tables).encode()).hexdigest()
    return release(tables, rule=rule, provenance=provenance_of({"desk": counted}, day))


def _hash(path: Path) -> dict[str, str]:
    """By its name; nothing where there is no file, which whoever reads it says better."""
    return {path.name: sha256(path.read_bytes()).hexdigest()} if path.is_file() else {}


def _command(
    loads: Sequence[Load], threshold: int, desk: Path | None, captures: Path | None, answers: Sequence[Path], day: date
) -> str:
    """The command that makes the figures anew, by the names of the files alone: folders may tell who works here."""
    words = ["amparo", "review", *(item.source for item in loads), "--threshold", str(threshold)]
    words += ["--desk", "DESK"] if desk else []
    words += ["--captures", captures.name] if captures else []
    words += [word for path in answers for word in ("--answers", path.name)]
    return shlex.join([*words, "--today", day.isoformat()])


def _say(written: Written, lang: str, commitment: str | None) -> None:
    from amparo.review.view import build
    from amparo.review.words import ReviewTexts

    texts = ReviewTexts(lang)
    view = build(written.review, texts, previous=written.previous)
    if commitment:
        written.review.register.get(commitment)
        for entry in (one for one in view.entries if one.id == commitment):
            out_console.print(f"[bold]{entry.id}[/bold] {entry.text}", highlight=False, soft_wrap=True)
            out_console.print(
                f"{entry.sign} {entry.state_label}. {texts('gap')}: {entry.gap}", highlight=False, soft_wrap=True
            )
            for figure in entry.figures:
                value = (
                    figure.missing or figure.value or "; ".join(f"{name}: {said}" for name, _, said in figure.groups)
                )
                out_console.print(
                    f"  {figure.name}: {value} {figure.period} {figure.reading}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
            for row in entry.recorded:
                out_console.print(f"  {row.line(texts)}", highlight=False, markup=False, soft_wrap=True)
            out_console.print(
                f"  {entry.judged} {entry.reason} {entry.rule}", highlight=False, markup=False, soft_wrap=True
            )
        return
    table = Table("", *(sign for _, sign, _, _ in view.counts), title=view.title, title_justify="left")
    for part in view.parts:
        for paragraph in part.paragraphs:
            states = [entry.state for entry in paragraph.entries]
            name = f"{part.symbol} {paragraph.number}"
            table.add_row(name, *(str(states.count(code) or "") for code, _, _, _ in view.counts))
    out_console.print(table)
    for _, sign, label, count in view.counts:
        out_console.print(f"{sign} {label}: {count}", highlight=False, markup=False, soft_wrap=True)
    for row in view.overdue:
        out_console.print(
            f"{texts('nav-overdue')}: {row.due}, {row.title} ({row.body})",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    out_console.print(f"{written.files[0]}", soft_wrap=True, highlight=False)


def _as_json(written: Written) -> dict[str, Any]:
    found = written.review
    return {
        "cycle": found.cycle,
        "states": {state: found.count(state) for state in dict.fromkeys(one.state for one in found.standings)},
        "commitments": {":".join(one.key): _commitment(one) for one in found.standings},
        "overdue": [row.id for row in found.record.overdue()],
        "files": [str(path) for path in written.files],
    }


def _commitment(one: Standing) -> dict[str, Any]:
    return {
        "state": one.state,
        "rule": one.rule,
        "figures": [evidence.indicator for evidence in one.known],
        "recorded": [row.id for row in one.rows],
    }
