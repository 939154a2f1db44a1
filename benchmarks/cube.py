"""The full cube of 10,000,000 records: one Ibis expression on DuckDB beside pandas' own group-by.

    python benchmarks/cube.py [--records 10000000] [--runs 3]

Both give the counts of every combination of year × sex × age × citizenship and of every total, and are compared
cell by cell. pandas starts from categorical columns in memory, its best case; DuckDB reads the Parquet file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from amparo.standard.countries import countries
from amparo.statistics.tables import tabulate

DIMS = ["year", "sex", "age_group", "citizenship"]


def made_up(records: int, seed: int = 1) -> pd.DataFrame:
    """Records with no missing value, so that pandas' group-by drops none."""
    random = np.random.default_rng(seed)
    codes = {
        "year": [str(year) for year in range(2010, 2025)],
        "sex": ["female", "male", "other", "unknown"],
        "age_group": ["child", "adult", "unknown"],
        "citizenship": sorted(countries())[:60],
    }
    return pd.DataFrame(
        {dim: pd.Categorical.from_codes(random.integers(len(c), size=records), c) for dim, c in codes.items()}
    )


def with_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """The cube, group-by after group-by."""
    parts = []
    for size in range(1, len(DIMS) + 1):
        for dims in combinations(DIMS, size):
            part = frame.groupby(list(dims), observed=True).size().rename("count").reset_index()
            parts.append(part.astype(dict.fromkeys(dims, object)).assign(**{d: "_T" for d in DIMS if d not in dims}))
    parts.append(pd.DataFrame([{**dict.fromkeys(DIMS, "_T"), "count": len(frame)}]))
    cube = pd.concat(parts, ignore_index=True)[[*DIMS, "count"]]
    return cube.sort_values(DIMS, ignore_index=True)


def best(call: Callable[[], pd.DataFrame], runs: int) -> tuple[float, pd.DataFrame]:
    """Seconds of the fastest run, and its result."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description="The full cube on DuckDB beside pandas.")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    frame = made_up(asked.records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.parquet"
        frame.to_parquet(path)
        records = ibis.duckdb.connect().read_parquet(path)
        ours, here = best(lambda: tabulate(records, DIMS, name="cube").frame, asked.runs)
    theirs, there = best(lambda: with_pandas(frame), asked.runs)
    pd.testing.assert_frame_equal(here, there, check_dtype=False)
    print(f"{asked.records:,} records, {len(here):,} cells, the same in both; best of {asked.runs}")
    print(f"amparo (DuckDB)  {ours:6.2f} s\npandas           {theirs:6.2f} s\nratio            {theirs / ours:6.1f}")


if __name__ == "__main__":
    main()
