"""Who may see and do what: the one place that decides.

Every address has a :class:`Rule` here; an address without one is refused to everybody. A page of a case gets the case
from :class:`AccessMiddleware`, with a :class:`Grant` that says which groups of fields may be read and written; lists,
searches, exports, counts and the API start from :func:`visible_cases`. What is refused looks like what does not exist.

Everything is asked of the database on every request, so that a withdrawn consent closes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from amparo.site import audit
from amparo.site.models import Case, GlassOpening, Referral, User
from amparo.site.models.cases import DECIDED_BY_THE_STATE, TRANSITIONS

GROUPS = ("identity", "contact", "profile", "trafficking", "screening", "needs", "protection", "justice", "account")
"""The groups of fields that are shared or not, each as a whole."""

WRITTEN_FOR: Mapping[str, frozenset[str]] = {
    "assistance": frozenset({"needs"}),
    "identification": frozenset({"screening"}),
    "protection": frozenset({"protection", "needs"}),
    "justice": frozenset({"justice"}),
    "return": frozenset({"needs"}),
}
"""What the recipient of a referral may write, by its purpose, among the groups that it was given."""

COMPETENT = frozenset({"police", "border", "labour_inspection", "prosecution", "child_protection", "government"})
"""Kinds of agency that may recognise formally, or reject."""

SECOND_FACTOR = frozenset({"worker", "coordinator", "rapporteur", "administrator", "auditor"})
"""Roles that must show a second factor before they see anything."""

EVERYBODY = SECOND_FACTOR


@dataclass(frozen=True)
class Rule:
    """What an address asks.

    Parameters
    ----------
    roles : who may come at all; None: also who has not signed in.
    reads, writes : for a page of a case, groups of which at least one must be granted; ``own`` asks that the case be
        the user's agency's.
    action : what the audit log calls a successful POST of a case's page.
    """

    roles: frozenset[str] | None
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    own: bool = False
    action: str = "change"


_WORKER = frozenset({"worker"})
_COORDINATOR = frozenset({"coordinator"})
_ANY = frozenset(GROUPS)

RULES: Mapping[str, Rule] = {
    # before and around signing in
    "home": Rule(None),
    "alive": Rule(None),
    "language": Rule(None),
    "account_login": Rule(None),
    "account_logout": Rule(None),
    "account_inactive": Rule(None),
    "account_signup": Rule(frozenset()),  # accounts are made by the administrator
    "account_reset_password": Rule(frozenset()),
    "account_reauthenticate": Rule(EVERYBODY),
    "account_change_password": Rule(EVERYBODY),
    "mfa_authenticate": Rule(None),
    "mfa_reauthenticate": Rule(EVERYBODY),
    "mfa_index": Rule(EVERYBODY),
    "mfa_activate_totp": Rule(EVERYBODY),
    "mfa_deactivate_totp": Rule(EVERYBODY),
    "mfa_view_recovery_codes": Rule(EVERYBODY),
    # work
    "day": Rule(EVERYBODY),
    "draft": Rule(_WORKER),
    "cases": Rule(_WORKER),
    "case_new": Rule(_WORKER),
    "calendar": Rule(_WORKER),
    "referrals": Rule(_WORKER),
    "referral_answer": Rule(_WORKER),
    "glass": Rule(_WORKER),
    "services": Rule(_WORKER | _COORDINATOR),
    "service_new": Rule(_WORKER),
    "service_edit": Rule(_WORKER),
    # a case
    "case": Rule(_WORKER, reads=_ANY),
    "case_print": Rule(_WORKER, reads=_ANY),
    "case_export": Rule(_WORKER, reads=frozenset({"profile", "trafficking"})),
    "case_edit": Rule(_WORKER, writes=_ANY),
    "case_close": Rule(_WORKER, own=True),
    "case_seen": Rule(_WORKER, own=True),
    "screening_new": Rule(_WORKER, writes=frozenset({"screening"})),
    "status": Rule(_WORKER, writes=frozenset({"screening"}), action="status"),
    "consent_new": Rule(_WORKER, own=True, action="consent"),
    "consent_withdraw": Rule(_WORKER, own=True, action="withdraw"),
    "referral_new": Rule(_WORKER, own=True, action="refer"),
    "referral_end": Rule(_WORKER, own=True, action="refer"),
    "need_help": Rule(_WORKER, reads=frozenset({"needs"})),
    "entry_new": Rule(_WORKER, writes=_ANY),
    "entry_edit": Rule(_WORKER, writes=_ANY),
    "door_issue": Rule(_WORKER, own=True, action="door_code"),
    # oversight
    "glass_review": Rule(_COORDINATOR),
    "counts": Rule(_COORDINATOR | {"rapporteur"}),
    "audit": Rule(frozenset({"auditor"})),
    "audit_verify": Rule(frozenset({"auditor"})),
    "users": Rule(frozenset({"administrator"})),
    "user_new": Rule(frozenset({"administrator"})),
    "user_edit": Rule(frozenset({"administrator"})),
    "agency_new": Rule(frozenset({"administrator"})),
    # the person's own door has a lock of its own: code and PIN (views/door.py)
    "door": Rule(None),
    "door_home": Rule(None),
    "door_withdraw": Rule(None),
    "door_feedback": Rule(None),
    "door_exit": Rule(None),
}


@dataclass(frozen=True)
class Grant:
    """What one user may do with one case, and why (``own``, ``shared`` or ``glass``)."""

    why: str
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def own(self) -> bool:
        """The case is the user's agency's."""
        return self.why == "own"


NOTHING = Grant("", frozenset(), frozenset())
OWN = Grant("own", frozenset(GROUPS), frozenset(GROUPS))
GLASS = Grant("glass", frozenset(GROUPS), frozenset())
"""Breaking the glass shows a case and changes nothing in it."""


def visible_cases(user: User) -> QuerySet[Case]:
    """All cases of which the user may see anything now; the start of every list, search, export and count."""
    if not user.is_active or not user.agency.is_active or user.role != "worker":
        return Case.objects.none()
    shared = Referral.objects.live().filter(recipient=user.agency_id).values("case")
    broken = GlassOpening.objects.filter(created_by=user, until__gt=timezone.now()).values("case")
    return Case.objects.filter(Q(agency=user.agency_id) | Q(pk__in=shared) | Q(pk__in=broken))


def grants(user: User, cases: Iterable[Case]) -> dict[UUID, Grant]:
    """The grant for each case, in two queries however many cases there are."""
    cases = list(cases)
    if not user.is_active or not user.agency.is_active or user.role != "worker":
        return {case.pk: NOTHING for case in cases}
    foreign = [case.pk for case in cases if case.agency_id != user.agency_id]
    live: dict[UUID, list[Referral]] = {}
    broken: set[UUID] = set()
    if foreign:
        for referral in (
            Referral.objects.live().filter(recipient=user.agency_id, case__in=foreign).select_related("consent")
        ):
            live.setdefault(referral.case_id, []).append(referral)
        openings = GlassOpening.objects.filter(created_by=user, until__gt=timezone.now(), case__in=foreign)
        broken = set(openings.values_list("case", flat=True))
    return {
        case.pk: OWN if case.agency_id == user.agency_id else _granted(live.get(case.pk, []), case.pk in broken)
        for case in cases
    }


def _granted(referrals: list[Referral], broken: bool) -> Grant:
    reads: set[str] = set()
    writes: set[str] = set()
    for referral in referrals:
        given = set(referral.groups) & set(referral.consent.groups) & set(GROUPS)
        reads |= given
        writes |= given & WRITTEN_FOR.get(referral.purpose, frozenset())
    if broken:
        return Grant("glass", GLASS.reads, frozenset(writes))
    if not reads:
        return NOTHING
    return Grant("shared", frozenset(reads), frozenset(writes))


def require_write(request: Any, group: str) -> None:
    """Refuse a page of a case to who may not write this group.

    Raises
    ------
    Http404 : the grant does not let the user write it.
    """
    if group not in request.grant.writes:
        raise Http404


def may_decide(user: User, case: Case, grant: Grant) -> list[str]:
    """The statuses of identification to which the user may move the case."""
    if "screening" not in grant.writes:
        return []
    competent = user.agency.kind in COMPETENT
    return sorted(to for to in TRANSITIONS[case.status] if competent or to not in DECIDED_BY_THE_STATE)


def second_factor_missing(user: User) -> bool:
    """The role asks for a second factor and the user has none; a demonstration with invented persons asks for none."""
    return user.role in SECOND_FACTOR and not settings.DEMONSTRATION and not is_mfa_enabled(user)


class AccessMiddleware:
    """Runs every view, in one transaction with its entry in the audit log, if its rule lets the user in."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """The view's answer, or a refusal."""
        name = request.resolver_match.view_name
        rule = RULES.get(name)
        if rule is None:
            raise PermissionDenied(f"no rule for {name}")
        if rule.roles is not None:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
            if second_factor_missing(request.user) and not name.startswith(("mfa_", "account_")):
                return redirect("mfa_activate_totp")
            if request.user.role not in rule.roles:
                raise PermissionDenied
        if name.startswith(("mfa_", "account_")):
            return None  # the sign-in library's views: no case, and its own handling of what they raise
        case_id = kwargs.get("case")
        if case_id is not None:
            # Refusals are written apart: the transaction of a refused request is rolled back.
            kwargs = {**kwargs, "case": open_case(request, rule, case_id)}
        try:
            with transaction.atomic():
                response = view(request, *args, **kwargs)
                if case_id is not None:
                    _tell(request, rule, name, case_id, response.status_code)
        except Http404:
            if case_id is not None:  # a group or a thing of the case that is not the user's to see
                audit.write("refused", user=request.user, case=case_id, detail={"page": name})
            raise
        return response


def open_case(request: Any, rule: Rule, case_id: UUID) -> Case:
    """The case, with ``request.grant`` set.

    Raises
    ------
    Http404 : there is no such case, or the rule asks for more than the user is granted; the audit log tells which.
    """
    case = Case.objects.select_related("agency").filter(pk=case_id).first()
    grant = grants(request.user, [case])[case_id] if case else NOTHING
    enough = (
        grant is not NOTHING
        and (not rule.own or grant.own)
        and (not rule.reads or grant.reads & rule.reads)
        and (not rule.writes or grant.writes & rule.writes)
    )
    if case is None or not enough:
        audit.write("refused", user=request.user, case=case, detail={"page": request.resolver_match.view_name})
        raise Http404
    request.grant = grant
    return case


def _tell(request: Any, rule: Rule, name: str, case_id: UUID, status: int) -> None:
    """What came of a page of a case: seen, or changed."""
    detail = {"page": name, "why": request.grant.why, **getattr(request, "audit_detail", {})}
    if request.method in ("GET", "HEAD") and status == 200:
        action = "export" if name == "case_export" else "view"
        if action == "view":
            detail.setdefault("groups", sorted(request.grant.reads))
        audit.write(action, user=request.user, case=case_id, detail=detail)
    elif request.method == "POST" and status < 400:
        audit.write(rule.action, user=request.user, case=case_id, detail=detail)
