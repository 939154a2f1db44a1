"""Write lists in the formats that agencies send, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

from amparo.simulation.agencies import Agency
from amparo.simulation.coded import Texts
from amparo.standard.errors import AmparoError
from amparo.standard.variables import variables

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MOST_ROWS = 1_048_576
"""Rows of a worksheet (Excel's limit)."""

Columns = Mapping[str, Texts]


def write_list(agency: Agency, columns: Columns, path: Path) -> None:
    """Write the list in the format that the file's name says.

    Raises
    ------
    AmparoError : more rows than a worksheet has.
    """
    if path.suffix == ".csv":
        _write_csv(columns, path, agency.delimiter, agency.encoding)
    elif path.suffix == ".jsonl":
        several = {header for v, header in agency.columns.items() if variables()[v].multiple}
        _write_json_lines(columns, path, several, agency.separator)
    elif path.suffix == ".parquet":
        texts = {name: pa.array([text or None for text in column], pa.string()) for name, column in columns.items()}
        pq.write_table(pa.table(texts), path, compression="zstd")
    else:
        if len(next(iter(columns.values()))) + len(agency.title) >= _MOST_ROWS:
            raise AmparoError("more rows than a worksheet can have.", remedy="Simulate fewer victims.", where=path.name)
        (_write_xlsx if path.suffix == ".xlsx" else _write_ods)(columns, path, agency.title)


def _rows(columns: Columns, title: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield from ((text,) for text in title)
    yield tuple(columns)
    yield from zip(*(column.tolist() for column in columns.values()), strict=True)


def _write_csv(columns: Columns, path: Path, delimiter: str, encoding: str) -> None:
    """CSV; a letter that the encoding does not have loses its accent, or becomes a question mark, as in old systems."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(_rows(columns))
    path.write_bytes(_fit(text.getvalue(), encoding).encode(encoding))


def _fit(text: str, encoding: str) -> str:
    def instead(letter: str) -> str:
        for candidate in (letter, unicodedata.normalize("NFKD", letter)[0]):
            if candidate.encode(encoding, errors="ignore"):
                return candidate
        return "?"

    return text.translate({ord(letter): instead(letter) for letter in set(text)})


def _write_json_lines(columns: Columns, path: Path, several: set[str], separator: str) -> None:
    """One JSON object per row; empty cells are left out, cells of several codes are arrays."""
    header, *rows = _rows(columns)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            record = {
                name: text.split(separator) if name in several else text
                for name, text in zip(header, row, strict=True)
                if text
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _write_xlsx(columns: Columns, path: Path, title: tuple[str, ...]) -> None:
    """One sheet of text cells (ECMA-376, inline strings)."""
    sheet = "".join(
        f'<row r="{number}">' + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row) + "</row>"
        for number, row in enumerate(_rows(columns, title), start=1)
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    _zip(
        path,
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
            f'<Default Extension="rels" ContentType="{rels}"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
            '<sheets><sheet name="Cases" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        },
    )


def _write_ods(columns: Columns, path: Path, title: tuple[str, ...]) -> None:
    """One sheet of text cells (OASIS OpenDocument 1.3)."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        "<table:table-row>" + "".join(cell.format(escape(text)) for text in row) + "</table:table-row>"
        for row in _rows(columns, title)
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    _zip(
        path,
        {
            "mimetype": kind,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{name}:manifest:1.0" manifest:version="1.3">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>",
            "content.xml": f'<office:document-content xmlns:office="{name}:office:1.0" '
            f'xmlns:table="{name}:table:1.0" xmlns:text="{name}:text:1.0" office:version="1.3"><office:body>'
            f'<office:spreadsheet><table:table table:name="Dossiers">{rows}</table:table></office:spreadsheet>'
            "</office:body></office:document-content>",
        },
    )


def _zip(path: Path, parts: Mapping[str, str]) -> None:
    """A zip archive whose bytes depend on its parts alone: dates and permissions are fixed."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            head = '<?xml version="1.0" encoding="UTF-8"?>' if text.startswith("<") else ""
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, head + text)
