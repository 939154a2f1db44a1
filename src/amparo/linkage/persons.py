"""From comparable records or encodings to persons: the whole way, and what it gives.

``link_records`` is the one door for both ways in; what comes out is the same, whether names were seen or not.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from amparo.linkage.clusters import Linkage, link
from amparo.linkage.model import SEED, Pairs, compare
from amparo.linkage.search import worth_comparing
from amparo.linkage.uncertainty import Calibration, Quality, calibrate, quality
from amparo.standard.errors import AmparoError

DRAWS = 100
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Persons:
    """Who is who.

    records : what was linked, one row a record (in clear or encoded).
    pairs : every pair that may be one person, with the weight of each comparison.
    log_odds : of each pair, after calibration where pairs were reviewed.
    linkage : the most plausible linkage, and others drawn.
    person_ids : a lasting pseudonym of the person of each record.
    """

    records: pa.Table
    pairs: Pairs
    log_odds: NDArray[np.float64]
    linkage: Linkage
    person_ids: tuple[str, ...]
    seed: int

    @property
    def encoded(self) -> bool:
        """Whether the records are encodings."""
        return "filter" in self.records.column_names

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the lists, in alphabetical order."""
        return tuple(sorted(set(self.records["list"].to_pylist())))

    def rows(self) -> tuple[Ints, Ints]:
        """The two records of each pair, as rows of ``records``."""
        return rows_of(self.records, self.pairs)

    @cached_property
    def quality(self) -> Quality:
        """How many links are right, and how many were missed, with intervals."""
        return quality(self.linkage, *self.rows())


def link_records(
    records: pa.Table,
    *,
    clean: Collection[str] = (),
    before: Mapping[str, str] | None = None,
    reviewed: Mapping[tuple[str, str], bool] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    database: Any = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Persons:
    """Find the persons behind the records.

    Parameters
    ----------
    records : of ``records.comparable_records``, or encodings that belong together (``agreement.read_encodings``).
    clean : lists that have each person once, so that no two records of theirs are one person.
    before : person of each record in an earlier linkage; who was known keeps the pseudonym.
    reviewed : pairs of records, the smaller id first, that people looked at, and whether each is one person.
    draws : plausible linkages to draw. seed : of all chance. database : see ``model.compare``.
    progress : told what is being done.

    Raises
    ------
    AmparoError : nothing can be compared; a list that is called clean is not there; fewer than two records.
    """
    lists = set(records["list"].to_pylist())
    unknown = sorted(set(clean) - lists)
    if unknown:
        raise AmparoError(f"There is no list {unknown[0]!r}.", remedy=f"Known: {', '.join(sorted(lists))}.")
    if len(records) < 2:
        raise AmparoError("There are fewer than two records to link.", remedy="Load the lists first.")
    if "filter" in records.column_names:
        progress("Searching the encodings for pairs")
        records = _with_keys(records)
    progress("Learning what agreement tells")
    pairs = compare(records, database=database, clean=clean, seed=seed)
    log_odds = _calibration(pairs, reviewed or {}).apply(pairs.log_odds)
    progress("Finding the persons")
    left, right = rows_of(records, pairs)
    prior = float(np.log(pairs.prior / (1 - pairs.prior)))
    linkage = link(
        len(records), left, right, log_odds, other=prior, apart=_apart(records, clean), draws=draws, seed=seed
    )
    ids = person_ids(linkage.persons, records["record_id"].to_pylist(), before or {})
    return Persons(records, pairs, log_odds, linkage, ids, seed)


def _calibration(pairs: Pairs, reviewed: Mapping[tuple[str, str], bool]) -> Calibration:
    """What the reviewed pairs teach."""
    found = [reviewed.get(pair) for pair in zip(pairs.frame["left"], pairs.frame["right"], strict=True)]
    known = np.array([one is not None for one in found], dtype=bool)
    return calibrate(pairs.log_odds[known], np.array([one for one in found if one is not None], dtype=bool))


def rows_of(records: pa.Table, pairs: Pairs) -> tuple[Ints, Ints]:
    """The two records of each pair, as rows of ``records``."""
    row = {record: at for at, record in enumerate(records["record_id"].to_pylist())}
    left, right = (pairs.frame[side].map(row).to_numpy(dtype=np.int64) for side in ("left", "right"))
    return left, right


def _with_keys(encodings: pa.Table) -> pa.Table:
    """Each pair that is worth comparing becomes a key that its two records share."""
    keys: list[list[str]] = [[] for _ in range(len(encodings))]
    for number, (one, other) in enumerate(zip(*(side.tolist() for side in worth_comparing(encodings)), strict=True)):
        keys[one].append(str(number))
        keys[other].append(str(number))
    return encodings.append_column("keys", pa.array(keys, pa.list_(pa.string())))


def _apart(records: pa.Table, clean: Collection[str]) -> Callable[[int, int], bool]:
    lists = records["list"].to_pylist()
    once = frozenset(clean)
    return lambda one, other: lists[one] == lists[other] and lists[one] in once


def person_ids(persons: Ints, record_ids: list[str], before: Mapping[str, str]) -> tuple[str, ...]:
    """A lasting pseudonym for each record's person.

    A person keeps the pseudonym that most of the records had, if no other person has more records of it; a new one
    comes from the pseudonym of the first record, which itself needs the key to be made.
    """
    members: dict[int, list[str]] = {}
    for person, record in zip(persons.tolist(), record_ids, strict=True):
        members.setdefault(person, []).append(record)
    claims = [
        (-count, known, person)
        for person, records in members.items()
        for known, count in Counter(before[record] for record in records if record in before).items()
    ]
    name: dict[int, str] = {}
    taken: set[str] = set()
    for _, known, person in sorted(claims):
        if person not in name and known not in taken:
            name[person] = known
            taken.add(known)
    for person, records in members.items():
        if person not in name:
            fresh = (hashlib.sha256(f"person/{record}".encode()).hexdigest()[:16] for record in sorted(records))
            name[person] = next(one for one in fresh if one not in taken)
            taken.add(name[person])
    return tuple(name[person] for person in persons.tolist())
