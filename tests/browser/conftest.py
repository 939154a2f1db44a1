"""The browser that all tests of pages share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from amparo.report.figures import font_folders

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Chromium with the fonts that come with Amparo's dependencies, as a reader of Arabic or Chinese has them."""
    if not CHROMIUM:
        pytest.skip("no Chromium here; .ci/run installs it")
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("fonts")
    listed = "".join(f"<dir>{place}</dir>" for place in font_folders())
    (folder / "fonts.conf").write_text(f"<fontconfig>{listed}<cachedir>{folder}</cachedir></fontconfig>")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    environment = {**os.environ, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=flags, env=environment)
        yield started
        started.close()
