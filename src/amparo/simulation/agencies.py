"""The agencies: each with its own columns, language, codes, format and habits of writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from amparo.simulation.files import WRITERS, write_csv
from amparo.simulation.names import mistyped, names, written
from amparo.simulation.population import LAST_YEAR
from amparo.standard import countries
from amparo.standard.crosswalks import Column, Crosswalk
from amparo.standard.variables import code_list, variables


@dataclass(frozen=True)
class Agency:
    """One agency and its list.

    ``columns`` maps variables to the agency's headers, in the order of its list; ``words`` holds the texts that it
    uses for codes where they are not the standard's labels in its language.
    """

    key: str
    file: str
    language: str
    entity_type: str
    columns: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    script: str = "latin"
    separator: str = ";"
    dates: str = "%d/%m/%Y"
    iso_countries: bool = False
    unknown: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    number: str = "{year}-{count:05d}"
    family_first: bool = False

    @property
    def name(self) -> str:
        """The name of the list: the file's without its ending."""
        return self.file.split(".")[0]

    def text(self, variable: str, code: str) -> str:
        """How the agency writes a code."""
        if code in self.words.get(variable, {}):
            return self.words[variable][code]
        return code_list(variables()[variable].codes)[code].labels[self.language]

    def crosswalk(self) -> Crosswalk:
        """The agency's crosswalk, as a person has corrected it."""
        columns = {
            header: Column(variable, {text: (code,) for code, text in self.words.get(variable, {}).items()})
            for variable, header in self.columns.items()
        }
        return Crosswalk(
            name=self.name,
            unit="perpetrator" if self.key == "prosecution" else "victim",
            entity_type=self.entity_type,
            language=self.language,
            separator=self.separator,
            date_order="YMD" if self.dates.startswith("%Y") else "DMY",
            unknown=(self.unknown,),
            columns=columns,
        )

    def write(self, frame: pd.DataFrame, folder: Path) -> None:
        """Write the list into the folder."""
        path = folder / self.file
        writer = WRITERS.get(path.suffix)
        if writer:
            writer(frame, path)
        else:
            write_csv(frame, path, delimiter=self.delimiter, encoding=self.encoding)


AGENCIES = (
    Agency(
        key="police",
        file="policia.csv",
        language="es",
        entity_type="police",
        columns={
            "case_number": "Nº expediente", "family_name": "Primer apellido", "second_family_name": "Segundo apellido",
            "given_name": "Nombre", "date_of_birth": "Fecha de nacimiento", "sex": "Sexo", "citizenship": "Nacionalidad",
            "phone": "Teléfono", "country_of_recruitment": "País de captación", "countries_of_transit": "Países de tránsito",
            "countries_of_exploitation": "País de explotación", "exploitation_forms": "Finalidad",
            "means_of_control": "Medios de control", "recruiter_relation": "Relación con el captador",
            "exploitation_start": "Inicio de la explotación", "exploitation_end": "Fin de la explotación",
            "identification_date": "Fecha de identificación", "identification_status": "Situación",
            "proceedings_status": "Procedimiento",
        },
        words={
            "sex": {"female": "M", "male": "H", "other": "X"},
            "exploitation_forms": {
                "sexual": "ESX", "forced_labour": "TF", "forced_criminality": "CF", "begging": "MEN", "servitude": "SERV",
                "forced_marriage": "MATR", "organ_removal": "ORG",
            },
        },
        separator="/",
        unknown="NS/NC",
        encoding="cp1252",
        delimiter=";",
        number="POL-{year}-{count:05d}",
    ),
    Agency(
        key="border",
        file="border_screening.xlsx",
        language="en",
        entity_type="border",
        columns={
            "case_number": "Screening no.", "full_name": "Full name", "date_of_birth": "DOB", "age": "Age (if no DOB)",
            "sex": "Sex", "citizenship": "Nationality", "country_of_recruitment": "Recruited in",
            "countries_of_transit": "Route", "countries_of_exploitation": "Destination", "exploitation_forms": "Purpose",
            "identification_date": "Interviewed on", "identification_status": "Outcome", "recruiter_relation": "Recruiter",
        },
        words={"sex": {"female": "F", "male": "M", "other": "X"}},
        dates="%Y-%m-%d",
        iso_countries=True,
        unknown="unknown",
        number="BRD{year}{count:05d}",
    ),
    Agency(
        key="shelter",
        file="refuge.ods",
        language="fr",
        entity_type="shelter",
        columns={
            "case_number": "N° de dossier", "family_name": "Nom", "given_name": "Prénom", "sex": "Sexe",
            "date_of_birth": "Née le", "citizenship": "Nationalité", "countries_of_exploitation": "Pays d'exploitation",
            "exploitation_forms": "Formes d'exploitation", "means_of_control": "Moyens de contrôle",
            "recruiter_relation": "Lien avec le recruteur", "duration_months": "Durée (mois)",
            "identification_date": "Date d'identification", "assistance": "Aide reçue",
            "participates_in_proceedings": "Participe à la procédure",
        },
        separator=" + ",
        unknown="inconnu",
        number="R{year}/{count:05d}",
    ),
    Agency(
        key="labour_inspection",
        file="inspektsiya_truda.csv",
        language="ru",
        entity_type="labour_inspection",
        columns={
            "case_number": "Номер дела", "full_name": "ФИО", "date_of_birth": "Дата рождения", "sex": "Пол",
            "citizenship": "Гражданство", "countries_of_exploitation": "Страна эксплуатации",
            "exploitation_forms": "Вид эксплуатации", "labour_sector": "Отрасль", "means_of_control": "Средства контроля",
            "duration_months": "Продолжительность, мес.", "identification_date": "Дата выявления",
        },
        words={"sex": {"female": "жен.", "male": "муж.", "other": "иной"}},
        script="cyrillic",
        dates="%d.%m.%Y",
        unknown="неизвестно",
        encoding="cp1251",
        delimiter=";",
        number="ИТ-{year}-{count:05d}",
        family_first=True,
    ),
    Agency(
        key="health",
        file="sihha.csv",
        language="ar",
        entity_type="health",
        columns={
            "case_number": "رقم الملف", "full_name": "الاسم الكامل", "sex": "الجنس", "age": "العمر", "citizenship": "الجنسية",
            "countries_of_exploitation": "بلد الاستغلال", "exploitation_forms": "شكل الاستغلال",
            "identification_date": "تاريخ التعرف", "assistance": "المساعدة",
        },
        script="arabic",
        separator="، ",
        dates="%Y/%m/%d",
        unknown="غير معروف",
        number="ص{year}{count:05d}",
    ),
    Agency(
        key="child_protection",
        file="ertong_baohu.jsonl",
        language="zh",
        entity_type="child_protection",
        columns={
            "case_number": "案号", "full_name": "姓名", "sex": "性别", "date_of_birth": "出生日期", "citizenship": "国籍",
            "countries_of_exploitation": "剥削国", "exploitation_forms": "剥削形式", "means_of_control": "控制手段",
            "identification_date": "识别日期", "place_of_identification": "识别地点",
        },
        script="han",
        separator="、",
        dates="%Y-%m-%d",
        unknown="不详",
        number="儿{year}{count:05d}",
        family_first=True,
    ),
)  # fmt: skip

PROSECUTION = Agency(
    key="prosecution",
    file="fiscalia.parquet",
    language="es",
    entity_type="prosecution",
    columns={
        "perpetrator_number": "Nº diligencias", "perpetrator_name": "Nombre y apellidos", "perpetrator_sex": "Sexo",
        "perpetrator_age": "Edad", "perpetrator_citizenship": "Nacionalidad", "perpetrator_roles": "Función",
        "perpetrator_status": "Estado", "perpetrator_status_date": "Fecha del estado",
        "perpetrator_event_number": "Nº del hecho",
    },
    unknown="NS/NC",
    number="FIS-{year}-{count:05d}",
)  # fmt: skip

WRONG = {
    "sex": "??",
    "age": "412",
    "citizenship": "Atlantis",
    "identification_date": "31/02/2021",
    "duration_months": "-7",
    "perpetrator_age": "200",
    "perpetrator_sex": "??",
}
"""A cell that no agency may send, by variable: a code nobody knows, an impossible age, date or country."""


@dataclass(frozen=True)
class Habits:
    """How careful the agencies are; shares of cells or of rows."""

    missing: float
    unknown: float
    wrong: float
    repeated: float
    typing: float
    spelling: float
    birth_date: float


def make_list(
    agency: Agency, persons: pd.DataFrame, habits: Habits, random: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The list of an agency, and what is true of each of its rows.

    Parameters
    ----------
    persons : the persons whom the agency saw.

    Returns
    -------
    The list as texts; and per row ``list``, ``row`` (as a person counts them: a header is row 1), ``case_number``, ``person_id``, ``is_duplicate``
    and ``wrong_column`` (the header of a planted wrong cell, else '').
    """
    again = np.flatnonzero(random.random(len(persons)) < habits.repeated)
    rows = persons.iloc[np.concatenate([np.arange(len(persons)), again])].reset_index(drop=True)
    lag = random.integers(0, 30, len(rows)).astype("timedelta64[D]")
    last = np.datetime64(f"{LAST_YEAR}-12-31")
    rows["identification_date"] = np.minimum(rows["identification_date"].to_numpy() + lag, last)
    rows["is_duplicate"] = np.arange(len(rows)) >= len(persons)
    rows = rows.iloc[np.argsort(rows["identification_date"].to_numpy(), kind="stable")].reset_index(drop=True)
    year = rows["identification_date"].dt.year.to_numpy()
    numbers = [agency.number.format(year=y, count=k) for k, y in enumerate(year, start=1)]
    texts = {
        header: numbers if variable == "case_number" else _column(agency, variable, rows, habits, random)
        for variable, header in agency.columns.items()
    }
    frame = pd.DataFrame(texts)
    return _spoilt(agency, frame, rows, numbers, habits, random)


def _spoilt(
    agency: Agency,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    numbers: list[str],
    habits: Habits,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Plant wrong cells, and tell where."""
    candidates = [variable for variable in WRONG if variable in agency.columns]
    wrong_column = np.full(len(frame), "", dtype=object)
    for row in np.flatnonzero(random.random(len(frame)) < habits.wrong):
        variable = candidates[random.integers(len(candidates))]
        header = agency.columns[variable]
        frame.loc[int(row), header] = WRONG[variable]
        wrong_column[row] = header
    truth = pd.DataFrame(
        {
            "list": agency.name,
            "row": np.arange(len(frame)) + (1 if agency.file.endswith(".jsonl") else 2),
            "case_number": numbers,
            "person_id": rows["person_id"],
            "is_duplicate": rows["is_duplicate"],
            "wrong_column": wrong_column.astype(str),
        }
    )
    return frame, truth


def _column(
    agency: Agency, variable: str, rows: pd.DataFrame, habits: Habits, random: np.random.Generator
) -> list[str]:
    """One column as the agency writes it, with gaps."""
    count = len(rows)
    kind = variables()[variable].type
    if variable in ("full_name", "given_name", "family_name", "second_family_name"):
        return _names(agency, variable, rows, habits, random)
    if variable == "phone":
        return [f"+999 {a:03d} {b:04d}" if has else "" for a, b, has in zip(
            random.integers(1000, size=count), random.integers(10000, size=count), random.random(count) < 0.4, strict=True)]  # fmt: skip
    if variable == "date_of_birth":
        return _birth_dates(agency, rows, habits, random)
    if variable == "age" and "date_of_birth" in agency.columns:
        return [
            str(age) if random_age < 0.3 else ""
            for age, random_age in zip(rows["age"], random.random(count), strict=True)
        ]
    values = rows.get(_SOURCE.get(variable, variable))
    if variable == "place_of_identification":
        places = random.choice(["street", "dwelling", "health_facility", "online", "border"], count)
        texts = [agency.text(variable, place) for place in places]
    elif kind in ("date",):
        assert values is not None
        texts = pd.to_datetime(values).dt.strftime(agency.dates).tolist()
    elif kind == "integer":
        assert values is not None
        texts = [str(value) for value in values]
    elif kind in ("country", "countries"):
        assert values is not None
        texts = [_countries(agency, value) for value in values]
    elif kind == "codes":
        assert values is not None
        texts = [agency.separator.join(agency.text(variable, code) for code in _listed(value)) for value in values]
    else:
        assert values is not None
        texts = ["" if value is None else agency.text(variable, value) for value in values]
    draw = random.random(count)
    if variable in ("sex", "identification_date"):
        return ["" if d < habits.missing / 4 else text for text, d in zip(texts, draw, strict=True)]
    gone, not_known = habits.missing, habits.missing + habits.unknown
    return [
        "" if d < gone else agency.unknown if d < not_known and text else text
        for text, d in zip(texts, draw, strict=True)
    ]


_SOURCE = {"countries_of_exploitation": "country_of_exploitation"}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _countries(agency: Agency, value: str | list[str]) -> str:
    texts = [code if agency.iso_countries else countries.label(code, agency.language) for code in _listed(value)]
    return agency.separator.join(texts)


def _birth_dates(agency: Agency, rows: pd.DataFrame, habits: Habits, random: np.random.Generator) -> list[str]:
    """Birth dates; some are the first of January, some have day and month exchanged, some are missing."""
    dates = pd.to_datetime(rows["date_of_birth"])
    draw = random.random(len(rows))
    out = []
    for day, d in zip(dates, draw, strict=True):
        if d < habits.birth_date / 2:
            day = day.replace(month=1, day=1)
        elif d < habits.birth_date * 0.75 and day.day <= 12:
            day = day.replace(month=day.day, day=day.month)
        elif d > 1 - habits.missing:
            out.append("")
            continue
        out.append(day.strftime(agency.dates))
    return out


def _names(agency: Agency, variable: str, rows: pd.DataFrame, habits: Habits, random: np.random.Generator) -> list[str]:
    """Names as the agency writes them: its script, other spellings, slips, a missing second surname."""
    count = len(rows)
    vary = random.random((3, count)) < habits.spelling
    choice = random.integers(0, 1000, (3, count))
    slip = random.random(count) < habits.typing
    slips = random.integers(0, 1000, (2, count))
    no_second = random.random(count) < 0.25
    turned = random.random(count) < 0.05
    out = []
    positions = rows[["culture", "sex", "given", "family", "second"]].to_numpy()
    for k, (culture, sex, given, family, second) in enumerate(positions):
        kind = "male" if sex == "male" else "female"
        parts = {
            "given_name": written(names()[culture, kind][given], culture, agency.script, vary[0, k], choice[0, k]),
            "family_name": written(
                names()[culture, "family"][family], culture, agency.script, vary[1, k], choice[1, k]
            ),
            "second_family_name": ""
            if second < 0 or no_second[k]
            else written(names()[culture, "family"][second], culture, agency.script, vary[2, k], choice[2, k]),
        }
        if variable == "full_name":
            families = f"{parts['family_name']} {parts['second_family_name']}".strip()
            pair = (
                [families, parts["given_name"]] if agency.family_first != turned[k] else [parts["given_name"], families]
            )
            text = ("" if agency.script == "han" and culture == "zh" else " ").join(pair)
        else:
            text = parts[variable]
        out.append(mistyped(text, slips[0, k], slips[1, k]) if slip[k] else text)
    return out
