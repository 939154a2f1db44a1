"""Intake beside pandas + pandera: one million rows of 27 columns, read, checked and stored.

    python benchmarks/intake.py [--rows N]

Both do the same work on the same seeded CSV in the same run, each in a process of its own: read it, turn codes into the
standard's, parse dates, check types, code lists, ranges and the checks across columns that fail here, derive age and
bands, split names from the analysis table and write both to Parquet. Amparo does more besides: it finds the encoding
and the delimiter, makes pseudonyms, encrypts the names and keeps each refused cell with its reason.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

TODAY = date(2025, 6, 30)
SEXES = {"Mujer": "female", "Hombre": "male", "Otro": "other"}
FORMS = {"Sexual": "sexual", "Laboral": "forced_labour", "Mendicidad": "begging"}
MEANS = {
    "amenazas": "threats",
    "deuda": "debt_bondage",
    "documentos": "withholds_documents",
    "encierro": "restricts_movement",
}
STATUS = {"presunta": "presumed", "identificada": "identified", "reconocida": "recognised"}
RELATION = {
    "pareja": "intimate_partner",
    "familia": "family",
    "amistad": "friend",
    "nadie conocido": "stranger",
}
YES = {"sí": "yes", "no": "no"}
COUNTRIES = ("BOL", "COL", "MEX", "PER", "VEN", "BRA", "PRY", "ARG", "ECU", "HND")
COLUMNS = {
    "caso": ("case_number", {}),
    "nombre": ("given_name", {}),
    "apellido": ("family_name", {}),
    "documento": ("identity_number", {}),
    "telefono": ("phone", {}),
    "correo": ("email", {}),
    "nacimiento": ("date_of_birth", {}),
    "sexo": ("sex", SEXES),
    "edad": ("age", {}),
    "edad_inicio": ("age_at_recruitment", {}),
    "nacionalidad": ("citizenship", {}),
    "pais_nacimiento": ("country_of_birth", {}),
    "pais_captacion": ("country_of_recruitment", {}),
    "transito": ("countries_of_transit", {}),
    "destino": ("countries_of_exploitation", {}),
    "formas": ("exploitation_forms", FORMS),
    "medios": ("means_of_control", MEANS),
    "relacion": ("recruiter_relation", RELATION),
    "captacion": ("recruitment_date", {}),
    "inicio": ("exploitation_start", {}),
    "fin": ("exploitation_end", {}),
    "identificacion": ("identification_date", {}),
    "estado": ("identification_status", STATUS),
    "asistencia_desde": ("assistance_start", {}),
    "proceso": ("participates_in_proceedings", YES),
    "anio": ("registration_year", {}),
    "notas": ("notes", {}),
}
DATES = ("nacimiento", "captacion", "inicio", "fin", "identificacion", "asistencia_desde")


def make(path: Path, rows: int, seed: int = 7) -> None:
    """Write the list: realistic cardinalities, about 1% of the rows with a wrong cell."""
    chance = np.random.default_rng(seed)
    step = 100_000
    for start in range(0, rows, step):
        n = min(step, rows - start)

        def pick(options: object, n: int = n) -> np.ndarray:
            values = np.array(list(options), dtype=object)  # type: ignore[call-overload]
            return values[chance.integers(0, len(values), n)]

        day = np.datetime64("2010-01-01") + chance.integers(200, 5000, n)
        begin = day - chance.integers(30, 900, n)
        stop = np.minimum(day, begin + chance.integers(5, 800, n))
        recruited = begin - chance.integers(0, 60, n)
        birth = day - chance.integers(3000, 20000, n)
        ages = age_at(pd.Series(birth), pd.Series(day)).to_numpy()
        serial = np.arange(start, start + n)
        many = np.where(chance.random(n) < 0.4, ";", "")
        frame = pd.DataFrame(
            {
                "caso": [f"C-{i:07d}" for i in serial],
                "nombre": [f"Nombre{i % 5003}" for i in serial],
                "apellido": [f"Apellido{i % 9973}" for i in serial],
                "documento": chance.integers(10**7, 10**8, n).astype(str),
                "telefono": chance.integers(600_000_000, 799_999_999, n).astype(str),
                "correo": [f"p{i}@example.org" for i in serial],
                "nacimiento": written(birth),
                "sexo": pick(SEXES),
                "edad": ages,
                "edad_inicio": np.maximum(ages - chance.integers(2, 5, n), 0),
                "nacionalidad": pick(COUNTRIES),
                "pais_nacimiento": pick(COUNTRIES),
                "pais_captacion": pick(COUNTRIES),
                "transito": np.where(chance.random(n) < 0.3, pick(COUNTRIES), ""),
                "destino": pick(COUNTRIES),
                "formas": pick(FORMS),
                "medios": pick(MEANS) + many + np.where(many == ";", pick(MEANS), ""),
                "relacion": pick(RELATION),
                "captacion": written(recruited),
                "inicio": written(begin),
                "fin": written(stop),
                "identificacion": written(day),
                "estado": pick(STATUS),
                "asistencia_desde": written(np.minimum(day + chance.integers(0, 30, n), np.datetime64(TODAY))),
                "proceso": pick(YES),
                "anio": day.astype("datetime64[Y]").astype(int) + 1970,
                "notas": pick(("", "derivada", "sin más datos")),
            }
        )
        wrong = chance.random(n) < 0.01
        frame["sexo"] = frame["sexo"].where(~(wrong & (serial % 2 == 0)), "Muj.")
        frame["nacimiento"] = frame["nacimiento"].where(~(wrong & (serial % 2 == 1)), "31/02/1990")
        frame.to_csv(path, mode="w" if start == 0 else "a", header=start == 0, index=False)


def written(days: np.ndarray) -> pd.Series:
    return pd.Series(days).dt.strftime("%d/%m/%Y")


def age_at(birth: pd.Series, day: pd.Series) -> pd.Series:
    before = (day.dt.month * 32 + day.dt.day) < (birth.dt.month * 32 + birth.dt.day)
    return day.dt.year - birth.dt.year - before


def run_amparo(path: Path, folder: Path) -> dict[str, int]:
    """The whole of intake."""
    from amparo.intake.key import new_key
    from amparo.intake.load import load_list
    from amparo.intake.workspace import Workspace
    from amparo.standard.crosswalks import load

    lines = ['[crosswalk]\nname = "bench"\nunit = "victim"\nentity_type = "ngo"\nlanguage = "es"\n']
    lines.append('separator = ";"\ndate_order = "DMY"\nunknown = []\nmissing = [""]\n')
    for column, (variable, codes) in COLUMNS.items():
        lines.append(f'[columns.{column}]\nvariable = "{variable}"\n[columns.{column}.codes]\n')
        lines += [f'"{text}" = "{code}"\n' for text, code in codes.items()]
    crosswalk = folder / "bench.crosswalk.toml"
    crosswalk.write_text("".join(lines), encoding="utf-8")
    done = load_list(path, load(crosswalk), Workspace(folder / "w", new_key(folder / "key")), today=TODAY)
    return {"rows": done.rows_in, "accepted": done.accepted, "refused": done.quarantined}


def run_pandera(path: Path, folder: Path) -> dict[str, int]:
    """The same with pandas and pandera, as their documentation advises: lazy validation, vectorised checks."""
    import pandera.pandas as pa

    frame = pd.read_csv(path, dtype=str, keep_default_na=False, engine="c")
    raw = frame
    frame = frame.replace("", None)
    for column in DATES:
        frame[column] = pd.to_datetime(frame[column], format="%d/%m/%Y", errors="coerce").where(
            frame[column].notna(), pd.NaT
        )
    for column, table in (
        ("sexo", SEXES),
        ("formas", FORMS),
        ("relacion", RELATION),
        ("estado", STATUS),
        ("proceso", YES),
    ):
        frame[column] = frame[column].map(table)
    frame["medios"] = frame["medios"].map(
        lambda cell: None if cell is None else [MEANS.get(x) for x in cell.split(";")]
    )
    for column in ("edad", "edad_inicio", "anio"):
        frame[column] = pd.to_numeric(frame[column], errors="coerce").astype("Int32")
    today = pd.Timestamp(TODAY)
    recorded = {column: raw[column] != "" for column in raw}

    def readable(column: str) -> pa.Check:
        return pa.Check(lambda s: s.notna() | ~recorded[column], name=f"{column} is read", ignore_na=False)

    columns: dict[str, pa.Column] = {}
    for column in DATES:
        columns[column] = pa.Column(
            "datetime64[ns]",
            [pa.Check.in_range(pd.Timestamp("1900-01-01"), today), readable(column)],
            nullable=True,
            coerce=True,
        )
    for column, codes in (
        ("sexo", SEXES),
        ("formas", FORMS),
        ("relacion", RELATION),
        ("estado", STATUS),
        ("proceso", YES),
    ):
        columns[column] = pa.Column(object, [pa.Check.isin(list(codes.values())), readable(column)], nullable=True)
    for column in ("nacionalidad", "pais_nacimiento", "pais_captacion", "transito", "destino"):
        columns[column] = pa.Column(object, pa.Check.isin(COUNTRIES), nullable=True)
    columns["medios"] = pa.Column(object, pa.Check(lambda s: s.map(lambda c: None not in c)), nullable=True)
    for column, low, high in (("edad", 0, 120), ("edad_inicio", 0, 120), ("anio", 1980, TODAY.year)):
        columns[column] = pa.Column("Int32", [pa.Check.in_range(low, high), readable(column)], nullable=True)

    def holds(bad) -> pa.Check:  # type: ignore[no-untyped-def]
        return pa.Check(lambda df: ~bad(df).fillna(False).astype(bool))

    across = [
        *(holds(lambda df, c=c: df["nacimiento"] > df[c]) for c in ("identificacion", "captacion", "inicio", "fin")),
        holds(lambda df: (df["edad"] - age_at(df["nacimiento"], df["identificacion"])).abs() > 1),
        holds(lambda df: df["edad_inicio"] > df["edad"]),
        holds(lambda df: df["fin"] < df["inicio"]),
        holds(lambda df: df["fin"] < df["captacion"]),
        holds(lambda df: df["transito"].notna() & df["destino"].isna()),
    ]
    bad: set[int] = set()
    try:
        pa.DataFrameSchema(columns, checks=across).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        bad = set(errors.failure_cases["index"].dropna().astype(int))
    good = frame.drop(index=list(bad)).drop_duplicates("caso")
    good["edad"] = age_at(good["nacimiento"], good["identificacion"]).fillna(good["edad"])
    edges, names = [-1, 8, 17, 20, 23, 26, 29, 38, 47, 200], ["0-8", "9-17", "18-20", "21-23", "24-26"]
    good["banda"] = pd.cut(good["edad"].astype(float), edges, labels=[*names, "27-29", "30-38", "39-47", "48+"])
    good["meses"] = ((good["fin"] - good["inicio"]).dt.days / 30.4375).round()
    private = ["caso", "nombre", "apellido", "documento", "telefono", "correo", "nacimiento", "notas"]
    good[private].to_parquet(folder / "vault.parquet", compression="zstd")
    good.drop(columns=private).to_parquet(folder / "victims.parquet", compression="zstd")
    return {"rows": len(frame), "accepted": len(frame) - len(bad), "refused": len(bad)}


def measure(tool: str, path: Path) -> dict[str, float]:
    """Run one of the two in a process of its own: seconds, peak memory (MB) and its counts."""
    out = subprocess.run(
        [sys.executable, __file__, "--only", tool, "--file", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(out.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("amparo", "pandera"))
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.only:
            begun = time.perf_counter()
            counts = (run_amparo if given.only == "amparo" else run_pandera)(given.file, Path(folder))
            seconds = time.perf_counter() - begun
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"seconds": seconds, "peak": peak, **counts}))
            return
        path = Path(folder) / "list.csv"
        make(path, given.rows)
        print(f"{given.rows:,} rows x {len(COLUMNS)} columns, {path.stat().st_size / 1e6:.0f} MB, seed 7")
        results = {tool: measure(tool, path) for tool in ("amparo", "pandera")}
    if len({(r["rows"], r["accepted"], r["refused"]) for r in results.values()}) != 1:
        sys.exit(f"the two do not agree, so that their times do not compare: {results}")
    print(f"{'':<18}{'seconds':>9}{'peak MB':>9}{'accepted':>11}{'refused':>9}")
    for tool, result in results.items():
        name = "amparo" if tool == "amparo" else "pandas + pandera"
        print(
            f"{name:<18}{result['seconds']:>9.1f}{result['peak']:>9.0f}{result['accepted']:>11,}{result['refused']:>9,}"
        )
    ratios = [results["pandera"][what] / results["amparo"][what] for what in ("seconds", "peak")]
    print(f"{'ratio':<18}{ratios[0]:>8.1f}x{ratios[1]:>8.1f}x")


if __name__ == "__main__":
    main()
