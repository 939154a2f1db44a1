"""Crosswalks proposed for lists as agencies write them, in the six UN languages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from amparo.intake.key import Key
from amparo.intake.load import load_list
from amparo.intake.suggest import header_scores, matching_built_in, suggest
from amparo.intake.workspace import Workspace
from amparo.standard.crosswalks import dump, load
from amparo.standard.errors import AmparoError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@dataclass(frozen=True)
class Agency:
    """A list as an agency writes it, and what a person who knows it would say of it."""

    text: str
    variables: dict[str, str]
    codes: dict[tuple[str, str], str]
    settings: tuple[str, str, str]  # language, separator, order of dates


SPANISH = Agency(
    """Nº expediente;Nombre y apellidos;Sexo;F. nacimiento;Nacionalidad;País de destino;Tipo de explotación;Medios;Captador;Fecha de rescate;Teléfono;Observaciones
E-101;María Muñoz;M;13/02/1990;Bolivia;Chile;Sexual;amenazas, deuda;pareja;25/04/2021;+591 71234567;llegó sola
E-102;José Peña;H;2001;Perú;Chile;Laboral;deuda;desconocido/a;03/2022;NS/NR;
E-103;Ana Quispe;M;30/11/1985;Bolivia;Argentina;Laboral, Sexual;documentos;familiar;19/01/2020;+591 79876543;derivada
E-104;Luz Díaz;M;NS/NR;Colombia;Chile;Mendicidad;encierro;amigo;14/07/2023;+57 3012345678;
""",
    {
        "Nº expediente": "case_number",
        "Nombre y apellidos": "full_name",
        "Sexo": "sex",
        "F. nacimiento": "date_of_birth",
        "Nacionalidad": "citizenship",
        "País de destino": "countries_of_exploitation",
        "Tipo de explotación": "exploitation_forms",
        "Medios": "means_of_control",
        "Captador": "recruiter_relation",
        "Fecha de rescate": "identification_date",
        "Teléfono": "phone",
        "Observaciones": "notes",
    },
    {("Sexo", "M"): "female", ("Sexo", "H"): "male", ("Tipo de explotación", "Laboral"): "forced_labour"},
    ("es", ",", "DMY"),
)
ENGLISH = Agency(
    """ClientID,First name,Surname,Gender,DOB,Age,Nationality,Exploited in,Exploitation type,Control methods,Recruited by,Date of referral,Status
C-9001,Mary,Obi,Female,02/13/1990,31,Nigeria,Italy,Sexual exploitation,Debt bondage|Threats,Partner,04/25/2021,Confirmed
C-9002,John,Doe,Male,11/30/1988,33,Ghana,Libya,Forced labour,Withholds documents,Stranger,12/19/2021,Possible victim
C-9003,Grace,Ade,Female,01/02/2005,17,Nigeria,Italy,Sexual exploitation|Forced labour,Threats,Friend,06/15/2022,Identified victim
C-9004,Ama,Osei,Female,07/04/1999,23,Ghana,Spain,Begging,Debt bondage,Family,03/03/2023,Unknown
""",
    {
        "ClientID": "case_number",
        "First name": "given_name",
        "Surname": "family_name",
        "Gender": "sex",
        "DOB": "date_of_birth",
        "Age": "age",
        "Nationality": "citizenship",
        "Exploited in": "countries_of_exploitation",
        "Exploitation type": "exploitation_forms",
        "Control methods": "means_of_control",
        "Recruited by": "recruiter_relation",
        "Date of referral": "identification_date",
        "Status": "identification_status",
    },
    {("Status", "Confirmed"): "recognised", ("Recruited by", "Partner"): "intimate_partner"},
    ("en", "|", "MDY"),
)
FRENCH = Agency(
    """N° dossier;Nom;Prénom;Sexe;Date de naissance;Nationalité;Pays d'exploitation;Type d'exploitation;Moyens de contrôle;Recruteur;Date d'identification;Statut
D12;Diallo;Aïssatou;F;13.02.1990;Guinée;France;Exploitation sexuelle;menaces / dettes;ami;25.04.2021;victime présumée
D13;Traoré;Moussa;H;2001;Mali;France;Travail forcé;confiscation des documents;famille;30.03.2022;victime identifiée
D14;Koné;Awa;F;30.11.1985;Mali;Italie;Travail forcé / Mendicité;dettes;conjoint;19.01.2020;inconnu
D15;Bah;Fatou;F;02.06.1999;Guinée;France;Mariage forcé;violence physique;famille;17.05.2023;victime présumée
""",
    {
        "N° dossier": "case_number",
        "Nom": "family_name",
        "Prénom": "given_name",
        "Sexe": "sex",
        "Date de naissance": "date_of_birth",
        "Nationalité": "citizenship",
        "Pays d'exploitation": "countries_of_exploitation",
        "Type d'exploitation": "exploitation_forms",
        "Moyens de contrôle": "means_of_control",
        "Recruteur": "recruiter_relation",
        "Date d'identification": "identification_date",
        "Statut": "identification_status",
    },
    {("Sexe", "H"): "male", ("Type d'exploitation", "Travail forcé"): "forced_labour"},
    ("fr", "/", "DMY"),
)
ARABIC = Agency(
    """رقم الملف,الاسم الكامل,الجنس,تاريخ الميلاد,العمر,الجنسية,بلد الاستغلال,نوع الاستغلال,وسائل السيطرة,المجند,تاريخ التعرف,الهاتف
101,فاطمة الزهراء,أنثى,1990-02-13,31,سوريا,الأردن,عمل قسري,تهديد; دين,قريب,2021-04-25,+962790000001
102,محمد علي,ذكر,1988-11-30,33,العراق,تركيا,تسول,مصادرة الوثائق,صديق,2021-12-19,+962790000002
103,مريم حسن,أنثى,2005-01-02,17,سوريا,لبنان,زواج قسري,تهديد,زوج,2022-06-15,+962790000003
104,ليلى عمر,أنثى,غير معروف,,اليمن,الأردن,استغلال جنسي; عمل قسري,دين,غريب,2023-03-03,+962790000004
""",
    {
        "رقم الملف": "case_number",
        "الاسم الكامل": "full_name",
        "الجنس": "sex",
        "تاريخ الميلاد": "date_of_birth",
        "العمر": "age",
        "الجنسية": "citizenship",
        "بلد الاستغلال": "countries_of_exploitation",
        "نوع الاستغلال": "exploitation_forms",
        "وسائل السيطرة": "means_of_control",
        "المجند": "recruiter_relation",
        "تاريخ التعرف": "identification_date",
        "الهاتف": "phone",
    },
    {("الجنس", "أنثى"): "female", ("نوع الاستغلال", "عمل قسري"): "forced_labour"},
    ("ar", ";", "YMD"),
)
RUSSIAN = Agency(
    """№ дела;ФИО;Пол;Дата рождения;Гражданство;Страна эксплуатации;Вид эксплуатации;Методы контроля;Вербовщик;Дата выявления;Статус;Телефон
Д-1;Иванова Мария Петровна;ж;13.02.1990;Молдова;Турция;сексуальная;угрозы, долг;знакомый;25.04.2021;предполагаемая;+37379000001
Д-2;Петров Иван Ильич;м;30.11.1988;Украина;Россия;принудительный труд;изъятие документов;незнакомец;19.12.2021;выявлена;+38050000002
Д-3;Кузнецова Анна;ж;02.01.2005;Молдова;Россия;попрошайничество;угрозы;родственник;15.06.2022;признана;+37379000003
Д-4;Орлова Ольга;ж;неизвестно;Беларусь;Польша;принудительный труд;долг;друг;30.03.2023;выявлена;+37529000004
""",
    {
        "№ дела": "case_number",
        "ФИО": "full_name",
        "Пол": "sex",
        "Дата рождения": "date_of_birth",
        "Гражданство": "citizenship",
        "Страна эксплуатации": "countries_of_exploitation",
        "Вид эксплуатации": "exploitation_forms",
        "Методы контроля": "means_of_control",
        "Вербовщик": "recruiter_relation",
        "Дата выявления": "identification_date",
        "Статус": "identification_status",
        "Телефон": "phone",
    },
    {("Пол", "ж"): "female", ("Статус", "признана"): "recognised"},
    ("ru", ",", "DMY"),
)
CHINESE = Agency(
    """案件编号,姓名,性别,出生日期,年龄,国籍,剥削国,剥削类型,控制手段,招募者关系,识别日期,联系电话
A001,王芳,女,1990年2月13日,31,越南,中国,强迫婚姻,欺骗、扣留证件,熟人,2021年4月25日,13800000001
A002,李伟,男,1988年11月30日,33,缅甸,泰国,强迫劳动,扣留证件,陌生人,2021年12月19日,13800000002
A003,陈静,女,2005年1月2日,17,越南,柬埔寨,性剥削,债务,朋友,2022年6月15日,13800000003
A004,赵敏,女,不详,,缅甸,中国,强迫劳动、性剥削,威胁,亲属,2023年3月,13800000004
""",
    {
        "案件编号": "case_number",
        "姓名": "full_name",
        "性别": "sex",
        "出生日期": "date_of_birth",
        "年龄": "age",
        "国籍": "citizenship",
        "剥削国": "countries_of_exploitation",
        "剥削类型": "exploitation_forms",
        "控制手段": "means_of_control",
        "招募者关系": "recruiter_relation",
        "识别日期": "identification_date",
        "联系电话": "phone",
    },
    {("性别", "女"): "female", ("剥削类型", "强迫劳动"): "forced_labour"},
    ("zh", "、", "YMD"),
)
AGENCIES = {"es": SPANISH, "en": ENGLISH, "fr": FRENCH, "ar": ARABIC, "ru": RUSSIAN, "zh": CHINESE}


@pytest.fixture(params=AGENCIES)
def agency(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Agency, Path]:
    file = tmp_path / "list.csv"
    file.write_text(AGENCIES[request.param].text, encoding="utf-8")
    return AGENCIES[request.param], file


def test_every_column_is_proposed_as_a_person_would(agency: tuple[Agency, Path]) -> None:
    known, file = agency
    assert {name: column.variable for name, column in suggest(file).columns.items()} == known.variables


def test_codes_separator_date_order_and_language_are_found_out(agency: tuple[Agency, Path]) -> None:
    known, file = agency
    proposed = suggest(file)
    for (column, text), code in known.codes.items():
        assert proposed.columns[column].codes[text] == (code,)
    assert (proposed.language, proposed.separator, proposed.date_order) == known.settings


def test_a_proposal_can_be_written_read_and_loaded_with_no_row_refused(agency: tuple[Agency, Path]) -> None:
    _, file = agency
    written = file.with_name("list.crosswalk.toml")
    written.write_text(dump(suggest(file)), encoding="utf-8")
    work = Workspace(file.with_name("w"), Key(b"k" * 32))
    done = load_list(file, load(written), work)
    assert work.quarantine().select(["column", "value", "reason"]).to_pylist() == []
    assert (done.accepted, done.left_out) == (4, ())


def test_what_is_sure_is_right(tmp_path: Path) -> None:
    lines = []
    for name, known in AGENCIES.items():
        file = tmp_path / f"{name}.csv"
        file.write_text(known.text, encoding="utf-8")
        lines += [
            (column.sure, column.variable == known.variables.get(header))
            for header, column in suggest(file).columns.items()
        ]
    sure = [right for certainty, right in lines if certainty >= 0.9]
    assert len(sure) > len(lines) / 2
    assert sum(sure) / len(sure) >= 0.9


def test_an_order_of_dates_that_nothing_tells_is_not_called_sure(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Caso;Fecha de nacimiento\nA1;01/02/1990\nA2;03/04/1991\n", encoding="utf-8")
    assert suggest(file).columns["Fecha de nacimiento"].sure < 0.9


def test_a_header_whose_cells_say_otherwise_is_not_called_sure(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Case;Sex;Age\nA1;blue;tall\nA2;green;short\n", encoding="utf-8")
    assert all(column.sure < 0.5 for name, column in suggest(file).columns.items() if name in ("Sex", "Age"))


def test_headers_in_code_style_are_read_as_words() -> None:
    assert header_scores("dateOfBirth")["date_of_birth"] == 1
    assert header_scores("fecha_de_nacimiento")["date_of_birth"] == 1


def test_a_list_of_nothing_we_know_is_told(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("zzqx,qqwv\n!,?\n", encoding="utf-8")
    with pytest.raises(AmparoError, match="generic-en"):
        suggest(file)


@pytest.mark.parametrize(
    ("file", "name"), [("unodc/data_glotip.xlsx", "glotip"), ("ctdc/ctdc_one_hot_91k.csv.gz", "ctdc-one-hot")]
)
def test_published_files_are_known_by_their_header(file: str, name: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip(f"{SHARED / file} is not here")
    found = matching_built_in(SHARED / file)
    assert found is not None
    assert found.name == name
