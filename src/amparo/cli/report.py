"""The main job: from lists to a published picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from amparo.cli.clearing import (
    EVERYBODY,
    Override,
    Population,
    RuleText,
    Sending,
    To,
    clear_tables,
    hashes_of,
    provenance_of,
    rule_of,
)
from amparo.cli.lists import opened, say_loads, summary
from amparo.cli.shared import (
    SEED,
    CrosswalkFile,
    Json,
    KeyFile,
    Languages,
    Lists,
    PrivateDir,
    Quiet,
    day_of,
    err_console,
    out_console,
    spinner,
    write_csv,
)
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.intake.load import Load
    from amparo.intake.workspace import Workspace
    from amparo.protection.prevalence import ReleasedPrevalence
    from amparo.protection.release import Rule


def report(
    lists: Lists = None,
    out: Annotated[Path, typer.Option(help="Folder for what may be published.")] = Path("out/report"),
    workspace: PrivateDir = None,
    key: KeyFile = None,
    crosswalk: CrosswalkFile = None,
    lang: Languages = None,
    threshold: Annotated[
        int | None, typer.Option(min=2, help="Counts below it are never published; 10 unless told. Short for --rule.")
    ] = None,
    rule: RuleText = None,
    to: To = "public",
    population: Population = EVERYBODY,
    override: Override = "",
    captures: Annotated[
        Path | None, typer.Option(help="Capture histories (CSV), for the chapter on those never detected.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Leave the PDF out.")] = False,
    today: Annotated[str | None, typer.Option(help="Date of the report, YYYY-MM-DD.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The main job: check lists, count, protect, and publish the picture as HTML, PDF and open data.

    Without LISTS, everything in the workspace is counted.
    """
    silent = quiet or as_json
    chosen = rule_of(rule, threshold)
    sending = Sending(to, population, override, title or "National picture")
    store, loads = opened(lists, out, workspace, key, crosswalk, quiet=silent)
    if not loads:
        raise AmparoError("There is nothing to report on.", remedy="Name the lists: amparo report LISTS... --out DIR")
    day = day_of(today)
    with spinner("Counting, protecting and writing", quiet=silent):
        paths, findings = _publish(store, loads, out, lang or ["en"], chosen, sending, title, not no_pdf, day, captures)
    say_loads(loads, store.path, quiet=silent, as_json=False)
    if as_json:
        print(json.dumps({"loads": [summary(item) for item in loads], "findings": findings, "files": paths}, indent=2))
        return
    if not quiet:
        headline = Table("Headline figures", show_header=True, title_justify="left")
        for sentence in findings:
            headline.add_row(sentence)
        out_console.print(headline)
        out_console.print(f"Report: {paths[0]}", soft_wrap=True, highlight=False)


def _publish(
    store: Workspace,
    loads: Sequence[Load],
    out: Path,
    languages: Sequence[str],
    rule: Rule,
    sending: Sending,
    title: str | None,
    pdf: bool,
    day: date,
    captures: Path | None,
) -> tuple[list[str], list[str]]:
    """Count what was loaded, protect it, enter it in the ledger, and write the report; its files and its findings."""
    from amparo import report as report_room
    from amparo.protection.ledger import already_public
    from amparo.protection.release import republish
    from amparo.statistics import glotip

    load_ids = [item.load_id for item in loads]
    provenance = provenance_of(hashes_of(loads), day)
    counted_already = {item.unit == "aggregate" for item in loads}
    if counted_already == {True, False}:
        raise AmparoError(
            "Lists of cases and tables of numbers cannot be added up in one report.",
            remedy="Make two reports, each into its own folder.",
        )
    if counted_already == {True} and captures:
        raise AmparoError(
            "Tables of numbers have no persons on lists, so --captures cannot belong to them.",
            remedy="Leave --captures out, or report on the lists of cases that it was made from.",
        )
    if counted_already == {True}:
        aggregates = store.table("aggregates", load_ids)
        cleared = already_public(republish(glotip.published_tables(aggregates), provenance=provenance))
        contradictions = glotip.contradictions(aggregates)
        out.mkdir(parents=True, exist_ok=True)
        write_csv(contradictions, out / "contradictions.csv")
        err_console.print(
            f"{len(contradictions):,} contradictions in the numbers: {out / 'contradictions.csv'}", soft_wrap=True
        )
    else:
        found = unseen(captures, rule.fewest) if captures else None
        cleared = clear_tables(store, load_ids, rule, sending, provenance, found)
    formats = ("html", "pdf") if pdf else ("html",)
    files: list[str] = []
    findings: list[str] = []
    for lang in languages:
        # The open data are the same in every language; their titles are in the first.
        wanted = formats if findings else (*formats, "data")
        written = report_room.write(cleared, out, lang=lang, formats=wanted, title=title)
        files += [str(path) for path in written.files]
        findings = findings or list(written.findings)
    return files, findings


def unseen(captures: Path, fewest: int) -> ReleasedPrevalence:
    """The estimate of those never detected, with its multiverse, fit to publish."""
    from amparo.prevalence import LEVELS, estimate
    from amparo.prevalence.imputation import combined
    from amparo.prevalence.loglinear import stepwise
    from amparo.prevalence.sensitivity import multiverse
    from amparo.prevalence.table import read_draws
    from amparo.protection.prevalence import release_prevalence

    draws = read_draws(captures)
    table = draws[0]
    found = combined(draws, estimate, levels=LEVELS) if len(draws) > 1 else estimate(table)
    return release_prevalence(found, stepwise(table), multiverse(table, seed=SEED), fewest=fewest)
