"""Propose a crosswalk for a list that nobody has described yet, for a person to correct.

Two kinds of evidence meet: how near a header comes to what agencies call a variable (its labels in six languages, the
headers of the built-in crosswalks, and ``data/headers.csv``), and how many of the column's distinct texts the variable
could read (dates, numbers, countries, codes; ``data/words.csv`` holds agencies' words for codes). ``sure`` is their
product, lowered where two readings are as likely. A list is about perpetrators where that reading explains more of it
than the victims' does. Of lines with ``sure`` 0.9, nine in ten should need no correction.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from rapidfuzz import fuzz, process

from amparo.intake.interpret import Rules, find_country, parse_date
from amparo.intake.readers import headers, open_list
from amparo.standard.crosswalks import Column, Crosswalk, built_in
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES, NONE, UNKNOWN, Variable, codes_by_label, comparable, variables

SAMPLE_ROWS = 5_000
LEAST = 0.35
"""A line less sure than this is not proposed."""
_MOST_CODES = 80
_SEPARATORS = (";", "|", ",", "/", "、", "،", "+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s()./-]{6,20}")


@dataclass(frozen=True)
class _Sample:
    """Distinct texts of a column with how often each stands in the sample."""

    name: str
    texts: Counter[str]

    def share(self, holds: Iterable[str]) -> float:
        """Share of the filled cells whose text is among those given."""
        return sum(self.texts[text] for text in holds) / max(1, self.texts.total())


def suggest(path: Path) -> Crosswalk:
    """A crosswalk for the list, each line with how sure it is (0 to 1); surest reading of each column only.

    Raises
    ------
    AmparoError : the file is no list, or no column of it looks like anything in the standard.
    """
    known = matching_built_in(path)
    if known is not None:
        return known
    samples = _samples(path)
    words = _words()
    unknown = _among(samples, words["UNKNOWN"])
    missing = ("", *(text for text in _among(samples, words["MISSING"]) if text))
    silent = {comparable(text) for text in (*unknown, *missing)}
    spoken = [
        _Sample(item.name, Counter({t: n for t, n in item.texts.items() if comparable(t) not in silent}))
        for item in samples
    ]
    order, order_sure = _date_order(spoken)
    separator = _separator(spoken)
    columns: dict[str, Column] = {}
    for sample, variable, sure in _assigned(spoken, order, separator):
        codes: dict[str, tuple[str, ...]] = {}
        if variable.type in ("code", "codes"):
            codes, _ = _codes(sample, variable, separator)
        if variable.type == "date" and order_sure < 1 and _order_matters(sample):
            sure *= order_sure
        columns[sample.name] = Column(variable=variable.name, codes=codes, sure=round(sure, 2))
    if not columns:
        raise AmparoError(
            "no column looks like anything in the standard.",
            remedy="Start from one that Amparo brings along: amparo crosswalk show generic-en.",
            where=str(path),
        )
    ordered = {sample.name: columns[sample.name] for sample in samples if sample.name in columns}
    units = {variables()[column.variable].unit for column in ordered.values()}
    return Crosswalk(
        name=re.sub(r"[^\w-]+", "-", path.name.split(".")[0]).strip("-") or "list",
        unit="perpetrator" if "perpetrator" in units else "victim",
        entity_type="other",
        language=_language([sample.name for sample in samples]),
        separator=separator,
        date_order=order,
        unknown=unknown,
        missing=missing,
        sheet=None,
        header_row=1,
        constants={},
        columns=ordered,
    )


def matching_built_in(path: Path) -> Crosswalk | None:
    """The built-in crosswalk that the file's header fits: nearly all columns of one are in the other."""
    known = built_in()
    told = headers(path, (crosswalk.header_row for crosswalk in known.values()))
    best: tuple[float, int, Crosswalk] | None = None
    for crosswalk in known.values():
        columns = {comparable(name) for name in told.get(crosswalk.header_row, ())}
        wanted = {comparable(name) for name in crosswalk.columns}
        both = len(columns & wanted)
        fit = max(both / max(1, len(columns)), both / len(wanted))
        if both >= 4 and fit >= 0.9 and (best is None or (fit, both) > best[:2]):
            best = (fit, both, crosswalk)
    return best[2] if best else None


def _samples(path: Path) -> list[_Sample]:
    source = open_list(path)
    counts: dict[str, Counter[str]] = {name: Counter() for name in source.columns}
    rows = 0
    for batch in source.batches:
        part = batch.slice(0, SAMPLE_ROWS - rows)
        for name in source.columns:
            counts[name].update(text.strip() for text in part.column(name).to_pylist() if text and text.strip())
        rows += part.num_rows
        if rows >= SAMPLE_ROWS:
            break
    return [_Sample(name, texts) for name, texts in counts.items()]


# --- words -------------------------------------------------------------------------------------------------


def _data(name: str) -> list[dict[str, str]]:
    text = files("amparo.intake").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    """For each code list agencies' words, normalised, to the code."""
    found: dict[str, dict[str, str]] = {}
    for row in _data("words.csv"):
        found.setdefault(row["list"], {}).update({comparable(text): row["code"] for text in row["texts"].split("|")})
    return found


def plain_header(text: str) -> str:
    """A header as it is compared: words apart (also in camelCase and snake_case), without accents and marks."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", text)
    apart = unicodedata.normalize("NFKD", comparable(re.sub(r"[_\-.:/#№°º*()]+", " ", apart)))
    return " ".join("".join(mark for mark in apart if not unicodedata.combining(mark)).split())


@cache
def _headers() -> Mapping[str, tuple[tuple[str, str, str], ...]]:
    """Plain header to (variable, language, where it is from)."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for variable in variables().values():
        for language in LANGUAGES:
            found.setdefault(plain_header(variable.labels[language]), []).append((variable.name, language, "label"))
        found.setdefault(plain_header(variable.name), []).append((variable.name, "en", "name"))
    for row in _data("headers.csv"):
        for text in row["texts"].split("|"):
            found.setdefault(plain_header(text), []).append((row["variable"], row["language"], "agencies"))
    for crosswalk in built_in().values():
        for name, column in crosswalk.columns.items():
            found.setdefault(plain_header(name), []).append((column.variable, crosswalk.language, "crosswalk"))
    return {text: tuple(dict.fromkeys(told)) for text, told in found.items() if text}


def header_scores(header: str) -> dict[str, float]:
    """How near a header comes to each variable: 1 where agencies call it so, less by letters that differ."""
    plain = plain_header(header)
    scores: dict[str, float] = {}
    for text, score, _ in process.extract(plain, list(_headers()), scorer=fuzz.ratio, limit=25, score_cutoff=60):
        near = 1.0 if text == plain else 0.95 * (score / 100) ** 2
        for variable, _, _ in _headers()[text]:
            scores[variable] = max(scores.get(variable, 0), near)
    for text, score, _ in process.extract(
        plain, list(_headers()), scorer=fuzz.token_set_ratio, limit=25, score_cutoff=90
    ):
        if len(text) >= 3 and text != plain:
            # All words of a known header stand in a longer one, or the reverse.
            near = 0.9 * (score / 100) * (min(len(text), len(plain)) / max(len(text), len(plain))) ** 0.4
            for variable, _, _ in _headers()[text]:
                scores[variable] = max(scores.get(variable, 0), near)
    return scores


def _language(headers: Sequence[str]) -> str:
    """The language in which most headers are known; their script settles it for ar, zh and ru."""
    text = "".join(headers)
    for pattern, language in (
        ("[\u0600-\u06ff]", "ar"),
        ("[\u4e00-\u9fff]", "zh"),
        ("[\u0400-\u04ff]", "ru"),
    ):
        if len(re.findall(pattern, text)) > len(text) / 4:
            return language
    votes: Counter[str] = Counter()
    for header in headers:
        told = {language for _, language, source in _headers().get(plain_header(header), ()) if source == "agencies"}
        votes.update({language: 1 for language in told if len(told) == 1} or dict.fromkeys(told, 0.3))  # type: ignore[arg-type]
    return votes.most_common(1)[0][0] if votes else "en"


def _among(samples: Sequence[_Sample], words: Mapping[str, str]) -> tuple[str, ...]:
    found = {text for sample in samples for text in sample.texts if comparable(text) in words}
    return tuple(sorted(found))


# --- content -----------------------------------------------------------------------------------------------


def _date_order(samples: Sequence[_Sample]) -> tuple[str, float]:
    """The order that reads most dates, and how sure it is: two orders that read all are as likely."""
    dates = [text for sample in samples for text in list(sample.texts)[:500] if re.search(r"\d\D+\d|\d{8}", text)]
    plain = [comparable(text) for text in dates]
    looks = [text for text in plain if any(parse_date(text, order) for order in ("DMY", "MDY", "YMD"))]
    if not looks:
        return "DMY", 1.0
    read = {order: sum(parse_date(text, order) is not None for text in looks) for order in ("DMY", "MDY", "YMD")}
    best = max(read.values())
    if read["YMD"] == best:
        return "YMD", 1.0
    order = "DMY" if read["DMY"] >= read["MDY"] else "MDY"
    return order, 0.6 if read["DMY"] == read["MDY"] else 1.0


def _order_matters(sample: _Sample) -> bool:
    return any(parse_date(comparable(t), "DMY") != parse_date(comparable(t), "MDY") for t in list(sample.texts)[:500])


def _separator(samples: Sequence[_Sample]) -> str:
    """The mark between values that one cell holds: the one whose parts most often stand alone elsewhere too."""
    votes: Counter[str] = Counter()
    for sample in samples:
        alone = {comparable(text) for text in sample.texts}
        if len(alone) > 500:
            continue
        for mark in _SEPARATORS:
            for text in sample.texts:
                parts = [comparable(part) for part in text.split(mark) if part.strip()]
                if len(parts) > 1:
                    known = sum(part in alone or find_country(part) is not None or _is_word(part) for part in parts)
                    votes[mark] += known == len(parts)
    return votes.most_common(1)[0][0] if votes and votes.most_common(1)[0][1] > 0 else ";"


@cache
def _is_word(plain: str) -> bool:
    return any(plain in words for words in _words().values())


def _fits(sample: _Sample, variable: Variable, order: str, separator: str) -> float:
    """Share of the filled cells that the variable could read; for texts, how much they look like it."""
    if not sample.texts:
        return 0.5
    if variable.type in ("code", "codes"):
        _, mapped = _codes(sample, variable, separator)
        return mapped
    texts = [text for text, _ in sample.texts.most_common(300)]
    if variable.type == "text":
        return _fits_text(sample, variable, texts)
    rules = Rules(variable, "", {}, frozenset(), frozenset(), separator, order, date.today())
    read = [text for text in texts if (reading := rules.read(text)).fault is None and reading.value is not None]
    return sum(sample.texts[text] for text in read) / sum(sample.texts[text] for text in texts)


def _fits_text(sample: _Sample, variable: Variable, texts: Sequence[str]) -> float:
    def share(pattern: re.Pattern[str]) -> float:
        return sum(bool(pattern.fullmatch(text)) for text in texts) / len(texts)

    if variable.name == "email":
        return share(_EMAIL)
    if variable.name == "phone":
        return share(_PHONE)
    distinct = len(sample.texts) / sample.texts.total()
    if variable.name in ("case_number", "perpetrator_number"):
        digits = sum(any(mark.isdigit() for mark in text) for text in texts) / len(texts)
        return distinct * (0.4 + 0.6 * digits)
    if variable.name.endswith("name") or variable.name == "alias":
        letters = sum(not any(mark.isdigit() for mark in text) for text in texts) / len(texts)
        return letters * (0.9 if share(_EMAIL) < 0.1 else 0) * (1 if distinct > 0.02 else 0.6) + 0.1 * letters
    return 0.9


@cache
def _known_words(codes: str) -> Mapping[str, str]:
    return {**_words().get(codes, {}), **codes_by_label(codes)}


def _codes(sample: _Sample, variable: Variable, separator: str) -> tuple[dict[str, tuple[str, ...]], float]:
    """Codes for the texts of a column, and how far they cover its cells, weighted by how sure each is."""
    known = dict(_known_words(variable.codes))
    plain = {comparable(text) for text in sample.texts}
    if variable.codes == "sex" and "m" in plain and "h" in plain and "f" not in plain:
        known["m"] = "female"  # Spanish lists: hombre, mujer
    parts: Counter[str] = Counter()
    for text, times in sample.texts.most_common(400):
        whole = comparable(text) in known or separator not in text
        for part in [text] if whole else text.split(separator):
            if part.strip():
                parts[part.strip()] += times
    codes: dict[str, tuple[str, ...]] = {}
    weight = 0.0
    for part, times in parts.most_common(_MOST_CODES):
        code, sure = _nearest(comparable(part), known)
        if code is not None and code not in (UNKNOWN, NONE):
            codes[part] = (code,)
        weight += sure * times
    return codes, weight / max(1, parts.total())


def _nearest(plain: str, known: Mapping[str, str]) -> tuple[str | None, float]:
    if plain in known:
        return known[plain], 1.0
    if len(plain) < 4:
        return None, 0.0
    found = process.extractOne(plain, list(known), scorer=fuzz.ratio, score_cutoff=84)
    return (known[found[0]], 0.9 * found[1] / 100) if found else (None, 0.0)


# --- which column is which variable -----------------------------------------------------------------------

_TWINS: Mapping[str, str] = {
    "case_number": "perpetrator_number",
    "full_name": "perpetrator_name",
    "date_of_birth": "perpetrator_date_of_birth",
    "sex": "perpetrator_sex",
    "age": "perpetrator_age",
    "age_group": "perpetrator_age_group",
    "citizenship": "perpetrator_citizenship",
}
"""What a list of victims and one of perpetrators call the same."""
_NUMBER_WORD = re.compile(r"\b(no|n|nr|num|number|numero|id|code|ref)\b|номер|编号|رقم")


def _assigned(samples: Sequence[_Sample], order: str, separator: str) -> list[tuple[_Sample, Variable, float]]:
    """Surest pairs first, a variable takes one column and a column one variable, of the unit that explains more."""
    near = [_near(sample) for sample in samples]
    victims = _assigned_of("victim", samples, near, order, separator)
    perpetrators = _assigned_of("perpetrator", samples, near, order, separator)
    told, untold = (sum(sure for _, _, sure in lines) for lines in (victims, perpetrators))
    return perpetrators if untold > told else victims


def _near(sample: _Sample) -> dict[str, float]:
    """How near the header comes to each variable, of either unit."""
    scores = header_scores(sample.name)
    alone = len(sample.texts) == sample.texts.total() > 1
    if alone and _NUMBER_WORD.search(plain_header(f"{sample.name} ")):
        scores["case_number"] = max(scores.get("case_number", 0), 0.7)
    for victim, perpetrator in _TWINS.items():
        if victim in scores:
            scores[perpetrator] = max(scores.get(perpetrator, 0), scores[victim])
    return scores


def _assigned_of(
    unit: str, samples: Sequence[_Sample], near: Sequence[Mapping[str, float]], order: str, separator: str
) -> list[tuple[_Sample, Variable, float]]:
    units = ("victim", "event") if unit == "victim" else (unit,)
    pairs: list[tuple[float, int, str]] = []
    for position, sample in enumerate(samples):
        for name, score in near[position].items():
            variable = variables()[name]
            if variable.unit in units and score >= LEAST:
                fit = _fits(sample, variable, order, separator)
                pairs.append((score * (0.4 + 0.6 * fit), position, name))
    assigned: dict[int, tuple[str, float]] = {}
    taken: set[str] = set()
    for sure, position, name in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if sure >= LEAST and position not in assigned and name not in taken:
            assigned[position] = (name, sure)
            taken.add(name)
    if "family_name" in taken and "given_name" not in taken:  # the name beside a family name is the given one
        assigned = {
            position: ("given_name" if name == "full_name" else name, sure)
            for position, (name, sure) in assigned.items()
        }
    return [(samples[position], variables()[name], sure) for position, (name, sure) in sorted(assigned.items())]
