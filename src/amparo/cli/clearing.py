"""What `report` and `release` share: from loads to what the ledger has cleared, with its attack report.

The attack report and the utility report are made from private counts and records. They lie in the workspace, a
folder for each entry of the ledger, and never beside what is published.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amparo import __version__
from amparo.cli.shared import SEED, write_csv
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import pandas as pd

    from amparo.intake.load import Load
    from amparo.intake.workspace import Workspace
    from amparo.protection.ledger import Cleared
    from amparo.protection.microdata import ReleasedMicrodata
    from amparo.protection.microdata.release import Method
    from amparo.protection.prevalence import ReleasedPrevalence
    from amparo.protection.release import Release, Rule
    from amparo.statistics.tables import PrivateTable

LEDGER = "ledger"
"""Folder of the ledger in the workspace."""
ATTACKS = "attack-reports"
"""Folder of the attack reports in the workspace, by the id of the entry in the ledger."""
REFUSED = "not-released"
"""Where the report of the last release that was refused, or failed, lies among them."""
EVERYBODY = "everybody in this workspace"

RuleText = Annotated[
    str | None,
    typer.Option("--rule", help="threshold:10[,dominance:1:0.85 or ,p-percent:0.1], rounding:5 or cell-key:D=3,V=2."),
]
To = Annotated[str, typer.Option("--to", help="Who gets it; written in the ledger.")]
Population = Annotated[
    str, typer.Option(help="Whom it counts. All releases of one name are compared, and their epsilon is added up.")
]
Override = Annotated[
    str, typer.Option(help="Release it although it tells more beside earlier ones; the reason, kept for good.")
]


@dataclass(frozen=True)
class Sending:
    """A release as it is asked for: to whom, about whom, what it is, and why it goes out all the same."""

    to: str
    population: str
    override: str
    title: str


def rule_of(rule: str | None, threshold: int | None) -> Rule:
    """The rule that was asked for; ``--threshold N`` is short for ``--rule threshold:N``."""
    from amparo.protection.release import Rule, parse_rule

    if rule is not None and threshold is not None:
        raise AmparoError("--rule and --threshold both say what is withheld.", remedy="Give one of them.")
    if rule is not None:
        return parse_rule(rule)
    return Rule() if threshold is None else Rule(threshold)


def provenance_of(hashes: Mapping[str, str], day: date) -> dict[str, str]:
    """Where the numbers of a release come from: SHA-256 of each input by its name, and the day."""
    named = {f"sha256 of {name}": digest for name, digest in hashes.items()}
    return {"version": __version__, "created": day.isoformat(), **named}


def hashes_of(loads: Sequence[Load]) -> dict[str, str]:
    """SHA-256 of what was loaded, by the name of the file."""
    return {item.source: item.sha256 for item in loads}


def private_tables(store: Workspace, load_ids: Sequence[str], rule: Rule) -> list[PrivateTable]:
    """The national picture, with what the rule needs to know besides the counts."""
    from amparo.protection.cell_key import RECORD_KEY, with_record_keys
    from amparo.protection.secrets import cell_secret
    from amparo.statistics.national import national_tables

    victims, perpetrators = store.table("victims", load_ids), store.table("perpetrators", load_ids)
    if rule.noise is not None:
        secret = cell_secret(store.needed_key())
        victims, perpetrators = (with_record_keys(table, "record_id", secret) for table in (victims, perpetrators))
    return national_tables(
        victims,
        perpetrators,
        contributor="list" if rule.dominance is not None else None,
        key=RECORD_KEY if rule.noise is not None else None,
    )


def clear_tables(
    store: Workspace,
    load_ids: Sequence[str],
    rule: Rule,
    sending: Sending,
    provenance: Mapping[str, str],
    prevalence: ReleasedPrevalence | None = None,
) -> Cleared[Release]:
    """Count, protect, attack, and enter; the reports of the attack and of the use lie in the workspace afterwards.

    Raises
    ------
    RefusedError : it would tell too much beside earlier releases.
    AmparoError : it tells too much by itself, or a key is missing.
    """
    from amparo.protection.ledger import Ledger, enter
    from amparo.protection.release import release
    from amparo.protection.secrets import rounding_seed
    from amparo.protection.table_attack import attack_figure, attack_tables, usable, usable_figure

    key = store.needed_key()
    private = private_tables(store, load_ids, rule)
    seed = rounding_seed(key, provenance)
    ready = release(private, rule=rule, provenance=provenance, prevalence=prevalence, seed=seed)
    found = attack_tables(private, ready)
    folder = _start(store)
    _write(folder, "attack-report", found.sentences(), found.cells, attack_figure(found) if len(found.cells) else None)
    write_csv(found.rare, folder / "attack-report-rare.csv")
    _write(folder, "utility-report", usable(found), found.shown, usable_figure(found))
    ledger = Ledger(store.path / LEDGER, key)
    cleared = enter(
        ledger,
        ready,
        title=sending.title,
        recipient=sending.to,
        population=sending.population,
        override=sending.override,
    )
    _keep(folder, ledger, cleared.entry)
    return cleared


def clear_records(
    store: Workspace,
    load_ids: Sequence[str],
    method: Method,
    sending: Sending,
    provenance: Mapping[str, str],
) -> Cleared[ReleasedMicrodata]:
    """Attack a trial release, release the records, and enter them; the reports lie in the workspace afterwards.

    Raises
    ------
    RefusedError : an attack tells more of persons in the data than of others, or the budget is spent.
    AmparoError : there are too few records, or a key is missing.
    """
    from amparo.protection.ledger import Ledger, enter_microdata
    from amparo.protection.microdata import release_microdata
    from amparo.protection.microdata.case_records import DESTINATION, ORIGIN, YEAR, case_records
    from amparo.protection.microdata_attacks import attack_figure
    from amparo.protection.microdata_attacks.trial import attack_trial, sentences
    from amparo.protection.utility import conclusions, utility, utility_figure

    key = store.needed_key()
    private = case_records(store.table("victims", load_ids), last_year=date.fromisoformat(provenance["created"]).year)
    found = attack_trial(private, method, seed=SEED)
    folder = _start(store)
    _write(folder, "attack-report", sentences(found), found.table(), attack_figure(found))
    write_csv(found.combinations, folder / "attack-report-rare.csv")
    ready = release_microdata(private, method=method, provenance=provenance, seed=SEED)
    useful = utility(private.frame, ready.frame, year=YEAR, origin=ORIGIN, destination=DESTINATION)
    _write(folder, "utility-report", conclusions(useful), useful.by_size, utility_figure(useful))
    for name, frame in (("counts", useful.counts), ("trends", useful.trends), ("flows", useful.flows)):
        if frame is not None:
            write_csv(frame, folder / f"utility-report-{name}.csv")
    ledger = Ledger(store.path / LEDGER, key)
    cleared = enter_microdata(
        ledger,
        ready,
        title=sending.title,
        recipient=sending.to,
        population=sending.population,
        alarms=found.alarms(),
        override=sending.override,
    )
    _keep(folder, ledger, cleared.entry)
    return cleared


def attack_folder(store: Workspace, cleared: Cleared[Any]) -> Path:
    """Where the reports on a cleared release lie."""
    return store.path / ATTACKS / cleared.entry


def _start(store: Workspace) -> Path:
    folder = store.path / ATTACKS / REFUSED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def _keep(folder: Path, ledger: Any, entry_id: str) -> None:
    """Add what the ledger found beside earlier releases, and move the reports to where the entry's belong."""
    from amparo.protection.ledger import verify

    entry = next(entry for entry in verify(ledger).entries if entry["id"] == entry_id)
    told = [f"Entry {entry_id} of the ledger: {entry['title']}, to {entry['recipient']}, on {entry['when'][:10]}."]
    if entry["kind"] == "tables":
        told.append(f"Earlier releases about {entry['population']} that it was compared with: {entry['compared']}.")
    if entry["findings"]:
        told.append(f"Released by override ({entry['override']}), although it was found that:")
        told += [f"- {finding}" for finding in entry["findings"]]
    elif entry["kind"] == "tables" and entry["compared"]:
        told.append("Beside them it tells of no small count.")
    with (folder / "attack-report.txt").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(told) + "\n")
    place = folder.with_name(entry_id)
    shutil.rmtree(place, ignore_errors=True)
    folder.rename(place)


def _write(folder: Path, name: str, told: Sequence[str], frame: pd.DataFrame, figure: Any) -> None:
    (folder / f"{name}.txt").write_text("\n".join(told) + "\n", encoding="utf-8")
    write_csv(frame, folder / f"{name}.csv")
    if figure is not None:
        (folder / f"{name}.svg").write_text(svg(figure), encoding="utf-8")


def svg(chart: Any) -> str:
    """A chart as SVG, in the report's font."""
    import vl_convert

    from amparo.report.figures import FONT, font_folders

    for folder in font_folders():
        vl_convert.register_font_directory(folder)
    chart = chart.configure(font=FONT, background="white")
    return str(vl_convert.vegalite_to_svg(chart.to_dict(), show_warnings=False))
