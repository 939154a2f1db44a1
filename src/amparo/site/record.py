"""A case as a record of the standard: what statistics and other systems get of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amparo.site import facts
from amparo.site.models import Case
from amparo.standard.htcds import to_htcds
from amparo.standard.variables import variables

_SCREENING = ("place_of_identification", "identified_by", "identification_date", "identification_status")


def standard_record(case: Case, groups: frozenset[str]) -> dict[str, Any]:
    """The standard's variables of the groups; names and contacts only where their groups are asked for.

    An appeal that is pending leaves the person a presumed victim: the rejection is not final.
    """
    found: dict[str, Any] = {}
    for group in sorted(groups & set(facts.FIELDS)):
        for name, value in facts.read(case, group).items():
            if name in variables() and value not in ("", None, [], False):
                found[name] = value
    if "age" in found:
        found["age_group"] = "child" if found["age"] < 18 else "adult"
    if "screening" in groups:
        status = {"identification_status": "presumed" if case.status == "appealed" else case.status}
        held: Mapping[str, Any] = {**case.record, **status}
        found |= {name: held[name] for name in _SCREENING if held.get(name)}
    if "needs" in groups:
        given = [need.kind for need in case.needs.all() if need.state == "met"]
        if given:
            found["assistance"] = sorted(set(given))
    if "justice" in groups:
        taken = next((entry.takes_part for entry in case.proceedings.all()), None)
        if taken:
            found["participates_in_proceedings"] = taken
    return found


def document(case: Case, groups: frozenset[str]) -> dict[str, Any]:
    """The case as an HTCDS document; its number stands as the case's number."""
    return to_htcds({"case_number": case.number, **standard_record(case, groups)})
