"""Private tables written down by their cells, for attacks on what is made of them."""

from __future__ import annotations

import pandas as pd

from amparo.statistics.tables import PrivateTable


def table(name: str, dims: tuple[str, str], cells: dict[tuple[str, str], int]) -> PrivateTable:
    """A private table of two dimensions with its totals."""
    frame = pd.DataFrame([(*codes, count) for codes, count in cells.items()], columns=[*dims, "count"])
    margins = [frame]
    for dim in dims:
        margins.append(frame.assign(**{dim: "_T"}).groupby(list(dims), as_index=False)["count"].sum())
    margins.append(pd.DataFrame({dims[0]: ["_T"], dims[1]: ["_T"], "count": [frame["count"].sum()]}))
    return PrivateTable(name, "records", dims, frozenset(), pd.concat(margins, ignore_index=True), "counted")
