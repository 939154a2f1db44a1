"""What a linkage leaves behind, in a folder that stays private.

    persons.parquet        person of each record; pseudonyms only
    pairs.parquet          pairs that may be one person, with the bits of each comparison
    captures.csv           capture histories of the most plausible linkage
    captures-draws.csv     the same for plausible linkages drawn, for ``amparo prevalence``
    reviewed.csv           what people found of doubtful pairs
    linkage.txt            how good the linkage is, in words
    match-weights.svg      what each agreement tells (Splink)
    waterfall-N.svg        how doubtful pairs came by their weight (Splink), without what was compared

No name, and nothing that was made of one, is among them. Small counts stand in the capture histories, so they are no
release; ``amparo report --captures`` publishes the estimate.
"""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from amparo.linkage.captures import capture_histories, drawn_histories
from amparo.linkage.persons import Persons
from amparo.standard.errors import AmparoError
from amparo.standard.files import replace_whole

OWNER = 0o600
REVIEWED = "reviewed.csv"
WATERFALLS = 3


def write_linkage(persons: Persons, folder: Path) -> str:
    """Write all of it; each file is whole or not there. Gives what ``linkage.txt`` says."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ids = persons.records["record_id"].to_pylist()
    who = pd.DataFrame({"record_id": ids, "list": persons.records["list"].to_pylist(), "person_id": persons.person_ids})
    pairs = persons.pairs.frame.assign(log_odds=persons.log_odds, together=persons.linkage.together)
    told = (
        f"{len(ids):,} records of {len(persons.lists)} lists are {len(set(persons.person_ids)):,} persons.\n"
        f"{persons.quality.sentence}\n"
        f"Seed {persons.seed}; {len(persons.linkage.draws)} plausible linkages drawn.\n"
    )
    replace_whole(folder / "persons.parquet", _parquet(who), mode=OWNER)
    replace_whole(folder / "pairs.parquet", _parquet(pairs), mode=OWNER)
    for name, table in (("captures", capture_histories(persons)), ("captures-draws", drawn_histories(persons))):
        replace_whole(folder / f"{name}.csv", table.to_csv(index=False).encode(), mode=OWNER)
    replace_whole(folder / "linkage.txt", told.encode(), mode=OWNER)
    weights = persons.pairs.linker.visualisations.match_weights_chart()
    replace_whole(folder / "match-weights.svg", _svg(weights), mode=OWNER)
    if not persons.encoded:
        _waterfalls(persons, folder)
    return told


def _waterfalls(persons: Persons, folder: Path) -> None:
    """The most doubtful pairs, as Splink draws them."""
    linker = persons.pairs.linker
    left, right = persons.rows()
    doubtful = np.argsort(np.abs(persons.log_odds), kind="stable")[:WATERFALLS]
    for number, pair in enumerate(doubtful.tolist(), start=1):
        two = persons.records.take(pa.array([int(left[pair]), int(right[pair])]))
        compared = linker.inference.predict_within(
            linker._db_api.register(two), blocking_rules_to_generate_predictions=["1=1"], link_type="dedupe_only"
        )
        bare = [
            {
                name: "" if name.endswith(("_l", "_r")) and isinstance(cell, str | list) else cell
                for name, cell in row.items()
            }
            for row in compared.as_record_list()
        ]
        chart = linker.visualisations.waterfall_chart(bare)
        replace_whole(folder / f"waterfall-{number}.svg", _svg(chart), mode=OWNER)


def _svg(chart: Any) -> bytes:
    drawn = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Altair's, on Splink's own charts
        chart.altair_chart.save(drawn, format="svg")
    return drawn.getvalue().encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.to_parquet(content, index=False)
    return content.getvalue()


def persons_before(folder: Path) -> dict[str, str]:
    """Person of each record in the last linkage, if there is one."""
    path = folder / "persons.parquet"
    if not path.exists():
        return {}
    table = pq.read_table(path, columns=["record_id", "person_id"])
    return dict(zip(table["record_id"].to_pylist(), table["person_id"].to_pylist(), strict=True))


def doubtful_pairs(folder: Path) -> pd.DataFrame:
    """Pairs of the last linkage that were not reviewed, the most doubtful first.

    Raises
    ------
    AmparoError : nothing was linked yet.
    """
    path = folder / "pairs.parquet"
    if not path.exists():
        raise AmparoError("nothing is linked yet.", remedy="Run: amparo link", where=str(folder))
    frame = pq.read_table(path).to_pandas()
    done = reviews(folder)
    new = [pair not in done for pair in zip(frame["left"], frame["right"], strict=True)]
    kept: pd.DataFrame = frame[np.array(new, dtype=bool) & (frame["log_odds"].abs() < np.log(99)).to_numpy()]
    return kept.sort_values("log_odds", key=abs, kind="stable", ignore_index=True)


def reviews(folder: Path) -> dict[tuple[str, str], bool]:
    """What people found: pair of records to whether they are one person."""
    path = folder / REVIEWED
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["left"], row["right"]): row["same"] == "yes" for row in csv.DictReader(file)}


def add_review(folder: Path, left: str, right: str, same: bool) -> None:
    """Keep one finding; what was found before stays whatever happens."""
    kept = reviews(folder) | {(left, right): same}

    content = io.StringIO()
    out = csv.writer(content)
    out.writerow(["left", "right", "same"])
    out.writerows([*pair, "yes" if found else "no"] for pair, found in kept.items())
    replace_whole(folder / REVIEWED, content.getvalue().encode(), mode=OWNER)
