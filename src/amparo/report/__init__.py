"""Write a release as a report: HTML, PDF and open data, in one of the six UN languages.

Only what the ledger has cleared (:class:`~amparo.protection.ledger.Cleared`) can be written; there is no other way in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release

if TYPE_CHECKING:
    from amparo.protection.microdata import ReleasedMicrodata

Kind = TypeVar("Kind")
FORMATS = ("html", "pdf", "data")


@dataclass(frozen=True)
class Report:
    """What was written: ``files``, the HTML first; and ``findings``, the sentences that open the report."""

    files: tuple[Path, ...]
    findings: tuple[str, ...]


def write(
    cleared: Cleared[Release],
    out: Path,
    *,
    lang: str = "en",
    formats: Sequence[str] = FORMATS,
    title: str | None = None,
) -> Report:
    """Write ``report.<lang>.html``, ``report.<lang>.pdf`` and ``data/`` into the folder.

    Parameters
    ----------
    cleared : what protection has made fit to publish and the ledger has cleared.
    out : a folder; it is made where it does not exist.
    lang : one of ar, zh, en, fr, ru, es.
    formats : of :data:`FORMATS`.
    title : of the report; without it the language's own.

    Raises
    ------
    TypeError : something other than a release that the ledger cleared came in.
    AmparoError : the language is not one of the six.
    """
    release = _cleared(cleared, Release)
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


def write_records(cleared: Cleared[ReleasedMicrodata], out: Path) -> tuple[Path, ...]:
    """Write ``records.csv``, and ``records.txt``: in words, what is promised to a person and what was measured.

    In the CSV a cell is empty where it was withheld or not recorded, and none can act as a formula in a spreadsheet.

    Raises
    ------
    TypeError : something other than records that the ledger cleared came in.
    """
    from amparo.protection.microdata import ReleasedMicrodata
    from amparo.standard.cells import safe_cell

    release = _cleared(cleared, ReleasedMicrodata)
    out.mkdir(parents=True, exist_ok=True)
    table, words = out / "records.csv", out / "records.txt"
    texts = release.frame.map(lambda cell: "" if cell is None else safe_cell(str(cell)))
    texts.to_csv(table, index=False, lineterminator="\r\n")
    told = [f"Made by {release.method}.", *release.words]
    told += [f"{name}: {value}" for name, value in release.provenance.items()]
    words.write_text("\n".join(told) + "\n", encoding="utf-8")
    return table, words


def _cleared(cleared: Cleared[Kind], kind: type[Kind]) -> Kind:
    if type(cleared) is not Cleared or type(cleared.release) is not kind:
        found = type(cleared.release).__name__ if type(cleared) is Cleared else f"an uncleared {type(cleared).__name__}"
        raise TypeError(f"Only a {kind.__name__} that the ledger has cleared is written, not {found}.")
    return cleared.release
