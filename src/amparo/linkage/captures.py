"""Capture histories: how many persons are on which lists, in the linkage and in each plausible linkage drawn.

The draws carry the uncertainty of linking into the estimate of the undetected (multiple imputation): the table has a
column ``draw``, and ``amparo prevalence`` combines what each draw gives.

Source: Sadinle (2018), Annals of Applied Statistics 12, 1013-1038.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from amparo.linkage.persons import Persons

IMPUTATIONS = 20
STRATA = ("sex",)
"""Variables by which the table can be split, where the records have them."""


def capture_histories(persons: Persons, *, strata: Sequence[str] = ()) -> pd.DataFrame:
    """Persons by capture history in the most plausible linkage.

    Returns
    -------
    One 0/1 column per list, the strata, ``persons``; only histories that occur.
    """
    return _histories(persons, persons.linkage.persons, strata)


def drawn_histories(persons: Persons, *, draws: int = IMPUTATIONS, strata: Sequence[str] = ()) -> pd.DataFrame:
    """The same for each of ``draws`` plausible linkages, with a column ``draw`` from 1 on."""
    every = max(len(persons.linkage.draws) // draws, 1)
    chosen = persons.linkage.draws[::every][:draws]
    tables = [_histories(persons, row, strata) for row in chosen]
    for number, table in enumerate(tables, start=1):
        table.insert(len(table.columns) - 1, "draw", number)
    return pd.concat(tables, ignore_index=True)


def _histories(persons: Persons, person: NDArray[np.int64], strata: Sequence[str]) -> pd.DataFrame:
    lists = persons.lists
    place = {name: at for at, name in enumerate(lists)}
    column = np.array([place[name] for name in persons.records["list"].to_pylist()])
    on = np.zeros((int(person.max()) + 1, len(lists)), dtype=np.int64)
    on[person, column] = 1
    frame = pd.DataFrame(on, columns=list(lists))
    for name in strata:
        frame[name] = _most_common(persons.records[name], person, len(frame))
    counted = frame.groupby([*lists, *strata], sort=True).size()
    return counted.rename("persons").reset_index()


def _most_common(column: pa.ChunkedArray, person: NDArray[np.int64], count: int) -> list[str]:
    """The code that most records of a person have; the first in the alphabet of equally common ones."""
    codes: list[dict[str, int]] = [{} for _ in range(count)]
    for who, cell in zip(person.tolist(), column.to_pylist(), strict=True):
        for code in cell if isinstance(cell, list) else [cell]:
            if code is not None:
                codes[who][code] = codes[who].get(code, 0) + 1
    return [min(found, key=lambda code: (-found[code], code)) if found else "unknown" for found in codes]
