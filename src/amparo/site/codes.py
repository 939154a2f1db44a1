"""Code lists of the desk, with labels in six languages: its own, the standard's, countries and languages."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel import Locale
from django.utils.translation import get_language

from amparo.standard import countries
from amparo.standard.variables import LANGUAGES, code_list

PERSONS_LANGUAGES = (
    "am",
    "ar",
    "bn",
    "en",
    "es",
    "fa",
    "fr",
    "ha",
    "hi",
    "id",
    "ku",
    "my",
    "ne",
    "pa",
    "ps",
    "pt",
    "ro",
    "ru",
    "sq",
    "so",
    "sw",
    "th",
    "ti",
    "tl",
    "tr",
    "uk",
    "ur",
    "vi",
    "yo",
    "zh",
)
"""Languages that persons are asked in (ISO 639-1)."""


def current() -> str:
    """The reader's language, one of the six."""
    lang = (get_language() or "en")[:2]
    return lang if lang in LANGUAGES else "en"


@cache
def _own() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = files("amparo.site").joinpath("data", "codes.csv").read_text(encoding="utf-8")
    found: dict[str, dict[str, dict[str, str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["list"], {})[row["code"]] = {lang: row[f"label_{lang}"] for lang in LANGUAGES}
    return found


def codes(name: str) -> tuple[str, ...]:
    """The codes of a list in their order.

    Raises
    ------
    FileNotFoundError : there is no such list.
    """
    if name == "country":
        return tuple(code for code in countries.countries())
    if name == "language":
        return PERSONS_LANGUAGES
    return tuple(_own()[name]) if name in _own() else tuple(code_list(name))


@cache
def label(name: str, code: str, lang: str) -> str:
    """The label of a code; a code that is not of the list (an old one) stands for itself."""
    if name == "country":
        return countries.label(code, lang) if code in countries.countries() else code
    if name == "language":
        return str(Locale.parse(lang).languages.get(code, code))
    if name in _own():
        found = _own()[name].get(code)
        return found[lang] if found else code
    known = code_list(name)
    return known[code].labels[lang] if code in known else code


def choices(name: str, *, blank: bool = False) -> list[tuple[str, str]]:
    """Codes and labels for a form, in the reader's language; countries and languages in its alphabetical order."""
    found = [(code, label(name, code, current())) for code in codes(name)]
    if name in ("country", "language"):
        found.sort(key=lambda pair: pair[1])
    return [("", "—"), *found] if blank else found
