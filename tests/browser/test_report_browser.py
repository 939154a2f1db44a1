"""The report in a real Chromium: accessible, silent on the network, readable on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from amparo.protection.release import Release
from amparo.report import write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here; .ci/run installs it")
ARTEFACTS = Path(__file__).resolve().parents[2] / "out" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


@pytest.mark.parametrize("lang", ["en", "ar", "zh", "fr", "ru", "es"])
def test_axe_finds_no_serious_violation_and_nothing_is_asked_of_the_network(
    browser: object, demo_release: Release, tmp_path: Path, lang: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    report = write(demo_release, tmp_path, lang=lang, formats=("html",)).files[0]
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
    browser: object, demo_release: Release, tmp_path: Path, lang: str
) -> None:
    report = write(demo_release, tmp_path, lang=lang, formats=("html",)).files[0]
    page = browser.new_page(viewport={"width": 360, "height": 740})  # type: ignore[attr-defined]
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
