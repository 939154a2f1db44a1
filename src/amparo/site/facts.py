"""The facts of a case by group of fields: their forms, and saving them so that nobody's work is lost.

A form carries the values that it was opened with. When somebody else has saved meanwhile, fields that only one of the
two changed are merged; a field that both changed is shown with both values, and the person decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.db import transaction

from amparo.site.codes import choices, codes
from amparo.site.models import Case
from amparo.site.text import field_label, text
from amparo.standard.variables import variables

FIELDS: Mapping[str, tuple[str, ...]] = {
    "identity": ("given_name", "family_name", "alias", "date_of_birth", "identity_number"),
    "contact": ("phone", "email", "address", "safe_when", "safe_how", "never_by"),
    "profile": (
        "sex",
        "gender",
        "age",
        "age_in_doubt",
        "citizenship",
        "country_of_birth",
        "language",
        "education",
        "marital_status",
        "urgent",
    ),
    "trafficking": (
        "exploitation_forms",
        "means_of_control",
        "country_of_recruitment",
        "countries_of_transit",
        "countries_of_exploitation",
        "recruiter_relation",
        "recruitment_methods",
        "labour_sector",
        "exploitation_start",
        "exploitation_end",
    ),
    "account": ("account_text",),
}
"""The fields of each group; names of the standard's variables are those."""

_ON_CASE = ("age_in_doubt", "language", "urgent")
_LONG = ("address", "safe_how", "never_by", "account_text")
LISTS = {
    name: variables()[name].codes
    for fields in FIELDS.values()
    for name in fields
    if name in variables() and variables()[name].codes
}
LISTS["language"] = "language"


def form_field(name: str) -> forms.Field:
    """The form field of a fact; nothing is required, for a case must open with gaps."""
    variable = variables().get(name)
    kind = (
        variable.type if variable else {"age_in_doubt": "bool", "urgent": "bool", "language": "code"}.get(name, "text")
    )
    if kind == "bool":
        made: forms.Field = forms.BooleanField(required=False)
    elif kind in ("codes", "countries"):
        offered = LISTS[name]
        # A long list is a list to choose from; a short one is ticked.
        widget = forms.SelectMultiple(attrs={"size": 6}) if len(codes(offered)) > 30 else forms.CheckboxSelectMultiple()
        made = forms.MultipleChoiceField(choices=lambda: choices(offered), required=False, widget=widget)
    elif kind in ("code", "country"):
        offered = LISTS[name]
        made = forms.ChoiceField(choices=lambda: choices(offered, blank=True), required=False)
    elif kind == "integer":
        made = forms.IntegerField(min_value=0, max_value=120, required=False)
    elif kind == "date":
        made = forms.DateField(required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    else:
        widget_text = forms.Textarea(attrs={"rows": 12 if name == "account_text" else 3}) if name in _LONG else None
        made = forms.CharField(max_length=20_000 if name in _LONG else 200, required=False, widget=widget_text)
    made.label = field_label(name)
    if name in ("age_in_doubt", "never_by", "safe_when"):
        made.help_text = text(f"help-{name}")
    if name in FIELDS["identity"] or name in FIELDS["contact"]:
        made.widget.attrs["autocomplete"] = "off"
    return made


class FactsForm(forms.Form):
    """The form of one group; ``base`` is what it was opened with."""

    base = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60_000)

    def __init__(self, group: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        for name in FIELDS[group]:
            self.fields[name] = form_field(name)

    def clean_base(self) -> dict[str, Any]:
        """The values that the form was opened with; of anything else, none."""
        try:
            found = json.loads(self.cleaned_data["base"] or "{}")
        except ValueError:
            found = {}
        return found if isinstance(found, dict) else {}

    def values(self) -> dict[str, Any]:
        """What was typed, as it is kept."""
        return {name: _plain(self.cleaned_data.get(name)) for name in FIELDS[self.group]}


def read(case: Case, group: str) -> dict[str, Any]:
    """The facts of a group; a gap is None, an empty text or an empty list."""
    if group in Case.SEALED:
        held = case.opened(group)
    else:
        held = {**case.record, **{name: getattr(case, name) for name in _ON_CASE}}
    blank = {name: _plain(empty(name)) for name in FIELDS[group]}
    return {name: held.get(name, blank[name]) for name in FIELDS[group]}


def empty(name: str) -> Any:
    """What an untouched field of the form gives."""
    variable = variables().get(name)
    if variable is not None and variable.multiple:
        return []
    if name in ("age_in_doubt", "urgent"):
        return False
    return None if variable is not None and variable.type in ("integer", "date") else ""


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True)
class Saved:
    """What came of saving: the names of changed fields, of fields taken from somebody else, and conflicts.

    With conflicts nothing is saved; ``theirs`` then holds all present values.
    """

    changed: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    theirs: Mapping[str, Any] = field(default_factory=dict)


def save(case: Case, group: str, mine: Mapping[str, Any], base: Mapping[str, Any]) -> Saved:
    """Save a group's facts, merged with what others saved since the form was opened."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case.pk)
        theirs = read(case, group)
        names = FIELDS[group]
        opened = {name: base.get(name, theirs[name]) for name in names}
        conflicts = tuple(n for n in names if mine[n] != opened[n] and theirs[n] != opened[n] and mine[n] != theirs[n])
        if conflicts:
            return Saved(conflicts=conflicts, theirs=theirs)
        result = {name: theirs[name] if mine[name] == opened[name] else mine[name] for name in names}
        changed = tuple(name for name in names if result[name] != theirs[name])
        merged = tuple(name for name in names if theirs[name] != opened[name] and theirs[name] != mine[name])
        if changed:
            put(case, group, result)
            case.version += 1
            case.save()
            if group == "identity":
                case.index_names()
        return Saved(changed=changed, merged=merged, theirs=result)


def put(case: Case, group: str, values: Mapping[str, Any]) -> None:
    """Write a group's facts into the case; the row is saved by the caller."""
    if group in Case.SEALED:
        case.seal(group, values)
        return
    record = dict(case.record)
    for name in FIELDS[group]:
        if name in _ON_CASE:
            setattr(case, name, values[name])
        elif values[name] in (None, "", []):
            record.pop(name, None)
        else:
            record[name] = values[name]
    if "age" in FIELDS[group]:
        record.pop("age_group", None)
        if record.get("age") is not None:
            record["age_group"] = "child" if record["age"] < 18 else "adult"
    case.record = record
