"""Which encodings are worth comparing: pairs that share more of their filters than chance makes likely.

Few records are all compared with each other; of many, those that share a bucket. Counting common bits is cheap and
done for whole blocks of records at once; only pairs that pass go on to the model.

Source: Christen, Ranbaduge & Schnell (2020), Linking Sensitive Data, ch. 9 (blocking on encodings).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from amparo.linkage.encode import BITS, PER_ELEMENT, Bytes

ALL_PAIRS = 6_000
"""Up to so many records all pairs are looked at."""

ENOUGH = 0.75
"""Elements in common from which a pair goes on to the model."""

TILE = 512
"""Records by records whose bits are counted at once; fits the processor's cache."""

Ints = NDArray[np.int64]


def worth_comparing(encodings: pa.Table) -> tuple[Ints, Ints]:
    """The pairs (left < right, rows of ``encodings``) whose filters have about one element in common, or more."""
    count = len(encodings)
    words = _words(encodings["filter"])
    ones = np.bitwise_count(words).sum(axis=1, dtype=np.int32)
    blocks = [np.arange(count)] if count <= ALL_PAIRS else _blocks(encodings["buckets"])
    tiles = [tile for block in blocks for tile in _tiles(block)]
    found: list[NDArray[np.uint64]] = []

    def look(tile: tuple[Ints, Ints]) -> NDArray[np.uint64]:
        return _passing(words, ones, *tile)

    with ThreadPoolExecutor() as pool:  # numpy lets go of the interpreter while it counts
        for pairs in pool.map(look, tiles):
            if len(pairs):
                found.append(pairs)
            if len(found) > 200:
                found = [np.unique(np.concatenate(found))]
    pairs = np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _words(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    rows: Bytes = np.frombuffer(b"".join(column.to_pylist()), dtype=np.uint8)
    return rows.view(np.uint64).reshape(len(column), -1)


def _blocks(buckets: pa.ChunkedArray) -> list[Ints]:
    members: dict[int, list[int]] = defaultdict(list)
    for row, of_record in enumerate(buckets.to_pylist()):
        for bucket in of_record:
            members[bucket].append(row)
    return [np.array(rows, dtype=np.int64) for _, rows in sorted(members.items()) if len(rows) > 1]


def _tiles(block: Ints) -> Iterator[tuple[Ints, Ints]]:
    cuts = [block[at : at + TILE] for at in range(0, len(block), TILE)]
    for at, left in enumerate(cuts):
        for right in cuts[at:]:
            yield left, right


def _passing(words: NDArray[np.uint64], ones: NDArray[np.int32], left: Ints, right: Ints) -> NDArray[np.uint64]:
    """Pairs of a tile with enough in common, each as one number (smaller row above, larger below)."""
    both = np.zeros((len(left), len(right)), dtype=np.uint16)
    one, other = words[left], words[right]
    for word in range(words.shape[1]):
        both += np.bitwise_count(one[:, word, None] & other[None, :, word])
    asked = ENOUGH * PER_ELEMENT
    a, b = ones[left].astype(np.float32)[:, None], ones[right].astype(np.float32)[None, :]
    # elements in common >= ENOUGH, solved for the bits in common; see encode.in_common
    enough = both >= (a * b + asked * (BITS - a - b)) / (BITS - asked)
    rows, columns = np.nonzero(enough)
    first, second = left[rows], right[columns]
    low, high = np.minimum(first, second), np.maximum(first, second)
    pairs = (low.astype(np.uint64) << np.uint64(32)) | high.astype(np.uint64)
    kept: NDArray[np.uint64] = pairs[low != high]
    return kept
