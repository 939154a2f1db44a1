"""The person's own door: with the code on their paper and the PIN that they chose, on any phone.

Its address and title tell nothing. Nothing is kept by the browser: no page is stored, the script replaces the page in
the history instead of adding to it, and leaving clears what the site kept and shows an encyclopaedia. It shows
what is held and who saw it by kind of agency, never where anybody is.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.cache import cache
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo.site import audit, facts
from amparo.site.codes import choices
from amparo.site.models import Agency, AuditEntry, Case, DoorCode, Feedback
from amparo.site.text import field_label, text

MINUTES = 10
"""How long the door stays open without a step."""
TRIES_AN_HOUR = 20
"""Wrong codes from one address within an hour, after which it is asked to wait."""
ELSEWHERE = "https://www.wikipedia.org/"
ANSWER_DAYS = 30
"""Days within which a complaint is to be answered."""


@require_http_methods(["GET", "POST"])
def door(request: Any) -> HttpResponse:
    """Code and PIN."""
    page: dict[str, Any] = {"failed": False}
    if request.method == "GET":
        return render(request, "desk/door.html", page)
    key = f"door-{request.META.get('REMOTE_ADDR', '')}"
    if cache.get(key, 0) >= TRIES_AN_HOUR:
        return render(request, "desk/door.html", {"wait": True}, status=429)
    opened = DoorCode.open(request.POST.get("code", "")[:40], request.POST.get("pin", "")[:40])
    if opened is None:
        cache.add(key, 0, 3600)
        cache.incr(key)
        return render(request, "desk/door.html", {"failed": True}, status=422)
    request.session.flush()  # nobody's earlier session, and a new name for this one
    request.session["door"], request.session["door_at"] = str(opened.pk), int(time.time())
    audit.write("door", case=opened.case_id)
    return redirect("door_home")


def _case(request: Any) -> Case | None:
    """The case whose door this session has opened, while it is open."""
    if time.time() - request.session.get("door_at", 0) > MINUTES * 60:
        request.session.pop("door", None)
        return None
    found = DoorCode.objects.select_related("case__agency").filter(pk=request.session.get("door")).first()
    if found is None:
        return None
    request.session["door_at"] = int(time.time())
    case: Case = found.case
    return case


@require_GET
def door_home(request: Any) -> HttpResponse:
    """What is held, who saw it, consents, the next appointments, and the words for saying how it was."""
    case = _case(request)
    if case is None:
        return redirect("door")
    held = []
    for group in ("identity", "contact", "profile", "trafficking"):
        values = facts.read(case, group).items()
        held.append((group, [(n, facts.LISTS.get(n, ""), v) for n, v in values if v not in ("", None, [], False)]))
    seen = AuditEntry.objects.filter(case=case.pk, action__in=("view", "export"), agency__isnull=False)
    agencies = Agency.objects.in_bulk()
    page = {
        "case": case,
        "held": held,
        "has_account": bool(case.account),
        "seen": [(entry.at, agencies[entry.agency].kind) for entry in seen.order_by("-number")[:20]],
        "consents": case.consents.filter(given=True).select_related("recipient"),
        "appointments": case.appointments.filter(at__gte=timezone.now()).order_by("at")[:5],
        "said": case.feedbacks.all()[:10],
        "form": FeedbackForm(),
        "thanks": request.session.pop("door_thanks", False),
    }
    return render(request, "desk/door_home.html", page)


@require_POST
def door_withdraw(request: Any, consent: UUID) -> HttpResponse:
    """Take a consent back: it closes now."""
    case = _case(request)
    if case is None:
        return redirect("door")
    found = get_object_or_404(case.consents, pk=consent)
    found.withdraw()
    found.referrals.filter(state__in=("offered", "accepted")).update(state="withdrawn")
    audit.write("withdraw", case=case, detail={"recipient": found.recipient_id, "by": "door"})
    return redirect("door_home")


class FeedbackForm(forms.Form):
    """How it was, what is wrong, a complaint."""

    words = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}), required=False, max_length=5_000
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answers = [pair for pair in choices("yes_no", blank=True) if pair[0] != "unknown"]
        self.fields["kind"] = forms.ChoiceField(choices=choices("feedback_kind"))
        self.fields["respect"] = forms.ChoiceField(choices=answers, required=False)
        self.fields["helped"] = forms.ChoiceField(choices=answers, required=False)
        for name in self.fields:
            self.fields[name].label = field_label(f"door-{name}")
        self.order_fields(["kind", "respect", "helped", "words"])


@require_POST
def door_feedback(request: Any) -> HttpResponse:
    """Keep what the person says; the agency sees it on its day page."""
    case = _case(request)
    if case is None:
        return redirect("door")
    form = FeedbackForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        due = timezone.localdate() + timedelta(days=ANSWER_DAYS) if told["kind"] != "answer" else None
        said = Feedback(case=case, kind=told["kind"], respect=told["respect"], helped=told["helped"], due=due)
        said.write_texts({"words": told["words"]})
        said.save()
        request.session["door_thanks"] = True
    return redirect("door_home")


@require_GET
def door_exit(request: Any) -> HttpResponse:
    """Leave quickly: the session ends, the browser forgets, and another page shows."""
    if "door" in request.session:
        request.session.flush()
    response = HttpResponseRedirect(ELSEWHERE)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


class PinForm(forms.Form):
    """The PIN that the person chooses, typed by them."""

    pin = forms.RegexField(
        r"^\d{4,8}$", widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pin"].label = text("field-pin")


@require_http_methods(["GET", "POST"])
def door_issue(request: Any, case: Case) -> HttpResponse:
    """Give the person a paper: a new code, with a PIN that they type themselves. Older papers die."""
    form = PinForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "case": case, "title": "door-issue-title", "lead": "door-issue-lead"}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    code = DoorCode.issue(case, form.cleaned_data["pin"], request.user)
    return render(request, "desk/paper.html", {"code": code, "case": case})
