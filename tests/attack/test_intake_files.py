"""Files that are no lists do no harm and are told in one line, in little time and memory."""

from __future__ import annotations

import gzip
import io
import os
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amparo.intake.key import Key
from amparo.intake.load import load_list
from amparo.intake.readers import open_list
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import Column, Crosswalk
from amparo.standard.errors import AmparoError

CROSSWALK = Crosswalk(name="l", unit="victim", columns={"a": Column("case_number"), "b": Column("notes")})
TABLE = pd.DataFrame({"a": [str(i) for i in range(500)], "b": ["text"] * 500})


def _xlsx() -> bytes:
    out = io.BytesIO()
    TABLE.to_excel(out, index=False)
    return out.getvalue()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(TABLE), out)
    return out.getvalue()


def _repacked(**changed: bytes) -> bytes:
    """The workbook with some of its parts exchanged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_xlsx())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
_SPACE = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_CELL = b'<worksheet xmlns="' + _SPACE + b'"><sheetData>%b</sheetData></worksheet>'


def far_cells() -> bytes:
    rows = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return _repacked(**{SHEET: _CELL % rows})


def bomb() -> bytes:
    return _repacked(**{SHEET: _CELL % (b" " * (200 << 20))})


def ods(rows: bytes) -> bytes:
    out = io.BytesIO()
    spaces = b'xmlns:table="t" xmlns:office="o"'
    with zipfile.ZipFile(out, "w") as new:
        new.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        new.writestr("content.xml", b"<office:body %b>%b</office:body>" % (spaces, rows))
    return out.getvalue()


_ODS_CELL = b'<table:table-cell office:value-type="float" table:number-columns-repeated="%d"/>'
_ODS_ROW = b'<table:table-row table:number-rows-repeated="%d">%b</table:table-row>'


def ods_wide_bomb() -> bytes:
    return ods(_ODS_ROW % (1_048_576, _ODS_CELL % 16_384))


def ods_long_bomb() -> bytes:
    return ods(_ODS_ROW % (1_048_576, _ODS_CELL % 1 * 900))


def ods_entities() -> bytes:
    out = io.BytesIO()
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    with zipfile.ZipFile(out, "w") as new:
        new.writestr("content.xml", laughs)
    return out.getvalue()


def plain_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        new.writestr("list.csv", "a,b\n1,2\n")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("l.csv", lambda: b"", "empty"),
        ("l.csv", lambda: b"  \n\n", "empty"),
        ("l.csv", lambda: b"a,b\n", "no rows"),
        ("l.csv", lambda: b"Dear colleague\nhere is our report\nyours\n", "not a table"),
        ("l.csv", lambda: os.urandom(1000) + b"\x00" * 10, "not a table|no known encoding"),
        ("l.png", lambda: b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 500, "not a table"),
        ("l.csv", lambda: b'a,b\n1,"2\n' + b"3,4\n" * 5_000_000, "quote"),
        ("l.csv", lambda: b'a,b\n1,2\n3,"4\n5,6\n', "quote"),
        ("l.csv", lambda: b'a,b\n1,2\n"3,4\n5,6\n', "quote"),
        ("l.csv.gz", lambda: gzip.compress(b"a,b\n" + os.urandom(5000).hex().encode())[:-900], "cut off"),
        ("l.csv.gz", lambda: b"a,b\n1,2\n", "no gzip"),
        ("l.csv.gz", lambda: gzip.compress(b"a,b\n" + b"1,2\n" * (60 << 20), 9), "bomb"),
        ("l.xlsx", lambda: _xlsx()[:-400], "cut off"),
        ("l.xlsx", lambda: _xlsx()[:2000], "cut off"),
        ("l.xlsx", plain_zip, "no workbook"),
        ("l.xlsx", bomb, "bomb"),
        ("l.xlsx", far_cells, "spans"),
        ("l.ods", ods_wide_bomb, "repeats"),
        ("l.ods", ods_long_bomb, "repeats"),
        ("l.ods", ods_entities, "entities"),
        ("l.xls", lambda: b"\xd0\xcf\x11\xe0" + bytes(500), "old XLS"),
        ("l.parquet", lambda: _parquet()[:-50], "cut off"),
        ("l.parquet", lambda: _parquet()[:100] + _parquet()[-40:], "cut off"),
        ("l.jsonl", lambda: b"[1, 2]\nnot json\n", "JSON"),
    ],
)
def test_a_file_that_is_no_list_is_told_in_one_line(
    tmp_path: Path, name: str, make: Callable[[], bytes], said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(make())
    work = Workspace(tmp_path / "w", Key(b"k" * 32))
    memory, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(AmparoError, match=said) as caught:
        load_list(file, CROSSWALK, work)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    assert time.monotonic() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 500 << 10
    assert work.loads() == []
    assert not list((tmp_path / "w").rglob("*.parquet"))


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="folder"):
        open_list(tmp_path)
    with pytest.raises(AmparoError, match="no such file"):
        open_list(tmp_path / "none.csv")


@pytest.mark.parametrize(("size", "said"), [(5 << 30, "GiB"), (3 << 30, "not a table")])
def test_gigabytes_of_nothing_are_refused_at_once(tmp_path: Path, size: int, said: str) -> None:
    file = tmp_path / "l.csv"
    with file.open("wb") as sparse:
        sparse.truncate(size)
    begun = time.monotonic()
    with pytest.raises(AmparoError, match=said):
        open_list(file)
    assert time.monotonic() - begun < 1


def test_formulas_in_cells_are_only_text(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_text("a,b\n=1+1,\"=cmd|' /C calc'!A0\"\n@SUM(A1),+5\n")
    work = Workspace(tmp_path / "w", Key(b"k" * 32))
    assert load_list(file, CROSSWALK, work).accepted == 2
    assert work.identities()["notes"].to_pylist() == ["=cmd|' /C calc'!A0", "+5"]


def test_lines_far_too_long_are_told(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_bytes(b"a,b\n1," + b"x" * (40 << 20) + b"\n")
    with pytest.raises(AmparoError):
        load_list(file, CROSSWALK, Workspace(tmp_path / "w", Key(b"k" * 32)))
