"""Keyed encodings: what an agency hands over instead of names.

From the names, the birth date and the numbers of a person, *elements* are made, each of which joins two of them: two
parts of the name, these with the birth year, a part and the day of birth, and so on. The elements go into one Bloom
filter of the record (a cryptographic long-term key, CLK) by keyed BLAKE2b; whoever has no key can neither make an
element nor test one.

Hardening. What breaks Bloom filters is frequency: a common name sets the same bits in many records, and patterns of
bits that come together tell it (Christen et al. 2018). Attribute salting (Niedermeyer et al. 2014) is taken to its
end here: no element holds one attribute alone, so that none is frequent, not even among records of one birth year,
which agencies may share in clear; hash positions are independent, not doubly hashed (Kroll & Steinmetzer 2015); all
elements share one filter, so that no field can be looked at by itself. The attack is a test:
``tests/attack/test_linkage_frequency.py``.

What remains: the number of elements shows in the number of bits; who holds the key, or an agency that colludes with
the linkage unit, can test guesses; near-identical records are seen to be alike, as they must be.

Source: Schnell, Bachteler & Reiher (2011), A novel error-tolerant anonymous linking code; Christen, Ranbaduge, Vatsalan
& Schnell (2018), Precise and fast cryptanalysis for Bloom filter based PPRL, IEEE TKDE; Niedermeyer, Steinmetzer,
Kroll & Schnell (2014), Cryptanalysis of basic Bloom filters used for PPRL, J. Privacy and Confidentiality 6(2), sec. 6;
Christen, Ranbaduge & Schnell (2020), Linking Sensitive Data, ch. 12. Filters: clkhash (CSIRO's Data61).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from clkhash.bloomfilter import blake_encode_ngrams, blake_hash_token
from clkhash.key_derivation import generate_key_lists
from numpy.typing import NDArray

from amparo.intake.key import Key

Bytes = NDArray[np.uint8]

BITS, PER_ELEMENT = 2048, 30
"""Length of a filter, and how many of its bits an element sets."""

BUCKETS = 256
"""Of the keys by which records are brought together. So few that the records of no element stand out among those
that share its bucket by chance."""

SCHEME = f"elements-2/blake2b/{BITS}/{PER_ELEMENT}/{BUCKETS}"
"""Names everything that two encodings must have in common to be compared."""

SHAREABLE = (
    "sex", "origin", "birth_years", "exploitation_forms", "labour_sector", "means_of_control", "recruiter_relation",
    "recruitment_methods", "marital_status", "education", "start",
)  # fmt: skip
"""Standard variables that agencies may agree to hand over in clear beside the filter."""


def elements(records: pa.Table) -> list[set[str]]:
    """What each record's filter is made of; every element joins two attributes, or is a number of its own."""
    columns = ("sounds", "birth", "birth_from", "birth_to", "phone", "document", "address_rare")
    return [_elements(*row) for row in zip(*(records[name].to_pylist() for name in columns), strict=True)]


def _elements(
    parts: Sequence[str], birth: str | None, first: str | None, last: str | None, phone: str | None,
    document: str | None, address: Sequence[str],
) -> set[str]:  # fmt: skip
    parts = parts[:6]
    pairs = ["+".join(pair) for pair in itertools.combinations(parts, 2)]
    found = {f"n:{pair}" for pair in pairs}
    if first and last:
        # Not a single part with its year: where years are known in clear, that would be the part alone.
        found |= {f"y:{pair}+{year}" for pair in pairs for year in range(int(first[:4]), int(last[:4]) + 1)}
    if birth:
        found |= {f"b:{part}+{birth[5:]}" for part in parts}
        found.add(f"d:{birth}")
    found |= {f"{kind}:{number}" for kind, number in (("p", phone), ("i", document)) if number}
    found |= {f"a:{one}+{other}" for one, other in itertools.combinations(address[:6], 2)}
    return found


def filters(of_records: Iterable[Iterable[str]], key: Key) -> Bytes:
    """The filter of each record's elements, shape (records, BITS / 8)."""
    secret = _secrets(key)[0]
    rows = [
        blake_encode_ngrams(sorted(set(one)), [secret], [PER_ELEMENT] * len(set(one)), BITS, "utf-8").tobytes()
        for one in of_records
    ]
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, BITS // 8)


def buckets(of_records: Iterable[Iterable[str]], key: Key) -> list[list[int]]:
    """For each record the buckets of its elements that may bring it together with others; years alone are too many."""
    secret = _secrets(key)[1]
    return [
        sorted({blake_hash_token(element.encode(), 1, secret, BUCKETS)[0] for element in one if element[0] != "y"})
        for one in of_records
    ]


def _secrets(key: Key) -> tuple[bytes, bytes]:
    """Separate secrets for filters and for buckets, so that neither tells of the other."""
    first, second = generate_key_lists(
        key.secret, 2, key_size=64, kdf="HKDF", info=b"amparo/1/linkage", hash_algo="SHA256"
    )
    return first[0], second[0]


def encode(records: pa.Table, key: Key, share: Sequence[str]) -> pa.Table:
    """The encodings of records, with the variables that were agreed on in clear.

    Parameters
    ----------
    records : made ready by ``records.comparable_records``.
    key : of the agreement; the same in every agency, and never with the linkage unit.
    share : of :data:`SHAREABLE`.

    Returns
    -------
    ``record_id``, ``list``, ``filter`` (bytes), ``buckets``, and the shared variables; ``birth_years`` becomes
    ``year_from`` and ``year_to``.
    """
    of_records = elements(records)
    out = {
        "record_id": records["record_id"],
        "list": records["list"],
        "filter": pa.array([row.tobytes() for row in filters(of_records, key)], pa.binary(BITS // 8)),
        "buckets": pa.array(buckets(of_records, key), pa.list_(pa.int16())),
    }
    for name in share:
        if name == "birth_years":
            for column, source in (("year_from", "birth_from"), ("year_to", "birth_to")):
                years = [int(day[:4]) if day else None for day in records[source].to_pylist()]
                out[column] = pa.array(years, pa.int32())
        else:
            out[name] = records[name]
    return pa.table(out)


def in_common(filter_left: Bytes, filter_right: Bytes) -> NDArray[np.float64]:
    """How many elements two filters have in common, freed of what chance makes them share.

    If s bits come from common elements and the others of a and b bits fall anywhere among the L bits, the filters
    share x = s + (a - s)(b - s) / (L - s) bits, which gives s = (xL - ab) / (L + x - a - b).
    """
    both = np.bitwise_count(filter_left & filter_right).sum(axis=-1, dtype=np.float64)
    left = np.bitwise_count(filter_left).sum(axis=-1, dtype=np.float64)
    right = np.bitwise_count(filter_right).sum(axis=-1, dtype=np.float64)
    found: NDArray[np.float64] = (both * BITS - left * right) / np.maximum(BITS + both - left - right, 1)
    return found / PER_ELEMENT
