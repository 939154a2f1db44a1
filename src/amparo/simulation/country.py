"""Make the demonstration country: the agencies' lists, and the truth behind them in a folder apart."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from amparo import __version__
from amparo.simulation.agencies import LISTS, PROSECUTION, Agency
from amparo.simulation.coded import Several, Single, date_array
from amparo.simulation.files import write_list
from amparo.simulation.knobs import AGENCIES, Knobs
from amparo.simulation.lists import Made, make_list, make_perpetrators
from amparo.simulation.names import CULTURES, SCRIPT, Names, write_names
from amparo.simulation.population import HOME, Population, populate
from amparo.standard.crosswalks import dump
from amparo.standard.errors import AmparoError


def simulate(out: Path, *, victims: int | None = None, seed: int = 2021, knobs: Knobs | None = None) -> None:
    """Write the lists of the demonstration country, and the truth behind them.

    ``lists/`` has a file per agency, each with its crosswalk. ``truth/`` has ``persons.parquet`` (all true values; who
    was never detected too), ``records.parquet`` (which row is whom, and which cell is wrong), ``perpetrators.parquet``
    (the same for the prosecution's list), ``referrals.parquet``, ``capture_histories.csv`` and ``truth.json``.

    Parameters
    ----------
    out : a folder that does not exist yet, or is empty.
    victims : how many there are in truth; overrules the knob.
    seed : the same seed, knobs and version of NumPy and Amparo give the same bytes.

    Raises
    ------
    AmparoError : the folder is not empty, or a knob is out of range.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AmparoError("the folder is not empty.", remedy="Name a new folder.", where=str(out))
    knobs = knobs or Knobs()
    if victims is not None:
        knobs = replace(knobs, victims=victims)
    random = np.random.default_rng(seed)
    population = populate(knobs, random)
    lists, truth = out / "lists", out / "truth"
    lists.mkdir(parents=True)
    truth.mkdir()
    records = []
    for agency in LISTS:
        made = make_list(agency, population, knobs, random)
        _put(agency, made, lists)
        records.append(made.truth)
    perpetrators = make_perpetrators(population, knobs, random)
    _put(PROSECUTION, perpetrators, lists)
    _parquet(_person_table(population), truth / "persons.parquet")
    _parquet(pa.concat_tables(records), truth / "records.parquet")
    _parquet(perpetrators.truth, truth / "perpetrators.parquet")
    _parquet(_referral_table(population), truth / "referrals.parquet")
    _write_histories(population, truth / "capture_histories.csv")
    facts = _facts(population, knobs, seed)
    (truth / "truth.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_README.format(code=HOME, seed=seed, version=__version__), encoding="utf-8")


def _put(agency: Agency, made: Made, folder: Path) -> None:
    write_list(agency, made.columns, folder / agency.file)
    (folder / f"{agency.name}.crosswalk.toml").write_text(dump(agency.crosswalk()), encoding="utf-8")


def _parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


# --- the truth ----------------------------------------------------------------------------------------------


def _person_table(population: Population) -> pa.Table:
    """One row per victim. ``identification_date`` is the first contact with any agency; null if never detected."""
    persons = population.persons
    columns: dict[str, pa.Array] = {"person_id": pa.array(np.arange(len(persons)))}
    columns |= _name_columns(persons.names)
    for group in (persons.codes, persons.sets):
        columns |= {name: column.arrow() for name, column in group.items()}
    columns |= {name: date_array(days) for name, days in persons.days.items()}
    columns |= {name: pa.array(numbers) for name, numbers in persons.numbers.items()}
    columns["identification_date"] = date_array(np.fmin.reduce(population.contact, axis=1))
    columns["on_lists"] = Several.of([agency.name for agency in LISTS], population.seen).arrow()
    return pa.table(columns)


def _name_columns(names: Names) -> dict[str, pa.Array]:
    """Names as in the passport, in Latin letters; ``native_`` in the script of the person's culture."""
    latin = write_names(names, "latin")
    columns = {
        "given_name": latin.given,
        "middle_name": latin.middle,
        "family_name": latin.family,
        "second_family_name": latin.second,
    }
    native = {name: texts.copy() for name, texts in columns.items()}
    for culture, script in SCRIPT.items():
        rows = np.flatnonzero(names.culture == CULTURES.index(culture))
        parts = write_names(names.take(rows), script)
        for name, texts in zip(native, (parts.given, parts.middle, parts.family, parts.second), strict=True):
            native[name][rows] = texts
    found = {name: pa.array(texts, pa.string()) for name, texts in columns.items()}
    return found | {f"native_{name}": pa.array(texts, pa.string()) for name, texts in native.items()}


def _referral_table(population: Population) -> pa.Table:
    referrals = population.referrals
    return pa.table(
        {
            "person_id": pa.array(referrals.person),
            "from": Single(AGENCIES, referrals.source).arrow(),
            "to": Single(AGENCIES, referrals.target).arrow(),
            "date": date_array(referrals.day),
        }
    )


def _write_histories(population: Population, path: Path) -> None:
    """Persons by capture history, as ``amparo prevalence`` reads it; who is on no list is not in it."""
    histories, counts = population.histories()
    table = pa.table(
        {name: pa.array(histories[:, k]) for k, name in enumerate(AGENCIES)} | {"persons": pa.array(counts)}
    )
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))


def _facts(population: Population, knobs: Knobs, seed: int) -> dict[str, object]:
    detected = int(population.seen.any(axis=1).sum())
    return {
        "country": HOME,
        "version": __version__,
        "seed": seed,
        "victims": len(population.persons),
        "detected": detected,
        "undetected": len(population.persons) - detected,
        "on_list": {name: int(n) for name, n in zip(AGENCIES, population.seen.sum(axis=0), strict=True)},
        "referrals": len(population.referrals.person),
        "log_odds_ratios": log_odds_ratios(population),
        "knobs": asdict(knobs),
    }


def log_odds_ratios(population: Population) -> dict[str, float]:
    """How each two lists hang together over all victims, detected or not; 0 for lists that know nothing of each other.

    Natural logarithm of the odds ratio with 0.5 added to each count (Haldane and Anscombe).
    """
    seen = population.seen
    found: dict[str, float] = {}
    for a, first in enumerate(AGENCIES):
        for b in range(a + 1, len(AGENCIES)):
            x, y = seen[:, a], seen[:, b]
            both, one, other, none = (x & y).sum(), (x & ~y).sum(), (~x & y).sum(), (~x & ~y).sum()
            ratio = (both + 0.5) * (none + 0.5) / ((one + 0.5) * (other + 0.5))
            found[f"{first} {AGENCIES[b]}"] = round(float(np.log(ratio)), 4)
    return found


_README = """# The demonstration country ({code})

Made by `amparo simulate`, version {version}, seed {seed}. Every person and every number is made up; the names are
common ones put together by chance, telephone numbers begin with +999, which is no country's.

- `lists/`: what the agencies send: six lists of victims and the prosecution's list of accused, each in its own language,
  format and codes, with duplicates, gaps and mistakes; beside each the crosswalk that says what it means.
- `truth/`: what nobody knows in a real country. `persons.parquet` has every victim, detected or not;
  `records.parquet` says which row of which list is whom and which cell was made wrong; `perpetrators.parquet` the same
  for the list of accused (`person_id` is the victim of the event); `referrals.parquet` who was sent where and when;
  `capture_histories.csv` how many persons are on which lists; `truth.json` the number of victims and every knob.

Try: `amparo report lists --out report`
"""
