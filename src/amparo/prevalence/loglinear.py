"""Log-linear models of a closed population: one model, all models, or the stepwise choice.

The counts of the observable histories are Poisson; their logarithm is a sum of an intercept, an effect of each
list and effects of groups of lists. The exponential of the intercept is the dark figure.

A pair of lists on which nobody is together has no finite effect: its estimate is minus infinity, and all
histories with both lists have expectation zero (Chan, Silverman & Vincent 2021, sec. 2.3).

Sources: Fienberg (1972), Biometrika 59, 591-603; Chan, Silverman & Vincent (2021), JASA 116, 1297-1306;
Baillargeon & Rivest (2007), J. Stat. Softw. 19(5) (the ranking of all models).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, pdtr, pdtrc

from amparo.prevalence.existence import Verdict, exists, identifiable
from amparo.prevalence.newton import Bools, Design, Floats, design, fit_batch, intercept_variance
from amparo.prevalence.table import CaptureTable, all_pairs
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import pandas as pd

BATCH = 512
MOST_PAIRS = 15
"""Pairs of six lists; 2**15 models are ranked, more would not be a choice that anyone can defend."""


@dataclass(frozen=True)
class Model:
    """The effects between lists that a model has beside those of the single lists.

    ``effects`` holds sets of list indices; it is hierarchical: with an effect, all effects of its parts.
    """

    effects: frozenset[frozenset[int]] = frozenset()

    @classmethod
    def of(cls, effects: Iterable[Iterable[int]]) -> Model:
        """The smallest hierarchical model with these effects, such as ``[(0, 1), (1, 2, 3)]``."""
        whole = {frozenset(effect) for effect in effects}
        parts = {frozenset(p) for e in whole for size in range(2, len(e) + 1) for p in combinations(sorted(e), size)}
        return cls(frozenset(parts))

    @property
    def order(self) -> int:
        """The largest number of lists in one effect; 1 for independent lists."""
        return max((len(effect) for effect in self.effects), default=1)

    def sorted(self) -> list[tuple[int, ...]]:
        """The effects in the order of the design."""
        return sorted((tuple(sorted(effect)) for effect in self.effects), key=lambda e: (len(e), e))

    def words(self, table: CaptureTable) -> str:
        """The model as a person would say it."""
        if not self.effects:
            return "the lists are independent"
        return "effects between " + ", ".join(" × ".join(table.lists[i] for i in e) for e in self.sorted())


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    estimate : persons in the population, seen and unseen.
    standard_error : of the estimate, from the asymptotic variance of the intercept plus Poisson noise of the
        unseen (Rivest & Lévesque 2001, Canad. J. Statist. 29, 555-572).
    log_likelihood, parameters : of the Poisson model; effects at minus infinity count as parameters.
    never_together : effects of the model that are minus infinity.
    fitted : expected persons per history, shape (2**lists - 1,).
    """

    table: CaptureTable
    model: Model
    verdict: Verdict
    estimate: float
    standard_error: float
    log_likelihood: float
    parameters: int
    never_together: tuple[tuple[int, ...], ...]
    fitted: Floats = field(repr=False)

    @cached_property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @cached_property
    def bic(self) -> float:
        """Schwarz's criterion, with the number of persons observed as the size of the sample."""
        return float(np.log(self.table.observed)) * self.parameters - 2 * self.log_likelihood


def masks(table: CaptureTable, models: Iterable[Model], shared: Design) -> tuple[Bools, Bools]:
    """Which parameters each model fits, and which histories it covers, given who is never together."""
    counts = table.counts[1:]
    models = list(models)
    column = {frozenset(term): k for k, term in enumerate(shared.terms)}
    together = counts @ shared.matrix
    parameters = np.zeros((len(models), len(shared.terms)), dtype=np.bool_)
    parameters[:, : 1 + shared.lists] = True
    cells = np.ones((len(models), len(counts)), dtype=np.bool_)
    for row, model in enumerate(models):
        for effect in model.effects:
            k = column[effect]
            if together[k]:
                parameters[row, k] = True
            else:
                cells[row] &= shared.matrix[:, k] == 0
    return parameters, cells


def check(table: CaptureTable, model: Model) -> Verdict:
    """Whether the model's estimate exists on this table and is identifiable; always by linear programme."""
    shared = design(len(table.lists), max(2, model.order))
    parameters, cells = masks(table, [model], shared)
    matrix = shared.matrix[cells[0]][:, parameters[0]]
    return Verdict(exists(matrix, table.counts[1:][cells[0]]), identifiable(matrix))


def fit(table: CaptureTable, model: Model) -> Fit:
    """Fit one model.

    Raises
    ------
    AmparoError : the estimate does not exist or is not identifiable; says why.
    """
    shared = design(len(table.lists), max(2, model.order))
    parameters, cells = masks(table, [model], shared)
    matrix = shared.matrix[cells[0]][:, parameters[0]]
    batch = None
    if identifiable(matrix):
        batch = fit_batch(shared, table.counts[None, 1:], parameters, cells)
    if batch is None or not batch.certified[0]:
        verdict = check(table, model)
        if batch is None or not verdict.usable:
            raise AmparoError(
                f"The model with {model.words(table)} cannot be used: {verdict.reason}",
                remedy="Leave out an effect, merge lists, or let the stepwise method choose.",
            )
    fitted = batch.fitted[0]
    unseen = float(np.exp(batch.coefficients[0, 0]))
    variance = float(intercept_variance(shared, batch.fitted, parameters)[0])
    together = table.counts[1:] @ shared.matrix
    never = tuple(t for k, t in enumerate(shared.terms) if frozenset(t) in model.effects and not together[k])
    return Fit(
        table=table,
        model=model,
        verdict=Verdict(True, True),
        estimate=table.observed + unseen,
        standard_error=float(np.sqrt(unseen + unseen**2 * variance)),
        log_likelihood=float(_log_likelihood(table.counts[1:], batch.fitted)[0]),
        parameters=1 + len(table.lists) + len(model.effects),
        never_together=never,
        fitted=fitted,
    )


def fit_all(table: CaptureTable, *, criterion: str = "bic") -> pd.DataFrame:
    """Fit and rank every model with any set of pairwise effects.

    Parameters
    ----------
    table : two to six lists.
    criterion : ``"bic"`` or ``"aic"``.

    Returns
    -------
    One row per model, best first: ``pairs`` (tuples of list indices), ``estimate``, ``standard_error`` (persons),
    ``log_likelihood``, ``parameters``, ``aic``, ``bic``, ``exists``, ``identifiable``. Models that fail have no
    estimate and stand last.
    """
    import pandas as pd

    pairs = all_pairs(len(table.lists))
    if len(pairs) > MOST_PAIRS:
        raise AmparoError(
            f"{len(table.lists)} lists have 2**{len(pairs)} models.",
            remedy="Rank all models of at most six lists, or use the stepwise method.",
        )
    shared = design(len(table.lists))
    counts = table.counts[1:]
    number = 2 ** len(pairs)
    has = (np.arange(number)[:, None] >> np.arange(len(pairs)) & 1).astype(np.bool_)
    together = counts @ shared.matrix[:, shared.pairs] > 0
    parameters = np.ones((number, len(shared.terms)), dtype=np.bool_)
    parameters[:, shared.pairs] = has & together
    cells = ~((has & ~together) @ shared.matrix[:, shared.pairs].T.astype(np.bool_))
    unique = _identifiable_rows(shared, parameters, cells)
    estimate, error, likelihood = (np.full(number, np.nan) for _ in range(3))
    found = np.zeros(number, dtype=np.bool_)
    # Models of like size together: the solver pads a batch to its largest model.
    rows = np.flatnonzero(unique)
    rows = rows[np.argsort(parameters[rows].sum(axis=1), kind="stable")]
    for batch_rows in np.array_split(rows, max(1, len(rows) // BATCH)):
        batch = fit_batch(
            shared, np.broadcast_to(counts, (len(batch_rows), len(counts))), parameters[batch_rows], cells[batch_rows]
        )
        good = batch.certified.copy()
        for k in np.flatnonzero(~good):
            row = batch_rows[k]
            good[k] = exists(shared.matrix[cells[row]][:, parameters[row]], counts[cells[row]])
        unseen = np.exp(batch.coefficients[:, 0])
        variance = intercept_variance(shared, batch.fitted, parameters[batch_rows])
        estimate[batch_rows] = np.where(good, counts.sum() + unseen, np.nan)
        error[batch_rows] = np.where(good, np.sqrt(unseen + unseen**2 * variance), np.nan)
        likelihood[batch_rows] = np.where(good, _log_likelihood(counts, batch.fitted), np.nan)
        found[batch_rows] = good
    size = 1 + len(table.lists) + has.sum(axis=1)
    frame = pd.DataFrame(
        {
            "pairs": [tuple(pair for pair, on in zip(pairs, row, strict=True) if on) for row in has],
            "estimate": estimate,
            "standard_error": error,
            "log_likelihood": likelihood,
            "parameters": size,
            "aic": 2 * size - 2 * likelihood,
            "bic": np.log(counts.sum()) * size - 2 * likelihood,
            "exists": found,
            "identifiable": unique,
        }
    )
    return frame.sort_values(criterion, kind="stable", ignore_index=True)


def _identifiable_rows(shared: Design, parameters: Bools, cells: Bools) -> Bools:
    """Rank check of each row, once for each different pair of masks."""
    verdicts: dict[bytes, bool] = {}
    out = np.empty(len(parameters), dtype=np.bool_)
    # A model that covers all histories has full rank: its columns are those of a triangular matrix.
    whole: Bools = np.asarray(cells.all(axis=1))
    for row in range(len(parameters)):
        if whole[row]:
            out[row] = True
            continue
        key = parameters[row].tobytes() + cells[row].tobytes()
        if key not in verdicts:
            verdicts[key] = identifiable(shared.matrix[cells[row]][:, parameters[row]])
        out[row] = verdicts[key]
    return out


def _log_likelihood(counts: Floats, fitted: Floats) -> Floats:
    """Poisson log-likelihood of each fit; a history with expectation zero has count zero and adds nothing."""
    logs = np.log(np.where(fitted > 0, fitted, 1.0))
    return np.asarray((counts * logs).sum(axis=1) - fitted.sum(axis=1) - gammaln(counts + 1).sum())


@dataclass(frozen=True)
class StepwiseBatch:
    """What the stepwise choice found on each table of a batch.

    ``estimates`` (tables,), persons, NaN where even independent lists have no estimate; ``included``
    (tables, pairs), which pairwise effects were chosen.
    """

    estimates: Floats
    included: Bools


def stepwise(table: CaptureTable, *, threshold: float = 0.02) -> Fit:
    """The model that stepwise choice with a threshold arrives at, fitted.

    Start from independent lists. For each pair not yet in the model, the number of persons on both lists is
    Poisson with the mean that the present model gives; the pair with the smallest one-sided p-value is added if
    that is below the threshold and the larger model's estimate exists and is identifiable. Repeat.

    Source: Chan, Silverman & Vincent (2021), sec. 3.2.

    Parameters
    ----------
    threshold : between 0 (independent lists) and 1.
    """
    found = stepwise_batch(len(table.lists), table.counts[None, 1:], threshold=threshold)
    pairs = all_pairs(len(table.lists))
    return fit(table, Model.of(pair for pair, on in zip(pairs, found.included[0], strict=True) if on))


def stepwise_batch(lists: int, counts: Floats, *, threshold: float = 0.02) -> StepwiseBatch:
    """:func:`stepwise` on many tables at once.

    Parameters
    ----------
    counts : shape (tables, 2**lists - 1), persons per observable history.
    """
    shared = design(lists)
    both = shared.matrix[:, shared.pairs]
    together = counts @ both
    # A list that a replicate left empty is no list: its histories have expectation zero.
    on_list = counts @ shared.matrix[:, 1 : 1 + lists] > 0
    parameters = np.zeros((len(counts), len(shared.terms)), dtype=np.bool_)
    parameters[:, 0] = True
    parameters[:, 1 : 1 + lists] = on_list
    cells = ~(~on_list @ shared.matrix[:, 1 : 1 + lists].T.astype(np.bool_))
    first = fit_batch(shared, counts, parameters, cells)
    beta, mu = first.coefficients, first.fitted
    included = np.zeros(together.shape, dtype=np.bool_)
    verdicts: dict[bytes, bool] = {}
    live = np.flatnonzero(first.certified)
    while len(live):
        p_values = _p_values(together[live], mu[live] @ both)
        p_values[included[live]] = 1.0
        grown: list[NDArray[np.intp]] = []
        waiting = np.arange(len(live))
        while len(waiting):
            pair = p_values[waiting].argmin(axis=1)
            below = p_values[waiting, pair] < threshold
            waiting, pair = waiting[below], pair[below]
            if not len(waiting):
                break
            rows = live[waiting]
            new_parameters, new_cells = parameters[rows], cells[rows]
            never = together[rows, pair] == 0
            new_parameters[np.flatnonzero(~never), shared.pairs.start + pair[~never]] = True
            new_cells[never] &= both[:, pair[never]].T == 0
            usable = _identifiable_rows(shared, new_parameters, new_cells)
            tried = np.flatnonzero(usable)
            if len(tried):
                fits = fit_batch(
                    shared, counts[rows[tried]], new_parameters[tried], new_cells[tried], beta[rows[tried]]
                )
                certified = fits.certified.copy()
                for k in np.flatnonzero(~certified):
                    certified[k] = _exists_once(
                        verdicts, shared, counts[rows[tried[k]]], new_parameters[tried[k]], new_cells[tried[k]]
                    )
                usable[tried] = certified
                taken = tried[certified]
                kept = rows[taken]
                beta[kept], mu[kept] = fits.coefficients[certified], fits.fitted[certified]
                parameters[kept], cells[kept] = new_parameters[taken], new_cells[taken]
                included[kept, pair[taken]] = True
                grown.append(kept)
            p_values[waiting[~usable], pair[~usable]] = 1.0
            waiting = waiting[~usable]
        live = np.sort(np.concatenate(grown)) if grown else np.empty(0, dtype=np.intp)
    estimates = np.where(first.certified, counts.sum(axis=1) + np.exp(np.minimum(beta[:, 0], 700.0)), np.nan)
    return StepwiseBatch(estimates, included)


def _p_values(seen: Floats, expected: Floats) -> Floats:
    """One-sided Poisson p-value of each count, on the side where it lies."""
    lower = pdtr(seen, expected)
    upper = np.where(seen > 0, pdtrc(np.maximum(seen - 1, 0), expected), 1.0)
    return np.asarray(np.minimum(lower, upper))


def _exists_once(verdicts: dict[bytes, bool], shared: Design, counts: Floats, parameters: Bools, cells: Bools) -> bool:
    """Existence by linear programme, asked once: it depends on which counts are zero, not on how large they are."""
    key = parameters.tobytes() + cells.tobytes() + (counts > 0).tobytes()
    if key not in verdicts:
        verdicts[key] = exists(shared.matrix[cells][:, parameters], counts[cells])
    return verdicts[key]
