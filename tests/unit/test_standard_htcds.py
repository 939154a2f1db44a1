"""A round trip standard -> HTCDS -> standard loses nothing that HTCDS can hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.standard import countries
from amparo.standard.crosswalks import built_in
from amparo.standard.errors import AmparoError
from amparo.standard.htcds import EVENTS, from_htcds, lost, to_htcds
from amparo.standard.variables import code_list, variables

COUNTRIES = st.sampled_from(sorted(countries.countries()))
DAYS = st.dates().map(lambda day: day.isoformat())
TEXTS = st.text(min_size=1, max_size=20)
SINGLE = {"recruiter_relation", "labour_sector"}  # HTCDS has room for one


def codes_of(name: str, codes: list[str]) -> st.SearchStrategy[Any]:
    if not variables()[name].multiple:
        return st.sampled_from(codes)
    most = 1 if name in SINGLE else 5
    return st.lists(st.sampled_from(codes), min_size=1, max_size=most, unique=True)


def holdable(crosswalk: str) -> dict[str, st.SearchStrategy[Any]]:
    """By variable, the values for which HTCDS has a field and, in a picklist, a value of their own."""
    found: dict[str, st.SearchStrategy[Any]] = {}
    for column in built_in()[crosswalk].columns.values():
        variable = variables()[column.variable]
        if column.codes:
            codes = list(dict.fromkeys(code for codes in column.codes.values() for code in codes))
            found[variable.name] = codes_of(variable.name, codes)
        else:
            found[variable.name] = {
                "text": TEXTS,
                "integer": st.integers(0, 120),
                "date": DAYS,
                "countries": st.lists(COUNTRIES, min_size=1, max_size=3, unique=True),
            }[variable.type]
    return found


VICTIM = holdable("htcds") | {
    "country_of_recruitment": COUNTRIES,
    "countries_of_transit": st.lists(COUNTRIES, min_size=1, max_size=3, unique=True),
    "countries_of_exploitation": st.lists(COUNTRIES, min_size=1, max_size=3, unique=True),
    "recruitment_date": DAYS,
    "exploitation_start": DAYS,
}
PERPETRATOR = holdable("htcds-perpetrator")


@given(st.fixed_dictionaries({}, optional=VICTIM) | st.fixed_dictionaries({}, optional=PERPETRATOR))
def test_nothing_that_htcds_can_hold_is_lost(record: dict[str, Any]) -> None:
    document = json.loads(json.dumps(to_htcds(record)))
    assert from_htcds(document) == record
    assert lost(record) == {}


ANYTHING = {
    variable.name: (
        codes_of(variable.name, list(code_list(variable.codes)))
        if variable.codes not in ("", "country")
        else {
            "text": TEXTS,
            "integer": st.integers(0, 120),
            "date": DAYS | st.sampled_from(["2021-03", "2021"]) | st.dates(),
            "country": COUNTRIES | st.just("unknown"),
            "countries": st.lists(COUNTRIES | st.sampled_from(["unknown", "none"]), max_size=3).map(tuple),
        }[variable.type]
    )
    | st.none()
    for variable in variables().values()
    if variable.unit in ("victim", "event")
}


@given(st.fixed_dictionaries({}, optional=ANYTHING))
def test_whatever_the_record_what_comes_back_is_stable_and_adds_no_variable(record: dict[str, Any]) -> None:
    document = to_htcds(record)
    back = from_htcds(document)
    assert to_htcds(back) == document
    assert set(back) <= {name for name, value in record.items() if value not in (None, ())}
    assert lost(back) == {}


def test_all_seventeen_methods_of_control_come_back() -> None:
    methods = [code for code in code_list("means_of_control") if code not in (
        "threats", "abuse", "debt_or_earnings", "none", "unknown",
    )]  # fmt: skip
    assert len(methods) == 17
    assert from_htcds(to_htcds({"means_of_control": methods})) == {"means_of_control": methods}


def test_lost_names_what_htcds_cannot_hold() -> None:
    record = {
        "given_name": "Ana",
        "sex": "female",
        "date_of_birth": "2001-05",
        "exploitation_end": "2020-01-01",
        "identified_by": "consular",
        "labour_sector": ["A", "F"],
        "means_of_control": ["unknown"],
        "citizenship": ["MEX"],
    }
    assert set(lost(record)) == set(record) - {"given_name", "citizenship"}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            {"Person": {"prs_Gender": "Woman"}},
            "prs_Gender: 'Woman' is not understood; expected one of Feminine",
        ),
        ({"Person": {"prs_Gender": ["Feminine", "Masculine"]}}, "expected one value"),
        ({"Person": {"prs_Birthdate": "1/2/2001"}}, "expected a date"),
        ({"Person": {"prs_FirstName": 5}}, "expected a text"),
        ({"Person": {"prs_Citizenship": ["Atlantis"]}}, "expected an ISO 3166 code"),
        ({"Person - Victim Context": {"vic_AgeWhenTrafficked": "ten"}}, "expected a whole number"),
        ({"Person": ["Ana"]}, "expected fields and their values"),
        ({EVENTS: {"hte_Type": "Transit"}}, "expected a list of events"),
        ({EVENTS: ["Transit"]}, "expected a list of events"),
        ({EVENTS: [{"hte_Type": ["Transit"]}]}, "expected one of Recruitment"),
        ({EVENTS: [{"hte_Type": "Flight"}]}, "expected one of Recruitment"),
        ({EVENTS: [{"hte_Type": "Transit", "hte_Date": "2001"}]}, "expected a date"),
        (
            {EVENTS: [{"hte_Type": "Recruitment", "hte_Country": c} for c in ("MEX", "PER")]},
            "a document for each",
        ),
    ],
)
def test_a_document_that_does_not_follow_htcds_is_refused(document: dict[str, Any], told: str) -> None:
    with pytest.raises(AmparoError, match=told):
        from_htcds(document)


def test_labels_and_country_names_are_understood_on_the_way_in() -> None:
    document = {
        "Person": {"prs_Gender": "Not Specified/Unknown", "prs_Citizenship": ["MX"]},
        EVENTS: [{"hte_Type": "Exploitation", "hte_Country": "Perú"}],
    }
    assert from_htcds(document) == {
        "gender": "unknown",
        "citizenship": ["MEX"],
        "countries_of_exploitation": ["PER"],
    }
