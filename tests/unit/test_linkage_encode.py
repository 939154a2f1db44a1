"""Encodings: what filters have in common is what elements have in common, and the search misses none that count."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest

from amparo.intake.key import Key
from amparo.linkage import search
from amparo.linkage.encode import BITS, BUCKETS, PER_ELEMENT, _elements, buckets, encode, filters, in_common
from amparo.linkage.search import worth_comparing

KEY = Key(bytes(range(32)))


def test_elements_of_a_known_record() -> None:
    found = _elements(["GRS", "JS"], "1990-03-04", "1990-03-04", "1990-03-04", "2345678", None, ["elm"])
    assert {"n:GRS+JS", "d:1990-03-04", "p:2345678", "b:GRS+03-04", "b:JS+03-04"} <= found
    assert _elements([], None, None, None, None, None, []) == set()


def test_no_element_is_a_part_of_a_name_alone() -> None:
    found = _elements(["GRS", "JS", "LS"], "1990-03-04", "1990-03-04", "1990-03-04", None, None, ["a", "b"])
    assert all("+" in one for one in found if one[0] not in "dpi")


def test_the_same_elements_give_the_same_filter_in_any_order_and_another_key_another() -> None:
    one, other = filters([["a", "b", "c"], ["c", "a", "b"]], KEY)
    assert (one == other).all()
    assert not (one == filters([["a", "b", "c"]], Key(bytes(32)))[0]).all()
    assert one.shape == (BITS // 8,)
    assert filters([[]], KEY).sum() == 0


def test_an_element_given_twice_changes_nothing() -> None:
    one, other = filters([["a", "b", "c"], ["c", "a", "b", "a"]], KEY)
    assert (one == other).all()


def test_bits_per_element() -> None:
    set_bits = np.bitwise_count(filters([[f"e{n}"] for n in range(500)], KEY)).sum(axis=1)
    # Hash positions are independent, so that a few fall together: L (1 - (1 - 1/L)^k).
    assert set_bits.mean() == pytest.approx(BITS * (1 - (1 - 1 / BITS) ** PER_ELEMENT), rel=0.01)
    assert set_bits.max() <= PER_ELEMENT


@pytest.mark.parametrize("own", [5, 12, 25])
@pytest.mark.parametrize("shared", [0, 1, 3, 8])
def test_elements_in_common_are_estimated_without_bias(shared: int, own: int) -> None:
    left = [[f"s{n}:{k}" for k in range(shared)] + [f"l{n}:{k}" for k in range(own)] for n in range(300)]
    right = [[f"s{n}:{k}" for k in range(shared)] + [f"r{n}:{k}" for k in range(own)] for n in range(300)]
    found = in_common(filters(left, KEY), filters(right, KEY))
    # Bits that fall together within a record make the estimate a little low; with many elements, up to a tenth.
    assert found.mean() == pytest.approx(shared, rel=0.2, abs=0.06)


def table(of_records: list[list[str]]) -> pa.Table:
    rows = [row.tobytes() for row in filters(of_records, KEY)]
    return pa.table({"filter": pa.array(rows, pa.binary(BITS // 8)), "buckets": buckets(of_records, KEY)})


def records(count: int, seed: int) -> list[list[str]]:
    """Each with ten elements, of which some are another record's."""
    random = np.random.default_rng(seed)
    pool = [f"n:{n}" for n in range(count * 5)]
    return [[pool[k] for k in random.choice(len(pool), 10, replace=False)] for _ in range(count)]


@pytest.mark.parametrize("all_pairs", [10_000, 0])
def test_the_search_finds_all_pairs_with_two_in_common_and_few_without_any(
    monkeypatch: pytest.MonkeyPatch, all_pairs: int
) -> None:
    monkeypatch.setattr(search, "ALL_PAIRS", all_pairs)
    monkeypatch.setattr(search, "TILE", 100)  # so that several tiles are looked at
    made = records(400, 5)
    left, right = worth_comparing(table(made))
    found = set(zip(left.tolist(), right.tolist(), strict=True))
    assert all(one < other for one, other in found)
    common = {pair: len(set(made[pair[0]]) & set(made[pair[1]])) for pair in itertools.combinations(range(400), 2)}
    several = {pair for pair, many in common.items() if many >= 2}
    assert len(several) > 20
    assert several <= found
    one = {pair for pair, many in common.items() if many == 1}
    assert len(one & found) > 0.75 * len(one)
    none = {pair for pair, many in common.items() if many == 0}
    assert len(none & found) < 0.02 * len(none)


def test_the_search_by_tiles_is_the_search_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = table(records(120, 6))
    rows = np.frombuffer(b"".join(made["filter"].to_pylist()), np.uint8).reshape(120, -1)
    pairs = list(itertools.combinations(range(120), 2))
    enough = in_common(*(rows[[pair[side] for pair in pairs]] for side in (0, 1))) >= search.ENOUGH - 1e-6
    monkeypatch.setattr(search, "TILE", 17)
    assert list(zip(*(side.tolist() for side in worth_comparing(made)), strict=True)) == [
        pair for pair, is_enough in zip(pairs, enough, strict=True) if is_enough
    ]


def test_no_bucket_stands_out() -> None:
    """A bucket holds many elements: the records of a rare one are not to be told from the others in its bucket."""
    of_records = records(3000, 7)
    counts = np.bincount(list(itertools.chain.from_iterable(buckets(of_records, KEY))), minlength=BUCKETS)
    assert counts.min() > 0.5 * counts.mean()
    assert all(0 <= bucket < BUCKETS for bucket in buckets([["n:a", "b:c"]], KEY)[0])
    assert buckets([["y:GRS+1990"]], KEY) == [[]]


def test_shared_variables_travel_and_nothing_else() -> None:
    source = pa.table(
        {
            "record_id": ["a"], "list": ["police"], "sounds": [["GRS", "JS"]], "birth": ["1990-03-04"],
            "birth_from": ["1990-03-04"], "birth_to": ["1990-03-04"], "phone": ["2345678"], "document": ["p1234567"],
            "address_rare": [["elm"]], "sex": [["woman"]], "origin": [["COL"]],
        }
    )  # fmt: skip
    bare = encode(source, KEY, ())
    assert bare.column_names == ["record_id", "list", "filter", "buckets"]
    shared = encode(source, KEY, ("sex", "birth_years"))
    assert set(shared.column_names) - set(bare.column_names) == {"sex", "year_from", "year_to"}
    assert shared["year_from"].to_pylist() == [1990]
    said = repr(shared.to_pylist())
    assert not any(secret in said for secret in ("GRS", "03-04", "2345678", "p1234567", "elm"))
