"""Who is alone in the original, and how much of that the release shows.

A combination of few columns that one person has (a unique), or fewer than ``rare_below`` (a rare one), is what an
outsider recognises somebody by (Skinner & Elliot 2002, A measure of disclosure risk for microdata, JRSS B 64,
855-867; Manning, Haglund & Motwani's special uniques: Elliot, Manning & Ford 2002). A release that has the
combination may show that person; or it may show another one, as an independent sample of the population would.
So each share is given for the holdout as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from amparo.protection.microdata_attacks.combinations import choose, marginals
from amparo.protection.microdata_attacks.material import Material, encode, keys, known

MOST_SETS = 5000
"""Sets of columns of one length that are read; all of them up to 19 columns and length 4 (3,876)."""


def rare_combinations(
    material: Material,
    quasi_identifiers: Sequence[str] | None = None,
    *,
    longest: int = 4,
    rare_below: int = 10,
    most_sets: int = MOST_SETS,
    seed: int = 0,
) -> pd.DataFrame:
    """Unique and rare combinations of the original, and those that the release shows again.

    Parameters
    ----------
    quasi_identifiers : columns that an outsider may know; by default all.
    longest : columns per combination, at most. rare_below : fewer records than this are rare.
    most_sets : sets of columns read per length, drawn by chance with ``seed`` where there are more.

    Returns
    -------
    One row per length (combinations of just that many columns, none missing):

    - ``column_sets`` read, ``of`` how many there are;
    - ``unique``, ``rare``: combinations that one, or 1 to ``rare_below`` - 1, of the original have;
    - ``unique_shown``, ``rare_shown``: those of them that some released record has;
    - ``invented``: combinations of the release that nobody in the original has;
    - ``people_unique``, ``people_rare``: share of the original's records with such a combination;
    - ``released_rare``, ``holdout_rare``: share of the released, and of the holdout's, records that have a
      combination which is rare in the original. About equal is what an independent sample does; the holdout's
      is the measure, not zero.
    """
    chosen = material.places(quasi_identifiers)
    rng = np.random.default_rng(seed)
    weights = [material.counts(ids) for ids in (material.original, material.released, material.holdout)]
    rows, sizes = material.rows[:, chosen], material.sizes[chosen]
    table = []
    for length in range(1, min(longest, len(chosen)) + 1):
        sets = choose(len(chosen), length, most_sets, rng)
        found = dict.fromkeys(("unique", "rare", "unique_shown", "rare_shown", "invented"), 0)
        has_unique, has_rare = (np.zeros(len(rows), dtype=np.bool_) for _ in range(2))
        for marginal in marginals(rows, sizes, weights, sets):
            original, released, _ = marginal.counts
            unique, rare = original == 1, (original >= 1) & (original < rare_below)
            found["unique"] += int(unique.sum())
            found["rare"] += int(rare.sum())
            found["unique_shown"] += int((unique & (released > 0)).sum())
            found["rare_shown"] += int((rare & (released > 0)).sum())
            found["invented"] += int(((original == 0) & (released > 0)).sum())
            has_unique |= marginal.of_patterns(unique)
            has_rare |= marginal.of_patterns(rare)
        original, released, holdout = weights
        table.append(
            {
                "length": length,
                "column_sets": len(sets),
                "of": math.comb(len(chosen), length),
                **found,
                "people_unique": float(original[has_unique].sum() / original.sum()),
                "people_rare": float(original[has_rare].sum() / original.sum()),
                "released_rare": float(released[has_rare].sum() / released.sum()),
                "holdout_rare": float(holdout[has_rare].sum() / holdout.sum()),
            }
        )
    return pd.DataFrame(table)


def k_anonymity(table: pd.DataFrame, quasi_identifiers: Sequence[str] | None = None) -> int:
    """The fewest records that are alike in all quasi-identifiers (by default all columns).

    A missing cell is a value of its own, which never makes the level look higher than it is to an outsider who sees
    where cells were withheld.

    Raises
    ------
    AmparoError : the table is empty, or a quasi-identifier is not a column.

    Source: Samarati & Sweeney (1998), Protecting privacy when disclosing information: k-anonymity, SRI-CSL-98-04.
    """
    names = list(table.columns if quasi_identifiers is None else quasi_identifiers)
    known(names, list(table.columns))
    (codes,), sizes = encode({"table": table[names]})
    return int(np.unique(keys(codes, sizes), return_counts=True)[1].min())
