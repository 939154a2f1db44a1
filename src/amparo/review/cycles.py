"""Review cycles: a review is frozen as a snapshot, and compared with the last.

A snapshot is JSON of the whole review with its SHA-256, which covers all of it and the hash of the snapshot before. To
change one without a trace, all later ones must be changed too, and whoever holds a hash sees it. It holds what the
public pages show and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import Any

from amparo.review.evidence import Evidence, Point
from amparo.review.standing import Review
from amparo.standard.errors import AmparoError
from amparo.standard.files import replace_whole

FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """A frozen review; ``content`` is what :func:`content` gave."""

    sha256: str
    content: Mapping[str, Any]

    @property
    def cycle(self) -> str:
        """Its cycle."""
        return str(self.content["cycle"])


@dataclass(frozen=True)
class Change:
    """How a commitment stands beside the last cycle; states are codes, "" where it was not in the register."""

    commitment: tuple[str, str]
    before: str
    now: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def content(review: Review, *, previous: Snapshot | None = None) -> dict[str, Any]:
    """A review as plain data, the same for the same review.

    Parameters
    ----------
    previous : the snapshot of the cycle before.
    """
    return {
        "format": FORMAT,
        "cycle": review.cycle,
        "date": review.today.isoformat(),
        "previous": previous.sha256 if previous else "",
        "provenance": dict(review.provenance),
        "recorded": dict(review.record.hashes or {}),
        "documents": {name: paper.sha256 for name, paper in sorted((review.record.documents or {}).items())},
        "indicators": {name: _evidence(one) for name, one in sorted(review.evidence.items())},
        "commitments": {
            ":".join(one.key): {
                "state": one.state,
                "rule": one.rule,
                "readings": dict(one.readings),
                "recorded": [row.id for row in one.rows],
                "judged": _judged(one.judgement),
                "dissents": [_judged(dissent) for dissent in one.dissents],
            }
            for one in review.standings
        },
    }


def _judged(judgement: Any) -> dict[str, str] | None:
    if judgement is None:
        return None
    day = judgement.day.isoformat()
    return {"status": judgement.status, "by": judgement.by, "date": day, "reason": judgement.reason}


def _evidence(one: Evidence) -> dict[str, Any]:
    if not one.known:
        return {"unit": one.unit, "reason": one.reason, "detail": one.detail}
    return {"unit": one.unit, "sources": list(one.sources), "points": [_point(point) for point in one.points]}


def _point(point: Point) -> list[Any]:
    """Period, codes, lower and upper bound (null where nothing bounds it), value."""
    high = None if isinf(point.high) else point.high
    return [point.period, dict(point.by), point.low, high, point.value]


def digest(found: Mapping[str, Any]) -> str:
    """The SHA-256 of a review's content."""
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def dump(found: Mapping[str, Any]) -> str:
    """The text of a snapshot: content and hash."""
    return json.dumps({"sha256": digest(found), "review": found}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def load(path: Path) -> Snapshot:
    """A snapshot, with its hash checked.

    Raises
    ------
    AmparoError : it is not one, or it was changed since it was frozen.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        snapshot = Snapshot(held["sha256"], held["review"])
        known = snapshot.content["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as fault:
        raise AmparoError(
            f"not a snapshot of a review ({fault}).", remedy="Take it away, or freeze anew.", where=str(path)
        ) from None
    if not known:
        raise AmparoError("a format of another version.", remedy="Read it with that version.", where=str(path))
    if digest(snapshot.content) != snapshot.sha256:
        raise AmparoError(
            "the snapshot was changed since it was frozen: its hash does not fit.",
            remedy="Put back the one that was published.",
            where=str(path),
        )
    return snapshot


def snapshots(folder: Path) -> tuple[Snapshot, ...]:
    """The snapshots of a folder in the order of their cycles, each bound to the one before.

    Raises
    ------
    AmparoError : one was changed, or one before it was exchanged or taken away.
    """
    found = sorted((load(path) for path in folder.glob("*.json")), key=lambda one: one.cycle) if folder.is_dir() else []
    before = ""
    for one in found:
        if one.content["previous"] != before:
            raise AmparoError(
                f"the snapshot of {one.cycle} does not follow the one before it.",
                remedy="Put back the snapshots as they were published; each names the hash of the one before.",
                where=str(folder),
            )
        before = one.sha256
    return tuple(found)


def freeze(review: Review, folder: Path) -> Path:
    """Write the snapshot of a review as ``<cycle>.json``; freezing the same review again changes nothing.

    Raises
    ------
    AmparoError : the cycle is frozen already as something else, or a later one is.
    """
    held = snapshots(folder)
    earlier = [one for one in held if one.cycle < review.cycle]
    found = content(review, previous=earlier[-1] if earlier else None)
    path = folder / f"{review.cycle}.json"
    frozen = next((one for one in held if one.cycle >= review.cycle), None)
    if frozen and (frozen.cycle != review.cycle or frozen.sha256 != digest(found)):
        raise AmparoError(
            f"the cycle {frozen.cycle} is frozen already.",
            remedy="Review under a later cycle; a frozen one stays as it was published.",
            where=str(path),
        )
    folder.mkdir(parents=True, exist_ok=True)
    replace_whole(path, dump(found).encode())
    return path


def first_figures(held: tuple[Snapshot, ...], *, before: str) -> dict[str, Point]:
    """The first single figure of each indicator in the snapshots of earlier cycles."""
    found: dict[str, Point] = {}
    for snapshot in held:
        for name, one in snapshot.content["indicators"].items() if snapshot.cycle < before else ():
            everybody = [point for point in one.get("points", ()) if not point[1]]
            if name not in found and everybody:
                period, _, low, high, value = everybody[-1]
                found[name] = Point(period or snapshot.cycle, low, float("inf") if high is None else high, value)
    return found


def compare(review: Review, previous: Snapshot) -> tuple[Change, ...]:
    """What is not as it was in the last cycle: states, and indicators that gained or lost their figure."""
    before = previous.content["commitments"]
    old = previous.content["indicators"]
    changes = []
    for one in review.standings:
        known = {e.indicator for e in one.known}
        was = {e.indicator for e in one.evidence if old.get(e.indicator, {}).get("points")}
        state = before.get(":".join(one.key), {}).get("state", "")
        gained, lost = tuple(sorted(known - was)), tuple(sorted(was - known))
        if state != one.state or gained or lost:
            changes.append(Change(one.key, state, one.state, gained, lost))
    return tuple(changes)
