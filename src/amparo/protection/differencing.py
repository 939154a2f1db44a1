"""What a new release tells beside those that are already out.

Each release withholds enough by itself. Two of them may not: a count shown in one and withheld in the other; a table
of women beside tables of all, whose difference is the few men; the same table a month later, whose difference is the
few persons who came in between. Before a release goes out, the outsider is therefore given all earlier ones about the
same population as well:

- *of the same data*, in one audit: the cells of all releases are one set of cells (those of a part of the population,
  such as women only, are the same cells as those of sex = female in the others), tied by all their totals;
- *of other data*, by difference: the change of each cell between the two is itself a table, which adds up as the
  counts do. What an outsider can derive of it are new (or gone) persons, and a few of them are a small count.

A cell counts as told where an outsider has it to fewer values than the threshold, small ones among them, and could not
have it from any of the releases alone. The strictest threshold of the releases together applies. What is found names
cells and releases, never counts.

Not seen here: other publishers' tables, and populations that overlap but bear different names.

Source: Hundepool et al. (2012), Statistical Disclosure Control, sec. 4.3.5 (linked tables) and 6.2 (differencing);
Duncan, Elliot & Salazar-González (2011), Statistical Confidentiality, ch. 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array

from amparo.protection.cells import Cell, Shape, gather, label, tell_nothing
from amparo.protection.whole_counts import System, set_aside, whole_bounds, without

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ShownTable:
    """A table as it was shown: ``frame`` has the columns ``dims``, ``lower``, ``upper`` (null where withheld)."""

    name: str
    unit: str
    dims: tuple[str, ...]
    overlapping: frozenset[str]
    complete: bool
    frame: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Shown:
    """A release as it was shown.

    Parameters
    ----------
    release : its id in the ledger, or "this release".
    data : hash of what it was counted from; releases of equal ``data`` are audited as one.
    within : the part of the population that it is about, such as ``{"sex": "female"}``; empty for all of it.
    threshold : how many counts its rule leaves open of a small one: the smallest count that a threshold shows, the
        base of a rounding, one more than the largest noise.
    """

    release: str
    data: str
    within: Mapping[str, str]
    threshold: int
    tables: tuple[ShownTable, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that a release would tell beside earlier ones; ``releases`` are the earlier ones."""

    cell: str
    releases: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.cell}: {self.what} (beside {', '.join(self.releases)})"


def differences(new: Shown, earlier: Sequence[Shown]) -> list[Finding]:
    """What the new release tells together with the earlier ones about the same population, and none alone.

    Parameters
    ----------
    earlier : all that is out about the population, of whatever data.

    Returns
    -------
    Findings in a fixed order; none where nothing more is told than the earlier ones tell already. Counts of two
    releases of the same data that contradict each other are a finding too: one of them is then wrong or blurred, and
    their comparison tells which.
    """
    same = [shown for shown in earlier if shown.data == new.data]
    findings = _beside_same_data(new, same)
    versions = sorted({shown.data for shown in earlier} - {new.data})
    for data in versions:
        findings += _beside_other_data(new, same, [shown for shown in earlier if shown.data == data])
    return list(dict.fromkeys(findings))


_Part = tuple[tuple[str, str], ...]
_Sum = tuple[tuple[int, ...], float, float]
"""The whole, then its parts; lowest and highest of whole less parts."""


@dataclass(frozen=True)
class _Joint:
    """All cells of some releases with what is shown of them."""

    names: tuple[Cell, ...]
    sums: Mapping[_Sum, bool]  # whether it holds by the way the tables are counted
    lower: Floats
    upper: Floats
    open_in: Mapping[int, tuple[str, ...]]
    complements: Ints
    contradictions: tuple[int, ...]

    def solved(self) -> tuple[Floats, Floats]:
        """The interval of each cell that an outsider can derive."""
        return _intervals(self.sums, self.lower, self.upper)


def _intervals(sums: Mapping[_Sum, bool], lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    system = _system(list(sums), len(lower))
    # Sums that need not hold go first where not all can be true.
    out = set_aside(system, lower, upper, np.array([float(firm) for firm in sums.values()]))
    return whole_bounds(without(system, out), lower, upper, lower < upper)


def _joint(shown: Sequence[Shown], index: dict[Cell, int]) -> _Joint:
    """Cells of a part of a population get its codes, so that they are the cells that the others show.

    ``index`` numbers the cells; it is added to. A cell of it that a complete table of these releases could have, and
    has not, counts zero.
    """
    sums: dict[_Sum, bool] = {}
    cells_of: dict[_Part, list[Cell]] = {}
    bounds: list[tuple[int, float, float]] = []
    open_: dict[int, list[str]] = {}
    complete: list[tuple[str, set[tuple[str, str]], _Part, set[int]]] = []
    for part in sorted({tuple(sorted(item.within.items())) for item in shown}):
        of_part = [item for item in shown if tuple(sorted(item.within.items())) == part]
        tables = [(item, table) for item in of_part for table in item.tables]
        cells = gather(
            [
                Shape(
                    f"{item.release}/{table.name}", table.unit, table.dims, table.overlapping,
                    list(table.frame[list(table.dims)].astype(str).itertuples(index=False, name=None)), table.complete,
                )
                for item, table in tables
            ]
        )  # fmt: skip
        own = [index.setdefault(_within(name, part), len(index)) for name in cells.names]
        cells_of[part] = [_within(name, part) for name in cells.names]
        for relation in cells.relations:
            key = (own[relation.whole], *sorted(own[p] for p in relation.parts))
            sums[(key, relation.low, relation.high)] = relation.firm
        for (item, table), ids in zip(tables, cells.of_rows, strict=True):
            lows = table.frame["lower"].astype("Float64").fillna(1.0).to_numpy(dtype=np.float64)
            highs = table.frame["upper"].astype("Float64").fillna(np.inf).to_numpy(dtype=np.float64)
            for cell, low, high in zip(ids.tolist(), lows, highs, strict=True):
                bounds.append((own[cell], float(low), float(high)))
                if low < high:
                    open_.setdefault(own[cell], []).append(item.release)
            if table.complete:
                codes = {(dim, code) for dim in table.dims for code in table.frame[dim].astype(str)}
                complete.append((table.unit, codes | set(part), part, {own[cell] for cell in ids.tolist()}))
    rest = _complements(cells_of, index, sums)
    lower, upper = np.zeros(len(index)), np.full(len(index), np.inf)
    at = np.array([cell for cell, _, _ in bounds], dtype=np.int64)
    np.maximum.at(lower, at, np.array([low for _, low, _ in bounds]))
    np.minimum.at(upper, at, np.array([high for _, _, high in bounds]))
    for unit, codes, part, there in complete:
        # Codes that the table does not know may be merged into others, and say nothing.
        for name, cell in index.items():
            if cell not in there and name[0] == unit and set(part) <= set(name[1]) <= codes:
                upper[cell] = 0.0
    wrong = np.flatnonzero(lower > upper)
    lower[wrong], upper[wrong] = 0.0, np.inf
    names = {cell: tuple(dict.fromkeys(releases)) for cell, releases in open_.items()}
    return _Joint(tuple(index), sums, lower, upper, names, rest, tuple(wrong.tolist()))


def _complements(cells_of: Mapping[_Part, Sequence[Cell]], index: dict[Cell, int], sums: dict[_Sum, bool]) -> Ints:
    """Those outside a part of the population: everybody less the part, where both are counted alike.

    Nobody shows them, but whoever has both tables subtracts.
    """
    found = []
    for part, whole_part in product(cells_of, cells_of):
        if not set(whole_part) < set(part):
            continue
        outside = tuple(sorted(set(part) - set(whole_part)))
        words = ", ".join(f"{dim}={code}" for dim, code in outside)
        of_whole = set(cells_of[whole_part])
        for unit, codes in cells_of[part]:
            whole = (unit, tuple(sorted(set(codes) - set(outside))))
            if whole in of_whole:
                rest = index.setdefault((unit, (*whole[1], ("outside", words))), len(index))
                key = (index[whole], *sorted((index[unit, codes], rest)))
                sums[(key, 0.0, 0.0)] = True
                found.append(rest)
    return np.array(found, dtype=np.int64)


def _within(name: Cell, part: _Part) -> Cell:
    unit, codes = name
    return unit, tuple(sorted(dict([*codes, *part]).items()))


def _system(sums: Sequence[_Sum], size: int) -> System:
    rows = np.repeat(np.arange(len(sums)), [len(cells) for cells, _, _ in sums])
    columns = np.array([cell for cells, _, _ in sums for cell in cells], dtype=np.int64)
    signs = np.array([1.0 if at == 0 else -1.0 for cells, _, _ in sums for at in range(len(cells))])
    matrix = csr_array(coo_array((signs, (rows, columns)), shape=(len(sums), size)))
    return System(matrix, np.array([low for _, low, _ in sums]), np.array([high for _, _, high in sums]))


def _told(lower: Floats, upper: Floats, threshold: int) -> Bools:
    """Fewer values than the threshold are left, and small counts are among them (or were, on either side of none)."""
    small = ((upper >= 1) & (lower < threshold)) | ((lower <= -1) & (upper > -threshold))
    narrow = upper - lower + 1 < threshold
    told: Bools = small & narrow & ~((lower == 0) & (upper == 0))
    return told


def _beside_same_data(new: Shown, same: Sequence[Shown]) -> list[Finding]:
    if not same:
        return []
    threshold = max(item.threshold for item in (new, *same))
    findings, told = _joint_findings(new, same, threshold)
    if not told:
        return findings
    # Who is it? First each earlier release alone with this one, then all together.
    blamed: dict[Cell, list[str]] = {}
    if len(same) > 1:
        for item in same:
            for cell in _joint_findings(new, [item], threshold)[1]:
                blamed.setdefault(cell, []).append(item.release)
    everybody = tuple(item.release for item in same)
    for cell, what in told.items():
        findings.append(Finding(label(cell), tuple(blamed.get(cell, everybody)), what))
    return findings


def _joint_findings(new: Shown, same: Sequence[Shown], threshold: int) -> tuple[list[Finding], dict[Cell, str]]:
    joint = _joint([new, *same], {})
    others = tuple(item.release for item in same)
    before = _joint(same, {})
    told_before = {before.names[cell] for cell in before.contradictions}
    findings = [
        Finding(label(joint.names[cell]), others, "releases of the same data show different counts")
        for cell in joint.contradictions
        if joint.names[cell] not in told_before
    ]
    lower, upper = joint.solved()
    hidden = np.zeros(len(joint.names), dtype=np.bool_)
    hidden[list(joint.open_in)] = True
    hidden[joint.complements] = True
    told = _told(lower, upper, threshold) & hidden & ~tell_nothing(joint.names)
    # What the new release gives away by itself, or the earlier ones without it, is not told by their difference.
    for without_others in (_joint([new], {}), before):
        low, high = without_others.solved()
        width = {name: float(h - lo) for name, lo, h in zip(without_others.names, low, high, strict=True)}
        known = [*without_others.open_in, *without_others.complements.tolist()]
        open_there = {without_others.names[cell] for cell in known}
        for cell in np.flatnonzero(told).tolist():
            name = joint.names[cell]
            told[cell] = not (name in open_there and width[name] <= upper[cell] - lower[cell])
    words = {}
    for cell in np.flatnonzero(told).tolist():
        if cell not in joint.open_in:
            words[joint.names[cell]] = f"everybody less the part leaves fewer than {threshold} possible counts"
            continue
        by = ", ".join(joint.open_in[cell])
        words[joint.names[cell]] = (
            f"not shown by {by}, shown by another, and smaller than the threshold of {threshold}"
            if joint.lower[cell] == joint.upper[cell]
            else f"not shown by {by}, yet together the releases leave fewer than {threshold} possible counts"
        )
    return findings, words


def _beside_other_data(new: Shown, same: Sequence[Shown], old: Sequence[Shown]) -> list[Finding]:
    """Few new persons, or few gone, between the releases of two versions of the data."""
    threshold = max(item.threshold for item in (new, *same, *old))
    told = _few_who_came([new, *same], old, threshold)
    before = _few_who_came(same, old, threshold) if same else {}
    others = tuple(item.release for item in old)
    what = f"the difference to the earlier data tells of fewer than {threshold} persons who came or went"
    return [Finding(label(name), others, what) for name, width in told.items() if before.get(name, np.inf) > width]


def _few_who_came(new: Sequence[Shown], old: Sequence[Shown], threshold: int) -> dict[Cell, float]:
    """The cells whose change an outsider has to a few persons, with the width of what is left open."""
    index: dict[Cell, int] = {}
    _joint(new, index)
    before = _joint(old, index)
    after = _joint(new, index)
    low_before, high_before = before.solved()
    low_after, high_after = after.solved()
    least, most = low_after - high_before, high_after - low_before
    both = (low_before == high_before) & (low_after == high_after)
    # Where no shown count has fallen, an outsider takes it that records were only added.
    grown = bool((least[both] >= 0).all())
    if grown:
        least = np.maximum(least, 0.0)
    # Differences add up as counts do; where records were only added, they are themselves counts of persons.
    shared = {key: firm for key, firm in before.sums.items() if key in after.sums and (grown or key[1] == key[2] == 0)}
    lower, upper = _intervals(shared, least, most)
    told = _told(lower, upper, threshold) & ~tell_nothing(after.names)
    # Who had nobody before is protected by the rule of the new release.
    told &= ~((low_before == 0) & (high_before == 0))
    return {after.names[cell]: float(upper[cell] - lower[cell]) for cell in np.flatnonzero(told).tolist()}
