"""The audit log: who saw, changed, shared, exported, searched what. Append-only and chained.

Each entry carries an HMAC-SHA-256 (RFC 2104) over its own content and the entry before, under a key that is not in the
database and never rotates: who changes, drops, adds or swaps rows cannot mend the chain. Cutting off the end together
with the head row would leave a shorter chain that is sound; so :func:`verify` can be given an anchor, the count and
link that it printed last time, kept elsewhere.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from amparo.site import sealing
from amparo.site.models.audit import AuditEntry, AuditHead

START = bytes(32)


def write(
    action: str, *, user: Any = None, case: Any = None, detail: Mapping[str, Any] | None = None, words: str = ""
) -> None:
    """Add an entry, in the transaction of what it tells of: either both are kept or neither.

    Parameters
    ----------
    action : one of the list ``audit_action``.
    detail : codes and counts only, never anything of a person. ``words`` (a search) lie sealed.
    """
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().get(pk=1)
        entry = AuditEntry(
            number=head.count + 1,
            at=timezone.now(),
            actor=user.pk if user else None,
            agency=user.agency_id if user else None,
            action=action,
            case=getattr(case, "pk", case),
            detail=dict(detail or {}),
            seal_id=uuid.uuid4(),
        )
        if words:
            entry.sealed = sealing.seal(sealing.audit_key(), {"words": words}, _place(entry))
        entry.mac = _link(bytes(head.mac), entry)
        entry.save(force_insert=True)
        head.count, head.mac = entry.number, entry.mac
        head.save(update_fields=["count", "mac"])


def words(entry: AuditEntry) -> str:
    """What was searched for."""
    return str(sealing.unseal(sealing.audit_key(), entry.sealed, _place(entry)).get("words", ""))


@dataclass(frozen=True)
class Verdict:
    """The state of the chain: how many entries hold, the last link, and what is wrong with the first that does not."""

    count: int
    link: str
    fault: str = ""

    @property
    def anchor(self) -> str:
        """What to keep elsewhere, and to give the next time."""
        return f"{self.count}:{self.link}"


def verify(anchor: str = "") -> Verdict:
    """Follow the chain from its start.

    Parameters
    ----------
    anchor : ``count:link`` of an earlier verdict; the chain must run through it.
    """
    wanted, _, wanted_link = anchor.partition(":")
    before, number, seen = START, 0, not anchor
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=2000):
        if entry.number != number + 1:
            return Verdict(number, before.hex(), f"entry {number + 1} is missing")
        if not hmac.compare_digest(bytes(entry.mac), _link(before, entry)):
            return Verdict(number, before.hex(), f"entry {entry.number} was changed, or one before it")
        before, number = bytes(entry.mac), entry.number
        if str(number) == wanted:
            seen = before.hex() == wanted_link
    head = AuditHead.objects.get(pk=1)
    if head.count != number or bytes(head.mac) != before:
        return Verdict(number, before.hex(), f"the end is cut off: {head.count} entries were written")
    if not seen and not (wanted == "0" and wanted_link == START.hex()):
        return Verdict(number, before.hex(), f"the chain does not run through the anchor at entry {wanted}")
    return Verdict(number, before.hex())


def _place(entry: AuditEntry) -> str:
    return f"desk_auditentry/{entry.seal_id}/sealed"


def _link(before: bytes, entry: AuditEntry) -> bytes:
    content = {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "agency": entry.agency,
        "action": entry.action,
        "case": str(entry.case) if entry.case else None,
        "detail": entry.detail,
        "seal_id": str(entry.seal_id),
        "sealed": bytes(entry.sealed).hex(),
    }
    message = before + json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()
    return hmac.digest(sealing.audit_key().pseudonym("desk audit chain").encode(), message, "sha256")
