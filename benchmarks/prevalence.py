"""Multiple systems estimation beside the field's R packages, one core each.

Where R and the packages are installed, both run here on the same table in the same run; elsewhere the R column
says so and the ratio is against the time once measured with R 4.2.2 on one core of a two-core machine.

    OMP_NUM_THREADS=1 python benchmarks/prevalence.py
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from amparo.prevalence.bootstrap import bca
from amparo.prevalence.decomposable import decomposable, decomposable_graphs
from amparo.prevalence.loglinear import fit_all
from amparo.prevalence.table import read_capture_table

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "mse"

READ = 'd <- read.csv("{path}"); '
TIMED = "t <- system.time({{{code}}})[['elapsed']]; cat('\\nSECONDS', t, '\\n')"


def r_seconds(package: str, path: Path, code: str) -> float | None:
    """Seconds that R takes, or None where R or the package is missing."""
    if not shutil.which("Rscript"):
        return None
    script = f"suppressMessages(library({package})); " + READ.format(path=path) + TIMED.format(code=code)
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("SECONDS")]
    return float(lines[-1].split()[1]) if lines else None


def seconds(run: Callable[[], object]) -> float:
    """Best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def row(name: str, ours: float, package: str, here: float | None, once: float, once_note: str) -> None:
    peer = here if here is not None else once
    where = "this run" if here is not None else f"measured once: {once_note}"
    print(f"| {name} | {ours:.3f} s | {package} {peer:.1f} s ({where}) | {peer / ours:,.0f}× |")


def main() -> None:
    if not DATA.exists():
        print("skipped: the published tables of ../shared/data/mse are not here")
        return
    uk, orleans, ned = (DATA / f"{name}.csv" for name in ("UKdat", "NewOrl", "Ned_5"))
    print("| job | Amparo | peer | ratio |\n| --- | --- | --- | --- |")
    for name, path, replicates, once in (("UKdat", uk, 20, 8.71), ("NewOrl", orleans, 20, 19.48)):
        table = read_capture_table(path)[()]
        jackknife = int((table.counts > 0).sum())
        per_fit = once / (replicates + jackknife + 1)
        ours = seconds(lambda t=table: bca(t, replicates=1000, seed=1))
        here = r_seconds("SparseMSE", path, "estimatepopulation(as.matrix(d), nboot=1000)")
        note = f"{once} s for {replicates} replicates and the jackknife, scaled by fits"
        row(f"1,000 BCa replicates, {name}", ours, "SparseMSE", here, per_fit * (1000 + jackknife + 1), note)
    table = read_capture_table(uk)[()]
    here = r_seconds("Rcapture", uk, "closedpMS.t(d, dfreq=TRUE, maxorder=2)")
    row("all 32,768 six-list models, UKdat", seconds(lambda: fit_all(table)), "Rcapture", here, 167.1, "167.1 s")
    five = read_capture_table(ned)[()]
    decomposable_graphs.cache_clear()
    start = time.perf_counter()
    decomposable(five)
    first = time.perf_counter() - start
    row("822 decomposable graphs, Ned_5, first call", first, "dga", None, 19.08, "19.08 s")
    row("822 decomposable graphs, Ned_5, again", seconds(lambda: decomposable(five)), "dga", None, 19.08, "19.08 s")


if __name__ == "__main__":
    main()
