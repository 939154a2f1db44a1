"""The attack report of released tables: what an outsider can derive of each cell that is not shown, before it is out.

The outsider is that of ``audit``. The interval found for each cell is held against what the rule asks, by
linear programmes that know nothing of how ``release`` chose what to withhold. Where a cell can be worked out, or a
small count is left too few values, there is no report but a refusal.

The report is made from private counts and says which cells are small; it is for the data-protection officer.

Source: Hundepool et al. (2012), Statistical Disclosure Control, ch. 4.3 (audit); Giessing & Hundepool (2001), The CASC
project: integrating best practice methods for statistical confidentiality (tau-Argus, whose audit this follows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from amparo.protection.audit import feasible_bounds
from amparo.protection.cells import label, tell_nothing
from amparo.protection.release import Release
from amparo.protection.suppression import Bools, Gathered, gathered
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable

BLUE, ORANGE = "#0072B2", "#D55E00"
"""Okabe & Ito (2008), as in the report's figures."""
MOST_BARS = 25
"""Possible counts that have a bar of their own; more stand together."""
SMALL, GUARD, BLURRED = "small", "guard", "blurred"


@dataclass(frozen=True)
class TableAttack:
    """What attacks on released tables found.

    ``cells`` : a row per cell, not per table, that is not shown exactly: ``unit``, ``cell``, ``tables``, ``lower``,
    ``upper`` (what an outsider can derive), ``left`` (possible counts, infinite where nothing bounds it), ``why``:
    ``small`` (by the rule), ``guard`` (withheld for another) or ``blurred`` (rounded or with noise).
    ``shown`` : a row per table: ``table``, ``cells``, ``exact``, ``interval``, ``withheld``.
    ``rare`` : a row per number of dimensions: ``codes`` in the cell, ``cells``, and those that count ``one`` record or
    fewer than ``fewest`` (``few``; ``few_exact`` of them shown): who knows so many things of a person may recognise
    them in such a cell. Cells that tell nothing of a person are left out.
    ``fewest`` : possible counts that the rule leaves open of a small one.
    """

    rule: str
    fewest: int
    cells: pd.DataFrame
    shown: pd.DataFrame
    rare: pd.DataFrame

    def sentences(self) -> list[str]:
        """What was found, in words."""
        cells = self.cells
        found = [
            self.rule,
            f"{int(self.shown['cells'].sum()):,} cells stand in {len(self.shown)} tables: "
            + ", ".join(f"{int(self.shown[how].sum()):,} {words}" for how, words in
                        (("exact", "exact"), ("interval", "as a range"), ("withheld", "withheld"))) + ".",
        ]  # fmt: skip
        if not len(cells):
            return [*found, "Every cell is shown exactly: there is nothing that could be worked out."]
        why = cells["why"].value_counts()
        if BLURRED in why:
            found.append(f"Each of {why[BLURRED]:,} different cells stands for a range of counts.")
        else:
            found.append(
                f"Of {len(cells):,} different withheld cells {why.get(SMALL, 0):,} are withheld by the rule, and "
                f"{why.get(GUARD, 0):,} to guard them."
            )
        found.append("Cells that can be worked out exactly: 0.")
        for kind, words in (
            (SMALL, "withheld by the rule"),
            (GUARD, "withheld as a guard"),
            (BLURRED, "shown as a range"),
        ):
            left = cells.loc[cells["why"] == kind, "left"]
            if len(left):
                found.append(
                    f"A cell {words} has at least {left.min():,.0f} possible counts; half have "
                    f"{_number(float(left.median()))} or more."
                )
        for row in self.rare.to_dict("records"):
            found.append(
                f"Of {row['cells']:,} cells of {_codes(row['codes'])} {row['one']:,} count one record and "
                f"{row['few']:,} fewer than {self.fewest}; {row['few_exact']:,} of these are shown exactly."
            )
        return found


def _number(value: float) -> str:
    return "no limit" if np.isinf(value) else f"{value:,.0f}"


def _codes(number: int) -> str:
    return "one category" if number == 1 else f"{number} categories"


def attack_tables(private: Sequence[PrivateTable], release: Release) -> TableAttack:
    """Attack a release of tables, with the true counts at hand to judge what was found.

    Parameters
    ----------
    private : the tables that the release was made from.

    Raises
    ------
    AmparoError : a cell that the release does not show can be worked out exactly, or a small one has fewer possible
        counts than the rule asks. Names the cell, never the count.
    """
    rule = release.rule
    withholds = rule.rounding is None and rule.noise is None
    found = gathered(private, rule.threshold, rule.dominance)
    place = {label(name): at for at, name in enumerate(found.cells.names)}
    cells = feasible_bounds(release)
    cells["left"] = cells["upper"] - cells["lower"] + 1
    at = np.array(
        [place.get(f"{unit}: {cell}", -1) for unit, cell in zip(cells["unit"], cells["cell"], strict=True)],
        dtype=np.int64,
    )
    # Where counts are blurred, combinations of which no record is have rows too.
    need = np.append(found.need, 0.0)[at]
    rise = np.append(found.counts + found.rise, 0.0)[at]
    cells["why"] = np.where(need > 0, SMALL, GUARD) if withholds else BLURRED
    known = cells["left"] < 2
    if not withholds:
        known &= np.append(found.counts, 0.0)[at] > 0
    for wrong, what in (
        (known, "can be worked out"),
        (withholds & (cells["left"] <= need), "leaves fewer possible counts than the rule asks"),
        (withholds & (cells["upper"] < rise), "lets one list tell another's share more closely than the rule allows"),
    ):
        if wrong.any():
            row = cells[wrong].iloc[0]
            raise AmparoError(
                f"{row['unit']}: {row['cell'] or 'grand total'} {what}"
                + (f", and so {'does' if int(wrong.sum()) == 2 else 'do'} {int(wrong.sum()) - 1} more"
                   if wrong.sum() > 1 else "") + ".",
                where=f"table {row['tables']}",
                remedy="Publish nothing, and report this fault of Amparo: what it released does not hold.",
            )  # fmt: skip
    exact = _exact(private, release, found)
    shown = [
        {"table": t.name, "cells": len(t.frame), **{s: int((t.frame["status"] == s).sum()) for s in STATUS}}
        for t in release
    ]
    return TableAttack(
        next(iter(release)).rule if len(release) else rule.sentence(),
        rule.fewest,
        cells.reset_index(drop=True),
        pd.DataFrame(shown, columns=["table", "cells", *STATUS]),
        _rare(found, exact, rule.fewest),
    )


STATUS = ("exact", "interval", "withheld")


def _exact(private: Sequence[PrivateTable], release: Release, found: Gathered) -> Bools:
    """The most direct attack: which cells does some table simply show? Shape (cells,).

    Raises
    ------
    AmparoError : a count that the rule withholds is among them.
    """
    shown = np.zeros(len(found.counts), dtype=np.bool_)
    for table, ids in zip(private, found.cells.of_rows, strict=True):
        dims = list(table.dims)
        frame = release[table.name].frame
        exact = {tuple(row) for row in frame.loc[frame["status"] == "exact", dims].itertuples(index=False)}
        here = np.array([tuple(row) in exact for row in table.frame[dims].astype(str).itertuples(index=False)])
        if (here & (found.need[ids] > 0)).any():
            raise AmparoError(
                "A count that the rule withholds is shown.",
                where=f"table {table.name}",
                remedy="Publish nothing, and report this fault of Amparo.",
            )
        shown[ids] |= here
    return shown


def _rare(found: Gathered, exact: Bools, fewest: int) -> pd.DataFrame:
    """Small cells by how many things of a person they tell; those that tell nothing are left out."""
    names = found.cells.names
    frame = pd.DataFrame({"codes": [len(codes) for _, codes in names], "count": found.counts})
    few = frame["count"] < fewest
    frame = frame.assign(one=frame["count"] == 1, few=few, few_exact=few & exact)
    frame = frame[(frame["codes"] > 0) & (frame["count"] > 0) & ~tell_nothing(names)]
    return (
        frame.groupby("codes")
        .agg(cells=("count", "size"), one=("one", "sum"), few=("few", "sum"), few_exact=("few_exact", "sum"))
        .reset_index()
    )


def attack_figure(found: TableAttack, *, width: int = 560) -> alt.Chart:
    """How many cells are left with how many possible counts."""
    left = found.cells["left"]
    words = np.where(
        np.isinf(left), "no limit", np.where(left > MOST_BARS, f"over {MOST_BARS}", left.map("{:.0f}".format))
    )
    bars = found.cells.assign(possible=words).groupby(["possible", "why"]).size().rename("cells").reset_index()
    names = {
        SMALL: f"withheld by the rule (at least {found.fewest} asked)",
        GUARD: "withheld to guard them",
        BLURRED: "shown as a range",
    }
    bars["why"] = bars["why"].map(names)
    order = [*(str(n) for n in range(1, MOST_BARS + 1)), f"over {MOST_BARS}", "no limit"]
    chart: alt.Chart = (
        alt.Chart(bars, width=width, height=260)
        .mark_bar()
        .encode(
            x=alt.X("possible:N", title="Possible counts left to a cell", sort=order, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("cells:Q", title="Cells", axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color(
                "why:N",
                title=None,
                scale=alt.Scale(domain=list(names.values()), range=[ORANGE, BLUE, BLUE]),
                legend=alt.Legend(orient="bottom", labelLimit=400, values=list(bars["why"].unique())),
            ),
        )
    )
    return chart


def usable(found: TableAttack) -> list[str]:
    """What the tables are still good for, in words."""
    shown = found.shown
    share = 1 - shown["withheld"].sum() / max(1, shown["cells"].sum())
    told = [f"{share:.0%} of all cells are shown: what is shown exactly may be quoted as it stands."]
    if shown["interval"].any():
        told.append("A cell that is a range may be quoted as that range, never as its middle.")
    for row in shown[shown["withheld"] > 0].sort_values("withheld", ascending=False).to_dict("records"):
        told.append(f"{row['table']}: {row['withheld']:,} of {row['cells']:,} cells are withheld.")
    told.append(
        "A withheld cell is at least 1 and need not be small. What is missing may not be read as none, nor be filled "
        "in by subtraction: the tables were made so that this fails."
    )
    return told


def usable_figure(found: TableAttack, *, width: int = 420) -> alt.Chart:
    """The share of each table's cells that are exact, a range, or withheld."""
    long = found.shown.drop(columns="cells").melt(id_vars=["table"], var_name="status", value_name="cells")
    chart: alt.Chart = (
        alt.Chart(long, width=width, height=alt.Step(16))
        .mark_bar()
        .encode(
            y=alt.Y("table:N", title=None, sort=list(found.shown["table"]), axis=alt.Axis(labelLimit=400)),
            x=alt.X("cells:Q", title="share of cells", stack="normalize", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "status:N", title=None, scale=alt.Scale(domain=list(STATUS), range=[BLUE, "#56B4E9", ORANGE])
            ),
        )
    )
    return chart
