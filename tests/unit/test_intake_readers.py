"""Lists of any format and encoding become the same cells, with the row numbers of the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amparo.intake.readers import ROW, encoding_of, open_list
from amparo.standard.crosswalks import Crosswalk

ROWS = [["Caso", "Nombre", "Fecha"], ["1", "María Muñoz", "2021-03-05"], ["2", "José\nPeña", "2021"]]


def cells(path: Path, **settings: object) -> list[list[str | None]]:
    source = open_list(path, Crosswalk(name="x", unit="victim", **settings))  # type: ignore[arg-type]
    table = pa.Table.from_batches(list(source.batches))
    return [list(source.columns), *[[row[name] for name in source.columns] for row in table.to_pylist()]]


def quoted(delimiter: str) -> str:
    return "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS) + "\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_a_csv_is_read_whatever_its_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(quoted(delimiter).encode(encoding))
    assert cells(file) == ROWS


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1256", "الاسم;الجنس;الجنسية\nفاطمة الزهراء;أنثى;سوريا\nمحمد علي;ذكر;العراق\n"),
        ("cp1251", "Имя;Пол;Гражданство\nИванова Мария;женский;Молдова\nПетров Иван;мужской;Украина\n"),
        ("gb18030", "姓名;性别;国籍\n王芳;女;中国\n李伟;男;越南\n"),
    ],
)
def test_older_encodings_of_other_scripts_are_found_out(tmp_path: Path, encoding: str, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(text.encode(encoding))
    assert encoding_of(file) == encoding
    assert cells(file)[1] == text.splitlines()[1].split(";")


def test_a_gzipped_csv_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.csv.gz"
    file.write_bytes(gzip.compress(quoted(",").encode()))
    assert cells(file) == ROWS


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_workbook_is_read(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"list.{ending}"
    pd.DataFrame(ROWS[1:], columns=ROWS[0]).to_excel(file, index=False, engine="odf" if ending == "ods" else None)
    assert cells(file) == ROWS


def test_json_lines_and_parquet_are_read(tmp_path: Path) -> None:
    records = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    lines, parquet = tmp_path / "list.jsonl", tmp_path / "list.parquet"
    lines.write_text("\n".join(json.dumps(record) for record in records))
    pq.write_table(pa.Table.from_pylist(records), parquet)
    assert cells(lines) == cells(parquet) == ROWS


def test_typed_cells_become_the_text_a_person_would_write(tmp_path: Path) -> None:
    file = tmp_path / "list.jsonl"
    file.write_text('{"n": 12.0, "b": true, "many": ["a", "b"], "none": null}\n{"n": 1.5, "late": "x"}\n')
    assert cells(file, separator="|") == [
        ["n", "b", "many", "none", "late"],
        ["12", "true", "a|b", None, None],
        ["1.5", None, None, None, "x"],
    ]


def test_rows_keep_the_number_they_have_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text('a,b\n1,2\n\n3\n"x\ny",4\n5,6,7\n8,9\n')
    source = open_list(file)
    rows = [row for batch in source.batches for row in batch.column(ROW).to_pylist()]
    assert rows == [2, 5, 7]
    assert [(row.row, row.text) for row in source.broken] == [(4, "3"), (6, "5,6,7")]


def test_a_header_further_down_is_found_by_its_row(tmp_path: Path) -> None:
    text = tmp_path / "list.csv"
    text.write_text("Refugio,\n2024,\nCaso,Sexo\n1,F\n2\n3,M\n")
    source = open_list(text, Crosswalk(name="x", unit="victim", header_row=3))
    assert source.columns == ("Caso", "Sexo")
    assert [row for batch in source.batches for row in batch.column(ROW).to_pylist()] == [4, 6]
    assert [row.row for row in source.broken] == [5]


def test_blank_rows_and_columns_above_a_sheet_keep_their_place(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B3"], sheet["C3"], sheet["B5"], sheet["C5"] = "Caso", "Sexo", 7, "F"
    book.save(tmp_path / "list.xlsx")
    source = open_list(tmp_path / "list.xlsx", Crosswalk(name="x", unit="victim", header_row=3))
    (batch,) = source.batches
    assert batch.select(["Caso", "Sexo", ROW]).to_pylist() == [{"Caso": "7", "Sexo": "F", ROW: 5}]


def test_repeated_and_empty_headers_get_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a,a,\n1,2,3\n")
    assert open_list(file).columns == ("a", "a (2)", "column 3")
