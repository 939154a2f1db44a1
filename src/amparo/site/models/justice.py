"""Justice and redress: proceedings, non-punishment, compensation, protection (Declaration, para 13 and 14)."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from amparo.site.models.base import CodeField, Entry


class Proceeding(Entry):
    """Whether a person takes part in criminal proceedings; recorded so that statistics show that help did not ask."""

    takes_part = CodeField(codes="yes_no")
    stage = CodeField(codes="proceedings_status", blank=True, default="")
    hearing = models.DateField(null=True, blank=True)


class NonPunishment(Entry):
    """An act committed as a direct consequence of trafficking: the request not to punish, and what came of it."""

    infraction = CodeField(codes="infraction")
    requested_on = models.DateField(null=True, blank=True)
    outcome = CodeField(codes="request_outcome", default="pending")
    decided_on = models.DateField(null=True, blank=True)
    penalised = models.BooleanField(default=False)
    remedied = models.BooleanField(default=False)


class Compensation(Entry):
    """A claim, and what was awarded and truly paid; amounts in ``currency`` (ISO 4217)."""

    route = CodeField(codes="compensation_route")
    claimed_on = models.DateField()
    currency = models.CharField(max_length=3, default="USD")
    claimed = models.DecimalField(max_digits=14, decimal_places=2, validators=[MinValueValidator(0)], default=0)
    awarded = models.DecimalField(max_digits=14, decimal_places=2, validators=[MinValueValidator(0)], default=0)
    paid = models.DecimalField(max_digits=14, decimal_places=2, validators=[MinValueValidator(0)], default=0)
    outcome = CodeField(codes="request_outcome", default="pending")


class ProtectionMeasure(Entry):
    """Protection of a person, their family or a witness against retaliation (Palermo: articles 24 and 25 of UNTOC)."""

    kind = CodeField(codes="protection_measure")
    whom = CodeField(codes="protected_person", default="person")
    starts = models.DateField(null=True, blank=True)
    ends = models.DateField(null=True, blank=True)
    state = CodeField(codes="recovery_state", default="requested")
