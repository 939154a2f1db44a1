"""Help: needs over the four pillars of ODIHR's handbook, services, appointments, recovery, children, follow-up.

Nothing here knows of criminal proceedings, of whether a person cooperates or of how the identification ends
(Declaration, para 13; Council of Europe Convention, article 12.6): help begins at *presumed*, and there is no column
that could make it hang on more.

Source: OSCE/ODIHR (2022), National Referral Mechanisms, 2nd edition.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from amparo.site.models.base import CodeField, Entry


class Service(models.Model):
    """A line of the directory: what an agency offers, to whom, in which languages, and for how many at once."""

    agency = models.ForeignKey("desk.Agency", models.CASCADE, related_name="services")
    kind = CodeField(codes="assistance")
    languages = models.JSONField(default=list)
    sexes = models.JSONField(default=list)
    youngest = models.PositiveSmallIntegerField(default=0)
    oldest = models.PositiveSmallIntegerField(default=120)
    capacity = models.PositiveIntegerField(default=0)
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ("kind", "agency__name", "pk")


class Need(Entry):
    """What a person needs, as said by them; ``pillar`` is of ODIHR's four."""

    kind = CodeField(codes="assistance")
    pillar = CodeField(codes="pillar")
    urgent = models.BooleanField(default=False)
    state = CodeField(codes="need_state", default="open")
    due = models.DateField(null=True, blank=True)
    met_on = models.DateField(null=True, blank=True)


class Appointment(Entry):
    """A time that a person is to be somewhere; where and with whom lies sealed."""

    at = models.DateTimeField()
    kind = CodeField(codes="assistance")
    kept = CodeField(codes="yes_no", blank=True, default="")


class RecoveryPeriod(Entry):
    """The reflection and recovery period, in which a person recovers and decides freely."""

    starts = models.DateField()
    ends = models.DateField()
    state = CodeField(codes="recovery_state", default="granted")


class ChildMeasure(Entry):
    """What a child is owed: a guardian, their best interests assessed, the benefit of doubt about their age."""

    kind = CodeField(codes="child_measure")
    due = models.DateField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True)


class FollowUp(Entry):
    """How a person fares months later, if they agreed to be asked."""

    due = models.DateField()
    reached_on = models.DateField(null=True, blank=True)
    months = models.PositiveSmallIntegerField(default=12, validators=[MinValueValidator(1), MaxValueValidator(240)])
    settled = CodeField(codes="yes_no", blank=True, default="")
