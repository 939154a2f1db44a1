"""Sharing: consent, referral, and opening in an emergency."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo.site import audit
from amparo.site.codes import choices, current, label
from amparo.site.models import Agency, Case, Consent, GlassOpening, Referral, Service
from amparo.site.text import field_label, text
from amparo.standard.variables import LANGUAGES

GLASS_HOURS = 4
"""How long an emergency opening lasts."""


class ConsentForm(forms.Form):
    """What is asked of the person: to whom, for what, which groups."""

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Agency.objects.filter(is_active=True).exclude(pk=case.agency_id)
        self.fields["recipient"] = forms.ModelChoiceField(others, empty_label=None)
        self.fields["purpose"] = forms.ChoiceField(choices=choices("purpose"))
        self.fields["groups"] = forms.MultipleChoiceField(choices=choices("group"), widget=forms.CheckboxSelectMultiple)
        self.fields["language"] = forms.ChoiceField(choices=choices("language"), initial=case.language or "en")
        self.fields["given_by"] = forms.ChoiceField(
            choices=choices("consent_giver"), initial="guardian" if case.is_child else "person"
        )
        for name in self.fields:
            self.fields[name].label = field_label(name)


@require_http_methods(["GET", "POST"])
def consent_new(request: Any, case: Case) -> HttpResponse:
    """First choose what to ask, then read it to the person in their language and record the answer."""
    asked = request.POST if request.method == "POST" else request.GET if "purpose" in request.GET else None
    form = ConsentForm(case, asked, initial=request.GET.dict())
    if not form.is_valid():
        page = {"form": form, "case": case, "title": "consent-title", "lead": "consent-lead", "method": "get"}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    told = form.cleaned_data
    if request.method == "GET" or request.POST.get("answer") not in ("yes", "no"):
        return render(request, "desk/consent.html", {"case": case, "told": told, "form": form, **_read_aloud(told)})
    given = request.POST["answer"] == "yes"
    consent = Consent.objects.create(
        case=case,
        created_by=request.user,
        recipient=told["recipient"],
        purpose=told["purpose"],
        groups=told["groups"],
        language=told["language"],
        given_by=told["given_by"],
        given=given,
    )
    request.audit_detail = {"recipient": consent.recipient_id, "purpose": consent.purpose, "given": given}
    return redirect("referral_new", case.pk) if given else redirect("case", case.pk)


def _read_aloud(told: dict[str, Any]) -> dict[str, Any]:
    """The words for the person; where the desk does not have their language, an interpreter says them."""
    lang = told["language"] if told["language"] in LANGUAGES else "en"
    mark = "، " if lang == "ar" else "、" if lang == "zh" else ", "
    values = {
        "agency": told["recipient"].name,
        "kind": label("entity_type", told["recipient"].kind, lang),
        "purpose": label("purpose", told["purpose"], lang),
        "groups": mark.join(label("group", group, lang) for group in told["groups"]),
    }
    return {
        "read_lang": lang,
        "read_direction": "rtl" if lang == "ar" else "ltr",
        "interpreter": told["language"] not in LANGUAGES,
        "sentences": [text(f"consent-say-{number}", lang, **values) for number in range(1, 6)],
    }


@require_POST
def consent_withdraw(request: Any, case: Case, consent: UUID) -> HttpResponse:
    """The person has changed their mind: what rests on it closes now."""
    found = get_object_or_404(case.consents, pk=consent)
    found.withdraw()
    found.referrals.filter(state__in=("offered", "accepted")).update(state="withdrawn")
    request.audit_detail = {"recipient": found.recipient_id, "purpose": found.purpose}
    return redirect("case", case.pk)


class ReferralForm(forms.Form):
    """Hand the person on, as far as a standing consent goes."""

    message = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=5_000)

    def __init__(self, case: Case, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        standing = case.consents.filter(given=True, withdrawn_at=None).select_related("recipient")
        today = timezone.localdate()
        self.fields["consent"] = _ConsentChoice(standing, widget=forms.RadioSelect, empty_label=None)
        self.fields["need"] = _NeedChoice(case.needs.filter(state="open"), required=False, empty_label="—")
        self.fields["answer_hours"] = forms.ChoiceField(
            choices=[(str(hours), text("hours", hours=hours)) for hours in (4, 24, 72, 168)], initial="72"
        )
        self.fields["until"] = forms.DateField(
            initial=today + timedelta(days=90),
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": today.isoformat()}),
        )
        for name in self.fields:
            self.fields[name].label = field_label(name)
        self.order_fields(["consent", "need", "answer_hours", "until", "message"])

    def clean_until(self) -> Any:
        """A share ends: on a day to come, within two years."""
        until, today = self.cleaned_data["until"], timezone.localdate()
        if not today <= until <= today + timedelta(days=731):
            raise forms.ValidationError(field_label("until-range"))
        return until


class _ConsentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        groups = ", ".join(label("group", group, current()) for group in obj.groups)
        return f"{obj.recipient.name}: {label('purpose', obj.purpose, current())} ({groups})"


class _NeedChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return label("assistance", obj.kind, current())


@require_http_methods(["GET", "POST"])
def referral_new(request: Any, case: Case) -> HttpResponse:
    """Offer a referral. Without a standing consent there is nothing to offer."""
    form = ReferralForm(case, request.POST or None)
    if not form.fields["consent"].queryset.exists():
        return redirect("consent_new", case.pk)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "case": case, "title": "referral-title", "lead": "referral-lead"}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    told = form.cleaned_data
    consent, need = told["consent"], told["need"]
    service = None
    if need:
        service = Service.objects.filter(agency=consent.recipient_id, kind=need.kind, is_open=True).first()
    referral = Referral(
        case=case,
        created_by=request.user,
        recipient=consent.recipient,
        consent=consent,
        need=need,
        service=service,
        purpose=consent.purpose,
        groups=consent.groups,
        answer_by=timezone.now() + timedelta(hours=int(told["answer_hours"])),
        until=told["until"],
    )
    referral.write_texts({"message": told["message"]})
    referral.save()
    request.audit_detail = {"recipient": referral.recipient_id, "purpose": referral.purpose, "groups": referral.groups}
    return redirect("case", case.pk)


@require_POST
def referral_end(request: Any, case: Case, referral: UUID) -> HttpResponse:
    """End a referral: the share closes now."""
    found = get_object_or_404(case.referrals.filter(state__in=("offered", "accepted")), pk=referral)
    found.state = "ended" if found.state == "accepted" else "withdrawn"
    found.save(update_fields=["state"])
    request.audit_detail = {"recipient": found.recipient_id, "state": found.state}
    return redirect("case", case.pk)


@require_GET
def referrals(request: Any) -> HttpResponse:
    """Referrals to and from the agency."""
    mine = Referral.objects.filter(case__agency=request.user.agency_id).select_related("case", "recipient", "need")
    theirs = Referral.objects.filter(recipient=request.user.agency_id, consent__withdrawn_at=None, consent__given=True)
    theirs = theirs.select_related("case__agency", "need")
    return render(request, "desk/referrals.html", {"incoming": theirs[:100], "outgoing": mine[:100]})


class AnswerForm(forms.Form):
    """Accept, or refuse with the reason."""

    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=5_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [pair for pair in choices("referral_state") if pair[0] in ("accepted", "refused")]
        self.fields["answer"] = forms.ChoiceField(
            choices=offered, widget=forms.RadioSelect, label=field_label("answer")
        )
        self.fields["reason"].label = field_label("reason-if-refused")
        self.order_fields(["answer", "reason"])

    def clean(self) -> dict[str, Any]:
        """Whoever refuses says why: the person needs another way."""
        found = super().clean() or {}
        if found.get("answer") == "refused" and not found.get("reason", "").strip():
            self.add_error("reason", field_label("reason-missing"))
        return found


@require_http_methods(["GET", "POST"])
def referral_answer(request: Any, referral: UUID) -> HttpResponse:
    """What a recipient sees before accepting: what is asked, and nothing that tells who the person is."""
    waiting = Referral.objects.waiting().filter(recipient=request.user.agency_id)
    if request.method == "POST":
        waiting = waiting.select_for_update(of=("self",))
    found = get_object_or_404(waiting.select_related("case__agency"), pk=referral)
    form = AnswerForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "referral": found, "case": found.case, "message": found.texts().get("message", "")}
        return render(request, "desk/answer.html", page, status=422 if request.method == "POST" else 200)
    found.state, found.answered_at = form.cleaned_data["answer"], timezone.now()
    found.write_texts({**found.texts(), "reason": form.cleaned_data["reason"]})
    found.save()
    audit.write("answer", user=request.user, case=found.case_id, detail={"state": found.state})
    return redirect("case", found.case_id) if found.state == "accepted" else redirect("referrals")


class GlassForm(forms.Form):
    """Open a case in an emergency: its number, and why there is no time to ask."""

    number = forms.CharField(max_length=9)
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), min_length=20, max_length=5_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].label = field_label("case_number")
        self.fields["reason"].label = field_label("reason")


@require_http_methods(["GET", "POST"])
def glass(request: Any) -> HttpResponse:
    """Break the glass: the owner is told at once, and the coordinator reviews it."""
    form = GlassForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        case = Case.objects.filter(number=form.cleaned_data["number"].strip().upper()).first()
        if case is not None:
            opening = GlassOpening(
                case=case, created_by=request.user, until=timezone.now() + timedelta(hours=GLASS_HOURS)
            )
            opening.write_texts({"reason": form.cleaned_data["reason"]})
            opening.save()
            audit.write("glass", user=request.user, case=case)
            return redirect("case", case.pk)
        audit.write("refused", user=request.user, detail={"page": "glass"})
        form.add_error("number", field_label("no-such-number"))
    page = {"form": form, "title": "glass-title", "lead": "glass-lead"}
    return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)


class ReviewForm(forms.Form):
    """The coordinator's verdict."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verdict"] = forms.ChoiceField(
            choices=choices("glass_verdict"), widget=forms.RadioSelect, label=field_label("verdict")
        )


@require_http_methods(["GET", "POST"])
def glass_review(request: Any, opening: UUID) -> HttpResponse:
    """Review an emergency opening: by whom, when, why; nothing of the person."""
    found = get_object_or_404(GlassOpening.objects.select_related("case__agency", "created_by__agency"), pk=opening)
    form = ReviewForm(request.POST or None)
    if found.reviewed_at is None and request.method == "POST" and form.is_valid():
        found.reviewed_at, found.reviewed_by = timezone.now(), request.user
        found.verdict = form.cleaned_data["verdict"]
        found.save(update_fields=["reviewed_at", "reviewed_by", "verdict"])
        audit.write("review", user=request.user, case=found.case_id, detail={"verdict": found.verdict})
        return redirect("day")
    page = {"form": form, "opening": found, "reason": found.texts().get("reason", "")}
    return render(request, "desk/review.html", page, status=422 if request.method == "POST" else 200)
