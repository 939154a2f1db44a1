"""The public pages of the review: static HTML made of releases and recorded evidence, without script.

Each language has a folder with the same pages: the paragraphs as front door, a page per paragraph with everything
about its commitments, themes, responsible bodies, what is overdue, what changed, and how it was made (WCAG 2.2 AA).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from babel import Locale

from amparo.report.html import templates
from amparo.review.view import View
from amparo.review.words import ReviewTexts


def render(view: View, *, languages: Sequence[str], downloads: Mapping[str, str]) -> dict[str, str]:
    """The pages of one language by file name.

    Parameters
    ----------
    view : the review in that language.
    languages : all languages in which there are pages; each page links to itself in the others.
    downloads : names of further files by their address from these pages.
    """
    environment = templates("amparo.review")
    texts = view.texts
    names = [(code, Locale.parse(code).get_display_name(code)) for code in languages]

    def page(template: str, name: str, **more: object) -> str:
        shared = {"view": view, "t": texts, "page": name, "languages": names}
        return environment.get_template(template).render(**shared, **more)

    pages = {f"{name}.html": page(f"{name}.html", f"{name}.html") for name in ("index", "overdue", "changes")}
    pages["method.html"] = page("method.html", "method.html", downloads=tuple(downloads.items()))
    pages["themes.html"] = page("groups.html", "themes.html", heading=texts("nav-themes"), sets=(view.themes,))
    bodies = (view.bodies, view.actors)
    pages["bodies.html"] = page("groups.html", "bodies.html", heading=texts("nav-bodies"), sets=bodies)
    for part in view.parts:
        for paragraph in part.paragraphs:
            pages[paragraph.page] = page("paragraph.html", paragraph.page, paragraph=paragraph, part=part)
    return pages


def write(view: View, out: Path, *, languages: Sequence[str], downloads: Mapping[str, str]) -> list[Path]:
    """Write the pages of one language into its folder, ``out/<lang>/``."""
    folder = out / view.texts.lang
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in render(view, languages=languages, downloads=downloads).items():
        written.append(folder / name)
        written[-1].write_text(text, encoding="utf-8")
    return written


def start(languages: Sequence[str]) -> str:
    """The page that leads to the languages."""
    names = [(code, Locale.parse(code).get_display_name(code), ReviewTexts(code)("review-title")) for code in languages]
    return templates("amparo.review").get_template("start.html").render(languages=names)
