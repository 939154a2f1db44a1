"""Cell-key perturbation: the same records get the same noise, in whatever table and release they stand.

Each record has a key, a number that only the holder of a secret can compute. The keys of a cell's records, added up
modulo ``KEYS``, are the cell's key, and a table of probabilities turns it into a whole number of noise. Asking for
the same cell again, by another way or another year, gives the same answer, so that nothing can be averaged away.

The noise of a count is never more than ``D`` either way, has mean 0 and variance ``V``, makes no count negative and
leaves zeros alone; among all such noises it is the one of largest entropy, which assumes least.

What it does not do: totals and parts get noise of their own, so they no longer add up, and where many totals hold a
cell together an outsider who knows ``D`` narrows it; ``release`` looks for cells narrowed to one value. Somebody
who can have cells counted with and without one record at will sees whether the noise changed.

Source: Fraser & Wooton (2005), A proposed method for confidentialising tabular output (ABS); Giessing (2016),
Computational issues in the design of transition probabilities and disclosure risk estimation for additive noise,
PSD 2016, LNCS 9867 (maximum entropy); Thompson, Broadfoot & Elazar (2013), UNECE work session (cell keys).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from amparo.standard.errors import AmparoError
from amparo.statistics.tables import KEYS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECORD_KEY = "record_key"
SHORTEST_SECRET = 16
"""Bytes; a shorter secret could be tried out."""


@dataclass(frozen=True)
class Noise:
    """Noise of whole numbers from ``-largest`` to ``largest`` (D) with the given ``variance`` (V)."""

    largest: int
    variance: float

    def __post_init__(self) -> None:
        # A count of 1 can only fall by 1: with mean 0 and noise up to D its variance stays below D.
        if not (isinstance(self.largest, int) and self.largest >= 1 and 0 < self.variance < self.largest):
            raise AmparoError(
                f"No noise without bias has D={self.largest!r} and V={self.variance!r}.",
                remedy="Give a whole D of 1 or more and a V above 0 and below D, for example D=3, V=2.",
            )

    @property
    def values(self) -> Ints:
        """All values that the noise can have, in order."""
        return np.arange(-self.largest, self.largest + 1)

    def probabilities(self) -> Floats:
        """Of each value (columns) for each true count 0, 1, ..., D (rows; the last is that of all larger counts)."""
        return _probabilities(self.largest, self.variance).copy()

    def perturb(self, counts: Ints, keys: Ints) -> Ints:
        """Counts with their noise.

        Parameters
        ----------
        counts : true counts. keys : of the same cells, from 0 to KEYS - 1; shape as counts.
        """
        ends = np.cumsum(_probabilities(self.largest, self.variance), axis=1)
        ends[:, -1] = 1.0  # rounding must not leave the last key without a value
        below = ends[np.minimum(counts, self.largest)] <= (keys / KEYS)[:, None]
        noisy: Ints = counts + self.values[below.sum(axis=1)]
        return noisy


@cache
def _probabilities(largest: int, variance: float) -> Floats:
    values = np.arange(-largest, largest + 1)
    table = np.zeros((largest + 1, len(values)))
    table[0, largest] = 1.0
    for count in range(1, largest + 1):
        possible = values >= -count
        table[count, possible] = _most_entropy(values[possible].astype(np.float64), variance)
    return table


def _most_entropy(values: Floats, variance: float) -> Floats:
    """The probabilities of largest entropy with mean 0 and a variance: exp(a v + b v²), a and b by Newton's method.

    They minimise the convex log of the sum of exp(a v + b (v² - V)), whose gradient is what the constraints lack.
    """
    features = np.column_stack([values, values**2 - variance])

    def tried(at: Floats) -> tuple[float, Floats]:
        exponent = features @ at
        top = float(exponent.max())
        weights = np.exp(exponent - top)
        return top + float(np.log(weights.sum())), weights / weights.sum()

    at = np.zeros(2)
    height, found = tried(at)
    for _ in range(200):
        gradient = features.T @ found
        if np.abs(gradient).max() < 1e-12:
            return found
        spread = (features * found[:, None]).T @ features - np.outer(gradient, gradient)
        step = np.linalg.solve(spread + 1e-14 * np.eye(2), gradient)
        size = 1.0
        while True:
            lower, there = tried(at - size * step)
            if lower <= height + 1e-15 or size < 1e-9:
                break
            size /= 2
        at, height, found = at - size * step, lower, there
    if np.abs(features.T @ found).max() > 1e-9:
        raise AmparoError(
            f"Noise with a variance of {variance:g} is at the edge of what {values[-1]:g} allows.",
            remedy="Give a smaller V or a larger D.",
        )
    return found


def record_keys(ids: Iterable[str], secret: bytes) -> Ints:
    """The key of each record, from 0 to KEYS - 1: the first 32 bits of the HMAC-SHA-256 of its id.

    Parameters
    ----------
    ids : what names each record, the same in every release. secret : of 16 bytes or more; the same as well.

    Raises
    ------
    AmparoError : the secret is too short.
    """
    if len(secret) < SHORTEST_SECRET:
        raise AmparoError(
            f"A secret of {len(secret)} bytes can be tried out.", remedy=f"Use {SHORTEST_SECRET} random bytes or more."
        )
    found = (int.from_bytes(hmac.digest(secret, name.encode(), "sha256")[:4]) for name in ids)
    return np.fromiter(found, dtype=np.int64)


def with_record_keys(records: ibis.Table, name: str, secret: bytes) -> ibis.Table:
    """The records with their keys in a column ``record_key``, for ``tabulate(..., key="record_key")``.

    Parameters
    ----------
    name : the column that names each record, with no value missing and none twice.

    Raises
    ------
    AmparoError : an id is missing or stands twice, for then two records would have the same noise; or the secret is
        too short.
    """
    ids = records.select(_id=records[name].cast("string")).to_pandas()["_id"]
    if ids.isna().any() or ids.duplicated().any():
        raise AmparoError(
            f"{int(ids.isna().sum() + ids.duplicated().sum())} records have no id of their own.",
            where=f"column {name}",
            remedy="Give each record an id that stays with it in every release.",
        )
    keys = ibis.memtable(pd.DataFrame({"_id": ids, RECORD_KEY: record_keys(ids, secret)}))
    return records.mutate(_id=records[name].cast("string")).inner_join(keys, "_id").drop("_id")
