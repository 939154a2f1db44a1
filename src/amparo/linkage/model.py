"""How much each agreement between two records tells: the Fellegi-Sunter model, estimated by Splink.

Comparisons are plain SQL over the columns that ``records`` prepares, so that DuckDB and Spark compute the same. Which
of them are used depends on what the lists have: a variable that fewer than two lists hold compares nothing.

Source: Fellegi & Sunter (1969), JASA 64, 1183-1210; Winkler (2006), Overview of record linkage, sec. 3 (EM, one
pair of sessions that block on different variables); Linacre et al. (2022), Splink, IJPDS 7(3).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from amparo.linkage.records import CODES
from amparo.standard.errors import AmparoError

SEED = 2021


def _level(sql: str, label: str, *, null: bool = False) -> dict[str, Any]:
    return {"sql_condition": sql, "label_for_charts": label, "is_null_level": null}


def _shared(name: str) -> str:
    return f"len(list_intersect({name}_l, {name}_r))"


def _weight(name: str) -> str:
    """Parts in common, each counted once, seldom ones twice, rare ones three times."""
    seldom, rare = ("seldom", "rare") if name == "sounds" else (f"{name}_seldom", f"{name}_rare")
    return f"({_shared(name)} + {_shared(seldom)} + {_shared(rare)})"


def _comparison(name: str, *levels: dict[str, Any]) -> dict[str, Any]:
    last = {**levels[-1], "sql_condition": "ELSE"} if "(TRUE)" in levels[-1]["sql_condition"] else ELSE
    kept = levels if last is ELSE else levels[:-1]
    return {"output_column_name": name, "comparison_levels": [*kept, last]}


ELSE = {"sql_condition": "ELSE", "label_for_charts": "all else"}


def _names() -> dict[str, Any]:
    """Names and origin in one: people of one country share names, so that each tells less once the other is known."""
    both, weight = _shared("sounds"), _weight("sounds")
    whole = f"({both} >= 2 AND {both} = least(len(sounds_l), len(sounds_r)))"
    apart = "(abs(length(sounded_l) - length(sounded_r)) > 3 OR levenshtein(sounded_l, sounded_r) > 3)"
    names = (
        # First what nearly all pairs are, so that the rest is seldom computed.
        (f"NOT list_has_any(sounds_l, sounds_r) AND {apart}", "another name"),
        (f"{whole} AND {weight} >= 7", "all of the shorter name, rare"),
        (f"{whole} AND {weight} >= 5", "all of the shorter name, seldom"),
        (whole, "all of the shorter name, common"),
        (f"{both} >= 2 AND {weight} >= 5", "two parts, seldom"),
        (f"{both} >= 2", "two parts"),
        ("levenshtein(sounded_l, sounded_r) <= 1", "one sound off"),
        (f"{both} = 1 AND {weight} = 3", "one part, rare"),
        (f"{both} = 1 AND {weight} = 2", "one part, seldom"),
        (f"{both} = 1", "one part, common"),
        ("sounded_l IS NULL OR sounded_r IS NULL", "no name"),
        ("TRUE", "up to three sounds off"),
    )
    origins = (
        (f"origin_l IS NOT NULL AND origin_r IS NOT NULL AND {_shared('origin')} = 0", "another origin"),
        (f"{_shared('origin')} > 0", "same origin"),
        ("TRUE", "origin not known"),
    )
    return _comparison(
        "name_and_origin",
        _level(
            "(sounded_l IS NULL OR sounded_r IS NULL) AND (origin_l IS NULL OR origin_r IS NULL)",
            "neither known",
            null=True,
        ),
        *(_level(f"({name}) AND ({origin})", f"{said}; {where}") for name, said in names for origin, where in origins),
    )


def _birth() -> dict[str, Any]:
    def part(first: int, last: int) -> str:
        return f"substr(birth_l, {first}, {last}) = substr(birth_r, {first}, {last})"

    year, month, day = part(1, 4), part(6, 2), part(9, 2)
    apart = "abs(CAST(substr(birth_from_l, 1, 4) AS INTEGER) - CAST(substr(birth_from_r, 1, 4) AS INTEGER))"
    return _comparison(
        "birth",
        _level("birth_from_l IS NULL OR birth_from_r IS NULL", "birth not known", null=True),
        _level("birth_l = birth_r AND NOT birth_guessed_l", "same day"),
        _level("birth_l = birth_r", "same first of January"),
        _level("birth_l = birth_turned_r", "day and month exchanged"),
        _level(f"({year} AND {month}) OR ({year} AND {day}) OR ({month} AND {day} AND {apart} <= 1)", "one part off"),
        _level(
            "(birth_l IS NULL OR birth_r IS NULL) AND birth_from_l <= birth_to_r AND birth_from_r <= birth_to_l",
            "the age fits",
        ),
        _level(f"(birth_guessed_l OR birth_guessed_r) AND {apart} <= 2", "a guess within two years"),
        _level(f"{apart} <= 1", "years next to each other"),
    )


def _number(name: str) -> dict[str, Any]:
    return _comparison(
        name,
        _level(f"{name}_l IS NULL OR {name}_r IS NULL", "not known", null=True),
        _level(f"{name}_l = {name}_r", "same"),
        _level(f"levenshtein({name}_l, {name}_r) <= 1", "one sign off"),
        _level(f"levenshtein({name}_l, {name}_r) <= 2", "two signs off"),
    )


def _address() -> dict[str, Any]:
    weight = _weight("address")
    return _comparison(
        "address",
        _level("len(address_l) = 0 OR len(address_r) = 0", "no address", null=True),
        *(_level(f"{weight} >= {least}", f"words in common: {least}") for least in (12, 9, 6, 4, 2)),
    )


def _code(name: str, several: bool) -> dict[str, Any]:
    missing = _level(f"{name}_l IS NULL OR {name}_r IS NULL", "not known", null=True)
    if not several:
        return _comparison(name, missing, _level(f"{name}_l = {name}_r", "same"))
    shared = _shared(name)
    return _comparison(
        name,
        missing,
        _level(f"{name}_l = {name}_r AND len({name}_l) >= 2", "the same several"),
        _level(f"{shared} >= 3", "three in common"),
        _level(f"{shared} >= 2", "two in common"),
        _level(f"{shared} >= 1", "one in common"),
    )


def _start() -> dict[str, Any]:
    return _comparison(
        "start",
        _level("start_l IS NULL OR start_r IS NULL", "not known", null=True),
        _level("start_l = start_r", "same month"),
        _level("substr(start_l, 1, 4) = substr(start_r, 1, 4)", "same year"),
    )


SEVERAL = ("exploitation_forms", "labour_sector", "means_of_control", "recruitment_methods")


def comparisons(records: pa.Table) -> list[dict[str, Any]]:
    """The comparisons that these records allow: those of variables that two lists hold.

    Raises
    ------
    AmparoError : no two lists have a name, a birth date or a number in common.
    """

    lists = np.asarray(records["list"].to_pylist())
    enough = min(2, len(set(lists)))

    def comparable(name: str) -> bool:
        column = records[name]
        filled = pc.list_value_length(column) if pa.types.is_list(column.type) else pc.is_valid(column)
        present = pc.fill_null(pc.greater(filled, 0) if pa.types.is_list(column.type) else filled, False)
        return len(set(lists[present.to_numpy(zero_copy_only=False)])) >= enough

    found = [
        comparison
        for name, comparison in (("sounded", _names()), ("birth_from", _birth()), ("phone", _number("phone")),
                                 ("document", _number("document")), ("address", _address()))
        if comparable(name)
    ]  # fmt: skip
    if not found:
        raise AmparoError(
            "No two of these lists have a name, a birth date, a telephone or a document number in common.",
            remedy="Give lists with variables that can tell persons apart, or name them in the crosswalk.",
        )
    found += [_code(name, name in SEVERAL) for name in CODES if comparable(name)]
    return [*found, _start()] if comparable("start") else found


def settings(records: pa.Table) -> dict[str, Any]:
    """The model in Splink's own words, before it has learnt."""
    return {
        "link_type": "dedupe_only",  # lists stand in one table, so that repetitions within a list are found as well
        "unique_id_column_name": "record_id",
        "blocking_rules_to_generate_predictions": [SHARED_KEY],
        "comparisons": comparisons(records),
        "additional_columns_to_retain": ["list"],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "max_iterations": 3,  # enough to begin with; left to itself, a level that no match shows sinks under all numbers
        "probability_two_random_records_match": 1 / max(len(records), 2),
    }


SHARED_KEY = {"blocking_rule": "l.keys = r.keys", "arrays_to_explode": ["keys"]}
SESSIONS = ("birth", "sounded", "document", "phone")
"""The model learns how often truth agrees from pairs alike in one of these; each teaches all comparisons but its own."""

RANDOM_PAIRS = 2_000_000
"""Pairs from which chance agreement is learnt."""

FAR_BELOW = -12.0
"""Match weight (bits) under which a pair is not even looked at again."""

LEAST_BITS = 4.0
"""Pairs of a smaller likelihood ratio (bits, before the prior) are not kept: they are one person in none of the draws."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of records that may be one person.

    ``frame``: ``left`` and ``right`` (record_id, left < right); for each comparison ``level of <comparison>`` and
    ``bits of <comparison>``; ``bits``, their sum (log2 likelihood ratio). ``among``: how many pairs there are in all,
    compared or not. ``linker``: Splink's, for its charts.
    """

    frame: pd.DataFrame
    among: int
    linker: Any

    @cached_property
    def prior(self) -> float:
        """Chance that two records taken at random are one person: the maximum of the likelihood given all bits.

        Source: Dempster, Laird & Rubin (1977), mixing proportion of two known densities.
        """
        ratio = np.exp2(self.frame["bits"].to_numpy(dtype=np.float64))
        share = 1.0 / max(self.among, 2)
        for _ in range(200):
            chance = share * ratio / (share * ratio + 1 - share)
            new = min(max(float(chance.sum()), 0.5) / self.among, 0.5)
            if abs(new - share) < 1e-9 * share:
                break
            share = new
        return share

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """Posterior log odds (natural) of each pair."""
        return np.asarray(self.frame["bits"] * np.log(2) + np.log(self.prior / (1 - self.prior)), dtype=np.float64)


def compare(records: pa.Table, *, database: Any = None, clean: Collection[str] = (), seed: int = SEED) -> Pairs:
    """Learn what agreement tells, without any known match, and compare all records that share a blocking key.

    Parameters
    ----------
    records : made ready by ``comparable_records``; all lists together.
    database : a Splink database (``splink.backends.spark.SparkAPI``); DuckDB in this process without it.
    clean : lists that have each person once: no two records of theirs are compared.
    seed : of the random pairs from which chance agreement is learnt.

    Raises
    ------
    AmparoError : the lists have nothing in common to compare.
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    database = database or DuckDBAPI()
    table = database.register(records)
    learning = Linker(table, settings(records), log_level=logging.ERROR)
    learning.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=seed)
    for column in SESSIONS:
        if len(records[column].drop_null().unique()) < len(records[column].drop_null()):
            learning.training.estimate_parameters_using_expectation_maximisation(f"l.{column} = r.{column}")
    model = learning.misc.save_model_to_json()
    among = len(records) * (len(records) - 1) // 2
    levels = _predicted(learning, clean)
    by_chance = copy.deepcopy(model)
    for _ in range(SWEEPS):
        model = _mended(by_chance, Pairs(_weighed(levels, model), among, learning))
    frame = _weighed(levels, model)
    frame = frame[frame["bits"] >= LEAST_BITS].reset_index(drop=True)
    return Pairs(frame, among, Linker(table, model, log_level=logging.ERROR))


SWEEPS = 5
"""Of EM over all likely pairs; the first two do nearly all."""


def _predicted(linker: Any, clean: Collection[str]) -> pd.DataFrame:
    """The level of each comparison for each pair that shares a key and is not wholly unlike."""
    found = linker.inference.predict(threshold_match_weight=FAR_BELOW).as_pandas_dataframe()
    out = pd.DataFrame({"left": found["record_id_l"].astype(object), "right": found["record_id_r"].astype(object)})
    for column in found.columns:
        if column.startswith("gamma_"):
            out[f"level of {column.removeprefix('gamma_')}"] = found[column].to_numpy(dtype=np.int64)
    same_clean = (found["list_l"] == found["list_r"]) & found["list_l"].isin(list(clean))
    turned = out["left"] > out["right"]
    out.loc[turned, ["left", "right"]] = out.loc[turned, ["right", "left"]].to_numpy()
    kept: pd.DataFrame = out.loc[~same_clean.to_numpy(dtype=bool)]
    return kept.sort_values(["left", "right"], ignore_index=True)


def _levels(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    """The levels that tell something, in the order of Splink's numbers: from the last, 0, upwards; null is -1."""
    return [level for level in comparison["comparison_levels"] if not level.get("is_null_level")][::-1]


def _weighed(levels: pd.DataFrame, model: dict[str, Any]) -> pd.DataFrame:
    """The pairs with the bits of each comparison and of all together."""
    out = levels.copy()
    total = np.zeros(len(out))
    for comparison in model["comparisons"]:
        name, of_levels = comparison["output_column_name"], _levels(comparison)
        ratios = [level.get("m_probability", 1.0) / level.get("u_probability", 1.0) for level in of_levels]
        bits = np.append(np.log2(np.maximum(ratios, 2.0**-20)), 0.0)[out[f"level of {name}"].to_numpy()]
        out[f"bits of {name}"] = bits
        total += bits
    out["bits"] = total
    return out


def _mended(by_chance: dict[str, Any], pairs: Pairs) -> dict[str, Any]:
    """The model after one more step of EM over all pairs found, on all comparisons at once.

    Sessions that block on a variable see only matches alike in it; here all likely matches count, each by its chance.
    They are taken out of the random pairs, of which they were a part. A level that no match has shown is not
    impossible: m is drawn to u as if one more match had told nothing; u is at least half of one in the pairs looked at.
    """
    model = copy.deepcopy(by_chance)
    chance = 1 / (1 + np.exp(-pairs.log_odds))
    least = 0.5 * pairs.among / min(RANDOM_PAIRS, pairs.among)
    for comparison in model["comparisons"]:
        levels = _levels(comparison)
        level = pairs.frame[f"level of {comparison['output_column_name']}"].to_numpy()
        matches = np.bincount(level[level >= 0], weights=chance[level >= 0], minlength=len(levels))
        random = np.array([item.get("u_probability", 0.0) for item in levels])
        u = np.maximum(random * pairs.among - matches, least)
        u /= u.sum()
        m = (matches + u) / (matches.sum() + 1)
        for item, of_match, of_chance in zip(levels, m.tolist(), u.tolist(), strict=True):
            item["m_probability"], item["u_probability"] = of_match, of_chance
    return model
