"""The review: where each commitment stands, from its evidence and the judgements on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from amparo.protection.release import Release
from amparo.review.evidence import Evidence, Point, compute
from amparo.review.progress import (
    Judgement,
    Reading,
    baseline,
    by_commitment,
    follows,
    is_cycle,
    read_judgements,
    reading,
)
from amparo.review.recorded import Record, Row, read
from amparo.review.register import Commitment, Register, load_register
from amparo.review.tally import tally
from amparo.standard.errors import AmparoError


@dataclass(frozen=True)
class Standing:
    """Where a commitment stands; figures about the review itself are no evidence for a commitment.

    ``state`` : ``no_evidence``; ``not_judged``, with evidence that nobody has judged in this cycle; else the
    status that was judged. ``rule`` : the status that the rule gives, "" where none follows. ``evidence`` : of
    its indicators, those without a figure too. ``readings`` : how each figure reads, ``starts`` : the figures
    that they are compared with. ``rows`` : what came about and was recorded. ``asked`` : kinds of evidence that
    it asks for and that no row gives. ``history`` : all judgements on it, ``judgement`` the one that counts.
    """

    commitment: Commitment
    state: str
    rule: str
    evidence: tuple[Evidence, ...]
    readings: Mapping[str, Reading]
    starts: Mapping[str, Point]
    rows: tuple[Row, ...]
    asked: tuple[str, ...]
    overdue: tuple[Row, ...]
    judgement: Judgement | None
    history: tuple[Judgement, ...]
    dissents: tuple[Judgement, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Instrument and id."""
        return self.commitment.instrument, self.commitment.id

    @property
    def known(self) -> tuple[Evidence, ...]:
        """Its evidence with figures."""
        return tuple(one for one in self.evidence if one.known)

    @property
    def evidenced(self) -> bool:
        """Whether a figure or a recorded row speaks for it."""
        return bool(self.known or self.rows)


@dataclass(frozen=True)
class Review:
    """The review of a cycle as it stood on a day."""

    register: Register
    cycle: str
    today: date
    evidence: Mapping[str, Evidence]
    record: Record
    standings: tuple[Standing, ...]
    provenance: Mapping[str, str]

    def of(self, instrument: str) -> tuple[Standing, ...]:
        """The standings of an instrument's commitments."""
        return tuple(one for one in self.standings if one.commitment.instrument == instrument)

    def count(self, state: str) -> int:
        """How many commitments stand at a state."""
        return sum(one.state == state for one in self.standings)


def review(
    releases: Sequence[Release],
    *,
    today: date,
    cycle: str | None = None,
    recorded: Path | None = None,
    register: Register | None = None,
    command: str = "",
    earlier: Mapping[str, Point] | None = None,
) -> Review:
    """Review every commitment.

    Parameters
    ----------
    releases : the national tables, those of the referral desk and of impact assessments, as far as there are any.
    today : the day of the review.
    cycle : a year, or two with a hyphen; by default the year of the day.
    recorded : folder of recorded evidence and judgements (see ``recorded``); without it there is none.
    register : by default the declaration alone.
    command : that made the releases and this review, to be shown beside each figure.
    earlier : the first figures of earlier reviews by indicator, to compare single figures with.

    Raises
    ------
    TypeError : something other than a Release came in.
    AmparoError : the folder does not hold what it should, or a commitment without evidence was judged to advance.
    """
    register = register or load_register()
    cycle = cycle or str(today.year)
    if not is_cycle(cycle):
        raise AmparoError(
            f"{cycle!r} is no review cycle.", remedy="Give a year such as 2026, or two such as 2025-2029."
        )
    record = read(recorded, register, today=today) if recorded else Record(today)
    judgements, dissents = read_judgements(recorded, register, today=today) if recorded else ((), ())
    evidence = compute(releases, register, command=command) | tally(record, register, command=command)
    judged, doubted = by_commitment(judgements), by_commitment(dissents)
    standings = tuple(
        _standing(one, register, evidence, record, cycle, judged, doubted, earlier or {})
        for one in register.commitments
    )
    provenance: dict[str, str] = {}
    for release in releases:
        provenance |= release.provenance
    return Review(
        register=register,
        cycle=cycle,
        today=today,
        evidence=evidence | _of_the_review(register, standings, command),
        record=record,
        standings=standings,
        provenance=provenance,
    )


def _standing(
    commitment: Commitment,
    register: Register,
    evidence: Mapping[str, Evidence],
    record: Record,
    cycle: str,
    judged: Mapping[tuple[str, str], tuple[Judgement, ...]],
    doubted: Mapping[tuple[str, str], tuple[Judgement, ...]],
    earlier: Mapping[str, Point],
) -> Standing:
    key = (commitment.instrument, commitment.id)
    indicators = [one for one in register.indicators_of(commitment) if one.inputs != ("review",)]
    found = tuple(evidence[one.id] for one in indicators)
    readings = {
        one.id: reading(one, evidence[one.id], first=earlier.get(one.id))
        for one in indicators
        if evidence[one.id].known
    }
    compared = {
        one.id: baseline(one, evidence[one.id], earlier.get(one.id)) for one in indicators if one.target is None
    }
    rows = record.for_commitment(*key)
    complete = all(one.id in readings for one in indicators if one.goal != "context")
    history = judged.get(key, ())
    current = next((one for one in reversed(history) if one.cycle == cycle), None)
    evidenced = bool(readings or rows)
    if current is not None and not evidenced and current.status != "not_started":
        raise AmparoError(
            f'"{current.status}" cannot be judged: there is no evidence for {commitment.id}.',
            remedy="Record the evidence first, or judge that it has not started.",
            where=current.where,
        )
    state = "no_evidence" if not evidenced else current.status if current else "not_judged"
    given = {row.kind for row in rows}
    return Standing(
        commitment=commitment,
        state=state,
        rule=follows(list(readings.values()), complete=complete),
        evidence=found,
        readings=readings,
        starts={name: start for name, start in compared.items() if start is not None and name in readings},
        rows=rows,
        asked=tuple(kind for kind in commitment.evidence if kind not in given),
        overdue=tuple(row for row in record.overdue() if key in row.commitments),
        judgement=current,
        history=history,
        dissents=tuple(one for one in doubted.get(key, ()) if one.cycle == cycle),
    )


def _of_the_review(register: Register, standings: Sequence[Standing], command: str) -> dict[str, Evidence]:
    """The two indicators about the review itself, by theme and in all."""
    measures: Mapping[str, Callable[[Standing], bool]] = {
        "commitments_evidenced": lambda one: one.evidenced,
        "commitments_reviewed": lambda one: one.judgement is not None,
    }
    groups: list[tuple[tuple[tuple[str, str], ...], list[Standing]]] = [((), list(standings))]
    for theme in dict.fromkeys(one.commitment.theme for one in standings):
        groups.append(((("theme", theme),), [one for one in standings if one.commitment.theme == theme]))
    found = {}
    for name, holds in measures.items():
        values = [(by, 100 * sum(map(holds, group)) / len(group)) for by, group in groups]
        points = tuple(Point("", value, value, value, by) for by, value in values)
        found[name] = Evidence(name, register.indicators[name].unit, points, ("commitments.csv",), command=command)
    return found
