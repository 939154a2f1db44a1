"""Commands on an agency's lists: the key, the crosswalk, loading, what was refused; and lists made up to try."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amparo.cli.shared import (
    DEFAULT_KEY,
    CrosswalkFile,
    Json,
    KeyFile,
    Quiet,
    WorkspaceDir,
    open_workspace,
    out_console,
    progress_bar,
    spinner,
    write_csv,
)
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.intake.load import Load
    from amparo.intake.workspace import Workspace
    from amparo.standard.crosswalks import Crosswalk

LIST_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".xlsx", ".xlsm", ".ods", ".jsonl", ".ndjson", ".parquet")

# The names of amparo.simulation.Knobs; to import them would slow every command. A test holds the two together.

KNOBS = (
    "police", "border", "shelter", "labour_inspection", "health", "child_protection", "hidden_share", "hidden_factor",
    "visible_share", "visible_factor", "reach", "referral", "avoidance", "independent", "missing", "unknown",
    "omitted", "mistaken", "wrong", "repeated", "resent", "partial_dates", "spelling", "typing", "turned", "shortened",
    "nickname", "nameless", "name_skew", "birth_missing", "birth_date",
)  # fmt: skip

SURE = 0.9
"""A suggested line is used without a person's word only when the suggestion is at least this sure of it."""


def key_new(path: Annotated[Path, typer.Argument(help="Where to write it.")] = DEFAULT_KEY) -> None:
    """Write a new key. Whoever holds it can read the names; without it they are lost for good."""
    from amparo.intake.key import new_key

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new_key(path)
    out_console.print(
        f"A new key is in {path}. Keep a copy away from the workspace; never send both by one way.",
        soft_wrap=True,
    )


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
    with spinner("Simulating the demonstration country", quiet=False):
        simulate_country(out, seed=seed, knobs=Knobs(victims=victims, **given))
    out_console.print(f"The lists are in {out / 'lists'}, what is true in {out / 'truth'}.", soft_wrap=True)


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
    out_console.print(table)
    out_console.print(f"Read and correct {path}, then: amparo report {file} --out DIR", soft_wrap=True)


def crosswalk_list() -> None:
    """Name the crosswalks that Amparo brings along."""
    from amparo.standard.crosswalks import built_in

    for name, crosswalk in built_in().items():
        out_console.print(f"{name:<14} {crosswalk.unit:<12} {len(crosswalk.columns):>3} columns", highlight=False)


def crosswalk_show(
    name: Annotated[str, typer.Argument(help="A name that `amparo crosswalk list` gives.")],
) -> None:
    """Print a crosswalk that Amparo brings along, as a start for your own."""
    from amparo.standard.crosswalks import built_in, dump

    if name not in built_in():
        raise AmparoError(f"There is no crosswalk {name!r}.", remedy=f"Known: {', '.join(built_in())}.")
    print(dump(built_in()[name]))


def load(
    lists: Annotated[list[Path], typer.Argument(help="Lists of any agency, or folders of them.")],
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    crosswalk: CrosswalkFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Check lists and keep them in the workspace; loading the same file twice changes nothing."""
    loads = load_all(lists, open_workspace(workspace, key), crosswalk, quiet=quiet or as_json)
    say_loads(loads, workspace, quiet=quiet, as_json=as_json)


def quarantine(
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    out: Annotated[Path | None, typer.Option(help="Write all of it as CSV (private: it holds refused values).")] = None,
    as_json: Json = False,
) -> None:
    """Show the rows that were refused: row, column, value, why, what was expected and what to do."""
    refused = open_workspace(workspace, key).quarantine().to_pandas()
    if out:
        write_csv(refused, out)
        out.chmod(0o600)
        out_console.print(f"{len(refused)} refused cells in {out}. The file is private.", soft_wrap=True)
        return
    if as_json:
        print(refused.to_json(orient="records", force_ascii=False, indent=2))
        return
    shown = [name for name in ("list", "row", "column", "value", "reason", "expected", "remedy") if name in refused]
    table = Table(*shown, title=f"{len(refused)} refused cells", title_justify="left")
    for row in refused[shown].head(40).itertuples(index=False):
        table.add_row(*(str(cell) for cell in row))
    out_console.print(table)
    if len(refused) > 40:
        out_console.print(f"… and {len(refused) - 40} more: --out FILE or --json gives all.")


def opened(
    lists: Sequence[Path] | None,
    out: Path,
    workspace: Path | None,
    key: Path | None,
    crosswalk: Path | None,
    *,
    quiet: bool,
) -> tuple[Workspace, list[Load]]:
    """The workspace, beside OUT unless it was named, and what is counted: these lists, or all that is loaded."""
    store = open_workspace(workspace or out.with_name(out.name + "-private"), key)
    return store, load_all(lists, store, crosswalk, quiet=quiet) if lists else store.loads()


def load_all(lists: Sequence[Path], store: Workspace, crosswalk: Path | None, *, quiet: bool) -> list[Load]:
    from amparo.intake.load import load_list

    files = [file for path in lists for file in _lists_in(path)]
    chosen = [(file, crosswalk_for(file, crosswalk)) for file in files]
    loads = []
    with progress_bar(quiet) as progress:
        for file, its_crosswalk in chosen:
            task = progress.add_task(file.name, total=None)

            def advance(done: int, total: int | None, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            loads.append(load_list(file, its_crosswalk, store, progress=advance))
            progress.update(task, completed=loads[-1].rows_in, total=loads[-1].rows_in)
    return loads


def crosswalk_for(file: Path, given: Path | None) -> Crosswalk:
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


def _columns(crosswalk: Crosswalk) -> dict[str, Any]:
    return {name: asdict(column) for name, column in crosswalk.columns.items()}


def summary(item: Load) -> dict[str, Any]:
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


def say_loads(loads: Sequence[Load], workspace: Path, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps([summary(item) for item in loads], ensure_ascii=False, indent=2))
        return
    if quiet:
        return
    table = Table("list", "rows in", "accepted", "quarantined", "repeated", "columns left out")
    for item in loads:
        numbers = (item.rows_in, item.accepted, item.quarantined, item.duplicates)
        table.add_row(item.list, *(f"{number:,}" for number in numbers), ", ".join(item.left_out) or "–")
    out_console.print(table)
    if any(item.quarantined for item in loads):
        out_console.print(f"Why rows were refused: amparo quarantine --workspace {workspace}", soft_wrap=True)
