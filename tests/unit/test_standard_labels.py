"""Every variable and code can be shown in the six UN languages, and is found again by what it shows."""

import unicodedata
from importlib.resources import files

import pytest

from amparo.standard import countries
from amparo.standard.variables import LANGUAGES, code_list, match_code, variables

CODE_LISTS = sorted(
    entry.name.removesuffix(".csv") for entry in (files("amparo.standard") / "data" / "codes").iterdir()
)
SCRIPTS = {"ar": "ARABIC", "zh": "CJK", "ru": "CYRILLIC"}
SAME_AS_ENGLISH = {
    "fr": {
        "Assistance",
        "Construction",
        "Dimension",
        "Europe",
        "Police",
        "Prostitution",
        "Servitude",
        "Total",
    },
    "es": {"Alias", "Asia", "Melanesia", "Micronesia", "No", "Total"},
}
"""Words that the languages share, read one by one; any other label that equals the English is forgotten."""


def cells(path: str) -> list[tuple[str, str, str, str]]:
    """(key, language, label, English label) as the file has them, before any fallback."""
    import csv

    text = (files("amparo.standard") / "data" / path).read_text(encoding="utf-8")
    return [
        (row.get("code") or row["name"], lang, row[f"label_{lang}"], row["label_en"])
        for row in csv.DictReader(text.splitlines())
        for lang in LANGUAGES
    ]


@pytest.mark.parametrize("path", ["variables.csv", "regions.csv", *(f"codes/{name}.csv" for name in CODE_LISTS)])
def test_no_label_is_missing_or_left_in_english(path: str) -> None:
    for key, lang, label, english in cells(path):
        assert label.strip() == label != "", (key, lang)
        if not any(c.isalpha() for c in english):
            continue  # 0–8
        if lang in SCRIPTS:
            assert any(SCRIPTS[lang] in unicodedata.name(c, "") for c in label), (key, lang, label)
        elif lang != "en" and label == english:
            assert label in SAME_AS_ENGLISH[lang], (key, lang, label)


@pytest.mark.parametrize("name", CODE_LISTS)
def test_codes_are_unique_and_a_label_names_one_code(name: str) -> None:
    text = (files("amparo.standard") / "data" / "codes" / f"{name}.csv").read_text(encoding="utf-8")
    assert len(code_list(name)) == len(text.splitlines()) - 1
    for code, entry in code_list(name).items():
        for lang, label in entry.labels.items():
            assert match_code(name, f"  {label.upper()} ") == code, (lang, label)


@pytest.mark.parametrize("name", CODE_LISTS)
def test_parents_exist(name: str) -> None:
    known = set(code_list(name)) | (set(code_list("age_group")) if name == "age_band" else set())
    assert {code.parent for code in code_list(name).values()} <= known | {""}


def test_every_code_list_is_used_and_every_one_used_is_there() -> None:
    used = {variable.codes for variable in variables().values()} - {"", "country"}
    assert used == set(CODE_LISTS)


def test_what_names_a_person_is_kept_in_the_vault() -> None:
    names = ("name", "alias", "phone", "email", "address", "identity", "date_of_birth", "notes", "_number")
    for variable in variables().values():
        if any(part in variable.name for part in names):
            assert variable.storage == "vault", variable.name
        if variable.storage == "analysis" and variable.name != "category":
            assert variable.type != "text", variable.name


def test_the_standard_covers_what_the_ic_tip_asks() -> None:
    assert {variable.unit for variable in variables().values()} == {
        "victim",
        "event",
        "perpetrator",
        "aggregate",
    }
    assert set(code_list("isic_section")) == set("ABCDEFGHIJKLMNOPQRSTU") | {"unknown"}
    assert {"presumed", "identified", "recognised", "rejected"} <= set(code_list("identification_status"))


def test_every_country_has_a_name_in_six_languages_and_is_found_by_it() -> None:
    for iso3, entry in countries.countries().items():
        assert countries.find(iso3) == countries.find(iso3.lower()) == iso3
        for lang in LANGUAGES:
            assert countries.find(entry.labels[lang]) == iso3, (iso3, lang)
            if lang in SCRIPTS:
                assert any(SCRIPTS[lang] in unicodedata.name(c, "") for c in entry.labels[lang]), (iso3, lang)


def test_every_country_lies_in_a_region_that_has_a_name() -> None:
    for entry in countries.countries().values():
        region, subregion = countries.regions()[entry.region], countries.regions()[entry.subregion]
        assert subregion.code == region.code == countries.WORLD or subregion.parent == region.code
