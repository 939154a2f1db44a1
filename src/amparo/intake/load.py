"""Load a list: read, interpret, check, split, store; every row is either accepted or in quarantine.

A row is refused whole when any of its cells is: a record that is right in parts is no record, and a corrected list is
loaded again. Of rows with the same case number the first holds and the others are counted as duplicates; a record's
pseudonym comes from the list's name and its case number, or, where it has none, from the row's cells and how often
they came before, so that two persons of whom the same is known stay two.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amparo import __version__
from amparo.intake import checks
from amparo.intake.columns import NOT_KNOWN, REFUSED, Bools, Interpreter, Ints, Union, Values
from amparo.intake.interpret import PRECISIONS, Fault, Rules, find_country
from amparo.intake.readers import ROW, BrokenRow, open_list
from amparo.intake.workspace import (
    QUARANTINE,
    UNITS,
    Load,
    LoadWriter,
    TableName,
    Workspace,
    analysis_schema,
    vault_schema,
)
from amparo.standard.crosswalks import Crosswalk, dump
from amparo.standard.errors import AmparoError
from amparo.standard.variables import UNKNOWN, Variable, comparable, match_code, variables

__all__ = ["Load", "load_list"]

Progress = Callable[[int, int | None], None]
_CASE = {"victim": "case_number", "perpetrator": "perpetrator_number"}


def load_list(
    path: Path,
    crosswalk: Crosswalk,
    workspace: Workspace,
    *,
    progress: Progress | None = None,
    today: date | None = None,
) -> Load:
    """Check a list and keep it in the workspace; the same file with the same crosswalk is loaded once.

    Parameters
    ----------
    path : the list. crosswalk : what its columns and codes mean.
    progress : called with rows done and, where the format tells it, rows in all.
    today : no date may lie after it; the current day without it.

    Raises
    ------
    KeyMissingError : a list of cases needs a key, and the workspace's.
    AmparoError : the file is no list, or none of its columns is in the crosswalk. Nothing is kept of it.
    """
    if crosswalk.unit != "aggregate":
        workspace.needed_key()
    source = open_list(path, crosswalk)
    digest = _sha256(path)
    load_id = hashlib.sha256(f"{digest}\n{dump(crosswalk)}".encode()).hexdigest()[:32]
    for load in workspace.loads():
        if load.load_id == load_id:
            return load
    plan = _plan(path, source.columns, crosswalk, today or date.today())
    state = _State(plan, load_id)
    with workspace.writing(load_id, crosswalk.unit) as writer:
        for batch in _ahead(source.batches):
            state.refuse_broken(source.broken, writer)
            state.take(batch, writer, workspace)
            if progress:
                progress(state.rows_in, source.total)
        state.refuse_broken(source.broken, writer)
        writer.finish(
            Load(
                load_id=load_id,
                list=crosswalk.name,
                unit=crosswalk.unit,
                source=path.name,
                sha256=digest,
                rows_in=state.rows_in,
                accepted=state.accepted,
                quarantined=state.quarantined,
                duplicates=state.duplicates,
                left_out=plan.left_out,
                absent=plan.absent,
                warnings=dict(state.warnings),
                version=__version__,
            )
        )
    return next(load for load in workspace.loads() if load.load_id == load_id)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches; the next one is read while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


# --- what to do with which column --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Columns of the file by the variable they feed, each with its interpreter."""

    crosswalk: Crosswalk
    today: date
    feeds: Mapping[str, tuple[tuple[str, Interpreter], ...]]
    texts: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, Interpreter]
    unions: Mapping[str, Union]
    missing: pa.Array
    left_out: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def table(self) -> TableName:
        return UNITS[self.crosswalk.unit]


def _plan(path: Path, columns: tuple[str, ...], crosswalk: Crosswalk, today: date) -> _Plan:
    by_norm: dict[str, str] = {}
    for name in columns:
        by_norm.setdefault(comparable(name), name)
    known = variables()
    feeds: dict[str, list[tuple[str, Interpreter]]] = {}
    texts: dict[str, list[str]] = {}
    used: set[str] = set()
    absent: list[str] = []
    for header, column in crosswalk.columns.items():
        found = header if header in columns else by_norm.get(comparable(header))
        if found is None:
            absent.append(header)
            continue
        used.add(found)
        variable = _variable(known, column.variable, crosswalk, header)
        if variable.type == "text":
            texts.setdefault(variable.name, []).append(found)
        else:
            rules = _rules(variable, found, column.codes, crosswalk, today)
            feeds.setdefault(variable.name, []).append((found, Interpreter(rules)))
    if not used:
        raise AmparoError(
            f"none of the columns of crosswalk {crosswalk.name} is in the file.",
            remedy=f"Its columns: {', '.join(columns[:12])}. Propose one: amparo crosswalk suggest {path.name}.",
            where=str(path),
        )
    constants = {}
    for name, text in crosswalk.constants.items():
        variable = _variable(known, name, crosswalk, f"constants.{name}")
        rules = _rules(variable, name, {}, crosswalk, today)
        if (fault := rules.read(text).fault) is not None:
            raise AmparoError(
                f"constant {name}: {text!r}: {fault.reason} (expected {fault.expected}).",
                remedy="Correct the crosswalk.",
                where=f"crosswalk {crosswalk.name}",
            )
        if name not in feeds:
            constants[name] = Interpreter(rules)
    return _Plan(
        crosswalk=crosswalk,
        today=today,
        feeds={name: tuple(parts) for name, parts in feeds.items()},
        texts={name: tuple(names) for name, names in texts.items()},
        constants=constants,
        unions={name: Union(known[name]) for name, parts in feeds.items() if len(parts) > 1},
        missing=pa.array(sorted({comparable(text) for text in _missing(crosswalk)}), pa.string()),
        left_out=tuple(name for name in columns if name not in used),
        absent=tuple(absent),
    )


def _variable(known: Mapping[str, Variable], name: str, crosswalk: Crosswalk, where: str) -> Variable:
    variable = known.get(name)
    units = ("victim", "event") if crosswalk.unit == "victim" else (crosswalk.unit,)
    if variable is None or variable.unit not in units:
        raise AmparoError(
            f"{where}: there is no variable {name!r} of a {crosswalk.unit}.",
            remedy="Correct the crosswalk.",
            where=f"crosswalk {crosswalk.name}",
        )
    return variable


def _missing(crosswalk: Crosswalk) -> tuple[str, ...]:
    return ("", *crosswalk.missing)


def _rules(
    variable: Variable, column: str, codes: Mapping[str, tuple[str, ...]], crosswalk: Crosswalk, today: date
) -> Rules:
    return Rules(
        variable=variable,
        column=column,
        codes={comparable(text): tuple(code) for text, code in codes.items()},
        unknown=frozenset(comparable(text) for text in crosswalk.unknown),
        missing=frozenset(comparable(text) for text in _missing(crosswalk)),
        separator=crosswalk.separator or ";",
        date_order=crosswalk.date_order or "DMY",
        today=today,
    )


# --- rows --------------------------------------------------------------------------------------------------


@dataclass
class _State:
    """Counts and what must be remembered between batches."""

    plan: _Plan
    load_id: str
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicates: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    broken_done: int = 0
    _records: set[bytes] = field(default_factory=set)
    _contents: dict[bytes, int] = field(default_factory=dict)

    def refuse_broken(self, broken: list[BrokenRow], writer: LoadWriter) -> None:
        """Put rows that are none into quarantine."""
        new = broken[self.broken_done :]
        if not new:
            return
        self.broken_done += len(new)
        self.rows_in += len(new)
        self.quarantined += len(new)
        rows = [
            (
                self.load_id,
                self.plan.crosswalk.name,
                row.row,
                "",
                row.text,
                row.reason,
                row.expected,
                _BROKEN,
                row.text,
            )
            for row in new
        ]
        arrays = [pa.array(column, kind.type) for column, kind in zip(zip(*rows, strict=True), QUARANTINE, strict=True)]
        writer.quarantine(pa.RecordBatch.from_arrays(arrays, schema=QUARANTINE))

    def take(self, batch: pa.RecordBatch, writer: LoadWriter, workspace: Workspace) -> None:
        """Interpret and check a batch, and write each row to where it belongs."""
        plan = self.plan
        self.rows_in += batch.num_rows
        parts, values = _interpreted(batch, plan)
        refused, bad = _refusals(batch, parts, values, plan, self.load_id)
        self.quarantined += int(bad.sum())
        for entries in refused:
            writer.quarantine(entries)
        if bad.any():
            keep = np.flatnonzero(~bad)
            batch = batch.take(pa.array(keep))
            values = {name: replace(value, index=value.index[keep]) for name, value in values.items()}
        if not batch.num_rows:
            return
        self.accepted += batch.num_rows
        self.warnings.update(checks.warnings(values))
        if plan.table == "aggregates":
            writer.analysis(_aggregates(batch, values, plan, self.load_id))
            return
        ids, fresh = self._record_ids(batch, workspace)
        analysis = _analysis(values, ids, plan, self.load_id, _event_ids(batch, plan, workspace))
        vault = _vault(batch, values, ids, plan, self.load_id)
        if not fresh.all():
            self.duplicates += int((~fresh).sum())
            analysis, vault = (
                analysis.filter(pa.array(fresh)),
                vault.filter(pa.array(fresh)) if vault else None,
            )
        writer.analysis(analysis)
        if vault is not None:
            writer.vault(vault)

    def _record_ids(self, batch: pa.RecordBatch, workspace: Workspace) -> tuple[pa.StringArray, Bools]:
        """Pseudonym of each row, and whether it is the first row of its record."""
        name = self.plan.crosswalk.name
        case = _text(batch, _CASE[self.plan.crosswalk.unit], self.plan)
        if case is None:
            case = pa.nulls(batch.num_rows, pa.string())
        plain = pc.utf8_lower(pc.utf8_normalize(case, form="NFKC"))
        messages = pc.binary_join_element_wise(f"{len(name)}:{name}:case:", plain, "").cast(pa.binary()).to_pylist()
        if case.null_count:
            self._without_number(batch, messages, f"{len(name)}:{name}:row:".encode())
        digests = workspace.needed_key().pseudonyms(messages)
        fresh = np.ones(batch.num_rows, bool)
        new = set(digests)
        if len(new) < len(digests) or not self._records.isdisjoint(new):
            for position, digest in enumerate(digests):
                fresh[position] = digest not in self._records
                self._records.add(digest)
        self._records |= new
        return _hex(digests), fresh

    def _without_number(self, batch: pa.RecordBatch, messages: list[bytes | None], prefix: bytes) -> None:
        """Give rows without a case number a message of their cells and how often these came before."""
        cells = [pc.fill_null(batch.column(i), "\x1e") for i in range(1, batch.num_columns)]
        contents = pc.binary_join_element_wise(*cells, "\x1f").to_pylist()
        seen = self._contents
        for position, message in enumerate(messages):
            if message is None:
                digest = hashlib.blake2b(contents[position].encode(), digest_size=16).digest()
                times = seen[digest] = seen.get(digest, 0) + 1
                messages[position] = b"%b%b:%d" % (prefix, digest, times)


_BROKEN = "Correct the row (often a delimiter or a quote inside a cell) and load the list again."


def _interpreted(batch: pa.RecordBatch, plan: _Plan) -> tuple[dict[str, list[tuple[str, Values]]], dict[str, Values]]:
    """Values of each column by variable, and each variable's values over all its columns."""
    parts: dict[str, list[tuple[str, Values]]] = {}
    values: dict[str, Values] = {}
    for name, columns in plan.feeds.items():
        parts[name] = [(column, interpreter.read(batch.column(column))) for column, interpreter in columns]
        read = [value for _, value in parts[name]]
        values[name] = read[0] if len(read) == 1 else plan.unions[name].join(read)
    for name, interpreter in plan.constants.items():
        if interpreter.rules.variable.type != "text":
            values[name] = interpreter.read(pa.repeat(plan.crosswalk.constants[name], batch.num_rows))
    return parts, values


def _refusals(
    batch: pa.RecordBatch,
    parts: Mapping[str, list[tuple[str, Values]]],
    values: Mapping[str, Values],
    plan: _Plan,
    load_id: str,
) -> tuple[list[pa.RecordBatch], Bools]:
    """One entry per refused cell, and which rows are refused."""
    found: list[tuple[str, Ints, list[Fault]]] = []
    for name, columns in parts.items():
        seen = list(columns)
        if len(columns) > 1:
            seen.append((columns[0][0], values[name]))
        for column, value in seen:
            rows = np.flatnonzero(value.state == REFUSED)
            if len(rows):
                faults = [value.readings.all[i].fault for i in value.index[rows]]
                found.append((column, rows, [fault for fault in faults if fault is not None]))
    for contradiction in checks.contradictions(values, plan.today):
        rows = np.flatnonzero(contradiction.rows)
        column = parts[contradiction.variable][0][0] if contradiction.variable in parts else contradiction.variable
        found.append((column, rows, [contradiction.fault] * len(rows)))
    bad = np.zeros(batch.num_rows, bool)
    if not found:
        return [], bad
    for _, rows, _ in found:
        bad[rows] = True
    where = np.flatnonzero(bad)
    raw = np.empty(batch.num_rows, object)
    cells = batch.take(pa.array(where))
    for position, row in zip(where, cells.drop_columns([ROW]).to_pylist(), strict=True):
        raw[position] = json.dumps(row, ensure_ascii=False)
    entries = []
    for column, rows, faults in found:
        picked = pa.array(rows)
        count = len(rows)
        value = batch.column(column).take(picked) if column in batch.schema.names else pa.nulls(count, pa.string())
        arrays = [
            pa.repeat(load_id, count),
            pa.repeat(plan.crosswalk.name, count),
            batch.column(ROW).take(picked),
            pa.repeat(column, count),
            value,
            pa.array([fault.reason for fault in faults], pa.string()),
            pa.array([fault.expected for fault in faults], pa.string()),
            pa.array([fault.remedy for fault in faults], pa.string()),
            pa.array(raw[rows].tolist(), pa.string()),
        ]
        entries.append(pa.RecordBatch.from_arrays(arrays, schema=QUARANTINE))
    return entries, bad


def _hex(digests: list[bytes]) -> pa.StringArray:
    """Digests of 16 bytes as hex digits."""
    text = pa.py_buffer(b"".join(digests).hex().encode())
    offsets = pa.array(np.arange(len(digests) + 1, dtype=np.int32) * 32)
    return pa.StringArray.from_buffers(len(digests), offsets.buffers()[1], text)


def _text(batch: pa.RecordBatch, name: str, plan: _Plan) -> pa.StringArray | None:
    """A text variable, trimmed; several columns of it are joined by a space. None where the list has none."""
    columns = plan.texts.get(name)
    if columns is None:
        constant = plan.crosswalk.constants.get(name)
        return pa.repeat(constant, batch.num_rows) if constant else None
    read = []
    for column in columns:
        text = pc.utf8_trim_whitespace(batch.column(column))
        missing = pc.is_in(pc.utf8_lower(text), value_set=plan.missing)
        read.append(pc.if_else(missing, pa.scalar(None, pa.string()), text))
    if len(read) == 1:
        return read[0]
    joined = pc.binary_join_element_wise(*read, " ", null_handling="skip")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def _vault(
    batch: pa.RecordBatch, values: Mapping[str, Values], ids: pa.StringArray, plan: _Plan, load_id: str
) -> pa.RecordBatch | None:
    """The private columns; None where the list has none."""
    schema = vault_schema(plan.table)
    columns = _provenance(ids, plan, load_id)
    for name in schema.names:
        variable = variables().get(name)
        if variable is None:
            continue
        if variable.type == "date" and name in values:
            columns |= _dates(name, values[name])
        elif variable.type == "text" and (text := _text(batch, name, plan)) is not None:
            columns[name] = text
    if len(columns) == 4:
        return None
    return _table(columns, schema, len(ids))


def _provenance(ids: pa.StringArray, plan: _Plan, load_id: str) -> dict[str, pa.Array]:
    count = len(ids)
    return {
        "record_id": ids,
        "list": pa.repeat(plan.crosswalk.name, count),
        "entity_type": pa.repeat(plan.crosswalk.entity_type or None, count)
        if plan.crosswalk.entity_type
        else pa.nulls(count, pa.string()),
        "load_id": pa.repeat(load_id, count),
    }


def _table(columns: Mapping[str, pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    arrays = [columns.get(item.name, None) for item in schema]
    return pa.RecordBatch.from_arrays(
        [pa.nulls(count, item.type) if array is None else array for item, array in zip(schema, arrays, strict=True)],
        schema=schema,
    )


def _dates(name: str, value: Values) -> dict[str, pa.Array]:
    known = value.known
    days = pa.array(value.first.astype(np.int32), pa.int32(), mask=~known).cast(pa.date32())
    precision = pa.array(PRECISIONS).take(pa.array(value.precision, mask=~known))
    return {name: days, f"{name}_precision": precision}


def _integers(numbers: Ints, known: Bools) -> pa.Array:
    return pa.array(numbers.astype(np.int32), pa.int32(), mask=~known)


def _event_ids(batch: pa.RecordBatch, plan: _Plan, workspace: Workspace) -> pa.StringArray:
    """Pseudonym of each row's event; null where the list gives no number of it."""
    numbers = _text(batch, "perpetrator_event_number", plan) if plan.table == "perpetrators" else None
    if numbers is None:
        return pa.nulls(batch.num_rows, pa.string())
    key = workspace.needed_key()
    return pa.array([number and key.pseudonym(plan.crosswalk.name, "event", number) for number in numbers.to_pylist()])


def _analysis(
    values: Mapping[str, Values], ids: pa.StringArray, plan: _Plan, load_id: str, events: pa.StringArray
) -> pa.RecordBatch:
    """The coded columns with what follows from them."""
    columns = _provenance(ids, plan, load_id)
    unknown: dict[str, Bools] = {}
    for name, value in values.items():
        variable = value.variable
        if variable.storage == "vault":
            continue
        if variable.multiple:
            columns[name] = value.codes()
        elif variable.type in ("code", "country"):
            columns[name] = value.code()
        elif variable.type == "date":
            columns |= _dates(name, value)
        elif variable.type == "integer":
            columns[name] = _integers(value.first, value.known)
        if variable.type in ("date", "integer", "country"):
            rows = value.state == NOT_KNOWN
            if rows.any():
                unknown[name] = rows
    columns |= _derived(values, columns, len(ids), "perpetrator_" if plan.table == "perpetrators" else "")
    columns["recorded_unknown"] = _named(unknown, len(ids))
    if plan.table == "perpetrators":
        columns["event_id"] = events
    return _table(columns, analysis_schema(plan.table), len(ids))


def _named(rows: Mapping[str, Bools], count: int) -> pa.Array:
    """For each row the names whose mask holds there; null where none does."""
    if not rows:
        return pa.nulls(count, pa.list_(pa.string()))
    names = list(rows)
    pattern = np.zeros(count, np.int64)
    for position, mask in enumerate(rows.values()):
        pattern |= mask.astype(np.int64) << position
    distinct, index = np.unique(pattern, return_inverse=True)
    lists = [[name for i, name in enumerate(names) if int(bits) >> i & 1] or None for bits in distinct]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(index))


def _derived(
    values: Mapping[str, Values], columns: Mapping[str, pa.Array], count: int, prefix: str
) -> dict[str, pa.Array]:
    """Age, its bands, the year of registration and the duration, where other columns tell them.

    What is recorded is kept unless dates give it to the day; an age that partial dates leave open stays null, but its
    band or group is told where all ages that are possible share it.
    """
    made: dict[str, pa.Array] = {}
    none = np.zeros(count, np.int64)
    age = values.get(f"{prefix}age")
    low, high = (age.first.copy(), age.first.copy()) if age is not None else (none.copy(), none.copy())
    known = age.known.copy() if age is not None else none.astype(bool)
    birth = values.get(f"{prefix}date_of_birth")
    at = values.get("perpetrator_status_date" if prefix else "identification_date")
    if birth is not None and at is not None:
        youngest, oldest = checks.age_range(birth, at)
        # A year alone that equals the birth year can give -1 at its lower end.
        youngest = np.maximum(youngest, 0)
        both = birth.known & at.known
        use = both & ((youngest == oldest) | ~known)
        low, high = np.where(use, youngest, low), np.where(use, oldest, high)
        known |= both
    if age is not None or (birth is not None and at is not None):
        made[f"{prefix}age"] = _integers(low, known & (low == high))
    low_band, high_band = checks.band_of(low), checks.band_of(high)
    if not prefix and known.any():
        band = pa.array(checks.AGE_BANDS).take(pa.array(low_band, mask=~(known & (low_band == high_band))))
        made["age_band"] = _filled(band, columns.get("age_band"))
    groups = _groups(low, high, known)
    if not prefix:
        from_band = made.get("age_band", columns.get("age_band"))
        if from_band is not None:
            groups = _filled(groups, _GROUP_OF_BAND.take(pc.index_in(from_band, value_set=_BANDS)))
    made[f"{prefix}age_group"] = _filled(groups, columns.get(f"{prefix}age_group"))
    if prefix:
        return made
    if at is not None:
        year = _integers(at.calendar(last=False)[0], at.known)
        made["registration_year"] = _filled(columns.get("registration_year", pa.nulls(count, pa.int32())), year)
    start, end = values.get("exploitation_start"), values.get("exploitation_end")
    months = columns.get("duration_months", pa.nulls(count, pa.int32()))
    if start is not None and end is not None:
        told = start.known & end.known & (start.precision < 2) & (end.precision < 2)
        months = _filled(_integers(checks.months_between(start, end), told), months)
    if months.null_count < count:
        made["duration_months"] = months
        edge = pc.add(pc.cast(pc.greater(months, 12), pa.int64()), pc.cast(pc.greater(months, 24), pa.int64()))
        made["duration_band"] = _filled(pa.array(["0-12", "13-24", "25+"]).take(edge), columns.get("duration_band"))
    return made


_BANDS = pa.array([*checks.AGE_BANDS, UNKNOWN])
_GROUP_OF_BAND = pa.array(
    ["child" if int(band.split("-")[0].rstrip("+")) < 18 else "adult" for band in checks.AGE_BANDS] + [UNKNOWN]
)


def _groups(low: Ints, high: Ints, known: Bools) -> pa.Array:
    adult = (low >= 18).astype(np.int64)
    return pa.array(["child", "adult"]).take(pa.array(adult, mask=~(known & ((high >= 18) == (low >= 18)))))


def _filled(first: pa.Array, second: pa.Array | None) -> pa.Array:
    """The first, and the second where the first is missing or only unknown."""
    if second is None:
        return first
    if pa.types.is_string(first.type):
        vague = pc.fill_null(pc.equal(first, UNKNOWN), True)
        return pc.if_else(vague, pc.coalesce(second, first), first)
    return pc.coalesce(first, second)


def _aggregates(batch: pa.RecordBatch, values: Mapping[str, Values], plan: _Plan, load_id: str) -> pa.RecordBatch:
    """Numbers that somebody has already counted; a category is coded where its dimension has codes."""
    count = batch.num_rows
    columns: dict[str, pa.Array] = {
        "load_id": pa.repeat(load_id, count),
        "list": pa.repeat(plan.crosswalk.name, count),
        "row": batch.column(ROW),
    }
    for name, target in (
        ("reporting_country", "reporting_country"),
        ("indicator", "indicator"),
        ("dimension", "dimension"),
        ("aggregate_sex", "sex"),
        ("aggregate_age", "age"),
    ):
        if name in values:
            columns[target] = values[name].code()
    if (year := values.get("year")) is not None:
        columns["year"] = _integers(year.first, year.known)
    if (number := values.get("count")) is not None:
        columns["lower"] = pa.array(number.first, mask=~number.known)
        columns["upper"] = pa.array(number.last, mask=~number.known)
    category = _text(batch, "category", plan)
    if category is not None:
        dimension = columns.get("dimension", pa.nulls(count, pa.string()))
        given = {
            comparable(text): codes[0]
            for header, column in plan.crosswalk.columns.items()
            if column.variable == "category"
            for text, codes in column.codes.items()
            if codes
        }
        pairs = list(zip(dimension.to_pylist(), category.to_pylist(), strict=True))
        coded = {pair: _category(*pair, given) for pair in set(pairs)}
        columns["category"] = pa.array([coded[pair] for pair in pairs], pa.string())
    return _table(columns, analysis_schema("aggregates"), count)


def _category(dimension: str | None, text: str | None, given: Mapping[str, str]) -> str | None:
    if text is None:
        return None
    plain = comparable(text)
    if plain in given:
        return given[plain]
    if dimension == "exploitation_form":
        return match_code("exploitation_form", plain) or text
    if dimension in ("citizenship", "repatriation"):
        return find_country(plain) or text
    return text
