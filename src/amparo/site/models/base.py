"""What the models share: columns that hold a code of a list, and values that lie sealed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.db import models

from amparo.site import sealing
from amparo.site.codes import choices


class CodeField(models.CharField):
    """A code of a list of :mod:`amparo.site.codes`; forms offer the list in the reader's language."""

    def __init__(self, *args: Any, codes: str = "", **kwargs: Any) -> None:
        self.codes = codes
        kwargs.setdefault("max_length", 40)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "codes": self.codes}

    def formfield(self, **kwargs: Any) -> Any:
        offered: Callable[[], list[tuple[str, str]]] = lambda: choices(self.codes, blank=self.blank)  # noqa: E731
        return forms.ChoiceField(choices=offered, required=not self.blank, initial=self.default or None)


class Sealed(models.Model):
    """A row with a random key and free texts that lie sealed in one column."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sealed = models.BinaryField(default=b"", blank=True, editable=False)

    class Meta:
        abstract = True

    def texts(self) -> dict[str, Any]:
        """The sealed texts by name."""
        return sealing.ring().open(self.sealed, self._place())

    def write_texts(self, texts: Mapping[str, Any]) -> None:
        """Put texts in place of those that lie here; empty ones are left out. The row is saved by the caller."""
        self.sealed = sealing.ring().seal({name: text for name, text in texts.items() if text}, self._place())

    def _place(self) -> str:
        return f"{self._meta.db_table}/{self.pk}/sealed"


class Entry(Sealed):
    """One entry of a case: what was done, when and by whom; its note lies sealed."""

    case = models.ForeignKey("desk.Case", models.CASCADE, related_name="%(class)ss", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("desk.User", models.PROTECT, related_name="+", editable=False, null=True)

    class Meta:
        abstract = True
        ordering = ("-created_at",)
