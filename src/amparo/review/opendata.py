"""The review as open data: CSV files that a Data Package describes, and the snapshot.

No cell can act as a formula in a spreadsheet (``amparo.standard.cells``). A withheld count has empty bounds.

Source: Data Package v2 and Table Schema v2 (https://datapackage.org/standard/).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Any

from amparo.protection.release import Release
from amparo.review import cycles
from amparo.review.cycles import Snapshot
from amparo.review.progress import Judgement
from amparo.review.standing import Review
from amparo.standard.cells import safe_cell

LINE_END = "\r\n"
NUMBERS = frozenset({"lower", "upper", "value", "observed"})
Rows = Iterable[Sequence[object]]


def write(review: Review, releases: Sequence[Release], folder: Path, *, previous: Snapshot | None = None) -> list[Path]:
    """Write the review and the released tables that its figures come from.

    Parameters
    ----------
    folder : gets ``datapackage.json`` and ``review.json``, a CSV per table of the review and ``tables/``, a CSV per
        released table.
    previous : the frozen review of the last cycle, whose hash the snapshot names.
    """
    written: list[Path] = []
    resources: list[dict[str, Any]] = []

    def table(name: str, text: str, columns: Sequence[str], rows: Rows) -> None:
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_csv(columns, rows).encode())
        written.append(path)
        resources.append(_resource(path, folder, text, columns))

    texts = {
        name: one.text.get("en", "")
        for name, one in ((f"{c.instrument}:{c.id}", c) for c in review.register.commitments)
    }
    table("commitments", "Where each commitment stands.", _COMMITMENT, _commitments(review, texts))
    table("evidence", "Figures of the indicators, or why there is none.", _EVIDENCE, _evidence(review))
    table("recorded", "What bodies recorded, and the documents that prove it.", _RECORDED, _recorded(review))
    table("judgements", "Who judged what, with dissent and history.", _JUDGEMENT, _judgements(review))
    for release in releases:
        for one in release:
            frame = one.frame
            rows = frame.astype(object).where(frame.notna(), "").itertuples(index=False, name=None)
            table(f"tables/{one.name}", f"{one.method} {one.rule}", list(frame.columns), rows)
        found = release.prevalence
        if found:
            estimate = (found.estimate, found.low, found.high, found.observed)
            columns = ("value", "lower", "upper", "observed")
            table("tables/prevalence", "Estimated persons, their 95 % interval, and persons seen.", columns, [estimate])
    snapshot = folder / "review.json"
    snapshot.write_text(cycles.dump(cycles.content(review, previous=previous)), encoding="utf-8")
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "review-of-commitments",
        "title": f"Review of commitments against trafficking in persons, {review.cycle}",
        "created": f"{review.today}T00:00:00Z",
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
        "provenance": dict(review.provenance),
        "resources": resources,
    }
    described = folder / "datapackage.json"
    described.write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return [described, snapshot, *written]


def _csv(columns: Sequence[str], rows: Rows) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=LINE_END)
    writer.writerow(columns)
    writer.writerows([safe_cell("" if cell is None else str(cell)) for cell in row] for row in rows)
    return out.getvalue()


def _resource(path: Path, folder: Path, text: str, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "name": path.stem.lower().replace(" ", "-"),
        "path": path.relative_to(folder).as_posix(),
        "description": text,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "hash": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        "bytes": path.stat().st_size,
        "schema": {
            "fields": [{"name": name, "type": "number" if name in NUMBERS else "string"} for name in columns],
            "missingValues": [""],
        },
    }


_COMMITMENT = (
    "instrument", "id", "paragraph", "letter", "text", "theme", "actors", "state", "rule", "judged_by", "judged_on",
    "figures", "recorded", "dissents", "missing_figures", "missing_records",
)  # fmt: skip


def _commitments(review: Review, texts: Mapping[str, str]) -> Rows:
    for one in review.standings:
        c, judged = one.commitment, one.judgement
        yield (
            c.instrument,
            c.id,
            c.paragraph,
            c.letter,
            texts[f"{c.instrument}:{c.id}"],
            c.theme,
            " ".join(c.actors),
            one.state,
            one.rule,
            judged.by if judged else "",
            judged.day if judged else "",
            len(one.known),
            len(one.rows),
            len(one.dissents),
            " ".join(e.indicator for e in one.evidence if not e.known),
            " ".join(one.asked),
        )


_EVIDENCE = (
    "indicator", "period", "group", "lower", "upper", "value", "unit", "sources", "rule", "command", "reason", "detail",
)  # fmt: skip


def _evidence(review: Review) -> Rows:
    for name, one in review.evidence.items():
        told = (one.unit, " ".join(one.sources), " ".join(one.rules), one.command, one.reason, one.detail)
        for point in one.points:
            group = " ".join(f"{dim}={code}" for dim, code in point.by)
            value = "" if point.value is None else point.value
            yield (name, point.period, group, point.low, "" if isinf(point.high) else point.high, value, *told)
        if not one.known:
            yield (name, "", "", "", "", "", *told)


_RECORDED = (
    "kind", "id", "commitments", "title", "body", "happened", "due", "done", "details", "documents", "sha256",
)  # fmt: skip


def _recorded(review: Review) -> Rows:
    papers = review.record.documents or {}
    for row in review.record.rows:
        details = {name: str(_plain(value)) for name, value in row.values.items() if value not in (None, "", ())}
        yield (
            row.kind,
            row.id,
            " ".join(f"{instrument}:{name}" for instrument, name in row.commitments),
            row.title,
            row.body,
            row.happened or "",
            row.due or "",
            row.done or "",
            json.dumps(details, ensure_ascii=False) if details else "",
            " ".join(row.documents),
            " ".join(papers[name].sha256 for name in row.documents),
        )


def _plain(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


_JUDGEMENT = ("kind", "instrument", "id", "cycle", "date", "by", "status", "reason")


def _judgements(review: Review) -> Rows:
    def told(kind: str, one: Judgement) -> Sequence[object]:
        return (kind, *one.commitment, one.cycle, one.day, one.by, one.status, one.reason)

    for standing in review.standings:
        yield from (told("judgement", one) for one in standing.history)
        yield from (told("dissent", one) for one in standing.dissents)
