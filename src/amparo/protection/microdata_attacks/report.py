"""All attacks on one release of microdata, their table, their alarms and their figure.

The report is made from private records and is for the data-protection officer. No ε of the release covers it; to
publish from it, give rounded rates and no column by name where few were attacked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from amparo.protection.microdata_attacks.material import prepare
from amparo.protection.microdata_attacks.membership import Membership, copied, membership
from amparo.protection.microdata_attacks.outcomes import Outcome
from amparo.protection.microdata_attacks.unified import inference, linkability, singling_out, singling_out_univariate
from amparo.protection.microdata_attacks.uniqueness import k_anonymity, rare_combinations

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b7280"
"""Okabe & Ito (2008), as in the report's figures."""
LENGTHS = (2, 3, 5, 8)
"""Columns of the predicates that single out; those longer than the table are left out."""


@dataclass(frozen=True)
class AttackReport:
    """What attacks on one release found.

    ``outcomes`` : singling out, linkability, inference and membership at few false alarms.
    ``memberships`` : membership scores with their areas under the curve.
    ``combinations`` : see :func:`rare_combinations`. ``anonymity`` : k of original and of released records.
    ``level`` : of every interval shown.
    """

    outcomes: tuple[Outcome, ...]
    memberships: tuple[Membership, ...]
    combinations: pd.DataFrame
    anonymity: tuple[int, int]
    level: float

    def table(self) -> pd.DataFrame:
        """One row per attack: rates with intervals, the risk with its interval, attempts; shares of 1.

        ``risk`` of a membership score is twice its area under the curve minus one (Somers' d), which like R is 0
        for no attack and 1 for one that never fails.
        """
        rows = []
        for outcome in self.outcomes:
            row: dict[str, object] = {
                "attack": outcome.attack,
                "detail": outcome.detail,
                "aimed_at": outcome.aimed_at,
                "attempts": outcome.main.attempts,
            }
            for name, tally in (("main", outcome.main), ("control", outcome.control), ("naive", outcome.naive)):
                rate = tally.rate(self.level)
                row |= {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}
            risk = outcome.risk(self.level)
            rows.append(
                row
                | {"risk": risk.value, "risk_low": risk.low, "risk_high": risk.high}
                | {"beats_naive": outcome.beats_naive}
            )
        for score in self.memberships:
            area = score.auc(self.level)
            rows.append(
                {
                    "attack": "membership",
                    "detail": f"{score.score}, all thresholds",
                    "aimed_at": score.aimed_at,
                    "attempts": len(score.members),
                    "risk": 2 * area.value - 1,
                    "risk_low": 2 * area.low - 1,
                    "risk_high": 2 * area.high - 1,
                    "beats_naive": area.low > 0.5,
                }
            )
        return pd.DataFrame(rows)

    def alarms(self) -> list[str]:
        """The attacks that gain on the original what they cannot on the holdout, beyond all chance of many tries.

        Each attack is held against an interval whose level is raised for their number (Bonferroni), so that a
        release which tells nothing raises an alarm in at most ``1 - level`` of reports.
        """
        tries = len(self.outcomes) + len(self.memberships)
        strict = 1 - (1 - self.level) / tries
        found = [_name(o.attack, o.detail, o.aimed_at) for o in self.outcomes if o.risk(strict).low > 0]
        return found + [
            _name("membership", f"{s.score}, all thresholds", s.aimed_at)
            for s in self.memberships
            if s.auc(strict).low > 0.5
        ]


def _name(attack: str, detail: str, aimed_at: str) -> str:
    return f"{attack}: {detail}" + (" (rare records)" if aimed_at == "rare" else "")


def attack(
    original: pd.DataFrame,
    holdout: pd.DataFrame,
    released: pd.DataFrame,
    *,
    secrets: Sequence[str] | None = None,
    quasi_identifiers: Sequence[str] | None = None,
    rare_below: int = 10,
    targets: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> AttackReport:
    """Attack a release of microdata in every way known here.

    Parameters
    ----------
    original : records that the release was made from. holdout : records of the same population that were not used;
        400 or more. released : what is to be published. All with the same columns of codes.
    secrets : columns to infer, by default each. quasi_identifiers : columns that an outsider may know, by default all.
    rare_below : a combination of fewer records is rare. targets : records attacked per attack, drawn with ``seed``.

    Raises
    ------
    AmparoError : as :func:`amparo.protection.microdata_attacks.material.prepare`, or an unknown column is named.
    """
    material = prepare(original, holdout, released, seed=seed)
    for names in (secrets, quasi_identifiers):
        material.places(names)  # Refuses unknown names before the work.
    outcomes = [singling_out_univariate(material, predicates=targets, seed=seed)]
    outcomes += [
        singling_out(material, length, predicates=targets, seed=seed)
        for length in LENGTHS
        if length <= len(material.columns)
    ]
    memberships: list[Membership] = []
    for rare in (False, True):
        if len(material.columns) > 1:
            outcomes.append(linkability(material, targets=targets, rare=rare, seed=seed))
            outcomes += inference(material, secrets, targets=targets, rare=rare, seed=seed)
        outcomes.append(copied(material, rare=rare, seed=seed))
        scores = membership(material, rare=rare, seed=seed)
        outcomes += [score.found for score in scores]
        memberships += scores
    return AttackReport(
        tuple(outcomes),
        tuple(memberships),
        rare_combinations(material, quasi_identifiers, rare_below=rare_below, seed=seed),
        (k_anonymity(original, quasi_identifiers), k_anonymity(released, quasi_identifiers)),
        level,
    )


def attack_figure(report: AttackReport, *, width: int = 460) -> alt.LayerChart | alt.FacetChart:
    """The risk of each attack with its interval; orange and a diamond where the interval lies above zero.

    The axis ends at -0.2: how far below zero an interval reaches tells nothing. Attacks of which nothing is known
    (no attempt was possible) are left out; the table has them.
    """
    frame = report.table()
    frame = frame[[not math.isnan(risk) for risk in frame["risk"]]].copy()
    frame["name"] = [
        _name(a, d, w) for a, d, w in zip(frame["attack"], frame["detail"], frame["aimed_at"], strict=True)
    ]
    frame["found"] = ["above zero" if low > 0 else "holds zero" for low in frame["risk_low"]]
    for end in ("risk", "risk_low", "risk_high"):
        frame[end] = frame[end].clip(-0.2, 1.0)
    frame = frame[["name", "found", "risk", "risk_low", "risk_high"]]
    scale = alt.Scale(domain=[-0.2, 1.0])
    y = alt.Y("name:N", title=None, sort=list(frame["name"]), axis=alt.Axis(labelLimit=400))
    colour = alt.Color(
        "found:N",
        title=f"{report.level:.0%} interval",
        scale=alt.Scale(domain=["holds zero", "above zero"], range=[BLUE, ORANGE]),
    )
    shape = alt.Shape(
        "found:N",
        title=f"{report.level:.0%} interval",
        scale=alt.Scale(domain=["holds zero", "above zero"], range=["circle", "diamond"]),
    )
    base = alt.Chart(frame).encode(y=y, color=colour)
    x_axis = alt.Axis(format=".0%", tickCount=6)
    rule = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("risk_low:Q", title="risk: gain over people not in the data", scale=scale, axis=x_axis),
        x2="risk_high:Q",
    )
    point = base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("risk:Q", scale=scale), shape=shape)
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x="x:Q")
    return alt.layer(zero, rule, point).properties(width=width, height=alt.Step(17))
