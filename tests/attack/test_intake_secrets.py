"""No name, contact or birth date lies in clear anywhere in the workspace, nor after a program was killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from amparo.intake.key import Key, load_key, new_key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import Column, Crosswalk, dump
from amparo.standard.errors import KeyMissingError

CROSSWALK = Crosswalk(
    name="shelter",
    unit="victim",
    columns={
        "case": Column("case_number"),
        "name": Column("full_name"),
        "phone": Column("phone"),
        "mail": Column("email"),
        "born": Column("date_of_birth"),
        "notes": Column("notes"),
        "sex": Column("sex"),
        "found": Column("identification_date"),
    },
)


def people(count: int) -> list[tuple[str, ...]]:
    """Persons with names in several scripts; every seventh has a wrong cell, every eleventh one too many."""
    chance = random.Random(5)
    given, family = (
        ("María", "Фатима", "فاطمة", "王芳", "Aïssatou"),
        ("Muñoz", "Иванова", "الزهراء", "李", "Diallo"),
    )
    rows = []
    for i in range(count):
        born = f"{chance.randint(1950, 2015)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        sex = "wrong-cell" if i % 7 == 0 else "female"
        row = (
            f"CASE-{i:06}-XQ",
            f"{chance.choice(given)}{i} {chance.choice(family)}{i}",
            f"+591 7{chance.randint(10**6, 10**7)}",
            f"person{i}@secret-mail.example",
            born,
            f"lives at 12 Hidden Street {i}",
            sex,
            "2022-05-06",
        )
        rows.append((*row, "one-too-many") if i % 11 == 0 else row)
    return rows


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    text = "\n".join(",".join(row) for row in [tuple(CROSSWALK.columns), *rows])
    path.write_text(text + "\n", encoding="utf-8")
    return path


def everything_in(folder: Path) -> list[bytes]:
    """Every byte of every file, and every value of every Parquet file as it reads."""
    found = []
    for file in folder.rglob("*"):
        found.append(str(file.relative_to(folder)).encode())
        if file.is_file():
            found.append(file.read_bytes())
            if file.suffix == ".parquet" and not file.parent.name.startswith("."):
                found.append(repr(pq.read_table(file).to_pydict()).encode())
    return found


def secrets_of(rows: list[tuple[str, ...]]) -> set[bytes]:
    secrets = set()
    for row in rows:
        for cell in (*row[:6], *row[1].split()):
            if len(cell) > 2:
                secrets |= {cell.encode(), cell.encode("utf-16-le"), cell.casefold().encode()}
    return secrets


def leaks(folder: Path, rows: list[tuple[str, ...]]) -> list[bytes]:
    places = everything_in(folder)
    return [secret for secret in secrets_of(rows) if any(secret in place for place in places)]


def test_no_byte_of_the_workspace_tells_who_was_loaded(tmp_path: Path) -> None:
    rows = people(600)
    work = Workspace(tmp_path / "w", new_key(tmp_path / "key"))
    done = load_list(write(tmp_path / "l.csv", rows), CROSSWALK, work)
    assert done.quarantined > 100
    assert leaks(tmp_path / "w", rows) == []
    assert work.key is not None
    assert all(work.key.secret not in place for place in everything_in(tmp_path / "w"))
    kept = set(work.identities()["full_name"].to_pylist())
    assert kept <= {row[1] for row in rows}
    assert len(kept) == done.accepted
    assert any(rows[0][1] in raw for raw in work.quarantine()["raw"].to_pylist())


def test_the_search_would_find_a_leak(tmp_path: Path) -> None:
    rows = people(3)
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "x").write_bytes(b"..." + rows[2][1].encode() + b"...")
    assert leaks(tmp_path / "w", rows) != []


def test_all_files_are_their_owners_alone(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "w", Key(b"k" * 32))
    done = load_list(write(tmp_path / "l.csv", people(20)), CROSSWALK, work)
    folder = tmp_path / "w" / "loads" / done.load_id
    assert {oct(file.stat().st_mode & 0o077) for file in (tmp_path / "w", tmp_path / "w" / "loads")} == {"0o0"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir() if file.suffix in (".enc", ".parquet"))


PROGRAM = """
import sys, time
from pathlib import Path
from amparo.intake.key import load_key
from amparo.intake.load import load_list
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import load
folder = Path(sys.argv[1])
def slowly(done, total):
    print(done, flush=True)
    time.sleep(30)
work = Workspace(folder / "w", load_key(folder / "key"))
load_list(folder / "second.csv", load(folder / "c.toml"), work, progress=slowly)
"""


def test_a_program_killed_in_mid_write_leaves_the_last_good_state(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    first, second = people(50), people(400)[50:]
    (tmp_path / "c.toml").write_text(dump(CROSSWALK), encoding="utf-8")
    load_list(write(tmp_path / "first.csv", first), CROSSWALK, Workspace(tmp_path / "w", key))
    write(tmp_path / "second.csv", second)
    before = Workspace(tmp_path / "w", key).table("victims").execute()

    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE)
    assert program.stdout is not None
    program.stdout.readline()
    time.sleep(0.2)
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    program.stdout.close()

    half = [file for file in (tmp_path / "w" / "loads").iterdir() if file.name.startswith(".")]
    assert half, "the program was killed before or after the write, not in it"
    assert leaks(tmp_path / "w", first + second) == []
    again = Workspace(tmp_path / "w", load_key(tmp_path / "key"))
    assert again.table("victims").execute().equals(before)
    assert len(again.loads()) == 1
    done = load_list(tmp_path / "second.csv", CROSSWALK, again)
    assert done.rows_in == len(second)
    assert not [file for file in (tmp_path / "w" / "loads").iterdir() if file.name.startswith(".")]


def test_a_changed_vault_is_told_and_gives_nothing(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "w", Key(b"k" * 32))
    done = load_list(write(tmp_path / "l.csv", people(20)), CROSSWALK, work)
    vault = tmp_path / "w" / "loads" / done.load_id / "vault.enc"
    data = bytearray(vault.read_bytes())
    data[-30] ^= 1
    vault.write_bytes(data)
    with pytest.raises(KeyMissingError, match="changed"):
        work.identities()
