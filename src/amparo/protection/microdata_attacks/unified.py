"""Singling out, linkability and attribute inference: the three risks that the Article 29 Working Party names.

After Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic
data, PoPETs 2023(2), 312-328. Each attack knows the release and some columns of its target; it is tried on
records of the original, on as many of the holdout, and against guessing. What differs from the paper, because
coded data are full of records that are alike:

- ties between nearest records are broken by one lot per released record (linkability) or by the majority
  (inference), not by the order of the file. With the same lots for both halves, two sets of ties A and B meet with
  chance |A and B| / |A or B| (Broder 1997, On the resemblance and containment of documents): with separate lots
  they would hardly ever;
- singling out compares the original and the holdout at one size, on which the chance of being alone depends;
- targets are also drawn from the rare alone, whom an average over all records hides (Stadler, Oprisanu &
  Troncoso 2022, Synthetic data - anonymisation groundhog day, USENIX Security, sec. 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amparo.protection.microdata_attacks.combinations import Marginal, choose, marginals
from amparo.protection.microdata_attacks.material import MISSING, Codes, Ids, Material, distances, keys, project
from amparo.protection.microdata_attacks.outcomes import Outcome, Tally

Bools = NDArray[np.bool_]
SETS = 200
"""Sets of columns tried for predicates of one length."""


def singling_out_univariate(material: Material, *, predicates: int = 2000, seed: int = 0) -> Outcome:
    """Single out a person by one value: "the only one whose column is this".

    The outsider guesses that a value which stands once in the release stands once in the original. A release
    without such a value gives no guess, hence no risk of this kind. See :func:`singling_out` for the rest.
    """
    return singling_out(material, 1, predicates=predicates, seed=seed)


def singling_out(material: Material, length: int, *, predicates: int = 2000, seed: int = 0) -> Outcome:
    """Single out a person by ``length`` columns: "the only one with these values".

    The outsider guesses that a combination which one released record has is also one person's in the original
    (Giomi et al. 2023, sec. 4.1, for codes, whose predicates are equalities). At most ``SETS`` sets of columns are
    tried, drawn by chance, and ``predicates`` drawn from all that they give, one per released record: predicates about
    the same person succeed together, and would make the interval too narrow.
    Naive predicates have values drawn evenly from each column of the release.
    """
    rng = np.random.default_rng(seed)
    size = min(len(material.original), len(material.holdout))
    # Chance of being alone depends on the size.
    samples = [material.counts(rng.permutation(ids)[:size]) for ids in (material.original, material.holdout)]
    weights = [material.counts(material.released), *samples]
    sets = choose(len(material.columns), length, SETS, rng)
    hits: list[NDArray[np.int64]] = []
    naive: list[NDArray[np.bool_]] = []
    share = math.ceil(predicates / len(sets))
    released_rows = material.rows[np.unique(material.released)]
    values = [_values(released_rows[:, j]) for j in range(len(material.columns))]
    for marginal in marginals(material.rows, material.sizes, weights, sets):
        released, original, holdout = marginal.counts
        person = np.flatnonzero(marginal.of_patterns(released == 1) & (weights[0] == 1))
        person = rng.permutation(person)[:predicates]
        alone = marginal.cell[person]
        hits.append(np.column_stack([person, original[alone] == 1, holdout[alone] == 1]))
        naive.append(_naive_predicates(material, values, marginal, original, share, rng))
    shuffled = rng.permutation(np.concatenate(hits))
    found = rng.permutation(shuffled[np.unique(shuffled[:, 0], return_index=True)[1]])[:predicates]
    guessed = rng.permutation(np.concatenate(naive))[:predicates]
    return Outcome(
        "singling out",
        f"{length} column{'s' if length > 1 else ''}",
        "all",
        Tally(int(found[:, -2].sum()), len(found)),
        Tally(int(found[:, -1].sum()), len(found)),
        Tally(int(guessed.sum()), len(guessed)),
    )


def _naive_predicates(
    material: Material, values: Sequence[Codes], marginal: Marginal, original: Ids, count: int, rng: np.random.Generator
) -> Bools:
    """Whether each of ``count`` predicates, of values drawn evenly per column, singles out one of the original."""
    chosen = list(marginal.columns)
    drawn = np.column_stack([rng.choice(values[j], count) for j in chosen])
    alone = material.rows[:, chosen][marginal.of_patterns(original == 1)]
    key = keys(np.concatenate([drawn, alone]), material.sizes[chosen])
    return np.isin(key[:count], key[count:])


def _values(codes: Codes) -> Codes:
    """The codes that occur, without the missing one unless there is no other."""
    found = np.unique(codes)
    return found[found != MISSING] if len(found) > 1 else found


def linkability(
    material: Material,
    halves: tuple[Sequence[str], Sequence[str]] | None = None,
    *,
    neighbours: int = 1,
    targets: int = 2000,
    rare: bool = False,
    seed: int = 0,
) -> Outcome:
    """Link two halves of a person's record, held by two parties, through the release.

    For each half the outsider finds the ``neighbours`` nearest released records; the halves are linked where both
    have one in common (Giomi et al. 2023, sec. 4.2). Naive guesses draw the records by chance.

    Parameters
    ----------
    halves : columns of either party; by default all columns, divided in two by chance.
    targets : records of original and of control that are attacked, at most.
    rare : attack only records of patterns that nobody in the reference has.
    """
    rng = np.random.default_rng(seed)
    if halves is None:
        order = rng.permutation(len(material.columns)).tolist()
        halves_at = [order[: len(order) // 2], order[len(order) // 2 :]]
    else:
        halves_at = [material.places(half) for half in halves]
    victims = [
        material.targets(ids, targets, rng, rare=rare)
        for ids in (material.original, np.concatenate([material.calibration, material.control]))
    ]
    everyone = np.unique(np.concatenate(victims))
    k = min(neighbours, len(material.released))
    lots = rng.random(len(material.released))
    near = [_nearest(material, half, everyone, k, lots) for half in halves_at]
    linked = _share_a_record(near[0], near[1])
    tallies = [Tally(int(linked[np.searchsorted(everyone, ids)].sum()), len(ids)) for ids in victims]
    guesses = [rng.integers(len(material.released), size=(len(victims[0]), k)) for _ in halves_at]
    naive = Tally(int(_share_a_record(guesses[0], guesses[1]).sum()), len(victims[0]))
    detail = f"{len(halves_at[0])} and {len(halves_at[1])} columns, {k} nearest"
    return Outcome("linkability", detail, "rare" if rare else "all", tallies[0], tallies[1], naive)


def _share_a_record(left: Ids, right: Ids) -> Bools:
    return np.asarray((left[:, :, None] == right[:, None, :]).any(axis=(1, 2)))


def _nearest(material: Material, columns: Sequence[int], targets: Ids, k: int, lots: NDArray[np.float64]) -> Ids:
    """The k released records nearest to each target pattern in some columns (targets × k); lots break ties."""
    rows, place = project(material, columns)
    pattern = place[material.released]
    order = np.lexsort((lots, pattern))
    # Of records that are alike only the k first by lot can be among the k nearest.
    start = np.searchsorted(pattern[order], pattern[order])
    candidates = order[np.arange(len(order)) - start < k]
    key = lots[candidates].astype(np.float32)
    wanted, back = np.unique(place[targets], return_inverse=True)
    near = np.empty((len(wanted), k), dtype=np.int64)
    for part, differ in distances(rows[wanted], rows[pattern[candidates]]):
        # Distances are whole and lots below one: the sum orders by distance, then by lot.
        ranked = differ + key
        first = ranked.argmin(axis=1)[:, None] if k == 1 else np.argpartition(ranked, k - 1, axis=1)[:, :k]
        near[part] = candidates[first]
    return near[back]


def inference(
    material: Material,
    secrets: Sequence[str] | None = None,
    *,
    targets: int = 2000,
    rare: bool = False,
    seed: int = 0,
) -> list[Outcome]:
    """Infer a secret column of a person, of whom all the others are known.

    The guess is what most of the nearest released records have (Giomi et al. 2023, sec. 4.3, who take one nearest
    record). A target whose secret is missing is not attacked. Naive guesses are a random released record's.

    Parameters
    ----------
    secrets : columns to infer, each in turn; by default every column.
    targets, rare : as for :func:`linkability`.

    Returns
    -------
    One outcome per secret column.
    """
    rng = np.random.default_rng(seed)
    chosen = material.places(secrets)
    victims = [
        material.targets(ids, targets, rng, rare=rare)
        for ids in (material.original, np.concatenate([material.calibration, material.control]))
    ]
    everyone = np.unique(np.concatenate(victims))
    guess = _guesses(material, everyone, chosen)
    outcomes = []
    for k, j in enumerate(chosen):
        truth = material.rows[everyone, j]
        right = guess[:, k] == truth
        tallies = []
        for ids in victims:
            at = np.searchsorted(everyone, ids)
            at = at[truth[at] != MISSING]
            tallies.append(Tally(int(right[at].sum()), len(at)))
        drawn = material.rows[rng.choice(material.released, len(victims[0])), j]
        actual = material.rows[victims[0], j]
        known = actual != MISSING
        naive = Tally(int((drawn == actual)[known].sum()), int(known.sum()))
        outcomes.append(
            Outcome("inference", material.columns[j], "rare" if rare else "all", tallies[0], tallies[1], naive)
        )
    return outcomes


def _guesses(material: Material, targets: Ids, secrets: Sequence[int]) -> NDArray[np.uint16]:
    """For each target pattern and secret column, the code that most of the nearest released records have."""
    counts = material.counts(material.released)
    present = np.flatnonzero(counts)
    rows = material.rows[present]
    weight = counts[present].astype(np.float64)
    guess = np.empty((len(targets), len(secrets)), dtype=np.uint16)
    for part, differ in distances(material.rows[targets], rows):
        # Without the secret a distance falls by one at most: only the nearest and the next can be nearest then.
        near = np.flatnonzero(differ <= differ.min(axis=1, keepdims=True) + 1)
        target, row = np.divmod(near, len(rows))
        start = np.searchsorted(target, np.arange(len(differ)))
        distance = differ.ravel()[near].astype(np.int64)
        of_target = material.rows[targets[part]]
        for k, j in enumerate(secrets):
            code, size = rows[row, j].astype(np.int64), int(material.sizes[j])
            known = distance - (of_target[target, j] != code)
            nearest = known == np.minimum.reduceat(known, start)[target]
            ballot = (target * size + code)[nearest]
            votes = np.bincount(ballot, weights=weight[row[nearest]], minlength=len(differ) * size)
            guess[part, k] = votes.reshape(len(differ), size).argmax(axis=1)
    return guess
