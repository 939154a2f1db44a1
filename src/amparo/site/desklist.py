"""The desk as one more list: its cases as a file and a crosswalk that intake loads like any agency's."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amparo.site import access, record
from amparo.site.models import Case
from amparo.standard.cells import safe_cell
from amparo.standard.crosswalks import Column, Crosswalk, dump
from amparo.standard.variables import variables

NAME = "referral-desk"
_SEPARATOR = ";"
_LEFT_OUT = ("alias", "address", "email", "notes")
COLUMNS = ("case_number", *(
    name for name, variable in variables().items()
    if variable.unit in ("victim", "event") and name not in ("case_number", "full_name", *_LEFT_OUT)
))  # fmt: skip
"""One column per variable that the desk can hold, named as the variable."""


def desk_list(folder: Path) -> Path:
    """Write all cases of the desk as ``referral-desk.csv`` with ``referral-desk.crosswalk.toml`` beside it.

    Both are for their owner alone: the list holds names, which intake puts into its vault. Cells hold the standard's
    codes; several codes are joined by ``;``.

    Returns
    -------
    The path of the list.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{NAME}.csv"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in _rows():
            writer.writerow([safe_cell(_cell(row.get(name))) for name in COLUMNS])
    (folder / f"{NAME}.crosswalk.toml").write_text(dump(crosswalk()), encoding="utf-8")
    return path


def _rows() -> Iterator[dict[str, Any]]:
    everything = frozenset(access.GROUPS)
    cases = Case.objects.prefetch_related("needs", "proceedings").order_by("opened_at")
    for case in cases.iterator(chunk_size=500):
        row = record.standard_record(case, everything)
        row["registration_year"] = case.opened_at.year
        yield {**row, "case_number": case.number}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _SEPARATOR.join(value) if isinstance(value, list) else str(value)


def crosswalk() -> Crosswalk:
    """What the columns mean: each is a variable of the standard under its own name."""
    columns = {name: Column(name) for name in COLUMNS}
    return Crosswalk(
        name=NAME,
        unit="victim",
        entity_type="government",
        separator=_SEPARATOR,
        date_order="YMD",
        unknown=("unknown",),
        columns=columns,
    )
