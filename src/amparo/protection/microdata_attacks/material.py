"""What an attack needs: three tables of codes in one coding, and distances between their records.

``original`` was used to make the release, ``holdout`` comes from the same population and was not, ``released``
is what the outsider holds. Records that agree in every column are one *pattern*: coded data repeat few
patterns (the 91,043 CTDC-shaped records have 6,219), and every attack works on patterns with their records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from amparo.standard.errors import AmparoError

Codes = NDArray[np.uint16]
Ids = NDArray[np.int64]
MISSING = 0
"""The code of a cell without a value."""
FEWEST_HOLDOUT = 400
"""A quarter of the holdout sets the threshold of a membership attack at one false alarm in a hundred."""
BLOCK = 1 << 20
"""Distances computed at once; they fit a processor's cache."""


@dataclass(frozen=True)
class Material:
    """Three tables as patterns of codes.

    ``rows`` (patterns × columns) has each pattern once; ``sizes`` (columns) the number of codes of each column,
    ``MISSING`` included. ``original``, ``holdout`` and ``released`` give the pattern of each record.
    The holdout is divided by chance: ``reference`` is what the outsider knows of the population (half of it),
    ``calibration`` sets thresholds and ``control`` is attacked in place of the original (a quarter each).
    """

    columns: tuple[str, ...]
    sizes: Ids
    rows: Codes
    original: Ids
    holdout: Ids
    released: Ids
    reference: Ids
    calibration: Ids
    control: Ids

    def places(self, names: Sequence[str] | None) -> list[int]:
        """Where the named columns stand; all columns for None.

        Raises
        ------
        AmparoError : there is no such column.
        """
        names = list(self.columns if names is None else names)
        known(names, self.columns)
        return [self.columns.index(name) for name in names]

    def counts(self, ids: Ids) -> Ids:
        """Records of each pattern among ``ids``."""
        return np.bincount(ids, minlength=len(self.rows))

    def rare(self) -> NDArray[np.bool_]:
        """The patterns that nobody in the reference has: its outliers, whom an average hides.

        The reference is neither attacked nor used in making the release, so that the choice favours nobody.
        """
        return np.asarray(self.counts(self.reference) == 0)

    def targets(self, ids: Ids, most: int, rng: np.random.Generator, *, rare: bool) -> Ids:
        """At most ``most`` records of ``ids`` to attack, drawn without replacement; only rare ones if so asked."""
        if rare:
            ids = ids[self.rare()[ids]]
        return rng.permutation(ids)[:most]


def prepare(original: pd.DataFrame, holdout: pd.DataFrame, released: pd.DataFrame, *, seed: int) -> Material:
    """Code three tables alike and divide the holdout.

    Parameters
    ----------
    original, holdout, released : records × the same columns of codes; a missing cell is a code of its own here,
        since the outsider sees it. Sizes may differ.
    seed : of the division of the holdout.

    Raises
    ------
    AmparoError : the columns differ, a table is empty, the holdout is too small, or the codes of a column have
        nothing in common (texts here and numbers there would look like perfect safety).
    """
    if len(holdout) < FEWEST_HOLDOUT:
        raise AmparoError(
            f"The holdout has {len(holdout)} records; fewer than {FEWEST_HOLDOUT} cannot tell a leak from chance.",
            remedy="Keep more records out when making the release.",
        )
    coded, sizes = encode({"original": original, "holdout": holdout, "released": released})
    rows, (of_original, of_holdout, of_released) = patterns(coded, sizes)
    shuffled = np.random.default_rng(seed).permutation(of_holdout)
    half, three_quarters = len(shuffled) // 2, 3 * len(shuffled) // 4
    return Material(
        columns=tuple(map(str, original.columns)),
        sizes=sizes,
        rows=rows,
        original=of_original,
        holdout=of_holdout,
        released=of_released,
        reference=shuffled[:half],
        calibration=shuffled[half:three_quarters],
        control=shuffled[three_quarters:],
    )


def encode(tables: dict[str, pd.DataFrame]) -> tuple[list[Codes], Ids]:
    """The tables as codes of 1 and above, alike in all, 0 where missing; and the number of codes per column.

    Parameters
    ----------
    tables : by name (for errors), with the same columns in any order; the first gives the order.

    Raises
    ------
    AmparoError : as :func:`prepare`.
    """
    first, *others = tables
    columns = list(tables[first].columns)
    if not columns or len(set(columns)) != len(columns):
        raise AmparoError("Columns must be there, each once.", remedy="Rename or drop columns.", where=first)
    for name, table in tables.items():
        if not len(table):
            raise AmparoError("The table has no records.", remedy="Give at least one.", where=name)
        if set(table.columns) != set(columns) or len(table.columns) != len(columns):
            odd = sorted(map(str, set(columns) ^ set(table.columns)))
            raise AmparoError(
                f"The columns differ from those of {first}: {', '.join(odd) or 'one of them stands twice'}.",
                remedy="Give the same columns in all tables.",
                where=name,
            )
    ends = np.cumsum([len(table) for table in tables.values()])
    codes = np.empty((int(ends[-1]), len(columns)), dtype=np.uint16)
    sizes = np.empty(len(columns), dtype=np.int64)
    for j, column in enumerate(columns):
        cells = pd.concat([table[column].astype(object) for table in tables.values()], ignore_index=True)
        found, values = pd.factorize(cells)
        if len(values) >= np.iinfo(np.uint16).max:
            raise AmparoError(
                f"{len(values)} different values are no codes.", remedy="Band them or drop it.", where=str(column)
            )
        codes[:, j] = found + 1
        sizes[j] = len(values) + 1
        parts = [set(np.unique(part).tolist()) - {MISSING} for part in np.split(codes[:, j], ends[:-1])]
        for name, part in zip(others, parts[1:], strict=True):
            if part and parts[0] and not part & parts[0]:
                raise AmparoError(
                    f'No value of column "{column}" is a value of {first}: '
                    f"{_some(tables[name][column])} here, {_some(tables[first][column])} there.",
                    remedy="Write the codes alike, with the same type.",
                    where=name,
                )
    return np.split(codes, ends[:-1]), sizes


def known(names: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse names that are no columns."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise AmparoError(
            f"No column {', '.join(map(str, unknown))}.", remedy=f"Columns are: {', '.join(map(str, columns))}."
        )


def _some(values: pd.Series) -> str:
    return repr(values.dropna().iloc[0])


def patterns(coded: Sequence[Codes], sizes: Ids) -> tuple[Codes, list[Ids]]:
    """The distinct records of all tables together, and the place of each record among them."""
    stacked = np.concatenate(coded)
    _, first, place = np.unique(keys(stacked, sizes), return_index=True, return_inverse=True)
    return stacked[first], list(np.split(place.astype(np.int64), np.cumsum([len(c) for c in coded])[:-1]))


def keys(codes: Codes, sizes: Ids) -> Ids:
    """One number per record, equal where the records are equal."""
    key = np.zeros(len(codes), dtype=np.int64)
    span = 1
    for j, size in enumerate(sizes.tolist()):
        if span * size >= 1 << 62:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            span = len(codes)
        key = key * size + codes[:, j]
        span *= size
    return key


def project(material: Material, columns: Sequence[int]) -> tuple[Codes, Ids]:
    """The distinct patterns in some columns only, and the place of each whole pattern among them."""
    chosen = list(columns)
    rows, (place,) = patterns([material.rows[:, chosen]], material.sizes[chosen])
    return rows, place


def distances(
    left: NDArray[np.unsignedinteger], right: NDArray[np.unsignedinteger]
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """How many columns differ between each of ``left`` (n × d) and each of ``right`` (m × d; d below 256).

    This is Gower's distance for codes, times d. Comes in blocks of rows of ``left``, to bound the memory.
    """
    if max(left.max(initial=0), right.max(initial=0)) <= np.iinfo(np.uint8).max:
        left, right = left.astype(np.uint8), right.astype(np.uint8)
    columns = np.ascontiguousarray(right.T)
    step = max(1, BLOCK // max(1, len(right)))
    for start in range(0, len(left), step):
        part = left[start : start + step]
        differ = np.zeros((len(part), len(right)), dtype=np.uint8)
        for j in range(left.shape[1]):
            differ += (part[:, j, None] != columns[j]).view(np.uint8)
        yield slice(start, start + len(part)), differ
