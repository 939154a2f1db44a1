"""Progress: judged by people, beside what a plain rule makes of the indicators.

**The rule.** Each indicator with a figure reads in one way (:func:`reading`): a target is met, not met, or cannot be
told; without a target the last figure is better or worse than the first by more than a margin (:func:`margin`), the
same within it, or cannot be told, because the bounds leave it open or there is only one. The margin is a convention
that keeps small ups and downs from being read; it is no test of significance. Figures for context are never read.
From the readings of a commitment follows (:func:`follows`) ``gone_back`` if one is worse and none is better or met,
``kept`` if every indicator that is not for context is told, there are targets, all of them are met and nothing is
worse, ``under_way`` if anything else is told, and nothing if nothing is.

**People.** ``judgements.csv`` holds who judged, when, what and why; ``dissent.csv`` who disagrees. Rows are added, none
is changed: the last of a cycle counts, the others are its history. A commitment without evidence cannot be judged to
advance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from amparo.review.evidence import Evidence, Point
from amparo.review.recorded import commitment, public
from amparo.review.register import Indicator, Register, code_labels
from amparo.review.sheets import Cells, Sheet

Reading = Literal["met", "not_met", "better", "worse", "same", "open", "context"]


@dataclass(frozen=True)
class Judgement:
    """What a body holds of a commitment; a dissent may leave ``status`` empty."""

    commitment: tuple[str, str]
    cycle: str
    day: date
    by: str
    status: str
    reason: str
    where: str


def reading(indicator: Indicator, evidence: Evidence, *, first: Point | None = None) -> Reading:
    """How the figures of an indicator read.

    Parameters
    ----------
    evidence : with at least one figure.
    first : the figure of an earlier review, for an indicator that has one figure only.
    """
    latest = evidence.latest
    if indicator.goal == "context":
        return "context"
    if latest is None:
        return "open"
    if indicator.target is not None:
        at_least = indicator.goal == "at_least"
        surely = latest.low >= indicator.target if at_least else latest.high <= indicator.target
        never = latest.high < indicator.target if at_least else latest.low > indicator.target
        return "met" if surely else "not_met" if never else "open"
    start = baseline(indicator, evidence, first)
    if start is None:
        return "open"
    least, most, room = latest.low - start.high, latest.high - start.low, margin(indicator, start)
    if least >= -room and most <= room:
        return "same"
    rises = indicator.goal == "increase"
    if least > room:
        return "better" if rises else "worse"
    if most < -room:
        return "worse" if rises else "better"
    return "open"


def margin(indicator: Indicator, start: Point) -> float:
    """The change that is read as none: one percentage point of a share, a twentieth of any other first figure."""
    return 1.0 if indicator.unit in ("percent", "points") else abs(start.high) / 20


def baseline(indicator: Indicator, evidence: Evidence, first: Point | None = None) -> Point | None:
    """The figure that the last one is compared with: of the baseline year, else the first, else an earlier review's."""
    earlier = evidence.series[:-1]
    if not earlier:
        return first
    return next((point for point in earlier if point.period == indicator.baseline), earlier[0])


def follows(readings: Sequence[Reading], *, complete: bool = True) -> str:
    """The status that the rule makes of readings; "" where nothing follows.

    Parameters
    ----------
    readings : of the indicators with a figure.
    complete : whether every indicator that is not for context has one. A promise of which a part is not measured cannot
        be held to be kept by the other part.
    """
    told = [one for one in readings if one not in ("open", "context")]
    good, bad = {"better", "met"} & set(told), "worse" in told
    if bad and not good:
        return "gone_back"
    targets = [one for one in told if one in ("met", "not_met")]
    if targets and set(targets) == {"met"} and not bad and complete and "open" not in readings:
        return "kept"
    return "under_way" if told else ""


def read_judgements(
    folder: Path, register: Register, *, today: date
) -> tuple[tuple[Judgement, ...], tuple[Judgement, ...]]:
    """The judgements and the dissents of a folder, in their order.

    Raises
    ------
    AmparoError : a cell is not what it should be.
    """
    return tuple(
        tuple(_judgement(cells, register, today, needed=needed) for cells in _rows(folder / file, needed))
        for file, needed in (("judgements.csv", True), ("dissent.csv", False))
    )  # type: ignore[return-value]


_COLUMNS = ("commitment", "cycle", "date", "by", "reason")


def _rows(path: Path, needed: bool) -> list[Cells]:
    if not path.exists():
        return []
    columns = (*_COLUMNS, "status") if needed else _COLUMNS
    return list(Sheet(path, columns, optional=() if needed else ("status",)))


def _judgement(cells: Cells, register: Register, today: date, *, needed: bool) -> Judgement:
    day = cells.day("date")
    assert day is not None
    if day > today:
        raise cells.fault("date", day.isoformat(), f"a day up to {today}")
    cycle = cells.text("cycle")
    return Judgement(
        commitment=commitment(cells.text("commitment"), register, cells, "commitment"),
        cycle=check_cycle(cycle, cells),
        day=day,
        by=public(cells, "by"),
        status=cells.code("status", code_labels("status"), empty=not needed),
        reason=public(cells, "reason"),
        where=cells.where,
    )


def check_cycle(cycle: str, cells: Cells) -> str:
    """A cycle is a year, or two with a hyphen, so that cycles stand in order."""
    if not is_cycle(cycle):
        raise cells.fault("cycle", cycle, "a year such as 2026, or two such as 2025-2029")
    return cycle


def is_cycle(text: str) -> bool:
    """Whether a text names a review cycle."""
    years = text.split("-")
    return len(years) <= 2 and all(len(year) == 4 and year.isdigit() for year in years)


def by_commitment(judgements: Sequence[Judgement]) -> Mapping[tuple[str, str], tuple[Judgement, ...]]:
    """Judgements by commitment, each in order of cycle and day; of one day, the later row is the later one."""
    found: dict[tuple[str, str], list[Judgement]] = {}
    for one in judgements:
        found.setdefault(one.commitment, []).append(one)
    return {key: tuple(sorted(given, key=lambda one: (one.cycle, one.day))) for key, given in found.items()}
