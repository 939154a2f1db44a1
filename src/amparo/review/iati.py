"""Pledges, payments and technical assistance as an IATI 2.03 file, which donors' systems and the IATI Registry read.

Each pledge is an activity, its payments are its disbursements; a payment without a pledge, and each row of technical
assistance, is an activity of its own.

Source: IATI Standard 2.03, Activity Standard (element order and occurrences of iati-activities-schema.xsd) and its
code lists ActivityStatus, ActivityDateType, ActivityScope, OrganisationRole, OrganisationType, TransactionType.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as xml

from amparo.review.recorded import HEAD, Record, Row, read_head
from amparo.standard.countries import countries
from amparo.standard.errors import AmparoError

COMMITMENT, DISBURSEMENT = "2", "3"
"""TransactionType: outgoing commitment, disbursement."""
PLANNED_START, START, PLANNED_END, END = "1", "2", "3", "4"
"""ActivityDateType."""
IMPLEMENTATION, CLOSED = "2", "4"
"""ActivityStatus."""
FUNDING, IMPLEMENTING = "1", "4"
"""OrganisationRole."""
GLOBAL, NATIONAL = "1", "4"
"""ActivityScope."""


@dataclass(frozen=True)
class Publisher:
    """Who reports: the head ``[iati]`` of review.toml.

    ``ref`` is its identifier in the IATI scheme, such as ``XM-DAC-7``; ``type`` a code of OrganisationType (10 is a
    government); ``language`` that of the texts; ``country`` the State's two letters of ISO 3166; ``sector`` a purpose
    code of OECD DAC's CRS (15160 is human rights).
    """

    ref: str
    name: str
    type: str
    language: str
    country: str
    sector: str


_FORMS = {
    "ref": ("[A-Z]{2,}-[A-Z0-9-]*[A-Za-z0-9._-]+", "an identifier such as XM-DAC-7"),
    "name": (r".*\S.*", "the publisher's name"),
    "type": (r"\d\d", "a code of OrganisationType, such as 10 for a government"),
    "language": ("[a-z]{2}", "a language such as es"),
    "country": ("[A-Z]{2}", "two letters of ISO 3166"),
    "sector": (r"\d{5}", "a purpose code of five digits, such as 15160"),
}


def read_publisher(folder: Path) -> Publisher | None:
    """The publisher that ``review.toml`` names in ``[iati]``; None where it names none.

    Raises
    ------
    AmparoError : a key is missing, unknown, or not what it should be.
    """
    path = folder / HEAD
    head = read_head(folder).get("iati")
    if head is None:
        return None
    for key in {*_FORMS, *(head if isinstance(head, dict) else ())}:
        value = head.get(key) if isinstance(head, dict) else None
        form, expected = _FORMS.get(key, ("", f"one of the keys {', '.join(_FORMS)}"))
        if not isinstance(value, str) or not re.fullmatch(form, value):
            said = "is missing" if value is None else f"{value!r} does not fit"
            raise AmparoError(
                f"[iati] {key}: {said}; expected {expected}.", remedy="Correct the line.", where=str(path)
            )
    return Publisher(**head)


def activities(record: Record) -> tuple[Row, ...]:
    """The rows that an export holds."""
    return (*record.of("pledge"), *record.of("payment"), *record.of("technical_assistance"))


def export(record: Record, publisher: Publisher) -> bytes:
    """The IATI file, in UTF-8; the same record gives the same bytes.

    Raises
    ------
    AmparoError : there is no pledge, payment or technical assistance: a file without activities is not valid.
    """
    paid: dict[str, list[Row]] = {}
    for row in record.of("payment"):
        paid.setdefault(row.text("pledge"), []).append(row)
    root = xml.Element("iati-activities", version="2.03")
    root.set("generated-datetime", f"{record.today}T00:00:00Z")
    for pledge in record.of("pledge"):
        _activity(root, pledge, paid.get(pledge.id, []), publisher, record.today)
    for row in [*paid.get("", []), *record.of("technical_assistance")]:
        _activity(root, row, [row], publisher, record.today)
    if not activities(record):
        raise AmparoError(
            "there is no pledge, payment or technical assistance to export.", remedy="Record one, or take [iati] out."
        )
    xml.indent(root)
    return bytes(xml.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _activity(root: xml.Element, row: Row, payments: Sequence[Row], publisher: Publisher, today: date) -> None:
    """One activity; the elements stand in the order that the schema asks for."""
    begun = row.day("date")
    assert begun is not None
    activity = xml.SubElement(root, "iati-activity")
    activity.set("{http://www.w3.org/XML/1998/namespace}lang", publisher.language)
    activity.set("default-currency", row.text("currency"))
    activity.set("last-updated-datetime", f"{today}T00:00:00Z")
    _element(activity, "iati-identifier", text=f"{publisher.ref}-{row.id}")
    _narrated(activity, "reporting-org", publisher.name, ref=publisher.ref, type=publisher.type)
    _narrated(activity, "title", row.title)
    _narrated(activity, "description", f"{row.title}: {', '.join(_asked(row))}")
    _narrated(activity, "participating-org", row.body, role=FUNDING)
    receiver = row.text("recipient")
    if receiver:
        _narrated(activity, "participating-org", receiver, role=IMPLEMENTING)
    whole = sum(one.number("amount") for one in payments) >= row.number("amount")
    _element(activity, "activity-status", code=CLOSED if whole else IMPLEMENTATION)
    _element(activity, "activity-date", attributes={"iso-date": begun.isoformat(), "type": START})
    if row.due:
        _element(activity, "activity-date", attributes={"iso-date": row.due.isoformat(), "type": PLANNED_END})
    if whole:
        last = max(one.day("date") or begun for one in payments)
        _element(activity, "activity-date", attributes={"iso-date": last.isoformat(), "type": END})
    at_home = row.text("fund") == "national_strategy"
    _element(activity, "activity-scope", code=NATIONAL if at_home or row.text("country") else GLOBAL)
    country = countries()[row.text("country")].iso2 if row.text("country") else publisher.country if at_home else ""
    if country:
        _element(activity, "recipient-country", code=country)
    else:
        # 998: developing countries, unspecified; vocabulary 1: OECD DAC.
        _element(activity, "recipient-region", code="998", vocabulary="1")
    _element(activity, "sector", code=publisher.sector, vocabulary="1")
    if row.kind == "pledge":
        _transaction(activity, COMMITMENT, row, begun, receiver, publisher)
    for payment in payments:
        day = payment.day("date")
        assert day is not None
        _transaction(activity, DISBURSEMENT, payment, day, payment.text("recipient"), publisher)


def _transaction(parent: xml.Element, kind: str, row: Row, day: date, receiver: str, publisher: Publisher) -> None:
    transaction = _element(parent, "transaction", attributes={"ref": row.id})
    _element(transaction, "transaction-type", code=kind)
    _element(transaction, "transaction-date", attributes={"iso-date": day.isoformat()})
    amount = f"{row.number('amount'):.2f}"
    _element(
        transaction, "value", text=amount, attributes={"currency": row.text("currency"), "value-date": day.isoformat()}
    )
    _narrated(transaction, "description", row.title)
    _narrated(transaction, "provider-org", row.body)
    if receiver:
        _narrated(transaction, "receiver-org", receiver)


def _asked(row: Row) -> list[str]:
    return [
        f"A/RES/76/7 {name}" if instrument == "declaration-2021" else f"{instrument} {name}"
        for instrument, name in row.commitments
    ]


def _element(
    parent: xml.Element, name: str, *, text: str = "", attributes: dict[str, str] | None = None, **more: str
) -> xml.Element:
    child = xml.SubElement(parent, name, {**(attributes or {}), **more})
    child.text = text or None
    return child


def _narrated(parent: xml.Element, name: str, text: str, **attributes: str) -> None:
    _element(_element(parent, name, attributes=attributes), "narrative", text=text)
