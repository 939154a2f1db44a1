"""Secondary suppression of a 10,000-cell three-way table: seconds, and the share withheld beside the optimum's bound.

    python benchmarks/suppression.py [--shape 100 10 10] [--mean 20] [--seed 1] [--threshold 10]

The counts are Poisson with rates that fall off as 1/rank in every dimension, times an exponential: about half of them
are 1 to 9, a fifth are zero, the largest has thousands. Every primary cell's width is proven by whole-numbered tables;
here these are checked once more on cells drawn at random, by the outsider's linear programme, which knows nothing of
how they were found. The bound is of the optimum, which nobody knows for tables of this size: the best pattern lies
between the two numbers.
"""

from __future__ import annotations

import argparse
import time
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from amparo.protection import Rule, release
from amparo.protection.cells import Shape, gather, matrix
from amparo.protection.suppression import optimal_suppression
from amparo.statistics.tables import PrivateTable


def skewed(shape: tuple[int, ...], mean: float, seed: int) -> PrivateTable:
    """A table with all its totals."""
    random = np.random.default_rng(seed)
    rate = random.gamma(1.0, 1.0, shape)
    for axis, size in enumerate(shape):
        rate = rate * (1 / np.arange(1, size + 1)).reshape([-1 if k == axis else 1 for k in range(len(shape))])
    counts = random.poisson(rate / rate.mean() * mean)
    for axis in range(len(shape)):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    dims = tuple(f"dim{axis}" for axis in range(len(shape)))
    codes = [[*(f"{k:03}" for k in range(size)), "_T"] for size in shape]
    rows = [(*key, int(value)) for key, value in zip(product(*codes), counts.ravel(), strict=True)]
    frame = pd.DataFrame(rows, columns=[*dims, "count"])
    return PrivateTable("table", "records", dims, frozenset(), frame, "made up")


def width(table: PrivateTable, hidden: np.ndarray, row: int, threshold: int) -> float:
    """How far apart the least and the largest count of a row lie, as far as twice the threshold from the truth."""
    keys = list(table.frame[list(table.dims)].itertuples(index=False, name=None))
    cells = gather([Shape(table.name, table.unit, table.dims, table.overlapping, keys, complete=True)])
    counts = table.frame["count"].to_numpy(dtype=float)  # one table: its rows are its cells, in order
    ties = matrix(cells.relations, len(counts))
    low = np.where(hidden, np.maximum(1, counts - 2 * threshold), counts)
    high = np.where(hidden, counts + 2 * threshold, counts)
    objective = np.eye(1, len(counts), row)[0]
    ends = [
        linprog(sign * objective, A_eq=ties, b_eq=np.zeros(ties.shape[0]), bounds=np.column_stack([low, high]))
        for sign in (1, -1)
    ]
    return float(-ends[1].fun - ends[0].fun)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description="Secondary suppression of a three-way table.")
    parser.add_argument("--shape", type=int, nargs="+", default=[100, 10, 10])
    parser.add_argument("--mean", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threshold", type=int, default=10)
    parser.add_argument("--checked", type=int, default=5, help="cells whose interval is checked once more")
    asked = parser.parse_args()
    table = skewed(tuple(asked.shape), asked.mean, asked.seed)
    counts = table.frame["count"].to_numpy()
    started, used = time.perf_counter(), time.process_time()
    found = release([table], rule=Rule(asked.threshold), provenance={})
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    keys = table.frame.merge(found["table"].frame, on=list(table.dims))
    hidden = (keys["status"] == "withheld").to_numpy()
    small = (counts >= 1) & (counts < asked.threshold)
    print(f"{int(np.prod(asked.shape)):,} cells and {len(counts) - int(np.prod(asked.shape)):,} totals;", end=" ")
    print(f"{(counts == 0).mean():.1%} zero, {small.mean():.1%} of 1 to {asked.threshold - 1}")
    print(f"withheld        {hidden.mean():6.1%}  ({hidden.sum():,} cells) in {seconds:.1f} s (processor {cpu:.1f} s)")
    started = time.perf_counter()
    bound = optimal_suppression([table], asked.threshold, programmes=0)
    seconds = time.perf_counter() - started
    print(f"at least        {bound.at_least / len(counts):6.1%}  ({bound.at_least:,.0f} cells) in {seconds:.1f} s")
    print(f"of these small  {small.mean():6.1%}  ({small.sum():,} cells)")
    drawn = np.random.default_rng(asked.seed).choice(np.flatnonzero(small), asked.checked, replace=False)
    started = time.perf_counter()
    widths = [width(table, hidden, int(cell), asked.threshold) for cell in drawn]
    seconds = time.perf_counter() - started
    narrow = sum(found < asked.threshold - 1.001 for found in widths)
    print(f"of {len(widths)} small cells checked by linear programme, too narrow: {narrow} ({seconds:.1f} s)")


if __name__ == "__main__":
    main()
