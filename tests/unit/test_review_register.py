"""Reading instruments and indicators: what is understood, and how each mistake in a file is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amparo.review import register as room
from amparo.review.register import DATA, DECLARATION, SDG_TARGETS, code_labels, load_instrument, load_register
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES

HEAD = """
[instrument]
id = "plan-2026"
symbol = "Decreto 12/2026"
adopted = 2026-03-01
language = "es"

[instrument.title]
es = "Plan nacional 2026"
"""
ROWS = """
id;paragraph;letter;kind;theme;actors;palermo;sdg;indicators;evidence;cluster;text
1.1;1;;undertake;protection;states civil_society;6.3;16.2;referral_days;procedure;referral_mechanism;Responder a toda remisión en 48 horas
1.2;1;;undertake;data;states;;17.18;;report;;Publicar un informe cada año
2.a.1;2;a;encourage;prevention;media;9.2;;campaigns_held;;awareness;Informar en los medios
""".lstrip()


def plan(folder: Path, *, head: str = HEAD, rows: str = ROWS, **translations: str) -> Path:
    """The files of a national plan; the path of its head."""
    path = folder / "plan.toml"
    path.write_text(head, encoding="utf-8")
    path.with_suffix(".csv").write_text(rows, encoding="utf-8-sig")
    for language, text in translations.items():
        path.with_suffix(f".{language}.csv").write_text(text, encoding="utf-8")
    return path


def fault(path: Path) -> str:
    with pytest.raises(AmparoError) as caught:
        load_instrument(path)
    return str(caught.value)


def test_an_instrument_is_read(tmp_path: Path) -> None:
    path = plan(tmp_path, en="id,text\n1.1,Answer each referral within 48 hours\n")
    instrument = load_instrument(path)
    assert (instrument.id, instrument.adopted, len(instrument.commitments)) == ("plan-2026", date(2026, 3, 1), 3)
    first, second, third = instrument.commitments
    assert first.actors == ("states", "civil_society")
    assert first.palermo == ("6.3",)
    assert not first.recorded_only
    assert second.recorded_only
    assert (third.paragraph, third.letter) == ("2", "a")
    assert instrument.wording(first, "en") == "Answer each referral within 48 hours"
    assert instrument.wording(second, "en") == "Publicar un informe cada año"
    assert load_instrument(path.with_suffix(".csv")) == instrument


def test_instruments_stand_side_by_side_and_meet_in_clusters(tmp_path: Path) -> None:
    register = load_register(plan(tmp_path))
    assert list(register.instruments) == [DECLARATION, "plan-2026"]
    asked = [(one.instrument, one.id) for one in register.by_cluster("referral_mechanism")]
    assert asked == [(DECLARATION, "15.8"), (DECLARATION, "15.9"), ("plan-2026", "1.1")]
    assert register.get("1.1", instrument="plan-2026").text["es"].startswith("Responder")
    assert {one.instrument for one in register.by_theme("data")} == {DECLARATION, "plan-2026"}
    assert "plan-2026" not in load_register().instruments


def test_an_instrument_may_bring_clusters_of_its_own(tmp_path: Path) -> None:
    rows = ROWS.replace(";report;;", ";report;hotlines;")
    register = load_register(plan(tmp_path, head=HEAD + '\n[clusters]\nhotlines = "Líneas de ayuda"\n', rows=rows))
    assert [one.id for one in register.by_cluster("hotlines")] == ["1.2"]
    assert register.clusters["hotlines"] == {"es": "Líneas de ayuda"}
    assert set(register.clusters["awareness"]) == set(LANGUAGES)


def test_two_instruments_may_share_a_cluster_that_they_bring(tmp_path: Path) -> None:
    rows = ROWS.replace(";report;;", ";report;hotlines;")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    first = plan(ours, head=HEAD + '[clusters]\nhotlines = "Líneas de ayuda"\n', rows=rows)
    head = (
        HEAD.replace("plan-2026", "greta-2025").replace('language = "es"', 'language = "en"').replace("es = ", "en = ")
    )
    second = plan(theirs, head=head + '[clusters]\nhotlines = "Hotlines"\n', rows=rows)
    register = load_register(first, second)
    assert register.clusters["hotlines"] == {"es": "Líneas de ayuda", "en": "Hotlines"}
    assert [one.instrument for one in register.by_cluster("hotlines")] == ["plan-2026", "greta-2025"]


def test_a_paragraph_of_which_only_letters_ask_something_has_no_head(tmp_path: Path) -> None:
    register = load_register(plan(tmp_path))
    assert [one.id for one in register.by_paragraph("2", instrument="plan-2026")] == ["2.a.1"]
    with pytest.raises(AmparoError, match="'2' is not a paragraph of plan-2026"):
        register.by_paragraph("2", "", instrument="plan-2026")


def test_looking_up() -> None:
    register = load_register()
    assert [one.id for one in register.by_paragraph("16", "a")] == ["16.a.1", "16.a.2"]
    assert [one.id for one in register.by_paragraph("16", "")] == ["16.1"]
    assert {one.letter for one in register.by_paragraph("16")} == {"", "a", "b", "c", "d", "e"}
    assert [one.id for one in register.by_actor("icat")] == ["19.1", "19.2", "19.3", "19.4"]
    assert all(one.theme == "resources" for one in register.by_theme("resources"))
    assert [one.id for one in register.indicators_of(register.get("23.3"))] == [
        *("prevalence_estimate", "prevalence_precision", "detection_ratio"),
    ]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda r: r.get("15.33"), "Did you mean '15.3'?"),
        (lambda r: r.get("1.1", instrument="declaration-2022"), "Did you mean 'declaration-2021'?"),
        (lambda r: r.by_paragraph("16", "f"), "'16.f' is not a paragraph of declaration-2021"),
        (lambda r: r.by_paragraph("30"), "'30' is not a paragraph"),
        (lambda r: r.by_theme("protecton"), "Did you mean 'protection'?"),
        (lambda r: r.by_actor("state"), "Did you mean 'states'?"),
        (lambda r: r.by_cluster("non-punishment"), "Did you mean 'non_punishment'?"),
    ],
)
def test_asking_for_what_is_not_there(ask, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AmparoError, match=r".") as caught:
        ask(load_register())
    assert said in str(caught.value)


def test_one_id_twice_in_the_register_is_refused(tmp_path: Path) -> None:
    path = plan(tmp_path)
    with pytest.raises(AmparoError, match="'plan-2026' is already in the register"):
        load_register(path, path)
    claims = plan(tmp_path, head=HEAD.replace("plan-2026", DECLARATION))
    with pytest.raises(AmparoError, match="already in the register"):
        load_register(claims)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("undertake;protection", "undertakes;protection", "row 2, column \"kind\": 'undertakes' does not fit"),
        ("undertake;protection", "undertakes;protection", "Did you mean 'undertake'?"),
        (";data;", ";dato;", 'row 3, column "theme"'),
        ("states civil_society", "states, civil_society", "'states,' does not fit"),
        ("states civil_society", "", 'row 2, column "actors": the cell is empty'),
        ("states civil_society", "states states", "each of them once"),
        (";6.3;", ";6.7;", "column \"palermo\": '6.7' does not fit; expected articles 1 to 20"),
        (";6.3;", ";21;", 'column "palermo"'),
        (";6.3;", ";3.1;", 'column "palermo"'),
        (";16.2;", ";16.11;", "column \"sdg\": '16.11' does not fit"),
        (";16.2;", ";16.ab;", 'column "sdg"'),
        (";16.2;", ";16.;", 'column "sdg"'),
        (";16.2;", ";18.1;", 'column "sdg"'),
        ("referral_days", "referral_day", "Did you mean 'referral_days'?"),
        (";report;", ";;", 'row 3, column "evidence": the cell is empty; expected kinds of evidence where there is no'),
        (";report;", ";rapport;", "Did you mean 'report'?"),
        ("referral_mechanism", "referral", 'row 2, column "cluster"'),
        ("2.a.1;2;a;", "2.a.1;2;A;", "row 4, column \"letter\": 'A'"),
        ("2.a.1;2;a;", "2.1;2;a;", "row 4, column \"id\": '2.1' does not fit; expected '2.a'"),
        ("1.2;1;", "1.1;1;", "an id that no other row has. A spreadsheet writes 12.10 as 12.1"),
        ("1.2;1;", "1.x;1;", 'column "id"'),
        ("1.2;1;", ";1;", 'row 3, column "id": the cell is empty'),
        ("Publicar un informe cada año", " ", 'row 3, column "text": the cell is empty; expected a text'),
        ("Publicar un informe", "Publicar; un informe", "row 3: the row has 13 cells, but the header has 12"),
        ("kind;theme", "kind;topic", 'row 1: column "topic" is not a column of this file'),
        ("kind;theme", "kind;them", "Did you mean 'theme'?"),
        ("palermo;sdg", "sdg;sdg", 'column "sdg" stands twice'),
        ("id;paragraph;letter;kind;", "id;letter;", 'there is no column "paragraph"'),
    ],
)
def test_a_mistake_in_a_row_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in ROWS
    told = fault(plan(tmp_path, rows=ROWS.replace(old, new, 1)))
    assert said in told
    assert str(tmp_path / "plan.csv") in told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "plan-2026"', 'id = "Plan 2026"', "id: 'Plan 2026' does not fit; expected an id of small letters"),
        ('id = "plan-2026"', "id = 2026", "id: 2026 does not fit"),
        ('symbol = "Decreto 12/2026"', "", "symbol: is missing"),
        ("adopted = 2026-03-01", 'adopted = "2026-03-01"', "the day of adoption without quotes"),
        ("adopted = 2026-03-01", "adopted = 2026-03-01T10:00:00", "the day of adoption"),
        ('language = "es"', 'language = "español"', "language: 'español' does not fit"),
        ('language = "es"', 'language = "fr"', "title.fr"),
        ('es = "Plan nacional 2026"', "es = 3", "title: {'es': 3} does not fit"),
        ("[instrument]", "[instrumento]", "instrumento: "),
        ("[instrument.title]", "[title]", "title: "),
        ('symbol = "', 'symbols = "', "symbols: 'Decreto 12/2026' does not fit; expected one of the keys id, symbol"),
        ('symbol = "', "symbol = ", "not valid TOML"),
        ("[instrument]", "clusters = 3\n[instrument]", "clusters: 3 does not fit; expected a table"),
        ("[instrument]", '[clusters]\nawareness = "x"\n[instrument]', "this one is in the register already"),
        ("[instrument]", '[clusters]\n"Big Topic" = "x"\n[instrument]', "Big Topic"),
        ("[instrument]", '[clusters]\nhotlines = ""\n[instrument]', "hotlines"),
    ],
)
def test_a_mistake_in_the_head_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in HEAD
    told = fault(plan(tmp_path, head=HEAD.replace(old, new, 1)))
    assert said in told
    assert "plan.toml" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "id,text\n1.3,Nothing\n",
            "row 2, column \"id\": '1.3' does not fit; expected an id of plan.csv, once (did you",
        ),
        ("id,text\n1.1,A\n1.1,B\n", "row 3"),
        ("id,text\n1.1,\n", 'column "text": the cell is empty'),
        ("id,texts\n1.1,A\n", 'column "texts"'),
    ],
)
def test_a_mistake_in_a_translation_is_told(tmp_path: Path, text: str, said: str) -> None:
    told = fault(plan(tmp_path, fr=text))
    assert said in told
    assert "plan.fr.csv" in told


def test_the_own_language_has_no_file_of_its_own(tmp_path: Path) -> None:
    assert "plan.es.csv: 'es' is the instrument's own language" in fault(plan(tmp_path, es="id,text\n1.1,Otra cosa\n"))


def test_a_file_that_is_no_translation_is_left_alone(tmp_path: Path) -> None:
    path = plan(tmp_path)
    (tmp_path / "plan.old copy.csv").write_text("anything", encoding="utf-8")
    assert set(load_instrument(path).commitments[0].text) == {"es"}


def test_files_that_are_missing_or_no_text(tmp_path: Path) -> None:
    assert "plan.toml: there is no such file" in fault(tmp_path / "plan.csv")
    path = plan(tmp_path)
    path.with_suffix(".csv").unlink()
    assert "plan.csv: there is no such file. Write there a table with the columns id, paragraph" in fault(path)
    path.with_suffix(".csv").write_bytes("id;text\n1;ñ".encode("latin-1"))
    assert "Save it as text in UTF-8" in fault(path)
    assert "is a .toml and a .csv file" in fault(tmp_path)
    assert "there is no commitment" in fault(plan(tmp_path, rows=ROWS.splitlines()[0]))
    assert 'there is no column "id"' in fault(plan(tmp_path, rows=""))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.sampled_from(["head", "rows"]),
    at=st.integers(0, 400),
    cut=st.integers(0, 12),
    put=st.text(alphabet=st.sampled_from('abz019;,."\n\r\x00\u2028[]=é ½'), max_size=6),
)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, which: str, at: int, cut: int, put: str) -> None:
    text = HEAD if which == "head" else ROWS
    broken = text[:at] + put + text[at + cut :]
    path = plan(tmp_path, head=broken if which == "head" else HEAD, rows=broken if which == "rows" else ROWS)
    told: AmparoError | None = None
    try:
        load_instrument(path)
    except AmparoError as error:
        told = error
    assert told is None or (told.remedy and "plan." in told.where)


# --- indicators

INDICATOR = "id,unit,source,inputs,disaggregation,goal,target,baseline,text,definition\n"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a,day,desk,cases,,context,,2021,A,B", "unit"),
        ("a,days,police,cases,,context,,2021,A,B", "source"),
        ("a,days,desk,law,,context,,2021,A,B", "inputs"),
        ("a,days,release,,,context,,2021,A,B", "inputs"),
        ("a,days,release,Table 1,,context,,2021,A,B", "inputs"),
        ("a,days,recorded,cases,,context,,2021,A,B", "inputs"),
        ("a,days,desk,cases,gender,context,,2021,A,B", "disaggregation"),
        ("a,days,desk,cases,,better,,2021,A,B", "goal"),
        ("a,days,desk,cases,,at_most,,2021,A,B", "target"),
        ("a,days,desk,cases,,context,30,2021,A,B", "target"),
        ("a,days,desk,cases,,at_most,thirty,2021,A,B", "target"),
        ("a,days,desk,cases,,context,x,2021,A,B", "target"),
        ("a,days,desk,cases,,at_most,30,1821,A,B", "baseline"),
        ("a,days,desk,cases,,at_most,30,2021,,B", "text"),
        ("a,days,desk,cases,,at_most,30,2021,A,", "definition"),
        ("a,days,desk,cases,,at_most,30,2021,A,B\na,days,desk,cases,,at_most,30,2021,A,B", "id"),
    ],
)
def test_a_mistake_in_an_indicator_is_told(tmp_path: Path, row: str, column: str) -> None:
    path = tmp_path / "indicators.csv"
    path.write_text(INDICATOR + row, encoding="utf-8")
    with pytest.raises(AmparoError, match=f'column "{column}"'):
        room._indicators(path)


def test_an_indicator_has_a_bound_or_none(tmp_path: Path) -> None:
    path = tmp_path / "indicators.csv"
    path.write_text(f"{INDICATOR}a,days,desk,cases,sex,at_most,2.5,first_year,A,B\n", encoding="utf-8")
    (one,) = room._indicators(path).values()
    assert (one.target, one.goal, one.disaggregation, one.computed) == (2.5, "at_most", ("sex",), True)
    assert load_register().indicators["detected_victims"].target is None
    assert not load_register().indicators["budget_allocated"].computed


# --- what the codes say


def test_the_2030_agenda_has_169_targets() -> None:
    assert sum(numbered + len(letters) for numbered, letters in SDG_TARGETS.values()) == 169
    assert [target for target in ("5.2", "8.7", "16.2", "16.a", "17.19") if not room._is_sdg(target)] == []
    assert [target for target in ("5.7", "17.20", "16.c", "0.1", "5", "5.02", "٥.2") if room._is_sdg(target)] == []


def test_articles_of_the_protocol() -> None:
    assert [article for article in ("1", "3", "6.6", "8.6", "20") if not room._is_palermo(article)] == []
    assert [article for article in ("0", "06", "3.1", "5.3", "21", "6.", "²") if room._is_palermo(article)] == []


def test_every_code_is_labelled_once_in_six_languages() -> None:
    for name in ("theme", "kind", "actor", "beneficiary", "evidence", "unit", "source", "goal", "cluster"):
        for language in LANGUAGES:
            labels = [labels[language] for labels in code_labels(name).values()]
            assert all(labels)
            assert len(set(labels)) == len(labels), (name, language)


def test_every_code_is_used() -> None:
    register = load_register()
    for name, used in {
        "theme": {one.theme for one in register.commitments},
        "kind": {one.kind for one in register.commitments},
        "cluster": {one.cluster for one in register.commitments},
        "actor": {actor for one in register.commitments for actor in one.actors},
        "beneficiary": {who for one in register.commitments for who in one.beneficiaries},
        "unit": {one.unit for one in register.indicators.values()},
        "goal": {one.goal for one in register.indicators.values()},
        "disaggregation": {dim for one in register.indicators.values() for dim in one.disaggregation},
        "desk_record": {kind for one in register.indicators.values() if one.source == "desk" for kind in one.inputs},
    }.items():
        assert used == set(code_labels(name)), name


def test_every_data_file_is_read() -> None:
    files = {path.name for path in DATA.iterdir()}
    others = [language for language in LANGUAGES if language != "en"]
    assert files == {
        *("codes.csv", "desk.csv", "indicators.csv", f"{DECLARATION}.csv", f"{DECLARATION}.toml"),
        *(f"{stem}.{language}.csv" for stem in ("indicators", DECLARATION) for language in others),
    }
