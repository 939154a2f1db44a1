"""The workspace: the folder in which all that is private rests.

    workspace.toml              format version, fingerprint of the key
    loads/<load_id>/
        load.json               what was loaded, from what, how many rows went where
        victims.parquet         analysis table: coded values under pseudonyms (or perpetrators, or aggregates)
        vault.enc               names, contacts, birth dates by record_id (Arrow IPC, encrypted)
        quarantine.enc          refused cells with their whole rows (Arrow IPC, encrypted)

A load is written to a folder of its own that is renamed into place once all of it is on the disk: whatever stops the
program, the workspace holds either all of a load or nothing of it. What is private in clear never touches the disk.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from amparo.intake.key import EncryptedWriter, Key, decrypted_chunks
from amparo.standard.errors import AmparoError, KeyMissingError
from amparo.standard.files import replace_whole, sync_folder
from amparo.standard.variables import variables

if TYPE_CHECKING:
    import ibis

FORMAT = 1
_WAITING = 4
"""Batches that may wait for the disk before reading waits too."""
TableName = Literal["victims", "perpetrators", "aggregates"]
UNITS: Mapping[str, TableName] = {
    "victim": "victims",
    "perpetrator": "perpetrators",
    "aggregate": "aggregates",
}
_MEMBERS = {"victims": ("victim", "event"), "perpetrators": ("perpetrator",)}
_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "code": pa.string(),
    "country": pa.string(),
    "codes": pa.list_(pa.string()),
    "countries": pa.list_(pa.string()),
    "integer": pa.int32(),
    "date": pa.date32(),
}
_PROVENANCE = [
    ("record_id", pa.string()),
    ("list", pa.string()),
    ("entity_type", pa.string()),
    ("load_id", pa.string()),
]
_AGGREGATES = pa.schema(
    [
        ("load_id", pa.string()),
        ("list", pa.string()),
        ("row", pa.int64()),
        ("reporting_country", pa.string()),
        ("indicator", pa.string()),
        ("dimension", pa.string()),
        ("category", pa.string()),
        ("sex", pa.string()),
        ("age", pa.string()),
        ("year", pa.int32()),
        ("lower", pa.int64()),
        ("upper", pa.int64()),
    ]
)
QUARANTINE = pa.schema(
    [
        ("load_id", pa.string()),
        ("list", pa.string()),
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("expected", pa.string()),
        ("remedy", pa.string()),
        ("raw", pa.string()),
    ]
)


@cache
def analysis_schema(table: TableName) -> pa.Schema:
    """Columns of an analysis table; a date has its precision beside it (``day``, ``month``, ``year``)."""
    if table == "aggregates":
        return _AGGREGATES
    # Accused of one event share a pseudonym of its number, so that offences can be counted.
    events = [("event_id", pa.string())] if table == "perpetrators" else []
    return pa.schema([*_PROVENANCE, *_of(table, "analysis"), *events, ("recorded_unknown", pa.list_(pa.string()))])


@cache
def vault_schema(table: TableName) -> pa.Schema:
    """Columns of the vault: what could name or reach a person."""
    return pa.schema([*_PROVENANCE, *_of(table, "vault")])


def _of(table: TableName, storage: str) -> list[tuple[str, pa.DataType]]:
    columns: list[tuple[str, pa.DataType]] = []
    for variable in variables().values():
        if variable.unit in _MEMBERS[table] and variable.storage == storage:
            columns.append((variable.name, _TYPES[variable.type]))
            if variable.type == "date":
                columns.append((f"{variable.name}_precision", pa.string()))
    return columns


@dataclass(frozen=True)
class Load:
    """One list as it was loaded. ``rows_in == accepted + quarantined``; repeated rows are counted as accepted.

    ``left_out`` names columns of the file that the crosswalk does not, ``absent`` columns of the crosswalk that the
    file lacks; ``warnings`` counts rows that are kept though unusual, by reason; ``sequence`` orders loads in time.
    """

    load_id: str
    list: str
    unit: str
    source: str
    sha256: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    left_out: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    version: str = ""
    sequence: int = 0


class Workspace:
    """A workspace and, where the user gave one, the key to its private parts.

    Raises
    ------
    KeyMissingError : the key is not the one that the workspace was made with.
    AmparoError : the folder holds a workspace of a later version, or something else.
    """

    def __init__(self, path: Path, key: Key | None) -> None:
        self.path = path
        self.key = key
        self._connection: Any = None
        self._check()

    def _check(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise AmparoError("this is a file, not a workspace.", remedy="Name a folder.", where=str(self.path))
        about = self._about()
        if about and about.get("format") != FORMAT:
            raise AmparoError(
                f"the workspace has format {about.get('format')!r}; this version reads format {FORMAT}.",
                remedy="Use the version of Amparo that made it, or load the lists into a new folder.",
                where=str(self.path),
            )
        made_with = about.get("key")
        if self.key and made_with and made_with != self.key.fingerprint:
            raise KeyMissingError(
                "the workspace was made with another key.",
                remedy="Give that one: --key FILE.",
                where=str(self.path),
            )

    def _about(self) -> dict[str, Any]:
        try:
            return tomllib.loads((self.path / "workspace.toml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise AmparoError("its workspace.toml cannot be read.", where=str(self.path)) from None

    def needed_key(self) -> Key:
        """The key, or the error that says how to come by one."""
        if self.key is None:
            raise KeyMissingError(
                "a key is needed: names, contacts and refused rows are kept encrypted.",
                remedy="Make one with: amparo key new (or give yours: --key FILE).",
                where=str(self.path),
            )
        return self.key

    def loads(self) -> list[Load]:
        """All loads, oldest first."""
        names = {item.name for item in fields(Load)}
        found = []
        for file in sorted((self.path / "loads").glob("*/load.json")):
            if not file.parent.name.startswith("."):
                document = json.loads(file.read_text(encoding="utf-8"))
                document = {name: value for name, value in document.items() if name in names}
                document |= {name: tuple(document.get(name, ())) for name in ("left_out", "absent")}
                found.append(Load(**document))
        return sorted(found, key=lambda item: (item.sequence, item.load_id))

    def table(self, name: TableName, load_ids: Sequence[str] | None = None) -> ibis.Table:
        """An analysis table over all loads (or these); of a record in several loads the newest holds.

        DuckDB reads the Parquet files where they lie; columns are those of :func:`analysis_schema`.
        """
        import ibis  # as late as this: loading a list does not need it, and it takes a second

        chosen = [
            load for load in self.loads() if UNITS[load.unit] == name and (load_ids is None or load.load_id in load_ids)
        ]
        if self._connection is None:
            self._connection = ibis.duckdb.connect()
        if not chosen:
            return ibis.memtable(analysis_schema(name).empty_table())
        files = [str(self.path / "loads" / load.load_id / f"{name}.parquet") for load in chosen]
        table = self._connection.read_parquet(files)
        lists = [load.list for load in chosen]
        if len(set(lists)) == len(lists):
            return table
        newest = ibis.literal({load.load_id: position for position, load in enumerate(chosen)})[table.load_id]
        if name == "aggregates":
            last = {load.list: load.load_id for load in chosen}
            return table.filter(table.load_id.isin(list(last.values())))
        order = ibis.row_number().over(group_by=table.record_id, order_by=newest.desc())
        return table.mutate(_order=order).filter(lambda t: t["_order"] == 0).drop("_order")

    def identities(self, table: TableName = "victims") -> pa.Table:
        """The vault in clear: names, contacts, birth dates by record_id; of a record in several loads the newest.

        Raises
        ------
        KeyMissingError : no key, or not the one that it was encrypted with.
        """
        key = self.needed_key()
        parts = []
        seen: set[str] = set()
        for load in reversed(self.loads()):
            file = self.path / "loads" / load.load_id / "vault.enc"
            if UNITS[load.unit] == table and file.exists():
                part = _decrypted(file, key)
                ids = part["record_id"].to_pylist()
                parts.append(part.filter(pa.array([record not in seen for record in ids], pa.bool_())))
                seen.update(ids)
        return pa.concat_tables(parts[::-1]) if parts else vault_schema(table).empty_table()

    def quarantine(self, load_ids: Sequence[str] | None = None) -> pa.Table:
        """Every refused cell of all loads (or these), columns :data:`QUARANTINE`; ``raw`` is the row as JSON.

        Raises
        ------
        KeyMissingError : no key, or not the one that it was encrypted with.
        """
        parts = []
        for load in self.loads():
            if load_ids is not None and load.load_id not in load_ids:
                continue
            folder = self.path / "loads" / load.load_id
            if (folder / "quarantine.enc").exists():
                parts.append(_decrypted(folder / "quarantine.enc", self.needed_key()))
            elif (folder / "quarantine.parquet").exists():
                parts.append(pq.read_table(folder / "quarantine.parquet"))
        return pa.concat_tables(parts) if parts else QUARANTINE.empty_table()

    @contextmanager
    def writing(self, load_id: str, unit: str) -> Iterator[LoadWriter]:
        """Write a load: it is in the workspace once :meth:`LoadWriter.finish` was called, else nothing is."""
        try:
            self._prepare(unit)
            folder = self.path / "loads" / f".{os.getpid()}-{secrets.token_hex(8)}"
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise AmparoError(f"the workspace cannot be written ({error.strerror}).", where=str(self.path)) from None
        writer = LoadWriter(folder, UNITS[unit], None if unit == "aggregate" else self.needed_key())
        try:
            yield writer
            writer.close()
            if writer.load is not None:
                self._put(folder, writer.load)
        except OSError as error:
            raise AmparoError(f"the workspace cannot be written ({error.strerror}).", where=str(self.path)) from None
        finally:
            writer.close(quietly=True)
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self, unit: str) -> None:
        """Make the folder, tie it to the key, and clear what a killed program left behind."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        loads = self.path / "loads"
        loads.mkdir(exist_ok=True, mode=0o700)
        self._check()
        about = self._about()
        fingerprint = about.get("key") or (self.key.fingerprint if self.key and unit != "aggregate" else "")
        if not about or about.get("key", "") != fingerprint:
            text = f'format = {FORMAT}\nkey = "{fingerprint}"  # fingerprint; it tells nothing about the key itself\n'
            replace_whole(self.path / "workspace.toml", text.encode())
        for left in loads.glob(".*-*"):
            if not _alive(left.name[1:].split("-")[0]):
                shutil.rmtree(left, ignore_errors=True)

    def _put(self, folder: Path, load: Load) -> None:
        sequence = max((item.sequence for item in self.loads()), default=0) + 1
        document = asdict(load) | {"sequence": sequence}
        replace_whole(folder / "load.json", (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
        target = self.path / "loads" / load.load_id
        try:
            folder.rename(target)
        except OSError:
            if not (target / "load.json").exists():  # another program has just loaded the same list: the same result
                raise
        sync_folder(target.parent)


class LoadWriter:
    """Takes the batches of one load and writes them, encrypted where they are private."""

    def __init__(self, folder: Path, table: TableName, key: Key | None) -> None:
        self._folder = folder
        self._key = key
        self._table = table
        self.load: Load | None = None
        self._files: list[BinaryIO] = []
        self._open: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(1)
        self._pending: deque[Future[None]] = deque()

    def analysis(self, batch: pa.RecordBatch) -> None:
        """Add rows to the analysis table."""
        self._write("analysis", batch)

    def vault(self, batch: pa.RecordBatch) -> None:
        """Add rows to the vault."""
        self._write("vault", batch)

    def quarantine(self, batch: pa.RecordBatch) -> None:
        """Add refused cells."""
        self._write("quarantine", batch)

    def _write(self, part: str, batch: pa.RecordBatch) -> None:
        while len(self._pending) > _WAITING:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._write_now, part, batch))

    def _write_now(self, part: str, batch: pa.RecordBatch) -> None:
        if part not in self._open:
            self._open[part] = self._opened(part, batch.schema)
        self._open[part].write_batch(batch)

    def _opened(self, part: str, schema: pa.Schema) -> Any:
        if part == "analysis" or self._key is None:
            name = f"{self._table if part == 'analysis' else part}.parquet"
            # No pseudonym comes twice, so that a dictionary of them would only take time.
            coded = [column.name + ".list.element" * pa.types.is_list(column.type) for column in schema]
            coded = [path for path in coded if path != "record_id"]
            return pq.ParquetWriter(
                self._file(name), schema, compression="zstd", compression_level=1, use_dictionary=coded
            )
        sink = EncryptedWriter(self._file(f"{part}.enc"), self._key)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        return _Sealed(sink, pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema, options=options))

    def _file(self, name: str) -> BinaryIO:
        handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        file = os.fdopen(handle, "wb")
        self._files.append(file)
        return file

    def finish(self, load: Load) -> None:
        """The load is complete; without rows its analysis table is empty, never absent."""
        while self._pending:
            self._pending.popleft().result()
        if "analysis" not in self._open:
            self._open["analysis"] = self._opened("analysis", analysis_schema(self._table))
        self.load = load

    def close(self, *, quietly: bool = False) -> None:
        """End all files and see them onto the disk."""
        self._pool.shutdown(wait=True)
        try:
            for writer in self._open.values():
                writer.close()
            for file in self._files:
                file.flush()
                os.fsync(file.fileno())
        except (OSError, ValueError, pa.ArrowException):
            if not quietly:
                raise
        finally:
            for file in self._files:
                file.close()
            self._open, self._files = {}, []


class _Sealed:
    """An Arrow stream whose end also ends the encryption around it."""

    def __init__(self, sink: EncryptedWriter, stream: Any) -> None:
        self._sink, self._stream = sink, stream

    def write_batch(self, batch: pa.RecordBatch) -> None:
        self._stream.write_batch(batch)

    def close(self) -> None:
        self._stream.close()
        self._sink.close()


def _decrypted(file: Path, key: Key) -> pa.Table:
    with file.open("rb") as source:
        clear = io.BytesIO(b"".join(decrypted_chunks(source, key, str(file))))
    return pa.ipc.open_stream(clear).read_all()


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
