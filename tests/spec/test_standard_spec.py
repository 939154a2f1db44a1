"""What the standard understands, drawn as tables: read them as documentation.

A column of codes may hold several, joined by ``+``; ``-`` is nothing (not found, missing, or lost).
"""

import csv
import gzip
from pathlib import Path

import pytest

from amparo.standard import countries
from amparo.standard.crosswalks import built_in
from amparo.standard.htcds import from_htcds, to_htcds
from amparo.standard.variables import code_list, match_code, variables

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def rows(table: str) -> list[tuple[str, ...]]:
    """The rows of a text table below its header."""
    lines = [line for line in table.strip().splitlines() if not set(line.strip()) <= set("-+| ")]
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines[1:]]


COUNTRIES = """
text                        | code | because
----------------------------+------+--------------------------------------------
MEX                         | MEX  | ISO 3166-1 alpha-3
mx                          | MEX  | alpha-2, in any case
 México                     | MEX  | UN name in Spanish
mexico                      | MEX  | accents do not matter
Мексика                     | MEX  | UN name in Russian
المكسيك                     | MEX  | UN name in Arabic
墨西哥                      | MEX  | UN name in Chinese
Côte d’Ivoire               | CIV  | any apostrophe
COTE D'IVOIRE               | CIV  |
Ivory Coast                 | CIV  | everyday name
Venezuela                   | VEN  | everyday name
Vietnam                     | VNM  | everyday name
Turkey                      | TUR  | former name
mexicana                    | MEX  | Spanish word for a citizen
Nigerians                   | NGA  | English word for citizens
Nigerien                    | NER  | not to be mixed up with Nigerian
Niger                       | NER  |
Guinea                      | GIN  | not Guinea-Bissau, nor Equatorial Guinea
Congo                       | COG  | UN name; the other is Democratic Republic of
RDC                         | COD  | UNODC's workbook has it: see glotip below
País de demostración        | XDM  | the made-up country
Korea                       | -    | two countries: nothing is guessed
Molodova                    | -    | resembles one: nothing is guessed
unknown                     | -    |
none                        | -    |
"""


@pytest.mark.parametrize(("text", "code", "because"), rows(COUNTRIES))
def test_a_country_is_found(text: str, code: str, because: str) -> None:
    if "glotip below" in because:
        assert meaning("glotip", "Category", text) == code
    else:
        assert (countries.find(text) or "-") == code


REGIONS = """
code | subregion                       | region
-----+---------------------------------+---------
MEX  | Latin America and the Caribbean | Americas
USA  | Northern America                | Americas
NGA  | Sub-Saharan Africa              | Africa
CYP  | Western Asia                    | Asia
GBR  | Northern Europe                 | Europe
XDM  | World                           | World
"""


@pytest.mark.parametrize(("code", "subregion", "region"), rows(REGIONS))
def test_a_country_lies_in_m49_regions(code: str, subregion: str, region: str) -> None:
    entry = countries.country(code)
    assert countries.label(entry.subregion, "en") == subregion
    assert countries.label(entry.region, "en") == region


LABELS = """
list                  | code           | ar                  | zh       | fr                     | ru                        | es
----------------------+----------------+---------------------+----------+------------------------+---------------------------+---------------------
exploitation_form     | sexual         | الاستغلال الجنسي    | 性剥削   | Exploitation sexuelle  | Сексуальная эксплуатация  | Explotación sexual
exploitation_form     | forced_labour  | السخرة              | 强迫劳动 | Travail forcé          | Принудительный труд       | Trabajo forzoso
exploitation_form     | organ_removal  | نزع الأعضاء         | 切除器官 | Prélèvement d’organes  | Извлечение органов        | Extracción de órganos
palermo_means         | deception      | الخداع              | 欺骗     | Tromperie              | Обман                     | Engaño
palermo_means         | abduction      | الاختطاف            | 诱拐     | Enlèvement             | Похищение                 | Rapto
means_of_control      | debt_bondage   | إسار الدَّين          | 债役     | Servitude pour dettes  | Долговая кабала           | Servidumbre por deudas
isic_section          | F              | التشييد             | 建筑业   | Construction           | Строительство             | Construcción
identification_status | presumed       | ضحية مفترضة         | 推定受害人 | Victime présumée     | Предполагаемая жертва     | Presunta víctima
sex                   | unknown        | غير معروف           | 不详     | Non connu              | Неизвестно                | No se sabe
"""


@pytest.mark.parametrize(("name", "code", "ar", "zh", "fr", "ru", "es"), rows(LABELS))
def test_a_code_is_named_in_the_terms_of_the_field(
    name: str, code: str, ar: str, zh: str, fr: str, ru: str, es: str
) -> None:
    labels = code_list(name)[code].labels
    assert [labels[lang] for lang in ("ar", "zh", "fr", "ru", "es")] == [ar, zh, fr, ru, es]
    assert {match_code(name, label) for label in (ar, zh, fr, ru, es, labels["en"], code)} == {code}


CELLS = """
crosswalk    | column                           | text                              | variable                  | meaning
-------------+----------------------------------+-----------------------------------+---------------------------+------------------
ctdc         | gender                           | Trans/Transgender/NonConforming   | gender                    | nonconforming
ctdc         | ageBroad                         | 9--17                             | age_band                  | 9-17
ctdc         | traffickMonths                   | 25+ (2+ yrs)                      | duration_band             | 25+
ctdc         | CountryOfExploitation            | USA                               | countries_of_exploitation | USA
ctdc         | meansThreats                     | 1                                 | means_of_control          | threats
ctdc         | meansThreats                     | 0                                 | means_of_control          | -
ctdc         | typeOfLabourDomesticWork         | 1                                 | labour_sector             | T
ctdc         | typeOfSexProstitution            | 1                                 | sexual_exploitation_types | prostitution
ctdc-one-hot | Age Band                         | 0                                 | age_band                  | -
ctdc-one-hot | Age Band                         | 9                                 | age_band                  | 48+
ctdc-one-hot | Woman                            | 1                                 | gender                    | woman
ctdc-one-hot | Woman                            | 0                                 | gender                    | -
ctdc-one-hot | Trans/NonConforming              | 1                                 | gender                    | nonconforming
glotip       | Indicator                        | Persons brought into formal contact | indicator               | suspected
glotip       | Age                              | 0 to 17 years                     | aggregate_age             | child
glotip       | Sex                              | Total                             | aggregate_sex             | _T
glotip       | Category                         | Other forms of exploitation       | category                  | other
htcds        | vic_TraffickingStatus            | PossibleVictimOfTrafficking       | identification_status     | presumed
htcds        | vic_RelationshipToTrafficker     | Unaquainted                       | recruiter_relation        | stranger
htcds        | vic_MethodsOfControl             | Threats of law enforcement        | means_of_control          | threats_law_enforcement
htcds        | vic_ForcedLabourIndustry         | F_Construction                    | labour_sector             | F
generic-es   | Sexo                             | Mujer                             | sex                       | female
generic-es   | Nacionalidad                     | venezolana                        | citizenship               | VEN
generic-es   | Tipo de explotación              | Laboral                           | exploitation_forms        | forced_labour
generic-es   | Tipo de explotación              | Matrimonio forzado                | exploitation_forms        | forced_marriage
generic-en   | Nationality                      | Thai                              | citizenship               | THA
generic-en   | Type of exploitation             | Domestic servitude                | exploitation_forms        | servitude
"""


def meaning(crosswalk: str, header: str, text: str) -> str:
    """A cell's codes: the crosswalk's word first, then the standard's own codes and labels."""
    column = built_in()[crosswalk].columns[header]
    given = {key.casefold(): codes for key, codes in column.codes.items()}.get(text.casefold())
    if given is not None:
        return "+".join(given) or "-"
    name = variables()[column.variable].codes
    found = countries.find(text) if name == "country" else match_code(name, text)
    return found or "-"


@pytest.mark.parametrize(("crosswalk", "header", "text", "variable", "codes"), rows(CELLS))
def test_a_cell_of_a_known_list_means(crosswalk: str, header: str, text: str, variable: str, codes: str) -> None:
    assert built_in()[crosswalk].columns[header].variable == variable
    assert meaning(crosswalk, header, text) == codes


HTCDS = """
variable                    | value                           | field                                  | HTCDS                             | comes back as
----------------------------+---------------------------------+----------------------------------------+-----------------------------------+--------------
gender                      | transgender_woman               | prs_Gender                             | TransgenderFeminine               | transgender_woman
gender                      | unknown                         | prs_Gender                             | NonSpecifiedUnknown               | unknown
identification_status       | recognised                      | vic_TraffickingStatus                  | ActualVictimOfTrafficking         | identified
identified_by               | labour_inspection               | vic_TraffickingStatusDecisionMakingOrg | NonPoliceGovernmentalOrganization | government
recruiter_relation          | intimate_partner                | vic_RelationshipToTrafficker           | Familial                          | family
recruiter_relation          | friend+stranger                 | vic_RelationshipToTrafficker           | -                                 | -
exploitation_forms          | sexual+forced_criminality       | vic_TypeOfExploitation                 | SexualExploitation+Other          | sexual+other
means_of_control            | restricts_movement              | vic_MethodsOfControl                   | RestrictsMovement                 | restricts_movement
means_of_control            | none                            | vic_MethodsOfControl                   | -                                 | -
date_of_birth               | 2001-05-17                      | prs_Birthdate                          | 2001-05-17                        | 2001-05-17
date_of_birth               | 2001-05                         | prs_Birthdate                          | -                                 | -
citizenship                 | MEX+unknown                     | prs_Citizenship                        | MEX                               | MEX
perpetrator_roles           | recruiter+exploiter             | per_RoleInProcess                      | RecruiterOrIntermediary+Exploiter | recruiter+exploiter
"""


@pytest.mark.parametrize(("variable", "value", "field", "htcds", "back"), rows(HTCDS))
def test_a_value_in_htcds_and_back(variable: str, value: str, field: str, htcds: str, back: str) -> None:
    def shown(found: object) -> str:
        return "+".join(found) if isinstance(found, list) else str(found or "-")

    several = variables()[variable].multiple
    document = to_htcds({variable: value.split("+") if several else value})
    fields = {name: content for section in document.values() for name, content in section.items()}
    assert shown(fields.get(field)) == htcds
    assert shown(from_htcds(document).get(variable)) == back


FILES = """
crosswalk    | file                        | columns left out
-------------+-----------------------------+-------------------------
ctdc-one-hot | ctdc/ctdc_one_hot_91k.csv.gz | Is Citizen of Country
"""


@pytest.mark.parametrize(("crosswalk", "file", "left_out"), rows(FILES))
def test_a_built_in_crosswalk_fits_its_file_cell_by_cell(crosswalk: str, file: str, left_out: str) -> None:
    if not (SHARED / file).exists():
        pytest.skip(f"needs {file}, which is not part of the distribution")
    columns = built_in()[crosswalk].columns
    with gzip.open(SHARED / file, "rt", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        seen = {tuple(row.items()) for row in reader}
        assert set(reader.fieldnames or ()) - set(columns) == {left_out}
    for row in seen:
        for header, text in row:
            assert header == left_out or text in columns[header].codes, (header, text)


def test_the_glotip_crosswalk_fits_unodcs_workbook_cell_by_cell() -> None:
    path = SHARED / "unodc" / "data_glotip.xlsx"
    if not path.exists():
        pytest.skip(f"needs {path.name}, which is not part of the distribution")
    from python_calamine import CalamineWorkbook

    crosswalk = built_in()["glotip"]
    table = CalamineWorkbook.from_path(path).get_sheet_by_name(crosswalk.sheet or "").to_python()
    header = [str(cell) for cell in table[crosswalk.header_row - 1]]
    assert set(crosswalk.columns) <= set(header)
    for name in ("Indicator", "Dimension", "Sex", "Age"):
        texts = {str(row[header.index(name)]) for row in table[crosswalk.header_row :]}
        assert texts == set(crosswalk.columns[name].codes)
    citizenships = [
        str(row[header.index("Category")])
        for row in table[crosswalk.header_row :]
        if row[header.index("Dimension")] == "by citizenship"
    ]
    coded = sum(meaning_of_category(text) for text in citizenships)
    assert coded / len(citizenships) > 0.9


def meaning_of_category(text: str) -> bool:
    codes = {key.casefold() for key in built_in()["glotip"].columns["Category"].codes}
    return text.strip().casefold() in codes or countries.find(text) is not None


def test_categories_of_glotip_are_codes_of_the_standard() -> None:
    known = {"_T", "unknown", *code_list("exploitation_form"), *countries.countries()}
    for text, codes in built_in()["glotip"].columns["Category"].codes.items():
        assert set(codes) <= known, text
