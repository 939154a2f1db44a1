"""Capture histories: how many persons are on which lists, in the linkage and in each plausible linkage drawn.

The draws carry the uncertainty of linking into the estimate of the undetected (multiple imputation): the table has a
column ``draw``, and ``amparo prevalence`` combines what each draw gives.

Source: Sadinle (2018), Annals of Applied Statistics 12, 1013-1038.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from amparo.linkage.persons import Persons

IMPUTATIONS = 20


def capture_histories(persons: Persons) -> pd.DataFrame:
    """Persons by capture history in the most plausible linkage.

    Returns
    -------
    One 0/1 column per list, and ``persons``; only histories that occur.
    """
    return _histories(persons, persons.linkage.persons)


def drawn_histories(persons: Persons, *, draws: int = IMPUTATIONS) -> pd.DataFrame:
    """The same for each of ``draws`` plausible linkages, with a column ``draw`` from 1 on."""
    every = max(len(persons.linkage.draws) // draws, 1)
    chosen = persons.linkage.draws[::every][:draws]
    tables = [_histories(persons, row) for row in chosen]
    for number, table in enumerate(tables, start=1):
        table.insert(len(table.columns) - 1, "draw", number)
    return pd.concat(tables, ignore_index=True)


def _histories(persons: Persons, person: NDArray[np.int64]) -> pd.DataFrame:
    lists = persons.lists
    place = {name: at for at, name in enumerate(lists)}
    column = np.array([place[name] for name in persons.records["list"].to_pylist()])
    on = np.zeros((int(person.max()) + 1, len(lists)), dtype=np.int64)
    on[person, column] = 1
    frame = pd.DataFrame(on, columns=list(lists))
    counted = frame.groupby(list(lists), sort=True).size()
    return counted.rename("persons").reset_index()
