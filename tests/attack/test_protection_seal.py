"""Attempts to get a private table into a report."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path

import pandas as pd
import pytest

from amparo.protection.release import Release, ReleasedTable, Rule, release
from amparo.report import write
from amparo.statistics.tables import PrivateTable

FRAME = pd.DataFrame({"year": ["2020", "2021", "_T"], "count": [40, 3, 43]})
PRIVATE = PrivateTable("t", "records", ("year",), frozenset(), FRAME, "counted")


def released() -> Release:
    frame = pd.DataFrame({"year": ["2020", "2021", "_T"], "count": [40, 33, 73]})
    table = PrivateTable("t", "records", ("year",), frozenset(), frame, "counted")
    return release([table], rule=Rule(10), provenance={"version": "1", "created": "2026-01-01"})


def test_the_report_takes_nothing_but_a_release(tmp_path: Path) -> None:
    for other in (PRIVATE, [PRIVATE], FRAME, {"t": PRIVATE}, released()["t"]):
        with pytest.raises(TypeError):
            write(other, tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_released_table_cannot_be_made_from_outside() -> None:
    with pytest.raises(TypeError):
        ReleasedTable("t", "records", ("year",), frozenset(), "", "", "", FRAME)
    with pytest.raises(TypeError):
        Release({}, Rule(10), {})
    with pytest.raises(TypeError):
        type("Mine", (ReleasedTable,), {})


def test_a_release_cannot_be_altered_copied_or_unpickled_into_another() -> None:
    found = released()
    with pytest.raises(TypeError):
        dataclasses.replace(found["t"], name="other")
    with pytest.raises(TypeError):
        pickle.dumps(found)
    with pytest.raises(TypeError):
        copy.deepcopy(found["t"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.rule = Rule(1)  # type: ignore[misc]


def test_changing_a_frame_that_was_handed_out_changes_nothing() -> None:
    found = released()
    handed_out = found["t"].frame
    handed_out["lower"] = 0
    assert found["t"].frame["lower"].sum() == 146


def test_a_private_table_does_not_tell_its_counts_when_it_is_printed() -> None:
    assert "43" not in repr(PRIVATE)
