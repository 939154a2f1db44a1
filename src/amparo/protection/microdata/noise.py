"""All chance that protects a person: OpenDP's discrete Gaussian and its noisy maximum, under OpenDP's own accounts.

Nothing else in the project draws noise, and nothing here computes it. What OpenDP cannot know is how far a query
moves when one person's record is replaced; each query states that (``queries``), and property tests hold the
statement against neighbouring records. OpenDP calls this trust "honest but curious".

Records are neighbours when one is replaced by any other (bounded differential privacy): their number is public.
The loss is kept in zero-concentrated differential privacy (rho), adds up, and is turned into epsilon and delta at
the end, all by OpenDP. A budget refuses a question that would overdraw it before it looks at a record.

Sources: Dwork, McSherry, Nissim & Smith (2006), TCC; Bun & Steinke (2016), Concentrated differential privacy, TCC;
Canonne, Kamath & Steinke (2020), The discrete Gaussian for differential privacy, NeurIPS (noise and conversion);
McSherry & Talwar (2007), Mechanism design via differential privacy, FOCS (the choice); Cesar & Rogers (2021),
Bounding, concentrating, and truncating, ALT (its cost); OpenDP, https://docs.opendp.org.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import opendp.prelude as dp

from amparo.protection.microdata.queries import Query, Records
from amparo.standard.errors import AmparoError

Ints = npt.NDArray[np.int64]

dp.enable_features("contrib", "honest-but-curious")
_RECORDS = (
    dp.user_domain("Records", lambda value: isinstance(value, Records)),
    dp.user_distance("records replaced"),
)
_ONE_PERSON = 1
_MOST_RHO = 1000.0


def rho_for(epsilon: float, delta: float) -> float:
    """The largest rho whose loss is within ``epsilon`` at ``delta``, by OpenDP's conversion.

    Raises
    ------
    AmparoError : epsilon is not above 0 and at most 20, or delta not between 0 and 1.
    """
    if not 0 < epsilon <= 20:
        raise AmparoError(
            f"Epsilon {epsilon!r} is not above 0 and at most 20.",
            remedy="Give a number such as 1; above 10 it protects hardly anybody.",
        )
    if not 0 < delta < 1:
        raise AmparoError(
            f"Delta {delta!r} is not between 0 and 1.", remedy="Give a number well below 1 / number of records."
        )
    return float(dp.binary_search(lambda rho: epsilon_for(rho, delta) <= epsilon, bounds=(0.0, _MOST_RHO), T=float))


def epsilon_for(rho: float, delta: float) -> float:
    """The epsilon that ``rho`` costs at ``delta``, by OpenDP's conversion."""
    if rho <= 0:
        return 0.0
    within = dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(_filter(rho)), delta)
    return float(within.map(_ONE_PERSON)[0])  # type: ignore[no-untyped-call]


class Budget:
    """The only way to the records: questions are answered with noise until ``rho`` is spent.

    Raises
    ------
    AmparoError : from ``counts`` and ``largest``, when the answer would cost more than is left.
    """

    def __init__(self, records: Records, rho: float) -> None:
        self.rho = rho
        self.spent = 0.0
        self._ask = _filter(rho)(records)

    @property
    def left(self) -> float:
        """What may still be spent."""
        return max(self.rho - self.spent, 0.0)

    def counts(self, query: Query, scale: float) -> Ints:
        """The query's counts, each with discrete Gaussian noise of standard deviation ``scale`` added."""
        answer = self._answer(
            _asked(query, dp.l2_distance(T="f64"), math.sqrt(query.squared)) >> dp.m.then_gaussian(scale=scale)
        )
        return np.asarray(answer, dtype=np.int64)

    def largest(self, query: Query, scale: float) -> int:
        """The place of the query's largest score, by the exponential mechanism: odds of exp(difference / scale)."""
        return int(
            self._answer(
                _asked(query, dp.linf_distance(T="i64"), query.largest)
                >> dp.m.then_noisy_max(dp.zero_concentrated_divergence(), scale=scale)
            )
        )

    def _answer(self, measurement: Any) -> Any:
        cost = float(measurement.map(_ONE_PERSON))
        try:
            answer = self._ask(measurement)
        except dp.OpenDPException as refusal:
            if "exhausted" not in str(refusal):
                raise
            raise AmparoError(
                f"The question costs rho {cost:.6g}, and {self.left:.6g} of {self.rho:.6g} is left.",
                remedy="Ask fewer questions, or with more noise.",
            ) from refusal
        self.spent += cost
        return answer


def gaussian_cost(squared: int, scale: float) -> float:
    """The rho of ``counts`` at a squared Euclidean sensitivity: Bun & Steinke (2016), prop. 1.6."""
    return squared / (2 * scale**2)


def selection_scale(largest: int, rho: float) -> float:
    """The scale at which ``largest`` costs ``rho``: a choice of loss e costs e^2 / 8 (Cesar & Rogers 2021)."""
    return 2 * largest / math.sqrt(8 * rho)


def _asked(query: Query, metric: Any, distance: float) -> Any:
    """A query as OpenDP's transformation, with the sensitivity that the query states."""
    vector = dp.vector_domain(dp.atom_domain(T="i64"), size=query.size)
    answer: Callable[[Records], list[int]] = lambda records: query.answer(records).tolist()  # noqa: E731
    return dp.t.make_user_transformation(*_RECORDS, vector, metric, answer, lambda persons: persons * distance)


def _filter(rho: float) -> Any:
    odometer = dp.c.make_fully_adaptive_composition(*_RECORDS, dp.zero_concentrated_divergence())
    return dp.c.make_privacy_filter(odometer, d_in=_ONE_PERSON, d_out=rho)
