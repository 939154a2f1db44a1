"""The review in words: its texts in the six UN languages, and how a figure is written in each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from math import isinf

from babel.numbers import format_decimal
from fluent.runtime import FluentResource

from amparo.report.text import Texts
from amparo.review.evidence import Evidence, Point
from amparo.review.register import Indicator, code_labels
from amparo.standard import countries

_LISTS = {"profession": "actor", "sector": "actor", "theme": "theme", "pillar": "pillar"}
"""Dimensions whose codes are in a list of codes.csv, and its name."""


class ReviewTexts(Texts):
    """The texts of the report in one language, and those of the review beside them.

    Raises
    ------
    AmparoError : the language is not one of the six.
    """

    def __init__(self, lang: str) -> None:
        super().__init__(lang)
        self._bundle.add_resource(FluentResource(_messages(lang)))

    def label(self, name: str, code: str) -> str:
        """The label of a code of a list of the review, such as ``status`` or ``theme``."""
        return code_labels(name)[code][self.lang]

    def state(self, code: str) -> str:
        """The label of a state of a commitment: what was judged, or that nothing could be."""
        return self.label("status" if code in code_labels("status") else "state", code)

    def isolate(self, text: str) -> str:
        """A text of unknown direction, so that the Arabic sentence around it keeps its order (UAX #9)."""
        return f"\u2068{text}\u2069" if self.rtl and text else text

    def listed(self, words: list[str]) -> str:
        """Words one after the other."""
        return {"ar": "، ", "zh": "、"}.get(self.lang, ", ").join(words)

    def group(self, dim: str, code: str) -> str:
        """The name of a code by which a figure is broken down; a code of a list that is not ours stays as it is."""
        if dim in _LISTS and code in code_labels(_LISTS[dim]):
            return self.label(_LISTS[dim], code)
        if dim == "country":
            return str(countries.label(code, self.lang))
        if dim in code_labels("impact_question"):
            known = code_labels("impact_answer")
            return known[code][self.lang] if code in known else self.code(dim, code)
        return self.code(dim, code)

    def figure(self, indicator: Indicator, evidence: Evidence, point: Point) -> str:
        """A figure with its unit; its bounds where it is not one number, its interval where it is an estimate."""
        low, high = self._number(indicator, point.low), self._number(indicator, point.high)
        if isinf(point.high):
            said = self("or-more", low=low)
        elif low == high:
            said = low
        elif point.value is not None:
            said = self("estimate", value=self._number(indicator, point.value), low=low, high=high)
        else:
            said = self("between", low=low, high=high)
        if indicator.unit in ("days", "hours", "points"):
            return self(f"unit-{indicator.unit}", value=said)
        if indicator.unit == "currency":
            return f"{said} {self._currency(evidence, point)}".strip()
        return said

    def _number(self, indicator: Indicator, value: float) -> str:
        if isinf(value):
            return ""
        if indicator.unit == "percent":
            return self.percent(value / 100)
        if indicator.unit in ("ratio", "points"):
            return str(format_decimal(value, format="#,##0.0#", locale=self.locale, numbering_system="latn"))
        return self.number(value)

    def _currency(self, evidence: Evidence, point: Point) -> str:
        known = {dict(one.by).get("currency", "") for one in evidence.points} - {""}
        return dict(point.by).get("currency") or (known.pop() if len(known) == 1 else "")

    def reason(self, evidence: Evidence) -> str:
        """Why there is no figure."""
        return self(f"reason-{evidence.reason}", detail=evidence.detail)


@cache
def _messages(lang: str) -> str:
    return files("amparo.review").joinpath("messages", f"{lang}.ftl").read_text(encoding="utf-8")
