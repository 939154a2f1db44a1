"""One person's name gives the same sounds in every script and order, and two persons' names seldom do.

Romanisations are of the standards that passports follow: ICAO 9303 part 3 (Cyrillic), Hanyu Pinyin (ISO 7098), and
Arabic as passports of North Africa (after French) and of the Levant (after English) have it.
"""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.linkage.names import ARTICLES, parts, sound_of, sounds
from amparo.simulation.names import CULTURES, draw_names, write_names

SAME = {
    "Arabic, transcribed after English and French, and in Russian": (
        "محمد عبد الرحمن الحسن", "مُحَمَّد عَبْد الرَّحْمٰن الحَسَن", "Mohammed Abdulrahman Al-Hassan",
        "Abd al-Rahman Mohamed Hassan", "Mohamed Abderrahmane El Hassan", "Мохаммед Абдуррахман аль-Хасан",
    ),
    "Russian by ICAO 9303, in English and in French ears": (
        "Сергей Щербаков", "Sergei Shcherbakov", "Sergey Scherbakov", "SHCHERBAKOV, Sergei",
    ),
    "Spanish, in Cyrillic and Arabic letters": ("José García", "GARCIA, Jose", "Хосе Гарсия", "خوسيه غارسيا"),
    "Chinese, family name of one character": ("王小明", "Wang Xiaoming", "XIAOMING WANG"),
    "Chinese, family name of two": ("欧阳娜娜", "歐陽娜娜", "Ouyang Nana"),
    "Uzbek, in both its alphabets": ("Шахноза Каримова", "Shahnoza Karimova", "Shakhnoza Karimova"),
    "nickname and full form": ("Pepe García", "José García"),
    "accents, hyphens, titles, particles": ("Dr. María-José de la Peña", "MARIA JOSE PENA", "Pena, Maria Jose"),
}  # fmt: skip


@pytest.mark.parametrize("ways", SAME.values(), ids=SAME)
def test_one_name_in_many_ways_sounds_the_same(ways: tuple[str, ...]) -> None:
    heard = {way: sounds(way) for way in ways}
    assert len(set(heard.values())) == 1, heard


@pytest.mark.parametrize(
    ("one", "other"),
    [("Li", "Lu"), ("María", "Marta"), ("Иван", "Игорь"), ("王", "张"), ("Ana", "Eva"), ("Hassan", "Hussam")],
)
def test_what_differs_in_its_consonants_or_short_vowels_stays_apart(one: str, other: str) -> None:
    assert sounds(one) != sounds(other)


@given(st.permutations(["Luz", "Marina", "Quispe", "Mamani"]), st.sampled_from([" ", ", ", "-", " · ", "  "]))
def test_order_and_separator_of_the_parts_do_not_matter(order: list[str], between: str) -> None:
    assert sounds(between.join(order)) == sounds("Luz Marina Quispe Mamani")
    assert sounds(*order) == sounds("Luz Marina Quispe Mamani")


@given(st.text(max_size=30))
def test_any_text_gives_sounds_or_none(text: str) -> None:
    found = sounds(text)
    assert found == tuple(sorted(set(found)))
    assert all(sound.isascii() and sound.isupper() for sound in found)
    assert all(sound_of(part) == sound_of(part.upper()) for part in parts(text))


@pytest.mark.parametrize("text", ["", " ", "-", "...", "?", "Д'"[1:]])
def test_no_name_has_no_sounds(text: str) -> None:
    assert sounds(text) == ()


def test_a_name_of_particles_alone_is_kept() -> None:
    """Do and Le are family names in Viet Nam, De in Ghana: better a common part than none."""
    assert parts("Le Do") == ("le", "do")
    assert parts("Ana de la Cruz") == ("ana", "cruz")
    assert "cruz" not in ARTICLES


def test_every_nickname_sounds_as_the_name_it_stands_for() -> None:
    text = files("amparo.linkage").joinpath("data/nicknames.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) > 100
    full = defaultdict(set)  # Beto is Alberto and Roberto: one of them must do
    for row in rows:
        full[row["nickname"]].add(sounds(parts(row["name"])[0]))
    wrong = {nickname: names for nickname, names in full.items() if sounds(nickname) not in names}
    assert not wrong


def test_a_chinese_given_name_in_a_column_of_its_own_is_one_part() -> None:
    assert sounds("", "小明", "", "王") == sounds("王小明") == sounds("王 小明") == sounds("", "Xiaoming", "", "Wang")
    assert sounds("司马相如") == sounds("司马", "相如") == sounds("Sima Xiangru")


People = dict[str, list[tuple[str, tuple[str, ...]]]]


@pytest.fixture(scope="module")
def people() -> People:
    """Persons of eight cultures: (culture, sounds) as written in Latin letters and in other scripts, row by row."""
    random = np.random.default_rng(11)
    culture = np.repeat(np.arange(len(CULTURES)), 300)
    names = draw_names(culture, random.random(len(culture)) < 0.6, 0.6, random)
    out = {}
    for script in ("latin", "cyrillic", "arabic", "han"):
        written = write_names(names, script)
        rows = zip(written.given, written.middle, written.family, written.second, strict=True)
        out[script] = [(CULTURES[c], sounds(*row)) for c, row in zip(culture.tolist(), rows, strict=True)]
    return out


# Shares of persons of whom two parts of the name, or the only one, sound alike; measured, less three standard errors.
# Latin spelling that says little of the sound (French, English, Hong Kong's) is what is lost.
LEAST = {
    ("cyrillic", "es"): 0.96, ("cyrillic", "ng"): 0.55, ("cyrillic", "fr"): 0.75, ("cyrillic", "ar"): 0.92,
    ("cyrillic", "ru"): 0.98, ("cyrillic", "ro"): 0.76, ("cyrillic", "uz"): 0.98, ("cyrillic", "zh"): 0.50,
    ("arabic", "es"): 0.95, ("arabic", "ng"): 0.61, ("arabic", "fr"): 0.67, ("arabic", "ar"): 0.91,
    ("arabic", "ru"): 0.96, ("arabic", "ro"): 0.60, ("arabic", "uz"): 0.98, ("arabic", "zh"): 0.58,
    ("han", "zh"): 0.62,
}  # fmt: skip


@pytest.mark.parametrize(("script", "culture"), LEAST)
def test_names_survive_the_way_through_another_script(people: People, script: str, culture: str) -> None:
    pairs = [
        (set(one), set(other))
        for (c, one), (_, other) in zip(people["latin"], people[script], strict=True)
        if c == culture
    ]
    alike = np.mean([len(one & other) >= min(2, len(one), len(other)) for one, other in pairs])
    assert alike >= LEAST[script, culture]


@pytest.mark.parametrize("culture", CULTURES)
def test_strangers_seldom_share_two_sounds(people: People, culture: str) -> None:
    """Against the opposite fault: sounds so coarse that everybody is alike."""
    heard = [set(one) for c, one in people["latin"] if c == culture]
    chance = np.mean([len(one & other) >= 2 for one, other in itertools.combinations(heard, 2)])
    assert chance < 0.02
