"""The linkage as a user meets it: linked in clear, reviewed, encoded under an agreement, and what is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_cli import run

from amparo.intake.key import load_key, new_key
from amparo.linkage.agreement import new_agreement, read_agreement, read_encodings, write_agreement, write_encodings
from amparo.linkage.store import add_review, doubtful_pairs, persons_before, reviews
from amparo.simulation import Knobs, simulate
from amparo.standard.errors import AmparoError, KeyMissingError

TODAY = date(2026, 1, 15)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small country, a workspace with its linkage, and encodings of two agencies."""
    folder = tmp_path_factory.mktemp("linkage")
    simulate(folder / "c", seed=47, knobs=Knobs(victims=1500))
    new_key(folder / "own.key")
    new_key(folder / "shared.key")
    done = run("link", "c/lists", "-w", "w", "--key", "own.key", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    done = run(
        "agreement", "agreement.toml", "--agency", "police", "--agency", "shelter", "--purpose", "to count",
        "--expires", "2027-12-31", "--share", "sex", "--share", "birth_years", "--key", "shared.key", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for file, agency in (("policia.csv", "police"), ("refuge.ods", "shelter")):
        done = run(
            "encode", f"c/lists/{file}", "--agreement", "agreement.toml", "--agency", agency, "--key", "shared.key",
            "--out", f"{agency}.enc", "--today", "2026-01-15", cwd=folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder


def test_captures_go_on_to_the_estimate_with_the_error_of_linking(place: Path) -> None:
    done = run("prevalence", "w/linkage/captures-draws.csv", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)["estimates"][-1]
    assert row["lower"] < row["estimate"] < row["upper"]
    said = run("prevalence", "w/linkage/captures-draws.csv", cwd=place).stdout
    assert "plausible linkages: 20" in said
    assert "Rubin 1987" in said


def test_persons_keep_their_pseudonyms_and_same_seed_gives_the_same_files(place: Path) -> None:
    before = {path.name: path.read_bytes() for path in (place / "w" / "linkage").glob("*.csv")}
    known = persons_before(place / "w" / "linkage")
    done = run("link", "-w", "w", "--key", "own.key", "--quiet", cwd=place)
    assert done.returncode == 0, done.stderr
    assert persons_before(place / "w" / "linkage") == known
    assert {path.name: path.read_bytes() for path in (place / "w" / "linkage").glob("*.csv")} == before


def test_reviewed_pairs_are_kept_and_not_asked_again(place: Path) -> None:
    folder = place / "w" / "linkage"
    first = doubtful_pairs(folder).iloc[0]
    add_review(folder, first["left"], first["right"], True)
    assert reviews(folder)[(first["left"], first["right"])] is True
    asked = {(row.left, row.right) for row in doubtful_pairs(folder).itertuples()}
    assert (first["left"], first["right"]) not in asked
    (folder / "reviewed.csv").unlink()


def test_no_name_and_no_sound_of_one_is_in_the_linkage_or_in_the_encodings(place: Path) -> None:
    from amparo.intake.workspace import Workspace
    from amparo.linkage.records import comparable_records

    store = Workspace(place / "w", load_key(place / "own.key"))
    identities = store.identities()
    records = comparable_records(identities, store.table("victims").to_pyarrow())
    written = b"".join(path.read_bytes() for path in (place / "w" / "linkage").iterdir())
    handed = b"".join((place / name).read_bytes() for name in ("police.enc", "shelter.enc"))
    for table in ("persons.parquet", "pairs.parquet"):  # as text, since a column may be packed
        written += pq.read_table(place / "w" / "linkage" / table).to_pandas().to_csv().encode()
    names = {name for column in ("full_name", "given_name", "family_name") for name in identities[column].to_pylist()}
    secrets = [*names, *records["sounded"].to_pylist(), *map(str, identities["date_of_birth"].to_pylist())]
    searched = {text for text in secrets if text and text != "None" and len(text) >= 6}
    assert len(searched) > 300
    assert not [text for text in searched if text.encode() in written or text.encode() in handed]


def test_encodings_are_linked_without_a_key(place: Path) -> None:
    done = run(
        "link-encoded", "police.enc", "shelter.enc", "--agreement", "agreement.toml", "--out", "le", "--json",
        "--today", "2026-01-15", cwd=place,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["persons"] < found["records"]
    assert not list((place / "le").glob("waterfall*"))


@pytest.mark.parametrize(
    ("files", "day", "told"),
    [
        (("police.enc", "police.enc"), "2026-01-15", "not linked with itself"),
        (("police.enc",), "2026-01-15", "one agency only"),
        (("police.enc", "own.key"), "2026-01-15", "no file of encodings"),
        (("police.enc", "shelter.enc"), "2028-01-01", "expired"),
    ],
)
def test_what_the_agreement_does_not_cover_is_refused(place: Path, files: tuple[str, ...], day: str, told: str) -> None:
    done = run("link-encoded", *files, "--agreement", "agreement.toml", "--today", day, "--out", "no", cwd=place)
    assert done.returncode == 3
    assert told in done.stderr
    assert not (place / "no").exists()


def test_encodings_of_another_agreement_key_or_scheme_are_refused(place: Path) -> None:
    paths = [place / "police.enc", place / "shelter.enc"]
    mine = read_agreement(place / "agreement.toml")
    other_key = new_agreement(mine.agencies, mine.share, mine.purpose, mine.expires, load_key(place / "own.key"))
    with pytest.raises(AmparoError, match="another key"):
        read_encodings(paths, other_key, today=TODAY)
    shared = load_key(place / "shared.key")
    for change, told in ((("sex",), "another shared variables"), (mine.share, "another agreement")):
        purpose = mine.purpose if change != mine.share else "something else"
        with pytest.raises(AmparoError, match=told):
            read_encodings(paths, new_agreement(mine.agencies, change, purpose, mine.expires, shared), today=TODAY)
    text = (place / "agreement.toml").read_text().replace("elements-2", "elements-1")
    (place / "old.toml").write_text(text)
    with pytest.raises(AmparoError, match="scheme"):
        read_encodings(paths, read_agreement(place / "old.toml"), today=TODAY)


def test_nobody_encodes_with_another_key_or_out_of_the_agreement(place: Path) -> None:
    mine = read_agreement(place / "agreement.toml")
    with pytest.raises(KeyMissingError, match="not the one of the agreement"):
        write_encodings(None, mine, "police", load_key(place / "own.key"), place / "x.enc", today=TODAY)  # type: ignore[arg-type]
    with pytest.raises(AmparoError, match="takes no part"):
        write_encodings(None, mine, "press", load_key(place / "shared.key"), place / "x.enc", today=TODAY)  # type: ignore[arg-type]
    assert not (place / "x.enc").exists()


def test_an_agreement_reads_back_as_it_was_written(place: Path, tmp_path: Path) -> None:
    mine = read_agreement(place / "agreement.toml")
    write_agreement(mine, tmp_path / "copy.toml")
    assert read_agreement(tmp_path / "copy.toml") == mine
    with pytest.raises(AmparoError, match="no agreement"):
        read_agreement(place / "police.enc")
    with pytest.raises(AmparoError, match="two agencies"):
        new_agreement(["police"], [], "to count", mine.expires, load_key(place / "shared.key"))
    with pytest.raises(AmparoError, match="cannot be shared"):
        new_agreement(["a", "b"], ["full_name"], "to count", mine.expires, load_key(place / "shared.key"))
