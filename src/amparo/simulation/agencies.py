"""The agencies: each with its own columns, language, codes, format and habits of writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from amparo.standard import countries
from amparo.standard.crosswalks import Column, Crosswalk
from amparo.standard.variables import code_list, variables


@dataclass(frozen=True)
class Agency:
    """One agency and its list.

    Attributes
    ----------
    key : its name among the agencies of the country; also the kind of entity.
    columns : header by variable, in the order of the list.
    words : by variable, the agency's texts for codes, where they are not the standard's labels in its language.
    flags : columns that answer yes or no to one code, as header: (variable, code); with the words for yes and no.
    name_order : of a full name, ``given family``, ``family given`` or ``FAMILY, given``.
    number : pattern of the case numbers, with ``year`` and ``count``.
    title : rows of text above the header (spreadsheets).
    """

    key: str
    file: str
    language: str
    columns: Mapping[str, str]
    number: str
    unknown: str
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flags: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    yes_no: tuple[str, str] = ("Y", "N")
    script: str = "latin"
    name_order: str = "given family"
    separator: str = ";"
    dates: str = "%d/%m/%Y"
    iso_countries: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    title: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the list: the file's without its ending."""
        return self.file.split(".")[0]

    def word(self, variable: str, code: str) -> str:
        """How the agency writes a code or a country."""
        own = self.words.get(variable, {}).get(code)
        if own is not None:
            return own
        if variables()[variable].codes == "country":
            return code if self.iso_countries else countries.label(code, self.language)
        return code_list(variables()[variable].codes)[code].labels[self.language]

    def crosswalk(self) -> Crosswalk:
        """The agency's crosswalk, as a person has corrected it."""
        columns = {
            header: Column(variable, {text: (code,) for code, text in self.words.get(variable, {}).items()})
            for variable, header in self.columns.items()
        }
        yes, no = self.yes_no
        for header, (variable, code) in self.flags.items():
            columns[header] = Column(variable, {yes: (code,), no: ()})
        return Crosswalk(
            name=self.name,
            unit="perpetrator" if self is PROSECUTION else "victim",
            entity_type=self.key,
            language=self.language,
            separator=self.separator,
            date_order="YMD" if self.dates.startswith("%Y") else "DMY",
            unknown=(self.unknown,),
            header_row=len(self.title) + 1,
            columns=columns,
        )


_POLICE = Agency(
    key="police",
    file="policia.csv",
    language="es",
    columns={
        "case_number": "Nº expediente",
        "family_name": "Primer apellido",
        "second_family_name": "Segundo apellido",
        "given_name": "Nombre",
        "identity_number": "Documento",
        "date_of_birth": "Fecha de nacimiento",
        "sex": "Sexo",
        "citizenship": "Nacionalidad",
        "phone": "Teléfono",
        "country_of_recruitment": "País de captación",
        "countries_of_transit": "Países de tránsito",
        "countries_of_exploitation": "País de explotación",
        "exploitation_forms": "Finalidad",
        "means_of_control": "Medios de control",
        "acts": "Actos",
        "means": "Medios (Palermo)",
        "recruiter_relation": "Relación con el captador",
        "recruitment_date": "Fecha de captación",
        "exploitation_start": "Inicio de la explotación",
        "exploitation_end": "Fin de la explotación",
        "identification_date": "Fecha de identificación",
        "identification_status": "Situación",
        "proceedings_status": "Procedimiento",
    },
    words={
        "sex": {"female": "M", "male": "H", "other": "X"},
        "countries_of_transit": {"none": "Ninguno"},
        "exploitation_forms": {
            "sexual": "ESX",
            "forced_labour": "TF",
            "forced_criminality": "CF",
            "begging": "MEN",
            "servitude": "SERV",
            "forced_marriage": "MATR",
            "organ_removal": "ORG",
        },
        "identification_status": {
            "presumed": "Presunta",
            "identified": "Identificada",
            "recognised": "Reconocida",
            "rejected": "Descartada",
        },
        "proceedings_status": {"no_proceedings": "Sin diligencias", "dismissed": "Archivado"},
    },
    separator="/",
    unknown="NS/NC",
    encoding="cp1252",
    delimiter=";",
    number="POL-{year}-{count:05d}",
)

_BORDER = Agency(
    key="border",
    file="border_screening.xlsx",
    language="en",
    columns={
        "case_number": "Screening no.",
        "full_name": "Full name",
        "identity_number": "Passport no.",
        "date_of_birth": "DOB",
        "age": "Age (if no DOB)",
        "sex": "Sex",
        "citizenship": "Nationality",
        "country_of_birth": "Born in",
        "country_of_recruitment": "Recruited in",
        "countries_of_transit": "Route",
        "countries_of_exploitation": "Destination",
        "exploitation_forms": "Purpose",
        "recruiter_relation": "Recruiter",
        "recruitment_methods": "How recruited",
        "identification_date": "Interviewed on",
        "identification_status": "Outcome",
    },
    words={
        "sex": {"female": "F", "male": "M", "other": "X"},
        "countries_of_transit": {"none": "direct"},
        "exploitation_forms": {
            "sexual": "1",
            "forced_labour": "2",
            "servitude": "3",
            "forced_marriage": "4",
            "forced_criminality": "5",
            "begging": "6",
            "organ_removal": "7",
        },
        "identification_status": {
            "presumed": "Possible victim",
            "identified": "Victim",
            "recognised": "Victim, recognised",
            "rejected": "No indication",
        },
    },
    flags={
        "Debt": ("means_of_control", "debt_bondage"),
        "Deceived": ("means_of_control", "false_promises"),
        "Papers kept": ("means_of_control", "withholds_documents"),
        "Threatened": ("means_of_control", "physical_threats"),
    },
    name_order="FAMILY, given",
    dates="%Y-%m-%d",
    iso_countries=True,
    unknown="unknown",
    number="BRD{year}{count:05d}",
    title=("Border authority: screening interviews", ""),
)

_SHELTER = Agency(
    key="shelter",
    file="refuge.ods",
    language="fr",
    columns={
        "case_number": "N° de dossier",
        "family_name": "Nom",
        "given_name": "Prénom",
        "phone": "Portable",
        "gender": "Genre",
        "sex": "Sexe",
        "date_of_birth": "Né(e) le",
        "citizenship": "Nationalité",
        "marital_status": "Situation familiale",
        "education": "Niveau d'études",
        "countries_of_exploitation": "Pays d'exploitation",
        "exploitation_forms": "Formes d'exploitation",
        "sexual_exploitation_types": "Type d'exploitation sexuelle",
        "means_of_control": "Moyens de contrôle",
        "recruiter_relation": "Lien avec le recruteur",
        "exploitation_start": "Début de l'exploitation",
        "duration_months": "Durée (mois)",
        "identification_date": "Date d'identification",
        "identified_by": "Orientée par",
        "assistance": "Aide reçue",
        "participates_in_proceedings": "Participe à la procédure",
    },
    words={
        "sex": {"female": "F", "male": "H", "other": "A"},
        "exploitation_forms": {
            "sexual": "sexuelle",
            "forced_labour": "travail forcé",
            "servitude": "domestique",
            "forced_marriage": "mariage forcé",
            "forced_criminality": "délits forcés",
            "begging": "mendicité",
            "organ_removal": "organes",
        },
        "recruiter_relation": {"intimate_partner": "petit ami", "stranger": "personne inconnue"},
        "assistance": {
            "housing": "hébergement",
            "health": "soins",
            "psychological": "suivi psychologique",
            "legal": "aide juridique",
            "financial": "aide financière",
            "education_training": "formation",
            "reflection_period": "délai de réflexion",
            "return_reintegration": "retour",
            "translation": "interprète",
        },
    },
    separator=" + ",
    unknown="inconnu",
    number="R{year}/{count:05d}",
)

_LABOUR = Agency(
    key="labour_inspection",
    file="inspektsiya_truda.csv",
    language="ru",
    columns={
        "case_number": "Номер дела",
        "full_name": "ФИО",
        "date_of_birth": "Дата рождения",
        "sex": "Пол",
        "citizenship": "Гражданство",
        "countries_of_exploitation": "Страна эксплуатации",
        "exploitation_forms": "Вид эксплуатации",
        "labour_sector": "Отрасль",
        "means_of_control": "Средства контроля",
        "recruiter_relation": "Кто завербовал",
        "age_at_recruitment": "Возраст при вербовке",
        "duration_months": "Продолжительность, мес.",
        "identification_date": "Дата выявления",
    },
    words={
        "sex": {"female": "жен.", "male": "муж.", "other": "иной"},
        "exploitation_forms": {
            "sexual": "сексуальная",
            "forced_labour": "труд",
            "servitude": "подневольное состояние",
            "forced_marriage": "брак",
            "forced_criminality": "преступления",
            "begging": "попрошайничество",
            "organ_removal": "органы",
        },
        "labour_sector": {
            "A": "сельское хозяйство",
            "C": "производство",
            "F": "стройка",
            "H": "транспорт",
            "I": "гостиницы и питание",
            "N": "услуги",
            "T": "домашнее хозяйство",
        },
    },
    script="cyrillic",
    name_order="family given",
    separator=" | ",
    dates="%d.%m.%Y",
    unknown="неизвестно",
    encoding="cp1251",
    delimiter=";",
    number="ИТ-{year}-{count:05d}",
)

_HEALTH = Agency(
    key="health",
    file="sihha.csv",
    language="ar",
    columns={
        "case_number": "رقم الملف",
        "full_name": "الاسم الكامل",
        "sex": "الجنس",
        "age": "العمر",
        "citizenship": "الجنسية",
        "countries_of_exploitation": "بلد الاستغلال",
        "exploitation_forms": "شكل الاستغلال",
        "means_of_control": "وسائل السيطرة",
        "identification_date": "تاريخ التعرف",
        "place_of_identification": "مكان التعرف",
        "assistance": "المساعدة",
    },
    words={
        "exploitation_forms": {
            "sexual": "١",
            "forced_labour": "٢",
            "servitude": "٣",
            "forced_marriage": "٤",
            "forced_criminality": "٥",
            "begging": "٦",
            "organ_removal": "٧",
        }
    },
    script="arabic",
    separator="، ",
    dates="%Y/%m/%d",
    unknown="غير معروف",
    number="ص{year}{count:05d}",
)

_CHILDREN = Agency(
    key="child_protection",
    file="ertong_baohu.jsonl",
    language="zh",
    columns={
        "case_number": "案号",
        "full_name": "姓名",
        "sex": "性别",
        "date_of_birth": "出生日期",
        "age": "年龄",
        "citizenship": "国籍",
        "country_of_birth": "出生国",
        "countries_of_exploitation": "剥削国",
        "exploitation_forms": "剥削形式",
        "means_of_control": "控制手段",
        "recruiter_relation": "与招募者的关系",
        "phone": "电话",
        "identification_date": "识别日期",
        "place_of_identification": "识别地点",
    },
    words={"sex": {"female": "女", "male": "男", "other": "其他"}},
    script="han",
    name_order="family given",
    separator="、",
    dates="%Y年%m月%d日",
    unknown="不详",
    number="儿{year}{count:05d}",
)

LISTS = (_POLICE, _BORDER, _SHELTER, _LABOUR, _HEALTH, _CHILDREN)
"""The agencies with lists of victims, in the order of :data:`amparo.simulation.knobs.AGENCIES`."""

PROSECUTION = Agency(
    key="prosecution",
    file="fiscalia.parquet",
    language="es",
    columns={
        "perpetrator_number": "Nº diligencias",
        "perpetrator_event_number": "Nº del hecho",
        "perpetrator_name": "Nombre y apellidos",
        "perpetrator_sex": "Sexo",
        "perpetrator_age": "Edad",
        "perpetrator_citizenship": "Nacionalidad",
        "perpetrator_roles": "Función",
        "perpetrator_status": "Estado",
        "perpetrator_status_date": "Fecha del estado",
    },
    words={"perpetrator_sex": {"female": "M", "male": "H"}},
    separator="/",
    unknown="NS/NC",
    number="FIS-{year}-{count:05d}",
)
