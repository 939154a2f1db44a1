"""One case: its page, its facts, screening, status, entries, and what leaves it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo.site import access, facts, record
from amparo.site.codes import choices
from amparo.site.entries import KINDS, form_of
from amparo.site.models import AuditEntry, Case, GlassOpening, Screening, User
from amparo.site.models.cases import StatusError
from amparo.site.text import field_label, text
from amparo.site.views.cases import alike, draft_of, drop_draft, name_of


@require_GET
def case(request: Any, case: Case) -> HttpResponse:
    """All that one may see of the case, group by group."""
    reads = request.grant.reads
    if request.grant.own:
        GlassOpening.objects.filter(case=case, seen_by_owner_at=None).update(seen_by_owner_at=timezone.now())
    page = {
        "case": case,
        "grant": request.grant,
        "groups": [group for group in access.GROUPS if group in reads],
        "name": name_of(case, request.grant),
        "facts": {group: _shown(case, group) for group in facts.FIELDS if group in reads},
        "entries": {
            name: [(entry, entry.texts().get("note", "")) for entry in getattr(case, kind.related).all()]
            for name, kind in KINDS.items()
            if kind.group in reads
        },
        "screenings": case.screenings.all() if "screening" in reads else (),
        "changes": [(change, change.texts().get("reason", "")) for change in case.statuschanges.all()]
        if "screening" in reads
        else (),
        "may_decide": access.may_decide(request.user, case, request.grant),
        "same": alike(access.visible_cases(request.user), case) if "identity" in reads else (),
    }
    if request.grant.own:
        page["consents"] = case.consents.select_related("recipient")
        page["referrals"] = case.referrals.select_related("recipient", "consent", "need")
        page["openings"] = case.glassopenings.select_related("created_by__agency")
        page["feedback"] = [(said, said.texts().get("words", "")) for said in case.feedbacks.all()]
        page["has_door"] = case.doors.exists()
    return render(request, "desk/case.html", page)


def _shown(case: Case, group: str) -> list[tuple[str, str, Any]]:
    """Field, code list, value of what is recorded; gaps are left out."""
    values = facts.read(case, group)
    return [
        (name, facts.LISTS.get(name, ""), value) for name, value in values.items() if value not in ("", None, [], False)
    ]


@require_GET
def case_print(request: Any, case: Case) -> HttpResponse:
    """The case on paper, without navigation."""
    page = {
        "case": case,
        "name": name_of(case, request.grant),
        "facts": {group: _shown(case, group) for group in facts.FIELDS if group in request.grant.reads},
        "now": timezone.now(),
    }
    return render(request, "desk/print.html", page)


@require_GET
def case_export(request: Any, case: Case) -> HttpResponse:
    """The case as an HTCDS document, of the groups that one may read."""
    document = record.document(case, request.grant.reads)
    response = HttpResponse(json.dumps(document, ensure_ascii=False, indent=2), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="case-{case.number}.json"'
    return response


@require_http_methods(["GET", "POST"])
def case_edit(request: Any, case: Case, group: str) -> HttpResponse:
    """Change the facts of a group; see :mod:`amparo.site.facts` for what becomes of two who save at once."""
    if group not in facts.FIELDS:
        raise Http404
    access.require_write(request, group)
    page: dict[str, Any] = {"case": case, "group": group, "conflicts": {}}
    typed = request.POST or draft_of(request)
    if not typed:
        values = facts.read(case, group)
        page["form"] = facts.FactsForm(group, initial={**values, "base": json.dumps(values)})
        return render(request, "desk/edit.html", page)
    form = facts.FactsForm(group, typed)
    page |= {"form": form, "has_draft": request.method == "GET"}
    if request.method == "GET" or not form.is_valid():
        return render(request, "desk/edit.html", page, status=422 if request.method == "POST" else 200)
    saved = facts.save(case, group, form.values(), form.cleaned_data["base"])
    if saved.conflicts:
        form.data = form.data.copy()
        form.data["base"] = json.dumps(saved.theirs)
        page["conflicts"] = [(name, facts.LISTS.get(name, ""), saved.theirs[name]) for name in saved.conflicts]
        return render(request, "desk/edit.html", page, status=409)
    drop_draft(request)
    request.audit_detail = {"group": group, "fields": list(saved.changed)}
    messages.success(request, text("saved-merged" if saved.merged else "saved"))
    return redirect("case", case.pk)


class ScreeningForm(forms.Form):
    """Signs, and the judgement of who saw them."""

    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), required=False, max_length=20_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"] = forms.ChoiceField(choices=lambda: choices("place_of_identification"))
        self.fields["seen"] = forms.MultipleChoiceField(
            choices=lambda: choices("sign"), required=False, widget=forms.CheckboxSelectMultiple
        )
        self.fields["conclusion"] = forms.ChoiceField(
            choices=lambda: choices("screening_conclusion"), widget=forms.RadioSelect
        )
        for name in ("place", "seen", "conclusion"):
            self.fields[name].label = field_label(f"intake-{name}")
        self.fields["note"].label = field_label("note")
        self.order_fields(["place", "seen", "conclusion", "note"])


@require_http_methods(["GET", "POST"])
def screening_new(request: Any, case: Case) -> HttpResponse:
    """Record a screening."""
    form = ScreeningForm(request.POST or draft_of(request))
    if request.method == "GET" or not form.is_valid():
        page = {
            "form": form,
            "case": case,
            "title": "screening-title",
            "lead": "screening-lead",
            "has_draft": form.is_bound,
        }
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    told = form.cleaned_data
    made = Screening(
        case=case, created_by=request.user, place=told["place"], seen=told["seen"], conclusion=told["conclusion"]
    )
    made.write_texts({"note": told["note"]})
    made.save()
    drop_draft(request)
    return redirect("case", case.pk)


class StatusForm(forms.Form):
    """A step of the status of identification."""

    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), max_length=20_000)

    def __init__(self, allowed: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [pair for pair in choices("case_status") if pair[0] in allowed]
        self.fields["to"] = forms.ChoiceField(choices=offered, widget=forms.RadioSelect, label=field_label("status-to"))
        self.fields["reason"].label = field_label("reason")
        self.order_fields(["to", "reason"])


@require_http_methods(["GET", "POST"])
def status(request: Any, case: Case) -> HttpResponse:
    """Move the status of identification on."""
    allowed = access.may_decide(request.user, case, request.grant)
    form = StatusForm(allowed, request.POST or None)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "case": case, "title": "status-title", "lead": "status-lead"}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    try:
        Case.objects.select_for_update().get(pk=case.pk).change_status(
            form.cleaned_data["to"], by=request.user, reason=form.cleaned_data["reason"]
        )
    except StatusError:
        form.add_error("to", field_label("status-moved"))
        page = {"form": form, "case": case, "title": "status-title", "lead": "status-lead"}
        return render(request, "desk/form.html", page, status=409)
    request.audit_detail = {"to": form.cleaned_data["to"]}
    return redirect("case", case.pk)


@require_POST
def case_close(request: Any, case: Case) -> HttpResponse:
    """Close the case, or open it again; nothing of it is lost."""
    case.closed_at = None if case.closed_at else timezone.now()
    case.save(update_fields=["closed_at", "changed_at"])
    request.audit_detail = {"closed": case.closed_at is not None}
    return redirect("case", case.pk)


@require_GET
def case_seen(request: Any, case: Case) -> HttpResponse:
    """Who saw and changed this case."""
    entries = list(AuditEntry.objects.filter(case=case.pk).order_by("-number")[:200])
    users = {user.pk: user for user in User.objects.filter(pk__in={e.actor for e in entries}).select_related("agency")}
    return render(request, "desk/seen.html", {"case": case, "entries": [(e, users.get(e.actor)) for e in entries]})


# --- entries -------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def entry_new(request: Any, case: Case, kind: str) -> HttpResponse:
    """A new entry of a kind."""
    return _entry(request, case, kind, None)


@require_http_methods(["GET", "POST"])
def entry_edit(request: Any, case: Case, kind: str, entry: UUID) -> HttpResponse:
    """Change an entry of this case."""
    return _entry(request, case, kind, entry)


def _entry(request: Any, case: Case, kind: str, key: UUID | None) -> HttpResponse:
    known = KINDS.get(kind)
    if known is None:
        raise Http404
    access.require_write(request, known.group)
    instance = (
        get_object_or_404(getattr(case, known.related), pk=key)
        if key
        else known.model(case=case, created_by=request.user)
    )
    form = form_of(kind)(request.POST or draft_of(request), instance=instance)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "case": case, "title": f"entry-{kind}", "lead": "", "has_draft": form.is_bound}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    form.save()
    drop_draft(request)
    request.audit_detail = {"entry": kind, "new": key is None}
    return redirect("case", case.pk)
