"""The review as PDF, set by Typst with fonts that come with Amparo's dependencies (see ``report.pdf``)."""

from __future__ import annotations

from amparo.report.pdf import typeset
from amparo.review.view import Entry, View


def render(view: View) -> bytes:
    """The document as PDF; the same review gives the same bytes."""
    return typeset("amparo.review", "review", _content(view), {})


def _content(view: View) -> dict[str, object]:
    texts = view.texts
    return {
        "lang": texts.lang,
        "title": view.title,
        "about": view.about,
        "states_title": texts("states"),
        "counts": [f"{sign} {label}: {texts.number(count)}" for _, sign, label, count in view.counts],
        "paragraphs": [
            {
                "title": f"{paragraph.title} · {part.symbol}",
                "entries": [_entry(entry, view) for entry in paragraph.entries],
            }
            for part in view.parts
            for paragraph in part.paragraphs
        ],
        "head": [texts(f"figure-{name}") for name in ("indicator", "value", "period", "reading")],
        "overdue_title": texts("nav-overdue"),
        "overdue": [f"{row.due}: {texts.isolate(row.title)} ({texts.isolate(row.body)})" for row in view.overdue]
        or [texts("overdue-none")],
        "method_title": texts("nav-method"),
        "method": [
            *(texts(name) for name in ("method-evidence", "method-rule", "method-people", "method-recorded")),
            texts("method-wording", symbol=view.symbol),
        ],
        "provenance_title": texts("provenance"),
        "provenance": [f"{name}: {value}" for name, value in view.proof],
    }


def _entry(entry: Entry, view: View) -> dict[str, object]:
    texts = view.texts
    return {
        "title": f"{entry.id} {entry.text}",
        "state": f"{entry.sign} {entry.state_label}",
        "gap": f"{texts('gap')}: {entry.gap}",
        "figures": [
            [
                figure.name,
                figure.missing or figure.value or "; ".join(f"{name}: {value}" for name, _, value in figure.groups),
                figure.period,
                figure.reading + (f" ({figure.against})" if figure.against else ""),
            ]
            for figure in entry.figures
        ],
        "recorded": [row.line(texts) for row in entry.recorded],
        "judged": f"{texts('judgement')}: {entry.judged} {entry.reason}".strip(),
        "rule": f"{entry.rule} {texts('rule-differs')}" if entry.differs else entry.rule,
        "dissents": [f"{texts('dissent')}: {said} {reason}" for said, reason in entry.dissents],
    }
