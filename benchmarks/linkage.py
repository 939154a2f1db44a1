"""Linkage: time, memory and F1 by size, and beside plain Splink, recordlinkage and anonlink; each in its own process.

    python benchmarks/linkage.py [--clear 20000] [--encoded 5000] [--peers 5000] [--seed 1] [--json linkage.json]
    python benchmarks/linkage.py --clear 1000000 --encoded 100000

``clear``: records in five lists, one in Cyrillic and one in Arabic letters. ``encoded``: so many persons in each of
two lists. ``peers``: two lists in Latin letters, since peers do not read other scripts; a peer that cannot block on
encodings compares all of them. Persons are made up: names of eight cultures, a birth date, for half of
them a telephone number; a fifth of the name parts is spelt in another way, 3 of 100 have a slip, and 6 of 100 birth
dates are missing or the first of January. F1 is of pairs of records.

Peers, as their tutorials have them: Splink with its NameComparison, DateOfBirthComparison and exact telephone,
blocked on the family name or the birth date; recordlinkage with Jaro-Winkler names (0.85) and ECM on the same blocks;
anonlink on our encodings with Dice, threshold 0.5, greedy.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from amparo.intake.key import Key
from amparo.intake.workspace import analysis_schema, vault_schema
from amparo.linkage.encode import encode
from amparo.linkage.persons import link_records
from amparo.linkage.records import comparable_records
from amparo.simulation.names import CULTURES, draw_names, mistype, write_names

SCRIPTS = ("latin", "latin", "cyrillic", "arabic", "latin")
COUNTRY = {"es": "COL", "ng": "NGA", "fr": "CIV", "ar": "SYR", "ru": "RUS", "ro": "ROU", "uz": "UZB", "zh": "CHN"}
KEY = Key(bytes(range(32)))
Found = tuple[list[int], list[int]]  # persons as found and in truth, of the same records


def made_up(count: int, lists: int, persons: int, seed: int, scripts: tuple[str, ...] = SCRIPTS) -> pd.DataFrame:
    """``count`` records of ``persons`` persons in lists of like size; no person is in a list twice."""
    random = np.random.default_rng(seed)
    culture = random.integers(len(CULTURES), size=persons)
    names = draw_names(culture, random.random(persons) < 0.6, 0.6, random)
    birth = np.datetime64("1960-01-01") + random.integers(0, 50 * 365, persons)
    phone = np.where(random.random(persons) < 0.5, random.integers(10**8, 10**9, persons).astype(str), "")
    frames = []
    for number in range(lists):
        who = random.permutation(persons)[: count // lists]
        written = write_names(names.take(who), scripts[number], vary=0.2, random=random)
        born = birth[who].astype("datetime64[D]")
        fate = random.random(len(who))
        born = np.where(fate < 0.03, born.astype("datetime64[Y]").astype("datetime64[D]"), born)
        frames.append(
            pd.DataFrame(
                {
                    "record_id": [f"{number}-{row}" for row in range(len(who))],
                    "list": f"list {number}",
                    "given_name": mistype(written.given, 0.03, random),
                    "family_name": mistype(written.family, 0.03, random),
                    "date_of_birth": pd.Series(born).where(fate < 0.97),
                    "phone": phone[who],
                    "citizenship": np.array([COUNTRY[code] for code in CULTURES])[culture[who]],
                    "person": who,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def ready(frame: pd.DataFrame) -> pa.Table:
    """The records, made ready to be compared."""
    born = frame["date_of_birth"].dt.date
    cells = {
        name: frame[name].where(frame[name] != "", None)
        for name in ("record_id", "list", "given_name", "family_name", "phone")
    }
    cells |= {
        "date_of_birth": born.where(born.notna(), None),
        "date_of_birth_precision": np.where(born.notna(), "day", None),
    }
    facts = {
        "record_id": frame["record_id"],
        "list": frame["list"],
        "citizenship": [[code] for code in frame["citizenship"]],
    }
    return comparable_records(_table(cells, vault_schema("victims")), _table(facts, analysis_schema("victims")))


def _table(cells: dict[str, Any], schema: pa.Schema) -> pa.Table:
    nothing = [None] * len(cells["record_id"])
    columns = [pa.array(cells.get(field.name, nothing), field.type, from_pandas=True) for field in schema]
    return pa.table(columns, schema=schema)


def f1(found: list[int], true: list[int]) -> float:
    """F1 of the pairs of records said to be one person."""
    both = pd.DataFrame({"found": found, "true": true})
    hits, said, are = (
        float((counts * (counts - 1) / 2).sum())
        for counts in (both.value_counts(), both["found"].value_counts(), both["true"].value_counts())
    )
    return 2 * hits / (said + are)


# --- what is timed ------------------------------------------------------------------------------------------


def clear(size: int, seed: int) -> Found:
    frame = made_up(size, 5, size // 2, seed)
    stage = _clock()
    records = ready(frame)
    stage("records made ready")
    persons = link_records(records, draws=1, progress=stage).linkage.persons
    stage("done")
    return persons.tolist(), frame["person"].tolist()


def encoded(size: int, seed: int) -> Found:
    frame = made_up(2 * size, 2, 2 * size, seed)
    stage = _clock()
    encodings = encode(ready(frame), KEY, ("origin",))
    stage("encoded")
    persons = link_records(encodings, clean=("list 0", "list 1"), draws=1, progress=stage).linkage.persons
    stage("done")
    return persons.tolist(), frame["person"].tolist()


def _clock() -> Callable[[str], None]:
    """Says on standard error what is done or begins, after how long, and the most memory taken till then."""
    start = time.perf_counter()

    def stage(what: str) -> None:
        print(f"  {time.perf_counter() - start:8.1f} s  {_memory():5.2f} GB  {what}", file=sys.stderr, flush=True)

    return stage


def _peers(size: int, seed: int) -> pd.DataFrame:
    return made_up(2 * size, 2, int(1.5 * size), seed, ("latin", "latin"))


def amparo_clear(size: int, seed: int) -> Found:
    frame = _peers(size, seed)
    persons = link_records(ready(frame), clean=("list 0", "list 1"), draws=1).linkage.persons
    return persons.tolist(), frame["person"].tolist()


def amparo_encoded(size: int, seed: int) -> Found:
    frame = _peers(size, seed)
    persons = link_records(encode(ready(frame), KEY, ()), clean=("list 0", "list 1"), draws=1).linkage.persons
    return persons.tolist(), frame["person"].tolist()


def splink(size: int, seed: int) -> Found:
    import splink.comparison_library as library
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    frame = _peers(size, seed)
    given = frame.assign(date_of_birth=frame["date_of_birth"].dt.strftime("%Y-%m-%d")).replace({"": None})
    blocks = [block_on("family_name"), block_on("date_of_birth")]
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="record_id",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=[
            library.NameComparison("given_name"),
            library.NameComparison("family_name"),
            library.DateOfBirthComparison("date_of_birth", input_is_string=True),
            library.ExactMatch("phone"),
        ],
    )
    database = DuckDBAPI()
    tables = [database.register(part.drop(columns=["list", "person"])) for _, part in given.groupby("list")]
    linker = Linker(tables, settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(blocks, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=seed)
    for block in blocks:
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    pairs = linker.inference.predict(threshold_match_probability=0.5).as_pandas_dataframe()
    return _one_to_one(frame, pairs["record_id_l"], pairs["record_id_r"], pairs["match_weight"])


def recordlinkage(size: int, seed: int) -> Found:
    import recordlinkage as rl

    frame = _peers(size, seed)
    first, second = (part.set_index("record_id") for _, part in frame.groupby("list"))
    index = rl.Index()
    index.block("family_name")
    index.block("date_of_birth")
    compare = rl.Compare()
    for name in ("given_name", "family_name"):
        compare.string(name, name, method="jarowinkler", threshold=0.85)
    compare.exact("date_of_birth", "date_of_birth")
    compare.exact("phone", "phone")
    vectors = compare.compute(index.index(first, second), first, second)
    links = rl.ECMClassifier(binarize=0.5).fit_predict(vectors)
    return _one_to_one(frame, links.get_level_values(0), links.get_level_values(1), vectors.loc[links].sum(axis=1))


def anonlink(size: int, seed: int) -> Found:
    from anonlink.candidate_generation import find_candidate_pairs
    from anonlink.similarities import dice_coefficient_accelerated
    from anonlink.solving import greedy_solve
    from bitarray import bitarray

    frame = _peers(size, seed)
    encodings = encode(ready(frame), KEY, ())
    sides = []
    for name in ("list 0", "list 1"):
        side = []
        for place, row in zip(encodings["list"].to_pylist(), encodings["filter"].to_pylist(), strict=True):
            if place == name:
                bits = bitarray()
                bits.frombytes(row)
                side.append(bits)
        sides.append(side)
    groups = greedy_solve(find_candidate_pairs(sides, dice_coefficient_accelerated, 0.5))
    found = np.arange(len(frame))
    for group in groups:
        rows = [row + side * len(sides[0]) for side, row in group]
        found[rows] = rows[0]
    return found.tolist(), frame["person"].tolist()


def _one_to_one(frame: pd.DataFrame, left: pd.Index, right: pd.Index, weight: pd.Series) -> Found:
    """Of each record its best partner, if it is the best of that one too: the lists have each person once."""
    row = {record: at for at, record in enumerate(frame["record_id"])}
    found, taken = np.arange(len(frame)), set()
    pairs = sorted(zip(weight, left, right, strict=True), key=lambda pair: -pair[0])
    for _, one, other in pairs:
        if one not in taken and other not in taken:
            taken |= {one, other}
            found[row[one]] = found[row[other]] = min(row[one], row[other])
    return found.tolist(), frame["person"].tolist()


# --- running ------------------------------------------------------------------------------------------------

WAYS = {"clear": clear, "encoded": encoded}
PEERS = {
    "Amparo, in clear": amparo_clear,
    "Splink": splink,
    "recordlinkage": recordlinkage,
    "Amparo, encoded": amparo_encoded,
    "anonlink": anonlink,
}


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def one(name: str, size: int, seed: int) -> dict[str, float]:
    """Run it here: seconds, peak memory in GB, F1."""
    start = time.perf_counter()
    found, true = (WAYS | PEERS)[name](size, seed)
    return {"seconds": time.perf_counter() - start, "memory": _memory(), "f1": f1(found, true)}


def apart(name: str, size: int, seed: int) -> dict[str, float]:
    """Run it in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--size", str(size), "--seed", str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}


def _line(what: str, size: int, outcome: dict[str, float], ratio: float | None = None) -> None:
    if not outcome:
        print(f"{what:18} {size:>9,}  failed")
        return
    beside = f"  {ratio:6.2f} x our time" if ratio is not None else ""
    seconds, memory, score = outcome["seconds"], outcome["memory"], outcome["f1"]
    print(f"{what:18} {size:>9,}  {seconds:8.1f} s  {memory:5.2f} GB  F1 {score:.4f}{beside}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("clear", 20_000), ("encoded", 5_000), ("peers", 5_000), ("seed", 1), ("size", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--one", choices=[*WAYS, *PEERS])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.size, given.seed)))
        return
    out: dict[str, dict[str, float]] = {}
    for name in WAYS:
        if size := getattr(given, name):
            out[name] = apart(name, size, given.seed)
            _line(name, size, out[name])
    ours: dict[str, float] = {}
    for name in PEERS if given.peers else ():
        out[name] = apart(name, given.peers, given.seed)
        ours = out[name] if name.startswith("Amparo") else ours
        _line(name, given.peers, out[name], out[name]["seconds"] / ours["seconds"] if out[name] and ours else None)
    if given.json:
        given.json.write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
