"""Words, numbers and dates in the six UN languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from fluent.runtime import FluentBundle, FluentResource

from amparo.standard import countries
from amparo.standard.errors import AmparoError
from amparo.standard.variables import (
    LANGUAGES,
    NOT_RECORDED,
    OTHER_OR_NOT_RECORDED,
    TOTAL,
    UNKNOWN,
    code_list,
    variables,
)

_COUNTRY_DIMS = frozenset(
    (
        "citizenship",
        "destination",
        "origin",
        "transit",
        "origin_subregion",
        "destination_subregion",
        "reporting_country",
        "region",
        "subregion",
    )
)
_VARIABLES: Mapping[str, str] = {
    "year": "year",
    "sex": "sex",
    "age_group": "age_group",
    "age_band": "age_band",
    "form": "exploitation_forms",
    "citizenship": "citizenship",
    "destination": "countries_of_exploitation",
    "transit": "countries_of_transit",
    "means_of_control": "means_of_control",
    "recruiter_relation": "recruiter_relation",
    "duration_band": "duration_band",
    "identification_status": "identification_status",
    "assistance": "assistance",
    "participates_in_proceedings": "participates_in_proceedings",
    "stage": "perpetrator_status",
    "reporting_country": "reporting_country",
    "indicator": "indicator",
}
_OWN_NAMES = frozenset({"stage"})
_OWN_CODES = {
    "domestic": "code-domestic",
    "cross_border": "code-cross_border",
    "0-3": "code-0-3",
    "4-12": "code-4-12",
    "13-24": "code-13-24",
    "25+": "code-25-plus",
    "Abroad": "code-abroad",
    "Nationals": "code-nationals",
}


class Texts:
    """The texts of one language.

    Numbers use the digits 0 to 9 in every language, Arabic included, so that a figure in a text, a table and the open
    data is one and the same string of digits.

    Raises
    ------
    AmparoError : the language is not one of the six.
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise AmparoError(f"There is no language {lang!r}.", remedy=f"Known: {', '.join(LANGUAGES)}.")
        self.lang = lang
        self.locale = Locale.parse(lang)
        self.rtl = lang == "ar"
        self._bundle = FluentBundle([lang], use_isolating=False)
        self._bundle.add_resource(FluentResource(_messages(lang)))

    @property
    def direction(self) -> str:
        """``rtl`` or ``ltr``."""
        return "rtl" if self.rtl else "ltr"

    def __call__(self, message: str, **values: str | int) -> str:
        """The text of a message; a missing message or value is an error, never a gap in a report."""
        found = self._bundle.get_message(message)
        if found is None or found.value is None:
            raise KeyError(message)
        text, errors = self._bundle.format_pattern(found.value, values)
        if errors:
            raise errors[0]
        return str(text)

    def number(self, value: float) -> str:
        """A whole number, grouped as the language groups."""
        return str(format_decimal(round(value), locale=self.locale, numbering_system="latn"))

    @property
    def percent_sign(self) -> str:
        """The sign with the space that the language sets before it."""
        return "%" if self.lang in ("en", "zh") else "\u00a0%"

    def percent(self, value: float, *, signed: bool = False) -> str:
        """A share of 1 as a percentage with one decimal."""
        pattern = f"#,##0.0{self.percent_sign}"
        text = str(format_percent(value, pattern, locale=self.locale, numbering_system="latn"))
        return f"+{text}" if signed and value > 0 else text

    def date(self, iso: str) -> str:
        """A day as the language writes it (English: as the United Nations do), with the digits of all other numbers."""
        return str(format_date(date.fromisoformat(iso), "long", locale="en_GB" if self.lang == "en" else self.locale))

    def within(self, name: str) -> str:
        """A name as it stands within a sentence: without the capital that it has alone."""
        return name[:1].lower() + name[1:]

    def sentences(self, *parts: str) -> str:
        """Sentences one after the other; Chinese sets no space between them."""
        return ("" if self.lang == "zh" else " ").join(parts)

    def dim(self, dim: str) -> str:
        """The name of a dimension."""
        if dim in _VARIABLES and dim not in _OWN_NAMES:
            return variables()[_VARIABLES[dim]].labels[self.lang]
        return self(f"dim-{dim}")

    def code(self, dim: str, code: str) -> str:
        """The name of a code of a dimension."""
        if code == TOTAL:
            return self("total")
        if code == NOT_RECORDED:
            return self("not-recorded")
        if code == OTHER_OR_NOT_RECORDED:
            return self("other-or-not-recorded")
        if code == UNKNOWN:
            return code_list("sex")[UNKNOWN].labels[self.lang]
        if code in _OWN_CODES and dim not in ("duration_band",):
            return self(_OWN_CODES[code])
        if dim in _COUNTRY_DIMS:
            return countries.label(code, self.lang)
        if dim in _VARIABLES and dim != "year":
            known = code_list(variables()[_VARIABLES[dim]].codes)
            return known[code].labels[self.lang] if code in known else code
        return code


@cache
def _messages(lang: str) -> str:
    return files("amparo.report").joinpath("messages", f"{lang}.ftl").read_text(encoding="utf-8")
