"""What an estimate says: the number, its interval, the model in words, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


@dataclass(frozen=True)
class Estimate:
    """An estimate of a population of which some are seen on lists.

    Attributes
    ----------
    method : its name.
    estimate : persons in the population, seen and unseen.
    observed : persons seen on at least one list.
    intervals : level (such as 0.95) to lower and upper limit of the population, persons.
    model : the model in words.
    diagnostics : what a statistician asks for, by name.
    warnings : sentences that must travel with the number.
    seed : of whatever chance there was, else None.
    source : the paper.
    """

    method: str
    estimate: float
    observed: int
    intervals: Mapping[float, tuple[float, float]]
    model: str
    source: str
    diagnostics: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seed: int | None = None

    @property
    def dark_figure(self) -> float:
        """Persons on no list."""
        return self.estimate - self.observed

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval of the population at a level.

        Raises
        ------
        AmparoError : the level was not asked for when the estimate was made.
        """
        if level not in self.intervals:
            known = ", ".join(f"{k:g}" for k in self.intervals)
            raise AmparoError(f"There is no interval at level {level:g}.", remedy=f"Computed: {known}.")
        return self.intervals[level]

    def rate(self, population: int, *, per: int = 100_000, level: float = 0.95) -> tuple[float, float, float]:
        """Estimate, lower and upper limit per ``per`` inhabitants (SDG indicator 16.2.2)."""
        if population <= 0:
            raise AmparoError("The population must be a positive number of persons.", remedy="Give --population.")
        low, high = self.interval(level)
        factor = per / population
        return self.estimate * factor, low * factor, high * factor

    def to_frame(self) -> pd.DataFrame:
        """One row per level: method, estimate, lower, upper, dark figure with limits, model, seed."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def rows(self) -> list[dict[str, object]]:
        """What :meth:`to_frame` holds, as plain rows."""
        return [
            {
                "method": self.method,
                "observed": self.observed,
                "estimate": self.estimate,
                "level": level,
                "lower": low,
                "upper": high,
                "dark_figure": self.dark_figure,
                "dark_lower": low - self.observed,
                "dark_upper": high - self.observed,
                "model": self.model,
                "seed": self.seed,
            }
            for level, (low, high) in sorted(self.intervals.items())
        ]

    def summary(self) -> str:
        """A paragraph fit to paste in a paper."""
        level = max(self.intervals)
        low, high = self.intervals[level]
        lines = [
            f"{self.method} ({self.source}).",
            f"Of an estimated {self.estimate:,.0f} persons ({level:.0%} interval {low:,.0f} to {high:,.0f}), "
            f"{self.observed:,} were seen and {self.dark_figure:,.0f} ({low - self.observed:,.0f} to "
            f"{high - self.observed:,.0f}) were not.",
            f"Model: {self.model}.",
        ]
        lines += [f"{name}: {_text(value)}" for name, value in self.diagnostics.items()]
        lines += [f"Note: {warning}" for warning in self.warnings]
        if self.seed is not None:
            lines.append(f"Seed: {self.seed}.")
        return "\n".join(lines)

    def plot(self) -> alt.LayerChart | alt.FacetChart:
        """The interval of the population beside the number seen."""
        import altair as alt
        import pandas as pd

        level = max(self.intervals)
        low, high = self.intervals[level]
        frame = pd.DataFrame({"method": [self.method], "estimate": [self.estimate], "low": [low], "high": [high]})
        seen = alt.Chart(pd.DataFrame({"seen": [self.observed]})).mark_rule(strokeDash=[4, 3]).encode(x="seen:Q")
        base = alt.Chart(frame).encode(y=alt.Y("method:N", title=None))
        bar = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title="persons"), x2="high:Q")
        point = base.mark_point(filled=True, size=80).encode(x="estimate:Q")
        return alt.layer(seen, bar, point)


def _text(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
