"""Write a release as a report: HTML, PDF and open data, in one of the six UN languages.

Only a :class:`~amparo.protection.release.Release` can be reported; there is no other way in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amparo.protection.release import Release

FORMATS = ("html", "pdf", "data")


@dataclass(frozen=True)
class Report:
    """What was written: ``files``, the HTML first; and ``findings``, the sentences that open the report."""

    files: tuple[Path, ...]
    findings: tuple[str, ...]


def write(
    release: Release,
    out: Path,
    *,
    lang: str = "en",
    formats: Sequence[str] = FORMATS,
    title: str | None = None,
) -> Report:
    """Write ``report.<lang>.html``, ``report.<lang>.pdf`` and ``data/`` into the folder.

    Parameters
    ----------
    release : what protection has made fit to publish.
    out : a folder; it is made where it does not exist.
    lang : one of ar, zh, en, fr, ru, es.
    formats : of :data:`FORMATS`.
    title : of the report; without it the language's own.

    Raises
    ------
    TypeError : something other than a release came in.
    AmparoError : the language is not one of the six.
    """
    if not isinstance(release, Release):
        raise TypeError(f"A report is made of a Release, not of {type(release).__name__}.")
    from amparo.report.document import build
    from amparo.report.text import Texts

    texts = Texts(lang)
    document = build(release, texts, title=title)
    out.mkdir(parents=True, exist_ok=True)
    data = "data/datapackage.json"
    files: list[Path] = []
    if "html" in formats:
        from amparo.report import html

        files.append(out / f"report.{lang}.html")
        files[-1].write_text(html.render(document, data=data), encoding="utf-8")
    if "pdf" in formats:
        from amparo.report import pdf

        files.append(out / f"report.{lang}.pdf")
        files[-1].write_bytes(pdf.render(document, data=data))
    if "data" in formats:
        from amparo.report.datapackage import write_data

        files += write_data(release, out / "data", texts, title=document.title)
    return Report(tuple(files), tuple(finding.text for finding in document.findings))
