"""The review as a Word document, for those who must edit, annotate and pass it on."""

from __future__ import annotations

import io
from datetime import datetime

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from amparo.review.view import Entry, View

_FONTS = {"w:ascii": "Noto Sans", "w:hAnsi": "Noto Sans", "w:cs": "Noto Sans Arabic", "w:eastAsia": "Noto Sans CJK SC"}


def render(view: View, *, day: datetime) -> bytes:
    """The document; ``day`` is its date of creation, so that the same review gives the same text and properties."""
    document = docx.Document()
    document.core_properties.title = view.title
    document.core_properties.author = "Amparo"
    document.core_properties.language = view.texts.lang
    document.core_properties.created = document.core_properties.modified = day
    _set_fonts(document)
    texts = view.texts
    document.add_heading(view.title, 0)
    document.add_paragraph(view.about)
    document.add_heading(texts("states"), 1)
    for _, sign, label, count in view.counts:
        document.add_paragraph(f"{sign} {label}: {texts.number(count)}", style="List Bullet")
    for part in view.parts:
        for paragraph in part.paragraphs:
            document.add_heading(f"{paragraph.title} · {part.symbol}", 1)
            for entry in paragraph.entries:
                _entry(document, entry, view)
    document.add_heading(texts("nav-overdue"), 1)
    for row in view.overdue:
        document.add_paragraph(
            f"{row.due}: {texts.isolate(row.title)} ({texts.isolate(row.body)})", style="List Bullet"
        )
    if not view.overdue:
        document.add_paragraph(texts("overdue-none"))
    document.add_heading(texts("nav-method"), 1)
    for name in ("method-evidence", "method-rule", "method-people", "method-recorded"):
        document.add_paragraph(texts(name))
    document.add_paragraph(texts("method-wording", symbol=view.symbol))
    document.add_heading(texts("provenance"), 2)
    for name, value in view.proof:
        document.add_paragraph(f"{name}: {value}")
    if texts.rtl:
        _turn(document)
    held = io.BytesIO()
    document.save(held)
    return held.getvalue()


def _entry(document: docx.document.Document, entry: Entry, view: View) -> None:
    texts = view.texts
    document.add_heading(f"{entry.id} {entry.text}", 2)
    state = document.add_paragraph()
    state.add_run(f"{entry.sign} {entry.state_label}").bold = True
    document.add_paragraph(f"{texts('gap')}: {entry.gap}")
    if entry.figures:
        table = document.add_table(rows=1, cols=4, style="Light Grid Accent 1")
        heads = ("figure-indicator", "figure-value", "figure-period", "figure-reading")
        for cell, name in zip(table.rows[0].cells, heads, strict=True):
            cell.text = texts(name)
        for figure in entry.figures:
            said = figure.missing or figure.value or "; ".join(f"{name}: {value}" for name, _, value in figure.groups)
            reading = figure.reading + (f" ({figure.against})" if figure.against else "")
            for cell, text in zip(table.add_row().cells, (figure.name, said, figure.period, reading), strict=True):
                cell.text = text
    for row in entry.recorded:
        document.add_paragraph(row.line(texts), style="List Bullet")
    document.add_paragraph(f"{texts('judgement')}: {entry.judged} {entry.reason}".strip())
    document.add_paragraph(f"{entry.rule} {texts('rule-differs')}" if entry.differs else entry.rule)
    for said, reason in entry.dissents:
        document.add_paragraph(f"{texts('dissent')}: {said} {reason}", style="List Bullet")


def _set_fonts(document: docx.document.Document) -> None:
    style = document.styles["Normal"]
    style.font.size = Pt(10)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name, font in _FONTS.items():
        fonts.set(qn(name), font)


def _turn(document: docx.document.Document) -> None:
    """Set the text from right to left: paragraphs, runs and tables."""
    for properties in (p._p.get_or_add_pPr() for p in _paragraphs(document)):
        properties.append(OxmlElement("w:bidi"))
    for paragraph in _paragraphs(document):
        for run in paragraph.runs:
            run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))
    for table in document.tables:
        # The schema wants it right behind the style; Word calls the file damaged otherwise.
        table._tbl.tblPr.find(qn("w:tblStyle")).addnext(OxmlElement("w:bidiVisual"))


def _paragraphs(document: docx.document.Document) -> list[Paragraph]:
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return [*document.paragraphs, *(paragraph for cell in cells for paragraph in cell.paragraphs)]
