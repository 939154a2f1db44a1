"""The desk in a real Chromium: a child met at the border, from intake to her own door, in three languages, with axe."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ARTEFACTS = Path(__file__).resolve().parents[2] / "out" / "screenshots"
SERVER = """
import sys
from pathlib import Path
from amparo.site import serve
serve.demonstration(Path(sys.argv[1]), cases=60, seed=7)
serve.serve(host="127.0.0.1", port=int(sys.argv[2]), threads=4)
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a demonstration desk in a process of its own, and its password."""
    folder = tmp_path_factory.mktemp("desk")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPARO_")}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/alive", timeout=1)
                break
            except OSError:
                assert server.poll() is None, "the server has stopped"
                time.sleep(0.25)
        yield address, (folder / "demonstration").read_text().strip()
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(("lang", "width"), [("es", 1000), ("ar", 390), ("en", 1000)])
def test_a_child_at_the_border_from_intake_to_her_own_door(
    browser: Any, desk: tuple[str, str], lang: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    address, password = desk
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    contexts, refused = [], []

    def person() -> Any:
        # axe is put into the page by the test; that the desk's own policy stops scripts is tested without a browser.
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}, locale=lang, bypass_csp=True))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: refused.append(str(error)))
        return page

    def signed_in(name: str) -> Any:
        page = person()
        page.goto(f"{address}/accounts/login/")
        page.fill("[name=login]", name)
        page.fill("[name=password]", password)
        page.click("main button")
        page.wait_for_url("**/day")
        return page

    def look(page: Any, name: str) -> None:
        serious = [
            (v["id"], v["nodes"][0]["html"])
            for v in Axe().run(page).response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        assert page.evaluate("document.documentElement.dir") == ("rtl" if lang == "ar" else "ltr")
        page.screenshot(path=ARTEFACTS / f"desk-{name}.{lang}.png", full_page=True)

    border = signed_in("border")
    look(border, "day")
    border.goto(f"{address}/cases/new")
    look(border, "intake")
    border.fill("[name=given_name]", "Nour")
    border.fill("[name=family_name]", f"Story{lang}")
    border.fill("[name=age]", "15")
    border.check("[name=seen][value=child_alone]")
    border.check("[name=conclusion][value=signs]")
    border.check("[name=needs][value=housing]")
    border.click("main form.sheet button")
    border.wait_for_url("**/cases/*-*-*/")
    case = border.url
    assert "Nour" in border.inner_text("h1")
    look(border, "case")

    border.goto(f"{case}consent")
    border.select_option("[name=recipient]", label="Child Protection Service")
    border.check("[name=groups][value=identity]")
    border.check("[name=groups][value=needs]")
    border.select_option("[name=language]", lang)
    border.click("main form.sheet button")
    border.wait_for_selector("blockquote")
    look(border, "consent")
    border.click("button[value=yes]")
    border.wait_for_url("**/refer")
    border.check("[name=consent]")
    border.click("main form.sheet button")
    border.wait_for_url(case)

    child = signed_in("child_protection")
    assert child.goto(case).status == 404
    child.goto(f"{address}/referrals")
    links = [
        a.get_attribute("href")
        for a in child.query_selector_all("main a")
        if "/referrals/" in (a.get_attribute("href") or "")
    ]
    child.goto(f"{address}{links[0]}")
    assert "Nour" not in child.inner_text("main")
    look(child, "answer")
    child.check("[name=answer][value=accepted]")
    child.click("main form.sheet button")
    child.wait_for_url(case)
    assert "Nour" in child.inner_text("h1")

    border.goto(f"{case}door")
    border.fill("[name=pin]", "48213")
    border.click("main form.sheet button")
    code = border.inner_text(".code")

    nour = person()
    nour.goto(f"{address}/i/")
    look(nour, "door")
    nour.fill("[name=code]", code)
    nour.fill("[name=pin]", "48213")
    nour.click("main form.sheet button")
    nour.wait_for_url("**/i/home")
    look(nour, "door-home")
    nour.click("form[action*=take-back] button")
    nour.wait_for_load_state()
    assert child.goto(case).status == 404  # taking back acts at once
    for context in contexts:
        context.close()
    assert refused == []
