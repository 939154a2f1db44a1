"""The demonstration country, loaded and released once for all tests that look at the whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from amparo.intake.key import new_key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.protection.ledger import Cleared, Ledger, already_public, enter
from amparo.protection.release import Release, Rule, release
from amparo.simulation import simulate
from amparo.standard.crosswalks import load
from amparo.statistics.national import national_tables
from amparo.statistics.tables import PrivateTable

PROVENANCE = {"version": "test", "created": "2026-01-15", "sha256 of lists": "0" * 64}
Clear = Callable[[Release], Cleared[Release]]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demonstration country, its key and its loaded workspace."""
    folder = tmp_path_factory.mktemp("demo")
    simulate(folder / "country", victims=6000, seed=2021)
    workspace = Workspace(folder / "workspace", new_key(folder / "demo.key"))
    for file in sorted((folder / "country" / "lists").glob("*")):
        if file.suffix != ".toml":
            crosswalk = load(file.with_name(f"{file.name.split('.')[0]}.crosswalk.toml"))
            load_list(file, crosswalk, workspace, today=date(2026, 1, 15))
    return folder


@pytest.fixture(scope="session")
def demo_tables(demo: Path) -> list[PrivateTable]:
    """The private tables of the demonstration country."""
    from amparo.intake.key import load_key

    workspace = Workspace(demo / "workspace", load_key(demo / "demo.key"))
    return national_tables(workspace.table("victims"), workspace.table("perpetrators"))


@pytest.fixture(scope="session")
def demo_release(demo_tables: list[PrivateTable]) -> Release:
    """What may be published of the demonstration country."""
    return release(demo_tables, rule=Rule(10), provenance=PROVENANCE)


@pytest.fixture(scope="session")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Clear:
    """Clears a release: by a ledger of its own, or because its numbers were public before."""
    key = new_key(tmp_path_factory.mktemp("ledger-key") / "ledger.key")

    def cleared(given: Release) -> Cleared[Release]:
        if all(table.source for table in given):
            return already_public(given)
        ledger = Ledger(tmp_path_factory.mktemp("ledger"), key)
        return enter(ledger, given, title="Test", recipient="public", population="everybody")

    return cleared
