"""What the review writes: pages, Word, PDF and open data in six languages, and the command that makes them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import docx
import pytest
import typer
from pypdf import PdfReader
from typer.testing import CliRunner

from amparo.cli.review import review as review_command
from amparo.cli.review import review_start
from amparo.protection.ledger import Cleared
from amparo.protection.release import Release, Rule, release
from amparo.review import Written, write
from amparo.review.evidence import Evidence, Point
from amparo.review.impact import assess
from amparo.review.recorded import EXAMPLE, headers, read
from amparo.review.register import code_labels, load_register
from amparo.review.standing import review
from amparo.review.view import build, spark
from amparo.review.words import ReviewTexts
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES
from amparo.statistics.tables import PrivateTable

Clear = Callable[[Release], Cleared[Release]]
TODAY = date(2026, 1, 15)
MESSAGES = Path(__file__).resolve().parents[2] / "src" / "amparo" / "review" / "messages"
INDICATORS = load_register().indicators


@pytest.fixture(scope="module")
def written(demo_release: Release, clear: Clear, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    """English and Arabic, in all formats."""
    out = tmp_path_factory.mktemp("review")
    found = write(
        [clear(demo_release)],
        out,
        today=TODAY,
        recorded=EXAMPLE,
        languages=("en", "ar"),
        command="amparo review policia.csv",
    )
    return out, found


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


# --- Words ----------------------------------------------------------------------------------------------------------


def test_every_message_stands_in_every_language_with_the_same_values() -> None:
    def messages(lang: str) -> dict[str, set[str]]:
        lines = (MESSAGES / f"{lang}.ftl").read_text(encoding="utf-8").splitlines()
        return {line.partition(" = ")[0]: set(re.findall(r"\$(\w+)", line)) for line in lines}

    english = messages("en")
    assert len(english) > 80
    for lang in LANGUAGES:
        assert messages(lang) == english, lang


def test_every_message_is_used() -> None:
    room = MESSAGES.parent
    code = "".join(path.read_text(encoding="utf-8") for path in [*room.rglob("*.py"), *room.rglob("*.html")])
    code += (room.parent / "cli" / "review.py").read_text(encoding="utf-8")
    made = {f"nav-{name}" for name in ("index", "themes", "bodies", "overdue", "changes", "method")}
    made |= {f"figure-{name}" for name in ("indicator", "value", "period", "reading")}
    made |= {f"link-{name}" for name in ("palermo", "plan", "sdg")} | {
        f"unit-{name}" for name in ("days", "hours", "points")
    }
    made |= {f"download-{name}" for name in ("docx", "pdf")}
    for line in (MESSAGES / "en.ftl").read_text(encoding="utf-8").splitlines():
        name = line.partition(" = ")[0]
        assert name.startswith("reason-") or name in made or f'"{name}"' in code or f"'{name}'" in code, name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_figure_can_be_said_in_every_language(lang: str) -> None:
    texts = ReviewTexts(lang)
    for unit, name in {one.unit: one.id for one in INDICATORS.values()}.items():
        shapes = (Point("", 3, 7), Point("", 3, 3, 3), Point("", 3, 7, 5), Point("", 3, float("inf")), Point("", -3, 4))
        said = [texts.figure(INDICATORS[name], Evidence(name, unit, (point,)), point) for point in shapes]
        assert all("3" in one for one in said)
        assert "7" in said[0]
        assert "5" in said[2]
        assert len(set(said)) == 5
    for reason in ("no-release-table", "no-desk-table", "no-prevalence", "no-dimension", "not-published", "never-said",
                   "nothing-counted", "amounts", "no-rows"):  # fmt: skip
        assert texts.reason(Evidence("x", "number", reason=reason, detail="d"))  # type: ignore[arg-type]
    for name in ("status", "state"):
        assert all(texts.state(code) for code in code_labels(name))


def test_amounts_are_said_with_their_currency() -> None:
    texts, one = ReviewTexts("en"), INDICATORS["budget_allocated"]
    dollars, euros = (Point("2024", 9, 9, 9, (("currency", code),)) for code in ("USD", "EUR"))
    everybody = Point("2024", 9, 9, 9)
    assert texts.figure(one, Evidence("x", "currency", (everybody, dollars)), everybody) == "9 USD"
    assert texts.figure(one, Evidence("x", "currency", (dollars, euros)), euros) == "9 EUR"


def test_a_sparkline_shows_bounds_as_bars_and_breaks_at_them() -> None:
    points = (Point("2021", 1, 1, 1), Point("2022", 2, 2, 2), Point("2023", 1, 5), Point("2024", 3, 3, 3))
    drawn = spark(INDICATORS["detected_victims"], Evidence("x", "records", points), ReviewTexts("en"))
    assert drawn.count("<circle") == 3
    assert drawn.count('class="bar"') == 1
    assert drawn.count("<line") == 2
    assert 'aria-label="Detected victims: 1 in 2021, 3 in 2024"' in drawn
    assert spark(INDICATORS["detected_victims"], Evidence("x", "records", points[:1]), ReviewTexts("en")) == ""


# --- Open data ------------------------------------------------------------------------------------------------------


def test_the_open_data_hold_every_commitment_and_every_figure(written: tuple[Path, Written]) -> None:
    out, found = written
    commitments = table(out / "data" / "commitments.csv")
    assert len(commitments) == 151
    states = {row["id"]: row["state"] for row in commitments}
    assert states["22.3"] == "kept"
    assert {row["state"] for row in commitments if row["figures"] == row["recorded"] == "0"} == {"no_evidence"}
    evidence = table(out / "data" / "evidence.csv")
    assert {row["indicator"] for row in evidence} == set(INDICATORS)
    assert all(bool(row["lower"]) != bool(row["reason"]) for row in evidence)
    counted = {row["id"] for row in commitments if int(row["figures"])}
    assert len(counted) >= 25
    assert len(table(out / "data" / "recorded.csv")) == len(found.review.record.rows)
    judgements = table(out / "data" / "judgements.csv")
    assert [row["kind"] for row in judgements if row["id"] == "22.3"] == ["judgement", "judgement", "dissent"]


def test_the_data_package_describes_each_file_as_it_is(
    written: tuple[Path, Written], demo_release: Release, clear: Clear
) -> None:
    out, _ = written
    package = json.loads((out / "data" / "datapackage.json").read_text(encoding="utf-8"))
    described = {one["path"]: one for one in package["resources"]}
    files = {path.relative_to(out / "data").as_posix() for path in (out / "data").rglob("*.csv")}
    assert set(described) == files
    assert {f"tables/{one.name}.csv" for one in demo_release} < files
    for name, one in described.items():
        content = (out / "data" / name).read_bytes()
        assert one["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert [field["name"] for field in one["schema"]["fields"]] == next(csv.reader(io.StringIO(content.decode())))
        assert re.fullmatch(r"[a-z0-9._-]+", one["name"])


def test_a_figure_can_be_computed_again_from_the_published_tables(written: tuple[Path, Written]) -> None:
    """By somebody who has the open data and not Amparo: children among those whose age group is recorded."""
    out, _ = written
    rows = {(row["year"], row["age_group"]): row for row in table(out / "data" / "tables" / "victims_by_year_age.csv")}
    for row in table(out / "data" / "evidence.csv"):
        if row["indicator"] == "detected_children" and row["value"]:
            child, adult = (int(rows[row["period"], group]["lower"]) for group in ("child", "adult"))
            assert float(row["value"]) == pytest.approx(100 * child / (child + adult))
            assert row["command"] == "amparo review policia.csv"
            assert row["sources"] == "victims_by_year_age"


def test_the_same_input_gives_the_same_bytes(
    demo_release: Release, clear: Clear, written: tuple[Path, Written], tmp_path: Path
) -> None:
    out, _ = written
    again = write(
        [clear(demo_release)], tmp_path, today=TODAY, recorded=EXAMPLE, languages=("en", "ar"), command="amparo review policia.csv",
        formats=("html", "pdf"),
    )  # fmt: skip
    for path in again.files:
        name = path.relative_to(tmp_path)
        if not name.name.startswith("method."):  # it offers the Word document, too
            assert path.read_bytes() == (out / name).read_bytes(), name


# --- Documents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "heading"), [("en", "Paragraph 22"), ("ar", "الفقرة 22")])
def test_the_word_document_holds_every_commitment(written: tuple[Path, Written], lang: str, heading: str) -> None:
    out, found = written
    document = docx.Document(str(out / f"review.{lang}.docx"))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert any(text.startswith(heading) for text in texts)
    view = build(found.review, ReviewTexts(lang))
    for entry in view.entries:
        assert f"{entry.id} {entry.text}" in texts
    turned = "w:bidi" in document.paragraphs[0]._p.xml
    assert turned == (lang == "ar")
    order = [str(child.tag).rpartition("}")[2] for child in document.tables[0]._tbl.tblPr]
    assert order[:2] == (["tblStyle", "bidiVisual"] if lang == "ar" else ["tblStyle", "tblW"])
    said = " ".join(cell.text for one in document.tables for cell in one._cells)
    assert ReviewTexts(lang)("all-years") in said


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_the_pdf_holds_every_commitment(written: tuple[Path, Written], lang: str) -> None:
    out, _ = written
    reader = PdfReader(out / f"review.{lang}.pdf")
    assert len(reader.pages) > 20
    if lang == "en":
        text = " ".join("".join(page.extract_text() for page in reader.pages).split())
        for one in load_register().commitments:
            assert f"{one.id} " in text
        assert "From the figures nothing follows." in text


# --- The whole ------------------------------------------------------------------------------------------------------


def test_another_instrument_stands_beside_the_declaration(demo_release: Release, clear: Clear, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[instrument]\nid = "plan-2026"\nsymbol = "Decreto 12/2026"\nadopted = 2026-01-01\nlanguage = "es"\n'
        '[instrument.title]\nes = "Plan nacional"\n'
    )
    plan.with_suffix(".csv").write_text(
        "id,paragraph,kind,theme,actors,indicators,evidence,cluster,text\n"
        "1.1,1,undertake,data,states,age_recorded,report,data_collection,Registrar la edad de cada víctima\n"
    )
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    (recorded / "report.csv").write_text(
        "id,commitments,title,body,date\nr,plan-2026:1.1,Informe,Instituto,2026-01-02\n"
    )
    out = tmp_path / "out"
    write([clear(demo_release)], out, today=TODAY, recorded=recorded, instruments=[plan], formats=("html",))
    front = (out / "en" / "index.html").read_text(encoding="utf-8")
    assert 'lang="es" dir="auto">Registrar la edad de cada víctima' in front
    page = (out / "en" / "plan-2026.1.html").read_text(encoding="utf-8")
    assert "Informe" in page
    assert 'href="declaration-2021.22.html#c-22.1"' in page


def test_a_page_shows_what_a_figure_is_read_against(written: tuple[Path, Written]) -> None:
    out, found = written
    page = (out / "en" / "declaration-2021.22.html").read_text(encoding="utf-8")
    assert re.search(r"<td>Target met<div class=\"soft\">Should be at least: 100.0%</div>", page)
    start = found.review.evidence["form_recorded"].series[3]
    assert start.period == "2021"
    assert f'<div class="soft">2021: {start.low:.1f}%</div>' in page
    assert re.search(r"For context only</td>", (out / "en" / "declaration-2021.8.html").read_text(encoding="utf-8"))


def test_an_impact_assessment_is_shown_under_the_threshold(clear: Clear, tmp_path: Path) -> None:
    questions = list(code_labels("impact_question"))
    answers = tmp_path / "law-12-2023.2026.csv"
    answers.write_text("\n".join(",".join(row) for row in [questions, *[["better"] * 10] * 30, *[["worse"] * 10] * 4]))
    found = assess(
        answers, rule=Rule(10), provenance={"version": "test", "created": "2026-01-15", "sha256 of a": "0" * 64}
    )
    write([clear(found)], tmp_path / "out", today=TODAY, formats=("html",))
    page = (tmp_path / "out" / "en" / "method.html").read_text(encoding="utf-8")
    assert "Protection of privacy and identity (law-12-2023, 2026)" in page
    assert re.search(r"Worse</th><td>withheld</td>", page)
    assert re.search(r"Total</th><td>34</td>", page)


def test_nothing_but_releases_is_reviewed(demo_tables: list[PrivateTable], tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="the ledger has cleared"):
        write(demo_tables, tmp_path, today=TODAY)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_there_must_be_a_place_to_freeze(tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="nowhere to freeze"):
        write([], tmp_path, today=TODAY, freeze=True)


def test_a_review_without_any_release_shows_every_gap(tmp_path: Path) -> None:
    found = review([], today=TODAY)
    assert found.count("no_evidence") == 151
    assert {one.reason for one in found.evidence.values() if not one.known} >= {
        "no-release-table",
        "no-desk-table",
        "no-rows",
    }


# --- The command ----------------------------------------------------------------------------------------------------

app = typer.Typer()
app.command("review")(review_command)
app.command("review-start")(review_start)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The evidence of the demonstration country without the judgements that rest on its lists."""
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "recorded"))
    for name in ("judgements.csv", "dissent.csv"):
        rows = (folder / name).read_text(encoding="utf-8").splitlines()
        (folder / name).write_text("\n".join(row for row in rows if not row.startswith("22.")), encoding="utf-8")
    return folder


def run(*words: object) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    return done.exit_code, done.stdout, done.exception


def test_the_full_review_of_the_demonstration_country_by_one_command(demo: Path, tmp_path: Path) -> None:
    recorded = Path(shutil.copytree(EXAMPLE, tmp_path / "recorded"))
    code, said, error = run(
        "review", "--workspace", demo / "workspace", "--key", demo / "demo.key", "--recorded", recorded,
        "--out", tmp_path / "out", "--lang", "es",
        "--today", "2026-01-15", "--freeze", "--no-documents", "--json",
    )  # fmt: skip
    assert (code, error) == (0, None)
    told = json.loads(said)
    assert told["cycle"] == "2026"
    assert sum(told["states"].values()) == 151
    computed = {i.id for i in INDICATORS.values() if i.source == "release"}
    with_figures = [name for name, one in told["commitments"].items() if computed & set(one["figures"])]
    assert len(with_figures) >= 25
    assert (recorded / "snapshots" / "2026.json").exists()
    command = {row["command"] for row in table(tmp_path / "out" / "data" / "evidence.csv") if row["command"]}
    assert len(command) == 1
    assert str(tmp_path) not in command.pop()
    page = (tmp_path / "out" / "es" / "declaration-2021.23.html").read_text(encoding="utf-8")
    assert "--threshold 10 --today 2026-01-15" in page


def test_the_shell_tells_the_states_and_one_commitment(recorded: Path, tmp_path: Path) -> None:
    code, said, error = run(
        "review", "--recorded", recorded, "--out", tmp_path / "out", "--today", "2026-01-15", "--no-documents"
    )
    assert (code, error) == (0, None)
    assert "A/RES/76/7 29" in said
    assert re.search(r"∅ No evidence: \d+", said)
    assert "Overdue: 31 December 2024, Pledge at the high-level meeting 2021" in said
    code, said, error = run(
        "review",
        "--recorded",
        recorded,
        "--out",
        tmp_path / "out",
        "--today",
        "2026-01-15",
        "--no-documents",
        "--commitment",
        "16.a.1",
    )
    assert (code, error) == (0, None)
    assert "Payments to the trust fund for victims: 120,000 USD 2024" in said
    assert "220,000 of the 300,000 pledged are paid." in said


def test_a_new_folder_of_recorded_evidence_can_be_read_at_once(tmp_path: Path) -> None:
    code, _, error = run("review-start", tmp_path / "recorded")
    assert (code, error) == (0, None)
    assert {path.name for path in (tmp_path / "recorded").iterdir()} == set(headers())
    assert read(tmp_path / "recorded", load_register(), today=TODAY).rows == ()
    assert isinstance(run("review-start", tmp_path / "recorded")[2], AmparoError)
    code, _, error = run("review-start", tmp_path / "example", "--example")
    assert (code, error) == (0, None)
    assert read(tmp_path / "example", load_register(), today=TODAY).rows


DESK = """
import sys
from pathlib import Path
import typer
from amparo.cli.review import review
from amparo.intake.key import new_key
from amparo.site.serve import demonstration
demonstration(Path("desk"), cases=120, seed=2021)
new_key(Path("review.key"))
app = typer.Typer()
app.command()(review)
app(["--key", "review.key", "--desk", "desk", "--out", "out", "--today", "2026-01-15", "--no-documents", "--json"])
"""


def test_the_desk_of_the_demonstration_country_is_counted_and_protected(tmp_path: Path) -> None:
    """In a process of its own: a process opens one desk."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AMPARO", "DJANGO"))}
    done = subprocess.run(
        [sys.executable, "-c", DESK], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    desk = {i.id for i in INDICATORS.values() if i.source == "desk"}
    rows = [row for row in table(tmp_path / "out" / "data" / "evidence.csv") if row["indicator"] in desk]
    assert {"needs_met", "non_punishment_requests", "referral_acceptance"} <= {
        r["indicator"] for r in rows if r["lower"]
    }
    assert {row["reason"] for row in rows} <= {"", "no-dimension", "nothing-counted", "amounts"}
    # What docs/review.md says of the desk: its tables have what these need, whether or not somebody was counted.
    assert len({row["indicator"] for row in rows if row["reason"] in ("", "nothing-counted")}) >= 10
    for path in (tmp_path / "out" / "data" / "tables").glob("*.csv"):
        for row in table(path):
            codes = [cell for name, cell in row.items() if name not in ("lower", "upper", "status")]
            if row["status"] == "exact" and not {"_X", "unknown"} & set(codes):
                assert int(row["lower"]) == 0 or int(row["lower"]) >= 10, (path.name, row)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing to review"),
        (["--recorded", "recorded", "--today", "soon"], "no day"),
        (["--recorded", "recorded", "--today", "2026-01-15", "--lang", "de"], "no language 'de'"),
        (["--recorded", "recorded", "--today", "2026-01-15", "--cycle", "x"], "no review cycle"),
        (["--recorded", "recorded", "--today", "2026-01-15", "--no-documents", "--commitment", "99"], "not a commitment"),
        (["--recorded", "nowhere", "--today", "2026-01-15"], "no such folder"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_carried_out_says_why(
    words: list[object], told: str, recorded: Path, tmp_path: Path
) -> None:
    _, _, error = run(
        "review", "--out", tmp_path / "out", *(recorded if word == "recorded" else word for word in words)
    )
    assert isinstance(error, AmparoError)
    assert told in str(error)


def test_a_release_of_few_cells_is_shown_with_its_bounds(clear: Clear, tmp_path: Path) -> None:
    import ibis
    import pandas as pd

    from amparo.statistics.tables import tabulate

    frame = pd.DataFrame({"year": [2024] * 74, "age_group": ["adult"] * 40 + ["child"] * 4 + [None] * 30})
    one = tabulate(ibis.memtable(frame), ("year", "age_group"), name="victims_by_year_age")
    found = release(
        [one], rule=Rule(10), provenance={"version": "test", "created": "2026-01-15", "sha256 of a": "0" * 64}
    )
    write([clear(found)], tmp_path, today=TODAY, formats=("html",))
    page = (tmp_path / "en" / "declaration-2021.6.html").read_text(encoding="utf-8")
    assert re.search(r"Children among detected victims</th>\s*<td>\d+\.\d% to \d+\.\d%", page)
