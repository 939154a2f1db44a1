"""The key that the user holds: it encrypts names, contacts and refused rows, and makes pseudonyms.

One secret of 32 bytes in a file that only its owner can read. From it HKDF (RFC 5869) derives separate secrets for
encryption, for pseudonyms and for the fingerprint, so that none tells another.

Files are encrypted in chunks with AES-256-GCM after the STREAM construction (Hoang, Reyhanitabar, Rogaway & Vizár
2015, Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance): each file has a key of its own from a
random salt; the nonce holds the chunk's number and whether it is the last. Chunks cannot be changed, swapped or cut
off unseen, and nothing is ever written in clear.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amparo.standard.errors import AmparoError, KeyMissingError

_PREFIX = "amparo-key-1:"
_MAGIC = b"AMPARO\x001"
_CHUNK = 1 << 20
_SALT = 32


def _derive(secret: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"amparo/1/" + purpose).derive(secret)


@dataclass(frozen=True)
class Key:
    """A loaded key. Its secret never shows in its representation."""

    secret: bytes = field(repr=False)
    fingerprint: str = field(init=False)
    _pseudonym: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", _derive(self.secret, b"fingerprint").hex()[:32])
        object.__setattr__(self, "_pseudonym", _derive(self.secret, b"pseudonym"))

    def encrypt(self, data: bytes) -> bytes:
        """The data, encrypted and authenticated."""
        out = io.BytesIO()
        writer = EncryptedWriter(out, self)
        writer.write(data)
        writer.close()
        return out.getvalue()

    def decrypt(self, data: bytes) -> bytes:
        """What :meth:`encrypt` was given.

        Raises
        ------
        KeyMissingError : another key made it, or somebody changed it.
        """
        return b"".join(decrypted_chunks(io.BytesIO(data), self, "the encrypted data"))

    def pseudonym(self, *parts: str) -> str:
        """32 hex digits that only this key can tie to these parts (keyed BLAKE2b, RFC 7693)."""
        message = "".join(f"{len(part)}:{part}" for part in parts).encode()
        return self.pseudonyms([message])[0].hex()

    def pseudonyms(self, messages: Sequence[bytes]) -> list[bytes]:
        """16 bytes for each message; the caller sees to it that no two things share a message."""
        secret, blake2b = self._pseudonym, hashlib.blake2b
        return [blake2b(message, key=secret, digest_size=16).digest() for message in messages]

    def file_cipher(self, salt: bytes) -> AESGCM:
        """The cipher of one file, known by its salt."""
        return AESGCM(_derive(self.secret, b"file", salt))


def new_key(path: Path) -> Key:
    """Write a new random key to a file that only its owner can read.

    Raises
    ------
    AmparoError : there is a file already (it may be somebody's only key), or it cannot be written.
    """
    secret = os.urandom(32)
    text = _PREFIX + base64.urlsafe_b64encode(secret).decode() + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise AmparoError(
            "there is a file already, and a key is never overwritten.",
            remedy="Name another file; what the old key encrypted needs the old key.",
            where=str(path),
        ) from None
    except OSError as error:
        raise AmparoError(f"the key cannot be written ({error.strerror}).", where=str(path)) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Key(secret)


def load_key(path: Path) -> Key:
    """Read a key file.

    Raises
    ------
    KeyMissingError : there is no file, or it is no key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(200).decode("ascii").strip()
    except OSError as error:
        raise KeyMissingError(
            f"the key cannot be read ({error.strerror}).", remedy="Make one: amparo key new.", where=str(path)
        ) from None
    except UnicodeDecodeError:
        text = ""
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(_PREFIX) or len(secret) != 32:
        raise KeyMissingError("this is no Amparo key.", remedy="Make one: amparo key new.", where=str(path))
    return Key(secret)


def _nonce(number: int, last: bool) -> bytes:
    return struct.pack(">QxxxB", number, last)


class EncryptedWriter(io.RawIOBase):
    """A file to write to; what reaches the disk is encrypted in chunks of 1 MiB."""

    def __init__(self, target: BinaryIO, key: Key) -> None:
        salt = os.urandom(_SALT)
        self._cipher = key.file_cipher(salt)
        self._target = target
        self._buffer = bytearray()
        self._number = 0
        target.write(_MAGIC + salt)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._buffer += view
        start = 0
        while len(self._buffer) - start > _CHUNK:
            self._put(bytes(self._buffer[start : start + _CHUNK]), last=False)
            start += _CHUNK
        if start:
            del self._buffer[:start]
        return len(view)

    def _put(self, chunk: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last), chunk, _MAGIC)
        self._target.write(struct.pack(">I", len(sealed)) + sealed)
        self._number += 1

    def close(self) -> None:
        """Write the last chunk; the target stays open for its owner to sync."""
        if not self.closed:
            self._put(bytes(self._buffer), last=True)
            self._buffer.clear()
        super().close()


def decrypted_chunks(source: BinaryIO, key: Key, where: str) -> Iterator[bytes]:
    """The clear chunks of what :class:`EncryptedWriter` wrote.

    Raises
    ------
    KeyMissingError : made with another key, changed, or cut off; nothing of the bad chunk is given out.
    """
    header = source.read(len(_MAGIC) + _SALT)
    if not header.startswith(_MAGIC) or len(header) != len(_MAGIC) + _SALT:
        raise KeyMissingError("this is not a file that Amparo encrypted.", where=where)
    cipher = key.file_cipher(header[len(_MAGIC) :])
    number, size = 0, source.read(4)
    while True:
        length = struct.unpack(">I", size)[0] if len(size) == 4 else -1
        sealed = source.read(length) if 16 <= length <= _CHUNK + 16 else b""
        size = source.read(4)
        try:
            chunk = cipher.decrypt(_nonce(number, not size), sealed, _MAGIC)
        except (InvalidTag, ValueError):
            raise KeyMissingError(
                "it cannot be decrypted: the key is another one, or the file was changed or cut off.",
                remedy="Give the key that this workspace was made with: --key FILE.",
                where=where,
            ) from None
        yield chunk
        if not size:
            return
        number += 1
