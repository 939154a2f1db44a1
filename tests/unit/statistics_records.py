"""Analysis tables from a few words, for the tests of statistics: a column not named is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pyarrow as pa

from amparo.standard.variables import variables

_TYPES = {
    "codes": pa.list_(pa.string()),
    "countries": pa.list_(pa.string()),
    "integer": pa.int32(),
    "date": pa.date32(),
}


def _schema(units: Sequence[str]) -> pa.Schema:
    fields = [pa.field(name, pa.string()) for name in ("record_id", "list", "entity_type", "load_id")]
    for variable in variables().values():
        if variable.unit in units and variable.storage == "analysis":
            fields.append(pa.field(variable.name, _TYPES.get(variable.type, pa.string())))
            if variable.type == "date":
                fields.append(pa.field(f"{variable.name}_precision", pa.string()))
    return pa.schema([*fields, pa.field("recorded_unknown", pa.list_(pa.string()))])


def _table(units: Sequence[str], records: Sequence[Mapping[str, Any]]) -> ibis.Table:
    rows = [{"record_id": f"{number:032x}", "list": "shelter", **row} for number, row in enumerate(records)]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=_schema(units)))


def victims(records: Sequence[Mapping[str, Any]]) -> ibis.Table:
    """The analysis table of victims."""
    return _table(("victim", "event"), records)


def perpetrators(records: Sequence[Mapping[str, Any]]) -> ibis.Table:
    """The analysis table of perpetrators."""
    return _table(("perpetrator",), records)
