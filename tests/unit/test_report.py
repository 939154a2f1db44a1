"""The report: what it says is what the release says, in six languages."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from amparo.protection.audit import feasible_bounds
from amparo.protection.ledger import Cleared
from amparo.protection.release import Release, parse_rule, release, republish
from amparo.report import write
from amparo.report.document import rule_text
from amparo.report.reading import Reader
from amparo.report.text import Texts
from amparo.standard.errors import AmparoError
from amparo.standard.variables import LANGUAGES
from amparo.statistics.tables import PrivateTable, PublishedTable

Clear = Callable[[Release], Cleared[Release]]


@pytest.fixture(scope="module", params=LANGUAGES)
def written(
    clear: Clear, request: pytest.FixtureRequest, demo_release: Release, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(f"report-{request.param}")
    write(clear(demo_release), folder, lang=request.param)
    return request.param, folder


def messages(lang: str) -> dict[str, str]:
    text = files("amparo.report").joinpath("messages", f"{lang}.ftl").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9_-]+) = (.*(?:\n .*)*)", text, flags=re.M | re.I))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_same_messages_with_the_same_values(lang: str) -> None:
    english, other = messages("en"), messages(lang)
    assert set(other) == set(english)
    for name, text in english.items():
        wanted, found = (set(re.findall(r"\$([a-z]+)", t)) for t in (text, other[name]))
        assert found == wanted, name


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_no_message_was_left_in_english(lang: str) -> None:
    english, other = messages("en"), messages(lang)
    same = {name for name in english if english[name] == other[name] and re.search(r"[a-z]{4}", english[name])}
    assert same <= {"total"}  # the same word in Spanish and French


def test_the_report_says_its_language_and_direction(written: tuple[str, Path]) -> None:
    lang, folder = written
    text = (folder / f"report.{lang}.html").read_text(encoding="utf-8")
    assert f'<html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}">' in text


def test_the_report_is_one_file_without_script_or_anything_fetched(written: tuple[str, Path]) -> None:
    lang, folder = written
    text = (folder / f"report.{lang}.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.findall(r'href="(?!#|data/[a-z_]+\.(?:csv|json)")[^"]*"', text)
    assert not re.findall(r"\ssrc(?:set)?=", text)
    assert not re.findall(r"url\(", text)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.headings: list[int] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"] or "")
        if tag == "a" and (found.get("href") or "").startswith("#"):
            self.targets.append((found["href"] or "")[1:])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg":
            self.images.append(found)


def test_every_link_leads_somewhere_and_every_figure_has_words(written: tuple[str, Path]) -> None:
    lang, folder = written
    tags = Tags()
    tags.feed((folder / f"report.{lang}.html").read_text(encoding="utf-8"))
    assert len(tags.ids) == len(set(tags.ids))
    assert set(tags.targets) <= set(tags.ids)
    assert len(tags.images) >= 6
    assert all(image.get("role") == "img" and image.get("aria-labelledby") for image in tags.images)
    assert all(below - above <= 1 for above, below in zip(tags.headings, tags.headings[1:], strict=False))


def test_the_pdf_holds_the_findings_and_its_own_fonts(written: tuple[str, Path], demo_release: Release) -> None:
    lang, folder = written
    reader = PdfReader(folder / f"report.{lang}.pdf")
    text = " ".join(page.extract_text() for page in reader.pages)
    assert re.search(r"2[., \u202f\u00a0]?\d{3}", text)
    assert reader.metadata is not None
    assert reader.metadata.title == Texts(lang)("report-title")
    assert len(reader.pages) >= 5


def test_the_data_package_describes_every_file(written: tuple[str, Path], demo_release: Release) -> None:
    _, folder = written
    package = json.loads((folder / "data" / "datapackage.json").read_text(encoding="utf-8"))
    assert {resource["name"] for resource in package["resources"]} == {table.name for table in demo_release}
    for resource in package["resources"]:
        with (folder / "data" / resource["path"]).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == [field["name"] for field in resource["schema"]["fields"]]
        keys = [tuple(row[name] for name in resource["schema"]["primaryKey"]) for row in rows]
        assert len(keys) == len(set(keys))
        for field in resource["schema"]["fields"]:
            if "categories" in field:
                assert {row[field["name"]] for row in rows} == {c["value"] for c in field["categories"]}


def test_the_open_data_have_no_count_below_the_threshold(written: tuple[str, Path]) -> None:
    _, folder = written
    for path in (folder / "data").glob("*.csv"):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        dims = [c for c in frame.columns if c not in ("lower", "upper", "status")]
        for row in frame.to_dict("records"):
            if row["status"] == "exact" and 0 < int(row["lower"]) < 10:
                personal = [row[dim] for dim in dims if dim not in ("year", "list") and row[dim] != "_T"]
                assert personal
                assert set(personal) <= {"_X", "_O", "unknown"}, row


def test_no_small_count_of_the_demonstration_country_can_be_derived(
    demo_release: Release, demo_tables: list[PrivateTable]
) -> None:
    bounds = feasible_bounds(demo_release)
    true = {
        (table.unit, ", ".join(sorted(f"{d}={c}" for d, c in zip(table.dims, key, strict=True) if c != "_T"))): count
        for table in demo_tables
        for *key, count in table.frame.itertuples(index=False, name=None)
    }
    assert len(bounds) > 100
    for row in bounds.itertuples():
        count = true[row.unit, row.cell]
        assert row.lower <= count <= row.upper
        personal = {part.split("=")[1] for part in row.cell.split(", ") if not part.startswith(("year=", "list="))}
        small = count < 10 and not personal <= {"_X", "_O", "unknown"}
        assert row.upper - row.lower >= (9 if small else 1)


def test_shares_count_only_records_with_information(demo_release: Release, demo_tables: list[PrivateTable]) -> None:
    table = next(t for t in demo_tables if t.name == "victims_by_year_form")
    frame = table.frame[table.frame["year"] == "_T"].set_index("form")["count"]
    known = frame["_T"] - frame.get("_X", 0) - frame.get("unknown", 0)
    found = Reader(demo_release["victims_by_year_form"]).share("form", "sexual")
    assert found is not None
    assert found.value == pytest.approx(frame["sexual"] / known)
    assert found.low < found.value < found.high


def test_text_in_a_category_cannot_become_markup(clear: Clear, tmp_path: Path) -> None:
    frame = pd.DataFrame({"list": ['<script>alert("x")</script>', "=cmd|' /C calc'!A0", "_T"], "year": ["2020"] * 3, "lower": [20, 30, 50], "upper": [20, 30, 50]})  # fmt: skip
    table = PublishedTable(
        "victims_by_list_year", "persons", ("list", "year"), frozenset(), frame, "<b>m</b>", "<i>source</i>"
    )
    write(
        clear(republish([table], provenance={"version": "<u>", "created": "2026-01-01"})),
        tmp_path,
        title="<h1>Mine</h1>",
    )
    text = (tmp_path / "report.en.html").read_text(encoding="utf-8")
    for injected in ("<script>", "<b>m", "<i>source", "<u>", "<h1>Mine"):
        assert injected not in text
    cells = (tmp_path / "data" / "victims_by_list_year.csv").read_text(encoding="utf-8")
    assert "\n=cmd" not in cells


def test_the_same_release_gives_the_same_bytes(clear: Clear, demo_release: Release, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(clear(demo_release), tmp_path / name)
    for path in sorted((tmp_path / "one").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path.name


def test_a_language_that_is_not_one_of_the_six_is_told(clear: Clear, demo_release: Release, tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="no language 'de'"):
        write(clear(demo_release), tmp_path, lang="de")


def test_a_year_in_which_no_state_reported_is_not_a_year_without_victims(clear: Clear, tmp_path: Path) -> None:
    years = [str(year) for year in range(2010, 2018)]
    counts = [0, 0, 100, 110, 90, 105, 95, 100]
    rows = [(y, "detected_victims", n, n) for y, n in zip([*years, "_T"], [*counts, 600], strict=True)]
    frame = pd.DataFrame(rows, columns=["year", "indicator", "lower", "upper"])
    table = PublishedTable("world_by_year_indicator", "persons", ("year", "indicator"), frozenset(), frame, "m", "UN")
    findings = write(
        clear(republish([table], provenance={"created": "2026-01-01"})), tmp_path, formats=("html",)
    ).findings
    assert "from 2012 to 2017" in findings[1]
    assert "cannot be told" in findings[1]


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_no_english_sentence_is_left_in_a_report_in_another_language(
    clear: Clear, demo_release: Release, tmp_path: Path, lang: str
) -> None:
    write(clear(demo_release), tmp_path, lang=lang, formats=("html",))
    text = re.sub(
        r"<style>.*?</style>|<[^>]+>", " ", (tmp_path / f"report.{lang}.html").read_text(encoding="utf-8"), flags=re.S
    )
    assert not re.findall(r"\b(?:the|which|records|withheld|and|share|known|their|whose|least)\b", text)


def test_numbers_and_percentages_follow_the_language() -> None:
    assert Texts("es").percent(0.1234) == "12,3\u00a0%"
    assert Texts("en").number(12345) == "12,345"
    assert Texts("ru").number(12345) == "12\u00a0345"
    assert Texts("en").percent(0.02, signed=True) == "+2.0%"


def test_the_chapter_on_the_undetected_says_the_estimate_in_every_language(
    clear: Clear, demo: Path, demo_tables: list[PrivateTable], tmp_path: Path
) -> None:
    from amparo.prevalence import estimate
    from amparo.prevalence.loglinear import stepwise
    from amparo.prevalence.sensitivity import multiverse
    from amparo.prevalence.table import read_capture_table
    from amparo.protection.prevalence import release_prevalence
    from amparo.protection.release import Rule

    table = read_capture_table(demo / "country" / "truth" / "capture_histories.csv")[()]
    chosen = estimate(table, replicates=200)
    found = release_prevalence(chosen, stepwise(table), multiverse(table, replicates=100, seed=1), fewest=10)
    ready = release(
        demo_tables,
        rule=Rule(10),
        provenance={"version": "t", "created": "2026-01-01", "sha256 of x": "0"},
        prevalence=found,
    )
    for lang in LANGUAGES:
        write(clear(ready), tmp_path, lang=lang)
        text = (tmp_path / f"report.{lang}.html").read_text(encoding="utf-8")
        texts = Texts(lang)
        for number in (found.estimate, found.low, found.high, found.observed, found.estimate - found.observed):
            assert texts.number(number) in text
        assert texts("prevalence-limit") in text
    rows = (tmp_path / "data" / "prevalence.csv").read_text().splitlines()
    assert rows[1].split(",")[2] == str(found.estimate)
    with pytest.raises(AmparoError, match="not published"):
        release_prevalence(chosen, stepwise(table), multiverse(table, replicates=100, seed=1), fewest=10_000)


def test_the_demonstration_country_s_five_findings_can_all_be_said(
    clear: Clear, demo_release: Release, tmp_path: Path
) -> None:
    findings = write(clear(demo_release), tmp_path, formats=("html",)).findings
    assert len(findings) == 5
    assert Texts("en")("finding-none") not in findings


def test_guarding_the_few_leaves_most_of_the_pyramid(demo_release: Release) -> None:
    frame = demo_release["victims_by_sex_age_band"].frame
    bars = frame[frame["sex"].isin(["female", "male"]) & ~frame["age_band"].isin(["_T", "_X", "unknown"])]
    assert len(bars) == 18
    assert (bars["status"] == "exact").mean() >= 0.7


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("threshold:7", ["6"]),
        ("threshold:7,dominance:2:0.825", ["6", "2", "82.5"]),
        ("threshold:7,p-percent:0.125", ["6", "12.5"]),
        ("dominance:3:0.9", ["3", "90"]),
        ("rounding:4", ["4"]),
        ("cell-key:D=5,V=1.5", ["5", "1.5"]),
    ],
)
def test_what_was_done_to_the_counts_is_said_in_every_language(lang: str, text: str, numbers: list[str]) -> None:
    rows = [(str(year), 100 + year, [60, 40, 0, 0, 0], year) for year in range(2010, 2018)]
    rows.append(("_T", sum(row[1] for row in rows), [400, 300, 0, 0, 0], 7))
    frame = pd.DataFrame([row[:2] for row in rows], columns=["year", "count"])
    table = PrivateTable(
        "t",
        "records",
        ("year",),
        frozenset(),
        frame,
        "m",
        np.array([r[2] for r in rows]),
        np.array([r[3] for r in rows]),
    )
    ready = release([table], rule=parse_rule(text), provenance={"created": "2026-01-01"}, seed=1)
    said = rule_text(ready, Texts(lang))
    assert re.findall(r"\d+(?:\.\d+)?", said.replace("1 to", "").replace("1 a ", "").replace("1 à", "")
                      .replace("от 1 до", "").replace("1 至", "").replace("من 1 إلى", "")) == numbers  # fmt: skip
    assert "{" not in said
