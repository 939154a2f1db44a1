"""The command line: one command for each thing that a person comes for.

Exit codes: 0 done; 1 a fault of Amparo's own; 2 the command was written wrongly; 3 an input cannot be used
(the message says which and what to do); 4 the key is missing or wrong.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from amparo import __version__
from amparo.prevalence import METHODS
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import pandas as pd

    from amparo.intake.key import Key
    from amparo.intake.load import Load
    from amparo.intake.workspace import Workspace
    from amparo.protection.prevalence import ReleasedPrevalence
    from amparo.standard.crosswalks import Crosswalk

STORY = """From agencies' lists on trafficking in persons to a published national picture that exposes nobody.

[bold]Once:[/bold]     amparo key new                      a key that encrypts names and contacts; keep it safe
[bold]The job:[/bold]  amparo report LISTS... --out DIR    check, count, protect and publish, in six languages
[bold]Unseen:[/bold]   amparo prevalence FILE              how many victims were never detected, with intervals
[bold]Try it:[/bold]   amparo simulate DIR                 the lists of a made-up country, with the truth apart

A list is a file of any agency: CSV, XLSX, ODS, JSON Lines or Parquet, in any of the six UN languages. What its
columns and codes mean stands in a crosswalk beside it: [bold]amparo crosswalk suggest FILE[/bold] writes one for
you to correct. Rows that fail a check are refused and kept, encrypted, beside their reason:
[bold]amparo quarantine[/bold]. Counts below a threshold, and whatever would give them away, are never published.

Exit codes: 0 done, 1 a fault of ours, 2 wrong usage, 3 an input cannot be used, 4 key missing or wrong."""

app = typer.Typer(
    help=STORY,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)
crosswalk_app = typer.Typer(help="What an agency's columns and codes mean in the standard.", no_args_is_help=True)
key_app = typer.Typer(help="The key that encrypts names, contacts and refused rows.", no_args_is_help=True)
app.add_typer(crosswalk_app, name="crosswalk")
app.add_typer(key_app, name="key")

DEFAULT_KEY = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "amparo" / "amparo.key"
LIST_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".xlsx", ".xlsm", ".ods", ".jsonl", ".ndjson", ".parquet")

# The names of amparo.simulation.Knobs; to import them would slow every command. A test holds the two together.
KNOBS = (
    "police", "border", "shelter", "labour_inspection", "health", "child_protection", "hidden_share", "hidden_factor",
    "visible_share", "visible_factor", "reach", "referral", "avoidance", "independent", "missing", "unknown",
    "omitted", "mistaken", "wrong", "repeated", "resent", "partial_dates", "spelling", "typing", "turned", "shortened",
    "nickname", "nameless", "name_skew", "birth_missing", "birth_date",
)  # fmt: skip

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", envvar="AMPARO_KEY", help=f"Key file. Without it: {DEFAULT_KEY}, where it exists."),
]
WorkspaceDir = Annotated[Path, typer.Option("--workspace", "-w", help="Folder for what is private.")]

_out = Console()
_err = Console(stderr=True)


def main() -> None:
    """Run the command line; an error that a user can act on is one line, never a traceback."""
    try:
        app()
    except AmparoError as error:
        _err.print(f"amparo: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _start(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"amparo {__version__}")
        raise typer.Exit


@key_app.command("new")
def key_new(path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT_KEY) -> None:
    """Write a new key. Whoever holds it can read the names; without it they are lost for good."""
    from amparo.intake.key import new_key

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new_key(path)
    _out.print(
        f"A new key is in {path}. Keep a copy away from the workspace; never send both by one way.",
        soft_wrap=True,
    )


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="New folder for lists/ and truth/.")],
    victims: Annotated[int, typer.Option(help="Victims in truth, most of them never detected.")] = 6000,
    seed: Annotated[int, typer.Option(help="Same seed, same files to the byte.")] = 2021,
    knob: Annotated[
        list[str] | None, typer.Option(help=f"NAME=VALUE, may be repeated. Names: {', '.join(KNOBS)}.")
    ] = None,
) -> None:
    """Make the lists of a made-up country, and the truth behind them in a folder apart."""
    from amparo.simulation import Knobs
    from amparo.simulation import simulate as simulate_country

    given = dict(_knob(text) for text in knob or [])
    with _spinner("Simulating the demonstration country", quiet=False):
        simulate_country(out, seed=seed, knobs=Knobs(victims=victims, **given))
    _out.print(f"The lists are in {out / 'lists'}, what is true in {out / 'truth'}.", soft_wrap=True)


def _knob(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if name not in KNOBS:
        raise AmparoError(f"There is no knob {name!r}.", remedy=f"Known: {', '.join(KNOBS)}.")
    if name == "independent":
        return name, value.lower() in ("1", "true", "yes")
    try:
        return name, float(value)
    except ValueError:
        raise AmparoError(f"{value!r} is not a number.", remedy=f"Write {name}=0.1, say.") from None


@crosswalk_app.command("suggest")
def crosswalk_suggest(
    file: Annotated[Path, typer.Argument(help="A list of any agency.")],
    out: Annotated[Path | None, typer.Option(help="Where to write it; without it, beside the list.")] = None,
    as_json: Json = False,
) -> None:
    """Propose a crosswalk for a person to correct, and say how sure it is of each line."""
    from amparo.intake.suggest import suggest
    from amparo.standard.crosswalks import dump

    crosswalk = suggest(file)
    path = out or _sidecar(file)
    if path.exists():
        raise AmparoError(f"{path} exists already.", remedy="Give another place with --out, or remove it.")
    path.write_text(dump(crosswalk), encoding="utf-8")
    if as_json:
        print(json.dumps({"file": str(path), "columns": _columns(crosswalk)}, ensure_ascii=False, indent=2))
        return
    table = Table(
        "column", "variable", "sure", "codes", title=f"{file.name} as {crosswalk.unit}s", title_justify="left"
    )
    for name, column in crosswalk.columns.items():
        style = "green" if column.sure >= SURE else "yellow"
        codes = ", ".join(f"{text}={'+'.join(code)}" for text, code in column.codes.items())
        table.add_row(name, column.variable, f"{column.sure:.0%}", codes[:60], style=style)
    _out.print(table)
    _out.print(f"Read and correct {path}, then: amparo report {file} --out DIR", soft_wrap=True)


@crosswalk_app.command("list")
def crosswalk_list() -> None:
    """Name the crosswalks that Amparo brings along."""
    from amparo.standard.crosswalks import built_in

    for name, crosswalk in built_in().items():
        _out.print(f"{name:<14} {crosswalk.unit:<12} {len(crosswalk.columns):>3} columns", highlight=False)


@crosswalk_app.command("show")
def crosswalk_show(
    name: Annotated[str, typer.Argument(help="A name that `amparo crosswalk list` gives.")],
) -> None:
    """Print a crosswalk that Amparo brings along, as a start for your own."""
    from amparo.standard.crosswalks import built_in, dump

    if name not in built_in():
        raise AmparoError(f"There is no crosswalk {name!r}.", remedy=f"Known: {', '.join(built_in())}.")
    print(dump(built_in()[name]))


@app.command()
def load(
    lists: Annotated[list[Path], typer.Argument(help="Lists of any agency, or folders of them.")],
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    crosswalk: Annotated[Path | None, typer.Option(help="Crosswalk for all of these lists.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check lists and keep them in the workspace; loading the same file twice changes nothing."""
    loads = _load_all(lists, _open(workspace, key), crosswalk, quiet=quiet or as_json)
    _say_loads(loads, workspace, quiet=quiet, as_json=as_json)


@app.command()
def quarantine(
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    out: Annotated[Path | None, typer.Option(help="Write all of it as CSV (private: it holds refused values).")] = None,
    as_json: Json = False,
) -> None:
    """Show the rows that were refused: row, column, value, why, what was expected and what to do."""
    refused = _open(workspace, key).quarantine().to_pandas()
    if out:
        _write_csv(refused, out)
        out.chmod(0o600)
        _out.print(f"{len(refused)} refused cells in {out}. The file is private.", soft_wrap=True)
        return
    if as_json:
        print(refused.to_json(orient="records", force_ascii=False, indent=2))
        return
    shown = [name for name in ("list", "row", "column", "value", "reason", "expected", "remedy") if name in refused]
    table = Table(*shown, title=f"{len(refused)} refused cells", title_justify="left")
    for row in refused[shown].head(40).itertuples(index=False):
        table.add_row(*(str(cell) for cell in row))
    _out.print(table)
    if len(refused) > 40:
        _out.print(f"… and {len(refused) - 40} more: --out FILE or --json gives all.")


@app.command()
def report(
    lists: Annotated[list[Path] | None, typer.Argument(help="Lists of any agency, or folders of them.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for what may be published.")] = Path("out/report"),
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Folder for what is private. Without it: OUT-private."),
    ] = None,
    key: KeyFile = None,
    crosswalk: Annotated[Path | None, typer.Option(help="Crosswalk for all of these lists.")] = None,
    lang: Annotated[
        list[str] | None, typer.Option(help="ar, zh, en, fr, ru or es; may be given several times.")
    ] = None,
    threshold: Annotated[int, typer.Option(min=2, help="Counts below it are never published.")] = 10,
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
    private_folder = workspace or out.with_name(out.name + "-private")
    store = _open(private_folder, key)
    loads = _load_all(lists, store, crosswalk, quiet=silent) if lists else store.loads()
    if not loads:
        raise AmparoError("There is nothing to report on.", remedy="Name the lists: amparo report LISTS... --out DIR")
    day = date.fromisoformat(today) if today else date.today()
    with _spinner("Counting, protecting and writing", quiet=silent):
        paths, findings = _publish(store, loads, out, lang or ["en"], threshold, title, not no_pdf, day, captures)
    _say_loads(loads, private_folder, quiet=silent, as_json=False)
    if as_json:
        print(json.dumps({"loads": [_summary(item) for item in loads], "findings": findings, "files": paths}, indent=2))
        return
    if not quiet:
        headline = Table("Headline figures", show_header=True, title_justify="left")
        for sentence in findings:
            headline.add_row(sentence)
        _out.print(headline)
        _out.print(f"Report: {paths[0]}", soft_wrap=True, highlight=False)


def _publish(
    store: Workspace,
    loads: Sequence[Load],
    out: Path,
    languages: Sequence[str],
    threshold: int,
    title: str | None,
    pdf: bool,
    day: date,
    captures: Path | None,
) -> tuple[list[str], list[str]]:
    """Count what was loaded, protect it, and write the report; gives its files and its findings."""
    from amparo import report as report_room
    from amparo.protection.release import Rule, release, republish
    from amparo.statistics import glotip
    from amparo.statistics.national import national_tables

    load_ids = [item.load_id for item in loads]
    provenance = {
        "version": __version__,
        "created": day.isoformat(),
        **{f"sha256 of {item.source}": item.sha256 for item in loads},
    }
    counted_already = {item.unit == "aggregate" for item in loads}
    if counted_already == {True, False}:
        raise AmparoError(
            "Lists of cases and tables of numbers cannot be added up in one report.",
            remedy="Make two reports, each into its own folder.",
        )
    if counted_already == {True}:
        aggregates = store.table("aggregates", load_ids)
        ready = republish(glotip.published_tables(aggregates), provenance=provenance)
        contradictions = glotip.contradictions(aggregates)
        out.mkdir(parents=True, exist_ok=True)
        _write_csv(contradictions, out / "contradictions.csv")
        _err.print(
            f"{len(contradictions):,} contradictions in the numbers: {out / 'contradictions.csv'}", soft_wrap=True
        )
    else:
        private = national_tables(store.table("victims", load_ids), store.table("perpetrators", load_ids))
        unseen = _unseen(captures, threshold) if captures else None
        ready = release(private, rule=Rule(threshold=threshold), provenance=provenance, prevalence=unseen)
    formats = ("html", "pdf") if pdf else ("html",)
    files: list[str] = []
    findings: list[str] = []
    for lang in languages:
        # The open data are the same in every language; their titles are in the first.
        wanted = formats if findings else (*formats, "data")
        written = report_room.write(ready, out, lang=lang, formats=wanted, title=title)
        files += [str(path) for path in written.files]
        findings = findings or list(written.findings)
    return files, findings


@app.command()
def prevalence(
    file: Annotated[Path, typer.Argument(help="Capture histories: a 0/1 column per list, the persons last (CSV).")],
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "stepwise",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="p-value of the stepwise choice.")] = 0.02,
    strata: Annotated[list[str] | None, typer.Option(help="A column that splits the table; may be repeated.")] = None,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Every defensible analysis side by side.")] = False,
    population: Annotated[int | None, typer.Option(help="Inhabitants, for a rate per 100,000.")] = None,
    replicates: Annotated[int, typer.Option(min=100, help="Bootstrap replicates.")] = 1000,
    seed: Annotated[int, typer.Option(help="Same seed, same answer.")] = 2021,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables and figures.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Estimate how many victims were never detected (multiple systems estimation)."""
    from amparo.prevalence import estimate
    from amparo.prevalence.strata import by_strata
    from amparo.prevalence.table import read_capture_table

    tables = read_capture_table(file, strata=strata or ())
    if strata:
        found = by_strata(tables, threshold=threshold, replicates=replicates, seed=seed)
        estimates = {" × ".join(name): one for name, one in found.estimates.items()} | {"total": found.total}
    else:
        with _spinner("Estimating", quiet=quiet or as_json):
            estimates = {
                "total": estimate(tables[()], method=method, threshold=threshold, replicates=replicates, seed=seed)
            }
    rows = [{"stratum": name, **row} for name, one in estimates.items() for row in one.rows()]
    said: dict[str, Any] = {"estimates": rows}
    said["warnings"] = [warning for one in estimates.values() for warning in one.warnings]
    lines = [f"{name}\n{one.summary()}" if strata else one.summary() for name, one in estimates.items()]
    if population:
        rate, low, high = estimates["total"].rate(population)
        said["rate per 100,000"] = [rate, low, high]
        lines.append(f"Per 100,000 inhabitants: {rate:,.1f} (95% interval {low:,.1f} to {high:,.1f}).")
    charts = {f"estimate-{name}".replace(" ", ""): one.plot() for name, one in estimates.items()} if out else {}
    if sensitivity:
        from amparo.prevalence.sensitivity import multiverse
        from amparo.prevalence.table import pooled

        with _progress(quiet or as_json) as progress:
            task = progress.add_task("Sensitivity", total=None)
            every = multiverse(
                pooled(tables),
                threshold=threshold,
                seed=seed,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        said["sensitivity"] = every.frame.to_dict("records")
        said["sentence"] = every.sentence
        lines.append(every.sentence)
        if out:
            charts["multiverse"] = every.plot()
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for name, one in estimates.items():
            _write_csv(one.to_frame(), out / f"estimate-{name.replace(' ', '')}.csv")
        if sensitivity:
            _write_csv(every.frame, out / "sensitivity.csv")
        for name, chart in charts.items():
            chart.save(out / f"{name}.svg")
        lines.append(f"Tables and figures: {out}")
    if as_json:
        print(json.dumps(said, ensure_ascii=False, indent=2, default=str))
    elif not quiet:
        print("\n\n".join(lines))


def _unseen(captures: Path, fewest: int) -> ReleasedPrevalence:
    """The estimate of those never detected, with its multiverse, fit to publish."""
    from amparo.prevalence import estimate
    from amparo.prevalence.loglinear import stepwise
    from amparo.prevalence.sensitivity import multiverse
    from amparo.prevalence.table import read_capture_table
    from amparo.protection.prevalence import release_prevalence

    table = read_capture_table(captures)[()]
    return release_prevalence(estimate(table), stepwise(table), multiverse(table, seed=SEED), fewest=fewest)


SEED = 2021
SURE = 0.9
"""A suggested line is used without a person's word only when the suggestion is at least this sure of it."""


def _crosswalk_for(file: Path, given: Path | None) -> Crosswalk:
    """The crosswalk given, else the one beside the list, else a built-in whose columns are the file's."""
    from amparo.intake.suggest import matching_built_in
    from amparo.standard.crosswalks import load as load_crosswalk

    if given:
        return load_crosswalk(given)
    if _sidecar(file).exists():
        return load_crosswalk(_sidecar(file))
    crosswalk = matching_built_in(file)
    if crosswalk is None:
        raise AmparoError(
            "nobody has said yet what its columns mean.",
            remedy=f"Run: amparo crosswalk suggest {file} (then read and correct {_sidecar(file).name}).",
            where=str(file),
        )
    return crosswalk


def _load_all(lists: Sequence[Path], store: Workspace, crosswalk: Path | None, *, quiet: bool) -> list[Load]:
    from amparo.intake.load import load_list

    files = [file for path in lists for file in _lists_in(path)]
    chosen = [(file, _crosswalk_for(file, crosswalk)) for file in files]
    loads = []
    with _progress(quiet) as progress:
        for file, its_crosswalk in chosen:
            task = progress.add_task(file.name, total=None)

            def advance(done: int, total: int | None, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            loads.append(load_list(file, its_crosswalk, store, progress=advance))
            progress.update(task, completed=loads[-1].rows_in, total=loads[-1].rows_in)
    return loads


def _lists_in(path: Path) -> list[Path]:
    """The file itself, or the lists in the folder, by name."""
    if not path.exists():
        raise AmparoError("there is no such file.", remedy="Check its name.", where=str(path))
    if path.is_file():
        return [path]
    found = sorted(file for file in path.iterdir() if file.name.lower().endswith(LIST_ENDINGS))
    if not found:
        raise AmparoError("no list in this folder.", remedy=f"Lists end in {', '.join(LIST_ENDINGS)}.", where=str(path))
    return found


def _sidecar(file: Path) -> Path:
    stem = file.name[: -len(file.suffix)] if file.suffix != ".gz" else file.name[: -len("".join(file.suffixes[-2:]))]
    return file.with_name(f"{stem}.crosswalk.toml")


def _open(workspace: Path, key_file: Path | None) -> Workspace:
    from amparo.intake.key import load_key
    from amparo.intake.workspace import Workspace

    key: Key | None = None
    if key_file or DEFAULT_KEY.exists():
        key = load_key(key_file or DEFAULT_KEY)
    return Workspace(workspace, key)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    """A table for a spreadsheet, in which no cell can act as a formula."""
    from amparo.standard.cells import safe_cell

    # A carriage return inside a cell is quoted only where it is part of the line end (RFC 4180).
    frame.map(lambda cell: safe_cell(str(cell))).to_csv(path, index=False, lineterminator="\r\n")


def _columns(crosswalk: Crosswalk) -> dict[str, Any]:
    return {name: asdict(column) for name, column in crosswalk.columns.items()}


def _summary(item: Load) -> dict[str, Any]:
    return {
        "file": item.source,
        "list": item.list,
        "unit": item.unit,
        "rows_in": item.rows_in,
        "accepted": item.accepted,
        "quarantined": item.quarantined,
        "duplicates": item.duplicates,
        "left_out": list(item.left_out),
    }


def _say_loads(loads: Sequence[Load], workspace: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_summary(item) for item in loads], ensure_ascii=False, indent=2))
        return
    if quiet:
        return
    table = Table("list", "rows in", "accepted", "quarantined", "repeated", "columns left out")
    for item in loads:
        numbers = (item.rows_in, item.accepted, item.quarantined, item.duplicates)
        table.add_row(item.list, *(f"{number:,}" for number in numbers), ", ".join(item.left_out) or "–")
    _out.print(table)
    if any(item.quarantined for item in loads):
        _out.print(f"Why rows were refused: amparo quarantine --workspace {workspace}", soft_wrap=True)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True, disable=quiet) as progress:
        yield progress


@contextmanager
def _spinner(text: str, *, quiet: bool) -> Iterator[None]:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=_err,
        transient=True,
        disable=quiet,
    ) as progress:
        progress.add_task(text, total=None)
        yield
