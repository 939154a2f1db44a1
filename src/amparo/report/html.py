"""The report as one HTML file: no script, nothing fetched, prints well (WCAG 2.2 AA)."""

from __future__ import annotations

from pathlib import PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from amparo.report.document import WITHHELD, Document


def templates(package: str) -> Environment:
    """The page templates of a package: all is escaped but our own drawings, and nothing missing is passed over."""
    environment = Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = Markup
    return environment


def render(document: Document, *, data: str) -> str:
    """The document as HTML.

    Parameters
    ----------
    data : where the open data lie, relative to the file.
    """
    template = templates("amparo.report").get_template("report.html")
    folder = PurePosixPath(data).parent
    return template.render(doc=document, t=document.texts, data=data, folder=folder, WITHHELD=WITHHELD)
