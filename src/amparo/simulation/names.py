"""Names of eight cultures in their own script and in others, and how an office gets them wrong.

The names are common ones, combined by chance. ``data/letters.csv`` holds the tables by which names pass from one
script to another: Cyrillic to Latin as in passports (ICAO 9303), and as English, French and Spanish speakers write it;
Latin to Cyrillic and to Arabic letter by letter, as a clerk would who knows how the language is read; and, by ear, what
is commonly misheard.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from amparo.simulation.coded import Bools, Ints, Texts, texts_of

CULTURES = ("es", "ng", "fr", "ar", "ru", "ro", "uz", "zh")
SCRIPT = {"ar": "arabic", "ru": "cyrillic", "uz": "cyrillic", "zh": "han"}
"""The script of a culture, where it is not Latin."""
FATHERS = ("ar", "ru", "uz")
"""Cultures whose middle name is the father's; of the others some have a second given name."""
SPELLINGS = 4
"""Ways to write a name in one script that are kept."""
_CYRILLIC_TO_LATIN = ("passport", "english", "french", "spanish")
_STEMS = {"Пётр": "Петр", "Лев": "Льв", "Павел": "Павл"}
"""Russian names whose stem changes before an ending."""


@dataclass(frozen=True)
class Names:
    """The true names of persons.

    ``culture`` is a position in :data:`CULTURES`; ``given``, ``middle``, ``family`` and ``second`` are positions in the
    culture's names, -1 where there is none; ``spelling`` says which Latin spelling stands in the passport.
    """

    culture: Ints
    female: Bools
    given: Ints
    middle: Ints
    family: Ints
    second: Ints
    spelling: Ints

    def take(self, rows: Ints) -> Names:
        """Some of the persons."""
        return Names(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Written:
    """Name parts as texts, '' where there is none."""

    given: Texts
    middle: Texts
    family: Texts
    second: Texts


# --- the tables ---------------------------------------------------------------------------------------------


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files("amparo.simulation").joinpath("data", "names.toml").read_text(encoding="utf-8"))


@cache
def _letters() -> Mapping[str, Mapping[str, str]]:
    text = files("amparo.simulation").joinpath("data", "letters.csv").read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        tables.setdefault(row["table"], {})[row["from"]] = row["to"]
    for table in _CYRILLIC_TO_LATIN[1:]:
        tables[table] = tables["passport"] | tables[table]
    for script in ("cyrillic", "arabic"):
        for culture in CULTURES:
            tables[f"{script} {culture}"] = tables[script] | tables.get(f"{script} {culture}", {})
    return tables


@cache
def in_letters(text: str, table: str) -> str:
    """The text by a table of ``data/letters.csv``: the longest match first, each word's capital kept.

    ``^`` in the table stands for the start of a word.
    """
    letters = _letters().get(table, {})
    longest = max(map(len, letters), default=1)
    out = ""
    for word in re.split(r"([ '’-])", text):
        lower, piece, at = word.lower(), "", 0
        while at < len(lower):
            size = next((n for n in range(longest, 0, -1) if lower[at : at + n] in letters), 0)
            found = letters[lower[at : at + size]] if size else lower[at]
            piece += letters.get(f"^{lower[:1]}", found) if at == 0 and size < 2 else found
            at += size or 1
        out += piece[:1].upper() + piece[1:] if word[:1].isupper() else piece
    return out


@cache
def plain(text: str) -> str:
    """The text without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@cache
def _entries(culture: str, kind: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names of a kind as (in the culture's script, its Latin spellings).

    Kinds: ``female``, ``male`` (given names); ``family`` and, as women bear it, ``family female``; ``middle female``,
    ``middle male`` (father's or second given name); ``nick female``, ``nick male``.
    """
    kind, _, who = kind.partition(" ")
    if kind == "family":
        rows = _listed(culture, "family")
        return tuple((_womans(name), latin) for name, latin in rows) if who and culture in ("ru", "uz") else rows
    if kind == "middle":
        if culture in ("ru", "uz"):
            return tuple((_patronymic(name, who), ()) for name, _ in _listed(culture, "male"))
        return _entries(culture, "male" if culture in FATHERS else who)
    if kind == "nick":
        pairs = (part.partition("=") for part in _split(_data()["nicknames"][culture]))
        short = {name: (nick.split("/")[0], tuple(nick.split("/")[1:])) for name, _, nick in pairs}
        return tuple(short.get(name, (name, latin)) for name, latin in _entries(culture, who))
    rows = _listed(culture, kind)
    return _together(rows) if culture == "zh" else rows


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", " ").split(",") if part.strip()]


@cache
def _listed(culture: str, kind: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    pairs = (part.partition("=") for part in _split(_data()[culture][kind]))
    return tuple((name, tuple(latin.split("/")) if latin else ()) for name, _, latin in pairs)


def _together(characters: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Chinese given names of one character and of two; Latin as pinyin has it, in two words, and as in Hong Kong."""
    found = list(characters)
    for first, a in characters:
        for second, b in characters:
            if first != second:
                found.append((first + second, (f"{a[0]}{b[0].lower()}", f"{a[0]} {b[0]}", f"{a[-1]} {b[-1]}")))
    return tuple(found)


def _womans(family: str) -> str:
    """A Russian family name as a woman bears it."""
    if family.endswith(("ов", "ев", "ёв", "ин")):
        return family + "а"
    if family.endswith(("ский", "цкий")):
        return family[:-2] + "ая"
    return family[:-2] + "ая" if family.endswith(("ый", "ой")) else family


def _patronymic(father: str, child: str) -> str:
    """The middle name of the child of a father, as Russian forms it."""
    female = child == "female"
    father = _STEMS.get(father, father)
    if father.endswith("ий") and father != "Дмитрий":
        return father[:-2] + ("ьевна" if female else "ьевич")
    if father.endswith(("й", "ь")):
        return father[:-1] + ("евна" if female else "евич")
    if father.endswith(("а", "я")):
        return father[:-1] + ("ична" if female else "ич")
    return father.removesuffix("о") + ("овна" if female else "ович")


@cache
def writings(culture: str, kind: str, script: str) -> Texts:
    """All names of a kind in a script (``latin``, ``cyrillic``, ``arabic``, ``han``): shape (names, SPELLINGS).

    The first is the usual one; where there are fewer they come again. A script that has no way to write the culture's
    names takes them in Latin letters.
    """
    own = SCRIPT.get(culture, "latin")
    out = np.empty((len(_entries(culture, kind)), SPELLINGS), dtype=object)
    for row, (name, spellings) in enumerate(_entries(culture, kind)):
        misheard = in_letters(name, f"by ear {culture}")
        if script == own != "latin":
            ways = [name, misheard]
        else:
            ways = _latin(culture, name, spellings)
            if script in ("cyrillic", "arabic"):
                table = f"{script} {culture}"
                ways = [in_letters(_plain_but(way, table), table) for way in ways]
        out[row] = [ways[k % len(ways)] for k in range(SPELLINGS)]
    return out


def _plain_but(text: str, table: str) -> str:
    """The text without accents, but with letters that the table has a sign for."""
    letters = _letters()[table]
    return "".join(c if c.lower() in letters else plain(c) for c in text)


def _latin(culture: str, name: str, spellings: tuple[str, ...]) -> list[str]:
    own = SCRIPT.get(culture, "latin")
    if own == "cyrillic":
        return [in_letters(name, table) for table in _CYRILLIC_TO_LATIN]
    if own == "latin":
        misheard = in_letters(name, f"by ear {culture}")
        return [name, plain(name), misheard, plain(misheard)]
    return list(spellings)


# --- persons ------------------------------------------------------------------------------------------------


def draw_names(culture: Ints, female: Bools, skew: float, random: np.random.Generator) -> Names:
    """Names for persons of a culture each; common ones more often."""
    count = len(culture)
    columns = {name: np.full(count, -1, np.int64) for name in ("given", "middle", "family", "second")}
    second_given = random.random(count) < 0.35
    for position, code in enumerate(CULTURES):
        for woman in (False, True):
            rows = np.flatnonzero((culture == position) & (female == woman))
            who = "female" if woman else "male"
            for name, kind in (("given", who), ("middle", f"middle {who}"), ("family", "family"), ("second", "family")):
                if name == "second" and code != "es":
                    continue
                size = len(_entries(code, kind))
                weight = 1 / (np.arange(size) + 10.0) ** skew
                cumulative = np.cumsum(weight) / weight.sum()
                columns[name][rows] = np.searchsorted(cumulative, random.random(len(rows)))
            if code == "zh":
                columns["middle"][rows] = -1
            elif code not in FATHERS:
                none = ~second_given[rows] | (columns["middle"][rows] == columns["given"][rows])
                columns["middle"][rows[none]] = -1
    usual, other = random.random(count), random.integers(1, SPELLINGS, count)
    latin = ~np.isin(culture, [CULTURES.index(code) for code in SCRIPT])
    spelling = np.where(latin, (usual > 0.8).astype(np.int64), np.where(usual > 0.6, other, 0))
    return Names(culture=culture, female=female, **columns, spelling=spelling)


def write_names(
    names: Names, script: str, *, vary: float = 0.0, nickname: float = 0.0, random: np.random.Generator | None = None
) -> Written:
    """The names in a script: as in the passport, or, in a share of parts, in another spelling; some as nicknames."""
    count = len(names.culture)
    parts = {name: texts_of([""] * count) for name in ("given", "middle", "family", "second")}
    spellings = {name: names.spelling.copy() for name in parts}
    short = np.zeros(count, bool)
    if random is not None:
        for name in parts:
            other = random.random(count) < vary
            spellings[name] = np.where(other, random.integers(0, SPELLINGS, count), spellings[name])
        short = random.random(count) < nickname
    for position, code in enumerate(CULTURES):
        home = SCRIPT.get(code) == script
        for woman in (False, True):
            rows = np.flatnonzero((names.culture == position) & (names.female == woman))
            if not len(rows):
                continue
            who = "female" if woman else "male"
            family = "family female" if woman else "family"
            kinds = {"given": who, "middle": f"middle {who}", "family": family, "second": family}
            for name, kind in kinds.items():
                index = getattr(names, name)[rows]
                spelling = spellings[name][rows]
                if home:  # in one's own script there is one spelling, unless somebody mishears it
                    spelling = np.where(spelling == names.spelling[rows], 0, spelling)
                texts = writings(code, kind, script)[index, spelling]
                if name == "given" and short.any():
                    nick = short[rows]
                    texts[nick] = writings(code, f"nick {who}", script)[index[nick], spelling[nick]]
                parts[name][rows] = np.where(index < 0, "", texts)
    return Written(**parts)


def mistype(texts: Texts, share: float, random: np.random.Generator) -> Texts:
    """The texts with, in a share of them, one slip: two letters exchanged, one left out, one doubled."""
    out = texts.copy()
    for row in np.flatnonzero(random.random(len(texts)) < share):
        text = out[row]
        if len(text) < 3:
            continue
        at, kind = int(random.integers(0, len(text) - 1)), random.integers(3)
        if kind == 0:
            out[row] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            out[row] = text[:at] + text[at + 1 :] if kind == 1 else text[: at + 1] + text[at:]
    return out
