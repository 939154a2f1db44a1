"""Attempts to get what is withheld, or a command, out of or into a written report.

What protection withholds must not come back through a figure, a text alternative, a finding or the data about the
data: two countries that differ only in withheld counts have one and the same report, byte for byte.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from counted import table
from pypdf import PdfReader

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release, Rule, release, republish
from amparo.report import write
from amparo.statistics.tables import PublishedTable

Clear = Callable[[Release], Cleared[Release]]

PROVENANCE = {"version": "1", "created": "2026-01-15", "sha256 of lists": "0" * 64}
YEARS = [str(year) for year in range(2019, 2025)]


def country(secret: int) -> Release:
    """A release whose small cells, and the further ones that guard them, hang on a secret; its totals do not."""
    sexes = {(year, sex): 20_000 + 700 * i for i, year in enumerate(YEARS) for sex in ("female", "male", "_X")}
    sexes |= {("2021", "female"): 2 + secret, ("2021", "male"): 6173 - secret}
    sexes |= {("2022", "female"): 5281 - secret, ("2022", "male"): 3 + secret}
    pairs = {(a, b): 20_000 for a in ("NGA", "COL", "UKR") for b in ("XDM", "ESP")}
    pairs |= {("NGA", "XDM"): 2 + secret, ("NGA", "ESP"): 7019 - secret}
    pairs |= {("COL", "XDM"): 8237 - secret, ("COL", "ESP"): 3 + secret}
    forms = {(form, age): 20_000 for form in ("sexual", "forced_labour", "begging") for age in ("child", "adult")}
    forms |= {("sexual", "child"): 2 + secret, ("sexual", "adult"): 4421 - secret}
    forms |= {("begging", "child"): 5527 - secret, ("begging", "adult"): 3 + secret}
    for cells in (sexes, pairs, forms):  # all are counted from the same records
        cells["_X", "_X"] = cells.get(("_X", "_X"), 0) + 900_000 - sum(cells.values())
    tables = [
        table("victims_by_year_sex", ("year", "sex"), sexes),
        table("flows_by_origin_destination", ("origin", "destination"), pairs),
        table("victims_by_form_age", ("form", "age_group"), forms),
    ]
    return release(tables, rule=Rule(10), provenance=PROVENANCE)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_countries_that_differ_only_in_withheld_counts_have_the_same_report(
    clear: Clear, tmp_path: Path, lang: str
) -> None:
    for secret in (0, 5):
        write(clear(country(secret)), tmp_path / str(secret), lang=lang)
    files = sorted(path.relative_to(tmp_path / "0") for path in (tmp_path / "0").rglob("*") if path.is_file())
    assert len(files) >= 6
    for name in files:
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "5" / name).read_bytes(), name


@pytest.mark.parametrize("lang", ["en", "ar", "zh", "fr", "ru", "es"])
def test_large_counts_withheld_to_guard_small_ones_are_in_no_byte_of_the_report(
    clear: Clear, tmp_path: Path, lang: str
) -> None:
    released = country(0)
    hidden = sum((found.frame["status"] == "withheld").sum() for found in released)
    assert hidden >= 12
    report = write(clear(released), tmp_path, lang=lang)
    everything = ""
    for path in report.files:
        if path.suffix == ".pdf":
            everything += " ".join(page.extract_text() for page in PdfReader(path).pages)
        else:
            everything += path.read_text(encoding="utf-8")
    for count in (6173, 5281, 7019, 8237, 4421, 5527):
        written = rf"(?<![\d.,]){count // 1000}[.,\s]?{count % 1000:03d}(?![\d.])"
        assert not re.findall(written, everything)
    assert re.findall(r"(?<![\d.,])900[.,\s]?000", everything)  # so does a count that is published look


class Tags(HTMLParser):
    """Every tag and every attribute of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</title></svg><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "#panic() $x$ *bold* @nothing <label>",
]


@pytest.fixture(scope="module")
def hostile(clear: Clear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on categories that an attacker named, in places that tables, bars and streams show."""
    folder = tmp_path_factory.mktemp("hostile")

    def published(name: str, *dims: str) -> PublishedTable:
        rows = [(code,) * len(dims) for code in HOSTILE] + [("_T",) * len(dims)]
        frame = pd.DataFrame(rows, columns=list(dims))
        frame["lower"] = frame["upper"] = [20] * len(HOSTILE) + [20 * len(HOSTILE)]
        return PublishedTable(name, "persons", dims, frozenset(), frame, HOSTILE[0], HOSTILE[2])

    tables = [
        published("world_by_year_form", "form"),
        published("flows_by_subregion", "origin_subregion", "destination_subregion"),
        published("region_by_form", "region", "form"),
    ]
    write(clear(republish(tables, provenance={**PROVENANCE, HOSTILE[1]: HOSTILE[2]})), folder, title=HOSTILE[2])
    return folder


def test_names_of_categories_become_no_tag_no_handler_and_no_link(hostile: Path) -> None:
    tags = Tags()
    text = (hostile / "report.en.html").read_text(encoding="utf-8")
    tags.feed(text)
    assert not tags.tags & {"script", "img", "iframe", "object", "embed", "foreignobject", "link", "base", "form"}
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert {
        value.split(":")[0] for name, value in tags.attributes if name == "href" and value and ":" in value
    } == set()
    assert "{{ 7 * 7 }}" in text


def test_names_of_categories_stay_plain_words_in_the_pdf(hostile: Path) -> None:
    text = " ".join(" ".join(page.extract_text().split()) for page in PdfReader(hostile / "report.en.pdf").pages)
    assert "#panic() $x$ *bold* @nothing <label>" in text


def test_no_cell_of_the_open_data_can_act_as_a_formula(clear: Clear, tmp_path: Path) -> None:
    codes = ["=1+1", "+1+cmd", "-1-1", "@SUM(A1)", "\t=1", "a\r=1+1", "b\n=1+1"]
    frame = pd.DataFrame({"list": [*codes, "_T"], "lower": [10] * 7 + [70], "upper": [10] * 7 + [70]})
    made = PublishedTable("victims_by_list", "persons", ("list",), frozenset(), frame, "counted", "a source")
    write(clear(republish([made], provenance=PROVENANCE)), tmp_path, formats=("data",))
    with (tmp_path / "data" / "victims_by_list.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "a\r=1+1" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    package = json.loads((tmp_path / "data" / "datapackage.json").read_text(encoding="utf-8"))
    assert package["resources"][0]["path"] == "victims_by_list.csv"
