"""Poisson log-linear models on a batch of small tables, solved at once by Newton's method.

All tables and models of a batch share one design (intercept, main effects, interactions); a mask says which
parameters a model has and another which histories it covers. The information matrices of the whole batch are
then one matrix product, whatever the models, and no table waits for another.

Existence without a linear programme. A maximum likelihood estimate exists if and only if some strictly
positive table has the margins of the data (Haberman 1974; Fienberg & Rinaldo 2012, Ann. Statist. 40, thm 3).
A Newton step of size d in the linear predictor gives the table mu * (1 + d), which has just these margins:
when every \\|d\\| is below one, it is such a table. Convergence of the solver thus is the certificate; only
where the steps do not shrink is the linear programme of :mod:`amparo.prevalence.existence` asked.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from amparo.prevalence.table import all_pairs

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STEPS = 30
CONVERGED = 1e-8
"""Largest Newton step in the linear predictor at which a fit counts as converged."""


@dataclass(frozen=True)
class Design:
    """The design shared by all models over some lists.

    Attributes
    ----------
    terms : the parameters as sets of lists: (), (0,), ..., (0, 1), ...
    matrix : shape (histories, parameters); history h (1-based index h + 1) against term.
    products : shape (histories, parameters**2), the outer product of each row of ``matrix`` with itself.
    """

    lists: int
    terms: tuple[tuple[int, ...], ...]
    matrix: Floats
    products: Floats

    @property
    def pairs(self) -> slice:
        """The columns of the pairwise effects."""
        start = 1 + self.lists
        return slice(start, start + len(all_pairs(self.lists)))


@lru_cache(maxsize=32)
def design(lists: int, order: int = 2) -> Design:
    """The design of all effects up to ``order`` over the observable histories of ``lists`` lists."""
    terms = tuple(term for size in range(order + 1) for term in itertools.combinations(range(lists), size))
    histories = np.arange(1, 2**lists)
    masks = np.array([sum(1 << i for i in term) for term in terms])
    matrix = ((histories[:, None] & masks) == masks).astype(np.float64)
    products = (matrix[:, :, None] * matrix[:, None, :]).reshape(len(histories), -1)
    return Design(lists, terms, matrix, products)


@dataclass(frozen=True)
class BatchFit:
    """Fits of a batch: ``coefficients`` (tables, parameters), ``fitted`` (tables, histories), ``certified``."""

    coefficients: Floats
    fitted: Floats
    certified: Bools


def fit_batch(shared: Design, counts: Floats, parameters: Bools, cells: Bools, start: Floats | None = None) -> BatchFit:
    """Maximum likelihood fits of a batch of Poisson log-linear models.

    Parameters
    ----------
    counts : shape (tables, histories), persons.
    parameters : shape (tables, parameters), which the model has.
    cells : shape (tables, histories), which the model covers; the others have expectation zero.
    start : coefficients to start from, shape (tables, parameters); without it, from the data as in iteratively
        reweighted least squares (McCullagh & Nelder 1989, sec. 2.5).

    Returns
    -------
    Fits; where ``certified`` is false the solver proved no maximum, and :mod:`amparo.prevalence.existence` must be
    asked before the rest is used.
    """
    counts = counts * cells
    size = int(parameters.sum(axis=1).max())
    chosen = np.argsort(~parameters, axis=1, kind="stable")[:, :size]
    active = np.take_along_axis(parameters, chosen, axis=1)
    width = len(shared.terms)
    flat = (chosen[:, :, None] * width + chosen[:, None, :]).reshape(len(counts), -1)

    def information(weights: Floats, rows: NDArray[np.intp]) -> Floats:
        full = weights @ shared.products
        matrix = np.take_along_axis(full, flat[rows], axis=1).reshape(-1, size, size)
        matrix *= active[rows][:, :, None] & active[rows][:, None, :]
        diagonal = np.arange(size)
        matrix[:, diagonal, diagonal] += ~active[rows]
        return matrix

    def gradient(residual: Floats, rows: NDArray[np.intp]) -> Floats:
        return np.take_along_axis(residual @ shared.matrix, chosen[rows], axis=1) * active[rows]

    def spread(values: Floats, rows: NDArray[np.intp]) -> Floats:
        full = np.zeros((len(rows), width))
        np.put_along_axis(full, chosen[rows], values * active[rows], axis=1)
        return full

    def expected(coefficients: Floats, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        predictor = coefficients @ shared.matrix.T
        return predictor, np.exp(np.minimum(predictor, 40.0)) * cells[rows]

    every = np.arange(len(counts))
    if start is None:
        weights = (counts + 0.1) * cells
        first = _solve(information(weights, every), gradient(weights * np.log(counts + 0.1), every))
        beta = spread(first, every)
    else:
        beta = start * parameters
    predictor, mu = expected(beta, every)
    likelihood = (counts * predictor).sum(axis=1) - mu.sum(axis=1)
    certified = np.zeros(len(counts), dtype=np.bool_)
    live = every
    for _ in range(STEPS):
        step = spread(_solve(information(mu[live], live), gradient(counts[live] - mu[live], live)), live)
        move = np.abs((step @ shared.matrix.T) * cells[live]).max(axis=1)
        scale = np.ones(len(live))
        candidate = beta[live] + step
        predictor, new_mu = expected(candidate, live)
        new_likelihood = (counts[live] * predictor).sum(axis=1) - new_mu.sum(axis=1)
        for _ in range(STEPS):
            worse = np.flatnonzero(new_likelihood < likelihood[live] - 1e-10 * np.abs(likelihood[live]))
            if not len(worse):
                break
            scale[worse] /= 2
            candidate[worse] = beta[live[worse]] + step[worse] * scale[worse, None]
            predictor[worse], new_mu[worse] = expected(candidate[worse], live[worse])
            new_likelihood[worse] = (counts[live[worse]] * predictor[worse]).sum(axis=1) - new_mu[worse].sum(axis=1)
        beta[live], mu[live], likelihood[live] = candidate, new_mu, new_likelihood
        done = move < CONVERGED
        certified[live[done]] = True
        live = live[~done]
        if not len(live):
            break
    return BatchFit(beta, mu, certified)


def intercept_variance(shared: Design, fitted: Floats, parameters: Bools) -> Floats:
    """Asymptotic variance of the intercept of each fit, from the inverse information; shape (tables,).

    Parameters
    ----------
    fitted : shape (tables, histories), expectations of :func:`fit_batch`.
    parameters : shape (tables, parameters), which the model has.
    """
    width = len(shared.terms)
    matrices = (fitted @ shared.products).reshape(-1, width, width)
    matrices *= parameters[:, :, None] & parameters[:, None, :]
    matrices[:, np.arange(width), np.arange(width)] += ~parameters
    unit = np.zeros((len(fitted), width))
    unit[:, 0] = 1.0
    return _solve(matrices, unit)[:, 0]


def _solve(matrices: Floats, vectors: Floats) -> Floats:
    """Newton steps; a matrix that is singular to the last bit gets the smallest ridge that lets the rest go on."""
    try:
        return np.asarray(np.linalg.solve(matrices, vectors[..., None])[..., 0])
    except np.linalg.LinAlgError:
        ridge = 1e-10 * np.trace(matrices, axis1=1, axis2=2) / matrices.shape[1]
        return np.asarray(
            np.linalg.solve(matrices + ridge[:, None, None] * np.eye(matrices.shape[1]), vectors[..., None])[..., 0]
        )
