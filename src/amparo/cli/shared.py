"""What all commands share: consoles, common options, the workspace, progress."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import pandas as pd

    from amparo.intake.key import Key
    from amparo.intake.workspace import Workspace

DEFAULT_KEY = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "amparo" / "amparo.key"
SEED = 2021

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", envvar="AMPARO_KEY", help=f"Key file. Without it: {DEFAULT_KEY}, where it exists."),
]
Lists = Annotated[list[Path] | None, typer.Argument(help="Lists of any agency, or folders of them.")]
CrosswalkFile = Annotated[Path | None, typer.Option("--crosswalk", help="Crosswalk for all of these lists.")]
Languages = Annotated[
    list[str] | None, typer.Option("--lang", help="ar, zh, en, fr, ru or es; may be given several times.")
]
PrivateDir = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Folder for what is private. Without it: OUT-private."),
]
WorkspaceDir = Annotated[Path, typer.Option("--workspace", "-w", help="Folder for what is private.")]

out_console = Console()
err_console = Console(stderr=True)


def open_workspace(workspace: Path, key_file: Path | None) -> Workspace:
    from amparo.intake.key import load_key
    from amparo.intake.workspace import Workspace

    key: Key | None = None
    if key_file or DEFAULT_KEY.exists():
        key = load_key(key_file or DEFAULT_KEY)
    return Workspace(workspace, key)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """A table for a spreadsheet, in which no cell can act as a formula."""
    from amparo.standard.cells import safe_cell

    # A carriage return inside a cell is quoted only where it is part of the line end (RFC 4180).
    frame.map(lambda cell: safe_cell(str(cell))).to_csv(path, index=False, lineterminator="\r\n")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err_console, transient=True, disable=quiet) as progress:
        yield progress


@contextmanager
def spinner(text: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Turns while work goes on; what it yields changes the text."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err_console,
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task(text, total=None)
        yield lambda now: progress.update(task, description=now)


def day_of(text: str | None) -> date:
    """The day that was asked for, else today.

    Raises
    ------
    AmparoError : it is no day.
    """
    try:
        return date.fromisoformat(text) if text else date.today()
    except ValueError:
        raise AmparoError(f"{text!r} is no day.", remedy="Write it as 2026-01-15.") from None
