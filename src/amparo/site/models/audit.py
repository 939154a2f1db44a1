"""The audit log's rows; :mod:`amparo.site.audit` writes and verifies them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models


class AuditEntry(models.Model):
    """Who did what to which case and when. Rows are only ever added: the database refuses the rest by trigger."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.BigIntegerField(null=True, db_index=True)
    agency = models.BigIntegerField(null=True)
    action = models.CharField(max_length=40)
    case = models.UUIDField(null=True, db_index=True)
    detail = models.JSONField(default=dict)
    seal_id = models.UUIDField(default=uuid.uuid4)
    sealed = models.BinaryField(default=b"")
    mac = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("number",)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only :func:`amparo.site.audit.write` adds, and nothing changes."""
        if not kwargs.get("force_insert"):
            raise TypeError("an audit entry is only ever added")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refused."""
        raise TypeError("an audit entry is never deleted")


class AuditHead(models.Model):
    """The last number and link of the chain; one row, which every writer locks."""

    count = models.BigIntegerField(default=0)
    mac = models.BinaryField(max_length=32)
