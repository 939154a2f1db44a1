"""Tables that people write: CSV files whose every mistake is told with its file, row, column and value.

A row is checked cell by cell as it is asked for, so that the message names what was expected there.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from amparo.standard.errors import AmparoError


def meant(text: str, known: Iterable[str]) -> str:
    """What was probably meant, as the start of a remedy; nothing where no known word is close."""
    close = get_close_matches(text, list(known), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def hint(text: str, known: Iterable[str]) -> str:
    """The same in brackets, within a sentence."""
    said = meant(text, known).strip()
    return f" ({said[0].lower()}{said[1:]})" if said else ""


def read_text(path: Path, remedy: str) -> str:
    """The text of a file in UTF-8; AmparoError where there is none (with the remedy) or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise AmparoError("there is no such file.", remedy=remedy, where=str(path)) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise AmparoError(f"cannot be read ({fault}).", remedy="Save it as text in UTF-8.", where=str(path)) from None


def read_toml(path: Path, remedy: str) -> dict[str, Any]:
    """The tables of a TOML file; AmparoError where there is none (with the remedy), or it is not TOML."""
    try:
        return tomllib.loads(read_text(path, remedy))
    except tomllib.TOMLDecodeError as fault:
        raise AmparoError(
            f"not valid TOML: {fault}.", remedy="Write texts in double quotes.", where=str(path)
        ) from None


class Sheet:
    """The rows of a CSV file whose columns are checked; the first row is the header, row 1."""

    def __init__(self, path: Path, required: Sequence[str], *, optional: Sequence[str] = ()) -> None:
        self.path = path
        text = read_text(path, f"Write there a table with the columns {', '.join(required)}.")
        header = text.partition("\n")[0]
        try:
            self._rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ","))
        except csv.Error as fault:
            raise AmparoError(f"not a CSV table ({fault}).", remedy="Save it as CSV anew.", where=str(path)) from None
        self._columns = [name.strip() for name in self._rows[0]] if self._rows else []
        known = (*required, *optional)
        for name in self._columns:
            if name not in known or self._columns.count(name) > 1:
                said = "stands twice" if name in known else f"is not a column of this file (known: {', '.join(known)})"
                guess = "" if name in known else meant(name, known)
                raise AmparoError(f'column "{name}" {said}.', remedy=f"{guess}Correct row 1.", where=f"{path}, row 1")
        for name in required:
            if name not in self._columns:
                raise AmparoError(f'there is no column "{name}".', remedy="Add it to row 1.", where=f"{path}, row 1")

    def __iter__(self) -> Iterator[Cells]:
        for number, row in enumerate(self._rows[1:], start=2):
            if any(cell.strip() for cell in row):
                if len(row) != len(self._columns):
                    raise AmparoError(
                        f"the row has {len(row)} cells, but the header has {len(self._columns)}.",
                        remedy="Put a text that holds the separator in double quotes.",
                        where=f"{self.path}, row {number}",
                    )
                yield Cells(self.path, number, dict(zip(self._columns, row, strict=True)))


@dataclass(frozen=True)
class Cells:
    """One row; each method gives a cell's value, or raises what is wrong with it."""

    path: Path
    row: int
    cells: Mapping[str, str]

    @property
    def where(self) -> str:
        """File and row."""
        return f"{self.path}, row {self.row}"

    def fault(self, column: str, value: str, expected: str, remedy: str = "Correct the cell.") -> AmparoError:
        """What is wrong with a cell, to be raised."""
        said = f"{value!r} does not fit" if value else "the cell is empty"
        return AmparoError(
            f"{said}; expected {expected}.", remedy=remedy, where=f'{self.path}, row {self.row}, column "{column}"'
        )

    def text(self, column: str, *, empty: bool = False) -> str:
        """The text, its spaces evened out."""
        value = " ".join(self.cells.get(column, "").split())
        if not value and not empty:
            raise self.fault(column, "", "a text")
        return value

    def day(self, column: str, *, empty: bool = False) -> date | None:
        """A day such as 2026-03-01."""
        value = self.text(column, empty=empty)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise self.fault(column, value, "a day such as 2026-03-01") from None

    def number(self, column: str, *, empty: bool = False) -> float | None:
        """A number of 0 or more, with a point before decimals and nothing between thousands."""
        value = self.text(column, empty=empty)
        if value and not re.fullmatch(r"\d{1,15}(\.\d+)?", value):
            raise self.fault(column, value, "a number such as 1250000 or 12.5, without unit or separators")
        return float(value) if value else None

    def code(self, column: str, known: Mapping[str, object], *, empty: bool = False) -> str:
        """A code of those that are known."""
        value = self.text(column, empty=empty)
        if value and value not in known:
            raise self.fault(column, value, f"one of {', '.join(known)}", f"{meant(value, known)}Correct the cell.")
        return value

    def codes(self, column: str, known: Mapping[str, object], *, least: int = 0) -> tuple[str, ...]:
        """Codes of those that are known, each once."""
        expected = f"codes with spaces between them, of {', '.join(known)}"
        return self.fitting(column, known.__contains__, expected, known=known, least=least)

    def fitting(
        self, column: str, fits: Callable[[str], bool], expected: str, *, known: Iterable[str] = (), least: int = 0
    ) -> tuple[str, ...]:
        """The words of a cell, each of which fits, once."""
        values = tuple(self.cells.get(column, "").split())
        if len(values) < least:
            raise self.fault(column, "", expected)
        for value in values:
            if not fits(value):
                raise self.fault(column, value, expected, f"{meant(value, known)}Correct the cell.")
            if values.count(value) > 1:
                raise self.fault(column, value, "each of them once")
        return values
