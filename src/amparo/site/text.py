"""The desk's words in six languages (Fluent), and dates as each language writes them."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from django.conf import settings
from django.utils import timezone
from fluent.runtime import FluentBundle, FluentResource

from amparo.site.codes import current
from amparo.standard.variables import LANGUAGES, variables

NAMES = {"ar": "العربية", "zh": "中文", "en": "English", "fr": "Français", "ru": "Русский", "es": "Español"}
"""Each language in its own words."""


@cache
def _bundle(lang: str) -> FluentBundle:
    bundle = FluentBundle([lang], use_isolating=False)
    text = files("amparo.site").joinpath("messages", f"{lang}.ftl").read_text(encoding="utf-8")
    bundle.add_resource(FluentResource(text))
    return bundle


def text(message: str, lang: str | None = None, /, **values: str | int) -> str:
    """The text of a message in a language, or in the reader's.

    Raises
    ------
    KeyError : there is no such message; a gap is a fault, never an empty place on a page.
    """
    bundle = _bundle(lang or current())
    found = bundle.get_message(message)
    if found is None or found.value is None:
        raise KeyError(message)
    pattern, errors = bundle.format_pattern(found.value, values)
    if errors:
        raise errors[0]
    return str(pattern)


def field_label(name: str) -> str:
    """The label of a field: the standard's where it is one of its variables, else the desk's own."""
    bundle = _bundle(current())
    if bundle.has_message(f"field-{name}"):
        return text(f"field-{name}")
    return variables()[name].labels[current()]


def _locale() -> Locale:
    return Locale.parse("en_GB" if current() == "en" else current())


def _digits(written: str) -> str:
    """Digits 0 to 9 in every language, as on the papers that people carry."""
    return written.translate({ord("٠") + n: str(n) for n in range(10)})


def day(value: date) -> str:
    """A day; a time is told by its day in the desk's time zone."""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return _digits(str(format_date(value, "medium", locale=_locale())))


def moment(value: datetime) -> str:
    """A day and a time, in the desk's time zone."""
    return _digits(str(format_datetime(timezone.localtime(value), "d MMM y HH:mm", locale=_locale())))


def in_templates(request: Any) -> dict[str, Any]:
    """What every page knows: its language and direction, and whether it is a demonstration."""
    lang = current()
    return {
        "lang": lang,
        "direction": "rtl" if lang == "ar" else "ltr",
        "languages": [(code, NAMES[code]) for code in LANGUAGES],
        "demonstration": settings.DEMONSTRATION,
        "here": request.get_full_path() if request.method == "GET" else request.path,
    }
