"""A frequency attack on encodings: a public name list against filters, without the key.

The attacker is the linkage unit, or whoever takes its files. Known to it: the scheme and all its parameters, the
list of names with their frequencies, how birth dates are distributed, and the encodings of 50,000 persons of one
country, where names are most alike; and where agencies agreed to it, the birth years in clear. Not known: the key.

1. *Alignment.* Identical filters, the most frequent first, are taken for the most frequent names.
2. *Pattern mining.* Bits that come together more often than chance allows are a frequent element (Christen,
   Ranbaduge, Vatsalan & Schnell 2018, sec. 4); records that have all of its bits have it; by their number it is aligned with
   the public frequencies of what the scheme makes elements of.

Success is the share of records for which a guessed part of the name is right, against the guess that needs no data:
the commonest part for everybody. The unhardened form of the encoding (each part of the name an element of its own,
as in the filters that Niedermeyer et al. 2014 broke) falls to the same code, which shows that the attack works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, fcluster
from scipy.spatial.distance import squareform

from amparo.intake.key import Key
from amparo.linkage.encode import BITS, PER_ELEMENT, elements, filters
from amparo.linkage.names import sounds
from amparo.simulation.names import CULTURES, draw_names, write_names

RECORDS = 50_000
SKEW = 1.0
"""Of the names: the commonest family name is borne by one in 25, as García is in Spain."""

KEY, WRONG = Key(bytes(range(32))), Key(bytes(32))
Bits = NDArray[np.float32]
Rows = NDArray[np.int64]
Make = Callable[[pa.Table], list[set[str]]]


def people(seed: int, count: int = RECORDS) -> pa.Table:
    """Persons of one country with their birth dates, as records made ready; the columns that elements are made of."""
    random = np.random.default_rng(seed)
    names = write_names(
        draw_names(np.full(count, CULTURES.index("es")), random.random(count) < 0.6, SKEW, random), "latin"
    )
    born = np.datetime64("1970-01-01") + random.integers(0, 35 * 365, count)
    birth = pa.array(born.astype(str))
    nothing = pa.nulls(count, pa.string())
    return pa.table(
        {
            "sounds": [list(sounds(*row)) for row in zip(names.given, names.family, names.second, strict=True)],
            "birth": birth,
            "birth_from": birth,
            "birth_to": birth,
            "phone": nothing,
            "document": nothing,
            "address_rare": pa.array([[]] * count, pa.list_(pa.string())),
        }
    )


def unhardened(records: pa.Table) -> list[set[str]]:
    """One attribute per element: each part of the name, and the birth date."""
    rows = zip(records["sounds"].to_pylist(), records["birth"].to_pylist(), strict=True)
    return [{f"s:{part}" for part in parts} | {f"d:{birth}"} for parts, birth in rows]


# --- the attack ---------------------------------------------------------------------------------------------


def named(element: str) -> tuple[str, ...]:
    """The parts of the name that an element tells."""
    kind, _, rest = element.partition(":")
    parts = tuple(part for part in rest.split("+") if part.isalpha())
    return parts if kind in ("s", "n", "y", "b") else ()


def public(of_persons: Iterable[Iterable[str]], count: int) -> list[tuple[str, float]]:
    """What persons have, with its share, the most frequent first."""
    return [(one, many / count) for one, many in Counter(chain.from_iterable(of_persons)).most_common()]


def of_year(records: pa.Table, year: int) -> pa.Table:
    return records.filter(pc.starts_with(records["birth"], str(year)))


@dataclass
class Mined:
    """Bits that come together, and the records that have them all."""

    bits: Rows
    rows: Rows


def mine(bits: Bits, most: int) -> list[Mined]:
    """Frequent elements, found one after the other and taken out of the records that have them."""
    bits, found = bits.copy(), []
    both = bits.T @ bits
    for _ in range(most):
        alone = np.diag(both).copy()
        expected = np.outer(alone, alone) / len(bits)
        excess = (both - expected) / np.sqrt(expected + 1)
        np.fill_diagonal(excess, -np.inf)
        one, other = np.unravel_index(int(excess.argmax()), excess.shape)
        if excess[one, other] < 5:  # of two million pairs of bits, chance hardly shows that
            break
        pattern = np.array([one, other])
        for _ in range(4):  # the bits most tied to those already taken
            tie = np.clip(excess[:, pattern], -5, 30)
            tie[pattern, np.arange(len(pattern))] = 0
            pattern = np.argsort(-tie.mean(axis=1))[: min(PER_ELEMENT - 2, 3 * len(pattern))]
        rows = np.flatnonzero(bits[:, pattern].sum(axis=1) >= 0.95 * len(pattern))
        if len(rows) < 5:
            both[one, other] = both[other, one] = expected[one, other]
            continue
        pattern = np.flatnonzero(bits[rows].mean(axis=0) >= 0.97)  # all bits that these records share
        found.append(Mined(pattern, rows))
        bits[np.ix_(rows, pattern)] = 0
        fresh = bits[:, pattern].T @ bits
        both[pattern], both[:, pattern] = fresh, fresh.T
    return found


def families(mined: list[Mined], count: int) -> list[Rows]:
    """Elements that behave alike towards all others while no record has two of them: one name with many a year.

    Their records, together, are as many as bear the name, so that what pairing had hidden is there to count again.
    """
    if len(mined) < 2:
        return []
    has = np.zeros((count, len(mined)), dtype=np.float32)
    for column, one in enumerate(mined):
        has[one.rows, column] = 1
    both = has.T @ has
    alone = np.diag(both).copy()
    np.fill_diagonal(both, 0)
    chance = np.outer(alone, alone) / count
    profile = (both - chance) / np.sqrt(chance + 0.5)
    profile /= np.linalg.norm(profile, axis=1, keepdims=True) + 1e-9
    unlike = np.clip(1 - profile @ profile.T, 0, 2)
    np.fill_diagonal(unlike, 0)
    family = fcluster(average(squareform((unlike + unlike.T) / 2, checks=False)), 0.8, "distance")
    found = []
    for number in np.unique(family):
        columns = np.flatnonzero(family == number)
        rows = np.flatnonzero(has[:, columns].sum(axis=1))
        if len(columns) >= 5 and alone[columns].sum() < 1.05 * len(rows):
            found.append(rows)
    return sorted(found, key=len, reverse=True)


def guesses(
    encodings: NDArray[np.uint8], known: list[tuple[str, float]], parts: list[str], *, by_year: bool, most: int
) -> list[str]:
    """A part of the name for each record.

    known : public elements, the most frequent first. parts : public parts of names, the most frequent first.
    by_year : the scheme joins a part of the name with a year that is not known. most : elements to mine.
    """
    count = len(encodings)
    out = np.full(count, "", dtype=object)
    same = Counter(row.tobytes() for row in encodings)
    rank = {row: n for n, (row, many) in enumerate(same.most_common(len(known))) if many > 1}
    for row, encoding in enumerate(encodings):
        if (n := rank.get(encoding.tobytes())) is not None:
            out[row] = named(known[n][0])[0]
    place = {part: n for n, part in enumerate(parts)}
    mined = sorted(mine(np.unpackbits(encodings, axis=1).astype(np.float32), most), key=lambda one: -len(one.rows))
    # What is most frequent is told best, so it has the last word.
    for one, (element, _) in reversed(list(zip(mined, known, strict=False))):
        out[one.rows] = min(named(element), key=lambda part: place.get(part, len(place)))
    alike = families(mined, count) if by_year else []
    for rows, part in reversed(list(zip(alike, parts, strict=False))):
        out[rows] = part
    # Where nothing was found, the commonest part that has not been found elsewhere.
    out[out == ""] = parts[len(alike)]
    return out.tolist()


@dataclass
class Outcome:
    """Share of records of which a part of the name was told, and the share that a guess without data tells."""

    told: float
    chance: float
    records: int

    @property
    def most_by_chance(self) -> float:
        """Three standard errors above chance."""
        return self.chance + 3 * float(np.sqrt(self.chance * (1 - self.chance) / self.records))


def attack(make: Make, records: pa.Table, year: int | None = None, most: int = 150) -> Outcome:
    """Encode the records, forget the key, attack.

    year : of birth; where agencies share it in clear, each year can be attacked by itself.
    """
    others = people(seed=99)
    if year is not None:
        records, others = of_year(records, year), of_year(others, year)
    known = [(one, share) for one, share in public(make(others), len(others)) if named(one)][:4000]
    parts = [part for part, _ in public(others["sounds"].to_pylist(), len(others))]
    by_year = year is None and any(one.startswith("y:") for one, _ in known)
    guessed = guesses(filters(make(records), KEY), known, parts, by_year=by_year, most=most)
    true = records["sounds"].to_pylist()
    told = float(np.mean([guess in of_record for guess, of_record in zip(guessed, true, strict=True)]))
    return Outcome(told, float(np.mean([parts[0] in of_record for of_record in true])), len(true))


@pytest.fixture(scope="module")
def attacked() -> pa.Table:
    return people(seed=7)


def test_the_attack_succeeds_on_the_unhardened_form(attacked: pa.Table) -> None:
    """So that the tests below can fail."""
    outcome = attack(unhardened, attacked, most=60)
    print(outcome)
    assert outcome.told > 4 * outcome.chance


def test_filters_alone_tell_no_more_than_chance(attacked: pa.Table) -> None:
    outcome = attack(elements, attacked)
    print(outcome)
    assert outcome.told <= outcome.most_by_chance


def test_filters_with_the_birth_year_in_clear_tell_no_more_than_chance(attacked: pa.Table) -> None:
    outcomes = [attack(elements, attacked, year=year) for year in (1980, 1985, 1990, 1995)]
    print(outcomes)
    records = sum(one.records for one in outcomes)
    told, chance = (sum(getattr(one, what) * one.records for one in outcomes) / records for what in ("told", "chance"))
    assert told <= Outcome(told, chance, records).most_by_chance


def test_a_dictionary_finds_elements_with_the_key_and_nothing_without(attacked: pa.Table) -> None:
    """Whoever can make elements can test them; nobody can without the key."""
    of_records = elements(attacked)
    encodings = filters(of_records, KEY)
    dictionary = [one for one, _ in public(of_records, len(of_records))][:50]

    def holders(key: Key) -> list[set[int]]:
        tests = filters([[one] for one in dictionary], key)
        return [set(np.flatnonzero(((encodings & test) == test).all(axis=1)).tolist()) for test in tests]

    true = [{row for row, own in enumerate(of_records) if one in own} for one in dictionary]
    assert min(map(len, true)) > 20
    assert all(found >= having for found, having in zip(holders(KEY), true, strict=True))  # a filter misses nothing
    assert sum(map(len, holders(KEY))) <= 1.02 * sum(map(len, true))  # and seldom finds too much
    assert not set().union(*holders(WRONG))


def test_the_key_moves_every_bit(attacked: pa.Table) -> None:
    """Under two keys the filters of one record have no more bits in common than two strangers'."""
    of_records = elements(attacked.slice(0, 2000))
    one, other = (np.unpackbits(filters(of_records, key), axis=1) for key in (KEY, WRONG))
    common = (one & other).sum(axis=1).mean()
    by_chance = (one.sum(axis=1) * other.sum(axis=1) / BITS).mean()
    assert common == pytest.approx(by_chance, rel=0.02)
