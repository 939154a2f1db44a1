"""Commands that find the same person in several lists: with names, or between agencies without them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amparo.cli.lists import load_all
from amparo.cli.shared import (
    SEED,
    CrosswalkFile,
    Json,
    KeyFile,
    Quiet,
    WorkspaceDir,
    day_of,
    open_workspace,
    out_console,
    spinner,
)
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import pandas as pd

    from amparo.linkage.persons import Persons

LINKAGE = "linkage"
"""Folder of the linkage in the workspace."""

Clean = Annotated[list[str] | None, typer.Option(help="A list that has each person once; may be repeated.")]
Seed = Annotated[int, typer.Option(help="Same seed, same persons.")]
AgreementFile = Annotated[Path, typer.Option("--agreement", help="The agreement that all agencies signed.")]


def link(
    lists: Annotated[
        list[Path] | None, typer.Argument(help="Lists to load first; without them, what is loaded.")
    ] = None,
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    clean: Clean = None,
    seed: Seed = SEED,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find which records of the loaded lists are one person, and the capture histories that follow.

    What people found with `amparo link-review` is learnt from. All results stay in WORKSPACE/linkage.
    """
    from amparo.linkage.persons import link_records
    from amparo.linkage.records import comparable_records
    from amparo.linkage.store import persons_before, reviews, write_linkage

    store = open_workspace(workspace, key)
    if lists:
        load_all(lists, store, None, quiet=quiet or as_json)
    folder = store.path / LINKAGE
    with spinner("Reading names", quiet=quiet or as_json) as say:
        records = comparable_records(store.identities(), store.table("victims").to_pyarrow())
        before = persons_before(folder)
        persons = link_records(
            records, clean=clean or (), before=before, reviewed=reviews(folder), seed=seed, progress=say
        )
        say("Writing")
        told = write_linkage(persons, folder)
    _say(persons, folder, told, quiet=quiet, as_json=as_json)


def link_review(
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    most: Annotated[int, typer.Option(min=1, help="Pairs to look at now.")] = 20,
    blind: Annotated[bool, typer.Option("--blind", help="Show weights only, no names.")] = False,
) -> None:
    """Look at doubtful pairs, the most doubtful first, and say whether they are one person.

    Each answer is kept at once. `amparo link` learns from them.
    """
    from amparo.linkage.store import add_review, doubtful_pairs

    store = open_workspace(workspace, key)
    folder = store.path / LINKAGE
    pairs = doubtful_pairs(folder)
    names = {} if blind else {row["record_id"]: row for row in store.identities().to_pylist()}
    for number, (_, pair) in enumerate(pairs.head(most).iterrows(), start=1):
        out_console.print(f"\n[bold]Pair {number} of {min(most, len(pairs))}[/bold]  chance {pair['together']:.0%}")
        if not blind:
            _side_by_side(names, pair)
        _bars(pair)
        answer = typer.prompt("One person? y(es), n(o), s(kip), q(uit)", default="s").strip().lower()[:1]
        if answer == "q":
            break
        if answer in ("y", "n"):
            add_review(folder, pair["left"], pair["right"], answer == "y")
    out_console.print("Run `amparo link` to learn from what was found.")


def agreement(
    out: Annotated[Path, typer.Argument(help="Where to write it.")],
    agency: Annotated[list[str], typer.Option(help="Who takes part; give each.")],
    purpose: Annotated[str, typer.Option(help="What the linkage is for, in a sentence.")],
    expires: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD.")],
    key: Annotated[Path, typer.Option(help="The key that the agencies share; the linkage unit never has it.")],
    share: Annotated[
        list[str] | None, typer.Option(help="A standard variable that goes along in clear; may be repeated.")
    ] = None,
) -> None:
    """Write the agreement under which agencies link their lists without sharing names."""
    from amparo.intake.key import load_key
    from amparo.linkage.agreement import new_agreement, write_agreement

    made = new_agreement(agency, share or (), purpose, day_of(expires), load_key(key))
    if out.exists():
        raise AmparoError(f"{out} exists already.", remedy="Give another name, or remove it.")
    write_agreement(made, out)
    out_console.print(f"The agreement is in {out}. It holds no key; give it to every party.", soft_wrap=True)


def encode(
    file: Annotated[Path, typer.Argument(help="This agency's list.")],
    agreement: AgreementFile,
    agency: Annotated[str, typer.Option(help="This agency's name in the agreement.")],
    key: Annotated[Path, typer.Option(help="The key that the agencies share.")],
    out: Annotated[Path, typer.Option(help="Where to write the encodings.")],
    crosswalk: CrosswalkFile = None,
    today: Annotated[str | None, typer.Option(help="Day of encoding, YYYY-MM-DD.")] = None,
    quiet: Quiet = False,
) -> None:
    """Turn a list into keyed encodings, on the agency's own machine; no name leaves it."""
    from amparo.intake.key import load_key
    from amparo.intake.workspace import Workspace
    from amparo.linkage.agreement import read_agreement, write_encodings
    from amparo.linkage.records import comparable_records

    shared = load_key(key)
    under = read_agreement(agreement)
    with tempfile.TemporaryDirectory() as folder:
        store = Workspace(Path(folder) / "workspace", shared)
        loads = load_all([file], store, crosswalk, quiet=quiet)
        records = comparable_records(store.identities(), store.table("victims").to_pyarrow())
    count = write_encodings(records, under, agency, shared, out, today=day_of(today))
    refused = sum(item.quarantined for item in loads)
    if not quiet:
        out_console.print(
            f"{count:,} records are encoded in {out}; {refused:,} rows were refused by intake "
            "(`amparo load` shows why). Hand over this file alone, never the key.",
            soft_wrap=True,
        )


def link_encoded(
    files: Annotated[list[Path], typer.Argument(help="Encodings, one file of each agency.")],
    agreement: AgreementFile,
    out: Annotated[Path, typer.Option(help="Folder for the linkage; private.")] = Path("out/linkage"),
    clean: Clean = None,
    seed: Seed = SEED,
    today: Annotated[str | None, typer.Option(help="Day of linking, YYYY-MM-DD.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Link what agencies encoded. No name and no key are needed, and none can be made out."""
    from amparo.linkage.agreement import read_agreement, read_encodings
    from amparo.linkage.persons import link_records
    from amparo.linkage.store import persons_before, write_linkage

    encodings = read_encodings(files, read_agreement(agreement), today=day_of(today))
    with spinner("Reading encodings", quiet=quiet or as_json) as say:
        persons = link_records(encodings, clean=clean or (), before=persons_before(out), seed=seed, progress=say)
        say("Writing")
        told = write_linkage(persons, out)
    _say(persons, out, told, quiet=quiet, as_json=as_json)


def _say(persons: Persons, folder: Path, told: str, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        found = asdict(persons.quality)
        found |= {"records": len(persons.records), "persons": len(set(persons.person_ids)), "folder": str(folder)}
        print(json.dumps(found, indent=2))
    elif not quiet:
        out_console.print(told.strip(), soft_wrap=True)
        out_console.print(f"Then: amparo prevalence {folder / 'captures-draws.csv'}", soft_wrap=True)


def _side_by_side(names: dict[str, dict[str, object]], pair: pd.Series) -> None:
    from rich.table import Table

    left, right = names.get(pair["left"], {}), names.get(pair["right"], {})
    shown = [name for name in left if name not in ("record_id", "load_id") and (left[name] or right.get(name))]
    table = Table("", *(str(side.get("list", "")) for side in (left, right)))
    for name in shown:
        if name != "list" and not name.endswith("_precision"):
            table.add_row(name, str(left.get(name) or "–"), str(right.get(name) or "–"))
    out_console.print(table)


def _bars(pair: pd.Series) -> None:
    """What each comparison tells, in bits, as bars."""
    for column in (name for name in pair.index if name.startswith("bits of ")):
        bits = float(pair[column])
        if abs(bits) >= 0.05:
            colour = "green" if bits > 0 else "red"
            bar = "█" * max(round(abs(bits)), 1)
            out_console.print(f"{column[8:]:>20} {bits:+6.1f} [{colour}]{bar}[/{colour}]", highlight=False)
