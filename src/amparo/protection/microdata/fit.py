"""A table of possible records, weighted until its marginals agree with the noisy ones as far as noise allows.

The model is Private-PGM's: a record has probability proportional to exp(sum of one potential per measured cell that
it falls into), the distribution of largest entropy for what was measured. Private-PGM computes its marginals
exactly on a junction tree, whose size grows with every marginal; here a sample stands for the model, so that any
number of marginals costs only time in proportion. Two steps take turns:

- ``rake``: iterative proportional fitting, softened. Each marginal in turn moves its potentials to the point where
  precision x (noisy count - count) = STIFFNESS x potential, in closed form by Wright's omega function.
- ``renew``: records are drawn anew by their weights, and each of their columns is drawn given the others (Gibbs
  sampling), so that combinations appear which the sample did not hold.

Everything here sees noisy answers only, so nothing here costs privacy, and its chance has a seed.

Sources: McKenna, Sheldon & Miklau (2019), Graphical-model based estimation and inference for differential privacy,
ICML; Deming & Stephan (1940), Annals of Mathematical Statistics 11; Dudik, Phillips & Schapire (2007), JMLR 8
(soft constraints); Del Moral, Doucet & Jasra (2006), JRSS B 68 (weights, resampling, moves).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import wrightomega

from amparo.protection.microdata.queries import Columns, Floats, Ints, Records, cells
from amparo.standard.errors import AmparoError

Bools = npt.NDArray[np.bool_]
Possible = Callable[[npt.NDArray[np.int16]], Bools]
"""Which rows of codes can be at all (structural zeros)."""
STIFFNESS = 0.02
"""How strongly potentials are drawn to 0, in units of one record. At 1 the fit would be the likeliest table if records
were drawn evenly from all that are possible, which they are not; 0.02 had the least error of 0.3, 0.1 and 0.02."""
STEP = 3.0
"""The farthest that one step may move a potential."""


@dataclass
class Measured:
    """What is known of one marginal: the precision-weighted mean of its noisy answers."""

    counts: Floats
    precision: float

    def add(self, counts: Ints, scale: float) -> None:
        """Take in a further answer with noise of standard deviation ``scale``."""
        more = scale**-2
        self.counts = (self.counts * self.precision + counts * more) / (self.precision + more)
        self.precision += more


@dataclass
class Model:
    """A weighted sample of records, and the potentials of the distribution it stands for."""

    number: int
    shape: tuple[int, ...]
    possible: Possible
    drawn: int
    random: np.random.Generator
    measured: dict[Columns, Measured] = field(default_factory=dict)
    potentials: dict[Columns, Floats] = field(default_factory=dict)
    table: Records = field(init=False)

    def learn(self, columns: Columns, counts: Ints, scale: float) -> None:
        """Take in a noisy marginal; ``start``, ``rake`` and ``renew`` make use of it."""
        if columns not in self.measured:
            self.measured[columns] = Measured(np.zeros(len(counts)), 0.0)
            self.potentials[columns] = np.zeros(len(counts))
        self.measured[columns].add(counts, scale)

    def start(self) -> None:
        """Draw the first sample: columns that know nothing of each other, each as it was measured."""
        rows = np.empty((self.drawn, len(self.shape)), dtype=np.int16)
        for column, codes in enumerate(self.shape):
            # A noisy count of 0 or below may be a few records.
            shares = np.maximum(self.measured[(column,)].counts, 1.0)
            self.potentials[(column,)] = np.log(shares / shares.sum())
            rows[:, column] = self.random.choice(codes, size=self.drawn, p=shares / shares.sum())
        self._hold(rows)

    def rake(self, sweeps: int) -> None:
        """Fit the weights to all that was measured, ``sweeps`` times through, the widest marginals first."""
        order = sorted(self.measured, key=lambda columns: (-len(columns), columns))
        cell = {columns: self.table.cells(columns) for columns in order}
        weights = self.table.weights.copy()
        for _ in range(sweeps):
            for columns in order:
                weights *= self._step(columns, cell[columns], weights)[cell[columns]]
                weights *= self.number / weights.sum()
        self.table = Records(self.table.rows, weights, self.shape)

    def _step(self, columns: Columns, cell: Ints, weights: Floats) -> Floats:
        """Move the potentials of one marginal; gives the factor by which the weight of each cell changes."""
        known, old = self.measured[columns], self.potentials[columns]
        counts = np.bincount(cell, weights=weights, minlength=len(old))
        held = counts > 0
        pull = known.precision * known.counts[held] / STIFFNESS
        load = np.log(known.precision * counts[held] / STIFFNESS) - old[held]
        move = np.zeros(len(old))
        move[held] = np.clip(pull - wrightomega(pull + load) - old[held], -STEP, STEP)
        self.potentials[columns] = old + move
        return np.asarray(np.exp(move))

    def renew(self, sweeps: int) -> None:
        """Draw the sample anew by its weights, then each column given the others, and rake it.

        The old sample is kept where it fits better: potentials that were fitted to a sample without some
        combinations can be far off for one that has them.
        """
        table, potentials, misfit = self.table, dict(self.potentials), self.misfit()
        rows = np.asfortranarray(np.repeat(self.table.rows, self._whole(self.drawn), axis=0))
        for column in range(len(self.shape)):
            rows[:, column] = self._given_others(rows, column)
        self._hold(rows)
        self.rake(sweeps)
        if self.misfit() > misfit:
            self.table, self.potentials = table, potentials

    def misfit(self) -> float:
        """The squared distance from all that was measured, in units of its noise."""
        return float(
            sum(
                known.precision * ((known.counts - self.table.counts(columns)) ** 2).sum()
                for columns, known in self.measured.items()
            )
        )

    def _given_others(self, rows: npt.NDArray[np.int16], column: int) -> Ints:
        """One draw per row from the column's distribution given the row's other columns."""
        codes = self.shape[column]
        logits = np.zeros((len(rows), codes))
        for columns, potential in self.potentials.items():
            if column in columns:
                others = tuple(c for c in columns if c != column)
                sizes = tuple(self.shape[c] for c in columns)
                by_others = np.moveaxis(potential.reshape(sizes), columns.index(column), -1).reshape(-1, codes)
                logits += by_others[cells(rows, others, self.shape)]
        # The largest of logits plus Gumbel noise is a draw from their distribution.
        return np.asarray(np.argmax(logits + self.random.gumbel(size=logits.shape), axis=1))

    def _hold(self, rows: npt.NDArray[np.int16]) -> None:
        table = Records.of(rows, self.shape)
        able = self.possible(table.rows)
        if not able.any():
            raise AmparoError(
                "Every record that the model can think of breaks a rule on what is impossible.",
                remedy="Check the rules against the codebook.",
            )
        weights = table.weights[able]
        self.table = Records(table.rows[able], weights * (self.number / weights.sum()), self.shape)

    def _whole(self, total: int) -> Ints:
        """How often each row is taken so that all are ``total``: systematic sampling, within 1 of the weight."""
        steps = np.floor(np.cumsum(self.table.weights) * (total / self.table.weights.sum()) + self.random.random())
        steps[-1] = total
        return np.asarray(np.diff(np.minimum(steps, total), prepend=0.0), dtype=np.int64)

    def records(self) -> npt.NDArray[np.int16]:
        """Exactly ``number`` records, in an order that tells nothing."""
        rows = np.repeat(self.table.rows, self._whole(self.number), axis=0)
        return np.asarray(self.random.permutation(rows))
