"""Names of the world, made comparable: one person's name gives the same sounds in every script and order.

A name becomes the set of its *sounds*: each part is romanised (anyascii), freed of articles and titles, and reduced
to the classes of its consonants, which is what survives when a name is heard at a border and written down in Latin,
Arabic, Cyrillic or Chinese letters. The order of the parts is forgotten on purpose: agencies write family names
first or last, one surname or two, a patronymic or none.

The classes follow what transcriptions between these scripts confuse: Arabic has no p, v or g, and does not write
short vowels; Russian has no h; Spanish j is Arabic خ; Chinese syllables end in vowels or n. Soundex and its
relatives (Russell 1918; Philips 2000) serve one language each and are not used.

Source: for phonetic codes and names across cultures, Christen (2012), Data Matching, ch. 3-4; for romanisation,
UNGEGN (2007), Technical reference manual for the standardization of geographical names, part three.
"""

from __future__ import annotations

import csv
import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from anyascii import anyascii

ARTICLES = frozenset(
    [
        "al",
        "el",
        "ad",
        "an",
        "ar",
        "as",
        "ash",
        "at",
        "az",
        "ed",
        "er",
        "es",
        "ech",
        "ez",
        "lal",
        "de",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "das",
        "du",
        "des",
        "la",
        "las",
        "le",
        "les",
        "los",
        "lo",
        "y",
        "e",
        "i",
        "van",
        "von",
        "der",
        "den",
        "ter",
        "ten",
        "zu",
        "af",
        "av",
        "bin",
        "ibn",
        "ben",
        "bint",
        "bte",
        "binti",
        "ould",
        "oulad",
        "ait",
        "abu",
        "mr",
        "mrs",
        "ms",
        "dr",
        "sr",
        "sra",
        "don",
        "dona",
    ]
)
"""Parts that custom adds or leaves out. They tell persons apart too badly to be compared."""

_SERVANT = re.compile(r"^abd(?:[aeiou]?[lrnszdt])?(?=[bcdfghjklmnpqrstvwxyz]{1,2}[aeiou])")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_TWO_CHARACTER_SURNAMES = frozenset(
    [
        "欧阳",
        "歐陽",
        "司马",
        "司馬",
        "上官",
        "诸葛",
        "諸葛",
        "夏侯",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "长孙",
        "宇文",
        "司徒",
        "令狐",
    ]
)
_ARABIC_ARTICLE = re.compile(r"(?<![\u0600-\u06ff])(?:و)?ال(?=[\u0600-\u06ff]{2,})")
_ARABIC_INITIAL = re.compile(r"(?<![\u0600-\u06ff])[اأإآعٱ]")
_ARABIC_SHORT = re.compile(r"[\u064b-\u065f\u0670ـ]")
_SPLIT = re.compile(r"[^a-z]+")

# Longest first: what is written with several letters is one sound.
_SOUNDS = (
    ("shch", "S"), ("ngh", "N"), ("tszy", "J"), ("dsch", "J"), ("tsch", "J"), ("sch", "S"), ("tch", "J"), ("tsh", "J"),
    ("dzh", "J"), ("chzh", "J"), ("dj", "J"), ("dz", "J"), ("zh", "J"), ("kh", "J"), ("ch", "J"), ("sh", "S"),
    ("ts", "S"), ("tz", "S"), ("ph", "F"), ("th", "T"), ("dh", "D"), ("gh", "G"), ("ck", "K"), ("qu", "K"),
    ("gu(?=[ei])", "G"), ("c(?=[eiy])", "S"), ("g(?=[eiy])", "J"), ("ng$", "N"), ("h$", ""), ("^w", "F"), ("w", ""),
    ("(?<=e)x", "KS"), ("[jh]", "J"), ("[sxz]", "S"), ("[ckq]", "K"), ("[bp]", "B"), ("[fv]", "F"),
)  # fmt: skip
_SOUND = re.compile("|".join(f"({pattern})" for pattern, _ in _SOUNDS))
_TWICE = re.compile(r"(.)\1+")


@cache
def _nicknames() -> dict[str, str]:
    """Each familiar form of a given name, romanised, and the sound of the name that it stands for."""
    text = files(__package__).joinpath("data/nicknames.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    full = {parts(row["nickname"])[0]: parts(row["name"])[0] for row in rows}
    # Sandy stands for Sandra, which stands for Alexandra.
    return {nickname: sound_of(full.get(name, name)) for nickname, name in full.items()}


def parts(text: str, *, whole: bool = True) -> tuple[str, ...]:
    """The parts of a name in small Latin letters, in the order in which they stand; articles and titles left out.

    whole : the text is all that is known of the name, so that one Chinese word of two characters is a family name and
        a given name; otherwise it is one of them.
    """
    out: list[str] = []
    words = re.split(r"[\s·•・,;/]+", unicodedata.normalize("NFKC", text))
    whole = whole and _han_words(words) == 1
    for word in words:
        out.extend(_romanised(word, whole))
    kept = [part for part in out if part not in ARTICLES and len(part) > 1]
    return tuple(_servants(kept or out))


def _han_words(words: Iterable[str]) -> int:
    return sum(_HAN.fullmatch(word) is not None for word in words)


@lru_cache(maxsize=1 << 18)
def _romanised(word: str, whole: bool) -> tuple[str, ...]:
    if len(word) > (1 if whole else 2) and _HAN.fullmatch(word):
        # Family name first, of one character but for a few; the given name, of two at most, is written as one word.
        cut = 2 if word[:2] in _TWO_CHARACTER_SURNAMES and len(word) > 2 else 1
        return tuple(anyascii(part).lower() for part in (word[:cut], word[cut:]))
    word = _ARABIC_SHORT.sub("", word)
    word = _ARABIC_INITIAL.sub("a", _ARABIC_ARTICLE.sub("", word))
    plain = anyascii(word).lower().replace("'", "").replace("`", "")
    return tuple(part for part in _SPLIT.split(plain) if part)


def _servants(found: list[str]) -> list[str]:
    """Names of the form *servant of*: Abd al-Rahman, Abdul Rahman and Abdurrahman are one part."""
    out: list[str] = []
    for part in found:
        if out and out[-1] in ("abd", "abdul", "abdel", "abdal", "abdol", "abdou"):
            out[-1] = "abd" + part
        elif part.startswith("abd") and len(part) > 6 and (joined := _SERVANT.sub("abd", part)) != part:
            out.append(joined)
        else:
            out.append(part)
    return out


@lru_cache(maxsize=1 << 18)
def sound_of(part: str) -> str:
    """The consonant classes of a part of a name; of very short ones the vowel too.

    >>> sound_of("rivera") == sound_of("ryfyra"), sound_of("khasan") == sound_of("hassan")
    (True, True)
    """
    letters = _TWICE.sub(r"\1", _SPLIT.sub("", anyascii(part).lower()))
    if not letters:
        return ""
    first = "A" if letters[0] in "aeiou" or (letters[0] == "y" and len(letters) > 1) else ""
    heard = _SOUND.sub(lambda found: _SOUNDS[(found.lastindex or 1) - 1][1], letters)
    consonants = _TWICE.sub(r"\1", re.sub("[aeiouy]", "", heard).upper())
    if len(consonants) <= 1:
        vowels = re.sub("[^aeiouyw]", "", letters[1:])
        last = vowels[-1:] or letters[-1]
        return first + consonants + ("O" if last in "ouw" else "I" if last in "iy" else "A")
    return first + consonants


def sounds(*names: str) -> tuple[str, ...]:
    """The sounds of all parts of a person's names, in alphabetical order, each once; nicknames as their full form."""
    nicknames = _nicknames()
    whole = _han_words(itertools.chain.from_iterable(name.split() for name in names)) == 1
    found = {nicknames.get(part) or sound_of(part) for name in names for part in parts(name, whole=whole)}
    return tuple(sorted(found - {""}))
