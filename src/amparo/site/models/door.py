"""The person's own door: the code on paper, and what they say."""

from __future__ import annotations

import secrets
import uuid
from typing import ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.utils.crypto import constant_time_compare, salted_hmac

from amparo.site.models.base import CodeField, Entry

_LETTERS = "23456789CDFGHJKMNPQRTVWXYZ"
TRIES = 5
"""Wrong PINs after which a code is dead and a new paper is needed."""


def code_hash(text: str) -> str:
    """What the database keeps of a code (60 bits of chance, keyed)."""
    plain = "".join(letter for letter in text.upper() if letter in _LETTERS)
    return salted_hmac("amparo.desk.door", plain, algorithm="sha256").hexdigest()


class DoorCode(models.Model):
    """A code opens one case's door, together with a PIN that the person chose; both are kept as hashes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("desk.Case", models.CASCADE, related_name="doors")
    hash = models.CharField(max_length=64, unique=True)
    pin = models.CharField(max_length=200)
    wrong = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("desk.User", models.PROTECT, related_name="+", null=True)

    class Meta:
        ordering: ClassVar[tuple[str, ...]] = ("-created_at",)

    @classmethod
    def issue(cls, case: object, pin: str, by: object) -> str:
        """A new code for the case; older ones die. The code is given once and never again."""
        letters = "".join(secrets.choice(_LETTERS) for _ in range(13))
        cls.objects.filter(case=case).delete()
        cls.objects.create(case=case, hash=code_hash(letters), pin=make_password(pin), created_by=by)
        return "-".join((letters[:4], letters[4:8], letters[8:]))

    @classmethod
    def open(cls, code: str, pin: str) -> DoorCode | None:
        """The door that code and PIN open together; None does not tell which was wrong."""
        found = cls.objects.select_for_update().select_related("case").filter(hash=code_hash(code)).first()
        if found is None or found.wrong >= TRIES:
            make_password(pin)  # takes as long as a check
            return None
        if not constant_time_compare(str(check_password(pin, found.pin)), "True"):
            found.wrong += 1
            found.save(update_fields=["wrong"])
            return None
        if found.wrong:
            found.wrong = 0
            found.save(update_fields=["wrong"])
        return found


class Feedback(Entry):
    """What a person says of the help: an answer, a correction, a complaint; the words lie sealed."""

    kind = CodeField(codes="feedback_kind")
    respect = CodeField(codes="yes_no", blank=True, default="")
    helped = CodeField(codes="yes_no", blank=True, default="")
    due = models.DateField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
