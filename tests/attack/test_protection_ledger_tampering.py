"""Attempts to change, cut, reorder, forge or break the ledger of releases, and to get a release past it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

from amparo.intake.key import Key
from amparo.protection import ledger as ledger_module
from amparo.protection.ledger import (
    Ledger,
    LedgerError,
    RefusedError,
    budget,
    enter,
    enter_microdata,
    set_budget,
    shown_by,
    verify,
)
from amparo.protection.microdata import Aim, KAnonymity, PrivateMicrodata, release_microdata
from amparo.protection.release import Release, Rule, release
from amparo.standard.errors import AmparoError, KeyMissingError
from amparo.statistics.tables import PrivateTable

KEY = Key(b"k" * 32)
WHEN = datetime(2026, 1, 15, tzinfo=UTC)


def made(counts: dict[str, int], data: str = "a") -> Release:
    """A release of one table by form, its parts adding up."""
    rows = {**counts, "_T": sum(counts.values())}
    frame = pd.DataFrame({"form": list(rows), "count": list(rows.values())}).astype({"count": "int64"})
    table = PrivateTable("by_form", "victims", ("form",), frozenset(), frame, "counted")
    provenance = {"version": "1", "created": "2026-01-15", "sha256 of list.csv": data * 64}
    return release([table], rule=Rule(10), provenance=provenance)


def filled(folder: Path, entries: int = 3) -> Ledger:
    ledger = Ledger(folder, KEY)
    for number in range(entries):
        given = made({"sexual": 40, "labour": 30 + number})
        enter(ledger, given, title=f"Release {number}", recipient="public", population=f"victims {number}", when=WHEN)
    return ledger


def short(folder: Path) -> Ledger:
    """A ledger of two short entries, quick to read again and again."""
    ledger = Ledger(folder, KEY)
    for epsilon in (1, 2):
        set_budget(ledger, "p", epsilon=epsilon, delta=0, reason="a decision", when=WHEN)
    return ledger


def found(ledger: Ledger) -> bool:
    """Whether somebody's hand shows: an error, or bytes that are told as torn."""
    try:
        state = verify(ledger)
    except AmparoError:
        return True
    return bool(state.torn)


def test_an_untouched_ledger_is_whole(tmp_path: Path) -> None:
    state = verify(filled(tmp_path))
    assert [entry["title"] for entry in state.entries] == ["Release 0", "Release 1", "Release 2"]
    assert (state.torn, state.lagging, state.signed) == (b"", False, True)
    assert verify(Ledger(tmp_path)).signed is False


@pytest.mark.parametrize("name", ["ledger.jsonl", "head.json"])
def test_every_flipped_byte_is_found(tmp_path: Path, name: str) -> None:
    ledger = short(tmp_path)
    path = tmp_path / name
    content = path.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 if at % 2 else 0x20
        path.write_bytes(changed)
        with pytest.raises(AmparoError):
            verify(ledger)
    path.write_bytes(content)
    verify(ledger)


def test_every_flipped_byte_of_a_line_is_found_without_the_key_too(tmp_path: Path) -> None:
    short(tmp_path)
    path = tmp_path / "ledger.jsonl"
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert found(Ledger(tmp_path)), at


def test_every_cut_of_the_tail_is_found(tmp_path: Path) -> None:
    ledger = short(tmp_path)
    content = ledger.lines.read_bytes()
    for size in range(len(content)):
        ledger.lines.write_bytes(content[:size])
        with pytest.raises(LedgerError):
            verify(ledger)


def test_lines_removed_repeated_swapped_or_appended_are_found(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 4)
    lines = ledger.lines.read_bytes().splitlines(keepends=True)
    tampered = [
        *(lines[:k] + lines[k + 1 :] for k in range(4)),
        *(lines[: k + 1] + lines[k:] for k in range(4)),
        *([*lines[:k], lines[k + 1], lines[k], *lines[k + 2 :]] for k in range(3)),
        [*lines, lines[0]],
        [*lines, b"{}\n"],
        [*lines, b"\n"],
        [b"\n", *lines],
        list(reversed(lines)),
    ]
    for attempt in tampered:
        ledger.lines.write_bytes(b"".join(attempt))
        with pytest.raises(LedgerError):
            verify(ledger)


def test_a_changed_entry_with_its_chain_mended_is_found_by_who_has_the_key(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 3)
    entries = [json.loads(line) for line in ledger.lines.read_text().splitlines()]
    entries[1]["recipient"] = "nobody"
    previous, lines = "0" * 64, []
    for entry in entries:
        entry["previous"] = previous
        line = ledger_module._canonical(entry)
        previous = hashlib.sha256(line).hexdigest()
        lines.append(line + b"\n")
    ledger.lines.write_bytes(b"".join(lines))
    head = json.loads(ledger.head.read_text())
    ledger.head.write_bytes(ledger_module._canonical({**head, "sha256": previous}) + b"\n")
    with pytest.raises(LedgerError):
        verify(ledger)
    # Without the key nobody can know: that is what the key is for, and verify says so.
    assert verify(Ledger(tmp_path)).signed is False


def test_an_entry_signed_with_another_key_is_found(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    with pytest.raises(KeyMissingError):
        verify(Ledger(tmp_path, Key(b"x" * 32)))


def test_a_head_that_is_gone_and_a_tail_cut_to_one_entry_are_found(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 3)
    ledger.head.unlink()
    with pytest.raises(LedgerError):
        verify(ledger)
    ledger.lines.write_bytes(ledger.lines.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(LedgerError):
        verify(ledger)


def test_a_whole_older_state_is_found_only_with_a_head_kept_elsewhere(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    older = (ledger.lines.read_bytes(), ledger.head.read_bytes())
    enter(ledger, made({"a": 20, "b": 30}), title="T", recipient="public", population="q", when=WHEN)
    kept = verify(ledger).head
    ledger.lines.write_bytes(older[0])
    ledger.head.write_bytes(older[1])
    assert len(verify(ledger).entries) == 2
    with pytest.raises(LedgerError, match="older state"):
        verify(ledger, head=kept)


def test_a_released_table_that_was_changed_or_is_gone_is_found(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 1)
    path = next((tmp_path / "tables").iterdir())
    content = path.read_bytes()
    path.write_bytes(content.replace(b"40", b"41"))
    with pytest.raises(LedgerError):
        verify(ledger)
    path.unlink()
    with pytest.raises(LedgerError):
        verify(ledger)


def test_a_torn_last_line_is_told_and_the_good_state_stays(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    content = ledger.lines.read_bytes()
    whole = content.splitlines(keepends=True)[1]
    for size in (1, len(whole) // 2, len(whole) - 1):
        ledger.lines.write_bytes(content + whole[:size])
        state = verify(ledger)
        assert len(state.entries) == 2
        assert state.torn == whole[:size]
    enter(ledger, made({"a": 20, "b": 30}), title="T", recipient="public", population="q", when=WHEN)
    assert len(verify(ledger).entries) == 3
    assert verify(ledger).torn == b""
    assert [path.read_bytes() for path in tmp_path.glob("torn-*")] == [whole[:-1]]


_WRITER = """
    import sys
    from pathlib import Path
    from amparo.intake.key import Key
    from amparo.protection.ledger import Ledger, set_budget
    for number in range(int(sys.argv[3])):
        set_budget(Ledger(Path(sys.argv[1]), Key(b"k" * 32)), sys.argv[2], epsilon=number, delta=0, reason="x" * 3000)
        print(number, flush=True)
"""


def writer(folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(_WRITER), str(folder), name, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 8) for name in ("one", "two")]
    assert [process.wait(60) for process in writers] == [0, 0]
    entries = verify(Ledger(tmp_path, KEY)).entries
    for name in ("one", "two"):
        assert [e["epsilon"] for e in entries if e["population"] == name] == [str(n) for n in range(8)]


def test_a_writer_that_is_killed_leaves_every_entry_that_it_reported(tmp_path: Path) -> None:
    process = writer(tmp_path, "one", 100_000)
    assert process.stdout is not None
    reported = [process.stdout.readline() for _ in range(5)]
    os.kill(process.pid, signal.SIGKILL)
    reported += process.stdout.readlines()
    process.wait()
    ledger = Ledger(tmp_path, KEY)
    assert len(verify(ledger).entries) >= len(reported)
    set_budget(ledger, "one", epsilon=1, delta=0, reason="afterwards")
    assert verify(ledger).entries[-1]["reason"] == "afterwards"


@pytest.mark.parametrize("step", ["half a line", "before the head", "half a head"])
def test_power_that_fails_at_each_step_of_an_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    ledger = filled(tmp_path, 2)

    class PowerCutError(Exception):
        pass

    real_write, real_replace = os.write, os.replace

    def half(handle: int, data: bytes) -> int:
        real_write(handle, data[: len(data) // 2])
        raise PowerCutError

    def no_replace(*_: object) -> None:
        raise PowerCutError

    def no_head(*_: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as patched:
        if step == "half a line":
            patched.setattr(os, "write", half)
        elif step == "before the head":
            patched.setattr(ledger_module, "_write_head", no_head)
        else:
            patched.setattr(os, "replace", no_replace)
        with pytest.raises(PowerCutError):
            set_budget(ledger, "p", epsilon=1, delta=0, reason="cut")
    assert os.replace is real_replace
    state = verify(ledger)
    assert len(state.entries) == (2 if step == "half a line" else 3)
    assert bool(state.torn) == (step == "half a line")
    assert state.lagging == (step != "half a line")
    set_budget(ledger, "p", epsilon=2, delta=0, reason="again")
    state = verify(ledger)
    assert (state.torn, state.lagging, state.entries[-1]["reason"]) == (b"", False, "again")


def test_nothing_is_handed_back_that_was_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = made({"sexual": 40, "labour": 30})
    ledger = Ledger(tmp_path, KEY)
    assert enter(ledger, given, title="T", recipient="public", population="p").release is given
    assert verify(ledger).entries[-1]["tables"][0]["name"] == "by_form"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        enter(ledger, given, title="T", recipient="public", population="p2")


def test_what_is_no_release_nameless_or_of_unknown_origin_is_not_entered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, KEY)
    given = made({"sexual": 40, "labour": 30})
    with pytest.raises(TypeError):
        enter(ledger, given["by_form"], title="T", recipient="public", population="p")  # type: ignore[arg-type]
    for empty in ("title", "recipient", "population"):
        words = {"title": "T", "recipient": "public", "population": "p", empty: " "}
        with pytest.raises(AmparoError, match=empty):
            enter(ledger, given, **words)
    nowhere = release([], rule=Rule(10), provenance={"version": "1"})
    with pytest.raises(AmparoError, match="files"):
        enter(ledger, nowhere, title="T", recipient="public", population="p")
    with pytest.raises(AmparoError, match="dimension"):
        enter(ledger, given, title="T", recipient="public", population="p", within={"form": "sexual"})
    with pytest.raises(KeyMissingError):
        enter(Ledger(tmp_path), given, title="T", recipient="public", population="p")
    assert verify(ledger).entries == ()


def test_a_ledger_that_was_tampered_with_lets_nothing_out(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    ledger.lines.write_bytes(ledger.lines.read_bytes().replace(b"Release 0", b"Release 9"))
    with pytest.raises(LedgerError):
        enter(ledger, made({"a": 20, "b": 30}), title="T", recipient="public", population="new")


def test_a_release_a_month_later_that_tells_of_few_new_persons_is_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, KEY)
    january, february = made({"sexual": 40, "labour": 30}, "a"), made({"sexual": 42, "labour": 60}, "b")
    enter(ledger, january, title="January", recipient="public", population="p")
    with pytest.raises(RefusedError) as refused:
        enter(ledger, february, title="February", recipient="public", population="p")
    assert [finding.cell for finding in refused.value.findings] == ["victims: form=sexual"]
    assert verify(ledger).entries[0]["id"] in str(refused.value)
    assert "42" not in str(refused.value)
    assert len(verify(ledger).entries) == 1
    enter(ledger, february, title="February", recipient="public", population="p", override="Corrections, see memo 4.")
    entry = verify(ledger).entries[-1]
    assert entry["override"] == "Corrections, see memo 4."
    assert "form=sexual" in entry["findings"][0]
    # The same in another population is no matter.
    enter(ledger, february, title="February", recipient="public", population="another")


def test_the_tables_kept_are_those_released(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, KEY)
    given = made({"sexual": 40, "labour": 30, "begging": 3})
    enter(ledger, given, title="T", recipient="public", population="p")
    shown = shown_by(ledger, verify(ledger).entries[0])
    pd.testing.assert_frame_equal(
        shown.tables[0].frame.astype(object), given["by_form"].frame.astype(object), check_dtype=False
    )


def test_the_budget_of_a_population_is_never_overspent(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, KEY)
    set_budget(ledger, "p", epsilon="1.0", delta="1e-9", reason="Decision 7 of the board")
    sizes = count(1000, 1000)

    def spend(epsilon: float | str, population: str = "p", delta: float | str = 0) -> None:
        given = made({"sexual": next(sizes), "labour": next(sizes)})
        enter(
            ledger, given, title="T", recipient="public", population=population, epsilon=epsilon, delta=delta,
            override="other data in each",
        )  # fmt: skip

    for _ in range(10):
        spend(0.1)
    assert budget(verify(ledger).entries, "p").epsilon == 1
    with pytest.raises(RefusedError, match="limit"):
        spend("1e-30")
    with pytest.raises(RefusedError, match="delta"):
        spend(0, delta="2e-9")
    spend(5, "another")
    for wrong in ("nan", "inf", -1, "much", "1e-999"):
        with pytest.raises(AmparoError):
            spend(wrong)
    set_budget(ledger, "p", epsilon=2, delta=0, reason="Decision 9")
    spend(1)


def test_records_are_entered_with_their_epsilon_and_refused_beyond_the_budget(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, KEY)
    frame = pd.DataFrame({"sex": ["f", "m"] * 100, "age": ["child", "adult", "adult", "child"] * 50})
    private = PrivateMicrodata(frame, {"sex": ("f", "m"), "age": ("child", "adult")})
    provenance = {"version": "1", "sha256 of list.csv": "a" * 64}
    given = release_microdata(private, method=Aim(0.5), provenance=provenance, seed=1)
    assert given.delta is not None
    set_budget(ledger, "p", epsilon=1, delta=2 * given.delta, reason="Decision 7")
    words = {"title": "Records", "recipient": "public", "population": "p", "alarms": ()}
    for _ in range(2):  # the same bytes may come of noise that was drawn twice
        assert enter_microdata(ledger, given, **words).release is given
    with pytest.raises(RefusedError, match="limit"):
        enter_microdata(ledger, given, **words)
    real = release_microdata(private, method=KAnonymity(5), provenance=provenance, seed=1)
    assert enter_microdata(ledger, real, **words).entry == enter_microdata(ledger, real, **words).entry
    assert len(verify(ledger).entries) == 4
    entry = verify(ledger).entries[1]
    assert (entry["epsilon"], entry["records"], entry["columns"]) == ("0.5", len(given), ["sex", "age"])
    with pytest.raises(TypeError):
        enter_microdata(ledger, frame, title="Records", recipient="public", population="p", alarms=())  # type: ignore[arg-type]
