"""Consent, the referral that it carries, and opening without either."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from amparo.site.models.base import CodeField, Entry


class Consent(Entry):
    """A person's agreement to share groups of fields with one agency for one purpose; refusing is recorded too.

    Withdrawing acts at once: whether a referral opens anything is asked of this row on every request.
    """

    recipient = models.ForeignKey("desk.Agency", models.PROTECT, related_name="+")
    purpose = CodeField(codes="purpose")
    groups = models.JSONField(default=list)
    language = CodeField(codes="language")
    given_by = CodeField(codes="consent_giver", default="person")
    given = models.BooleanField(default=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    @property
    def is_live(self) -> bool:
        """Given, and not withdrawn."""
        return bool(self.given and self.withdrawn_at is None)

    def withdraw(self) -> None:
        """From this moment what rests on it is closed."""
        if self.withdrawn_at is None:
            self.withdrawn_at = timezone.now()
            self.save(update_fields=["withdrawn_at"])


class ReferralQuery(models.QuerySet):
    """Referrals by what they open now."""

    def live(self) -> Any:
        """Accepted, not past their day, their consent standing, and no wider than it."""
        return self.filter(
            Q(until__gte=timezone.localdate()),
            state="accepted",
            consent__given=True,
            consent__withdrawn_at=None,
            consent__recipient=F("recipient"),
            consent__case=F("case"),
            consent__purpose=F("purpose"),
        )

    def waiting(self) -> Any:
        """Offered, with a standing consent, and not yet answered."""
        return self.filter(state="offered", consent__given=True, consent__withdrawn_at=None)


class Referral(Entry):
    """Handing a person on, with consent, to a service of another agency."""

    recipient = models.ForeignKey("desk.Agency", models.PROTECT, related_name="referrals")
    consent = models.ForeignKey(Consent, models.PROTECT, related_name="referrals")
    need = models.ForeignKey("desk.Need", models.SET_NULL, null=True, blank=True, related_name="referrals")
    service = models.ForeignKey("desk.Service", models.PROTECT, null=True, blank=True, related_name="referrals")
    purpose = CodeField(codes="purpose")
    groups = models.JSONField(default=list)
    state = CodeField(codes="referral_state", default="offered")
    answer_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    until = models.DateField()

    objects = ReferralQuery.as_manager()

    class Meta(Entry.Meta):
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["recipient", "state"])]

    @property
    def is_overdue(self) -> bool:
        """Not answered in time."""
        return bool(self.state == "offered" and self.answer_by < timezone.now())


class GlassOpening(Entry):
    """A case opened in an emergency without a referral: the reason lies sealed, the owner is told, somebody reviews."""

    until = models.DateTimeField()
    seen_by_owner_at = models.DateTimeField(null=True, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey("desk.User", models.PROTECT, null=True, blank=True, related_name="+")
    verdict = CodeField(codes="glass_verdict", blank=True, default="")
