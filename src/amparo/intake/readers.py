"""Files of any agency as streams of text cells.

Whatever the format, a list becomes batches of Arrow string columns with the row number of the source file (the header
is row 1 where nothing stands above it). Nothing is interpreted here. A file that cannot be a list is refused in one
line before it can take memory or time: zips are measured by decompressing them in a stream (their own headers may
lie), and the cell addresses of a sheet are read before anything of that size is set up.

Sources: RFC 4180 (CSV); ECMA-376 (XLSX); OASIS OpenDocument 1.3 (ODS); jsonlines.org; Apache Parquet.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

import charset_normalizer
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from amparo.standard.crosswalks import Crosswalk
from amparo.standard.errors import AmparoError

ROW = "\x00row"
"""Name of the column of row numbers; no header can have it."""
LIST_SEPARATOR = ";"
"""Between the values of a cell that holds several, where the crosswalk names no other."""

MAX_TEXT_BYTES = 4 << 30
MAX_SHEET_BYTES = 1 << 30
MAX_SHEET_CELLS = 30_000_000
MAX_ZIP_MEMBERS = 10_000
MAX_RATIO = 300
_RATIO_FROM = 64 << 20
_SAMPLE = 1 << 20
_BLOCK = 16 << 20
_ROWS = 32_768
_MAX_LINE = 16 << 20
_ENCODINGS = ("cp1252", "cp1250", "cp1256", "cp1251", "gb18030", "utf_16", "utf_16_le", "utf_16_be")
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class BrokenRow:
    """A row that is none: it has too many or too few cells, or is not JSON."""

    row: int
    text: str
    reason: str
    expected: str


@dataclass
class Source:
    """An opened list. ``broken`` fills while ``batches`` is read."""

    columns: tuple[str, ...]
    batches: Iterator[pa.RecordBatch]
    total: int | None = None
    broken: list[BrokenRow] = field(default_factory=list)


def read(path: Path, crosswalk: Crosswalk | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a list as record batches: :data:`ROW` (int64) and one string column per column of the file."""
    return open_list(path, crosswalk).batches


def open_list(path: Path, crosswalk: Crosswalk | None = None) -> Source:
    """Open a list, whatever its format; the crosswalk may name its sheet, header row and separator.

    Raises
    ------
    AmparoError : it is no table, or empty, cut off, too large, or not what its bytes claim. Errors that only show
        further down the file are raised while the batches are read.
    """
    head = _head(path)
    sheet = crosswalk.sheet if crosswalk else None
    header_row = (crosswalk.header_row if crosswalk else None) or 1
    separator = (crosswalk.separator if crosswalk else None) or LIST_SEPARATOR
    if head.startswith(b"PAR1"):
        source = _open_parquet(path, separator)
    elif head.startswith(b"PK"):
        source = _open_workbook(path, sheet or None, header_row)
    elif head.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused(
            path,
            "this is an old XLS workbook, or one with a password.",
            "Save it as XLSX without a password.",
        )
    else:
        sample = _text_sample(path, head)
        if path.name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) or _looks_like_json(sample):
            source = _open_json_lines(path, separator)
        else:
            source = _open_csv(path, sample, header_row)
    return Source(source.columns, _never_empty(path, source), source.total, source.broken)


def _refused(path: Path, message: str, remedy: str = "") -> AmparoError:
    return AmparoError(message, remedy=remedy, where=str(path))


def _never_empty(path: Path, source: Source) -> Iterator[pa.RecordBatch]:
    some = False
    for batch in source.batches:
        some = some or batch.num_rows > 0
        yield batch
    if not some and not source.broken:
        raise _refused(path, "the table has a header but no rows.", "Is it the right file, and the right sheet?")


def _head(path: Path) -> bytes:
    """The first bytes of a file that can be read and is not too large."""
    try:
        if path.is_dir():
            raise _refused(path, "this is a folder, not a list.", "Name a file in it.")
        if not path.is_file():
            raise _refused(path, "there is no such file.", "Check its name.")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise _refused(path, f"the file cannot be read ({error.strerror}).") from None
    if size == 0:
        raise _refused(path, "the file is empty.", "Export the list again.")
    if size > MAX_TEXT_BYTES:
        raise _refused(
            path,
            f"the file has {size / 2**30:.1f} GiB; lists up to {MAX_TEXT_BYTES >> 30} GiB are read.",
            "Split it.",
        )
    return head


# --- text --------------------------------------------------------------------------------------------------


class _Gunzip(io.RawIOBase):
    """A gzip stream that stops when it swells like a bomb or ends before its end mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._file = gzip.GzipFile(path, "rb")
        self._out = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = self._file.read(len(view))
        except (EOFError, zlib.error):
            raise _refused(self._path, "the gzip file is cut off or damaged.", "Copy or export it again.") from None
        except gzip.BadGzipFile:
            raise _refused(self._path, "this is no gzip file, or a damaged one.", "Copy or export it again.") from None
        self._out += len(data)
        if self._out > MAX_TEXT_BYTES or (self._out > _RATIO_FROM and self._out > MAX_RATIO * self._size):
            raise _refused(self._path, "the gzip file swells like a zip bomb; it was not read.", "Send it unpacked.")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _zipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _open_text(path: Path) -> BinaryIO:
    return io.BufferedReader(_Gunzip(path), 1 << 20) if _zipped(path) else path.open("rb")


def _text_sample(path: Path, head: bytes) -> bytes:
    if path.name.lower().endswith(".gz") and not head.startswith(b"\x1f\x8b"):
        raise _refused(path, "this is no gzip file.", "Copy or export it again.")
    with _open_text(path) as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise _refused(path, "the file is empty.", "Export the list again.")
    utf16 = sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _looks_like_utf16(sample)
    if not utf16 and b"\x00" in sample:
        raise _refused(path, "this is not a table: it holds bytes that no text has.", "Export the list as CSV or XLSX.")
    return sample


def _looks_like_utf16(sample: bytes) -> bool:
    """UTF-16 without its mark: of line ends and delimiters, every second byte is zero, on one side only."""
    even, odd = sample[:4096:2].count(0), sample[1:4096:2].count(0)
    return (even == 0) != (odd == 0) and sample.strip(b"\x00") != b"" and max(even, odd) < 2048


def _looks_like_json(sample: bytes) -> bool:
    line = sample.removeprefix(codecs.BOM_UTF8).lstrip().split(b"\n", 1)[0]
    if not line.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def encoding_of(path: Path) -> str:
    """The encoding of a text file: UTF-8 where all of it is; else what its letters make most likely.

    Raises
    ------
    AmparoError : no known encoding reads it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    odd_lines = bytearray()
    utf8 = True
    with _open_text(path) as file:
        sample = file.read(_SAMPLE)
        if sample.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if _looks_like_utf16(sample):
            return "utf-16-le" if sample[1:4096:2].count(0) else "utf-16-be"
        block = sample
        while block:
            if utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    utf8 = False
            if not utf8 and not block.isascii():
                odd_lines += b"\n".join(line for line in block.split(b"\n")[:-1] or [block] if not line.isascii())
            if len(odd_lines) > 1 << 16:
                break
            block = file.read(_SAMPLE)
    if utf8:
        return "utf-8"
    found = charset_normalizer.from_bytes(
        bytes(odd_lines[: 1 << 16]) or sample, cp_isolation=list(_ENCODINGS), threshold=0.5
    ).best()
    if found is None:
        raise _refused(path, "no known encoding reads this file.", "Save it as UTF-8.")
    return "cp1252" if found.encoding == "cp1250" and _is_western(bytes(odd_lines)) else str(found.encoding)


_WESTERN = frozenset("áéíóúüñçàèìòùâêîôûëïäöãõåøæœßÁÉÍÓÚÜÑÇÀÈÌÒÙÂÊÎÔÛËÏÄÖÃÕÅØÆŒºª°¿¡«»€’‘“”–—…·´")


def _is_western(odd: bytes) -> bool:
    """Whether the bytes read as cp1252 hold only letters of western languages.

    cp1250 shares most of them, and a detector that weighs letters takes one for the other; no text in a language of
    central Europe reads as western letters alone.
    """
    try:
        return all(letter.isascii() or letter in _WESTERN for letter in odd.decode("cp1252"))
    except UnicodeDecodeError:
        return False


def _delimiter(path: Path, text: str) -> str:
    """The delimiter under which most records of the sample have the same number of cells, and more than one."""
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        lines = text.splitlines(keepends=True)[:200]
        try:
            sizes = Counter(len(record) for record in csv.reader(lines, delimiter=delimiter) if record)
        except csv.Error:
            continue
        size, often = sizes.most_common(1)[0] if sizes else (0, 0)
        score = often / max(1, sizes.total()) * (1 + min(size, 50) / 1000)
        if size > 1 and score > best_score:
            best, best_score = delimiter, score
    if not best:
        raise _refused(
            path, "this is not a table: no delimiter cuts its lines into cells.", "Export it as CSV or XLSX."
        )
    return best


def unique_names(names: Iterable[str | None]) -> tuple[str, ...]:
    """Column names trimmed; an empty one becomes ``column N``, a repeated one gets its count."""
    seen: Counter[str] = Counter()
    unique = []
    for position, name in enumerate(names, start=1):
        text = " ".join((name or "").replace("\ufeff", "").replace("\x00", "").split()) or f"column {position}"
        seen[text] += 1
        unique.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return tuple(unique)


def _open_csv(path: Path, sample: bytes, header_row: int) -> Source:
    encoding = encoding_of(path)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    delimiter = _delimiter(path, "".join(text.splitlines(keepends=True)[header_row - 1 :]))
    above = text.splitlines(keepends=True)[header_row - 1 :]
    try:
        header = next(csv.reader(above, delimiter=delimiter), [])
    except csv.Error:
        header = []
    if not header:
        raise _refused(path, f"row {header_row} holds no header.", "Say in the crosswalk where it is: header_row.")
    columns = unique_names(header)
    broken: list[BrokenRow] = []

    def keep_broken(row: Any) -> str:
        broken.append(
            BrokenRow(
                row=row.number,
                text=row.text,
                reason=f"the row has {row.actual_columns} cells, the header {row.expected_columns}",
                expected=f"{row.expected_columns} cells",
            )
        )
        return "skip"

    def batches() -> Iterator[pa.RecordBatch]:
        stream = pa.OSFile(str(path)) if encoding.startswith("utf-8") and not _zipped(path) else _open_text(path)
        try:
            reader = pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK,
                    column_names=list(columns),
                    skip_rows=header_row - 1,
                    skip_rows_after_names=1,
                    encoding="utf8" if encoding.startswith("utf-8") else encoding,
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=keep_broken,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    # All of a UTF-8 file was checked when its encoding was found out.
                    column_types={name: pa.string() for name in columns},
                    strings_can_be_null=False,
                    check_utf8=True,
                ),
            )
            cursor, taken = header_row + 1, 0
            last: dict[str, str] = {}
            for batch in reader:
                cursor, taken, rows = _numbers(cursor, taken, batch.num_rows, broken)
                if batch.num_rows:
                    last = batch.slice(batch.num_rows - 1).to_pylist()[0]
                yield _with_rows(batch, rows, columns)
            ends = [*last.values(), *(row.text for row in broken[-1:])]
            if any("\n" in text for text in ends) and _quotes(path) % 2:
                raise _refused(path, _OPEN_QUOTE, "Close it, or export the list again.")
        except pa.ArrowInvalid as error:
            raise _csv_error(path, error) from None
        except UnicodeError:
            raise _refused(path, f"not all of it is {encoding}.", "Save it as UTF-8.") from None
        finally:
            stream.close()

    return Source(columns, batches(), None, broken)


def _numbers(cursor: int, taken: int, count: int, broken: Sequence[BrokenRow]) -> tuple[int, int, Sequence[int]]:
    """Numbers of the next ``count`` good rows, stepping over the broken ones between them."""
    if taken == len(broken):
        return cursor + count, taken, range(cursor, cursor + count)
    rows: list[int] = []
    while len(rows) < count:
        while taken < len(broken) and broken[taken].row <= cursor:
            taken += 1
            cursor += 1
        stop = broken[taken].row if taken < len(broken) else cursor + count
        run = min(stop - cursor, count - len(rows))
        rows.extend(range(cursor, cursor + run))
        cursor += run
    return cursor, taken, rows


_OPEN_QUOTE = "a quote opens a cell and never closes, so that it takes in all rows below."


def _quotes(path: Path) -> int:
    """Number of double quotes in the file."""
    count = 0
    with _open_text(path) as file:
        while block := file.read(_SAMPLE):
            count += block.count(b'"')
    return count


def _csv_error(path: Path, error: pa.ArrowInvalid) -> AmparoError:
    text = str(error)
    if "UTF8" in text:
        return _refused(path, "not all of it is UTF-8.", "Save it as UTF-8.")
    if "Empty CSV" in text:
        return _refused(path, "the table has no rows.", "Export the list again.")
    return _refused(
        path, f"a row is longer than {_BLOCK >> 20} MiB; {_OPEN_QUOTE}", "Close it, or export the list again."
    )


def _with_rows(batch: pa.RecordBatch, rows: Sequence[int], columns: Sequence[str]) -> pa.RecordBatch:
    """The batch with its row numbers in front; rows without any text are left out (a spreadsheet's blank rows)."""
    numbered = pa.RecordBatch.from_arrays([pa.array(np.asarray(rows, np.int64)), *batch.columns], names=[ROW, *columns])
    some = None
    for column in batch.columns:
        filled = pc.fill_null(pc.not_equal(column, ""), False)
        some = filled if some is None else pc.or_(some, filled)
        if pc.all(some).as_py() is not False:
            return numbered
    return numbered.filter(some)


# --- JSON Lines --------------------------------------------------------------------------------------------


def _cell(value: Any, separator: str) -> str | None:
    """A typed value as the text that a person would have written."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return separator.join(_cell(item, separator) or "" for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _json_lines(path: Path) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    with _open_text(path) as file:
        number = 0
        while line := file.readline(_MAX_LINE + 1):
            number += 1
            if len(line) > _MAX_LINE:
                raise _refused(path, f"line {number} is longer than {_MAX_LINE >> 20} MiB.", "One record a line.")
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
            if not text:
                continue
            try:
                record = json.loads(text)
            except (ValueError, RecursionError):
                record = None
            yield number, text, record if isinstance(record, dict) else None


def _open_json_lines(path: Path, separator: str) -> Source:
    """Row numbers are line numbers; columns are all keys of the file, in the order they first appear."""
    keys: dict[str, None] = {}
    total = 0
    for _, _, record in _json_lines(path):
        total += 1
        keys.update(dict.fromkeys(record or ()))
    if not keys:
        raise _refused(path, "no line of it is a JSON object.", "One record a line, as JSON Lines has it.")
    names = list(keys)
    broken: list[BrokenRow] = []

    def rows() -> Iterator[tuple[int, list[str | None]]]:
        for number, text, record in _json_lines(path):
            if record is None:
                broken.append(BrokenRow(number, text, "the line is not a JSON object", "one JSON object a line"))
            else:
                yield number, [_cell(record.get(name), separator) for name in names]

    return Source(unique_names(names), _batched(rows(), unique_names(names)), total, broken)


def _batched(rows: Iterable[tuple[int, Sequence[str | None]]], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in columns)])
    numbers: list[int] = []
    cells: list[Sequence[str | None]] = []
    for number, row in rows:
        numbers.append(number)
        cells.append(row)
        if len(cells) == _ROWS:
            yield _batch(schema, numbers, cells)
            numbers, cells = [], []
    if cells:
        yield _batch(schema, numbers, cells)


def _batch(schema: pa.Schema, numbers: list[int], cells: list[Sequence[str | None]]) -> pa.RecordBatch:
    arrays = [
        pa.array(numbers, pa.int64()),
        *(pa.array(column, pa.string()) for column in zip(*cells, strict=True)),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# --- Parquet -----------------------------------------------------------------------------------------------


def _open_parquet(path: Path, separator: str) -> Source:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise _refused(path, "the Parquet file is cut off or damaged.", "Copy or export it again.") from None
    columns = unique_names(file.schema_arrow.names)
    unpacked = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
    if unpacked > MAX_TEXT_BYTES * 4:
        raise _refused(path, "the Parquet file swells like a zip bomb; it was not read.", "Split it.")

    def batches() -> Iterator[pa.RecordBatch]:
        first = 2
        try:
            for batch in file.iter_batches(batch_size=_ROWS):
                texts = [_as_text(column, separator) for column in batch.columns]
                rows = range(first, first + batch.num_rows)
                first += batch.num_rows
                yield _with_rows(pa.RecordBatch.from_arrays(texts, names=list(columns)), rows, columns)
        except (pa.ArrowInvalid, OSError):
            raise _refused(path, "the Parquet file is cut off or damaged.", "Copy or export it again.") from None
        finally:
            file.close()

    return Source(columns, batches(), file.metadata.num_rows, [])


def _as_text(column: pa.Array, separator: str) -> pa.StringArray:
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_integer(kind) or pa.types.is_date32(kind):
        return column.cast(pa.string())
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode(), separator)
    return pa.array([_cell(value, separator) for value in column.to_pylist()], pa.string())


# --- workbooks ---------------------------------------------------------------------------------------------

_ADDRESS = re.compile(rb"\br\s*=\s*[\"']([A-Z]{0,3})([0-9]{1,10})[\"']")
_TAIL = 64


def headers(path: Path, rows: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The column names that a list would have with its header in each of these rows; rows without text are left out.

    Raises
    ------
    AmparoError : as for :func:`open_list`.
    """
    wanted = sorted(set(rows))
    if _head(path).startswith(b"PK"):
        cells = [row for row, _ in zip(_sheet(path, None).iter_rows(), range(wanted[-1]), strict=False)]
        named = {
            row: unique_names(_cell(v, LIST_SEPARATOR) for v in cells[row - 1]) for row in wanted if row <= len(cells)
        }
        return {row: names for row, names in named.items() if any(str(value).strip() for value in cells[row - 1])}
    found: dict[int, tuple[str, ...]] = {}
    for row in wanted:
        try:
            found[row] = open_list(path, Crosswalk(name="", unit="victim", header_row=row)).columns
        except AmparoError:
            if row == 1:
                raise
    return found


def _sheet(path: Path, sheet: str | None) -> Any:
    """The sheet of that name, else the first with anything in it."""
    _check_zip(path)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise _refused(path, f"there is no sheet {sheet!r}.", f"Its sheets: {', '.join(names)}.")
        for name in [sheet] if sheet else names:
            cells = workbook.get_sheet_by_name(name)
            if cells.height > 0:
                return cells
    except (CalamineError, OSError, ValueError) as error:
        short = str(error).splitlines()[0][:80]
        raise _refused(path, f"this is no workbook that can be read ({short}).", "Save it as XLSX or CSV.") from None
    raise _refused(path, "the workbook is empty.", "Export the list again.")


def _open_workbook(path: Path, sheet: str | None, header_row: int) -> Source:
    cells = _sheet(path, sheet)
    numbered = enumerate(cells.iter_rows(), start=1)
    header: Sequence[Any] = []
    for number, row in numbered:
        if number == header_row:
            header = row
            break
    if not any(str(value).strip() for value in header):
        raise _refused(path, f"row {header_row} holds no header.", "Say in the crosswalk where it is: header_row.")
    columns = unique_names(_cell(value, LIST_SEPARATOR) for value in header)

    def rows() -> Iterator[tuple[int, list[str | None]]]:
        for number, row in numbered:
            texts = [_cell(value, LIST_SEPARATOR) for value in row]
            if any(texts):
                yield number, texts

    total = (cells.total_height or cells.height) - header_row
    return Source(columns, _batched(rows(), columns), max(0, total), [])


def _check_zip(path: Path) -> None:
    """Decompress a workbook in a stream, keeping nothing, to know that reading it is safe.

    Raises
    ------
    AmparoError : cut off or damaged; larger than a list can be; or a few cells span a sheet that no memory holds.
    """
    size = path.stat().st_size
    unpacked = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_ZIP_MEMBERS:
                raise _refused(path, "the workbook holds too many files; it was not read.", "Save it again.")
            names = {member.filename for member in members}
            if not ("content.xml" in names or any(name.startswith("xl/") for name in names)):
                raise _refused(path, "this is a zip file but no workbook.", "Unpack it, and name the list in it.")
            for member in members:
                if member.flag_bits & 1:
                    raise _refused(path, "the workbook has a password.", "Save it without one.")
                sheet = member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")
                ods = _OdsCells(path) if member.filename == "content.xml" else None
                with archive.open(member) as stream:
                    tail = b""
                    last_row, last_column = 1, 1
                    while block := stream.read(1 << 20):
                        unpacked += len(block)
                        if unpacked > MAX_SHEET_BYTES or (unpacked > _RATIO_FROM and unpacked > MAX_RATIO * size):
                            raise _refused(
                                path,
                                "the workbook swells like a zip bomb; it was not read.",
                                "Export the list as CSV.",
                            )
                        text = tail + block
                        if sheet:
                            found = _ADDRESS.findall(text)
                            columns = {letters for letters, _ in found}
                            rows = {digits for _, digits in found}
                            last_row = max(last_row, *map(int, rows), 1)
                            last_column = max(last_column, *map(_column_number, columns), 1)
                        if ods is not None:
                            ods.feed(block)
                        tail = text[-_TAIL:]
                    if last_row * last_column > MAX_SHEET_CELLS:
                        raise _refused(
                            path,
                            f"a sheet spans {last_row:,} rows × {last_column:,} columns, more than can be read.",
                            "Delete its stray far cells, or export the list as CSV.",
                        )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        raise _refused(path, "the workbook is cut off or damaged.", "Copy or export it again.") from None


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


class _OdsCells:
    """Counts the cells that a spreadsheet's ``content.xml`` stands for: it writes a run of equal ones once.

    Runs of empty cells and rows at an end cost nothing and do not count.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity
        self._cells = self._row = self._empty = 0
        self._rows = self._empty_rows = 0

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file."""
        try:
            self._parser.Parse(block, False)
        except expat.ExpatError:
            raise _refused(self._path, "the workbook is cut off or damaged.", "Copy or export it again.") from None

    def _entity(self, *_: Any) -> None:
        raise _refused(self._path, "the workbook defines entities, as no spreadsheet does; it was not read.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table:table-row":
            self._rows = _repeats(attributes, "table:number-rows-repeated")
            self._row = self._empty = 0
        elif name in ("table:table-cell", "table:covered-table-cell"):
            times = _repeats(attributes, "table:number-columns-repeated")
            if any(key.startswith(("office:", "calcext:", "table:formula")) for key in attributes):
                self._row += self._empty + times
                self._empty = 0
            else:
                self._empty += times

    def _end(self, name: str) -> None:
        if name != "table:table-row":
            return
        if not self._row:
            self._empty_rows += self._rows
            return
        self._cells += self._row * self._rows + self._empty_rows
        self._empty_rows = 0
        if self._cells > MAX_SHEET_CELLS:
            raise _refused(
                self._path, "the sheet repeats a cell more often than a list can; it was not read.", "Export it as CSV."
            )


def _repeats(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 1
