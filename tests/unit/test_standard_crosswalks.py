"""A crosswalk is read strictly and written readably."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.standard.crosswalks import Column, Crosswalk, built_in, dump, load, parse
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES, code_list, variables

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

GOOD = """[crosswalk]
name = "shelter-es"
unit = "victim"
entity_type = "shelter"
language = "es"

[columns."Sexo"]
variable = "sex"
sure = 0.8

[columns."Sexo".codes]
"Mujer" = "female"

[columns."Medios"]
variable = "means_of_control"
[columns."Medios".codes]
"golpes y amenazas" = ["physical_abuse", "threats"]
"0" = []

[constants]
countries_of_exploitation = "XDM"
"""


def test_a_crosswalk_says_what_columns_and_texts_mean(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8-sig")
    crosswalk = load(tmp_path / "a.toml")
    assert crosswalk.columns["Sexo"] == Column("sex", {"Mujer": ("female",)}, 0.8)
    assert crosswalk.columns["Medios"].codes["golpes y amenazas"] == ("physical_abuse", "threats")
    assert crosswalk.columns["Medios"].codes["0"] == ()
    assert crosswalk.constants == {"countries_of_exploitation": "XDM"}
    assert crosswalk.missing == ("", "NULL", "NA", "N/A")


@pytest.mark.parametrize(
    ("good", "bad", "line", "told"),
    [
        ('"Mujer" = "female"', '"Mujer" = "femal"', 12, "Did you mean 'female'?"),
        ('"Mujer" = "female"', '"Mujer" = ["female", "male"]', 12, "sex holds one"),
        ('"Mujer" = "female"', '"Mujer" = 1', 12, 'Write it as "Mujer"'),
        ('variable = "sex"', 'variable = "sexo"', 8, "Did you mean 'sex'?"),
        ('variable = "sex"', 'variable = "perpetrator_sex"', 8, "describes a perpetrator"),
        ('variable = "sex"', "", 7, "has no variable"),
        ("sure = 0.8", "sure = 8", 9, "from 0 to 1"),
        ("sure = 0.8", 'sur = "x"', 9, "not understood"),
        ('unit = "victim"', 'unit = "victims"', 3, "Did you mean 'victim'?"),
        ('unit = "victim"', 'unit = "event"', 3, "known: victim, perpetrator, aggregate"),
        ('language = "es"', 'language = "de"', 5, "known: ar, zh, en, fr, ru, es"),
        ('language = "es"', "header_row = 0", 5, "from 1"),
        ('language = "es"', "separator = 5", 5, "must be a text"),
        ('language = "es"', 'unknown = "NS"', 5, "list of texts"),
        ('language = "es"', 'date_order = "DYM"', 5, "known: DMY, MDY, YMD"),
        ('"XDM"', '"Mexico"', 21, "Write 'MEX'"),
        ('"shelter-es"', '""', 2, "no name"),
        ("[constants]", "[constant]", 20, "Did you mean 'constants'?"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(good: str, bad: str, line: int, told: str) -> None:
    with pytest.raises(AmparoError) as caught:
        parse(GOOD.replace(good, bad), where="a.toml")
    assert caught.value.where == f"a.toml, line {line}"
    assert told in str(caught.value)
    assert caught.value.remedy


def test_what_is_no_crosswalk_is_told(tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="no such crosswalk"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin1.toml").write_bytes('name = "año"'.encode("latin-1"))
    with pytest.raises(AmparoError, match="UTF-8"):
        load(tmp_path / "latin1.toml")
    with pytest.raises(AmparoError, match="line 1"):
        parse("Sexo = sex", where="a.toml")
    with pytest.raises(AmparoError, match=r"\[crosswalk\]"):
        parse("", where="a.toml")
    with pytest.raises(AmparoError, match="must be a table"):
        parse('[crosswalk]\nname="a"\nunit="victim"\n[columns]\nSexo="sex"', where="a.toml")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
columns = st.one_of(
    *(
        st.builds(
            Column,
            st.just(variable.name),
            st.dictionaries(
                texts,
                st.lists(
                    st.sampled_from(sorted(code_list(variable.codes))), max_size=3 if variable.multiple else 1
                ).map(tuple),
                max_size=3,
            ),
            st.floats(0, 1),
        )
        for variable in variables().values()
        if variable.unit in ("victim", "event") and variable.codes not in ("", "country")
    )
)


@given(
    st.builds(
        Crosswalk,
        name=st.text("abc-Ñ你\"\\'#", min_size=1),
        unit=st.just("victim"),
        entity_type=st.sampled_from(sorted(code_list("entity_type"))),
        language=st.sampled_from(LANGUAGES),
        separator=texts,
        unknown=st.lists(texts, max_size=2).map(tuple),
        missing=st.lists(texts, max_size=2).map(tuple),
        sheet=st.none() | texts.filter(bool),
        header_row=st.integers(1, 99),
        constants=st.dictionaries(st.just("sex"), st.just("female")),
        columns=st.dictionaries(texts, columns, min_size=1, max_size=4),
    ),
    texts,
)
def test_what_is_written_is_read_back_the_same(crosswalk: Crosswalk, note: str) -> None:
    name = next(iter(crosswalk.columns))
    assert parse(dump(crosswalk, {name: note, "left": note}), where="a.toml") == crosswalk


def test_a_written_crosswalk_tells_how_sure_it_is_and_what_it_left_out() -> None:
    crosswalk = Crosswalk("a", "victim", columns={"Sexo": Column("sex", {}, 0.72), "Edad": Column("age")})
    text = dump(crosswalk, {"Color": "nothing in the standard resembles it"})
    assert "sure = 0.72 # 72% sure: check" in text
    assert text.count("sure") == 2
    assert '# left out: "Color" nothing in the standard resembles it' in text


def test_built_in_crosswalks_are_there() -> None:
    assert set(built_in()) == {
        "ctdc", "ctdc-one-hot", "generic-en", "generic-es", "glotip", "htcds", "htcds-perpetrator",
    }  # fmt: skip


def test_generic_headers_do_not_differ_by_case_only() -> None:
    for name in ("generic-en", "generic-es"):
        headers = [header.casefold() for header in built_in()[name].columns]
        assert len(headers) == len(set(headers))


def published(name: str) -> list[dict[str, str]]:
    path = SHARED / "standards" / name
    if not path.exists():
        pytest.skip(f"needs {path}, which is not part of the distribution")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_ctdc_crosswalk_understands_every_variable_and_value_of_the_codebook() -> None:
    crosswalk = built_in()["ctdc"]
    rows = published("ctdc_global_synthetic_2024_variables.csv")
    assert list(crosswalk.columns) == [row["variable"] for row in rows]
    for row in rows:
        column = crosswalk.columns[row["variable"]]
        for value in row["values"].split(";"):
            if value == "NULL" or variables()[column.variable].type in ("integer", "countries", "country"):
                continue
            assert value in column.codes or value in code_list(variables()[column.variable].codes), value


def test_the_htcds_crosswalks_hold_every_core_picklist_value_that_the_standard_has_a_variable_for() -> None:
    columns = built_in()["htcds"].columns | built_in()["htcds-perpetrator"].columns
    checked = 0
    for row in published("htcds_2.0_fields.csv"):
        column = columns.get(row["field"])
        if column is None or "Picklist" not in row["type"] or "ISO" in row["value_names"]:
            continue
        rest = re.sub(r"\s", "", row["value_names"])  # the list runs its value names together
        for value in sorted(column.codes, key=len, reverse=True):
            rest = rest.replace(value, "|")
        assert set(rest) <= {"|"}, (row["field"], rest)
        checked += 1
    assert checked == 12


def test_the_published_field_list_lacks_one_of_the_seventeen_methods_of_control() -> None:
    field = next(r for r in published("htcds_2.0_fields.csv") if r["field"] == "vic_MethodsOfControl")
    known = dict.fromkeys(codes[0] for codes in built_in()["htcds"].columns["vic_MethodsOfControl"].codes.values())
    assert len(known) == 17
    assert "RestrictsMovement" not in field["value_names"]
