"""Membership inference: tell from the release whether a person's record was used to make it.

That somebody is in data on victims of trafficking is itself the secret. The outsider gives every record a
score; members of the original should not score higher than people of the holdout. Three scores:

``closest record``
    minus the distance to the closest released record (Chen et al. 2020, GAN-Leaks, ACM CCS).
``density ratio``
    how much denser the release is around the record than the population is, which the outsider knows from a
    reference sample (van Breugel et al. 2023, Membership inference attacks against synthetic data through
    overfitting detection (DOMIAS), AISTATS). Densities are Aitchison and Aitken's kernel for categories
    (1976, Biometrika 63, 413-420): each differing column makes a neighbour count ``KERNEL`` times less.
``marginal ratio``
    the likelihood ratio over the release's counts of one, two and three columns (Sankararaman et al. 2009, Nature
    Genetics 41, 965-967, who take one): the attack on generators that are made from such counts.

What an average hides is shown by the share of members found at one false alarm in a hundred (Carlini et al.
2022, Membership inference attacks from first principles, IEEE S&P). One part of the holdout sets the threshold
and another part, with which nothing was chosen, counts the false alarms, so that both rates are plain shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from amparo.protection.microdata_attacks.combinations import choose, marginals
from amparo.protection.microdata_attacks.material import Ids, Material, distances
from amparo.protection.microdata_attacks.outcomes import Outcome, Tally
from amparo.statistics.estimates import Estimate, share

Floats = NDArray[np.float64]
FALSE_ALARMS = 0.01
KERNEL = 0.02
"""Weight of a neighbour that differs in one column, as a share of an equal record's."""
REACH = 3
"""Columns in which a neighbour may differ; all further ones together would weigh less than 2 in ten million."""
SETS = 1000
"""Sets of columns of each length that the marginal ratio reads."""


@dataclass(frozen=True)
class Membership:
    """One score's success. ``auc``: chance that a member scores higher than a non-member; one half is none.

    ``found`` (main: members called members; control: non-members called so) holds the threshold that calls one
    non-member in a hundred a member.
    """

    score: str
    aimed_at: str
    members: Floats
    others: Floats
    found: Outcome

    def auc(self, level: float = 0.95) -> Estimate:
        """Area under the ROC curve, ties counted half, with DeLong's interval."""
        return auc(self.members, self.others, level=level)


def membership(material: Material, *, targets: int = 5000, rare: bool = False, seed: int = 0) -> list[Membership]:
    """Attack the membership of ``targets`` of the original and of the holdout with each score.

    Parameters
    ----------
    rare : only records of patterns that nobody in the reference has.
    """
    rng = np.random.default_rng(seed)
    members, calibration, control = (
        material.targets(ids, targets, rng, rare=rare)
        for ids in (material.original, material.calibration, material.control)
    )
    everyone = np.unique(np.concatenate([members, calibration, control]))
    scores = {
        **dict(zip(("closest record", "density ratio"), _distance_scores(material, everyone), strict=True)),
        "marginal ratio": _marginal_score(material, everyone, rng),
    }
    results = []
    for name, score in scores.items():
        of_members, of_calibration, of_control = (
            score[np.searchsorted(everyone, ids)] for ids in (members, calibration, control)
        )
        results.append(
            Membership(
                name,
                "rare" if rare else "all",
                of_members,
                np.concatenate([of_calibration, of_control]),
                _at_few_false_alarms(name, of_members, of_calibration, of_control, rng, rare=rare),
            )
        )
    return results


def copied(material: Material, *, rare: bool = False, seed: int = 0) -> Outcome:
    """Call a member whoever has an identical record in the release; tried on every record, so that few copies show.

    Naive calls are as many as the attack makes on the control, by chance.
    """
    rng = np.random.default_rng(seed)
    identical = material.counts(material.released) > 0
    people = [
        material.targets(ids, len(ids), rng, rare=rare)
        for ids in (material.original, np.concatenate([material.calibration, material.control]))
    ]
    main, control = (Tally(int(identical[ids].sum()), len(ids)) for ids in people)
    calls = rng.binomial(main.attempts, control.successes / control.attempts) if control.attempts else 0
    return Outcome(
        "membership", "identical record", "rare" if rare else "all", main, control, Tally(calls, main.attempts)
    )


def _at_few_false_alarms(
    name: str, members: Floats, calibration: Floats, control: Floats, rng: np.random.Generator, *, rare: bool
) -> Outcome:
    """Members and non-members above the threshold; a lot orders equal scores, so that any rate can be set."""
    aimed = "rare" if rare else "all"
    detail = f"{name}, {FALSE_ALARMS:.0%} false alarms"
    if len(calibration) < 1 / FALSE_ALARMS:
        return Outcome("membership", detail, aimed, Tally(0, 0), Tally(0, 0), Tally(0, 0))
    lots = [rng.random(len(part)) for part in (calibration, members, control)]
    ranked = np.lexsort((lots[0], calibration))
    at = ranked[math.ceil((1 - FALSE_ALARMS) * (len(ranked) + 1)) - 1]
    limit, lot = calibration[at], lots[0][at]

    def called(scores: Floats, drawn: Floats) -> int:
        return int(((scores > limit) | ((scores == limit) & (drawn > lot))).sum())

    guesses = rng.random(len(members)) < FALSE_ALARMS
    return Outcome(
        "membership",
        detail,
        aimed,
        Tally(called(members, lots[1]), len(members)),
        Tally(called(control, lots[2]), len(control)),
        Tally(int(guesses.sum()), len(members)),
    )


def _distance_scores(material: Material, targets: Ids) -> tuple[Floats, Floats]:
    """Minus the distance to the closest released record, and the log ratio of densities, of each pattern."""
    closest, released = _closest_and_density(material, targets, material.released)
    _, population = _closest_and_density(material, targets, material.reference)
    # Half a record more on either side, so that nothing has no density at all.
    ratio = np.log(released + 0.5 / len(material.released)) - np.log(population + 0.5 / len(material.reference))
    return -closest, ratio


def _closest_and_density(material: Material, targets: Ids, ids: Ids) -> tuple[Floats, Floats]:
    counts = material.counts(ids)
    present = np.flatnonzero(counts)
    weight = counts[present] / len(ids)
    kernel = KERNEL ** np.arange(REACH + 1.0)
    closest, density = np.empty(len(targets)), np.empty(len(targets))
    for part, differ in distances(material.rows[targets], material.rows[present]):
        closest[part] = differ.min(axis=1)
        near = np.flatnonzero(differ <= REACH)
        target, row = np.divmod(near, len(present))
        weights = kernel[differ.ravel()[near]] * weight[row]
        density[part] = np.bincount(target, weights=weights, minlength=len(differ))
    return closest, density


def _marginal_score(material: Material, targets: Ids, rng: np.random.Generator) -> Floats:
    """Mean over sets of columns of the log ratio of the record's cell in release and reference."""
    weights = [material.counts(material.released), material.counts(material.reference)]
    score = np.zeros(len(targets))
    used = np.zeros(len(targets))
    for length in range(1, min(3, len(material.columns)) + 1):
        sets = choose(len(material.columns), length, SETS, rng)
        for marginal in marginals(material.rows, material.sizes, weights, sets):
            released, reference = marginal.counts + 0.5
            ratio = np.log(released / len(material.released)) - np.log(reference / len(material.reference))
            cell = marginal.cell[targets]
            score += np.append(ratio, 0.0)[cell]
            used += cell >= 0
    return score / np.maximum(used, 1)


def auc(members: Floats, others: Floats, *, level: float = 0.95) -> Estimate:
    """Chance that a member's score is higher than a non-member's, ties counted half.

    Source of the interval: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, 837-845. Where the scores do not
    overlap at all its variance is zero; then Wilson's for the smaller of both samples.
    """
    m, n = len(members), len(others)
    if min(m, n) < 2:
        return Estimate(math.nan, 0.0, 1.0, level, min(m, n))
    ranks = rankdata(np.concatenate([members, others]))
    above_others = (ranks[:m] - rankdata(members)) / n
    below_members = 1 - (ranks[m:] - rankdata(others)) / m
    value = float(above_others.mean())
    error = math.sqrt(above_others.var(ddof=1) / m + below_members.var(ddof=1) / n)
    if error == 0 and value in (0.0, 1.0):
        bound = share(min(m, n), min(m, n), level=level).low
        return Estimate(value, bound if value else 0.0, 1.0 if value else 1 - bound, level, min(m, n))
    half = float(norm.ppf((1 + level) / 2)) * error
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), level, min(m, n))
