"""The entries of a case that are kept one by one: which there are, their group of fields, and their form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import forms
from django.forms import ModelForm, modelform_factory

from amparo.site import models
from amparo.site.text import field_label


@dataclass(frozen=True)
class Kind:
    """One kind of entry; ``group`` is the group of fields that it is shared with."""

    name: str
    group: str
    model: Any
    related: str
    fields: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("need", "needs", models.Need, "needs", ("kind", "pillar", "urgent", "state", "due", "met_on")),
        Kind("appointment", "needs", models.Appointment, "appointments", ("at", "kind", "kept")),
        Kind("follow_up", "needs", models.FollowUp, "followups", ("due", "months", "reached_on", "settled")),
        Kind("recovery", "protection", models.RecoveryPeriod, "recoveryperiods", ("starts", "ends", "state")),
        Kind("child", "protection", models.ChildMeasure, "childmeasures", ("kind", "due", "done_on")),
        Kind(
            "measure",
            "protection",
            models.ProtectionMeasure,
            "protectionmeasures",
            ("kind", "whom", "starts", "ends", "state"),
        ),
        Kind(
            "non_punishment",
            "justice",
            models.NonPunishment,
            "nonpunishments",
            ("infraction", "requested_on", "outcome", "decided_on", "penalised", "remedied"),
        ),
        Kind(
            "compensation",
            "justice",
            models.Compensation,
            "compensations",
            ("route", "claimed_on", "currency", "claimed", "awarded", "paid", "outcome"),
        ),
        Kind("proceeding", "justice", models.Proceeding, "proceedings", ("takes_part", "stage", "hearing")),
    )
}


class EntryForm(ModelForm):
    """The form of an entry, with its sealed note."""

    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=20_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["note"] = self.instance.texts().get("note", "")
        kind = self._meta.model.__name__
        for name, field in self.fields.items():
            own = f"{kind.lower()}-{name}"
            field.label = field_label(own if own in _OWN_LABELS else name)
            if isinstance(field, forms.DateField):
                field.widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
            elif isinstance(field, forms.DateTimeField):
                field.widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
                field.input_formats = ["%Y-%m-%dT%H:%M"]

    def clean(self) -> dict[str, Any]:
        """A period ends after it begins."""
        found = super().clean() or {}
        starts, ends = found.get("starts"), found.get("ends")
        if starts and ends and ends < starts:
            self.add_error("ends", field_label("ends-before-starts"))
        return found

    def save(self, commit: bool = True) -> Any:
        """The entry, with its note sealed."""
        self.instance.write_texts({"note": self.cleaned_data.get("note", "")})
        return super().save(commit)


_OWN_LABELS = frozenset({"followup-due"})


@cache
def form_of(kind: str) -> type[EntryForm]:
    """The form class of a kind of entry: its named fields and no other column can be written."""
    entry = KINDS[kind]
    return modelform_factory(entry.model, form=EntryForm, fields=entry.fields)
