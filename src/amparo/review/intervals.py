"""Numbers of which only bounds are known, and how they combine.

A withheld count is an interval: what is shown beside it leaves the count open between two bounds. Whatever is
computed from such counts is an interval too. Each function gives one that surely holds the true value; it need not
be the narrowest, since the bounds of two counts may not be reached together.

Source: Moore, Kearfott & Cloud (2009), Introduction to Interval Analysis, ch. 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both possible."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def plus(self, other: Interval) -> Interval:
        """The sum."""
        return Interval(self.low + other.low, self.high + other.high)

    def less(self, other: Interval) -> Interval:
        """The difference."""
        return Interval(self.low - other.high, self.high - other.low)

    def times(self, factor: float) -> Interval:
        """The product with a factor of 0 or more."""
        return Interval(self.low * factor, self.high * factor)

    def within(self, low: float, high: float) -> Interval:
        """The part between two bounds that are known to hold."""
        return Interval(min(max(self.low, low), high), max(min(self.high, high), low))


ZERO = Interval(0, 0)


def total(parts: Iterable[Interval]) -> Interval:
    """The sum of all."""
    found = ZERO
    for part in parts:
        found = found.plus(part)
    return found


def union(parts: Iterable[Interval], most: Interval) -> Interval:
    """How many have at least one of several properties, of which a record may have many; ``most`` have any at all."""
    listed = list(parts)
    low = max((part.low for part in listed), default=0)
    return Interval(low, max(low, min(total(listed).high, most.high)))


def share(part: Interval, rest: Interval) -> Interval | None:
    """``part`` in per cent of ``part`` and ``rest``, which share no record; None where both may be empty."""
    if part.low + rest.low <= 0:
        return None
    low = 0.0 if part.low == 0 else part.low / (part.low + rest.high)
    high = 0.0 if part.high == 0 else part.high / (part.high + rest.low)
    return Interval(100 * low, 100 * high)


def share_of(part: Interval, whole: Interval) -> Interval | None:
    """``part`` in per cent of the ``whole`` that holds it; None where the whole may be empty."""
    if whole.low <= 0:
        return None
    low, high = part.low / max(whole.high, part.low), min(1.0, part.high / max(whole.low, part.low))
    return Interval(100 * low, 100 * high)


def ratio(top: Interval, bottom: Interval) -> Interval | None:
    """The quotient; None where the bottom may be zero."""
    return None if bottom.low <= 0 else Interval(top.low / bottom.high, top.high / bottom.low)
