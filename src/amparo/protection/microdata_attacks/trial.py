"""Attacks on a trial release, made for nothing else.

An attack is judged by how much better it does on persons in the data than on others like them. A release that was
made from everybody leaves no others. So a holdout is kept out by lot, a trial release is made from the rest by the
same method with the same epsilon, and the trial is attacked in the place of the release.

What that costs: the time of a second release, and nothing of the budget, since the trial is attacked and thrown
away. What it leaves open: the trial was made from four fifths of the records, with noise of its own; attacks on the
release itself may do a little better or worse. Where lists are not linked, a person may have records on both sides,
which makes attacks look weaker than they are. What the attacks found is made from private records and no epsilon
covers it: it stays with the data-protection officer.

Source: Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic data,
PoPETs 2023(2), 312-328, sec. 4 (attack, baseline, holdout).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from amparo.protection.microdata.private import PrivateMicrodata
from amparo.protection.microdata.release import KAnonymity, Method, delta_for, release_microdata
from amparo.protection.microdata_attacks.material import FEWEST_HOLDOUT
from amparo.protection.microdata_attacks.report import AttackReport, attack
from amparo.standard.errors import AmparoError

SHARE = 5
"""One record in so many is held out."""


def attack_trial(private: PrivateMicrodata, method: Method, *, seed: int, targets: int = 2000) -> AttackReport:
    """Make a trial release without a holdout, and attack it.

    Parameters
    ----------
    private : all records. method : by which they will be released. seed : of the holdout, the trial and the attacks.
    targets : records attacked per attack.

    Raises
    ------
    AmparoError : there are too few records to hold any out, or the method cannot be carried out.
    """
    number = len(private)
    held = max(FEWEST_HOLDOUT, number // SHARE)
    if number < 2 * held:
        raise AmparoError(
            f"{number} records are too few to attack: {FEWEST_HOLDOUT} must be held out, and as many left.",
            remedy=f"Release tables; records need {2 * FEWEST_HOLDOUT} or more.",
        )
    order = np.random.default_rng(seed).permutation(number)
    holdout, rest = private.frame.iloc[order[:held]], private.frame.iloc[np.sort(order[held:])]
    if not isinstance(method, KAnonymity):
        # The delta of the release itself, which hangs on the number of records.
        method = replace(method, delta=delta_for(private, method.delta))
    trial = release_microdata(replace(private, frame=rest, person=None), method=method, provenance={}, seed=seed)
    return attack(rest, holdout, trial.frame, targets=targets, seed=seed)


def sentences(found: AttackReport) -> list[str]:
    """What the attacks found, in words."""
    table, alarms = found.table(), found.alarms()
    told = [
        "A trial release was made by the same method and epsilon from four fifths of the records, or fewer where they "
        "are few, attacked, and thrown away; the others, held out by lot, are whom each attack is measured against. "
        "The trial spends nothing of the budget, for nobody sees it. These figures are made from private records and "
        "no epsilon covers them: keep them. Where a person has several records, some may be held out and others not; "
        "attacks on that person then look weaker than they are.",
        f"{len(table):,} attacks were tried: singling persons out, linking two parts of a record, inferring a value, "
        "and telling who is in the data.",
    ]
    if alarms:
        told += ["Attacks that gain on persons in the data what they cannot on others, beyond chance:"]
        told += [f"- {alarm}" for alarm in alarms]
    else:
        told.append(
            "None gains on persons in the data what it cannot on others, beyond chance. An attack that nobody has "
            "thought of is not among them."
        )
    worst = table.sort_values("risk_low", na_position="first").iloc[-1]
    told.append(
        f"The attack whose interval begins highest: {worst['attack']}, {worst['detail']}: {worst['risk']:.1%} "
        f"({found.level:.0%} interval {worst['risk_low']:.1%} to {worst['risk_high']:.1%}; 0% is no gain, 100% an "
        f"attack that never fails). Of {len(table)} such intervals some begin above 0% by chance."
    )
    for row in found.combinations.to_dict("records"):
        told.append(
            f"Combinations of {row['length']} recorded values: {row['people_rare']:.0%} of the records have one that "
            f"fewer than ten have. {row['released_rare']:.0%} of the trial's records show such a one; of the held-out "
            f"records, which the trial has not seen, {row['holdout_rare']:.0%} do."
        )
    original, released = found.anonymity
    told.append(f"Fewest records alike in all columns: {original} before, {released} in the trial.")
    return told
