"""What lies encrypted in the database: names, contacts and every free text.

A sealed value is a small JSON document under AES-256-GCM (NIST SP 800-38D). Its key is derived from the desk's key and
the value's place (table, row, column), which is authenticated too: a value moved to another row does not open. The ring
holds several keys: the newest seals, the older ones still open, until all is sealed anew.

Words to search by are kept as keyed pseudonyms of 64 bits. Who holds the database without the keys learns which cases
share a word, not the word.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag

from amparo.intake.key import Key, load_key, new_key
from amparo.standard.errors import KeyMissingError

_VERSION = b"\x01"
# Version, mark of the key, nonce.
_HEAD = len(_VERSION) + 8 + 12


class KeyRing:
    """The keys of a folder, the newest (highest name) first.

    Raises
    ------
    KeyMissingError : the folder has no key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = sorted(folder.glob("*.key"), reverse=True)
        if not self._files:
            raise KeyMissingError("the desk has no key.", remedy="Bring back the folder's keys.", where=str(folder))
        keys = [load_key(file) for file in self._files]
        self.newest: Key = keys[0]
        self._by_mark = {_mark(key): key for key in keys}

    def seal(self, values: Mapping[str, Any], place: str) -> bytes:
        """The values, to be opened at this place only; empty bytes for no values."""
        return seal(self.newest, values, place)

    def open(self, sealed: bytes | memoryview, place: str) -> dict[str, Any]:
        """What :meth:`seal` was given.

        Raises
        ------
        KeyMissingError : none of the keys sealed it, or it was changed or moved.
        """
        return unseal(self._by_mark.get(bytes(sealed)[1:9]), sealed, place)

    def is_current(self, sealed: bytes | memoryview) -> bool:
        """Whether the newest key sealed it."""
        return not sealed or bytes(sealed)[1:9] == _mark(self.newest)

    def words(self, words: Iterable[str]) -> list[int]:
        """Keyed 64-bit pseudonyms of words, to search by (signed, as databases hold them)."""
        found = self.newest.pseudonyms([b"desk word:" + word.encode() for word in words])
        return [struct.unpack(">q", value[:8])[0] for value in found]

    def add_key(self) -> Path:
        """Make a newer key; from now on it seals (in processes started after this)."""
        number = int(self._files[0].stem) + 1
        file = self.folder / f"{number:04d}.key"
        new_key(file)
        return file


def seal(key: Key, values: Mapping[str, Any], place: str) -> bytes:
    """The values under a key, to be opened at this place only; empty bytes for no values."""
    if not values:
        return b""
    nonce = os.urandom(12)
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 64)  # lengths tell names apart
    head = _VERSION + _mark(key)
    return head + nonce + _cipher(key, place).encrypt(nonce, text, head + place.encode())


def unseal(key: Key | None, sealed: bytes | memoryview, place: str) -> dict[str, Any]:
    """What :func:`seal` was given; without a key nothing but empty bytes opens.

    Raises
    ------
    KeyMissingError : the key is missing or another one, or the value was changed or moved.
    """
    sealed = bytes(sealed)
    if not sealed:
        return {}
    try:
        if key is None or sealed[:1] != _VERSION:
            raise InvalidTag
        text = _cipher(key, place).decrypt(sealed[9:_HEAD], sealed[_HEAD:], sealed[:9] + place.encode())
    except (InvalidTag, ValueError):
        raise KeyMissingError(
            "a sealed value does not open: its key is not in the ring, or it was changed or moved.",
            remedy="Bring back the key that sealed it, or the backup of the row.",
            where=place,
        ) from None
    found: dict[str, Any] = json.loads(text)
    return found


def _mark(key: Key) -> bytes:
    return bytes.fromhex(key.fingerprint)[:8]


def _cipher(key: Key, place: str) -> Any:
    return key.file_cipher(hashlib.sha256(b"amparo desk\x00" + place.encode()).digest())


@cache
def ring() -> KeyRing:
    """The keys of the open desk."""
    from django.conf import settings

    return KeyRing(settings.DESK / "keys")


@cache
def audit_key() -> Key:
    """The key that chains the audit log of the open desk."""
    from django.conf import settings

    return load_key(settings.DESK / "audit.key")
