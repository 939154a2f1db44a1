"""Write lists in the formats that agencies send, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = (1980, 1, 1, 0, 0, 0)


def write_csv(frame: pd.DataFrame, path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> None:
    """CSV in an encoding; what it cannot hold is written with a question mark, as old systems do."""
    text = io.StringIO()
    frame.to_csv(text, sep=delimiter, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    path.write_bytes(text.getvalue().encode(encoding, errors="replace"))


def write_json_lines(frame: pd.DataFrame, path: Path) -> None:
    """One JSON object per row, empty cells left out."""
    rows = ({k: v for k, v in row.items() if v != ""} for row in frame.to_dict("records"))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Parquet with text columns; an empty cell is null."""
    table = pa.table({name: pa.array([v or None for v in frame[name]], pa.string()) for name in frame.columns})
    pq.write_table(table, path, compression="zstd")


def write_xlsx(frame: pd.DataFrame, path: Path) -> None:
    """One sheet of text cells (ECMA-376, inline strings)."""
    rows = "".join(
        f'<row r="{number}">'
        + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row)
        + "</row>"
        for number, row in enumerate(_rows(frame), start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    _zip(
        path,
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/'
            f'vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Cases" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        },
    )


def write_ods(frame: pd.DataFrame, path: Path) -> None:
    """One sheet of text cells (OASIS OpenDocument 1.3)."""
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in _rows(frame)
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    _zip(
        path,
        {
            "mimetype": kind,
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{name}:manifest:1.0" manifest:version="1.3">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/><manifest:file-entry '
            'manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>',
            "content.xml": f'<office:document-content xmlns:office="{name}:office:1.0" xmlns:table="{name}:table:1.0" '
            f'xmlns:text="{name}:text:1.0" office:version="1.3"><office:body><office:spreadsheet><table:table '
            f'table:name="Dossiers">{rows}</table:table></office:spreadsheet></office:body></office:document-content>',
        },
    )


def _rows(frame: pd.DataFrame) -> list[list[str]]:
    return [list(frame.columns), *frame.astype(str).to_numpy().tolist()]


def _zip(path: Path, parts: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            head = '<?xml version="1.0" encoding="UTF-8"?>' if text.startswith("<") else ""
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, head + text)


WRITERS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    ".jsonl": write_json_lines,
    ".parquet": write_parquet,
    ".xlsx": write_xlsx,
    ".ods": write_ods,
}
