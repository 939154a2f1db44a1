"""The desk as one more list: what intake makes of it, and that it stays private."""

from __future__ import annotations

import csv
import os
import tempfile
from pathlib import Path

import pytest

from amparo.site.opening import FOLDER, make_desk, open_desk

DESK = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="desk-"))
os.environ["AMPARO_PLAIN_HTTP"] = "1"
make_desk(DESK)
open_desk(DESK)

from amparo.intake.key import new_key  # noqa: E402
from amparo.intake.load import load_list  # noqa: E402
from amparo.intake.workspace import Workspace  # noqa: E402
from amparo.site.desklist import desk_list  # noqa: E402
from amparo.site.models import Agency, Case, User  # noqa: E402
from amparo.standard.crosswalks import load  # noqa: E402


@pytest.fixture
def worker() -> User:
    number = User.objects.count()
    agency = Agency.objects.create(name=f"Spine {number} {os.getpid()}", kind="border")
    return User.objects.create_user(f"spine{number}", None, agency=agency, role="worker")


def test_intake_loads_the_desk_whole_and_value_for_value(worker: User, tmp_path: Path) -> None:
    record = {
        "sex": "female", "age": 16, "age_group": "child", "citizenship": ["MDA", "ROU"], "exploitation_forms": ["begging", "sexual"],
        "means_of_control": ["withholds_documents"], "countries_of_exploitation": ["ESP"], "exploitation_start": "2025-03-01",
        "place_of_identification": "border", "identified_by": "border", "identification_date": "2025-06-30",
    }  # fmt: skip
    case = Case(agency=worker.agency, record=record, language="ro", status="appealed")
    case.seal("identity", {"given_name": '=HYPERLINK("x")', "family_name": "Țurcanu", "date_of_birth": "2009-02-03"})
    case.save()
    case.needs.create(kind="housing", pillar="support", state="met", created_by=worker)
    case.needs.create(kind="legal", pillar="justice", state="open", created_by=worker)
    case.proceedings.create(takes_part="no", created_by=worker)
    Case.objects.create(agency=worker.agency)  # nothing known but that there is somebody
    path = desk_list(tmp_path / "lists")
    assert path.stat().st_mode & 0o077 == 0
    with path.open(encoding="utf-8", newline="") as file:
        mine = next(row for row in csv.DictReader(file) if row["case_number"] == case.number)
    assert mine["given_name"].startswith("'=")
    workspace = Workspace(tmp_path / "workspace", new_key(tmp_path / "key"))
    loaded = load_list(path, load(path.with_name("referral-desk.crosswalk.toml")), workspace)
    assert loaded.accepted == Case.objects.count()
    table = workspace.table("victims").to_pandas()
    row = table[(table["age"] == 16) & (table["identified_by"] == "border")].iloc[0]
    assert sorted(row["citizenship"]) == ["MDA", "ROU"]
    assert sorted(row["exploitation_forms"]) == ["begging", "sexual"]
    assert list(row["assistance"]) == ["housing"]  # what was given, not what was asked for
    assert row["identification_status"] == "presumed"  # an appeal is pending
    assert row["participates_in_proceedings"] == "no"
    assert not {"given_name", "family_name", "phone", "date_of_birth"} & set(table.columns)
