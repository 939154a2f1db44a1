"""Commands on what leaves the house: our releases and their ledger, and tables that somebody else published."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from amparo.cli.clearing import (
    EVERYBODY,
    LEDGER,
    Override,
    Population,
    RuleText,
    Sending,
    To,
    attack_folder,
    clear_records,
    clear_tables,
    hashes_of,
    provenance_of,
    rule_of,
    svg,
)
from amparo.cli.lists import opened
from amparo.cli.shared import (
    DEFAULT_KEY,
    CrosswalkFile,
    Json,
    KeyFile,
    Lists,
    PrivateDir,
    Quiet,
    WorkspaceDir,
    day_of,
    open_workspace,
    out_console,
    progress_bar,
    spinner,
    write_csv,
)
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.intake.workspace import Workspace
    from amparo.protection.foreign import ForeignAudit
    from amparo.protection.ledger import Cleared, Ledger

READ = {
    "sure": "from sums that hold wherever they can be checked",
    "likely": "also from sums that usually hold",
}

# --- our own releases --------------------------------------------------------------------------------------


def release(
    lists: Lists = None,
    out: Annotated[Path, typer.Option(help="Folder for what may be handed over.")] = Path("out/release"),
    rule: RuleText = None,
    microdata: Annotated[
        str | None, typer.Option(help="Protected records: aim:EPSILON, pac-synth:EPSILON or k-anonymity:K.")
    ] = None,
    to: To = "public",
    population: Population = EVERYBODY,
    override: Override = "",
    title: Annotated[str | None, typer.Option(help="What it is, for the ledger.")] = None,
    workspace: PrivateDir = None,
    key: KeyFile = None,
    crosswalk: CrosswalkFile = None,
    today: Annotated[str | None, typer.Option(help="Date of the release, YYYY-MM-DD.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Tables or protected records for others to work with, attacked before they are out, and entered in the ledger.

    Without --microdata the tables; with it the records, and with --rule as well both. Without LISTS, from everything
    in the workspace. Records get new noise each time, and spend their epsilon each time.
    """
    from amparo import report as report_room
    from amparo.protection.microdata.release import parse_method

    silent = quiet or as_json
    method = parse_method(microdata) if microdata is not None else None
    chosen = rule_of(rule, None)
    store, loads = opened(lists, out, workspace, key, crosswalk, quiet=silent)
    loads = [item for item in loads if item.unit != "aggregate"]
    if not loads:
        raise AmparoError(
            "There is nothing to release.", remedy="Name lists of cases: amparo release LISTS... --out DIR"
        )
    load_ids = [item.load_id for item in loads]
    provenance = provenance_of(hashes_of(loads), day_of(today))
    done = []
    if method is None or rule is not None:
        sending = Sending(to, population, override, title or "Tables")
        with spinner("Counting, protecting and attacking tables", quiet=silent):
            tables = clear_tables(store, load_ids, chosen, sending, provenance)
            files = report_room.write(tables, out, formats=("data",)).files
        done.append(_handed("tables", store, tables, files))
    if method is not None:
        sending = Sending(to, population, override, title or "Records")
        with spinner("Protecting and attacking records", quiet=silent):
            records = clear_records(store, load_ids, method, sending, provenance)
            files = report_room.write_records(records, out)
        done.append(_handed("records", store, records, files))
    if as_json:
        print(json.dumps({"released": done}, ensure_ascii=False, indent=2))
        return
    if quiet:
        return
    for item in done:
        where = f"{item['kind'].capitalize()}: {item['files'][0]} (ledger {item['entry']})"
        out_console.print(where, soft_wrap=True, highlight=False)
        out_console.print(f"Attack report, private: {item['attack_report']}", soft_wrap=True, highlight=False)


def _handed(kind: str, store: Workspace, cleared: Cleared[Any], files: Sequence[Path]) -> dict[str, Any]:
    attack = attack_folder(store, cleared) / "attack-report.txt"
    return {
        "kind": kind, "entry": cleared.entry, "files": [str(path) for path in files], "attack_report": str(attack),
    }  # fmt: skip


# --- tables of others --------------------------------------------------------------------------------------


def audit(
    files: Annotated[list[Path], typer.Argument(help="Published tables: CSV, XLSX or ODS, long or cross-tabulated.")],
    count: Annotated[
        list[str] | None, typer.Option(help="A column of counts; may be repeated. Without it they are found out.")
    ] = None,
    mark: Annotated[
        list[str] | None,
        typer.Option(help="TEXT=LOW..HIGH: what a mark of a withheld cell stands for, such as 'z=1..9' or 'z=1..'."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of the workbook. Without it: the first with cells.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, help="Row that names the columns.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report as CSV and a figure.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the counts that were worked out. Keep them.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Attack tables that somebody else published: which withheld cells do their own totals give away?"""
    from amparo.protection.foreign import audit_foreign, read_foreign

    own = dict(_mark(text) for text in mark or [])
    documents = []
    with progress_bar(quiet or as_json) as progress:
        for file in files:
            task = progress.add_task(f"{file.name}: reading", total=None)
            started = time.monotonic()
            table = read_foreign(file, count=count or (), sheet=sheet, header_row=header_row, marks=own)

            def say(words: str, task: Any = task, name: str = file.name) -> None:
                progress.update(task, description=f"{name}: {words}")

            found = audit_foreign(table, progress=say)
            progress.update(task, description=file.name, total=1, completed=1)
            documents.append((found, _document(found, time.monotonic() - started, reveal)))
    if out:
        for found, _ in documents:
            _write_audit(found, out, reveal)
    if as_json:
        print(json.dumps([document for _, document in documents], ensure_ascii=False, indent=2))
        return
    if quiet:
        return
    for found, document in documents:
        _say_audit(found, document, reveal)
    if out:
        out_console.print(f"Report: {out}", soft_wrap=True, highlight=False)


def _mark(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.rpartition("=")
    low, dots, high = bounds.partition("..")
    if not (name and dots and low.isdecimal() and (high.isdecimal() or not high)):
        raise AmparoError(f"{text!r} says not what a mark stands for.", remedy="Write TEXT=LOW..HIGH, such as z=1..9.")
    upper = float(high) if high else float("inf")
    if upper < int(low):
        raise AmparoError(f"{text!r} ends before it begins.", remedy="Write TEXT=LOW..HIGH, such as z=1..9.")
    return name, (float(low), upper)


def _document(found: ForeignAudit, seconds: float, reveal: bool) -> dict[str, Any]:
    table = found.table
    withheld = table.frame.loc[table.frame["withheld"], "mark"]
    marks = {str(text): int(n) for text, n in withheld.value_counts().items()}
    document: dict[str, Any] = {
        "file": table.name,
        "layout": table.layout,
        "rows": len(table.frame),
        "dimensions": list(table.dims),
        "counts": list(table.count),
        "left_out": list(table.dropped),
        "marks": marks,
        "readings": {name: asdict(exposure) for name, exposure in found.exposure.items()},
        "patterns": json.loads(found.patterns.to_json(orient="records", force_ascii=False)),
        "set_aside": {name: found.set_aside.query("reading == @name")["sum"].tolist() for name in found.exposure},
        "seconds": round(seconds, 1),
    }  # fmt: skip
    if reveal:
        document["cells"] = json.loads(_opened(found, reveal).to_json(orient="records", force_ascii=False))
    return document


def _opened(found: ForeignAudit, reveal: bool) -> Any:
    """The cells that are narrower than their mark says; with the counts only where they were asked for."""
    import pandas as pd

    cells = found.cells.copy()
    if reveal:
        cells = pd.concat([cells, found.derived], axis=1)
    return cells[(cells["sure_by"] != "") | (cells["likely_by"] != "")].reset_index(drop=True)


def _write_audit(found: ForeignAudit, out: Path, reveal: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    stem = found.table.name.split(".")[0]
    write_csv(_opened(found, reveal), out / f"{stem}-cells.csv")
    if reveal:
        (out / f"{stem}-cells.csv").chmod(0o600)
    write_csv(found.patterns, out / f"{stem}-patterns.csv")
    write_csv(found.set_aside, out / f"{stem}-set-aside.csv")
    (out / f"{stem}-widths.svg").write_text(_widths(found), encoding="utf-8")


def _widths(found: ForeignAudit) -> str:
    """How many withheld cells are left with how many possible counts, in each reading, as SVG."""
    import altair as alt
    import numpy as np
    import pandas as pd

    from amparo.report.figures import BLUE, ORANGE, WIDTH

    parts = []
    for reading in found.exposure:
        left = found.cells[f"{reading}_width"] + 1
        words = np.where(np.isinf(left), "no limit", np.where(left > 9, "10+", left.map("{:.0f}".format)))
        counted = pd.Series(words).value_counts().rename_axis("left").reset_index(name="cells")
        parts.append(counted.assign(reading=f"{reading}: {READ[reading]}"))
    chart = (
        alt.Chart(pd.concat(parts), width=WIDTH, height=240)
        .mark_bar()
        .encode(
            x=alt.X("left:N", title="Possible counts left to a withheld cell", axis=alt.Axis(labelAngle=0),
                    sort=[*(str(n) for n in range(1, 10)), "10+", "no limit"]),
            y=alt.Y("cells:Q", title="Withheld cells"),
            xOffset="reading:N",
            color=alt.Color("reading:N", title=None, scale=alt.Scale(range=[ORANGE, BLUE]),
                            legend=alt.Legend(orient="bottom", labelLimit=400)),
        )
    )  # fmt: skip
    return svg(chart)


def _say_audit(found: ForeignAudit, document: Mapping[str, Any], reveal: bool) -> None:
    table = found.table
    marks = ", ".join(f"{text} ({n:,})" for text, n in document["marks"].items())
    out_console.print(
        f"[bold]{table.name}[/bold]: {len(table.frame):,} cells, {table.layout}, by {', '.join(table.dims)}. "
        f"Withheld: {marks or 'none'}.",
        soft_wrap=True,
        highlight=False,
    )
    summary = Table("withheld cells that its own totals give away", *(f"{n}: {READ[n]}" for n in found.exposure))
    rows = {
        "exactly": ("exact", "exact_beside"),
        "to within one": ("within_one", "within_one_beside"),
        "narrower than the mark": ("narrowed", ""),
        "not at all": ("own", ""),
    }
    for words, (field, beside) in rows.items():
        told = []
        for exposure in found.exposure.values():
            values = asdict(exposure)
            hung = f" ({values[beside]:,} beside a contradiction)" if beside and values[beside] else ""
            told.append(f"{values[field]:,}{hung}")
        summary.add_row(words, *told)
    summary.add_row("sums set aside as contradictory", *(f"{e.set_aside:,}" for e in found.exposure.values()))
    out_console.print(summary)
    patterns = found.patterns
    telling = patterns[(patterns["likely_exact"] + patterns["likely_within_one"] + patterns["sure_exact"]) > 0]
    by = Table("sums that give cells away by themselves", "checked", "hold", "used as", "exactly", "to within one")
    for row in telling.sort_values("likely_exact", ascending=False, kind="stable").to_dict("records"):
        reading = "sure" if row["sure"] else "likely"
        held = f"{row['held'] / row['checked']:.0%}" if row["checked"] else "–"
        by.add_row(
            str(row["pattern"]), f"{row['checked']:,}", held, f"{row[reading]}, {reading}",
            f"{row[f'{reading}_exact']:,}", f"{row[f'{reading}_within_one']:,}",
        )  # fmt: skip
    out_console.print(by)
    if reveal:
        opened = _opened(found, reveal)
        cells = Table(*(str(name) for name in opened), title=f"{len(opened):,} cells (the first 40)")
        for row in opened.head(40).itertuples(index=False):
            cells.add_row(*(f"{v:g}" if isinstance(v, float) else str(v) for v in row))
        out_console.print(cells)


# --- the ledger --------------------------------------------------------------------------------------------


def ledger_list(workspace: WorkspaceDir = Path("amparo-workspace"), key: KeyFile = None, as_json: Json = False) -> None:
    """What was released, when and to whom, and what it spent."""
    from amparo.protection.ledger import budget, verify

    state = verify(_ledger(workspace, key))
    populations = list(dict.fromkeys(entry["population"] for entry in state.entries))
    spent = {name: budget(state.entries, name) for name in populations}
    if as_json:
        told = {name: {part: None if value is None else float(value) for part, value in asdict(b).items()}
                for name, b in spent.items()}  # fmt: skip
        print(json.dumps({"entries": list(state.entries), "spent": told, "head": state.head}, ensure_ascii=False))
        return
    for name, b in spent.items():
        limit = "no limit was set" if b.epsilon_limit is None else f"of {float(b.epsilon_limit):g}"
        table = Table(title=f"{name}: ε {float(b.epsilon):g} spent, {limit}", title_justify="left")
        for heading in ("id", "when", "kind"):
            table.add_column(heading, no_wrap=True)
        for heading in ("title", "to", "ε", "override"):
            table.add_column(heading)
        for entry in state.entries:
            if entry["population"] == name:
                table.add_row(
                    entry["id"], entry["when"][:10], entry["kind"], entry.get("title", entry.get("reason", "")),
                    entry.get("recipient", ""), entry["epsilon"], "yes" if entry.get("override") else "",
                )  # fmt: skip
        out_console.print(table)


def ledger_limit(
    epsilon: Annotated[str, typer.Argument(metavar="EPSILON", help="The most that may be spent, such as 4.")],
    reason: Annotated[str, typer.Option(help="Who decided it, and why; kept for good.")],
    population: Population = EVERYBODY,
    delta: Annotated[str, typer.Option(help="The most that delta may add up to.")] = "0.001",
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
) -> None:
    """Set how much epsilon may be spent on a population; releases beyond it are refused."""
    from amparo.protection.ledger import Ledger, set_budget

    store = open_workspace(workspace, key)
    ledger = Ledger(workspace / LEDGER, store.needed_key())
    entry = set_budget(ledger, population, epsilon=epsilon, delta=delta, reason=reason)
    out_console.print(f"{population}: epsilon {epsilon}, delta {delta} at most (ledger {entry['id']}).", soft_wrap=True)


def ledger_verify(
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
    head: Annotated[str | None, typer.Option(help="A head of before, kept elsewhere; it must be in the chain.")] = None,
    as_json: Json = False,
) -> None:
    """Find out whether anything in the ledger was changed, removed, moved or cut off."""
    from amparo.protection.ledger import verify

    state = verify(_ledger(workspace, key), head=head)
    if as_json:
        told = {"entries": len(state.entries), "head": state.head, "signed": state.signed,
                "torn_bytes": len(state.torn), "head_lags": state.lagging}  # fmt: skip
        print(json.dumps(told))
        return
    checked = "chain, signatures and tables" if state.signed else "chain and tables (no key, so not who wrote them)"
    out_console.print(f"{len(state.entries)} entries are whole: {checked}.", highlight=False)
    if state.torn:
        out_console.print(
            f"A crash left {len(state.torn)} bytes of an entry that was never made; the next entry sets them aside."
        )
    if state.lagging:
        out_console.print("A crash kept the head from naming the last entry; the next entry brings it up.")
    out_console.print(f"Head: {state.head}", soft_wrap=True, highlight=False)
    out_console.print("Keep the head elsewhere: only with it (--head) does it show if the whole folder is put back.")


def ledger_show(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="An id that `amparo ledger list` gives.")],
    workspace: WorkspaceDir = Path("amparo-workspace"),
    key: KeyFile = None,
) -> None:
    """One entry in full, as JSON."""
    from amparo.protection.ledger import verify

    for entry in verify(_ledger(workspace, key)).entries:
        if entry["id"] == entry_id:
            print(json.dumps(entry, ensure_ascii=False, indent=2))
            return
    raise AmparoError(f"there is no entry {entry_id!r}.", remedy="See: amparo ledger list.")


def _ledger(workspace: Path, key_file: Path | None) -> Ledger:
    from amparo.intake.key import load_key
    from amparo.protection.ledger import Ledger

    if not (workspace / LEDGER).is_dir():
        raise AmparoError(
            "nothing was released from here, so there is no ledger.",
            where=str(workspace),
            remedy="Name the workspace: --workspace DIR.",
        )
    key = load_key(key_file or DEFAULT_KEY) if key_file or DEFAULT_KEY.exists() else None
    return Ledger(workspace / LEDGER, key)
