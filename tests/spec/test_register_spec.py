"""The register against the declaration: every paragraph and sub-paragraph is there, in six languages, in our words."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from amparo.review.register import Commitment, load_register
from amparo.standard.variables import LANGUAGES
from amparo.statistics import national

TEXT = Path(__file__).resolve().parents[2].parent / "shared" / "declaration" / "A-76-L.11-es.txt"

PLACES = """
paragraph | letters   | about
----------+-----------+----------------------------------------------------
1         |           | the Global Plan of Action
2         |           | the 2030 Agenda
3         |           | ratification and application of Convention and Protocol
4         |           | what trafficking in persons is
5         |           | a grave crime and an abuse of human rights
6         |           | other treaties
7         |           | Global Compacts, CEDAW
8         |           | prevention, demand
9         |           | what makes people vulnerable
10        |           | women and children
11        |           | the pandemic, discrimination, violence against women
12        |           | survivors, victim-centred services, dignity
13        |           | justice and protection without conditions, non-punishment
14        |           | privacy and safety
15        |           | prosecution, referral mechanisms, proceeds
16        | a b c d e | resources
17        |           | collective action and partnerships
18        |           | coherence of the UN system
19        |           | Inter-Agency Coordination Group
20        |           | UNODC
21        |           | extrabudgetary resources
22        |           | data
23        |           | Global Report, flows, prevalence
24        | a b c     | crises, people on the move, training
25        |           | armed groups
26        | a b c     | technology
27        |           | organ removal
28        |           | supply chains, recruitment, labour inspection
29        |           | follow-up and review
"""

SAMPLES = """
id     | kind            | theme       | must act               | shown by
-------+-----------------+-------------+------------------------+-------------------------------
3.2    | urge            | prosecution | states                 | treaties_in_force
9.4    | undertake       | prevention  | states                 | women_in_leadership
13.2   | undertake       | protection  | states                 | assisted_without_cooperation
13.8   | undertake       | protection  | immigration_authorities| non_punishment_granted
14.1   | reaffirm        | protection  | law_enforcement        | cells_recoverable
15.8   | undertake       | protection  | states                 | referral_acceptance
16.a.2 | invite          | resources   | everyone               | pledges_paid
18.3   | urge            | follow_up   | secretary_general      | -
22.1   | recognise_need  | data        | states                 | age_recorded
23.2   | request         | data        | unodc                  | flows_by_subregion
23.3   | request         | data        | unodc                  | prevalence_estimate
24.a.4 | undertake       | protection  | immigration_authorities| identified_at_arrival
24.c.1 | encourage       | protection  | un_system              | training_hours
27.3   | condemn         | prosecution | states                 | -
28.7   | stress          | protection  | labour_inspection      | inspection_disclosures
29.2   | recognise_need  | follow_up   | states                 | commitments_reviewed
29.5   | undertake       | follow_up   | civil_society          | impact_assessed
"""


def rows(table: str) -> list[tuple[str, ...]]:
    """The rows of a text table below its header."""
    lines = [line for line in table.strip().splitlines() if not set(line.strip()) <= set("-+| ")]
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines[1:]]


def places() -> list[tuple[str, str]]:
    """Every paragraph, as its own head, and every lettered sub-paragraph."""
    return [(number, letter) for number, letters, _ in rows(PLACES) for letter in ("", *letters.split())]


def test_every_paragraph_and_sub_paragraph_is_covered() -> None:
    found = {(one.paragraph, one.letter) for one in load_register().instrument().commitments}
    assert found == set(places())


@pytest.mark.skipif(not TEXT.exists(), reason="the declaration's text of ../shared/declaration is not here")
def test_the_places_are_those_of_the_text() -> None:
    read: list[tuple[str, str]] = []
    for line in TEXT.read_text(encoding="utf-8").splitlines():
        if paragraph := re.match(r"(\d+)\. \w", line):
            read.append((paragraph[1], ""))
        elif letter := re.match(r"([a-z])\) \w", line):
            read.append((read[-1][0], letter[1]))
    assert read == places()


def test_there_is_a_commitment_for_each_statement() -> None:
    commitments = load_register().instrument().commitments
    assert len(commitments) >= 100
    for number, letter in places():
        ids = [one.id for one in commitments if (one.paragraph, one.letter) == (number, letter)]
        place = f"{number}.{letter}" if letter else number
        assert ids == [f"{place}.{i}" for i in range(1, len(ids) + 1)]


@pytest.mark.parametrize(("name", "kind", "theme", "actor", "indicator"), rows(SAMPLES))
def test_a_commitment_says_who_must_do_what(name: str, kind: str, theme: str, actor: str, indicator: str) -> None:
    one = load_register().get(name)
    assert (one.kind, one.theme) == (kind, theme)
    assert actor in one.actors
    assert indicator in one.indicators or (indicator == "-" and one.recorded_only and one.evidence)


def test_every_commitment_has_an_indicator_or_says_which_evidence_judges_it() -> None:
    for one in load_register().commitments:
        assert one.indicators or one.evidence, one.id
        assert one.recorded_only == (not one.indicators)
        assert one.cluster, one.id
        assert one.beneficiaries, one.id


def test_every_indicator_shows_something() -> None:
    register = load_register()
    used = {name for one in register.commitments for name in one.indicators}
    assert used == set(register.indicators)


def test_most_indicators_are_computed() -> None:
    indicators = load_register().indicators.values()
    assert len(indicators) >= 40
    assert sum(one.computed for one in indicators) >= 30
    shown = [one for one in load_register().commitments if any(i.computed for i in load_register().indicators_of(one))]
    assert len(shown) >= 25


def test_an_indicator_of_releases_reads_tables_that_exist() -> None:
    """And breaks down by what they count by; a baseline year asks for a table by year."""
    tables = {plan.name: set(plan.by) for plan in national._VICTIM_TABLES} | {
        "justice_by_year_stage": {"year", "stage"},
        "justice_by_stage_sex": {"stage", "sex"},
        "offences_by_year": {"year"},
        "prevalence": set(),
        "all_tables": set(),
    }
    for one in load_register().indicators.values():
        if one.source != "release":
            continue
        assert set(one.inputs) <= set(tables), one.id
        dims = set.union(*(tables[name] for name in one.inputs))
        assert set(one.disaggregation) <= dims, one.id
        assert one.baseline == "first_value" or "year" in dims, one.id


def test_the_page_that_compares_tools_counts_right() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "review-comparison.md").read_text(encoding="utf-8")
    register = load_register()
    indicators = register.indicators.values()
    context = sum(one.goal == "context" for one in indicators)
    for said in (
        f"{len(register.commitments)} commitments",
        f"{len(indicators)} come defined",
        f"{sum(one.computed for one in indicators)} defined to be computed",
        f"{sum(one.source == 'release' for one in indicators)} from the national ones",
        f"of the {sum(one.source == 'desk' for one in indicators)} from the desk",
        f"{sum(one.source == 'recorded' and one.inputs != ('review',) for one in indicators)} are counted from recorded",
        f"{context} of the {len(indicators)} indicators are for context only",
        f"{sum(one.recorded_only for one in register.commitments)} commitments say openly",
    ):
        assert said in page


# --- wording


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFC", text).casefold())


def test_every_wording_is_there_in_six_languages() -> None:
    for one in load_register().commitments:
        assert set(one.text) == set(LANGUAGES), one.id
    for indicator in load_register().indicators.values():
        assert set(indicator.name) == set(LANGUAGES), indicator.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wording_is_short_and_no_two_are_alike(language: str) -> None:
    texts = {one.id: one.text[language] for one in load_register().instrument().commitments}
    for name, text in texts.items():
        # Chinese sets no spaces between words.
        length = len(text) if language == "zh" else sum(any(map(str.isalnum, word)) for word in text.split())
        low, high = (15, 60) if language == "zh" else (8, 20)
        assert low <= length <= high, f"{name}: {length}"
        assert text.endswith("。" if language == "zh" else "."), name
    assert len(set(texts.values())) == len(texts)


SCRIPTS = {"ar": "ARABIC", "zh": "CJK", "ru": "CYRILLIC", "en": "LATIN", "fr": "LATIN", "es": "LATIN"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wording_is_in_its_own_script(language: str) -> None:
    for one in load_register().commitments:
        letters = [unicodedata.name(c) for c in one.text[language] if c.isalpha()]
        own = sum(name.startswith(SCRIPTS[language]) for name in letters)
        assert own >= 0.8 * len(letters), one.id


MARKS = {"en": {"the", "of", "and"}, "fr": {"la", "et", "les", "des"}, "es": {"la", "y", "los", "el"}}


@pytest.mark.parametrize("language", MARKS)
def test_no_file_of_a_latin_language_holds_another(language: str) -> None:
    texts = [set(words(one.text[language])) for one in load_register().commitments]
    for other, marks in MARKS.items():
        alien = marks - set().union(*(MARKS[name] for name in MARKS if name != other))
        share = sum(bool(alien & text) for text in texts) / len(texts)
        assert share >= 0.5 if other == language else share < 0.1


NOT_UN_TERMS = {
    "es": "tráfico de personas|trata de blancas|esclavitud moderna",
    "fr": "trafic de personnes|trafic d'êtres humains|traite humaine",
    "en": "human trafficking|modern slavery|illegal migra",
    "ru": "траффик|трафик|контрабанд|нелегальная мигра",
    "zh": "拐卖|人口贩卖|人口买卖|非法移民",
    "ar": "تهريب البشر|الاتجار بالبشر|الهجرة غير الشرعية",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_terms_are_those_of_the_united_nations(language: str) -> None:
    for one in load_register().commitments:
        assert not re.search(NOT_UN_TERMS[language], one.text[language].casefold()), one.id


def shared_runs(text: str, source: list[str], *, length: int) -> list[str]:
    """The runs of ``length`` words that a text shares with the source."""
    known = {tuple(source[i : i + length]) for i in range(len(source) - length + 1)}
    own = words(text)
    return [" ".join(own[i : i + length]) for i in range(len(own) - length + 1) if tuple(own[i : i + length]) in known]


def quoted(commitments: tuple[Commitment, ...]) -> dict[str, list[str]]:
    source = words(re.sub(r"<sup>.*?</sup>", "", TEXT.read_text(encoding="utf-8")))
    return {one.id: runs for one in commitments if (runs := shared_runs(one.text["es"], source, length=9))}


@pytest.mark.skipif(not TEXT.exists(), reason="the declaration's text of ../shared/declaration is not here")
def test_no_wording_is_a_long_quotation() -> None:
    assert quoted(load_register().instrument().commitments) == {}


def test_a_quotation_of_nine_words_is_seen() -> None:
    source = words("Reconocemos la necesidad de asignar recursos suficientes, fiables, sostenibles y predecibles.")
    assert (
        shared_runs("Asignar recursos suficientes, fiables, sostenibles y predecibles a ello.", source, length=9) == []
    )
    nine = "Que la necesidad de asignar recursos suficientes, fiables, sostenibles y siempre."
    assert shared_runs(nine, source, length=9) == ["la necesidad de asignar recursos suficientes fiables sostenibles y"]
