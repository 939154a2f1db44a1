"""The desk's own statistics: private tables named as the review's inputs (``desk_record``), and what may be shown.

A table leaves :func:`desk_tables` private and passes protection before anybody sees it. What is shown is made once a
month and kept: figures that changed with each case would tell, by their differences, of single persons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from amparo import __version__
from amparo.protection.release import Rule, release
from amparo.site.models import (
    AuditEntry,
    Case,
    ChildMeasure,
    Compensation,
    Consent,
    Feedback,
    FollowUp,
    Need,
    NonPunishment,
    Proceeding,
    ProtectionMeasure,
    RecoveryPeriod,
    Referral,
    Screening,
)
from amparo.statistics.tables import PrivateTable, tabulate

THRESHOLD = 10
LISTS: Mapping[str, str] = {
    "sex": "sex", "age_group": "age_group", "case_status": "case_status", "place": "place_of_identification",
    "conclusion": "screening_conclusion", "pillar": "pillar", "need_state": "need_state", "takes_part": "yes_no",
    "purpose": "purpose", "referral_state": "referral_state", "agency": "entity_type", "recipient": "entity_type",
    "overdue": "yes_no", "penalised": "yes_no", "given": "yes_no", "withdrawn": "yes_no", "action": "audit_action",
    "stage": "proceedings_status", "measure": "protection_measure", "measure_state": "recovery_state",
    "child_measure": "child_measure", "done": "yes_no", "period_state": "recovery_state",
    "infraction": "infraction", "outcome": "request_outcome", "route": "compensation_route",
    "feedback": "feedback_kind", "respect": "yes_no", "helped": "yes_no", "reached": "yes_no", "settled": "yes_no",
}  # fmt: skip
"""The code list of each dimension of the desk's tables; ``year`` has none."""


_UNITS = {"identifications": "cases", "agencies": "referrals"}


def desk_tables() -> list[PrivateTable]:
    """All tables, each over the whole desk.

    Returns
    -------
    Private tables. The unit is the kind of row; tables of one unit count the same rows, so that protection sees them
    together. Persons whose identification was rejected count like everybody: ``case_status`` tells them apart.
    """
    now = timezone.now()
    takes_part = dict(Proceeding.objects.order_by("created_at").values_list("case", "takes_part"))
    return [
        _table(
            "cases",
            Case.objects.all(),
            ("year", "sex", "age_group"),
            lambda case: (str(case.opened_at.year), *_person(case)),
        ),
        _table(
            "identifications",
            Case.objects.all(),
            ("case_status", "sex", "age_group"),
            lambda case: (case.status, *_person(case)),
        ),
        _table("screenings", Screening.objects.all(), ("place", "conclusion"), lambda row: (row.place, row.conclusion)),
        _table(
            "services",
            Need.objects.all(),
            ("pillar", "need_state", "takes_part"),
            lambda row: (row.pillar, row.state, takes_part.get(row.case_id)),
        ),
        _table(
            "referrals",
            Referral.objects.select_related("recipient"),
            ("purpose", "referral_state", "overdue"),
            lambda row: (row.purpose, row.state, _yes((row.answered_at or now) > row.answer_by)),
        ),
        _table(
            "agencies",
            Referral.objects.select_related("recipient"),
            ("agency",),
            lambda row: (row.recipient.kind,),
        ),
        _table(
            "consents",
            Consent.objects.all(),
            ("purpose", "given", "withdrawn"),
            lambda row: (row.purpose, _yes(row.given), _yes(row.withdrawn_at is not None)),
        ),
        _table(
            "disclosures",
            Referral.objects.filter(state__in=("accepted", "ended")).select_related("recipient", "case__agency"),
            ("agency", "recipient"),
            lambda row: (row.case.agency.kind, row.recipient.kind),
        ),
        _table("access_log", AuditEntry.objects.filter(case__isnull=False), ("action",), lambda row: (row.action,)),
        _table(
            "proceedings", Proceeding.objects.all(), ("takes_part", "stage"), lambda row: (row.takes_part, row.stage)
        ),
        _table(
            "protection_measures",
            ProtectionMeasure.objects.all(),
            ("measure", "measure_state"),
            lambda row: (row.kind, row.state),
        ),
        _table(
            "child_measures",
            ChildMeasure.objects.all(),
            ("child_measure", "done"),
            lambda row: (row.kind, _yes(row.done_on is not None)),
        ),
        _table("recovery_periods", RecoveryPeriod.objects.all(), ("period_state",), lambda row: (row.state,)),
        _table(
            "non_punishment_requests",
            NonPunishment.objects.all(),
            ("infraction", "outcome", "penalised"),
            lambda row: (row.infraction, row.outcome, _yes(row.penalised)),
        ),
        _table(
            "compensation_claims",
            Compensation.objects.all(),
            ("route", "outcome"),
            lambda row: (row.route, row.outcome),
        ),
        _table(
            "feedback",
            Feedback.objects.all(),
            ("feedback", "respect", "helped"),
            lambda row: (row.kind, row.respect, row.helped),
        ),
        _table(
            "follow_ups",
            FollowUp.objects.all(),
            ("reached", "settled"),
            lambda row: (_yes(row.reached_on is not None), row.settled),
        ),
    ]


def _table(name: str, rows: QuerySet[Any], dims: Sequence[str], codes: Any) -> PrivateTable:
    """Count rows by what ``codes`` says of each; '' and None are not recorded."""
    # Sealed columns stay where they are: counting needs none of them.
    sealed = [f.name for f in rows.model._meta.get_fields() if f.get_internal_type() == "BinaryField"]
    counted = [tuple(code or None for code in codes(row)) for row in rows.defer(*sealed).iterator(chunk_size=5000)]
    frame = pd.DataFrame(counted, columns=list(dims)).astype("string")
    method = "Rows of the referral desk, each counted once."
    return tabulate(ibis.memtable(frame), dims, name=name, unit=_UNITS.get(name, name), method=method)


def _person(case: Case) -> tuple[str | None, str | None]:
    group = "child" if case.is_child else case.record.get("age_group")
    return case.record.get("sex"), group


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def monthly(today: date | None = None) -> Mapping[str, Any]:
    """What may be shown this month; made when first asked for, and the same until the month ends.

    Returns
    -------
    ``created`` (ISO date), ``rule`` (a sentence) and ``tables``: name, dims, and rows with codes, ``lower``, ``upper``
    (both null where withheld).
    """
    today = today or timezone.localdate()
    folder: Path = settings.DESK / "figures"
    file = folder / f"{today:%Y-%m}.json"
    if not file.exists():
        ready = release(
            desk_tables(), rule=Rule(THRESHOLD), provenance={"version": __version__, "created": today.isoformat()}
        )
        tables = [
            {"name": table.name, "dims": list(table.dims), "rows": json.loads(table.frame.to_json(orient="records"))}
            for table in ready
        ]
        folder.mkdir(mode=0o700, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"created": today.isoformat(), "rule": ready.rule.sentence(), "tables": tables}))
        fresh.replace(file)
    found: Mapping[str, Any] = json.loads(file.read_text())
    return found
