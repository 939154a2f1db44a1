"""How far the answer depends on the choices: every defensible analysis side by side.

What critics of multiple systems estimation ask for (Whitehead, Jackson, Balch & Francis 2021, J. Human
Trafficking 7): lists left out and merged, effects forced in and out, thresholds, and methods against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import altair as alt
import numpy as np
import pandas as pd

from amparo.prevalence.bootstrap import bca
from amparo.prevalence.decomposable import MOST_LISTS, decomposable
from amparo.prevalence.loglinear import Model, fit, stepwise
from amparo.prevalence.profile import profile_interval
from amparo.prevalence.result import Estimate
from amparo.prevalence.simple import chao, chapman, sample_coverage, zelterman
from amparo.prevalence.table import CaptureTable, all_pairs
from amparo.standard.errors import AmparoError

THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
LEVEL = 0.95


@dataclass(frozen=True)
class Multiverse:
    """All analyses of one table.

    ``frame``: one row per analysis with ``choice`` (what was varied), ``variant`` (how), ``estimate``, ``lower``,
    ``upper`` (persons, 95 %), ``note`` (why there is no estimate, where there is none).
    """

    frame: pd.DataFrame
    observed: int

    @property
    def usable(self) -> pd.DataFrame:
        """The analyses that gave an estimate."""
        return self.frame[self.frame["estimate"].notna()]

    @property
    def sentence(self) -> str:
        """How far the answer depends on the choices, in one sentence."""
        estimates = self.usable["estimate"]
        low, quarter, middle, three, high = np.quantile(estimates, [0, 0.25, 0.5, 0.75, 1])
        extreme = self.usable.loc[(np.log(estimates) - np.log(middle)).abs().idxmax()]
        return (
            f"Over {len(estimates)} analyses the estimate runs from {low:,.0f} to {high:,.0f}; half of them give "
            f"{quarter:,.0f} to {three:,.0f}, and the choice that moves it most is {extreme['choice']}: "
            f"{extreme['variant']} ({extreme['estimate']:,.0f})."
        )

    def plot(self) -> alt.LayerChart | alt.FacetChart:
        """Each analysis as a point with its interval, in order of the estimate; the number seen as a dashed line."""
        frame = self.usable.sort_values("estimate").reset_index(drop=True)
        frame["order"] = np.arange(len(frame))
        scale = alt.Scale(type="log", nice=False)
        base = alt.Chart(frame).encode(x=alt.X("order:Q", axis=None), color=alt.Color("choice:N", title=None))
        bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("lower:Q", title="persons", scale=scale), y2="upper:Q")
        points = base.mark_circle(size=30, opacity=1).encode(y=alt.Y("estimate:Q", scale=scale))
        seen = alt.Chart(pd.DataFrame({"seen": [self.observed]})).mark_rule(strokeDash=[4, 3]).encode(y="seen:Q")
        return alt.layer(bars, points, seen).properties(width=640, height=320)


def multiverse(
    table: CaptureTable,
    *,
    threshold: float = 0.02,
    replicates: int = 500,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Multiverse:
    """Estimate the population under every choice that a critic may ask about.

    Parameters
    ----------
    threshold : the threshold of the analysis that the others are varied around.
    replicates, seed : of the bootstrap intervals.
    """
    chosen = stepwise(table, threshold=threshold).model
    again = partial(_stepwise, replicates=replicates, seed=seed)
    tasks: list[tuple[str, str, Callable[[], Estimates]]] = [
        ("threshold", f"{p:g}", partial(again, table, threshold=p)) for p in THRESHOLDS
    ]
    if len(table.lists) > 2:
        # The tables are made when their turn comes: one that carries no estimate is told as such.
        tasks += [
            ("list left out", name, partial(_of_table, partial(table.without, [i]), again, threshold))
            for i, name in enumerate(table.lists)
        ]
        tasks += [
            ("lists merged", _merged_name(table, g), partial(_of_table, partial(table.merged, g), again, threshold))
            for g in _merges(table)
        ]
    for pair in all_pairs(len(table.lists)):
        has = frozenset(pair) in chosen.effects
        model = Model(chosen.effects - {frozenset(pair)} if has else chosen.effects | {frozenset(pair)})
        name = f"{table.pair_names([pair])[0]} forced {'out' if has else 'in'}"
        tasks.append(("effect between lists", name, partial(_fit, table, model)))
    methods: list[tuple[str, Callable[[CaptureTable], Estimate]]] = [
        ("Chao's lower bound", chao),
        ("Zelterman", zelterman),
    ]
    if len(table.lists) == 2:
        methods.append(("Chapman", chapman))
    if len(table.lists) == 3:
        methods.append(("Sample coverage", partial(sample_coverage, seed=seed)))
    if len(table.lists) <= MOST_LISTS:
        methods.append(("Decomposable graphs", decomposable))
    tasks += [("method", name, partial(_method, method, table)) for name, method in methods]
    rows = []
    for number, (choice, variant, run) in enumerate(tasks):
        try:
            rows.append((choice, variant, *run(), ""))
        except AmparoError as error:
            rows.append((choice, variant, np.nan, np.nan, np.nan, error.message))
        if progress:
            progress(number + 1, len(tasks))
    frame = pd.DataFrame(rows, columns=["choice", "variant", "estimate", "lower", "upper", "note"])
    return Multiverse(frame, table.observed)


Estimates = tuple[float, float, float]
"""Estimate, lower and upper limit, persons."""


def _stepwise(table: CaptureTable, *, threshold: float, replicates: int, seed: int) -> Estimates:
    boot = bca(table, threshold=threshold, replicates=replicates, seed=seed)
    return boot.estimate, *boot.interval(LEVEL)


def _of_table(make: Callable[[], CaptureTable], run: Callable[..., Estimates], threshold: float) -> Estimates:
    return run(make(), threshold=threshold)


def _fit(table: CaptureTable, model: Model) -> Estimates:
    found = fit(table, model)
    return found.estimate, *profile_interval(found, level=LEVEL)


def _method(method: Callable[[CaptureTable], Estimate], table: CaptureTable) -> Estimates:
    found = method(table)
    return found.estimate, *found.interval(LEVEL)


def _merges(table: CaptureTable) -> list[list[list[int]]]:
    """The two smallest lists as one, and the three smallest as one, where at least two lists remain."""
    persons = table.counts @ table.histories
    order = [int(i) for i in np.argsort(persons, kind="stable")]
    out = []
    for together in (2, 3):
        if len(order) - together + 1 >= 2:
            group = sorted(order[:together])
            rest = [[i] for i in range(len(order)) if i not in group]
            out.append([group, *rest])
    return out


def _merged_name(table: CaptureTable, groups: list[list[int]]) -> str:
    return " + ".join(table.lists[i] for i in groups[0])
