"""The key: read by its owner alone, never overwritten, and nothing it sealed can be changed unseen."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.intake.key import Key, load_key, new_key
from amparo.standard.errors import AmparoError, KeyMissingError

KEY = Key(b"a" * 32)


def test_a_key_file_is_its_owners_alone_and_gives_the_same_key_again(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert load_key(tmp_path / "key") == made


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(AmparoError, match="never overwritten"):
        new_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"hello", b"amparo-key-1:short", b"\xff\xfe", b"amparo-key-1:" + b"?" * 44])
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(KeyMissingError, match="no Amparo key"):
        load_key(tmp_path / "key")
    with pytest.raises(KeyMissingError, match="amparo key new"):
        load_key(tmp_path / "none")


@given(st.binary(max_size=200))
def test_what_is_sealed_is_read_back_by_the_same_key_only(data: bytes) -> None:
    sealed = KEY.encrypt(data)
    assert KEY.decrypt(sealed) == data
    assert sealed != KEY.encrypt(data)
    with pytest.raises(KeyMissingError):
        Key(b"b" * 32).decrypt(sealed)


def test_no_chunk_can_be_changed_swapped_or_cut_off() -> None:
    sealed = KEY.encrypt(bytes(3 << 20))
    head, chunk = 8 + 32, 4 + (1 << 20) + 16
    assert KEY.decrypt(sealed) == bytes(3 << 20)
    flipped = bytearray(sealed)
    flipped[len(sealed) // 2] ^= 1
    first, second = sealed[head : head + chunk], sealed[head + chunk : head + 2 * chunk]
    swapped = sealed[:head] + second + first + sealed[head + 2 * chunk :]
    for wrong in (
        bytes(flipped),
        swapped,
        sealed[: head + 2 * chunk],
        sealed[:-1],
        sealed + b"x",
        sealed[:20],
    ):
        with pytest.raises(KeyMissingError):
            KEY.decrypt(wrong)


def test_a_pseudonym_hangs_on_the_key_and_on_where_its_parts_end() -> None:
    assert KEY.pseudonym("ab", "c") == KEY.pseudonym("ab", "c")
    assert len({KEY.pseudonym("ab", "c"), KEY.pseudonym("a", "bc"), Key(b"b" * 32).pseudonym("ab", "c")}) == 3
    assert len(KEY.pseudonym("x")) == 32


def test_the_secret_does_not_show() -> None:
    assert "a" * 8 not in repr(KEY)
    assert KEY.secret.hex() not in KEY.fingerprint
