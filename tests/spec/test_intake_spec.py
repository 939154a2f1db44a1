"""What intake does with a row, drawn as tables: read them as documentation.

The first line of a list is its header. ``-`` is nothing: missing, not derived, or not refused.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from amparo.intake.key import Key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import Column, Crosswalk

CROSSWALK = Crosswalk(
    name="refugio",
    unit="victim",
    language="es",
    unknown=("NS/NR",),
    missing=("", "S/D"),
    columns={
        "Caso": Column("case_number"),
        "Sexo": Column("sex", {"Mujer": ("female",), "Hombre": ("male",)}),
        "Nacimiento": Column("date_of_birth"),
        "Edad": Column("age"),
        "Identificada": Column("identification_date"),
        "Inicio": Column("exploitation_start"),
        "Fin": Column("exploitation_end"),
        "Medios": Column("means_of_control", {"amenazas": ("threats",), "deuda": ("debt_bondage",), "no": ("none",)}),
        "Tránsito": Column("countries_of_transit"),
        "Destino": Column("countries_of_exploitation"),
    },
)

ACCEPTED = """
Sexo   | Nacimiento | Edad  | Identificada | Inicio  | Fin     | Medios          | gives
Mujer  | 13/02/2005 |       | 12/02/2023   |         |         |                 | age=17 age_band=9-17 age_group=child registration_year=2023
Mujer  | 2005       |       | 2023         |         |         |                 | age=- age_band=- age_group=-
Mujer  | 1980       |       | 05/2023      |         |         |                 | age=- age_band=39-47 age_group=adult
Hombre | NS/NR      | 30    | S/D          |         |         |                 | age=30 sex=male recorded_unknown=-
mujer  |            | NS/NR | NS/NR        |         |         |                 | age=- sex=female recorded_unknown=age+identification_date
Mujer  |            |       |              | 01/2021 | 03/2022 |                 | duration_months=14 duration_band=13-24
Mujer  |            |       |              | 2021    | 2022    |                 | duration_months=- duration_band=-
Mujer  |            |       |              |         |         | amenazas; DEUDA | means_of_control=threats+debt_bondage
Mujer  |            |       |              |         |         | no              | means_of_control=none
Mujer  |            |       |              |         |         | NS/NR           | means_of_control=unknown
Mujer  |            |       |              |         |         | S/D             | means_of_control=-
NS/NR  |            |       | 5 de mayo de 2023 |    |         |                 | sex=unknown identification_date=2023-05-05
"""

REFUSED = """
Sexo  | Nacimiento | Edad | Identificada | Inicio     | Fin        | Tránsito | Destino | column       | because
Muj.  |            |      |              |            |            |          |         | Sexo         | not in the crosswalk
Mujer | 31/02/1990 |      |              |            |            |          |         | Nacimiento   | not a date
Mujer | 01/02/2024 |      | 31/01/2024   |            |            |          |         | Identificada | before the date of birth
Mujer | 01/02/1990 | 20   | 01/02/2020   |            |            |          |         | Edad         | does not agree
Mujer |            | 150  |              |            |            |          |         | Edad         | plausible range
Mujer |            |      | 01/01/2099   |            |            |          |         | Identificada | future
Mujer |            |      |              | 02/05/2021 | 01/05/2021 |          |         | Fin          | ended before it started
Mujer |            |      |              |            |            | Perú     |         | Tránsito     | without a country of exploitation
Mujer |            |      |              |            |            | Atlantis | Chile   | Tránsito     | not in the crosswalk
"""


def drawn(table: str) -> list[dict[str, str]]:
    """The rows of a text table by its header."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def loaded(folder: Path, row: dict[str, str]) -> Workspace:
    names = [name for name in CROSSWALK.columns if name in row]
    text = "\t".join(["Caso", *names]) + "\n" + "\t".join(["1", *(row[name] for name in names)]) + "\n"
    (folder / "refugio.tsv").write_text(text, encoding="utf-8")
    work = Workspace(folder / "w", Key(b"k" * 32))
    load_list(folder / "refugio.tsv", CROSSWALK, work, today=date(2025, 6, 30))
    return work


def shown(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(value)
    return "-" if value is None else str(value)


@pytest.mark.parametrize("row", drawn(ACCEPTED), ids=lambda row: row["gives"])
def test_an_accepted_row_gives(tmp_path: Path, row: dict[str, str]) -> None:
    work = loaded(tmp_path, row)
    (record,) = work.table("victims").to_pyarrow().to_pylist()
    for told in row["gives"].split():
        name, value = told.split("=")
        assert shown(record[name]) == value


@pytest.mark.parametrize("row", drawn(REFUSED), ids=lambda row: row["because"])
def test_a_refused_row_is_told_where_and_why(tmp_path: Path, row: dict[str, str]) -> None:
    work = loaded(tmp_path, row)
    entries = work.quarantine().to_pylist()
    assert work.table("victims").count().to_pyarrow().as_py() == 0
    assert [entry["column"] for entry in entries] == [row["column"]]
    assert row["because"] in entries[0]["reason"]
