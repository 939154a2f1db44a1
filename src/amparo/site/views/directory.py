"""The directory of services, and matching a need to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from amparo.site import audit
from amparo.site.codes import choices
from amparo.site.models import Case, Service
from amparo.site.text import field_label


def with_places(services: QuerySet[Service]) -> list[Service]:
    """The services, each with ``taken`` and ``waiting`` referrals and ``free`` places."""
    accepted = Q(referrals__state="accepted", referrals__until__gte=timezone.localdate())
    counted = services.select_related("agency").annotate(
        taken=Count("referrals", filter=accepted, distinct=True),
        waiting=Count("referrals", filter=Q(referrals__state="offered"), distinct=True),
    )
    found = list(counted)
    for service in found:
        service.free = max(0, service.capacity - service.taken)
    return found


def matching(kind: str, case: Case) -> list[Service]:
    """Services of a kind that take this person, those with free places and the person's language first.

    Sex and age that are not recorded exclude nothing; a service without sexes or languages takes all. How the
    identification stands is not asked.
    """
    sex, age = case.record.get("sex"), case.record.get("age")
    if age is None and case.is_child:
        age = 17
    found = []
    for service in with_places(Service.objects.filter(kind=kind, is_open=True, agency__is_active=True)):
        fits_sex = not service.sexes or sex in (None, "unknown", *service.sexes)
        fits_age = age is None or service.youngest <= age <= service.oldest
        if fits_sex and fits_age:
            service.speaks = not service.languages or not case.language or case.language in service.languages
            found.append(service)
    return sorted(found, key=lambda service: (service.free == 0, not service.speaks, -service.free, service.pk))


@require_GET
def services(request: Any) -> HttpResponse:
    """The directory."""
    kind = request.GET.get("kind", "")
    found = Service.objects.filter(is_open=True, agency__is_active=True)
    if kind:
        found = found.filter(kind=kind)
    page = {"services": with_places(found), "kind": kind, "kinds": choices("assistance")}
    return render(request, "desk/services.html", page)


@require_GET
def need_help(request: Any, case: Case, need: UUID) -> HttpResponse:
    """Who could meet this need."""
    found = get_object_or_404(case.needs, pk=need)
    page = {"case": case, "need": found, "services": matching(found.kind, case), "grant": request.grant}
    return render(request, "desk/help.html", page)


class ServiceForm(forms.ModelForm):
    """One line of the directory; the agency is the user's own and cannot be chosen."""

    class Meta:
        model = Service
        fields = ("kind", "capacity", "youngest", "oldest", "is_open")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["languages"] = forms.MultipleChoiceField(
            choices=choices("language"), required=False, widget=forms.SelectMultiple(attrs={"size": 6})
        )
        self.fields["sexes"] = forms.MultipleChoiceField(
            choices=[pair for pair in choices("sex") if pair[0] != "unknown"],
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )
        self.initial |= {"languages": self.instance.languages, "sexes": self.instance.sexes}
        for name in self.fields:
            self.fields[name].label = field_label(name)

    def save(self, commit: bool = True) -> Any:
        """The service."""
        self.instance.languages = self.cleaned_data["languages"]
        self.instance.sexes = self.cleaned_data["sexes"]
        return super().save(commit)


@require_http_methods(["GET", "POST"])
def service_new(request: Any) -> HttpResponse:
    """A new line, of the user's own agency."""
    return _service(request, Service(agency=request.user.agency))


@require_http_methods(["GET", "POST"])
def service_edit(request: Any, service: int) -> HttpResponse:
    """Change a line of the user's own agency."""
    return _service(request, get_object_or_404(Service, pk=service, agency=request.user.agency_id))


def _service(request: Any, instance: Service) -> HttpResponse:
    form = ServiceForm(request.POST or None, instance=instance)
    if request.method == "GET" or not form.is_valid():
        page = {"form": form, "title": "service-title", "lead": "service-lead"}
        return render(request, "desk/form.html", page, status=422 if request.method == "POST" else 200)
    form.save()
    audit.write("change", user=request.user, detail={"page": "service"})
    return redirect("services")
