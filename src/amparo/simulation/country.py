"""Make the demonstration country: truth, lists and referral histories, from one seed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from amparo import __version__
from amparo.simulation.agencies import AGENCIES, PROSECUTION, Agency, Habits, make_list
from amparo.simulation.names import give_names, names
from amparo.simulation.population import AGENCIES as ORDER
from amparo.simulation.population import CITIZENSHIPS, CULTURES, LAST_YEAR, Population, populate
from amparo.standard.crosswalks import dump
from amparo.standard.errors import AmparoError


@dataclass(frozen=True)
class Knobs:
    """Everything about the country that can be set.

    Attributes
    ----------
    victims : in truth, detected or not.
    police, border, shelter, labour_inspection, health, child_protection : chance to be seen by each, on average.
    visible_share, visible_factor : share of persons who are that many times as visible as the others.
    referral : chance that police or border send a person on to the shelter, and the shelter to the health service.
    avoidance : factor on the labour inspection's chance to see whom the police saw; below 1 they avoid each other.
    independent : switch all of the last five off: every person has the same chances and the lists are independent.
    missing, unknown, wrong : shares of cells that are empty, said to be unknown, and of rows with a wrong cell.
    repeated : share of persons whom an agency has twice under different numbers.
    typing, spelling, birth_date : shares of names with a slip, of names in another spelling, of birth dates that are off.
    """

    victims: int = 6000
    police: float = 0.10
    border: float = 0.05
    shelter: float = 0.08
    labour_inspection: float = 0.05
    health: float = 0.05
    child_protection: float = 0.04
    visible_share: float = 0.25
    visible_factor: float = 3.0
    referral: float = 0.20
    avoidance: float = 0.5
    independent: bool = False
    missing: float = 0.06
    unknown: float = 0.02
    wrong: float = 0.01
    repeated: float = 0.02
    typing: float = 0.03
    spelling: float = 0.25
    birth_date: float = 0.05

    def __post_init__(self) -> None:
        if self.victims < 1:
            raise AmparoError("A country needs at least one victim.", remedy="Give --victims 1 or more.")
        shares = {name: value for name, value in asdict(self).items() if isinstance(value, float)}
        shares.pop("visible_factor")
        wrong = next((name for name, value in shares.items() if not 0 <= value <= 1), None)
        if wrong:
            raise AmparoError(f"{wrong} is a share.", remedy="Give a number from 0 to 1.")

    @property
    def habits(self) -> Habits:
        """How careful the agencies are."""
        return Habits(
            self.missing, self.unknown, self.wrong, self.repeated, self.typing, self.spelling, self.birth_date
        )


def population(knobs: Knobs, random: np.random.Generator) -> Population:
    """The truth of the country, before any list is written."""
    base = np.array([getattr(knobs, name) for name in ORDER])
    referral = np.zeros((len(ORDER), len(ORDER)))
    for source, target in (("police", "shelter"), ("border", "shelter"), ("shelter", "health")):
        referral[ORDER.index(source), ORDER.index(target)] = knobs.referral
    return populate(
        knobs.victims,
        random,
        base=base,
        visible_share=knobs.visible_share,
        visible_factor=knobs.visible_factor,
        referral=referral,
        avoidance=knobs.avoidance,
        independent=knobs.independent,
    )


def simulate(out: Path, *, victims: int = 6000, seed: int = 2021, knobs: Knobs | None = None) -> None:
    """Write the lists of the demonstration country, and the truth behind them in a folder apart.

    Writes ``lists/`` (seven files, each with its crosswalk) and ``truth/``: ``persons.parquet``, ``records.parquet``
    (which row is whom), ``referrals.parquet``, ``capture_histories.csv`` and ``truth.json``.

    Parameters
    ----------
    out : a folder that does not exist yet, or is empty.
    victims : shorthand for ``Knobs(victims=...)``.
    seed : the same seed, knobs and version give the same bytes.

    Raises
    ------
    AmparoError : the folder is not empty, or a knob is out of range.
    """
    if out.exists() and any(out.iterdir()):
        raise AmparoError("the folder is not empty.", remedy="Name a new folder.", where=str(out))
    knobs = knobs or Knobs(victims=victims)
    random = np.random.default_rng(seed)
    drawn = population(knobs, random)
    persons = give_names(drawn.persons, random)
    lists, truth = out / "lists", out / "truth"
    lists.mkdir(parents=True)
    truth.mkdir()
    records = []
    for column, agency in enumerate(AGENCIES):
        frame, rows = make_list(agency, persons[drawn.seen[:, column]], knobs.habits, random)
        _put(agency, frame, lists)
        records.append(rows)
    _put(PROSECUTION, _perpetrators(persons[drawn.seen[:, ORDER.index("police")]], random), lists)
    _parquet(
        persons.drop(columns=["given", "family", "second"]).assign(**_true_names(persons)),
        truth / "persons.parquet",
    )
    _parquet(pd.concat(records, ignore_index=True), truth / "records.parquet")
    _parquet(drawn.referrals, truth / "referrals.parquet")
    histories = _histories(drawn)
    histories.to_csv(truth / "capture_histories.csv", index=False, lineterminator="\n")
    seen = int(drawn.seen.any(axis=1).sum())
    facts = {
        "victims": knobs.victims,
        "detected": seen,
        "undetected": knobs.victims - seen,
        "on list": {name: int(drawn.seen[:, k].sum()) for k, name in enumerate(ORDER)},
        "seed": seed,
        "version": __version__,
        "knobs": asdict(knobs),
    }
    (truth / "truth.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _put(agency: Agency, frame: pd.DataFrame, folder: Path) -> None:
    agency.write(frame, folder)
    (folder / f"{agency.name}.crosswalk.toml").write_text(dump(agency.crosswalk()), encoding="utf-8")


def _histories(drawn: Population) -> pd.DataFrame:
    """Persons by capture history, as ``amparo prevalence`` reads it; who is on no list is not in it."""
    frame = pd.DataFrame(drawn.seen.astype(int), columns=list(ORDER))
    counts = frame.groupby(list(ORDER)).size().rename("persons").reset_index()
    return counts[counts[list(ORDER)].any(axis=1)]


def _true_names(persons: pd.DataFrame) -> dict[str, list[str]]:
    keys = persons[["culture", "sex", "given", "family", "second"]].to_numpy()
    given = [names()[c, "male" if s == "male" else "female"][g].latin for c, s, g, _, _ in keys]
    family = [names()[c, "family"][f].latin for c, _, _, f, _ in keys]
    second = [names()[c, "family"][n].latin if n >= 0 else "" for c, _, _, _, n in keys]
    return {"given_name": given, "family_name": family, "second_family_name": second}


def _perpetrators(victims: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The prosecution's list: one row per accused; several may share an event."""
    events = victims.iloc[np.flatnonzero(random.random(len(victims)) < 0.5)]
    each = random.choice([1, 2, 3], len(events), p=[0.6, 0.3, 0.1])
    rows = events.iloc[np.repeat(np.arange(len(events)), each)]
    count = len(rows)
    codes = list(CITIZENSHIPS)
    citizenship = random.choice(codes, count, p=np.array(list(CITIZENSHIPS.values())) / sum(CITIZENSHIPS.values()))
    sex = random.choice(["female", "male"], count, p=[0.35, 0.65])
    day = rows["identification_date"].to_numpy() + random.integers(10, 300, count).astype("timedelta64[D]")
    day = np.minimum(day, np.datetime64(f"{LAST_YEAR}-12-31"))
    roles = random.choice(["recruiter", "transporter", "exploiter", "harboured", "controlled"], count)
    status = random.choice(["suspected", "prosecuted", "convicted", "acquitted"], count, p=[0.45, 0.3, 0.2, 0.05])
    agency = PROSECUTION
    people = []
    for code, kind in zip(citizenship, sex, strict=True):
        given, family = names()[CULTURES[code], kind], names()[CULTURES[code], "family"]
        people.append(f"{given[random.integers(len(given))].latin} {family[random.integers(len(family))].latin}")
    years = pd.DatetimeIndex(day).year
    texts = {
        "perpetrator_number": [agency.number.format(year=y, count=k) for k, y in enumerate(years, start=1)],
        "perpetrator_name": people,
        "perpetrator_sex": [agency.text("perpetrator_sex", code) for code in sex],
        "perpetrator_age": [str(age) for age in random.integers(18, 70, count)],
        "perpetrator_citizenship": [_country(agency, code) for code in citizenship],
        "perpetrator_roles": [agency.text("perpetrator_roles", code) for code in roles],
        "perpetrator_status": [agency.text("perpetrator_status", code) for code in status],
        "perpetrator_status_date": pd.DatetimeIndex(day).strftime(agency.dates).tolist(),
        "perpetrator_event_number": [f"HECHO-{person}" for person in rows["person_id"]],
    }
    return pd.DataFrame({agency.columns[name]: values for name, values in texts.items()})


def _country(agency: Agency, code: str) -> str:
    from amparo.standard.countries import label

    return label(code, agency.language)


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(
        pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(), path, compression="zstd"
    )
