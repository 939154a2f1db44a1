"""The report in a real Chromium: accessible, silent on the network, readable on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
from pypdf import PdfReader

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release
from amparo.report import write

Clear = Callable[[Release], Cleared[Release]]

ARTEFACTS = Path(__file__).resolve().parents[2] / "out" / "screenshots"


@pytest.mark.parametrize("lang", ["en", "ar", "zh", "fr", "ru", "es"])
def test_axe_finds_no_serious_violation_and_nothing_is_asked_of_the_network(
    clear: Clear, browser: object, demo_release: Release, tmp_path: Path, lang: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    report = write(clear(demo_release), tmp_path, lang=lang, formats=("html",)).files[0]
    page = browser.new_page(viewport={"width": 1000, "height": 900}, bypass_csp=True)  # type: ignore[attr-defined]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert asked == [report.as_uri()]
    found = Axe().run(page).response["violations"]
    serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"report.{lang}.png", full_page=True)
    page.close()


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_phone_shows_the_report_without_scrolling_sideways(
    clear: Clear, browser: object, demo_release: Release, tmp_path: Path, lang: str
) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    report = write(clear(demo_release), tmp_path, lang=lang, formats=("html",)).files[0]
    page = browser.new_page(viewport={"width": 360, "height": 740})  # type: ignore[attr-defined]
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('figure svg text')].filter(t => t.textContent.trim())"
        ".map(t => parseFloat(getComputedStyle(t).fontSize) * Math.hypot(t.getScreenCTM().a, t.getScreenCTM().b)))"
    )
    assert smallest >= 8  # CSS pixels: letters in a drawing can be read
    page.screenshot(path=ARTEFACTS / f"report.{lang}.phone.png", full_page=True)
    page.close()


def test_print_shows_every_table_even_those_that_are_folded_on_the_screen(
    clear: Clear, browser: object, demo_release: Release, tmp_path: Path
) -> None:
    report = write(clear(demo_release), tmp_path, formats=("html",)).files[0]
    page = browser.new_page()  # type: ignore[attr-defined]
    page.goto(report.as_uri())
    printed = tmp_path / "printed.pdf"
    page.pdf(path=printed)
    page.close()
    text = normalize("NFKC", " ".join(sheet.extract_text() for sheet in PdfReader(printed).pages))
    for table in demo_release:
        assert f"{table.name}.csv" in text
