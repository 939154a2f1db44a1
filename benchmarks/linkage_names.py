"""What each difficulty of names and birth dates costs in recall, on the demonstration country, whose truth is known.

    python benchmarks/linkage_names.py [--victims 6000] [--seeds 31 43] [--share 0.5]

First the country as it is, with F1 by seed, and recall by the scripts of the two records of a pair. Then a country
without any difficulty of names and birth dates (every name as in the passport, every birth date right), and the same
with one of them for a share of the records or name parts. Recall is of all pairs of records that are one person,
in clear and encoded (all variables shared that may be); F1 beside it. The tables stand in docs/linkage-names.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from amparo.intake.key import Key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.linkage.encode import SHAREABLE, encode
from amparo.linkage.persons import link_records
from amparo.linkage.records import comparable_records
from amparo.simulation import Knobs, simulate
from amparo.simulation.agencies import LISTS
from amparo.standard.crosswalks import load

KEY = Key(bytes(range(32)))
EASY = Knobs(
    spelling=0, typing=0, turned=0, shortened=0, nickname=0, nameless=0, birth_missing=0, birth_date=0
)  # fmt: skip
DIFFICULTIES = {
    "none": {},
    "order of the parts turned": {"turned": 1},
    "second surname or father's name missing": {"shortened": 1},
    "another spelling of name parts": {"spelling": 1},
    "nickname, where there is one": {"nickname": 1},
    "typing slip in name parts": {"typing": 1},
    "birth date off (half: first of January)": {"birth_date": 1},
    "no birth date, age only": {"birth_missing": 1},
    "no name": {"nameless": 1},
}
"""Knobs that are set to the share; by each difficulty."""


def country(knobs: Knobs, seed: int) -> tuple[pa.Table, list[int]]:
    """The lists of a simulated country made ready, and the person of each record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder / "country", seed=seed, knobs=knobs)
        workspace = Workspace(folder / "workspace", KEY)
        for file in sorted((folder / "country" / "lists").glob("*")):
            if file.suffix != ".toml":
                crosswalk = load(file.with_name(f"{file.name.split('.')[0]}.crosswalk.toml"))
                load_list(file, crosswalk, workspace, today=date(2026, 1, 15))
        identities = workspace.identities()
        records = comparable_records(identities, workspace.table("victims").to_pyarrow())
        truth = pd.read_parquet(folder / "country" / "truth" / "records.parquet")
    of_case = truth.drop_duplicates(["list", "case_number"]).set_index(["list", "case_number"])["person_id"]
    cases = zip(identities["list"].to_pylist(), identities["case_number"].to_pylist(), strict=True)
    return records, [int(of_case[case]) for case in cases]


@dataclass(frozen=True)
class Score:
    """Of pairs of records."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def pairs_of(persons: list[int]) -> set[tuple[int, int]]:
    """The pairs of records (rows) that are one person."""
    rows = defaultdict(list)
    for row, person in enumerate(persons):
        rows[person].append(row)
    return {pair for group in rows.values() for pair in itertools.combinations(group, 2)}


def linked(records: pa.Table, *, encoded: bool) -> set[tuple[int, int]]:
    """The pairs that linkage finds."""
    given = encode(records, KEY, SHAREABLE) if encoded else records
    return pairs_of(link_records(given, draws=1).linkage.persons.tolist())


def score(found: set[tuple[int, int]], true: set[tuple[int, int]]) -> Score:
    return Score(len(found & true) / len(found), len(found & true) / len(true))


def by_script(records: pa.Table, found: set[tuple[int, int]], true: set[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Pairs found and in truth, by the scripts of the two agencies."""
    script = {agency.name: agency.script for agency in LISTS}
    scripts = [script[name] for name in records["list"].to_pylist()]
    out: dict[str, tuple[int, int]] = {}
    for pair in true:
        both = " and ".join(sorted({scripts[row] for row in pair}))
        hits, many = out.get(both, (0, 0))
        out[both] = (hits + (pair in found), many + 1)
    return dict(sorted(out.items()))


def head(*columns: str) -> None:
    """The head of a table."""
    print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--victims", type=int, default=6000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31])
    parser.add_argument("--share", type=float, default=0.5)
    given = parser.parse_args()
    ways = {"clear": False, "encoded": True}
    head("seed", "records", "F1 in clear", "precision, recall", "F1 encoded", "precision, recall")
    scripts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(4, int))
    for seed in given.seeds:
        records, persons = country(Knobs(victims=given.victims), seed)
        true, cells = pairs_of(persons), []
        for at, encoded in enumerate(ways.values()):
            found = linked(records, encoded=encoded)
            got = score(found, true)
            cells.append(f"{got.f1:.4f} | {got.precision:.3f}, {got.recall:.3f}")
            for both, counts in by_script(records, found, true).items():
                scripts[both][2 * at : 2 * at + 2] += counts
        print(f"| {seed} | {len(records):,} | {' | '.join(cells)} |", flush=True)
    head("scripts of the pair", "pairs", "recall in clear", "recall encoded")
    for both, (clear, many, encoded, _) in scripts.items():
        print(f"| {both} | {many:,} | {clear / many:.3f} | {encoded / many:.3f} |")
    head(f"difficulty, for {given.share:.0%}", "recall in clear", "F1", "recall encoded", "F1")
    for said, knobs in DIFFICULTIES.items():
        sums = {way: np.zeros(3) for way in ways}
        for seed in given.seeds:
            set_to = dict.fromkeys(knobs, given.share)
            records, persons = country(replace(EASY, victims=given.victims, **set_to), seed)
            true = pairs_of(persons)
            for way, encoded in ways.items():
                try:
                    found = linked(records, encoded=encoded)
                except ValueError as error:  # of Splink, when a level sinks under its least number
                    print(f"seed {seed}, {said}, {way}: {error}", file=sys.stderr)
                    sums[way] += np.nan
                    continue
                sums[way] += len(found & true), len(found), len(true)
        cells = []
        for hits, many, are in sums.values():
            cells.append("fails | fails" if np.isnan(hits) else f"{hits / are:.3f} | {2 * hits / (many + are):.3f}")
        print(f"| {said} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
