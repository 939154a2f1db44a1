"""What a rule needs that nobody outside may know, derived from the user's key: the same for the same key, always.

Derived by HKDF (RFC 5869) with a purpose each, so that none tells another or the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amparo.intake.key import Key


def cell_secret(key: Key) -> bytes:
    """The secret of record keys (``cell_key``): one for the key, so that a cell has its noise in every release."""
    return _derived(key, b"amparo/1/cell-key", 32)


def rounding_seed(key: Key, provenance: Mapping[str, str]) -> int:
    """The seed of a rounding: one for each version of the inputs, so that the same release comes out the same.

    A second draw of the same counts would narrow what the first left open.
    """
    inputs = sorted(value for name, value in provenance.items() if name.startswith("sha256 of "))
    version = hashlib.sha256("\n".join(inputs).encode()).digest()
    return int.from_bytes(_derived(key, b"amparo/1/rounding/" + version, 16))


def _derived(key: Key, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(key.secret)
