"""The first pages: home, the reader's language, and the day page of each role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from amparo.site.access import grants, visible_cases
from amparo.site.middleware import LANGUAGE_COOKIE
from amparo.site.models import (
    Agency,
    Appointment,
    AuditEntry,
    Case,
    ChildMeasure,
    Feedback,
    FollowUp,
    GlassOpening,
    Need,
    Referral,
    User,
)
from amparo.standard.variables import LANGUAGES

_SHOWN = 8
"""Lines of each list on the day page; the rest is one step away."""


@require_GET
def home(request: Any) -> HttpResponse:
    """To the day page, or to sign in."""
    return redirect("day" if request.user.is_authenticated else "account_login")


@require_GET
def alive(_request: Any) -> HttpResponse:
    """Answers, so that a page can tell whether the line holds."""
    return HttpResponse("ok", content_type="text/plain")


@require_POST
def language(request: Any) -> HttpResponse:
    """Keep the chosen language, and go back."""
    chosen, back = request.POST.get("lang", ""), request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = redirect(back)
    if chosen in LANGUAGES:
        if request.user.is_authenticated:
            User.objects.filter(pk=request.user.pk).update(language=chosen)
        response.set_cookie(LANGUAGE_COOKIE, chosen, httponly=True, samesite="Strict", secure=request.is_secure())
    return response


@require_GET
def day(request: Any) -> HttpResponse:
    """What waits and what is late, for the user's role."""
    pages = {"worker": _worker, "coordinator": _coordinator, "auditor": _auditor, "administrator": _administrator}
    page = pages.get(request.user.role)
    return render(request, "desk/day.html", {"sections": page(request.user) if page else {}})


def _worker(user: User) -> dict[str, Any]:
    now, today = timezone.now(), timezone.localdate()
    own = Q(case__agency=user.agency_id, case__closed_at=None)
    incoming = Referral.objects.waiting().filter(recipient=user.agency_id).select_related("case__agency", "need")
    needs = Need.objects.filter(own, state="open").select_related("case").order_by("due", "created_at")
    cases = list(visible_cases(user).filter(closed_at=None).select_related("agency").order_by("-changed_at")[:_SHOWN])
    granted = grants(user, cases)
    return {
        "incoming": incoming.order_by("answer_by")[:_SHOWN],
        "overdue": Referral.objects.waiting()
        .filter(own, answer_by__lt=now)
        .select_related("case", "recipient")
        .order_by("answer_by")[:_SHOWN],
        "urgent": needs.filter(Q(urgent=True) | Q(due__lt=today))[:_SHOWN],
        "appointments": Appointment.objects.filter(own, at__gte=now, at__lt=now + timedelta(days=2), kept="")
        .select_related("case")
        .order_by("at")[:_SHOWN],
        "children": ChildMeasure.objects.filter(own, done_on=None, due__lte=today)
        .select_related("case")
        .order_by("due")[:_SHOWN],
        "followups": FollowUp.objects.filter(own, reached_on=None, due__lte=today)
        .select_related("case")
        .order_by("due")[:_SHOWN],
        "feedback": Feedback.objects.filter(own, answered_at=None, kind__in=("correction", "complaint"))
        .select_related("case")
        .order_by("due")[:_SHOWN],
        "glass": GlassOpening.objects.filter(own, seen_by_owner_at=None).select_related("case", "created_by__agency")[
            :_SHOWN
        ],
        "cases": [(case, granted[case.pk], _name(case, granted[case.pk])) for case in cases],
    }


def _name(case: Case, grant: Any) -> str:
    if "identity" not in grant.reads:
        return ""
    found = case.opened("identity")
    return " ".join(part for part in (found.get("given_name"), found.get("family_name")) if part)


def _coordinator(_user: User) -> dict[str, Any]:
    openings = GlassOpening.objects.filter(reviewed_at=None).select_related("case__agency", "created_by__agency")
    return {
        "review": openings.order_by("created_at")[:_SHOWN],
        "late": Referral.objects.waiting()
        .filter(answer_by__lt=timezone.now())
        .select_related("recipient", "case__agency")
        .order_by("answer_by")[:_SHOWN],
    }


def _auditor(_user: User) -> dict[str, Any]:
    return {"entries": AuditEntry.objects.order_by("-number")[:_SHOWN]}


def _administrator(_user: User) -> dict[str, Any]:
    return {"people": User.objects.count(), "agencies": Agency.objects.count()}
