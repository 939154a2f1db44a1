"""Lists of cases: search within one's rights, quick intake, calendar, drafts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo.linkage.names import sounds
from amparo.site import audit, facts, sealing
from amparo.site.access import grants, visible_cases
from amparo.site.codes import choices
from amparo.site.models import Appointment, Case, ChildMeasure, Draft, FollowUp, Need, RecoveryPeriod, Screening
from amparo.site.text import field_label
from amparo.standard.variables import comparable

PILLAR_OF = {
    "housing": "support",
    "health": "support",
    "psychological": "support",
    "translation": "support",
    "financial": "inclusion",
    "education_training": "inclusion",
    "employment": "inclusion",
    "return_reintegration": "inclusion",
    "legal": "justice",
    "residence_permit": "identification",
    "reflection_period": "identification",
    "other": "support",
}
"""The pillar under which a kind of help is recorded first; the form of the need lets people choose another."""

_FIRST_NEEDS = ("housing", "health", "psychological", "legal", "translation", "financial")
_A_PAGE = 25


def find(cases: QuerySet[Case], words: str) -> QuerySet[Case]:
    """The cases whose number is this, or whose names have every word, as written or as it sounds."""
    typed = comparable(words).split()
    number = "".join(letter for letter in words.upper() if letter.isalnum())
    by_number = cases.filter(number=f"{number[:4]}-{number[4:]}") if len(number) == 8 else cases.none()
    if by_number.exists() or not typed:
        return by_number
    for word in typed[:6]:
        spoken = [f"sound {sound}" for sound in sounds(word)]
        cases = cases.filter(words__word__in=sealing.ring().words([f"word {word}", *spoken]))
    return cases.distinct()


def alike(cases: QuerySet[Case], case: Case) -> QuerySet[Case]:
    """Cases within one's rights that share two words or sounds of the names: perhaps the same person."""
    own = list(case.words.values_list("word", flat=True))
    others = cases.exclude(pk=case.pk).filter(words__word__in=own)
    return others.annotate(shared=Count("words")).filter(shared__gte=3).order_by("-shared")[:5]


@require_http_methods(["GET", "POST"])
def cases(request: Any) -> HttpResponse:
    """All cases of which one may see anything, or those that a search finds.

    Words come by POST: a name in an address would lie in the browser's history and in every log on the way.
    """
    words, state = request.POST.get("q", "").strip()[:100], request.GET.get("state", "open")
    found = visible_cases(request.user).select_related("agency").order_by("-changed_at")
    if words:
        found = find(found, words)
    elif state == "open":
        found = found.filter(closed_at=None)
    page = Paginator(found, _A_PAGE).get_page(request.GET.get("page"))
    granted = grants(request.user, page.object_list)
    if words:
        audit.write("search", user=request.user, detail={"found": page.paginator.count}, words=words)
    rows = [(case, granted[case.pk], name_of(case, granted[case.pk])) for case in page.object_list]
    return render(request, "desk/cases.html", {"rows": rows, "page": page, "q": words, "state": state})


def name_of(case: Case, grant: Any) -> str:
    """The person's name, if the grant shows it."""
    if "identity" not in grant.reads:
        return ""
    found = case.opened("identity")
    return " ".join(part for part in (found.get("given_name"), found.get("family_name")) if part)


class IntakeForm(forms.Form):
    """The first meeting: nothing but a judgement is asked, and that can be *not clear yet*."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"] = forms.ChoiceField(choices=lambda: choices("place_of_identification"), initial="other")
        self.fields["seen"] = forms.MultipleChoiceField(
            choices=lambda: choices("sign"), required=False, widget=forms.CheckboxSelectMultiple
        )
        self.fields["conclusion"] = forms.ChoiceField(
            choices=lambda: choices("screening_conclusion"), widget=forms.RadioSelect, initial="unclear"
        )
        self.fields["needs"] = forms.MultipleChoiceField(
            choices=lambda: [pair for pair in choices("assistance") if pair[0] in _FIRST_NEEDS],
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )
        for name in ("language", "given_name", "family_name", "sex", "age", "age_in_doubt", "citizenship", "urgent"):
            self.fields[name] = facts.form_field(name)
        self.fields["phone"] = facts.form_field("phone")
        self.fields["never_by"] = facts.form_field("never_by")
        for name in ("place", "seen", "conclusion", "needs"):
            self.fields[name].label = field_label(f"intake-{name}")


@require_http_methods(["GET", "POST"])
def case_new(request: Any) -> HttpResponse:
    """Quick intake."""
    form = IntakeForm(request.POST or draft_of(request))
    if request.method == "GET" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "desk/intake.html", {"form": form, "has_draft": form.is_bound}, status=status)
    told = form.cleaned_data
    case = Case(agency=request.user.agency, opened_by=request.user)
    facts.put(case, "profile", {**facts.read(case, "profile"), **_told(told, "profile")})
    case.record["place_of_identification"] = told["place"]
    case.record["identified_by"] = request.user.agency.kind
    case.record["identification_date"] = timezone.localdate().isoformat()
    case.seal("identity", _told(told, "identity"))
    case.seal("contact", _told(told, "contact"))
    case.save()
    case.index_names()
    Screening.objects.create(
        case=case, created_by=request.user, place=told["place"], seen=told["seen"], conclusion=told["conclusion"]
    )
    for kind in told["needs"]:
        Need.objects.create(
            case=case, created_by=request.user, kind=kind, pillar=PILLAR_OF[kind], urgent=told["urgent"]
        )
    drop_draft(request)
    audit.write("create", user=request.user, case=case, detail={"page": "case_new"})
    return redirect("case", case.pk)


def _told(told: dict[str, Any], group: str) -> dict[str, Any]:
    return {name: told[name] for name in facts.FIELDS[group] if name in told}


@require_GET
def calendar(request: Any) -> HttpResponse:
    """Everything with a day, of the agency's own open cases, the late first."""
    today = timezone.localdate()
    own = {"case__agency": request.user.agency_id, "case__closed_at": None}
    days: list[tuple[Any, str, Any]] = []
    for need in Need.objects.filter(**own, state="open", due__isnull=False).select_related("case"):
        days.append((need.due, "need", need))
    for measure in ChildMeasure.objects.filter(**own, done_on=None, due__isnull=False).select_related("case"):
        days.append((measure.due, "child", measure))
    for follow in FollowUp.objects.filter(**own, reached_on=None).select_related("case"):
        days.append((follow.due, "follow_up", follow))
    for period in RecoveryPeriod.objects.filter(**own, state="granted", ends__gte=today).select_related("case"):
        days.append((period.ends, "recovery", period))
    for meeting in Appointment.objects.filter(**own, kept="").select_related("case"):
        days.append((timezone.localtime(meeting.at).date(), "appointment", meeting))
    days.sort(key=lambda line: (line[0], line[1]))
    return render(request, "desk/calendar.html", {"days": days[:200], "today": today})


# --- drafts --------------------------------------------------------------------------------------------------


def draft_of(request: Any) -> dict[str, Any] | None:
    """What the user had typed into the form of this address, as the form takes it."""
    from django.http import QueryDict

    draft = Draft.objects.filter(user=request.user, form=request.path).first()
    return QueryDict(draft.texts().get("typed", "")) if draft else None


def drop_draft(request: Any) -> None:
    """The form was saved, or its draft is not wanted."""
    Draft.objects.filter(user=request.user, form=request.path).delete()


@require_POST
def draft(request: Any) -> HttpResponse:
    """Keep what is typed, sealed, or throw it away."""
    form = request.POST.get("draft-form", "")[:200]
    if not form.startswith("/cases/"):
        return JsonResponse({"kept": False}, status=422)
    if request.POST.get("draft-discard"):
        Draft.objects.filter(user=request.user, form=form).delete()
        return redirect(form)
    typed = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "draft-form"):
        typed.pop(name, None)
    kept, _ = Draft.objects.get_or_create(user=request.user, form=form)
    kept.write_texts({"typed": typed.urlencode()})
    kept.save()
    return JsonResponse({"kept": True})
