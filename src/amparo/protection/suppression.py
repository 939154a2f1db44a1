"""Which cells to withhold: those that the rule names, and those that would give them away.

Primary cells are counts of 1 to threshold - 1, but for those that tell nothing of a person: how many records of a
year or a list leave something unrecorded. A shown total less its shown parts gives a single withheld part away,
so further cells are withheld until an outsider's interval for every primary cell is as wide as the rule asks. First
by a quick look at each total alone, then by linear programmes over all totals of all tables together; where these
find a cell too narrow, one more cell is withheld and they look again.

The protection that a primary cell needs is a sliding one: its feasible interval must hold at least ``threshold``
whole numbers, so that nothing narrower than the rule itself is learnt.

Source: Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.3 and 4.4 (hypercube and network heuristics);
Fischetti & Salazar (2001), Management Science 47, 1008-1027 (the attacker's programme).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from amparo.protection.audit import determined, shortfalls
from amparo.protection.cells import Cells, Relation, Shape, gather, label
from amparo.standard.errors import AmparoError
from amparo.standard.variables import NO_INFORMATION
from amparo.statistics.tables import PrivateTable

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def withheld_cells(private: Sequence[PrivateTable], threshold: int) -> list[Bools]:
    """For each table, which of its rows must not be shown.

    Parameters
    ----------
    private : all tables that are shown side by side.
    threshold : the smallest count that may be shown; zeros are shown.

    Raises
    ------
    AmparoError : two tables disagree on a cell, or a total is not the sum of its parts.
    """
    cells = gather([Shape(t.name, t.unit, t.dims, t.overlapping, list(_keys(t)), complete=True) for t in private])
    counts = _counts(private, cells)
    relations = _holding(cells, counts)
    withheld = (counts >= 1) & (counts < threshold) & ~_tell_nothing(cells)
    need = np.where(withheld, float(threshold - 1), 0.0)
    of_cell: dict[int, list[Relation]] = {}
    for relation in relations:
        for cell in relation.cells:
            of_cell.setdefault(cell, []).append(relation)
    _close_totals(cells, relations, counts, withheld)
    seen = (counts.copy(), counts.copy())
    while short := shortfalls(cells, relations, counts, withheld, need, seen):
        before = int(withheld.sum())
        for shortfall in short:
            _withhold_one_more(shortfall.held_by, counts, withheld)
        if int(withheld.sum()) == before:
            # All cells around are hidden already: go one relation further out.
            for shortfall in short:
                further = [r for held in shortfall.held_by for cell in held.cells for r in of_cell[cell]]
                _withhold_one_more(further, counts, withheld)
        if int(withheld.sum()) == before:
            raise AmparoError(
                f"Nothing is left to withhold that could guard {label(cells.names[short[0].cell])}.",
                remedy="Publish fewer categories, or a lower threshold.",
            )
        _close_totals(cells, relations, counts, withheld)
    # A guard that can be worked out guards nothing: hiding it only makes the tables harder to read.
    doubtful = withheld & (need == 0) & (seen[0] == seen[1])
    withheld &= ~determined(cells, relations, counts, withheld, doubtful)
    return [withheld[ids] for ids in cells.of_rows]


OF_THE_RECORD = frozenset({"year", "list"})
"""Dimensions that describe the record, not the person."""


def _tell_nothing(cells: Cells) -> Bools:
    """Cells whose codes all say that something is not recorded; a cell without codes is the grand total."""

    def nothing(codes: tuple[tuple[str, str], ...]) -> bool:
        personal = [code for dim, code in codes if dim not in OF_THE_RECORD]
        return bool(personal) and all(code in NO_INFORMATION for code in personal)

    return np.array([nothing(codes) for _, codes in cells.names], dtype=np.bool_)


def _keys(table: PrivateTable) -> Iterable[tuple[str, ...]]:
    return table.frame[list(table.dims)].astype(str).itertuples(index=False, name=None)


def _counts(private: Sequence[PrivateTable], cells: Cells) -> Floats:
    """The true count of each cell."""
    counts = np.full(len(cells.names), np.nan)
    for table, ids in zip(private, cells.of_rows, strict=True):
        values = table.frame["count"].to_numpy(dtype=np.float64)
        differs = ~np.isnan(counts[ids]) & (counts[ids] != values)
        if differs.any():
            cell = cells.names[int(ids[np.flatnonzero(differs)[0]])]
            raise AmparoError(
                f"Two tables show different counts of {label(cell)}.",
                where=f"table {table.name}",
                remedy="Make all tables of a release from the same records.",
            )
        counts[ids] = values
    return counts


def _holding(cells: Cells, counts: Floats) -> list[Relation]:
    """The relations that an outsider may rely on: the firm ones, and those that the counts agree with.

    Raises
    ------
    AmparoError : a firm relation does not hold, so the tables are not what they say.
    """
    holding = []
    for relation in cells.relations:
        rest = counts[relation.whole] - counts[list(relation.parts)].sum()
        if relation.low <= rest <= relation.high:
            holding.append(relation)
            # Categories may hold at once, yet here nobody holds two: whoever guesses so subtracts, and is right.
            if relation.low == -np.inf and rest == 0:
                holding.append(Relation(relation.whole, relation.parts, 0, 0, firm=False))
        elif relation.firm:
            raise AmparoError(
                f"The parts of {label(cells.names[relation.whole])} do not add up to it.",
                remedy="Name dimensions whose categories may hold at once as overlapping.",
            )
    return holding


def _close_totals(cells: Cells, relations: Sequence[Relation], counts: Floats, withheld: Bools) -> None:
    """Withhold a partner wherever a total and its parts have just one withheld cell between them.

    Where that cell is a remainder, such as other or not recorded, its partner is the total: readers miss the sum of
    women, men and a few others less than they would miss the men.
    """
    additive = [(r, _remainders(cells, r)) for r in relations if r.low == r.high == 0]
    changed = True
    while changed:
        changed = False
        for relation, remainders in additive:
            hidden = [cell for cell in relation.cells if withheld[cell]]
            if len(hidden) == 1:
                total_first = hidden[0] in remainders
                changed |= _withhold_one_more([relation], counts, withheld, total_first=total_first)


def _remainders(cells: Cells, relation: Relation) -> frozenset[int]:
    """The parts that differ from their total by a code of a person's that tells nothing.

    None where other tables show the total too, nor for what a record leaves out: the totals of a year, and over all
    years, matter most of all.
    """
    if sum(bool((ids == relation.whole).any()) for ids in cells.of_rows) > 1:
        return frozenset()
    whole = set(cells.names[relation.whole][1])

    def is_remainder(part: int) -> bool:
        return all(
            dim not in OF_THE_RECORD and code in NO_INFORMATION for dim, code in set(cells.names[part][1]) - whole
        )

    return frozenset(part for part in relation.parts if is_remainder(part))


def _withhold_one_more(
    relations: Iterable[Relation], counts: Floats, withheld: Bools, *, total_first: bool = False
) -> bool:
    """Withhold the smallest shown cell of the relations, a part rather than a total; False if none is left.

    Zeros stay: an outsider knows that what is withheld is at least one.
    """
    candidates = {
        ((cell == relation.whole) != total_first, counts[cell], cell)
        for relation in relations
        for cell in relation.cells
        if counts[cell] > 0 and not withheld[cell]
    }
    if not candidates:
        return False
    withheld[min(candidates)[2]] = True
    return True
