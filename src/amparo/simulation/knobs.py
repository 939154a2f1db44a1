"""Everything about the demonstration country that can be set."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from amparo.standard.errors import AmparoError

AGENCIES = ("police", "border", "shelter", "labour_inspection", "health", "child_protection")
"""The agencies that keep lists of victims, in the order of the columns of every matrix here."""

_FACTORS = ("hidden_factor", "visible_factor", "reach", "avoidance", "name_skew")


@dataclass(frozen=True)
class Knobs:
    """The country. Shares and chances are from 0 to 1.

    Who is seen
    -----------
    victims : in truth, detected or not.
    police, border, shelter, labour_inspection, health, child_protection : chance that the agency finds a person by
        its own work, on average over all persons.
    hidden_share, hidden_factor : share of a latent class of persons, and how many times as visible as the ordinary
        class it is to every agency.
    visible_share, visible_factor : the same of another class. Classes make all lists depend on each other positively.
    reach : how strongly the chances also depend on sex, age, citizenship and form of exploitation; 0 not at all,
        1 as made up for each agency.
    referral : chance that an agency sends whom it knows on to another, along each of ``referral_paths``. Makes these
        lists depend on each other positively.
    avoidance : how many times its usual chance the second of each pair of ``rivals`` has to find whom the first has
        found. Below 1 these lists depend on each other negatively.
    referral_paths, rivals : pairs of agencies (first, second); of rivals the first stands first in ``AGENCIES``.
    independent : overrules all since ``hidden_share``: everybody has the same chances, and no list tells anything of
        another.

    What is written
    ---------------
    missing, unknown : shares of cells that are empty, and that are said to be unknown.
    omitted : share of the codes of a multi-valued cell that the agency leaves out (never all of them).
    mistaken : share of sexes and citizenships that are plausible but false.
    wrong : share of rows with one cell that no list may have, so that intake must refuse the row.
    repeated : share of persons whom an agency has again under another number.
    resent : share of persons whom an agency has again under the same number.
    partial_dates : share of dates of exploitation of which only the month or the year is written.

    Names and birth dates
    ---------------------
    spelling : share of name parts in another spelling than the person's passport has.
    typing : share of name parts with a slip.
    turned : share of records whose given and family names have changed places.
    shortened : share of records without the second surname, the second given name or the father's name.
    nickname : share of given names, where there is a nickname, that are it.
    nameless : share of records without any name.
    name_skew : how much commoner the common names are: the weight of rank r is 1 / (r + 10) ** name_skew.
    birth_missing : share of records without a birth date (some agencies then give an age).
    birth_date : share of birth dates that are off: half are the first of January of about the right year, a quarter have
        day and month exchanged (where that is a date), a quarter a wrong day or a year off by one.
    """

    victims: int = 6000
    police: float = 0.10
    border: float = 0.05
    shelter: float = 0.07
    labour_inspection: float = 0.06
    health: float = 0.05
    child_protection: float = 0.05
    hidden_share: float = 0.35
    hidden_factor: float = 0.4
    visible_share: float = 0.15
    visible_factor: float = 3.0
    reach: float = 1.0
    referral: float = 0.20
    avoidance: float = 0.4
    referral_paths: tuple[tuple[str, str], ...] = (
        ("police", "shelter"),
        ("border", "shelter"),
        ("child_protection", "shelter"),
        ("shelter", "health"),
    )
    rivals: tuple[tuple[str, str], ...] = (("police", "labour_inspection"),)
    independent: bool = False
    missing: float = 0.06
    unknown: float = 0.02
    omitted: float = 0.15
    mistaken: float = 0.005
    wrong: float = 0.01
    repeated: float = 0.02
    resent: float = 0.005
    partial_dates: float = 0.15
    spelling: float = 0.20
    typing: float = 0.03
    turned: float = 0.03
    shortened: float = 0.20
    nickname: float = 0.05
    nameless: float = 0.01
    name_skew: float = 0.6
    birth_missing: float = 0.06
    birth_date: float = 0.06

    def __post_init__(self) -> None:
        if self.victims < 1:
            raise AmparoError("A country needs at least one victim.", remedy="Give --victims 1 or more.")
        for field in fields(self):
            value = getattr(self, field.name)
            most = math.inf if field.name in _FACTORS else 1
            if field.type == "float" and not 0 <= value <= most:
                raise AmparoError(
                    f"{field.name} is {value}.",
                    remedy="Give a number from 0 on." if field.name in _FACTORS else "Give a number from 0 to 1.",
                )
        if self.hidden_share + self.visible_share > 1:
            raise AmparoError(
                "hidden_share and visible_share are more than everybody.",
                remedy="Give shares that add up to 1 at most.",
            )
        for name in ("referral_paths", "rivals"):
            for first, second in getattr(self, name):
                if first not in AGENCIES or second not in AGENCIES or first == second:
                    raise AmparoError(f"{name}: {first}, {second}.", remedy=f"Known: {', '.join(AGENCIES)}.")
        for first, second in self.rivals:
            if AGENCIES.index(first) > AGENCIES.index(second):
                raise AmparoError(f"rivals: {first} comes after {second}.", remedy=f"Write {second}, {first}.")

    @property
    def classes(self) -> tuple[tuple[float, float], ...]:
        """The latent classes as (share, factor): hidden, ordinary, visible."""
        ordinary = 1 - self.hidden_share - self.visible_share
        return (
            (self.hidden_share, self.hidden_factor),
            (ordinary, 1.0),
            (self.visible_share, self.visible_factor),
        )

    @property
    def chances(self) -> tuple[float, ...]:
        """Average chance of each of :data:`AGENCIES`."""
        return tuple(getattr(self, name) for name in AGENCIES)

    def in_force(self) -> Knobs:
        """The knobs with what ``independent`` overrules switched off."""
        if not self.independent:
            return self
        return replace(self, hidden_factor=1.0, visible_factor=1.0, reach=0.0, referral_paths=(), rivals=())
