"""The case: what one agency knows of one person, by groups of fields; screening; the status of identification."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models, transaction

from amparo.linkage.names import sounds
from amparo.site import sealing
from amparo.site.models.base import CodeField, Entry
from amparo.standard.errors import AmparoError
from amparo.standard.variables import comparable

_SAFE_LETTERS = "23456789CDFGHJKMNPQRTVWXYZ"
"""No vowels, so that no word arises, and nothing that is misread."""


def new_number() -> str:
    """A case's number: random, so that it tells neither when nor how many."""
    letters = "".join(secrets.choice(_SAFE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


class StatusError(AmparoError):
    """The status of identification cannot go this way."""


TRANSITIONS: Mapping[str, frozenset[str]] = {
    "presumed": frozenset({"identified", "rejected"}),
    "identified": frozenset({"recognised", "rejected"}),
    "recognised": frozenset(),
    "rejected": frozenset({"appealed"}),
    "appealed": frozenset({"identified", "recognised", "rejected"}),
}
"""From each status the ones that may follow. A rejection can always be appealed; recognition is not taken back here."""

DECIDED_BY_THE_STATE = frozenset({"recognised", "rejected"})
"""Only a competent body decides these (access.py says who); an appeal anybody with the case may lodge."""


class Case(models.Model):
    """A case begins at *presumed*, and everything that helps is open from then on.

    ``record`` holds the standard's variables that identify nobody alone; ``identity``, ``contact`` and ``account`` lie
    sealed. ``version`` counts the saves, so that nobody overwrites what they have not seen.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=9, unique=True, default=new_number, editable=False)
    agency = models.ForeignKey("desk.Agency", models.PROTECT, related_name="cases")
    opened_by = models.ForeignKey("desk.User", models.PROTECT, related_name="+", null=True)
    opened_at = models.DateTimeField(auto_now_add=True, db_index=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    status = CodeField(codes="case_status", default="presumed")
    language = CodeField(codes="language", default="", blank=True)
    urgent = models.BooleanField(default=False)
    age_in_doubt = models.BooleanField(default=False)
    record = models.JSONField(default=dict)
    identity = models.BinaryField(default=b"")
    contact = models.BinaryField(default=b"")
    account = models.BinaryField(default=b"")

    SEALED: ClassVar[tuple[str, ...]] = ("identity", "contact", "account")

    class Meta:
        ordering = ("-opened_at",)
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["agency", "-changed_at"])]

    def __str__(self) -> str:
        return str(self.number)

    @property
    def is_child(self) -> bool:
        """Under 18, or the age is in doubt: until it is settled the person has a child's protection."""
        age, group = self.record.get("age"), self.record.get("age_group")
        return bool(self.age_in_doubt or group == "child" or (isinstance(age, int) and age < 18))

    def opened(self, column: str) -> dict[str, Any]:
        """A sealed column's values by name."""
        return sealing.ring().open(getattr(self, column), f"desk_case/{self.pk}/{column}")

    def seal(self, column: str, values: Mapping[str, Any]) -> None:
        """Put values in place of a sealed column's; the row is saved by the caller."""
        kept = {name: value for name, value in values.items() if value not in ("", None, [])}
        setattr(self, column, sealing.ring().seal(kept, f"desk_case/{self.pk}/{column}"))

    def index_names(self) -> None:
        """Write the keyed words and sounds of the names, by which the case can be found."""
        found = self.opened("identity")
        names = [str(found.get(name, "")) for name in ("given_name", "family_name", "alias")]
        words = {f"word {word}" for name in names for word in comparable(name).split()}
        heard = {f"sound {sound}" for sound in sounds(*[name for name in names if name])}
        numbers = sealing.ring().words(words | heard)
        with transaction.atomic():
            self.words.exclude(word__in=numbers).delete()
            SearchWord.objects.bulk_create(
                [SearchWord(case=self, word=word) for word in numbers], ignore_conflicts=True
            )

    def change_status(self, to: str, *, by: Any, reason: str) -> StatusChange:
        """Move the status of identification on; who may do so is decided in access.py.

        Raises
        ------
        StatusError : the status cannot follow the present one, or no reason is given.
        """
        if to not in TRANSITIONS[self.status]:
            allowed = ", ".join(sorted(TRANSITIONS[self.status])) or "none"
            raise StatusError(f"{to!r} cannot follow {self.status!r}.", remedy=f"It can be followed by: {allowed}.")
        if not reason.strip():
            raise StatusError("a decision needs its reason.", remedy="Write it in the person's own terms.")
        change = StatusChange(case=self, created_by=by, before=self.status, after=to)
        change.write_texts({"reason": reason})
        change.save()
        self.status = to  # type: ignore[assignment]
        self.save(update_fields=["status", "changed_at"])
        return change


class SearchWord(models.Model):
    """A keyed word or sound of a case's names."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="words")
    word = models.BigIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["word", "case"], name="desk_word_once")
        ]


class Screening(Entry):
    """Signs that somebody saw, and their own judgement. No score: signs support a judgement, they never replace it."""

    place = CodeField(codes="place_of_identification")
    seen = models.JSONField(default=list)
    conclusion = CodeField(codes="screening_conclusion")


class StatusChange(Entry):
    """One step of the status of identification; the reason lies sealed."""

    before = CodeField(codes="case_status")
    after = CodeField(codes="case_status")
