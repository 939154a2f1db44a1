"""The review's pages in a real Chromium: accessible, silent on the network, every link leads somewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pytest
from lxml import html

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release
from amparo.review import write
from amparo.review.recorded import EXAMPLE
from amparo.standard.variables import LANGUAGES

ARTEFACTS = Path(__file__).resolve().parents[2] / "out" / "screenshots"
KINDS = ("index.html", "declaration-2021.22.html", "bodies.html", "overdue.html", "changes.html", "method.html")


@pytest.fixture(scope="module")
def site(
    demo_release: Release, clear: Callable[[Release], Cleared[Release]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The whole site of the demonstration country, with an earlier cycle to compare with."""
    folder = tmp_path_factory.mktemp("review")
    recorded = Path(shutil.copytree(EXAMPLE, folder / "recorded"))
    before = {"today": date(2025, 1, 15), "recorded": recorded, "cycle": "2025", "formats": ()}
    for kind in ("judgements.csv", "dissent.csv"):
        (recorded / kind).rename(folder / kind)
    for path in list(recorded.glob("*.csv")):
        if path.name not in ("treaty.csv",):
            path.rename(folder / path.name)
    write([clear(demo_release)], folder / "before", freeze=True, **before)  # type: ignore[arg-type]
    for path in folder.glob("*.csv"):
        path.rename(recorded / path.name)
    write([clear(demo_release)], folder / "out", today=date(2026, 1, 15), recorded=recorded, languages=LANGUAGES)
    return folder / "out"


def test_every_link_of_every_page_leads_to_a_file_and_an_anchor_that_are_there(site: Path) -> None:
    pages = {path: html.fromstring(path.read_bytes()) for path in site.rglob("*.html")}
    anchors = {path: {str(name) for name in tree.xpath("//@id")} for path, tree in pages.items()}
    assert len(pages) == 1 + 6 * (6 + 29)
    followed = 0
    for path, tree in pages.items():
        ids = [str(name) for name in tree.xpath("//@id")]
        assert len(ids) == len(set(ids)), path
        for link in tree.xpath("//a/@href"):
            address, _, anchor = unquote(str(link)).partition("#")
            assert not address.startswith(("http:", "/", "javascript:")), (path, link)
            if address.startswith("https:"):
                continue
            target = (path.parent / address).resolve() if address else path
            assert target.is_relative_to(site), (path, link)
            assert target.is_file(), (path, link)
            assert not anchor or anchor in anchors[target], (path, link)
            followed += 1
    assert followed > 5000


def test_every_commitment_has_its_place_in_every_language(site: Path) -> None:
    for lang in LANGUAGES:
        found = [
            str(one.get("id"))
            for path in (site / lang).glob("declaration-2021.*.html")
            for one in html.fromstring(path.read_bytes()).iter("article")
        ]
        assert len(found) == len(set(found)) == 151
        front = html.fromstring((site / lang / "index.html").read_bytes())
        assert len(front.xpath("//ul[@class='entries']/li")) == 151
        assert len(front.xpath("//section/h3")) == 29


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_finds_no_violation_and_nothing_is_asked_of_the_network(browser: object, site: Path, lang: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": 1000, "height": 900}, bypass_csp=True)  # type: ignore[attr-defined]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for kind in KINDS if lang in ("en", "ar") else KINDS[:2]:
        asked.clear()
        address = (site / lang / kind).as_uri()
        page.goto(address)
        assert asked == [address]
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
        found = Axe().run(page, options=rules).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], kind
        page.screenshot(path=ARTEFACTS / f"review.{lang}.{kind.removesuffix('.html')}.png")
    page.close()


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_a_phone_shows_the_pages_without_scrolling_sideways(browser: object, site: Path, lang: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})  # type: ignore[attr-defined]
    for kind in KINDS:
        page.goto((site / lang / kind).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, kind
    page.goto((site / lang / "index.html").as_uri())
    page.screenshot(path=ARTEFACTS / f"review.{lang}.phone.png")
    page.close()


def test_whoever_has_only_a_keyboard_gets_past_the_links_to_the_content(browser: object, site: Path) -> None:
    page = browser.new_page()  # type: ignore[attr-defined]
    page.goto((site / "en" / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.close()
