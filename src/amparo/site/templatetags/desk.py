"""Tags for words: {% t "message" %}, {% label "list" code %}, {{ value|day }}."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html

from amparo.site import text
from amparo.site.codes import current
from amparo.site.codes import label as code_label

register = template.Library()


@register.simple_tag
def t(message: str, **values: Any) -> str:
    """A message of the desk, escaped like every other text."""
    return text.text(
        message, **{name: value if isinstance(value, int) else str(value) for name, value in values.items()}
    )


@register.simple_tag
def label(name: str, code: str) -> str:
    """The label of a code."""
    return code_label(name, code, current()) if code else ""


@register.simple_tag
def labels(name: str, codes: Iterable[str]) -> str:
    """The labels of several codes, joined."""
    return ("، " if current() == "ar" else "、" if current() == "zh" else ", ").join(
        code_label(name, code, current()) for code in codes
    )


@register.simple_tag
def shown(name: str, value: Any) -> str:
    """A recorded value: the labels of its codes, yes for true, else the text itself with its lines."""
    if value is True:
        return label("yes_no", "yes")
    if name:
        return labels(name, value if isinstance(value, list) else [value])
    return format_html('<span dir="auto">{}</span>', linebreaksbr(str(value), autoescape=True))


@register.simple_tag
def field_label(name: str) -> str:
    """The label of a field."""
    return text.field_label(name)


@register.filter
def day(value: date | None) -> str:
    """A day, or nothing."""
    return text.day(value) if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    """A day and time, or nothing."""
    return text.moment(value) if value else ""


@register.filter
def iso(value: date | datetime | None) -> str:
    """ISO 8601, for machines and assistive tools."""
    return value.isoformat() if value else ""
