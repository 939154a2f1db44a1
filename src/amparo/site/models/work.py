"""What keeps work safe: drafts, and the tokens and answers of the API."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from amparo.site.models.base import Sealed


class Draft(Sealed):
    """What somebody had typed when the line dropped; one per person and form."""

    user = models.ForeignKey("desk.User", models.CASCADE, related_name="drafts")
    form = models.CharField(max_length=200)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "form"], name="desk_draft_once")
        ]


def token_hash(text: str) -> str:
    """What the database keeps of a token."""
    return salted_hmac("amparo.desk.token", text, algorithm="sha256").hexdigest()


class ApiToken(models.Model):
    """A token acts as one user, within its scopes, until its day."""

    user = models.ForeignKey("desk.User", models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    @classmethod
    def issue(cls, user: object, name: str, scopes: list[str], expires_at: object) -> str:
        """A new token; the text is given once and never again."""
        text = "desk_" + secrets.token_urlsafe(32)
        cls.objects.create(user=user, name=name, hash=token_hash(text), scopes=scopes, expires_at=expires_at)
        return text

    @classmethod
    def find(cls, text: str) -> ApiToken | None:
        """The token of a text, if it has not expired and its user may still work."""
        found = cls.objects.select_related("user__agency").filter(hash=token_hash(text)).first()
        valid = found is not None and found.expires_at > timezone.now() and found.user.is_active
        return found if valid else None


class IdempotentAnswer(Sealed):
    """The answer that a request got, so that the same request sent twice acts once."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="answers")
    key = models.CharField(max_length=100)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["token", "key"], name="desk_answer_once")
        ]
