"""Attempts to get what is withheld out of a review, or a command, a script or a stranger's file into it.

What protection withholds must not come back through an indicator, a bound, a sparkline, a snapshot or the status that
follows from them: two countries that differ only in withheld counts have one and the same review, byte for byte.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from counted import table

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release, Rule, release
from amparo.review import write
from amparo.review.impact import assess
from amparo.review.recorded import EXAMPLE, read
from amparo.review.register import code_labels, load_register
from amparo.standard.errors import AmparoError

TODAY = date(2026, 1, 15)
PROVENANCE = {"version": "1", "created": "2026-01-15", "sha256 of list": "0" * 64}
Clear = Callable[[Release], Cleared[Release]]
YEARS = [str(year) for year in range(2019, 2025)]


def country(secret: int) -> Release:
    """A release whose small cells, and the further ones that guard them, hang on a secret; its totals do not."""
    sexes = {(year, sex): 20_000 + 700 * i for i, year in enumerate(YEARS) for sex in ("female", "male", "_X")}
    sexes |= {("2021", "female"): 2 + secret, ("2021", "male"): 6173 - secret}
    sexes |= {("2022", "female"): 5281 - secret, ("2022", "male"): 3 + secret}
    ages = {(year, age): 10_000 for year in YEARS for age in ("child", "adult")}
    ages |= {("2023", "child"): 2 + secret, ("2023", "adult"): 7019 - secret}
    ages |= {("2024", "child"): 8237 - secret, ("2024", "adult"): 3 + secret}
    for year in YEARS:  # both count the same records of a year
        known = sum(ages[year, age] for age in ("child", "adult"))
        ages[year, "_X"] = sum(sexes[year, sex] for sex in ("female", "male", "_X")) - known
    help_ = {(kind, part): 20_000 for kind in ("health", "legal") for part in ("yes", "no")}
    help_ |= {("health", "yes"): 2 + secret, ("health", "no"): 4421 - secret}
    help_ |= {("legal", "yes"): 5527 - secret, ("legal", "no"): 3 + secret}
    for cells in (sexes, ages, help_):  # all are counted from the same records
        cells["_X", "_X"] = cells.get(("_X", "_X"), 0) + 900_000 - sum(cells.values())
    tables = [
        table("victims_by_year_sex", ("year", "sex"), sexes),
        table("victims_by_year_age", ("year", "age_group"), ages),
        table("victims_by_assistance_participation", ("assistance", "participates_in_proceedings"), help_),
    ]
    return release(tables, rule=Rule(10), provenance=PROVENANCE)


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_countries_that_differ_only_in_withheld_counts_have_the_same_review(clear: Clear, tmp_path: Path) -> None:
    """Pages, PDF, snapshot and open data; the figures of the years concerned are told as intervals."""
    for secret in (0, 5):
        recorded = tmp_path / f"recorded-{secret}"
        recorded.mkdir()
        write(
            [clear(country(secret))], tmp_path / str(secret), today=TODAY, recorded=recorded, freeze=True, formats=("html", "pdf")
        )  # fmt: skip
    one, other = everything(tmp_path / "0"), everything(tmp_path / "5")
    assert len(one) > 40
    assert one == other
    assert everything(tmp_path / "recorded-0") == everything(tmp_path / "recorded-5")
    told = one["data/evidence.csv"].decode()
    rows = [row for row in csv.DictReader(told.splitlines()) if row["indicator"] == "detected_children"]
    hidden = {
        row["period"]: float(row["upper"]) - float(row["lower"]) for row in rows if row["period"] in ("2023", "2024")
    }
    assert len(hidden) == 2
    assert all(width > 0 for width in hidden.values())


def test_counts_withheld_to_guard_small_ones_are_in_no_byte_of_the_review(clear: Clear, tmp_path: Path) -> None:
    write([clear(country(0))], tmp_path, today=TODAY, formats=("html",))
    text = b" ".join(everything(tmp_path).values()).decode()
    assert "900000" in text  # so does a count that is published look
    for count in (6173, 5281, 7019, 8237, 4421, 5527):
        for shape in (f"{count}", f"{count:,}"):
            assert f">{shape}<" not in text
            assert f",{shape}," not in text
            assert f" {shape} " not in text


def test_respondents_that_differ_only_in_withheld_answers_have_the_same_review(clear: Clear, tmp_path: Path) -> None:
    questions = list(code_labels("impact_question"))
    for secret in (0, 3):
        folder = tmp_path / f"answers-{secret}"
        folder.mkdir()
        rows = [["better"] * 10] * (40 - secret) + [["worse"] * 10] * (2 + secret)
        path = folder / "law-1.2026.csv"
        path.write_text("\n".join(",".join(row) for row in [questions, *rows]), encoding="utf-8")
        found = assess(path, rule=Rule(10), provenance=PROVENANCE)
        write([clear(found)], tmp_path / str(secret), today=TODAY, formats=("html",))
    assert everything(tmp_path / "0") == everything(tmp_path / "3")


class Tags(HTMLParser):
    """Every tag and every attribute of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)>"><svg onload=alert(1)>{{ 7*7 }}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The evidence of the demonstration country without the judgements, which rest on its lists."""
    copied = Path(shutil.copytree(EXAMPLE, tmp_path / "recorded"))
    for name in ("judgements.csv", "dissent.csv"):
        (copied / name).unlink()
    return copied


def test_what_people_write_stays_text(folder: Path, tmp_path: Path) -> None:
    cell = '"' + EVIL.replace('"', '""') + '"'
    (folder / "report.csv").write_text(f"id,commitments,title,body,date,documents\nr,23.1,{cell},{cell},2024-01-01,d\n")
    (folder / "judgements.csv").write_text(
        f"commitment,cycle,date,by,status,reason\n23.1,2026,2026-01-01,{cell},kept,{cell}\n"
    )
    (folder / "dissent.csv").write_text(
        f"commitment,cycle,date,by,status,reason\n23.1,2026,2026-01-01,{cell},,{cell}\n"
    )
    digest = "3eae8f974384151fc4334196fa4aa373f39e8ed0f8b91fdc88dd914310910d0f"
    for kind in ("law", "policy", "partnership", "training", "assessment"):
        (folder / f"{kind}.csv").unlink()
    (folder / "documents.csv").write_text(
        f"id,title,file,sha256,published\nd,{cell},documents/law-12-2023.txt,{digest},2024-01-01\n"
    )
    write([], tmp_path / "out", today=TODAY, recorded=folder)
    shown = 0
    for name, content in everything(tmp_path / "out").items():
        if name.endswith(".html"):
            seen = Tags()
            seen.feed(content.decode())
            assert not {"script", "img", "iframe", "object"} & set(seen.tags), name
            assert not [name for name, _ in seen.attributes if name.startswith("on")], name
            assert all(not value.lower().startswith("javascript:") for _, value in seen.attributes)
            shown += content.decode().count("{{ 7*7 }}")
    assert shown > 5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝"])
def test_no_cell_of_the_open_data_acts_as_a_formula(folder: Path, tmp_path: Path, start: str) -> None:
    formula = f"{start}HYPERLINK(0)"
    (folder / "report.csv").write_text(f"id,commitments,title,body,date\nr,23.1,{formula},{formula},2024-01-01\n")
    (folder / "judgements.csv").write_text(
        f"commitment,cycle,date,by,status,reason\n23.1,2026,2026-01-01,{formula},kept,{formula}\n"
    )
    write([], tmp_path / "out", today=TODAY, recorded=folder, formats=())
    cells = 0
    for path in (tmp_path / "out" / "data").glob("*.csv"):
        for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
            for cell in row:
                if "HYPERLINK" in cell:
                    assert cell.startswith("'"), (path.name, cell)
                    cells += 1
    assert cells == 5  # title and body of the row; who judged, there and beside the commitment; and the reason


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", 'https://a.org/" onclick="x', "//a.org"],
)
def test_a_document_leads_to_no_script_and_no_file(folder: Path, address: str) -> None:
    rows = list(csv.reader((folder / "documents.csv").read_text(encoding="utf-8").splitlines()))
    with (folder / "documents.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*rows[0], "url"], *([*row, address] for row in rows[1:])])
    with pytest.raises(AmparoError, match="an address that starts with https://"):
        read(folder, load_register(), today=TODAY)


@pytest.mark.parametrize("file", ["../outside.txt", "documents/../../outside.txt", "documents/link.txt"])
def test_a_document_is_never_read_from_outside_its_folder(folder: Path, file: str) -> None:
    """Neither by a path nor by a link: a hash of somebody's file would tell whether a guess of its content is right."""
    (folder.parent / "outside.txt").write_text("secret", encoding="utf-8")
    (folder / "documents" / "link.txt").symlink_to(folder.parent / "outside.txt")
    (folder / "documents.csv").write_text(f"id,title,file,sha256,published\nd,T,{file},0,2024-01-01\n")
    with pytest.raises(AmparoError, match="a file within the folder") as caught:
        read(folder, load_register(), today=TODAY)
    assert "2bb80d53" not in str(caught.value)  # SHA-256 of "secret"


@pytest.mark.parametrize("paragraph", ["../../outside", "a/b", "..", "1\\2", "1#x", '1"><script>', "1 2", "1%2e"])
def test_an_instrument_writes_no_page_outside_the_review(tmp_path: Path, paragraph: str) -> None:
    head = (
        '[instrument]\nid = "plan"\nsymbol = "S"\nadopted = 2026-01-01\nlanguage = "en"\n[instrument.title]\nen = "T"\n'
    )
    (tmp_path / "plan.toml").write_text(head)
    with (tmp_path / "plan.csv").open("w", newline="") as file:
        rows = [["id", "paragraph", "kind", "theme", "actors", "evidence", "text"]]
        csv.writer(file).writerows([*rows, [paragraph, paragraph, "undertake", "data", "states", "report", "T"]])
    with pytest.raises(AmparoError, match='column "paragraph"'):
        write([], tmp_path / "out", today=TODAY, instruments=[tmp_path / "plan.toml"], formats=("html",))
    assert not (tmp_path / "out").exists()


def test_no_path_of_the_machine_is_published(clear: Clear, folder: Path, tmp_path: Path) -> None:
    write([clear(country(0))], tmp_path / "out", today=TODAY, recorded=folder)
    for name, content in everything(tmp_path / "out").items():
        if not name.endswith((".pdf", ".docx")):
            assert str(tmp_path).encode() not in content, name


def test_the_file_for_iati_holds_no_entity_of_a_stranger(clear: Clear, folder: Path, tmp_path: Path) -> None:
    evil = '"<!DOCTYPE x [<!ENTITY e SYSTEM ""file:///etc/passwd"">]>&e;]]>"'
    columns = "id,commitments,title,body,date,country,currency,amount"
    (folder / "technical_assistance.csv").write_text(f"{columns}\na,20.1,{evil},{evil},2025-01-01,PER,USD,5\n")
    write([clear(country(0))], tmp_path / "out", today=TODAY, recorded=folder, formats=())
    text = (tmp_path / "out" / "iati.xml").read_text(encoding="utf-8")
    assert "<!DOCTYPE" not in text
    assert "&lt;!ENTITY" in text
