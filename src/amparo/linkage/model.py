"""How much each agreement between two records tells: the Fellegi-Sunter model, estimated by Splink.

Comparisons are plain SQL over the columns that ``records`` prepares, in DuckDB's words; Spark lacks some of them yet.
Which of them are used depends on what the lists have: a variable that fewer than two lists hold compares nothing.

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

from amparo.linkage.encode import BITS, PER_ELEMENT
from amparo.linkage.records import CODES
from amparo.standard.errors import AmparoError

SEED = 2021


def _level(sql: str, label: str, *, null: bool = False) -> dict[str, Any]:
    return {"sql_condition": sql, "label_for_charts": label, "is_null_level": null}


def _shared(name: str) -> str:
    # Three times as fast as list_intersect in DuckDB, where nearly all time goes.
    return f"len(list_filter({name}_l, lambda part: list_contains({name}_r, part)))"


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
    return _comparison(
        "name_and_origin",
        _level(
            "(sounded_l IS NULL OR sounded_r IS NULL) AND (origin_l IS NULL OR origin_r IS NULL)",
            "neither known",
            null=True,
        ),
        *(_level(f"({name}) AND ({origin})", f"{said}; {where}") for name, said in names for origin, where in ORIGINS),
    )


ORIGINS = (
    ("origin_l IS NOT NULL AND origin_r IS NOT NULL AND NOT list_has_any(origin_l, origin_r)", "another origin"),
    ("list_has_any(origin_l, origin_r)", "same origin"),
    ("TRUE", "origin not known"),
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


_SURE = ("elements in common: 6.5", "elements in common: 4.5", "elements in common: 3.5")


def _encoding(origin: bool, years: bool) -> dict[str, Any]:
    """Elements that two filters have in common; in one with origin and birth year, which make them likelier."""
    both = "bit_count(filter_l & filter_r)"
    # Elements in common >= asked, solved for the bits in common (encode.in_common).
    enough = f"{both} * ({BITS} - {{0}}) >= ones_l * ones_r + {{0}} * ({BITS} - ones_l - ones_r)"
    steps = [(f"NOT ({enough.format(0.7 * PER_ELEMENT)})", "nothing in common")]
    steps += [
        (enough.format(least * PER_ELEMENT), f"elements in common: {least}") for least in (6.5, 4.5, 3.5, 2.5, 1.7, 1.2)
    ]
    steps.append(("TRUE", "elements in common: 0.7"))
    same_origin, same_year = "list_has_any(origin_l, origin_r)", "year_from_l <= year_to_r AND year_from_r <= year_to_l"
    settings = [("TRUE", "")]
    if origin:
        settings = [(same_origin, "same origin"), *settings]
    if years:
        settings = [(f"({one}) AND {same_year}", f"{said}, same year") for one, said in settings] + settings
    levels = [
        # Nothing is known in clear from which the model could begin to learn, so it is told where to begin.
        _level(f"({step}) AND ({setting})", f"{said}; {where}")
        | {"m_probability": (0.03 if at == 0 else 0.97 / (len(steps) - 1)) / len(settings)}
        for at, (step, said) in enumerate(steps)
        for setting, where in settings
    ]
    return _comparison("encoding", _level("ones_l = 0 OR ones_r = 0", "nothing encoded", null=True), *levels)


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
        if name not in records.column_names:
            return False
        column = records[name]
        filled = pc.list_value_length(column) if pa.types.is_list(column.type) else pc.is_valid(column)
        present = pc.fill_null(pc.greater(filled, 0) if pa.types.is_list(column.type) else filled, False)
        return len(set(lists[present.to_numpy(zero_copy_only=False)])) >= enough

    found = [
        comparison
        for name, comparison in (("filter", _encoding(comparable("origin"), comparable("year_from"))),
                                 ("sounded", _names()), ("birth_from", _birth()), ("phone", _number("phone")),
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
        "max_iterations": 2,  # enough to begin with; later, a level that no match shows sinks under all numbers
        "probability_two_random_records_match": 1 / max(len(records), 2),
    }


SHARED_KEY = {"blocking_rule": "l.keys = r.keys", "arrays_to_explode": ["keys"]}
SESSIONS = ("birth", "sounded", "document", "phone")
"""The model learns how often truth agrees from pairs alike in one of these; each teaches all but itself."""

RANDOM_PAIRS = 2_000_000
"""Pairs from which chance agreement is learnt."""

FAR_BELOW = -12.0
"""Match weight (bits) under which a pair is not even looked at again."""

LEAST_BITS = 4.0
"""Pairs of a smaller likelihood ratio (bits, before the prior) are not kept: they are never one person."""


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
    table = database.register(_with_bits(records, database) if "filter" in records.column_names else records)
    learning = Linker(table, settings(records), log_level=logging.ERROR)
    learning.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=seed)
    for column in (name for name in SESSIONS if name in records.column_names):
        if len(records[column].drop_null().unique()) < len(records[column].drop_null()):
            # In short lists a level may sink under Splink's least number; then the other sessions must do.
            try:
                learning.training.estimate_parameters_using_expectation_maximisation(f"l.{column} = r.{column}")
            except ValueError as error:
                if "minimum allowed value" not in str(error):
                    raise
    model = learning.misc.save_model_to_json()
    among = len(records) * (len(records) - 1) // 2
    sizes = np.unique(records["list"].to_numpy(zero_copy_only=False), return_counts=True)[1].astype(np.int64)
    within = int((sizes * (sizes - 1) // 2).sum()) if len(sizes) > 1 else 0
    # Encodings that share much are few, and a model that has not learnt must not choose among them.
    levels = _predicted(learning, clean, None if "filter" in records.column_names else FAR_BELOW)
    by_chance = copy.deepcopy(model)
    prior = 0.0
    for _ in range(SWEEPS):
        pairs = Pairs(_weighed(levels, model), among, learning)
        if abs(pairs.prior - prior) < 1e-5 * prior:
            break
        prior, model = pairs.prior, _mended(by_chance, pairs, within)
    frame = _weighed(levels, model)
    frame = frame[frame["bits"] >= LEAST_BITS].reset_index(drop=True)
    return Pairs(frame, among, Linker(table, model, log_level=logging.ERROR))


def _with_bits(records: pa.Table, database: Any) -> str:
    """The encodings as a table of the database, their filters as bits, which it can count."""
    database._con.register("encodings", records)
    database._con.execute(
        "CREATE OR REPLACE TABLE encoded AS SELECT * EXCLUDE (filter, buckets), filter::BIT AS filter, "
        "bit_count(filter::BIT) AS ones FROM encodings"
    )
    return "encoded"


SWEEPS = 100
"""Of EM over all likely pairs, at most; fewer where it has settled."""


def _predicted(linker: Any, clean: Collection[str], least: float | None) -> pd.DataFrame:
    """The level of each comparison for each pair that shares a key and is not wholly unlike."""
    found = linker.inference.predict(threshold_match_weight=least).as_pandas_dataframe()
    out = pd.DataFrame({"left": found["record_id_l"].astype(object), "right": found["record_id_r"].astype(object)})
    for column in found.columns:
        if column.startswith("gamma_"):
            out[f"level of {column.removeprefix('gamma_')}"] = found[column].to_numpy(dtype=np.int64)
    out["same list"] = (found["list_l"] == found["list_r"]).to_numpy(dtype=bool)
    out["one person"] = (~out["same list"] | ~found["list_l"].isin(list(clean)).to_numpy(dtype=bool)).to_numpy()
    turned = out["left"] > out["right"]
    out.loc[turned, ["left", "right"]] = out.loc[turned, ["right", "left"]].to_numpy()
    return out.sort_values(["left", "right"], ignore_index=True)


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
    # Two records of a list that has each person once are two persons, whatever they share.
    out["bits"] = np.where(out["one person"], total, -np.inf)
    return out


def _mended(by_chance: dict[str, Any], pairs: Pairs, within: int) -> dict[str, Any]:
    """The model after one more step of EM over all pairs found, on all comparisons at once.

    Sessions that block on a variable see only matches alike in it; here all likely matches count, each by its chance.
    They are taken out of the random pairs, of which they were a part. A level that no match has shown is not
    impossible, nor is one that chance has not: u is at least half of one in the pairs looked at.
    """
    model = copy.deepcopy(by_chance)
    likely = 1 / (1 + np.exp(-pairs.log_odds))
    sure = _surely_one(by_chance, pairs.frame)
    least = 0.5 * pairs.among / min(RANDOM_PAIRS, pairs.among)
    for comparison in model["comparisons"]:
        levels = _levels(comparison)
        name = comparison["output_column_name"]
        chance = likely if sure is None else np.maximum(likely, sure) if name == "encoding" else sure
        level = pairs.frame[f"level of {name}"].to_numpy()
        matches = np.bincount(level[level >= 0], weights=chance[level >= 0], minlength=len(levels))
        random = np.array([item.get("u_probability", 0.0) for item in levels])
        unlike = np.maximum(random * pairs.among - matches, least)
        if name == "encoding" and within:
            unlike = _unlike_within(pairs.frame, level, likely, unlike, within) * pairs.among
        u = unlike / unlike.sum()
        m = np.maximum(matches, 1e-9) / max(matches.sum(), 1e-9)
        # A level that no match has shown speaks against one only as far as a match would have been expected there.
        m = np.maximum(m, u / (matches.sum() * u + 1))
        m /= m.sum()
        for item, of_match, of_chance in zip(levels, m.tolist(), u.tolist(), strict=True):
            item["m_probability"], item["u_probability"] = of_match, of_chance
    return model


def _surely_one(model: dict[str, Any], levels: pd.DataFrame) -> NDArray[np.float64] | None:
    """1 for pairs whose filters have so much in common that nothing else need be asked; None without filters.

    From them the model learns how often the shared variables agree. Left to all likely pairs, it would in the end
    take namesakes for one person: with names hidden, nothing in clear holds it to the truth.
    """
    for comparison in model["comparisons"]:
        if comparison["output_column_name"] == "encoding":
            surely = [level["label_for_charts"].startswith(_SURE) for level in _levels(comparison)]
            level = levels["level of encoding"].to_numpy(dtype=np.int64)
            return np.asarray(np.append(surely, False)[level], dtype=np.float64)
    return None


def _unlike_within(
    frame: pd.DataFrame, level: NDArray[np.int64], likely: NDArray[np.float64], random: NDArray[np.float64], within: int
) -> NDArray[np.float64]:
    """Share of each level of the encoding among pairs that are two persons, from pairs within one list.

    A list has few persons twice, so that what its records share is chance; between lists it is matches for a good part.
    """
    inside = frame["same list"].to_numpy(dtype=bool) & (level >= 0)
    found = np.bincount(level[inside], weights=1 - likely[inside], minlength=len(random))
    share = np.maximum(found, 0.5) / within
    # Pairs with nothing in common are not searched for: what is left is theirs, parted as among random pairs.
    nothing = np.bincount(level, minlength=len(random)) == 0
    if nothing.any():
        share[nothing] = max(1 - share[~nothing].sum(), 0.5) * random[nothing] / random[nothing].sum()
    return share
