"""What keeps work safe: drafts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
