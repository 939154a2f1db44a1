"""An outsider who guesses that nobody holds two categories, and subtracts.

Citizenships, countries and forms may hold at once, so that a table need not add up. Where in fact it does, whoever
guesses so may treat its totals as sums. This adversary is given every such guess that is right.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from amparo.protection import audit
from amparo.protection.cells import Relation, Shape, gather
from amparo.protection.release import Release, Rule, release
from amparo.statistics.tables import PrivateTable

TELLS_NOTHING = {"_X", "_O", "unknown"}


def small_counts_found(tables: list[PrivateTable], found: Release) -> list[str]:
    """Small personal counts that the adversary narrows to fewer than ten values."""
    shapes = [
        Shape(t.name, t.unit, t.dims, t.overlapping, list(t.frame[list(t.dims)].astype(str).itertuples(index=False, name=None)), True)
        for t in tables
    ]  # fmt: skip
    cells = gather(shapes)
    counts = np.zeros(len(cells.names))
    hidden = np.zeros(len(cells.names), dtype=bool)
    for table, ids in zip(tables, cells.of_rows, strict=True):
        counts[ids] = table.frame["count"]
        merged = (
            table.frame[list(table.dims)].astype(str).merge(found[table.name].frame, on=list(table.dims), how="left")
        )
        hidden[ids] = (merged["status"] == "withheld").to_numpy()
    rest = [counts[r.whole] - counts[list(r.parts)].sum() for r in cells.relations]
    true = [r for r, left in zip(cells.relations, rest, strict=True) if r.low <= left <= r.high]
    guessed = [Relation(r.whole, r.parts, 0, 0) for r, left in zip(cells.relations, rest, strict=True) if left == 0]
    lower, upper = np.where(hidden, 1.0, counts), np.where(hidden, np.inf, counts)
    for problem in audit._problems(cells, [*true, *guessed], lower, upper):
        problem.bound_all(lower, upper)

    def personal(cell: int) -> bool:
        codes = {code for dim, code in cells.names[cell][1] if dim not in ("year", "list")}
        return not codes <= TELLS_NOTHING

    small = [i for i in np.flatnonzero(hidden & (counts < 10)) if personal(i)]
    assert len(small) > 50
    return [str(cells.names[i]) for i in small if upper[i] - lower[i] < 9]


def test_right_guesses_find_no_small_count_of_the_demonstration_country(
    demo_tables: list[PrivateTable], demo_release: Release
) -> None:
    assert small_counts_found(demo_tables, demo_release) == []


def test_the_adversary_finds_what_a_release_without_guards_gives_away(
    demo_tables: list[PrivateTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = importlib.import_module("amparo.protection.release")  # the package also names the function so

    def only_small(private: list[PrivateTable], threshold: int) -> list[np.ndarray]:
        return [((t.frame["count"] >= 1) & (t.frame["count"] < threshold)).to_numpy() for t in private]

    monkeypatch.setattr(room, "withheld_cells", only_small)
    careless = release(demo_tables, rule=Rule(10), provenance={})
    assert len(small_counts_found(demo_tables, careless)) > 10
