"""The released tables as open data: CSV files and a Data Package that describes them.

Source: Data Package v2 and Table Schema v2 (https://datapackage.org/standard/).
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from amparo.protection.prevalence import ReleasedPrevalence
from amparo.protection.release import Release, ReleasedTable
from amparo.report.document import method, title_of
from amparo.report.text import Texts
from amparo.standard.cells import safe_cell

LINE_END = "\r\n"
"""RFC 4180. With a bare newline the writer would leave a carriage return unquoted: a new cell would start after it."""


def write_data(release: Release, folder: Path, texts: Texts, *, title: str) -> list[Path]:
    """Write ``datapackage.json`` and one CSV per table; the data are the same in every language, the titles are not.

    A withheld cell has empty bounds and the status ``withheld``. No cell can act as a formula in a spreadsheet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in release:
        path = folder / f"{table.name}.csv"
        path.write_text(_csv(table), encoding="utf-8", newline="")
        written.append(path)
    if release.prevalence:
        path = folder / "prevalence.csv"
        path.write_text(_prevalence_csv(release.prevalence), encoding="utf-8", newline="")
        written.append(path)
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "trafficking-in-persons",
        "title": title,
        "created": f"{release.provenance['created']}T00:00:00Z",
        "version": release.provenance["version"],
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
        "sources": [{"title": source} for source in sorted({table.source for table in release if table.source})],
        "provenance": dict(release.provenance),
        "resources": [
            *(_resource(table, texts) for table in release),
            *([_prevalence_resource(texts)] if release.prevalence else []),
        ],
    }
    path = folder / "datapackage.json"
    path.write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return [path, *written]


def _csv(table: ReleasedTable) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=LINE_END)
    frame = table.frame
    writer.writerow(frame.columns)
    texts = frame.astype(object).where(frame.notna(), "")
    writer.writerows([safe_cell(str(cell)) for cell in row] for row in texts.itertuples(index=False, name=None))
    return out.getvalue()


def _resource(table: ReleasedTable, texts: Texts) -> dict[str, Any]:
    coded = [
        {
            "name": dim,
            "type": "string",
            "title": texts.dim(dim),
            "constraints": {"required": True},
            "categories": [
                {"value": code, "label": texts.code(dim, code)} for code in sorted(table.frame[dim].unique())
            ],
        }
        for dim in table.dims
    ]
    bounds = [
        {
            "name": name,
            "type": "integer",
            "title": texts(f"column-{name}"),
            "description": texts(f"column-{name}-text"),
            "constraints": {"minimum": 0},
        }
        for name in ("lower", "upper")
    ]
    status = {
        "name": "status",
        "type": "string",
        "title": texts("column-status"),
        "description": texts("column-status-text"),
        "constraints": {"enum": ["exact", "interval", "withheld"]},
    }
    return {
        "name": table.name,
        "path": f"{table.name}.csv",
        "title": title_of(table, texts),
        "description": method(table, texts),
        "method": f"{table.method} {table.rule}",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {
            "fields": [*coded, *bounds, status],
            "missingValues": [""],
            "primaryKey": list(table.dims),
        },
    }


_ANALYSIS = ("choice", "variant", "estimate", "lower", "upper")


def _prevalence_csv(found: ReleasedPrevalence) -> str:
    """The estimate first, as the analysis that was chosen; then all others."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=LINE_END)
    writer.writerow(_ANALYSIS)
    writer.writerow(("chosen", "stepwise", found.estimate, found.low, found.high))
    rows: list[dict[Any, Any]] = found.analyses.to_dict("records")
    for row in rows:
        words = (safe_cell(str(row[name])) for name in _ANALYSIS[:2])
        writer.writerow((*words, *(int(row[name]) for name in _ANALYSIS[2:])))
    return out.getvalue()


def _prevalence_resource(texts: Texts) -> dict[str, Any]:
    fields = [{"name": name, "type": "string" if name in ("choice", "variant") else "integer"} for name in _ANALYSIS]
    return {
        "name": "prevalence",
        "path": "prevalence.csv",
        "title": texts("section-unseen"),
        "description": "Persons in the population, seen and unseen; 95 % intervals.",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "primaryKey": ["choice", "variant"]},
    }
