"""A case record to and from the Human Trafficking Case Data Standard 2.0 (IOM; CC BY 4.0), as JSON.

Both directions are read from data: the crosswalks ``htcds`` (a victim and the trafficking event) and
``htcds-perpetrator``. What HTCDS can hold of a record is what they map, one to one, and besides:

- countries of recruitment, transit and exploitation, the date of recruitment and the first day of
  exploitation, as historic trafficking events (the last day has no field);
- whole dates only: not ``2021-03``;
- one relation to the trafficker and one sector of forced labour: of several, none is picked;
- ``unknown`` for gender only, ``none`` nowhere.

A code without a match of its own is told by the nearest wider one of ``htcds_narrowing.csv`` (a consulate is
a non-police governmental organization) and comes back as that. :func:`lost` says what would not come back.

Source: github.com/UNMigration/HTCDS, HTCDS Field Standards 2.0.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from amparo.standard import countries
from amparo.standard.crosswalks import Column, Crosswalk, built_in
from amparo.standard.errors import AmparoError
from amparo.standard.variables import NONE, UNKNOWN, Variable, comparable, variables

EVENTS = "Historic Trafficking Events"
SECTIONS = {
    "prs": "Person",
    "vic": "Person - Victim Context",
    "per": "Person - Perpetrator Context",
    "cco": "Case Comment",
}
"""Section of HTCDS by the prefix of its fields."""
_ONE_VALUE = ("vic_RelationshipToTrafficker", "vic_ForcedLabourIndustry")
"""Single picklists of HTCDS where several codes may hold in the standard."""


def to_htcds(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as an HTCDS document: sections of fields, and a list of historic trafficking events.

    Parameters
    ----------
    record : values by variable, of a victim or of a perpetrator. Codes and countries (alpha-3) are texts, of
        variables with several values sequences of texts; dates are ISO texts or dates; missing is None
        or absent.
    """
    recorded = [name for name, value in record.items() if value is not None]
    known = _crosswalk(any(name.startswith("perpetrator_") for name in recorded))
    document: dict[str, Any] = {}
    for field, column in known.columns.items():
        value = _out(field, column, variables()[column.variable], record.get(column.variable))
        if value not in (None, []):
            document.setdefault(SECTIONS[field[:3]], {})[field] = value
    events = _events_out(record)
    if events:
        document[EVENTS] = events
    if known.unit == "perpetrator":  # kept when empty: it says in which context the person stands
        document.setdefault(SECTIONS["per"], {})
    return document


def from_htcds(document: Mapping[str, Any]) -> dict[str, Any]:
    """The record of an HTCDS document; fields that the crosswalk does not name are passed over.

    Returns
    -------
    Values by variable as :func:`to_htcds` takes them (several values as lists), without missing ones.

    Raises
    ------
    AmparoError : a value outside its picklist, no country or no date, or several events of recruitment.
    """
    for section in SECTIONS.values():
        if not isinstance(document.get(section, {}), Mapping):
            raise _fault(f"section {section!r}", document[section], "fields and their values")
    events = document.get(EVENTS, [])
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise _fault(f"section {EVENTS!r}", events, "a list of events")
    known = _crosswalk(SECTIONS["per"] in document)
    record: dict[str, Any] = {}
    for field, column in known.columns.items():
        value = document.get(SECTIONS[field[:3]], {}).get(field)
        if value not in (None, "", []):
            record[column.variable] = _in(field, column, variables()[column.variable], value)
    record.update(_events_in(events))
    return record


def lost(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a record that HTCDS cannot hold: what does not come back the same."""
    back = from_htcds(to_htcds(record))
    return {
        name: value for name, value in record.items() if value not in (None, [], ()) and _plain(value) != back.get(name)
    }


def _crosswalk(perpetrator: bool) -> Crosswalk:
    return built_in()["htcds-perpetrator" if perpetrator else "htcds"]


@cache
def _picklist(crosswalk: str, field: str) -> Mapping[str, str]:
    """Picklist value of each code: its own (the first that the crosswalk gives), or the nearest wider one."""
    column = built_in()[crosswalk].columns[field]
    own: dict[str, str] = {}
    for value, codes in column.codes.items():
        own.setdefault(codes[0], value)
    return {code: value for (variable, code), value in _narrowing().items() if variable == column.variable} | own


@cache
def _narrowing() -> Mapping[tuple[str, str], str]:
    text = files("amparo.standard").joinpath("data", "htcds_narrowing.csv").read_text(encoding="utf-8")
    return {(row["variable"], row["code"]): row["htcds"] for row in csv.DictReader(text.splitlines())}


def _out(field: str, column: Column, variable: Variable, value: Any) -> Any:
    if value is None:
        return None
    if variable.type == "date":
        return _whole_date(value)
    if variable.type not in ("code", "codes", "countries"):
        return value
    values = _several(value)
    if variable.codes == "country":
        return [code for code in values if code not in (UNKNOWN, NONE)]
    picklist = _picklist(_crosswalk(variable.unit == "perpetrator").name, field)
    found = list(dict.fromkeys(picklist[code] for code in values if code in picklist))
    if variable.type == "code" or field in _ONE_VALUE:
        return found[0] if len(values) == 1 and found else None
    return found


def _in(field: str, column: Column, variable: Variable, value: Any) -> Any:
    if variable.type == "date":
        whole = _whole_date(value)
        if whole is None:
            raise _fault(field, value, "a date as YYYY-MM-DD")
        return whole
    if variable.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise _fault(field, value, "a whole number")
        return value
    if variable.type == "text":
        if not isinstance(value, str):
            raise _fault(field, value, "a text")
        return value
    if variable.codes == "country":
        return list(dict.fromkeys(_country(field, name) for name in _several(value)))
    known = {comparable(text): codes[0] for text, codes in column.codes.items()}
    codes = []
    for text in _several(value):
        code = known.get(comparable(text)) if isinstance(text, str) else None
        if code is None:
            raise _fault(field, text, f"one of {', '.join(column.codes)}")
        codes.append(code)
    codes = list(dict.fromkeys(codes))
    if variable.multiple:
        return codes
    if len(codes) > 1:
        raise _fault(field, value, "one value")
    return codes[0]


def _events_out(record: Mapping[str, Any]) -> list[dict[str, str]]:
    events = _events_of("Recruitment", record.get("country_of_recruitment"), record.get("recruitment_date"))
    events += _events_of("Transit", record.get("countries_of_transit"), None)
    return events + _events_of(
        "Exploitation", record.get("countries_of_exploitation"), record.get("exploitation_start")
    )


def _events_of(kind: str, places: Any, day: Any) -> list[dict[str, str]]:
    """One event per country; the day, known of the first only, stands with it, or alone."""
    known = [code for code in _several(places) if code not in (UNKNOWN, NONE)]
    events = [{"hte_Type": kind, "hte_Country": code} for code in known]
    whole = _whole_date(day)
    if whole:
        events = events or [{"hte_Type": kind}]
        events[0]["hte_Date"] = whole
    return events


def _events_in(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    places: dict[str, list[str]] = {"Recruitment": [], "Transit": [], "Exploitation": []}
    days: dict[str, list[str]] = {"Recruitment": [], "Transit": [], "Exploitation": []}
    for event in events:
        kind = event.get("hte_Type")
        if not isinstance(kind, str) or kind not in places:
            raise _fault("hte_Type", kind, f"one of {', '.join(places)}")
        if event.get("hte_Country"):
            places[kind].append(_country("hte_Country", event["hte_Country"]))
        if event.get("hte_Date"):
            day = _whole_date(event["hte_Date"])
            if day is None:
                raise _fault("hte_Date", event["hte_Date"], "a date as YYYY-MM-DD")
            days[kind].append(day)
    if len(set(places["Recruitment"])) > 1:
        raise AmparoError(
            f"several countries of recruitment ({', '.join(places['Recruitment'])}).",
            remedy="A case record describes one trafficking event: make a document for each.",
            where="HTCDS hte_Country",
        )
    found: dict[str, Any] = {
        "country_of_recruitment": places["Recruitment"][0] if places["Recruitment"] else None,
        "countries_of_transit": list(dict.fromkeys(places["Transit"])),
        "countries_of_exploitation": list(dict.fromkeys(places["Exploitation"])),
        "recruitment_date": min(days["Recruitment"], default=None),
        "exploitation_start": min(days["Exploitation"], default=None),
    }
    return {name: value for name, value in found.items() if value}


def _country(field: str, name: Any) -> str:
    code = countries.find(name) if isinstance(name, str) else None
    if code is None:
        raise _fault(field, name, "an ISO 3166 code or a UN country name")
    return code


def _whole_date(value: Any) -> str | None:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else None
    except (TypeError, ValueError):
        return None


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(dict.fromkeys(value)) if isinstance(value, list | tuple) else [value]


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()[:10]
    return list(value) if isinstance(value, tuple) else value


def _fault(field: str, value: Any, expected: str) -> AmparoError:
    return AmparoError(
        f"{value!r} is not understood; expected {expected}.",
        remedy="Correct the document at its source.",
        where=f"HTCDS {field}",
    )
