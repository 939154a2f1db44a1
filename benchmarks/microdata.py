"""Protected microdata: AIM beside pac-synth as it is, on records of the shape of CTDC's, each in a process of its own.

    python benchmarks/microdata.py ctdc_one_hot_91k.csv.gz [--epsilon 4 1] [--seed 1] [--json microdata.json]
    python benchmarks/microdata.py --simulated 20000        (made-up records, for a machine without that file)

The file has whole-number codes of which 0 is "not recorded", in all columns; so it goes into both methods. Both have
delta = 1 / (n ln n), pac-synth's default. AIM's neighbours replace a record, pac-synth's add or remove one; for the
same noise the first is the dearer promise in epsilon.

Errors are of counts of 1, 2 and 3 columns, in persons, means over cells:
- "all cells": |count - true count| over every cell of every set of columns, not recorded being a value;
- "recorded": over combinations of recorded values that occur in the original, as pac-synth counts;
- "relative": the same divided by the true count, a mean of ratios, as pac-synth reports its accuracy.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from amparo.protection.microdata import Aim, KAnonymity, PacSynth, PrivateMicrodata, release_microdata
from amparo.protection.microdata.queries import Records, size_of

METHODS = ("AIM", "pac-synth", "k-anonymity")
PROVENANCE = {"version": "benchmark"}


def read(path: Path) -> PrivateMicrodata:
    """Whole-number codes; 0 is not recorded. The codes are taken from the file, for no person is in it."""
    codes = pd.read_csv(path)
    frame = codes.astype(str).where(codes != 0, None).astype(object)
    return PrivateMicrodata(
        frame, {column: tuple(str(code) for code in range(1, codes[column].max() + 1)) for column in codes}
    )


def made_up(number: int, seed: int = 1) -> PrivateMicrodata:
    """Twelve columns that hang together through three hidden kinds of person."""
    random = np.random.default_rng(seed)
    kind = random.integers(3, size=number)
    columns = {}
    for k in range(12):
        codes = 6 if k == 0 else 2
        chances = random.dirichlet(np.full(codes, 0.6), size=3)
        drawn = (random.random(number)[:, None] > np.cumsum(chances, axis=1)[kind]).sum(axis=1)
        columns[f"c{k}"] = np.minimum(drawn, codes - 1)
    frame = pd.DataFrame(columns)
    categories = {c: tuple(str(code) for code in range(1, 6 if c == "c0" else 2)) for c in frame}
    return PrivateMicrodata(frame.astype(str).where(frame != 0, None).astype(object), categories)


def errors(private: PrivateMicrodata, released: pd.DataFrame) -> dict[str, float]:
    """Mean errors by number of columns, as the head of this file says."""
    true, ours = private.records(), Records.of(private.coded(released), private.shape)
    found = {}
    for k in (1, 2, 3):
        every, recorded, relative = [], [], []
        for columns in combinations(range(len(private.shape)), k):
            count = true.counts(columns)
            error = np.abs(count - ours.counts(columns))
            every.append(error)
            shape = [private.shape[c] for c in columns]
            places = np.array(np.unravel_index(np.arange(size_of(private.shape, columns)), shape))
            known = (places != np.array(shape)[:, None] - 1).all(axis=0) & (count > 0)
            recorded.append(error[known])
            relative.append(error[known] / count[known])
        for name, parts in (("all", every), ("recorded", recorded), ("relative", relative)):
            found[f"{name} {k}"] = float(np.concatenate(parts).mean())
    return found


def one(asked: argparse.Namespace) -> dict[str, float | str]:
    """One method at one epsilon: seconds and memory of the release, then its errors."""
    private = made_up(asked.simulated) if asked.simulated else read(asked.file)
    method = {
        "AIM": Aim(asked.epsilon[0]),
        "pac-synth": PacSynth(asked.epsilon[0]),
        "k-anonymity": KAnonymity(10),
    }[asked.method]
    started = time.perf_counter()
    release = release_microdata(private, method=method, provenance=PROVENANCE, seed=asked.seed)
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    promise = f"{release.epsilon:g}" if release.epsilon else "k = 10"
    facts = {"method": asked.method, "epsilon": promise, "delta": release.delta or 0.0, "seconds": seconds}
    facts |= {"MB": memory, "records in": len(private), "records out": len(release)}
    return facts | errors(private, release.frame)


def main() -> None:
    """Run each method at each epsilon, one after another, and print them side by side."""
    parser = argparse.ArgumentParser(description="AIM beside pac-synth.")
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--simulated", type=int, default=0, help="so many made-up records instead of a file")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[4.0, 1.0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--method", choices=METHODS, help="this one alone, in this process, as JSON")
    asked = parser.parse_args()
    if asked.file is None and not asked.simulated:
        parser.error("name the file, or give --simulated")
    if asked.method:
        print(json.dumps(one(asked)))
        return
    runs = [(method, epsilon) for epsilon in asked.epsilon for method in METHODS[:2]] + [("k-anonymity", 0.0)]
    rows = []
    for method, epsilon in runs:
        source = ["--simulated", str(asked.simulated)] if asked.simulated else [str(asked.file)]
        command = [sys.executable, __file__, *source, "--epsilon", str(epsilon), "--seed", str(asked.seed)]
        done = subprocess.run([*command, "--method", method], check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
        print(f"{method}, {rows[-1]['epsilon']}: {rows[-1]['seconds']:.1f} s", file=sys.stderr)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    table = pd.DataFrame(rows)
    with pd.option_context("display.width", 200, "display.max_columns", None):
        print(
            table.drop(columns="delta")
            .set_index(["method", "epsilon"])
            .T.map(lambda x: f"{x:,.3f}".rstrip("0").rstrip("."))
        )
    for epsilon in dict.fromkeys(row["epsilon"] for row in rows if row["method"] == "AIM"):
        pair = {row["method"]: row for row in rows if row["epsilon"] == epsilon}
        for measure in ("all", "recorded", "relative"):
            ratio = pair["AIM"][f"{measure} 3"] / pair["pac-synth"][f"{measure} 3"]
            print(
                f"epsilon {epsilon}: AIM's error of 3-way counts ({measure}) is {ratio:.4f} of pac-synth's (goal 0.5)"
            )


if __name__ == "__main__":
    main()
