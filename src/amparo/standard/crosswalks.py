"""Crosswalks: what the columns and codes of a list mean in the standard. Read, checked and written as TOML.

A crosswalk is for a person to read and correct, so every mistake in it is told with its file, line, column,
what was expected and what to do; nothing in it is passed over in silence.

A column with a code-list variable need not list what the standard already knows: its codes, and their labels
in the six languages, are understood as they are. ``codes`` adds the source's own texts, or overrules.
A text mapped to ``[]`` is missing: "0" in a source that writes 0 for "not recorded".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import tomlkit

from amparo.standard import countries
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES, NONE, UNKNOWN, Unit, Variable, code_list, variables

MISSING = ("", "NULL", "NA", "N/A")
"""Texts that mean missing where a crosswalk does not say otherwise."""
DATE_ORDERS = ("DMY", "MDY", "YMD")


@dataclass(frozen=True)
class Column:
    """One column of a list: its variable, and what its texts mean (a text may mean several codes, or none).

    ``sure`` is the certainty, 0 to 1, with which the line was proposed; 1 where a person wrote it.
    """

    variable: str
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sure: float = 1.0


@dataclass(frozen=True)
class Crosswalk:
    """The meaning of one list. ``constants`` are values that every row has; ``header_row`` counts from 1."""

    name: str
    unit: str
    entity_type: str = UNKNOWN
    language: str = "en"
    separator: str = ";"
    date_order: str = "DMY"
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING
    sheet: str | None = None
    header_row: int = 1
    constants: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)


def load(path: Path) -> Crosswalk:
    """Read a crosswalk file and check every line of it.

    Raises
    ------
    AmparoError : no such file, not TOML, or a line that does not fit the standard.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AmparoError(
            "there is no such crosswalk file.",
            remedy="Check the path, or propose one: amparo crosswalk suggest FILE.",
            where=str(path),
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise AmparoError(
            f"the crosswalk cannot be read ({fault}).",
            remedy="A crosswalk is a TOML text file in UTF-8; save it so.",
            where=str(path),
        ) from None
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> Crosswalk:
    """A crosswalk from its TOML text; ``where`` names the file in errors (see :func:`load`)."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise AmparoError(
            f"not valid TOML: {fault}.",
            remedy='Write texts in double quotes, as in: [columns."Sexo"].',
            where=where,
        ) from None
    return _Reader(text, where).crosswalk(document)


@cache
def built_in() -> Mapping[str, Crosswalk]:
    """The crosswalks that come with Amparo, by name."""
    folder = files("amparo.standard").joinpath("data", "crosswalks")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            crosswalk = parse(entry.read_text(encoding="utf-8"), where=entry.name)
            found[crosswalk.name] = crosswalk
    return found


def dump(crosswalk: Crosswalk, comments: Mapping[str, str] | None = None) -> str:
    """The crosswalk as TOML that :func:`load` reads back to an equal one.

    Parameters
    ----------
    comments : by column name, a line for the person who reads it. Columns proposed with less than full
        certainty say so without being asked. A name that is no column of the crosswalk is listed as left out.
    """
    notes = dict(comments or {})
    document = tomlkit.document()
    head = tomlkit.table()
    default = Crosswalk(crosswalk.name, crosswalk.unit)
    for key in _HEAD:
        value = getattr(crosswalk, key)
        if key in _ALWAYS or value != getattr(default, key):
            head.add(key, list(value) if isinstance(value, tuple) else value)
    document.add("crosswalk", head)
    if crosswalk.constants:
        constants = tomlkit.table()
        for name, value in crosswalk.constants.items():
            constants.add(name, value)
        document.add("constants", constants)
    columns = tomlkit.table(is_super_table=True)
    for name, column in crosswalk.columns.items():
        columns.add(_key(name), _column_table(column, notes.pop(name, "")))
    document.add("columns", columns)
    for name, note in notes.items():
        document.add(tomlkit.comment(_line(f'left out: "{name}" {note}')))
    return tomlkit.dumps(document)


_ALWAYS = ("name", "unit", "entity_type", "language", "separator", "date_order")
_HEAD = (*_ALWAYS, "unknown", "missing", "sheet", "header_row")


def _key(name: str) -> Any:
    """Column names are always quoted, whatever they hold, so that a person sees one form."""
    return tomlkit.items.SingleKey(name, t=tomlkit.items.KeyType.Basic)


def _column_table(column: Column, note: str) -> Any:
    table = tomlkit.table()
    if note:
        table.add(tomlkit.comment(_line(note)))
    table.add("variable", column.variable)
    if column.sure != 1.0:
        table.add("sure", column.sure)
        table["sure"].comment(f"{column.sure:.0%} sure: check, then set to 1.0")
    if column.codes:
        codes = tomlkit.table()
        for text, meaning in column.codes.items():
            codes.add(_key(text), meaning[0] if len(meaning) == 1 else list(meaning))
        table.add("codes", codes)
    return table


def _line(text: str) -> str:
    """On one line, without control characters, which TOML forbids in a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class _Reader:
    """Checks a parsed document against the standard; knows the text, to say on which line a fault is."""

    def __init__(self, text: str, where: str) -> None:
        self._lines = text.splitlines()
        self._where = where

    def crosswalk(self, document: Mapping[str, Any]) -> Crosswalk:
        self._known_keys(document, ("crosswalk", "constants", "columns"), "at the top")
        head = self._table(document, "crosswalk")
        self._known_keys(head, _HEAD, "in [crosswalk]")
        unit = self._choice(head, "unit", [unit for unit in get_args(Unit) if unit != "event"])
        return Crosswalk(
            name=self._name(head),
            unit=unit,
            entity_type=self._choice(head, "entity_type", list(code_list("entity_type")), UNKNOWN),
            language=self._choice(head, "language", list(LANGUAGES), "en"),
            separator=self._text(head, "separator", ";"),
            date_order=self._choice(head, "date_order", list(DATE_ORDERS), "DMY"),
            unknown=self._texts(head, "unknown", ()),
            missing=self._texts(head, "missing", MISSING),
            sheet=self._text(head, "sheet", "") or None,
            header_row=self._header_row(head),
            constants=self._constants(self._table(document, "constants", {}), unit),
            columns=self._columns(self._table(document, "columns"), unit),
        )

    def _fault(self, message: str, remedy: str, *marks: str) -> AmparoError:
        """``marks`` are texts to look for one after the other; the last one found gives the line."""
        line = 0
        for mark in marks:
            found = next((i for i in range(line, len(self._lines)) if mark in self._lines[i]), None)
            line = line if found is None else found
        where = f"{self._where}, line {line + 1}" if marks else self._where
        return AmparoError(message, remedy=remedy, where=where)

    def _table(
        self, document: Mapping[str, Any], key: str, default: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        value = document.get(key, default)
        if isinstance(value, dict):
            return value
        raise self._fault(f"there is no table [{key}].", f"Add [{key}]; see: amparo crosswalk show generic-en.")

    def _known_keys(self, table: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
        for key in table:
            if key not in known:
                raise self._fault(
                    f"{key!r} {place} is not understood (known: {', '.join(known)}).",
                    f"{_meant(key, known)}Correct or remove it.",
                    key,
                )

    def _text(self, table: Mapping[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        raise self._fault(f"{key} must be a text, not {value!r}.", f'Write it as {key} = "…".', key)

    def _name(self, head: Mapping[str, Any]) -> str:
        name = self._text(head, "name", "")
        if name.strip() and name.isprintable():
            return name
        raise self._fault("the list has no name.", 'Add, under [crosswalk]: name = "…".', "[crosswalk]", "name")

    def _choice(self, table: Mapping[str, Any], key: str, known: list[str], default: str | None = None) -> str:
        value = table.get(key, default)
        if value in known:
            return str(value)
        said = "is missing" if value is None else f"{value!r} is not one of them"
        raise self._fault(
            f"{key}: {said} (known: {', '.join(known)}).",
            f"{_meant(value, known)}Write it under [crosswalk].",
            "[crosswalk]",
            key,
        )

    def _texts(self, table: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = table.get(key, list(default))
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise self._fault(f"{key} must be a list of texts, not {value!r}.", f'Write it as {key} = ["…", "…"].', key)

    def _header_row(self, head: Mapping[str, Any]) -> int:
        value = head.get("header_row", 1)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        raise self._fault(
            f"header_row must be a whole number from 1, not {value!r}.",
            "Write the row in which the column names stand, counted from 1.",
            "header_row",
        )

    def _variable(self, name: Any, unit: str, column: str, *marks: str) -> Variable:
        known = variables()
        units = ("victim", "event") if unit == "victim" else (unit,)
        fits = ", ".join(v.name for v in known.values() if v.unit in units)
        if not isinstance(name, str) or name not in known:
            raise self._fault(
                f"{column}: {name!r} is not a variable of the standard.",
                f"{_meant(name, known)}Known: {fits}.",
                *marks,
            )
        if known[name].unit not in units:
            raise self._fault(
                f"{column}: {name!r} describes a {known[name].unit}, but this list is of unit {unit!r}.",
                f"Use one of: {fits}; or correct the unit.",
                *marks,
            )
        return known[name]

    def _constants(self, table: Mapping[str, Any], unit: str) -> dict[str, str]:
        found = {}
        for name, value in table.items():
            marks = ("[constants]", name)
            variable = self._variable(name, unit, "[constants]", *marks)
            if not isinstance(value, str):
                raise self._fault(f"constant {name}: {value!r} is not a text.", f'Write it as {name} = "…".', *marks)
            if variable.codes:
                self._check_code(variable, value, f"constant {name}", *marks)
            found[name] = value
        return found

    def _columns(self, table: Mapping[str, Any], unit: str) -> dict[str, Column]:
        if not table:
            raise self._fault("no column is given a meaning.", 'Add at least one [columns."…"].', "[columns")
        return {name: self._column(name, entry, unit) for name, entry in table.items()}

    def _column(self, name: str, entry: Any, unit: str) -> Column:
        place, mark = f'column "{name}"', f"{name}"
        if not isinstance(entry, dict):
            raise self._fault(
                f"{place} must be a table.", f'Write [columns."{name}"] and, below it, variable = "…".', mark
            )
        for key in entry:
            if key not in ("variable", "codes", "sure"):
                raise self._fault(
                    f"{place}: {key!r} is not understood (known: variable, codes, sure).",
                    f'Correct or remove it; a column name with a dot needs quotes: [columns."{name}.{key}"].',
                    mark,
                    key,
                )
        if "variable" not in entry:
            raise self._fault(f"{place} has no variable.", 'Add below it: variable = "…".', "[columns", mark)
        variable = self._variable(entry["variable"], unit, place, "[columns", mark, "variable")
        sure = entry.get("sure", 1.0)
        if isinstance(sure, bool) or not isinstance(sure, int | float) or not 0 <= sure <= 1:
            raise self._fault(f"{place}: sure must be a number from 0 to 1, not {sure!r}.", "Correct it.", mark, "sure")
        return Column(variable.name, self._codes(entry.get("codes", {}), variable, name), float(sure))

    def _codes(self, table: Any, variable: Variable, column: str) -> dict[str, tuple[str, ...]]:
        place = f'column "{column}"'
        if not isinstance(table, dict):
            raise self._fault(f"{place}: codes must be a table.", 'Write lines as "text" = "code".', column)
        found = {}
        for text, meaning in table.items():
            codes = [meaning] if isinstance(meaning, str) else meaning
            marks = (column, f'"{text}"' if any(f'"{text}"' in line for line in self._lines) else text)
            if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
                raise self._fault(
                    f"{place}: {text!r} must mean a code or a list of codes, not {meaning!r}.",
                    f'Write it as "{text}" = "code".',
                    *marks,
                )
            if len(codes) > 1 and not variable.multiple:
                raise self._fault(
                    f"{place}: {text!r} means {len(codes)} codes, but {variable.name} holds one.",
                    "Keep one of them.",
                    *marks,
                )
            for code in codes:
                self._check_code(variable, code, f"{place}: {text!r}", *marks)
            found[text] = tuple(codes)
        return found

    def _check_code(self, variable: Variable, code: str, place: str, *marks: str) -> None:
        if variable.codes == "country":
            if code in countries.countries() or code in (UNKNOWN, NONE):
                return
            alpha3 = countries.find(code)
            hint = f"Write {alpha3!r}. " if alpha3 else ""
            raise self._fault(f"{place}: {code!r} is not an ISO 3166-1 alpha-3 code.", f"{hint}Correct it.", *marks)
        if variable.codes:
            known = code_list(variable.codes)
            if code not in known:
                raise self._fault(
                    f"{place}: {code!r} is not a code of {variable.name} (known: {', '.join(known)}).",
                    f"{_meant(code, known)}Use one of the known codes.",
                    *marks,
                )
        elif variable.type == "integer" and code != UNKNOWN and not re.fullmatch(r"\d+", code):
            raise self._fault(
                f"{place}: {variable.name} is a whole number; {code!r} is none.",
                f"Write a number, or {UNKNOWN!r}.",
                *marks,
            )


def _meant(text: Any, known: Any) -> str:
    close = get_close_matches(str(text), list(known), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""
