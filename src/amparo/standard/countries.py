"""Countries and areas: ISO 3166-1 codes, UN names in six languages, UN M49 regions and subregions.

From ``hdx-python-country`` (UN OCHA's country list, the copy inside the package: nothing is fetched).
CLDR's everyday names (Babel) help to find a country: people write *Venezuela*, the UN *Venezuela (Bolivarian
Republic of)*; they label only the areas that the UN list does not name. Regions are those of the UN's M49.

``XDM`` is a user-assigned code (ISO 3166-1, clause 8.1.3): the made-up country of the demonstration.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from amparo.standard.variables import LANGUAGES, NOT_RECORDED, TOTAL, UNKNOWN

DEMONSTRATION = "XDM"
WORLD = "001"


@dataclass(frozen=True)
class Country:
    """A country or area. Regions are M49 codes; coordinates decimal degrees, None where the list has none."""

    iso3: str
    iso2: str
    m49: str
    region: str
    subregion: str
    latitude: float | None
    longitude: float | None
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Region:
    """An M49 region or subregion; ``parent`` is the code one level up, '' for the world."""

    code: str
    parent: str
    labels: Mapping[str, str]


@cache
def regions() -> Mapping[str, Region]:
    """The world, the M49 regions and subregions by M49 code (three digits)."""
    return {
        row["code"]: Region(row["code"], row["parent"], {lang: row[f"label_{lang}"] for lang in LANGUAGES})
        for row in _rows("regions.csv")
    }


@cache
def countries() -> Mapping[str, Country]:
    """All countries and areas by ISO 3166-1 alpha-3, with the demonstration country last."""
    found = {iso3: _country(iso3, row) for iso3, row in _hdx()["countries"].items()}
    found[DEMONSTRATION] = _demonstration()
    return found


def country(code: str) -> Country:
    """The country of an ISO 3166-1 alpha-3 code.

    Raises
    ------
    KeyError : no such code.
    """
    return countries()[code]


def label(code: str, lang: str) -> str:
    """The name of a country (alpha-3) or region (M49) in one of the six languages; another code as it is.

    So ``label`` can be mapped over a column that also has totals or texts such as *Nationals*.
    """
    entry = countries().get(code) or regions().get(code)
    return entry.labels[lang] if entry else code


def find(text: str) -> str | None:
    """Alpha-3 of a country from its ISO code or its name in the six languages; None if not found.

    English and Spanish words for its citizens are understood too: lists have them under *nationality*.
    Case, accents, outer spaces and the kind of apostrophe or dash do not matter. Nothing is guessed: a text
    that only resembles a name is not found, nor is a name that two countries share.
    """
    key = _key(text)
    return _index().get(key) or _index().get(_bare(key))


def _rows(name: str) -> list[dict[str, str]]:
    text = files("amparo.standard").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _hdx() -> Mapping[str, Any]:
    from hdx.location.country import Country as Hdx

    data: Mapping[str, Any] = Hdx.countriesdata(use_live=False)
    return data


_LANGUAGE_NAMES = {
    "ar": "Arabic",
    "zh": "Chinese",
    "en": "English",
    "fr": "French",
    "ru": "Russian",
    "es": "Spanish",
}
_OTHER_NAMES = (
    "Preferred Term",
    "ISO Alt Term",
    "DGACM Alt Term",
    "HPC Tools Alt Term",
    "RW Short Name",
    "RW API Alt Term",
    "English Formal",
)


def _country(iso3: str, row: Mapping[str, str | None]) -> Country:
    region, subregion = row["Region Code"], row["Sub-region Code"]
    return Country(
        iso3=iso3,
        iso2=row["ISO 3166-1 Alpha 2-Codes"] or "",
        m49=_m49(row["m49 numerical code"]),
        region=_m49(region) if region else WORLD,
        subregion=_m49(subregion) if subregion else WORLD,
        latitude=_degrees(row["Latitude"]),
        longitude=_degrees(row["Longitude"]),
        labels={
            lang: row[f"{name} Short"] or row[f"M49 {name}"] or _cldr(lang, row) or row["Preferred Term"] or iso3
            for lang, name in _LANGUAGE_NAMES.items()
        },
    )


_UN_NAMES: Mapping[str, Mapping[str, str]] = {
    "TWN": {
        "ar": "تايوان (مقاطعة صينية)",
        "zh": "中国台湾省",
        "fr": "Taïwan (Province de Chine)",
        "ru": "Тайвань (провинция Китая)",
        "es": "Taiwán (Provincia de China)",
    },
}
"""Names in the UN's form that the country list lacks."""


def _name(iso3: str, lang: str, row: Mapping[str, str | None]) -> str:
    """The UN's short name; areas without one are in an oblique case in the list's Russian, so CLDR's."""
    language = _LANGUAGE_NAMES[lang]
    m49 = row[f"M49 {language}"]
    other = _cldr(lang, row) or m49 if lang == "ru" else m49 or _cldr(lang, row)
    return _UN_NAMES.get(iso3, {}).get(lang) or row[f"{language} Short"] or other or iso3


def _demonstration() -> Country:
    labels = {
        "ar": "بلد العرض التوضيحي",
        "zh": "示范国",
        "en": "Demonstration country",
        "fr": "Pays de démonstration",
        "ru": "Демонстрационная страна",
        "es": "País de demostración",
    }
    return Country(DEMONSTRATION, "", "", WORLD, WORLD, 8.0, -30.0, labels)


def _m49(code: str | None) -> str:
    return (code or "").zfill(3) if code else ""


def _degrees(text: str | None) -> float | None:
    return float(text) if text else None


def _cldr(lang: str, row: Mapping[str, str | None]) -> str | None:
    from babel import Locale

    iso2 = row["ISO 3166-1 Alpha 2-Codes"]
    name: str | None = Locale.parse(lang).territories.get(iso2) if iso2 else None
    return name


@cache
def _index() -> Mapping[str, str]:
    """Comparable text to alpha-3: codes and UN names first, then everyday names; shared ones dropped."""
    index: dict[str, str] = {}
    for names in (_official(), _everyday()):
        level: dict[str, set[str]] = {}
        for name, iso3 in names:
            for key in (_key(name), _bare(_key(name))):
                level.setdefault(key, set()).add(iso3)
        for key, codes in level.items():
            if key and len(codes) == 1:
                index.setdefault(key, next(iter(codes)))
    for code in (UNKNOWN, TOTAL, NOT_RECORDED):
        index.pop(_key(code), None)
    return index


def _official() -> Iterator[tuple[str, str]]:
    for iso3, entry in countries().items():
        yield iso3, iso3
        yield entry.iso2, iso3
        for name in entry.labels.values():
            yield name, iso3
    for iso3, row in _hdx()["countries"].items():
        for language in _LANGUAGE_NAMES.values():
            yield row[f"M49 {language}"] or "", iso3


def _everyday() -> Iterator[tuple[str, str]]:
    for iso3, row in _hdx()["countries"].items():
        for column in _OTHER_NAMES:
            yield row[column] or "", iso3
        for lang in LANGUAGES:
            name = _cldr(lang, row) or ""
            yield name, iso3
            yield name.replace("-", " "), iso3
        for lang in LANGUAGES:  # "Bolivia (Plurinational State of)" is written "Bolivia", too
            yield countries()[iso3].labels[lang].split("(")[0], iso3
    for row in _rows("country_names.csv"):
        yield row["text"], row["iso3"]


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_SAME).casefold().split())


_SAME = {ord(mark): "'" for mark in "’‘ʼ`´"} | {ord(dash): "-" for dash in "‐‑‒–—−"}


def _bare(key: str) -> str:
    """Without accents; scripts in which marks are letters of their own keep their base letters only."""
    return "".join(c for c in unicodedata.normalize("NFKD", key) if not unicodedata.combining(c))
