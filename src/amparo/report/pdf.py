"""The report as PDF, set by Typst with fonts that come with Amparo's dependencies.

A fresh machine has no text layout library of the system's; Typst brings its own, shapes Arabic and Chinese, and gives
the same bytes for the same document.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import typst

from amparo.report.document import Document, TableView
from amparo.report.figures import font_folders

LONGEST = 40
"""Rows of a table that are printed; the open data hold all of them."""


def render(document: Document, *, data: str) -> bytes:
    """The document as PDF; long tables are cut and point to the open data."""
    drawings = {f"{figure.name}.svg": figure.svg for section in document.sections for figure in section.figures}
    return typeset("amparo.report", "report", _content(document, data), drawings)


def typeset(package: str, name: str, content: Mapping[str, object], drawings: Mapping[str, str]) -> bytes:
    """Set a package's ``name.typ`` with its content, which it reads as ``name.json``, and drawings by file name."""
    template = files(package).joinpath("templates", f"{name}.typ").read_bytes()
    with tempfile.TemporaryDirectory(prefix="amparo-") as folder:
        root = Path(folder)
        (root / f"{name}.typ").write_bytes(template)
        for file, svg in drawings.items():
            (root / file).write_text(svg, encoding="utf-8")
        (root / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return bytes(typst.compile(str(root / f"{name}.typ"), root=str(root), font_paths=list(font_folders())))


def _content(document: Document, data: str) -> dict[str, object]:
    texts = document.texts
    return {
        "lang": texts.lang,
        "title": document.title,
        "subtitle": document.subtitle,
        "findings_title": texts("findings"),
        "findings": [finding.text for finding in document.findings],
        "sections": [
            {
                "title": section.title,
                "text": list(section.text),
                "figures": [
                    {
                        "file": f"{figure.name}.svg",
                        "title": figure.title,
                        "alt": figure.alt,
                        "notes": [*figure.notes, *_see(figure.table, document)],
                    }
                    for figure in section.figures
                ],
                "tables": [_table(document.table(name), document, data) for name in section.tables],
            }
            for section in document.sections
        ],
        "methods_title": texts("section-methods"),
        "methods": [{"title": title, "text": text} for title, text in document.methods],
        "provenance_title": texts("provenance"),
        "provenance": [f"{name}: {value}" for name, value in document.provenance],
        "data": texts("data-here", file=data),
    }


def _see(table: str, document: Document) -> list[str]:
    return [document.texts("see-table", name=document.table(table).title)] if table else []


def _table(table: TableView, document: Document, data: str) -> dict[str, object]:
    texts = document.texts
    notes = [texts("withheld-legend")] if table.withheld else []
    if len(table.rows) > LONGEST:
        notes.append(texts("data-here", file=f"{Path(data).parent}/{table.name}.csv"))
    return {
        "title": table.title,
        "head": list(table.head),
        "labels": table.labels,
        "rows": [list(row) for row in table.rows[:LONGEST]],
        "totals": list(table.totals[:LONGEST]),
        "notes": notes,
    }
