"""Names of five cultures in their own script and in Latin letters, and how an office gets them wrong.

The names are common ones, combined by chance; the variants are the spellings that transliteration tables and
officials disagree on.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

_CYRILLIC = {
    "shch": "щ", "sch": "щ", "zh": "ж", "kh": "х", "ch": "ч", "sh": "ш", "ts": "ц", "yu": "ю", "ya": "я", "ph": "ф", "ck": "к",
    "qu": "к", "a": "а", "b": "б", "c": "к", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "х", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в",
    "x": "кс", "y": "и", "z": "з", "ñ": "нь", "'": "",
}  # fmt: skip
_ARABIC = {
    "sh": "ش", "ch": "تش", "kh": "خ", "gh": "غ", "th": "ث", "dh": "ذ", "ou": "و", "oo": "و", "ee": "ي", "a": "ا", "b": "ب", "c": "ك",
    "d": "د", "e": "ي", "f": "ف", "g": "غ", "h": "ه", "i": "ي", "j": "ج", "k": "ك", "l": "ل", "m": "م", "n": "ن", "o": "و",
    "p": "ب", "q": "ق", "r": "ر", "s": "س", "t": "ت", "u": "و", "v": "ف", "w": "و", "x": "كس", "y": "ي", "z": "ز", "ñ": "ني",
    "'": "",
}  # fmt: skip


@dataclass(frozen=True)
class Name:
    """One name: in its own script, in Latin letters, and the other Latin spellings in use."""

    native: str
    latin: str
    variants: tuple[str, ...]


@cache
def names() -> dict[tuple[str, str], tuple[Name, ...]]:
    """Names by culture and kind (``female``, ``male``, ``family``)."""
    text = files("amparo.simulation").joinpath("data", "names.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], list[Name]] = {}
    for row in csv.DictReader(text.splitlines()):
        variants = tuple(part for part in row["variants"].split("|") if part)
        found.setdefault((row["culture"], row["kind"]), []).append(Name(row["native"], row["latin"], variants))
    return {key: tuple(value) for key, value in found.items()}


@cache
def in_script(latin: str, script: str) -> str:
    """A Latin spelling letter by letter in ``cyrillic`` or ``arabic``, as a clerk would write it."""
    table = _CYRILLIC if script == "cyrillic" else _ARABIC
    plain, out, at = _plain(latin.lower()), "", 0
    while at < len(plain):
        size = next((n for n in (4, 3, 2, 1) if plain[at : at + n] in table), 0)
        out += table[plain[at : at + size]] if size else plain[at]
        at += size or 1
    return out.title() if script == "cyrillic" else out


def _plain(text: str) -> str:
    """Without accents, but for ñ."""
    accents = str.maketrans("áàâäéèêëíîïóôöúùûüç", "aaaaeeeeiiiooouuuuc")
    return text.translate(accents)


def give_names(persons: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Given, family and second family name of each person, as positions in :func:`names`.

    Adds the columns ``given``, ``family``, ``second`` (the last is -1 outside cultures with two surnames).
    """
    columns = {column: np.full(len(persons), -1) for column in ("given", "family", "second")}
    cultures, sexes = persons["culture"].to_numpy(), persons["sex"].to_numpy()
    for culture in sorted({culture for culture, _ in names()}):
        for kind in ("female", "male"):
            rows = np.flatnonzero((cultures == culture) & ((sexes == "male") == (kind == "male")))
            families = len(names()[culture, "family"])
            columns["given"][rows] = random.integers(len(names()[culture, kind]), size=len(rows))
            columns["family"][rows] = random.integers(families, size=len(rows))
            if culture == "es":
                columns["second"][rows] = random.integers(families, size=len(rows))
    return persons.assign(**columns)


def written(name: Name, culture: str, script: str, vary: bool, choice: int) -> str:
    """A name as an office writes it.

    Parameters
    ----------
    script : ``latin``, ``cyrillic``, ``arabic`` or ``han``; a name is written in its own script where the office
        uses it, in Latin letters where the office has no way of its own.
    vary : use another Latin spelling where there is one; ``choice`` picks it.
    """
    own = {"ar": "arabic", "ru": "cyrillic", "zh": "han"}.get(culture)
    if own == script:
        return name.native
    latin = name.variants[choice % len(name.variants)] if vary and name.variants else name.latin
    if script in ("cyrillic", "arabic"):
        return in_script(latin, script)
    return latin


def mistyped(text: str, kind: int, position: int) -> str:
    """The text with one slip: two letters exchanged, one left out, or one doubled."""
    if len(text) < 4:
        return text
    at = 1 + position % (len(text) - 2)
    if kind % 3 == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind % 3 == 1:
        return text[:at] + text[at + 1 :]
    return text[:at] + text[at] + text[at:]
