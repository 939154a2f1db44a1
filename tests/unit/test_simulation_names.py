"""Names of the demonstration country: in every script, with as many mistakes as set, and none where none is set."""

from __future__ import annotations

import numpy as np
import pytest

from amparo.simulation.names import CULTURES, SCRIPT, draw_names, in_letters, mistype, write_names, writings

BLOCKS = {"cyrillic": ("\u0400", "\u04ff"), "arabic": ("\u0600", "\u06ff"), "latin": ("\u0041", "\u024f")}


@pytest.mark.parametrize("culture", CULTURES)
@pytest.mark.parametrize("script", sorted(BLOCKS))
@pytest.mark.parametrize(
    "kind", ["female", "male", "family", "family female", "middle female", "middle male", "nick male"]
)
def test_every_name_is_written_in_the_script_asked_for_and_no_other(culture: str, script: str, kind: str) -> None:
    low, high = BLOCKS[script]
    letters = {c for name in writings(culture, kind, script).ravel() for c in name if c not in " -'’"}
    assert all(low <= c <= high for c in letters), sorted(c for c in letters if not low <= c <= high)
    assert "" not in writings(culture, kind, script)


def test_chinese_names_are_written_in_han_characters() -> None:
    assert all("\u4e00" <= c <= "\u9fff" for name in writings("zh", "family", "han").ravel() for c in name)


@pytest.mark.parametrize("culture", CULTURES)
def test_each_culture_has_names_enough_to_tell_persons_apart(culture: str) -> None:
    random = np.random.default_rng(1)
    names = draw_names(np.full(2000, CULTURES.index(culture)), random.random(2000) < 0.5, 0.6, random)
    parts = write_names(names, SCRIPT.get(culture, "latin"))
    pairs = set(zip(parts.given.tolist(), parts.family.tolist(), strict=True))
    assert len(pairs) > 1100


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("Юлия Щербакова", "passport", "Iuliia Shcherbakova"),
        ("Хасанов", "english", "Hasanov"),
        ("Михаил", "spanish", "Mijail"),
        ("Чехов", "french", "Tchekhov"),
        ("Esteban", "cyrillic es", "Эстебан"),
        ("Jiménez", "cyrillic es", "Химéнес"),
        ("Kofi", "arabic ng", "كوفي"),
        ("Jean-Pierre", "cyrillic fr", "Джеан-Пиерре"),
        ("Hernández", "by ear es", "Ernándes"),
    ],
)
def test_letters_pass_from_script_to_script_by_the_table(text: str, table: str, expected: str) -> None:
    assert in_letters(text, table) == expected


def test_russian_women_bear_the_feminine_family_name_and_the_fathers_name() -> None:
    women = writings("ru", "family female", "cyrillic")[:, 0].tolist()
    assert {"Иванова", "Вишневская", "Яровая", "Шевченко"} <= set(women)
    daughters = set(writings("ru", "middle female", "cyrillic")[:, 0].tolist())
    assert {"Ивановна", "Сергеевна", "Юрьевна", "Дмитриевна", "Петровна", "Львовна", "Никитична"} <= daughters
    sons = set(writings("ru", "middle male", "cyrillic")[:, 0].tolist())
    assert {"Иванович", "Сергеевич", "Юрьевич", "Дмитриевич", "Ильич", "Игоревич"} <= sons


def test_only_spanish_names_have_two_surnames() -> None:
    random = np.random.default_rng(2)
    culture = random.integers(0, len(CULTURES), 5000)
    names = draw_names(culture, random.random(5000) < 0.5, 0.6, random)
    assert ((names.second >= 0) == (culture == CULTURES.index("es"))).all()


def test_without_mistakes_a_name_is_the_passports_everywhere() -> None:
    random = np.random.default_rng(3)
    names = draw_names(random.integers(0, len(CULTURES), 3000), random.random(3000) < 0.5, 0.6, random)
    once, again = write_names(names, "latin"), write_names(names, "latin", random=random)
    for part in ("given", "middle", "family", "second"):
        assert (getattr(once, part) == getattr(again, part)).all()


def test_common_names_are_commoner_the_greater_the_skew() -> None:
    def of_the_first_ten(skew: float) -> float:
        random = np.random.default_rng(4)
        names = draw_names(np.zeros(20_000, np.int64), np.zeros(20_000, bool), skew, random)
        return float((names.family < 10).mean())

    assert of_the_first_ten(0.0) == pytest.approx(10 / len(writings("es", "family", "latin")), abs=0.01)
    assert of_the_first_ten(1.0) > 3 * of_the_first_ten(0.0)


def test_a_slip_changes_the_share_of_texts_that_was_set_by_one_letter() -> None:
    texts = np.array(["Alejandra"] * 20_000, dtype=object)
    slipped = mistype(texts, 0.1, np.random.default_rng(5))
    changed = slipped[slipped != texts]
    assert len(changed) / len(texts) == pytest.approx(0.1, abs=0.01)
    assert {len(text) for text in changed} == {8, 9, 10}
    assert (texts == "Alejandra").all()
