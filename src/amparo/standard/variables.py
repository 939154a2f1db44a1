"""The case record: its variables and code lists, read from the data files beside this module.

Units follow the International Classification Standard for Administrative Data on Trafficking in Persons
(UNODC and IOM; endorsed by the UN Statistical Commission): trafficking event, victim, perpetrator,
reporting entity; ``aggregate`` holds numbers that somebody has already counted.

What is missing is null. What the source says is not known is the code ``unknown``; what it says is absent is
``none``. The three are never merged.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

LANGUAGES = ("ar", "zh", "en", "fr", "ru", "es")
"""The six UN languages, in the order of their English names."""

TOTAL = "_T"
"""Code of a total (SDMX code list CL_TOTAL convention)."""
NOT_RECORDED = "_X"
"""Code of what was not recorded (SDMX: unspecified)."""
OTHER_OR_NOT_RECORDED = "_O"
"""Code of the few of another category together with what was not recorded (SDMX: other)."""
UNKNOWN = "unknown"
NO_INFORMATION = (NOT_RECORDED, OTHER_OR_NOT_RECORDED, UNKNOWN)
"""Codes that tell nothing of a person."""
NONE = "none"

Unit = Literal["victim", "event", "perpetrator", "aggregate"]
Type = Literal["text", "integer", "count", "date", "code", "codes", "country", "countries"]
Storage = Literal["vault", "analysis"]


@dataclass(frozen=True)
class Variable:
    """One variable of the standard; ``codes`` names its code list, '' where it has none."""

    name: str
    unit: Unit
    type: Type
    codes: str
    storage: Storage
    labels: Mapping[str, str]
    definition: str

    @property
    def multiple(self) -> bool:
        """Whether several values may hold at once."""
        return self.type in ("codes", "countries")


@dataclass(frozen=True)
class Code:
    """One code of a code list; ``parent`` is the code one level up, '' at the top."""

    code: str
    parent: str
    labels: Mapping[str, str]


def _rows(name: str) -> list[dict[str, str]]:
    text = files("amparo.standard").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _labels(row: Mapping[str, str]) -> dict[str, str]:
    return {lang: row.get(f"label_{lang}") or row["label_en"] for lang in LANGUAGES}


@cache
def variables() -> Mapping[str, Variable]:
    """All variables of the standard by name, in the order of the case record."""
    return {
        row["name"]: Variable(
            name=row["name"],
            unit=row["unit"],  # type: ignore[arg-type]
            type=row["type"],  # type: ignore[arg-type]
            codes=row["codes"],
            storage=row["storage"],  # type: ignore[arg-type]
            labels=_labels(row),
            definition=row["definition_en"],
        )
        for row in _rows("variables.csv")
    }


@cache
def code_list(name: str) -> Mapping[str, Code]:
    """The codes of a code list by code, in their order; ``country`` is in :mod:`amparo.standard.countries`.

    Raises
    ------
    FileNotFoundError : no such code list.
    """
    return {row["code"]: Code(row["code"], row["parent"], _labels(row)) for row in _rows(f"codes/{name}.csv")}


def match_code(name: str, text: str) -> str | None:
    """The code of a code list that a text is or names in any of the six languages; None if there is none.

    Case, width, outer and doubled spaces and the kind of dash do not matter. A label that two codes share
    names neither.

    Raises
    ------
    FileNotFoundError : no such code list.
    """
    return codes_by_label(name).get(comparable(text))


@cache
def comparable(text: str) -> str:
    """The text as it is compared: NFKC, casefolded, trimmed, with single spaces and plain dashes."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    return " ".join(plain.split())


_DASHES = {ord(dash): "-" for dash in "‐‑‒–—−"}


@cache
def codes_by_label(name: str) -> Mapping[str, str]:
    """The codes of a code list by :func:`comparable` text: their own, and their labels in the six languages."""
    codes = code_list(name)
    named: dict[str, set[str]] = {}
    for code, entry in codes.items():
        for label in entry.labels.values():
            named.setdefault(comparable(label), set()).add(code)
    index = {label: next(iter(found)) for label, found in named.items() if len(found) == 1}
    return index | {comparable(code): code for code in codes}
