"""Review: what a State has committed to, and what shows whether it is done.

:func:`write` makes the whole review of a cycle from releases and recorded evidence: public pages, Word, PDF and open
data in the six UN languages. Only what the ledger has cleared comes in, so that nothing
private can reach a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from amparo.protection.ledger import Cleared
from amparo.protection.release import Release
from amparo.standard.errors import AmparoError

if TYPE_CHECKING:
    from amparo.review.cycles import Snapshot
    from amparo.review.standing import Review

FORMATS = ("html", "docx", "pdf")


@dataclass(frozen=True)
class Written:
    """What was written: ``files``, the start page first; the review itself; and the last cycle's frozen one."""

    files: tuple[Path, ...]
    review: Review
    previous: Snapshot | None


def write(
    cleared: Sequence[Cleared[Release]],
    out: Path,
    *,
    today: date,
    recorded: Path | None = None,
    languages: Sequence[str] = ("en",),
    formats: Sequence[str] = FORMATS,
    instruments: Sequence[Path] = (),
    cycle: str | None = None,
    command: str = "",
    freeze: bool = False,
) -> Written:
    """Review every commitment and write the review.

    Parameters
    ----------
    cleared : what the ledger has let out: the national tables, those of the referral desk and of impact assessments.
    out : a folder; gets ``index.html``, a folder of pages per language, ``data/``, ``review.<lang>.docx`` and
        ``.pdf``, and ``iati.xml`` where a publisher is named and there are pledges or payments.
    today : the day of the review.
    recorded : folder of recorded evidence, judgements and ``snapshots/`` of earlier cycles.
    languages : of ar, zh, en, fr, ru, es.
    formats : of :data:`FORMATS`; the open data are always written.
    instruments : files of further instruments (see ``register``).
    cycle : by default the one in ``review.toml``, else the year of the day.
    command : that made the releases and this review.
    freeze : keep the review as the snapshot of its cycle in the folder of recorded evidence.

    Raises
    ------
    TypeError : something that the ledger has not cleared came in.
    AmparoError : a language is unknown, an input cannot be used, or there is nowhere to freeze.
    """
    from amparo.review import cycles, docx, iati, opendata, pages, pdf
    from amparo.review.recorded import read_cycle
    from amparo.review.register import load_register
    from amparo.review.standing import review
    from amparo.review.view import build
    from amparo.review.words import ReviewTexts

    for one in cleared:
        if not isinstance(one, Cleared):
            raise TypeError(f"Expected what the ledger has cleared, got {type(one).__name__}.")
    releases = [one.release for one in cleared]
    if freeze and not recorded:
        raise AmparoError("there is nowhere to freeze the review.", remedy="Name the folder: --recorded DIR.")
    texts = [ReviewTexts(lang) for lang in dict.fromkeys(languages)]
    cycle = cycle or (read_cycle(recorded) if recorded else None) or str(today.year)
    held = cycles.snapshots(recorded / "snapshots") if recorded else ()
    previous = next((one for one in reversed(held) if one.cycle < cycle), None)
    found = review(
        releases,
        today=today,
        cycle=cycle,
        recorded=recorded,
        register=load_register(*instruments),
        command=command,
        earlier=cycles.first_figures(held, before=cycle),
    )
    if freeze and recorded:
        cycles.freeze(found, recorded / "snapshots")
    out.mkdir(parents=True, exist_ok=True)
    data = opendata.write(found, releases, out / "data", previous=previous)
    downloads = {"../data/datapackage.json": "open-data", "../data/review.json": "download-snapshot"}
    publisher = iati.read_publisher(recorded) if recorded else None
    if publisher and iati.activities(found.record):
        data.append(out / "iati.xml")
        data[-1].write_bytes(iati.export(found.record, publisher))
        downloads["../iati.xml"] = "download-iati"
    impact = [table for release in releases for table in release if table.name.startswith("impact_")]
    written: list[Path] = []
    for words in texts:
        view = build(found, words, previous=previous, impact=impact)
        offered = dict(downloads)
        for kind in ("docx", "pdf"):
            if kind in formats:
                path = out / f"review.{words.lang}.{kind}"
                moment = datetime(today.year, today.month, today.day)
                path.write_bytes(docx.render(view, day=moment) if kind == "docx" else pdf.render(view))
                data.append(path)
                offered[f"../{path.name}"] = f"download-{kind}"
        if "html" in formats:
            named = {address: words(message) for address, message in offered.items()}
            written += pages.write(view, out, languages=[one.lang for one in texts], downloads=named)
    if written:
        start = out / "index.html"
        start.write_text(pages.start([one.lang for one in texts]), encoding="utf-8")
        written.insert(0, start)
    return Written((*written, *data), found, previous)
