"""Oversight: the audit log, users and agencies. None of these roles sees a case."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo.site import audit as log
from amparo.site.codes import choices, codes, current, label
from amparo.site.figures import LISTS, monthly
from amparo.site.models import Agency, AuditEntry, Case, User
from amparo.site.text import field_label, text
from amparo.standard.variables import NOT_RECORDED, TOTAL


@require_GET
def audit(request: Any) -> HttpResponse:
    """The log, the newest first: who, what, when, which case number; searched words are shown to auditors alone."""
    entries = AuditEntry.objects.order_by("-number")
    action = request.GET.get("action", "")
    if action in codes("audit_action"):
        entries = entries.filter(action=action)
    page = Paginator(entries, 50).get_page(request.GET.get("page"))
    users = {u.pk: u for u in User.objects.filter(pk__in={e.actor for e in page}).select_related("agency")}
    numbers = dict(Case.objects.filter(pk__in={e.case for e in page if e.case}).values_list("pk", "number"))
    rows = [(e, users.get(e.actor), numbers.get(e.case, ""), log.words(e)) for e in page]
    context = {"rows": rows, "page": page, "action": action, "actions": choices("audit_action")}
    return render(request, "desk/audit.html", context)


@require_POST
def audit_verify(request: Any) -> HttpResponse:
    """Follow the chain, and show what to keep elsewhere."""
    anchor = request.POST.get("anchor", "").strip()[:120]
    verdict = log.verify(anchor)
    log.write("verify", user=request.user, detail={"sound": not verdict.fault})
    return render(request, "desk/verdict.html", {"verdict": verdict})


@require_GET
def counts(request: Any) -> HttpResponse:
    """The desk's protected figures of this month; the true counts never reach this page."""
    shown = monthly()
    tables = [
        (
            table["name"],
            table["dims"],
            [([_named(dim, row[dim]) for dim in table["dims"]], row) for row in table["rows"]],
        )
        for table in shown["tables"]
        if any(row["upper"] for row in table["rows"])
    ]
    page = {"created": date.fromisoformat(shown["created"]), "tables": tables}
    return render(request, "desk/counts.html", page)


def _named(dim: str, code: str) -> str:
    if code in (TOTAL, NOT_RECORDED):
        return text("total" if code == TOTAL else "not-recorded")
    return label(LISTS[dim], code, current()) if dim in LISTS else code


@require_GET
def users(request: Any) -> HttpResponse:
    """Who works at the desk."""
    page = {"users": User.objects.select_related("agency"), "agencies": Agency.objects.all()}
    return render(request, "desk/users.html", page)


class UserForm(forms.ModelForm):
    """An account; the password is for the first sign-in, after which a second factor is set up."""

    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), required=False)

    class Meta:
        model = User
        fields = ("username", "name", "agency", "role", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = self.instance.pk is None
        for name in self.fields:
            self.fields[name].label = field_label(name)

    def clean_password(self) -> str:
        """A strong one, or none where it stays."""
        typed = str(self.cleaned_data["password"])
        if typed:
            validate_password(typed, self.instance)
        return typed

    def save(self, commit: bool = True) -> Any:
        """The user, with a new password where one was typed."""
        if self.cleaned_data["password"]:
            self.instance.set_password(self.cleaned_data["password"])
        return super().save(commit)


@require_http_methods(["GET", "POST"])
def user_new(request: Any) -> HttpResponse:
    """A new account."""
    return _form(request, UserForm(request.POST or None), "user-title")


@require_http_methods(["GET", "POST"])
def user_edit(request: Any, user: int) -> HttpResponse:
    """Change an account, or close it."""
    instance = get_object_or_404(User, pk=user)
    return _form(request, UserForm(request.POST or None, instance=instance), "user-title")


class AgencyForm(forms.ModelForm):
    """An agency."""

    class Meta:
        model = Agency
        fields = ("name", "kind", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields:
            self.fields[name].label = field_label("agency-kind" if name == "kind" else name)


@require_http_methods(["GET", "POST"])
def agency_new(request: Any) -> HttpResponse:
    """A new agency."""
    return _form(request, AgencyForm(request.POST or None), "agency-title")


def _form(request: Any, form: Any, title: str) -> HttpResponse:
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "title": title, "lead": ""}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    made = form.save()
    log.write("change", user=request.user, detail={"page": title, "row": made.pk})
    return redirect("users")
