"""Who can reach what: every address of the desk x every role x own, shared, foreign, expired and withdrawn cases.

The addresses come from the URL table. What is expected stands here by hand, apart from the rules of access.py: a new
address without a line in both fails.
"""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from amparo.site.opening import FOLDER, make_desk, open_desk

DESK = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="desk-"))
os.environ["AMPARO_PLAIN_HTTP"] = "1"
make_desk(DESK)
open_desk(DESK)

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import URLPattern, get_resolver, path, reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from amparo.site import access, urls  # noqa: E402
from amparo.site.models import (  # noqa: E402
    Agency,
    AuditEntry,
    Case,
    Consent,
    GlassOpening,
    Need,
    Referral,
    Service,
    User,
)

WORKERS = (
    "police",
    "border",
    "labour_inspection",
    "prosecution",
    "shelter",
    "ngo",
    "health",
    "child_protection",
    "consular",
)
OVERSIGHT = ("coordinator", "rapporteur", "administrator", "auditor")
STATES = ("own", "shared", "foreign", "expired", "withdrawn", "refused", "offered")
PUBLIC, ALL, NOBODY = "public", "all", "nobody"
OWN, OWN_SHARED = ("own",), ("own", "shared")

# Address: who may come; for pages of a case, in which of the states. The share gives identity and needs for assistance.
EXPECTED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "home": (PUBLIC, ()),
    "alive": (PUBLIC, ()),
    "language": (PUBLIC, ()),
    "account_login": (PUBLIC, ()),
    "account_logout": (PUBLIC, ()),
    "account_inactive": (PUBLIC, ()),
    "account_signup": (NOBODY, ()),
    "account_reset_password": (NOBODY, ()),
    "account_reauthenticate": (ALL, ()),
    "account_change_password": (ALL, ()),
    "mfa_index": (ALL, ()),
    "mfa_authenticate": (PUBLIC, ()),
    "mfa_reauthenticate": (ALL, ()),
    "mfa_activate_totp": (ALL, ()),
    "mfa_deactivate_totp": (ALL, ()),
    "mfa_view_recovery_codes": (ALL, ()),
    "day": (ALL, ()),
    "draft": ("worker", ()),
    "calendar": ("worker", ()),
    "cases": ("worker", ()),
    "case_new": ("worker", ()),
    "referrals": ("worker", ()),
    "referral_answer": ("worker", ()),
    "glass": ("worker", ()),
    "services": (("worker", "coordinator"), ()),
    "service_new": ("worker", ()),
    "service_edit": ("worker", ()),
    "case": ("worker", OWN_SHARED),
    "case_print": ("worker", OWN_SHARED),
    "case_export": ("worker", OWN),
    "case_seen": ("worker", OWN),
    "case_close": ("worker", OWN),
    "case_edit": ("worker", OWN),
    "screening_new": ("worker", OWN),
    "status": ("worker", OWN),
    "consent_new": ("worker", OWN),
    "consent_withdraw": ("worker", OWN),
    "referral_new": ("worker", OWN),
    "referral_end": ("worker", OWN),
    "door_issue": ("worker", OWN),
    "need_help": ("worker", OWN_SHARED),
    "entry_new": ("worker", OWN_SHARED),
    "entry_edit": ("worker", OWN_SHARED),
    "glass_review": ("coordinator", ()),
    "counts": (("coordinator", "rapporteur"), ()),
    "audit": ("auditor", ()),
    "audit_verify": ("auditor", ()),
    "users": ("administrator", ()),
    "user_new": ("administrator", ()),
    "user_edit": ("administrator", ()),
    "agency_new": ("administrator", ()),
    "door": (PUBLIC, ()),
    "door_home": (PUBLIC, ()),
    "door_withdraw": (PUBLIC, ()),
    "door_feedback": (PUBLIC, ()),
    "door_exit": (PUBLIC, ()),
}


def addresses() -> dict[str, URLPattern]:
    """Every named address of the URL table, however deep it is included."""
    found: dict[str, URLPattern] = {}

    def walk(patterns: Any, space: str) -> None:
        for entry in patterns:
            if hasattr(entry, "url_patterns"):
                walk(entry.url_patterns, f"{space}{entry.namespace}:" if entry.namespace else space)
            else:
                assert entry.name, f"an address without a name cannot have a rule: {entry.pattern}"
                found[space + entry.name] = entry

    walk(get_resolver().url_patterns, "")
    return found


@pytest.fixture(scope="module")
def people() -> dict[str, User]:
    mark = f"{os.getpid()}-{Agency.objects.count()}"
    found = {}
    password = make_password("a long and tested passphrase")
    for name in (*WORKERS, *OVERSIGHT):
        kind = name if name in WORKERS else "government"
        agency = Agency.objects.create(name=f"{name} {mark}", kind=kind)
        role = "worker" if name in WORKERS else name
        found[name] = User.objects.create_user(f"{name}-{mark}", None, agency=agency, role=role)
        found[name].password = password
        found[name].save()
        TOTP.activate(found[name], "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(found[name])
    return found


@pytest.fixture(scope="module")
def clients(people: dict[str, User]) -> dict[str, Client]:
    found = {"": Client()}
    for name, user in people.items():
        found[name] = Client()
        found[name].force_login(user)
    return found


@pytest.fixture(scope="module")
def stranger(people: dict[str, User]) -> User:
    agency = Agency.objects.create(name=f"other {people['ngo'].agency.name}", kind="ngo")
    user = User.objects.create_user(f"other-{people['ngo'].username}", None, agency=agency, role="worker")
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    return user


def make_case(owner: User, reader: User | None = None, state: str = "foreign") -> Case:
    """A case of the owner's agency, shared with the reader's in this state."""
    case = Case(agency=owner.agency, opened_by=owner, record={"sex": "female", "age": 30})
    case.seal("identity", {"given_name": "Hidden", "family_name": "Personne"})
    case.seal("account", {"account_text": "Never shared words"})
    case.save()
    Need.objects.create(case=case, created_by=owner, kind="housing", pillar="support")
    if reader is not None and state != "foreign":
        share(case, owner, reader, state)
    return case


def share(
    case: Case,
    owner: User,
    reader: User,
    state: str = "shared",
    groups: tuple[str, ...] = ("identity", "needs"),
    purpose: str = "assistance",
) -> Referral:
    today = timezone.localdate()
    consent = Consent.objects.create(
        case=case, created_by=owner, recipient=reader.agency, purpose=purpose, groups=list(groups), language="en"
    )
    if state == "withdrawn":
        consent.withdraw()
    return Referral.objects.create(
        case=case,
        created_by=owner,
        recipient=reader.agency,
        consent=consent,
        purpose=purpose,
        groups=list(groups),
        state={"offered": "offered", "refused": "refused"}.get(state, "accepted"),
        answer_by=timezone.now() + timedelta(days=1),
        until=today - timedelta(days=1) if state == "expired" else today,
    )


def fill(name: str, case: Case | None, user: User, stranger: User) -> dict[str, Any]:
    """Arguments for an address: things of this case, or of the user's own agency."""
    of_case = case or make_case(stranger)
    values: dict[str, Any] = {"case": of_case.pk, "group": "identity", "kind": "need"}
    wanted = addresses()[name].pattern.converters
    if {"need", "entry"} & set(wanted):
        values["need"] = values["entry"] = of_case.needs.get().pk
    if {"consent", "referral"} & set(wanted):
        referral = of_case.referrals.first()
        if name == "referral_answer":
            referral = share(make_case(stranger), stranger, user, "offered")
        referral = referral or share(of_case, stranger, user, "offered")
        values["consent"], values["referral"] = referral.consent_id, referral.pk
    if "service" in wanted:
        values["service"] = Service.objects.create(agency=user.agency, kind="housing").pk
    if "user" in wanted:
        values["user"] = stranger.pk
    if "opening" in wanted:
        values["opening"] = GlassOpening.objects.create(case=of_case, created_by=stranger, until=timezone.now()).pk
    return {key: values[key] for key in wanted}


def let_in(response: HttpResponse) -> bool:
    """Past the door: a page, a redirect after work, or a complaint about the form; not sign-in, 403 or 404."""
    if response.status_code in (301, 302):
        return not response["Location"].startswith("/accounts/login/?")
    return response.status_code not in (403, 404)


def test_the_url_table_the_rules_and_the_expectations_name_the_same_addresses() -> None:
    assert set(addresses()) == set(access.RULES) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_matrix(name: str, people: dict[str, User], clients: dict[str, Client], stranger: User) -> None:
    who, states = EXPECTED[name]
    methods = ("get", "post")
    about_a_case = "case" in addresses()[name].pattern.converters
    assert about_a_case == bool(states)
    outcomes: dict[tuple[str, str, str], tuple[bool, bool]] = {}
    for person, client in clients.items():
        user = people.get(person, stranger)
        tried = STATES if name == "case" else ("own", "shared", "foreign", "withdrawn")
        for state in tried if about_a_case and person in WORKERS else ("foreign",):
            with transaction.atomic():
                case = make_case(user) if state == "own" else make_case(stranger, user, state) if about_a_case else None
                address = reverse(name, kwargs=fill(name, case, user, stranger))
                for method in methods if state in ("own", "foreign") or person == "ngo" else ("get",):
                    point, cookies = transaction.savepoint(), deepcopy(client.cookies)
                    response = getattr(client, method)(address)
                    transaction.savepoint_rollback(point)
                    client.cookies = cookies  # some addresses end the session
                    role = user.role if person else "anonymous"
                    wanted = (
                        who == PUBLIC
                        or (who == ALL and bool(person))
                        or role == who
                        or (isinstance(who, tuple) and role in who)
                    )
                    if about_a_case and person in WORKERS:
                        wanted = wanted and state in states
                    outcomes[person, state, method] = (wanted, let_in(response))
                transaction.set_rollback(True)
    wrong = {key: value for key, value in outcomes.items() if value[0] != value[1]}
    assert wrong == {}
    assert len(outcomes) >= 2 * len(clients)


def test_an_address_without_a_rule_is_refused_to_everybody(
    clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        urls,
        "urlpatterns",
        [*urls.urlpatterns, path("forgotten", lambda request: HttpResponse("secret"), name="forgotten")],
    )
    from django.urls import clear_url_caches

    clear_url_caches()
    try:
        for client in clients.values():
            response = client.get("/forgotten")
            assert response.status_code == 403
            assert b"secret" not in response.content
    finally:
        monkeypatch.undo()
        clear_url_caches()


# --- shares, field group by field group ----------------------------------------------------------------------


@pytest.mark.parametrize("group", access.GROUPS)
def test_a_share_opens_its_groups_and_no_other(
    group: str, people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    case.seal("contact", {"phone": "555-0199"})
    case.record["exploitation_forms"] = ["begging"]
    case.save()
    case.recoveryperiods.create(starts="2026-01-01", ends="2026-02-01", created_by=stranger)
    case.proceedings.create(takes_part="no", created_by=stranger)
    case.screenings.create(place="border", seen=["fearful"], conclusion="signs", created_by=stranger)
    share(case, stranger, people["ngo"], groups=(group,))
    marks = {
        "identity": "Personne",
        "contact": "555-0199",
        "profile": "Female",
        "trafficking": "Forced begging",
        "screening": "Seems afraid",
        "needs": "Shelter or housing",
        "protection": "Recovery and reflection period",
        "justice": "Takes part",
        "account": "Never shared words",
    }
    page = clients["ngo"].get(f"/cases/{case.pk}/", headers={"accept-language": "en"}).content.decode()
    assert {name for name, mark in marks.items() if mark in page} == {group}
    printed = clients["ngo"].get(f"/cases/{case.pk}/print", headers={"accept-language": "en"}).content.decode()
    assert not any(mark in printed for name, mark in marks.items() if name != group)


def test_a_share_never_goes_further_than_its_consent(
    people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    referral = share(case, stranger, people["ngo"], groups=("identity",))
    referral.groups = ["identity", "account"]
    referral.save()
    page = clients["ngo"].get(f"/cases/{case.pk}/").content.decode()
    assert "Personne" in page
    assert "Never shared words" not in page


@pytest.mark.parametrize("crooked", ["recipient", "purpose", "case"])
def test_a_consent_for_something_else_opens_nothing(
    crooked: str, people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    referral = share(case, stranger, people["ngo"])
    assert clients["ngo"].get(f"/cases/{case.pk}/").status_code == 200
    other = {"recipient": people["health"].agency, "purpose": "justice", "case": make_case(stranger)}[crooked]
    Consent.objects.filter(pk=referral.consent_id).update(**{crooked: other})
    assert clients["ngo"].get(f"/cases/{case.pk}/").status_code == 404


def test_withdrawing_closes_page_list_search_and_export_at_once(
    people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    case.index_names()
    referral = share(case, stranger, people["ngo"], groups=("identity", "profile"))
    reader = clients["ngo"]
    seen = [f"/cases/{case.pk}/", f"/cases/{case.pk}/export", f"/cases/{case.pk}/print"]
    assert [reader.get(page).status_code for page in seen] == [200, 200, 200]
    assert case.number in reader.post("/cases/", {"q": "personne"}).content.decode()
    referral.consent.withdraw()
    assert [reader.get(page).status_code for page in seen] == [404, 404, 404]
    for page in ("/cases/", "/cases/?state=all", "/day", "/referrals"):
        assert case.number not in reader.get(page).content.decode(), page
    for words in ("personne", "Hidden Personne", case.number):
        assert f"/cases/{case.pk}/" not in reader.post("/cases/", {"q": words}).content.decode(), words


def test_searching_finds_only_within_ones_rights(
    people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    case.index_names()
    for name in WORKERS:
        page = clients[name].post("/cases/", {"q": case.number}).content.decode()
        assert f"/cases/{case.pk}/" not in page


# --- breaking the glass --------------------------------------------------------------------------------------


def test_glass_is_told_to_the_owner_reviewed_and_ends(
    people: dict[str, User], clients: dict[str, Client], stranger: User
) -> None:
    case = make_case(stranger)
    police = clients["police"]
    short = police.post("/emergency", {"number": case.number, "reason": "now"})
    assert short.status_code == 422
    assert (
        police.post(
            "/emergency", {"number": case.number, "reason": "A threat was made against her an hour ago."}
        ).status_code
        == 302
    )
    assert police.get(f"/cases/{case.pk}/").status_code == 200
    assert police.get(f"/cases/{case.pk}/edit/identity").status_code == 404  # it shows and changes nothing
    assert clients["border"].get(f"/cases/{case.pk}/").status_code == 404  # for this person only
    owner = Client()
    owner.force_login(stranger)
    assert case.number in owner.get("/day").content.decode().split("day-cases")[0]
    opening = GlassOpening.objects.get(case=case)
    assert case.number in clients["coordinator"].get("/day").content.decode()
    assert clients["police"].post(f"/emergency/{opening.pk}", {"verdict": "justified"}).status_code == 403
    assert clients["coordinator"].post(f"/emergency/{opening.pk}", {"verdict": "not_justified"}).status_code == 302
    opening.refresh_from_db()
    assert (opening.verdict, opening.reviewed_by) == ("not_justified", people["coordinator"])
    assert set(AuditEntry.objects.filter(case=case.pk).values_list("action", flat=True)) >= {"glass", "view", "review"}
    GlassOpening.objects.filter(pk=opening.pk).update(until=timezone.now())
    assert police.get(f"/cases/{case.pk}/").status_code == 404


def test_a_closed_account_and_a_closed_agency_see_nothing(people: dict[str, User], stranger: User) -> None:
    user = people["health"]
    case = make_case(user)
    assert access.visible_cases(user).filter(pk=case.pk).exists()
    with transaction.atomic():
        user.agency.is_active = False
        assert not access.visible_cases(user).exists()
        assert access.grants(user, [case])[case.pk] is access.NOTHING
    user.agency.is_active = True
    user.is_active = False
    assert not access.visible_cases(user).exists()
    user.is_active = True


@pytest.mark.parametrize("role", ["worker", *OVERSIGHT])
def test_who_has_no_second_factor_sees_nothing_but_its_setting_up(role: str, people: dict[str, User]) -> None:
    user = User.objects.create_user(
        f"new-{role}-{people['ngo'].username}", None, agency=people["ngo"].agency, role=role
    )
    client = Client()
    client.force_login(user)
    for name in sorted(set(addresses()) - {"account_logout"}):
        wanted = EXPECTED[name][0]
        if wanted in (PUBLIC, NOBODY) or name.startswith(("mfa_", "account_")):
            continue
        with transaction.atomic():
            case = make_case(user)
            response = client.get(reverse(name, kwargs=fill(name, case, user, user)))
            transaction.set_rollback(True)
        assert (response.status_code, response["Location"]) == (302, reverse("mfa_activate_totp")), name


def test_refused_requests_are_in_the_log(people: dict[str, User], clients: dict[str, Client], stranger: User) -> None:
    case = make_case(stranger)
    clients["ngo"].get(f"/cases/{case.pk}/")
    last = AuditEntry.objects.order_by("-number").first()
    assert (last.action, last.actor, str(last.case)) == ("refused", people["ngo"].pk, str(case.pk))
    share(case, stranger, people["ngo"])
    clients["ngo"].get(f"/cases/{case.pk}/edit/account")  # a group that was not shared
    last = AuditEntry.objects.order_by("-number").first()
    assert (last.action, last.detail, str(last.case)) == ("refused", {"page": "case_edit"}, str(case.pk))


@pytest.mark.parametrize("kind", WORKERS)
def test_only_a_competent_body_recognises_or_rejects(kind: str, people: dict[str, User]) -> None:
    user = people[kind]
    competent = kind in ("police", "border", "labour_inspection", "prosecution", "child_protection")
    case = Case(agency=user.agency, status="identified")
    decisions = access.may_decide(user, case, access.OWN)
    assert decisions == (["recognised", "rejected"] if competent else [])
    assert access.may_decide(user, Case(status="rejected"), access.OWN) == ["appealed"]
    assert access.may_decide(user, case, access.GLASS) == []
