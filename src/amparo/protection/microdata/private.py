"""Microdata that may not leave the house, and the codes by which the methods see them.

The categories come from a codebook, never from the records: a category that is known only because one person has
it would tell of that person. What is not recorded is a value of its own, and stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from amparo.protection.microdata.queries import Records
from amparo.standard.errors import AmparoError

Rule = Mapping[str, Collection[str | None]]
MOST_CODES = 10_000
MARK = "1"
"""What a column of a multi-valued field holds where its code was given."""


@dataclass(frozen=True, eq=False)
class PrivateMicrodata:
    """One record per person, in columns of codes.

    Parameters
    ----------
    frame : the columns of ``categories``, strings, null where not recorded. Other columns are left out.
    categories : the codes that each column may have, from its codebook.
    impossible : structural zeros, from the codebook as well. A rule names columns and values (None: not recorded);
        no record can meet all of a rule.
    person : a column that tells persons apart; nobody may have two records. It is not kept.
    notes : sentences on the records that must stand among the words of every release of them.

    Raises
    ------
    AmparoError : a column is missing, holds something else than its codes, a person has two records, a rule names
        what is not in the codebook, or records break a rule. Values are not repeated, for they are private.
    """

    frame: pd.DataFrame = field(repr=False)
    categories: Mapping[str, tuple[str, ...]]
    impossible: tuple[Rule, ...] = ()
    person: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.categories or not len(self.frame):
            raise AmparoError("There are no records, or no columns.", remedy="Give one row per person.")
        for column in [*self.categories, *([self.person] if self.person else [])]:
            if column not in self.frame:
                raise AmparoError("The column is missing.", where=column, remedy="Leave it out of the codebook too.")
        if self.person and (self.frame[self.person].isna().any() or self.frame[self.person].duplicated().any()):
            raise AmparoError(
                "A person has two records, or a record has no person; nothing can be promised to them.",
                where=self.person,
                remedy="Link the records first, and give one row per person.",
            )
        for column, codes in self.categories.items():
            if not codes or len(set(codes)) != len(codes):
                raise AmparoError("The codebook has no code, or one twice.", where=column, remedy="List each once.")
            if len(codes) > MOST_CODES:
                raise AmparoError(
                    f"The codebook has {len(codes)} codes.", where=column, remedy=f"Group them to {MOST_CODES} at most."
                )
            strange = int((~self.frame[column].isin(codes) & self.frame[column].notna()).sum())
            if strange:
                raise AmparoError(
                    f"{strange} records have a value that the codebook does not list.",
                    where=column,
                    remedy="Add the code to the codebook, or mend the records.",
                )
        self._check_rules()
        kept = self.frame[list(self.categories)].astype(object).reset_index(drop=True)
        object.__setattr__(self, "frame", kept.where(kept.notna(), None))

    def _check_rules(self) -> None:
        for rule in self.impossible:
            for column, values in rule.items():
                if column not in self.categories or not set(values) <= {None, *self.categories[column]}:
                    raise AmparoError(
                        "A rule on what is impossible names what the codebook does not list.",
                        where=column,
                        remedy="Use the columns and codes of the codebook, and None for not recorded.",
                    )
        broken = int((~self.possible(self.codes())).sum())
        if broken:
            raise AmparoError(
                f"{broken} records are of a kind that a rule calls impossible.",
                remedy="Mend those records, or drop the rule: what happens is not impossible.",
            )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each column, not recorded among them."""
        return tuple(len(codes) + 1 for codes in self.categories.values())

    def codes(self) -> npt.NDArray[np.int16]:
        """Shape (persons, columns): the place of each value in its column's codes; the last is not recorded."""
        return self.coded(self.frame)

    def coded(self, frame: pd.DataFrame) -> npt.NDArray[np.int16]:
        """The same for any frame of these columns."""
        columns = [
            pd.Categorical(frame[column], categories=list(codes)).codes % (len(codes) + 1)
            for column, codes in self.categories.items()
        ]
        return np.column_stack(columns).astype(np.int16)

    def records(self) -> Records:
        """The records as the queries read them."""
        return Records.of(self.codes(), self.shape)

    def decode(self, codes: npt.NDArray[np.int16]) -> pd.DataFrame:
        """Codes of the same columns back in words; null where not recorded."""
        return pd.DataFrame(
            {
                column: np.array([*names, None], dtype=object)[codes[:, k]]
                for k, (column, names) in enumerate(self.categories.items())
            }
        )

    def possible(self, codes: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
        """Which rows of codes break no rule."""
        fine = np.ones(len(codes), dtype=np.bool_)
        places = {column: k for k, column in enumerate(self.categories)}
        for rule in self.impossible:
            met = np.ones(len(codes), dtype=np.bool_)
            for column, values in rule.items():
                known = self.categories[column]
                wanted = [len(known) if value is None else known.index(value) for value in values]
                met &= np.isin(codes[:, places[column]], wanted)
            fine &= ~met
        return fine


def spread(
    frame: pd.DataFrame, categories: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Multi-valued fields as one column per code, ``field=code``, with MARK where the code holds, else null.

    Parameters
    ----------
    frame : ``categories`` names its multi-valued fields, whose cells are lists of codes or null.
    categories : the codes of each such field.

    Returns
    -------
    The new columns only, with the index of ``frame``, and their categories.

    Raises
    ------
    AmparoError : a cell lists a code that the codebook does not have.
    """
    columns: dict[str, object] = {}
    for name, codes in categories.items():
        cells = [frozenset() if cell is None or cell is pd.NA else frozenset(cell) for cell in frame[name]]
        if any(not cell <= set(codes) for cell in cells):
            raise AmparoError(
                "A cell lists a code that is not in the codebook.", where=name, remedy="Add the code to the codebook."
            )
        for code in codes:
            columns[f"{name}={code}"] = np.array([MARK if code in cell else None for cell in cells], dtype=object)
    return pd.DataFrame(columns, index=frame.index), dict.fromkeys(columns, (MARK,))
