"""The cells of a set of tables, and what everybody knows about how they add up.

A cell is its unit and its set of (dimension, code) with totals dropped: "victims, sex = female" is one cell,
whether it stands in the margin of sex × age or of sex × year. What ties cells together:

- the codes of a dimension add up to its total (additive dimensions);
- where several codes may hold at once, each is at most the total, and together they are at least the total
  (everybody has a code, if only "_X": not recorded);
- the age bands within "child" are together at most the children, and so on for every coarser grouping in
  ``HIERARCHIES``; the not recorded may belong to any group;
- flows by country are at most the flow of their subregion, and together at least that flow.

Not used: that the crossing of *all* dimensions of all tables, which nobody shows, has no negative cell
(Fréchet bounds over tables of which none holds the other's dimensions).

Source: Willenborg & de Waal (2001), Elements of Statistical Disclosure Control, ch. 8 (linked tables).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from amparo.standard import variables
from amparo.standard.errors import AmparoError
from amparo.statistics.national import subregion_codes

TOTAL = variables.TOTAL
UNSURE = frozenset({variables.NOT_RECORDED, variables.UNKNOWN})

MERGED = ("other", variables.NOT_RECORDED, variables.UNKNOWN)
"""The codes that a table may show together as other or not recorded."""

Cell = tuple[str, tuple[tuple[str, str], ...]]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Relation:
    """``low <= whole - sum(parts) <= high``, in units of the cells."""

    whole: int
    parts: tuple[int, ...]
    low: float
    high: float
    firm: bool = True  # holds by the way the tables are counted; else only where the counts agree with it

    @property
    def cells(self) -> tuple[int, ...]:
        return (self.whole, *self.parts)


@dataclass(frozen=True)
class Shape:
    """One table's rows of codes, without its counts."""

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    rows: Sequence[tuple[str, ...]]
    complete: bool  # a combination without a row counts zero


@dataclass(frozen=True)
class Cells:
    """All distinct cells, the cell behind each row of each table, and the relations between cells."""

    names: tuple[Cell, ...]
    of_rows: tuple[Ints, ...]
    relations: tuple[Relation, ...]
    cubes: tuple[Ints, ...] = ()
    """Of each complete table whose dimensions all add up: the cell behind each combination of codes, the total
    last in every dimension; -1 where no record is. Shape (codes of the first dimension + 1, ...)."""


def matrix(relations: Sequence[Relation], cells: int) -> csr_array:
    """The relations as a sparse matrix (relations × cells): 1 for the whole, -1 for each part."""
    rows = np.repeat(np.arange(len(relations)), [1 + len(r.parts) for r in relations])
    columns = np.array([cell for r in relations for cell in r.cells], dtype=np.int64)
    signs = np.array([sign for r in relations for sign in (1.0, *[-1.0] * len(r.parts))])
    return csr_array((signs, (rows, columns)), shape=(len(relations), cells))


OF_THE_RECORD = frozenset({"year", "list"})
"""Dimensions that describe the record, not the person."""


def tell_nothing(names: Sequence[Cell]) -> npt.NDArray[np.bool_]:
    """The cells whose codes of a person all say that something is not recorded; shape (cells,).

    A cell without codes is the grand total, which tells how many there are.
    """

    def nothing(codes: tuple[tuple[str, str], ...]) -> bool:
        personal = [code for dim, code in codes if dim not in OF_THE_RECORD]
        return bool(personal) and all(code in variables.NO_INFORMATION for code in personal)

    return np.array([nothing(codes) for _, codes in names], dtype=np.bool_)


def label(cell: Cell) -> str:
    """A cell in words: ``victims: sex=female, year=2020``."""
    unit, codes = cell
    return f"{unit}: " + (", ".join(f"{dim}={code}" for dim, code in codes) or "grand total")


def gather(tables: Sequence[Shape]) -> Cells:
    """Find the cells of the tables and everything that ties them together.

    Raises
    ------
    AmparoError : a complete table does not show the total of some of its rows.
    """
    index: dict[Cell, int] = {}
    of_rows = []
    for table in tables:
        ids = [index.setdefault(_cell(table, codes), len(index)) for codes in table.rows]
        of_rows.append(np.array(ids, dtype=np.int64))
    relations: dict[Relation, None] = {}
    for table, ids_ in zip(tables, of_rows, strict=True):
        relations.update(dict.fromkeys(_totals(table, ids_, index)))
    for table, ids_ in zip(tables, of_rows, strict=True):
        relations.update(dict.fromkeys(_hierarchies(table, ids_, index)))
    relations.update(dict.fromkeys(_merged(index)))
    relations.update(dict.fromkeys(_subregions(index)))
    cubes = tuple(
        _cube(table, ids_)
        for table, ids_ in zip(tables, of_rows, strict=True)
        if table.complete and not table.overlapping
    )
    return Cells(tuple(index), tuple(of_rows), tuple(relations), cubes)


def _cube(table: Shape, ids: Ints) -> Ints:
    places = []
    for codes in zip(*table.rows, strict=True):
        order = sorted(set(codes) - {TOTAL})
        at = {code: k for k, code in enumerate([*order, TOTAL])}
        places.append([at[code] for code in codes])
    cube = np.full([max(place) + 1 for place in places], -1, dtype=np.int64)
    cube[tuple(places)] = ids
    return cube


def _cell(table: Shape, codes: Sequence[str]) -> Cell:
    shown = sorted(pair for pair in zip(table.dims, codes, strict=True) if pair[1] != TOTAL)
    return table.unit, tuple(shown)


def _totals(table: Shape, ids: Ints, index: dict[Cell, int]) -> Iterable[Relation]:
    for at, dim in enumerate(table.dims):
        parts: dict[tuple[str, ...], list[int]] = {}
        for codes, cell in zip(table.rows, ids.tolist(), strict=True):
            if codes[at] != TOTAL:
                parts.setdefault((*codes[:at], TOTAL, *codes[at + 1 :]), []).append(cell)
        for codes, inner in parts.items():
            whole = index.get(_cell(table, codes))
            if whole is None:
                if table.complete:
                    raise AmparoError(
                        f"The total over {dim} is not there: {label(_cell(table, codes))}.",
                        where=f"table {table.name}",
                        remedy="Tabulate the full cube, with totals in every dimension.",
                    )
                continue
            if dim not in table.overlapping:
                # A table that leaves out unpublished categories bounds its total from below only.
                yield Relation(whole, tuple(sorted(inner)), 0, 0 if table.complete else np.inf)
                continue
            for part in inner:
                yield Relation(whole, (part,), 0, np.inf)
            if table.complete:
                yield Relation(whole, tuple(sorted(inner)), -np.inf, 0, firm=False)


def _merged(index: dict[Cell, int]) -> Iterable[Relation]:
    """What one table shows as one category, "other or not recorded", and another shows apart."""
    for (unit, codes), whole in index.items():
        for at, (dim, code) in enumerate(codes):
            if code != variables.OTHER_OR_NOT_RECORDED:
                continue
            apart = [(unit, (*codes[:at], (dim, part), *codes[at + 1 :])) for part in MERGED]
            parts = tuple(sorted(index[cell] for cell in apart if cell in index))
            if parts:
                yield Relation(whole, parts, 0, 0)


BY_COUNTRY = frozenset({"origin", "destination"})
"""Dimensions of countries that other tables show by subregion, as ``<dimension>_subregion``."""


def _subregions(index: dict[Cell, int]) -> Iterable[Relation]:
    """Countries within the subregions of flows: each at most its subregion, together at least the subregion."""
    if not any(dim.endswith("_subregion") for _, codes in index for dim, _ in codes):
        return
    within = subregion_codes()
    families: dict[int, list[int]] = {}
    for (unit, codes), cell in index.items():
        if codes and all(dim in BY_COUNTRY for dim, _ in codes):
            coarse = tuple(sorted((f"{dim}_subregion", within.get(code, code)) for dim, code in codes))
            if (whole := index.get((unit, coarse))) is not None:
                families.setdefault(whole, []).append(cell)
    for whole, parts in families.items():
        for part in parts:
            yield Relation(whole, (part,), 0, np.inf, firm=False)
        yield Relation(whole, tuple(sorted(parts)), -np.inf, 0, firm=False)


def _age_groups() -> dict[str, str]:
    return {code.code: code.parent for code in variables.code_list("age_band").values() if code.parent}


# (finer dimension, coarser dimension, how to come from a code of the one to a code of the other)
HIERARCHIES: tuple[tuple[str, str, Callable[[], dict[str, str]]], ...] = (("age_band", "age_group", _age_groups),)


def _hierarchies(table: Shape, ids: Ints, index: dict[Cell, int]) -> Iterable[Relation]:
    for fine, coarse, parents in HIERARCHIES:
        if fine not in table.dims or coarse in table.dims or fine in table.overlapping:
            continue
        at = table.dims.index(fine)
        parent_of = parents()
        others = [dim for dim in table.dims if dim != fine]
        families: dict[tuple[str, ...], dict[str, list[int]]] = {}
        for codes, cell in zip(table.rows, ids.tolist(), strict=True):
            parent = "" if codes[at] in UNSURE else parent_of.get(codes[at])
            if parent is not None:
                family = families.setdefault((*codes[:at], *codes[at + 1 :]), {})
                family.setdefault(parent, []).append(cell)
        for rest, family in families.items():
            unsure = family.pop("", [])
            for parent, inner in family.items():
                pairs = [pair for pair in zip(others, rest, strict=True) if pair[1] != TOTAL]
                whole = index.get((table.unit, tuple(sorted([*pairs, (coarse, parent)]))))
                if whole is not None:
                    yield Relation(whole, tuple(sorted(inner)), 0, np.inf, firm=False)
                    if table.complete:
                        yield Relation(whole, tuple(sorted([*inner, *unsure])), -np.inf, 0, firm=False)
