"""A desk with invented persons: the demonstration country's victims as cases of its agencies, one account per role.

Only a new desk can become a demonstration, and it stays one: its pages say so, it asks no second factor, and it answers
to this machine alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from amparo.simulation.knobs import AGENCIES, Knobs
from amparo.simulation.names import write_names
from amparo.simulation.population import Population, populate
from amparo.site import audit
from amparo.site.models import (
    Agency,
    Appointment,
    Case,
    ChildMeasure,
    Consent,
    FollowUp,
    Need,
    NonPunishment,
    RecoveryPeriod,
    Referral,
    Screening,
    Service,
    User,
)
from amparo.site.views.cases import PILLAR_OF

MARK = "demonstration"
"""The file in the desk's folder that makes it a demonstration; it holds the password of all its accounts."""

_BODIES = {
    "police": "National Police",
    "border": "Border Guard, North Crossing",
    "labour_inspection": "Labour Inspectorate",
    "prosecution": "Prosecutor's Office",
    "shelter": "Casa Abierta shelter",
    "ngo": "Road Home association",
    "health": "Central Hospital",
    "child_protection": "Child Protection Service",
    "consular": "Consular Protection Desk",
    "government": "National Coordinator's Office",
}
_OVERSIGHT = ("coordinator", "rapporteur", "administrator", "auditor")
_SPOKEN = {"ARG": "es", "COL": "es", "VEN": "es", "PER": "es", "CHN": "zh", "RUS": "ru", "UKR": "uk", "MDA": "ro"} | {
    "MAR": "ar",
    "SYR": "ar",
    "IRQ": "ar",
    "EGY": "ar",
    "NGA": "en",
    "PHL": "tl",
    "VNM": "vi",
    "NPL": "ne",
    "IND": "hi",
}


def mark(desk: Path) -> str:
    """The password of a demonstration's accounts; drawn when first asked for."""
    file = desk / MARK
    found = file.read_text(encoding="ascii").strip()
    if not found:
        found = "-".join(secrets.token_hex(2) for _ in range(4))
        file.write_text(found + "\n", encoding="ascii")
    return found


def accounts() -> list[str]:
    """The user names, one per role and kind of agency."""
    return [*(kind for kind in _BODIES if kind != "government"), *_OVERSIGHT]


def fill(password: str, *, cases: int, seed: int) -> int:
    """Write agencies, accounts, services and cases into an empty desk; gives the number of cases.

    Parameters
    ----------
    cases : how many victims of the demonstration country are drawn; those that an agency detected become cases.
    seed : the same seed gives the same persons; keys and case numbers are random all the same.
    """
    random = np.random.default_rng(seed)
    with transaction.atomic():
        agencies = {kind: Agency.objects.create(name=name, kind=kind) for kind, name in _BODIES.items()}
        users = {}
        for name in accounts():
            role = name if name in _OVERSIGHT else "worker"
            agency = agencies["government" if name in _OVERSIGHT else name]
            users[name] = User.objects.create_user(
                name, None, agency=agency, role=role, name=name.replace("_", " ").title()
            )
        one = next(iter(users.values()))
        one.set_password(password)
        User.objects.update(password=one.password)  # hashing is slow by design: once is enough
        _services(agencies)
        count = _cases(agencies, users, populate(replace(Knobs(), victims=cases), random), random)
        audit.write("create", detail={"demonstration": count})
    return count


def _services(agencies: dict[str, Agency]) -> None:
    lines: list[tuple[str, str, int, dict[str, Any]]] = [
        ("shelter", "housing", 12, {"sexes": ["female"], "languages": ["es", "en", "ar"]}),
        ("ngo", "housing", 6, {"youngest": 18}),
        ("ngo", "legal", 20, {"languages": ["es", "en", "fr", "ru"]}),
        ("ngo", "employment", 15, {"youngest": 16}),
        ("health", "health", 40, {}),
        ("health", "psychological", 10, {"languages": ["es", "en"]}),
        ("child_protection", "housing", 8, {"oldest": 17}),
        ("child_protection", "psychological", 8, {"oldest": 17}),
        ("consular", "return_reintegration", 10, {}),
    ]
    for kind, service, capacity, limits in lines:
        Service.objects.create(agency=agencies[kind], kind=service, capacity=capacity, **limits)


def _cases(
    agencies: dict[str, Agency], users: dict[str, User], country: Population, random: np.random.Generator
) -> int:
    persons = country.persons
    names = write_names(persons.names, "latin")
    several = {name: column.arrow().to_pylist() for name, column in persons.sets.items()}
    single = {name: column.texts(str) for name, column in persons.codes.items()}
    made = 0
    for row in range(len(persons)):
        seen = np.flatnonzero(country.seen[row])
        if not len(seen):
            continue
        first = seen[np.argmin(country.contact[row, seen])]
        kind = AGENCIES[first]
        day: date = country.contact[row, first].astype(object)
        record: dict[str, Any] = {
            name: single[name][row]
            for name in ("sex", "gender", "country_of_birth", "country_of_recruitment", "recruiter_relation")
            if single[name][row]
        }
        record |= {
            name: several[name][row]
            for name in ("exploitation_forms", "means_of_control", "countries_of_exploitation", "recruitment_methods")
            if several[name][row]
        }
        citizenship = single["citizenship"][row]
        age = int(persons.numbers["age"][row])
        record |= {
            "citizenship": [citizenship],
            "age": age,
            "age_group": "child" if age < 18 else "adult",
            "identified_by": kind,
            "place_of_identification": "border"
            if kind == "border"
            else "workplace"
            if kind == "labour_inspection"
            else "other",
            "identification_date": day.isoformat(),
        }
        case = Case(
            agency=agencies[kind], opened_by=users[kind], record=record, language=_SPOKEN.get(citizenship, "en")
        )
        case.seal("identity", {"given_name": str(names.given[row]), "family_name": str(names.family[row])})
        case.seal("contact", {"phone": f"+000 {persons.numbers['phone'][row]}", "safe_when": "09:00-12:00"})
        case.save()
        case.index_names()
        _story(case, users[kind], agencies, random)
        opened = timezone.make_aware(datetime.combine(day, time(9, 30)))
        Case.objects.filter(pk=case.pk).update(
            opened_at=opened, closed_at=None if made % 4 else opened + timedelta(days=90)
        )
        made += 1
    return made


def _story(case: Case, user: User, agencies: dict[str, Agency], random: np.random.Generator) -> None:
    """What happened with the case since; most of it in the last and the coming days, so that the day page lives."""
    chance: Callable[[float], bool] = lambda share: bool(random.random() < share)  # noqa: E731
    today, by = timezone.localdate(), {"case": case, "created_by": user}
    signs = [sign for sign in ("documents_held", "owes_debt", "no_pay", "deceived", "cannot_leave") if chance(0.4)]
    Screening.objects.create(
        **by, place=case.record["place_of_identification"], seen=signs, conclusion="signs" if signs else "unclear"
    )
    needs = [
        Need.objects.create(
            **by,
            kind=kind,
            pillar=PILLAR_OF[kind],
            urgent=chance(0.1),
            state="met" if chance(0.6) else "open",
            due=today + timedelta(days=int(random.integers(-3, 20))),
        )
        for kind in ("housing", "health", "psychological", "legal")
        if chance(0.55)
    ]
    if chance(0.55):
        case.change_status("identified", by=user, reason="Signs and account agree.")
    if chance(0.3):
        RecoveryPeriod.objects.create(**by, starts=today - timedelta(days=20), ends=today + timedelta(days=70))
    if case.is_child:
        ChildMeasure.objects.create(**by, kind="guardian", due=today + timedelta(days=int(random.integers(-2, 5))))
        ChildMeasure.objects.create(
            **by, kind="best_interests", due=today + timedelta(days=10), done_on=today if chance(0.5) else None
        )
    if chance(0.2):
        at = timezone.now() + timedelta(hours=int(random.integers(2, 90)))
        Appointment.objects.create(**by, kind="health", at=at.replace(minute=0, second=0, microsecond=0))
    if chance(0.15):
        FollowUp.objects.create(**by, due=today + timedelta(days=int(random.integers(-5, 200))), months=12)
    if chance(0.1):
        NonPunishment.objects.create(
            **by, infraction="immigration", requested_on=today, outcome="granted" if chance(0.5) else "pending"
        )
    for need in needs:
        if not chance(0.5):
            continue
        recipient = agencies[
            "child_protection" if case.is_child else "health" if need.kind in ("health", "psychological") else "ngo"
        ]
        if recipient.pk == case.agency_id:
            continue
        groups = ["identity", "contact", "profile", "needs"]
        consent = Consent.objects.create(
            **by, recipient=recipient, purpose="assistance", groups=groups, language=case.language
        )
        answered = chance(0.7)
        Referral.objects.create(
            **by,
            recipient=recipient,
            consent=consent,
            need=need,
            purpose="assistance",
            groups=groups,
            state=("accepted" if chance(0.85) else "refused") if answered else "offered",
            answer_by=timezone.now() + timedelta(hours=int(random.integers(-30, 70))),
            answered_at=timezone.now() if answered else None,
            until=today + timedelta(days=90),
        )
