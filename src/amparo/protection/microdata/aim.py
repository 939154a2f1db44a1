"""AIM: select what the model answers worst, measure it with noise, fit the model, and again.

Every choice and every count goes through a ``Budget`` of OpenDP; the model sees noisy answers only. What differs
from the paper: neighbours replace one record (the number of records is public and kept), single
columns get a larger part, and the model is a weighted sample (``fit``), so that no bound on its size is needed.

Source: McKenna, Mullins, Sheldon & Miklau (2022), AIM: an adaptive and iterative mechanism for differentially
private synthetic data, PVLDB 15(11), section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from amparo.protection.microdata.fit import Model, Possible
from amparo.protection.microdata.noise import Budget, gaussian_cost, selection_scale
from amparo.protection.microdata.queries import Columns, Marginal, Misfits, Records, marginals

FOR_COUNTS = 0.9
"""The part of a round's budget that goes into the count, not the choice (the paper's alpha)."""
FOR_SINGLE_COLUMNS = 0.2
"""The part of all the budget for the counts of each column by itself, which are read first. The paper spends 1 / 18."""
MOST_COLUMNS = 3
"""Marginals of up to so many columns are candidates."""
MOST_CELLS = 50_000
"""Marginals with more cells are no candidates: the noise in each of their cells would drown them."""
ROUNDS_PER_COLUMN = 16
"""The first rounds are as cheap as if so many were to come (the paper's T = 16 d); later ones cost more."""
DRAWN_PER_RECORD, DRAWN_AT_LEAST, DRAWN_AT_MOST = 3, 40_000, 300_000
"""The size of the model's sample."""
LOOK_UPS, CANDIDATES_AT_LEAST = 40_000_000, 200
"""Rows of the model's sample times candidates in one round; where all are more, chance picks which to look at."""
RENEW_EVERY = 15
"""Rounds between two renewals of the sample."""
ROUND_SWEEPS, LAST_SWEEPS = 3, 60
"""Sweeps of the fit in each round, and at the end (a quarter of them after a renewal in between)."""


@dataclass(frozen=True)
class Answer:
    """One noisy count that was taken: which columns, and the noise's standard deviation in records."""

    columns: Columns
    scale: float


@dataclass(frozen=True)
class Synthetic:
    """``rows``: coded records, as many as went in. ``spent``: rho. ``answers``: all that was measured, in order."""

    rows: npt.NDArray[np.int16]
    spent: float
    answers: tuple[Answer, ...]


def synthesise(records: Records, rho: float, *, possible: Possible, seed: int) -> Synthetic:
    """As many synthetic records as there are real ones, for a loss of at most ``rho`` (zCDP, one record replaced).

    Parameters
    ----------
    records : one per person.
    possible : which rows can be at all; impossible ones never come out.
    seed : of the fitting, which sees noisy answers only; the noise has no seed.
    """
    shape, number = records.shape, round(float(records.weights.sum()))
    budget = Budget(records, rho)
    drawn = min(max(DRAWN_PER_RECORD * number, DRAWN_AT_LEAST), DRAWN_AT_MOST)
    model = Model(number, shape, possible, drawn, np.random.default_rng(seed))
    answers: list[Answer] = []
    rounds = ROUNDS_PER_COLUMN * len(shape)
    # One count costs 1 / scale^2: two cells of it move by 1.
    scale = math.sqrt(len(shape) / (FOR_SINGLE_COLUMNS * rho))
    candidates = marginals(shape, MOST_COLUMNS, MOST_CELLS)

    def measure(columns: Columns) -> None:
        model.learn(columns, budget.counts(Marginal(columns, shape), scale), scale)
        answers.append(Answer(columns, scale))

    for column in range(len(shape)):
        measure((column,))
    scale = math.sqrt(rounds / (FOR_COUNTS * budget.left))
    choice = (1 - FOR_COUNTS) * budget.left / rounds
    model.start()
    model.rake(ROUND_SWEEPS)
    last, turn = False, 0
    while not last:
        each = gaussian_cost(2, scale) + choice
        if budget.left < 2 * each:
            # Not enough for two more: all that is left goes into one (a hair less, for the rounding of sums).
            left, last = budget.left * (1 - 1e-9), True
            scale, choice = math.sqrt(1 / (FOR_COUNTS * left)), (1 - FOR_COUNTS) * left
        at_most = max(LOOK_UPS // len(model.table.rows), CANDIDATES_AT_LEAST)
        picked = np.sort(model.random.permutation(len(candidates))[:at_most]).tolist()
        looked = [candidates[place] for place in picked]
        modelled = {c: np.rint(model.table.counts(c)).astype(np.int64) for c in looked}
        misfits = Misfits(
            modelled,
            {c: len(c) for c in looked},
            {c: round(math.sqrt(2 / math.pi) * scale * len(modelled[c])) for c in looked},
        )
        chosen = looked[budget.largest(misfits, selection_scale(misfits.largest, choice))]
        measure(chosen)
        model.rake(ROUND_SWEEPS)
        turn += 1
        if turn % RENEW_EVERY == 0:
            model.renew(LAST_SWEEPS // 4)
        moved = np.abs(model.table.counts(chosen) - modelled[chosen]).sum()
        if moved <= math.sqrt(2 / math.pi) * scale * len(modelled[chosen]):
            scale, choice = scale / 2, choice * 4
    model.rake(LAST_SWEEPS)
    for _ in range(3):
        model.renew(LAST_SWEEPS)
    return Synthetic(model.records(), budget.spent, tuple(answers))
