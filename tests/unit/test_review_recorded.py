"""Recorded evidence: how each mistake in a file is told, what is counted from the rows, and its export for IATI."""

from __future__ import annotations

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from amparo.protection.release import Rule
from amparo.review.iati import export, read_publisher
from amparo.review.impact import assess
from amparo.review.recorded import COLUMNS, EXAMPLE, Record, read
from amparo.review.register import code_labels, load_register
from amparo.review.tally import tally
from amparo.standard.errors import AmparoError

TODAY = date(2026, 1, 15)
REGISTER = load_register()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The evidence of the demonstration country, to be spoilt."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "recorded"))


def write(folder: Path, file: str, *lines: str) -> Record:
    (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read(folder, REGISTER, today=TODAY)


def test_the_example_holds_every_kind_of_evidence(folder: Path) -> None:
    record = read(folder, REGISTER, today=TODAY)
    assert {row.kind for row in record.rows} == set(COLUMNS)
    assert set(COLUMNS) == set(code_labels("evidence")) - {"review"}
    assert [row.id for row in record.for_commitment("declaration-2021", "15.11")] == [
        "training-judges-2024",
        "training-police-2024",
    ]
    assert record.documents is not None
    assert record.documents["law-12-2023"].sha256.startswith("3eae8f97")
    assert record.hashes is not None
    assert len(record.hashes["law.csv"]) == 64


def test_what_is_only_planned_is_no_evidence(folder: Path) -> None:
    record = read(folder, REGISTER, today=TODAY)
    assert record.for_commitment("declaration-2021", "28.5") == ()  # a bill that is not in force
    assert [row.id for row in record.overdue()] == ["pledge-2021", "action-shelters", "law-supply-chains"]


@pytest.mark.parametrize(
    ("file", "header", "row", "told"),
    [
        ("law.csv", "id,commitments,title,body,in_force", "a,99.9,T,B,2023-01-01", 'row 2, column "commitments": \'99.9\''),
        ("law.csv", "id,commitments,title,body,in_force", "a,plan:1,T,B,2023-01-01", "an instrument of the register"),
        ("law.csv", "id,commitments,title,body,in_force", "a,,T,B,2023-01-01", "the cell is empty"),
        ("law.csv", "id,commitments,title,body,in_force", "a,8.4,T,B,1 July 2023", "a day such as 2026-03-01"),
        ("law.csv", "id,commitments,title,body,in_force", "a b,8.4,T,B,2023-01-01", "without spaces"),
        ("law.csv", "id,commitments,title,body,in_force", "training-judges-2024,8.4,T,B,2023-01-01", "an id that no other row has"),
        ("law.csv", "id,commitments,title,body,in_froce", "a,8.4,T,B,2023-01-01", "Did you mean 'in_force'?"),
        ("law.csv", "id,commitments,title,body,documents", "a,8.4,T,B,law-13", "Did you mean 'law-12-2023'?"),
        ("law.csv", "id,commitments,title,body,forms", "a,8.4,T,B,slavery", "forced_labour"),
        ("law.csv", "id,commitments,title,body", "a,8.4,Ask maria@example.org,B", "no address or telephone number"),
        ("law.csv", "id,commitments,title,body", "a,8.4,Call +44 20 7946 0958,B", "All that is recorded is published"),
        ("training.csv", "id,commitments,title,body,date,hours,persons,profession,evaluated",
         "a,15.11,T,B,2027-01-01,1,1,law_enforcement,yes", "a day up to 2026-01-15"),
        ("training.csv", "id,commitments,title,body,date,hours,persons,profession,evaluated",
         'a,15.11,T,B,2025-01-01,"1,5",1,law_enforcement,yes', "a number such as 1250000 or 12.5"),
        ("training.csv", "id,commitments,title,body,date,hours,persons,profession,evaluated",
         "a,15.11,T,B,2025-01-01,1,1,police,yes", "one of states, law_enforcement"),
        ("budget.csv", "id,commitments,title,body,year,currency,allocated", "a,16.b.1,T,B,24,USD,5", "a year such as 2026"),
        ("budget.csv", "id,commitments,title,body,year,currency,allocated", "a,16.b.1,T,B,2024,$,5", "ISO 4217"),
        ("payment.csv", "id,commitments,title,body,date,currency,amount,recipient,fund,pledge",
         "a,16.a.1,T,B,2024-01-01,USD,5,R,trust_fund,pledge-2020", "did you mean 'pledge-202"),
        ("payment.csv", "id,commitments,title,body,date,currency,amount,recipient,fund,pledge",
         "a,16.a.1,T,B,2024-01-01,EUR,5,R,trust_fund,pledge-2021", "the currency of its pledge"),
        ("statistic.csv", "id,commitments,title,body,indicator,year,part,whole,source",
         "a,15.5,T,B,financial_investigations,2024,9,8,S", 'a number up to the one in column "whole"'),
        ("statistic.csv", "id,commitments,title,body,indicator,year,amount,source",
         "a,15.5,T,B,financial_investigations,2024,9,S", "told in percent"),
        ("statistic.csv", "id,commitments,title,body,indicator,year,amount,source",
         "a,15.5,T,B,detected_victims,2024,9,S", "one of financial_investigations"),
        ("partnership.csv", "id,commitments,title,body,partners,sector,agreed,activities",
         "a,17.2,T,B,P,media,2024-01-01,2024-02-30", "days of the calendar"),
        ("lwa.csv", "id", "a", "of no kind that is known"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_was_expected(folder: Path, file: str, header: str, row: str, told: str) -> None:
    with pytest.raises(AmparoError) as caught:
        write(folder, file, header, row)
    assert told in str(caught.value)
    assert str(folder / file) in str(caught.value)


def test_a_document_that_was_changed_is_found(folder: Path) -> None:
    (folder / "documents" / "law-12-2023.txt").write_text("Law 12/2023, as somebody would like it", encoding="utf-8")
    with pytest.raises(AmparoError, match=r'row 2, column "sha256".*find out who changed it'):
        read(folder, REGISTER, today=TODAY)


def test_a_document_outside_the_folder_is_refused(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret", encoding="utf-8")
    for file in ("../secret.txt", str(folder.parent / "secret.txt"), "documents"):
        with pytest.raises(AmparoError, match="a file within the folder"):
            write(folder, "documents.csv", "id,title,file,sha256,published", f"a,T,{file},0,2024-01-01")


def test_amounts_of_two_currencies_are_not_added_up(folder: Path) -> None:
    record = write(
        folder,
        "budget.csv",
        "id,commitments,title,body,year,currency,allocated,spent",
        "a,16.b.1,T,B,2024,USD,100,50",
        "b,16.b.1,T,B,2024,EUR,200,50",
    )
    found = tally(record, REGISTER)
    assert found["budget_allocated"].series == ()
    assert {(p.by, p.value) for p in found["budget_allocated"].points} == {
        ((("currency", "EUR"),), 200), ((("currency", "USD"),), 100),
    }  # fmt: skip
    assert {p.value for p in found["budget_executed"].points} == {25, 50}


def test_recorded_indicators_by_hand(folder: Path) -> None:
    """Worked out from the example's files with pencil and paper."""
    latest = {name: one.latest for name, one in tally(read(folder, REGISTER, today=TODAY), REGISTER).items()}
    expected = {
        "treaties_in_force": ("", 4),
        "laws_in_force": ("", 1),
        "training_hours": ("2025", 12 * 80),
        "training_evaluated": ("2025", 0),
        "budget_allocated": ("2025", 2_400_000),
        "budget_executed": ("2024", 100 * 1990 / 2100),
        "trust_fund_paid": ("2024", 120_000),
        "pledges_paid": ("", 100 * 220 / 300),
        "partnerships_active": ("2025", 1),
        "financial_investigations": ("2025", 100 * 40 / 84),
        "survivors_consulted": ("2025", 0),
        "procurement_checked": ("2025", 40),
        "impact_assessed": ("", 100 / 3),
        "actions_evaluated": ("", 100),
    }
    for name, (period, value) in expected.items():
        point = latest[name]
        assert point is not None, name
        assert (point.period, point.value) == (period, pytest.approx(value)), name


def test_what_was_paid_beyond_a_pledge_makes_up_for_no_other(folder: Path) -> None:
    pledges = "id,commitments,title,body,due,date,currency,amount,recipient,fund"
    rows = [f"p{i},16.a.1,T,B,2024-12-31,2021-01-01,USD,100,R,trust_fund" for i in (1, 2)]
    (folder / "pledge.csv").write_text("\n".join([pledges, *rows]), encoding="utf-8")
    payments = "id,commitments,title,body,date,currency,amount,recipient,fund,pledge"
    record = write(folder, "payment.csv", payments, "a,16.a.1,T,B,2024-01-01,USD,200,R,trust_fund,p1")
    latest = tally(record, REGISTER)["pledges_paid"].latest
    assert latest is not None
    assert latest.value == 50
    assert "p2" in [row.id for row in record.overdue()]
    assert "p1" not in [row.id for row in record.overdue()]


def test_every_recorded_indicator_is_answered_or_says_why(folder: Path) -> None:
    found = tally(read(folder, REGISTER, today=TODAY), REGISTER)
    asked = {i.id for i in REGISTER.indicators.values() if i.source == "recorded" and i.inputs != ("review",)}
    assert set(found) == asked
    assert sum(one.known for one in found.values()) == 19
    for one in found.values():
        assert one.known != bool(one.reason)
        assert not one.known or one.provenance


# --- IATI -----------------------------------------------------------------------------------------------------------

# The rules of iati-activities-schema.xsd, release 2.03, for the elements that are written: children in the order in
# which they must stand, with the fewest and the most; the attributes that must be there, and those that may.
# Source: IATI Standard 2.03, Activity Standard, https://iatistandard.org/en/iati-standard/203/activity-standard/
MANY = 10**6
NARRATIVE = (("narrative", 1, MANY),)
CHILDREN: dict[str, tuple[tuple[str, int, int], ...]] = {
    "iati-activities": (("iati-activity", 1, MANY),),
    "iati-activity": (
        ("iati-identifier", 1, 1), ("reporting-org", 1, 1), ("title", 1, 1), ("description", 1, MANY),
        ("participating-org", 1, MANY), ("other-identifier", 0, MANY), ("activity-status", 1, 1),
        ("activity-date", 1, MANY), ("contact-info", 0, MANY), ("activity-scope", 0, 1),
        ("recipient-country", 0, MANY), ("recipient-region", 0, MANY), ("location", 0, MANY), ("sector", 0, MANY),
        ("country-budget-items", 0, 1), ("humanitarian-scope", 0, MANY), ("policy-marker", 0, MANY),
        ("collaboration-type", 0, 1), ("default-flow-type", 0, 1), ("default-finance-type", 0, 1),
        ("default-aid-type", 0, MANY), ("default-tied-status", 0, 1), ("budget", 0, MANY),
        ("planned-disbursement", 0, MANY), ("capital-spend", 0, 1), ("transaction", 0, MANY),
        ("document-link", 0, MANY), ("related-activity", 0, MANY), ("result", 0, MANY),
    ),
    "transaction": (
        ("transaction-type", 1, 1), ("transaction-date", 1, 1), ("value", 1, 1), ("description", 0, 1),
        ("provider-org", 0, 1), ("receiver-org", 0, 1), ("disbursement-channel", 0, 1), ("sector", 0, MANY),
        ("recipient-country", 0, 1), ("recipient-region", 0, 1), ("flow-type", 0, 1), ("finance-type", 0, 1),
        ("aid-type", 0, MANY), ("tied-status", 0, 1),
    ),
    **dict.fromkeys(("reporting-org", "participating-org", "provider-org", "receiver-org"), (("narrative", 0, MANY),)),
    "title": NARRATIVE,
    "description": NARRATIVE,
}  # fmt: skip
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATTRIBUTES: dict[str, tuple[set[str], set[str]]] = {
    "iati-activities": ({"version"}, {"generated-datetime", "linked-data-default"}),
    "iati-activity": (set(), {LANG, "default-currency", "last-updated-datetime", "hierarchy", "humanitarian"}),
    "reporting-org": ({"ref", "type"}, {"secondary-reporter"}),
    "participating-org": ({"role"}, {"ref", "type", "activity-id", "crs-channel-code"}),
    "activity-status": ({"code"}, set()),
    "activity-date": ({"type", "iso-date"}, set()),
    "activity-scope": ({"code"}, set()),
    "recipient-country": ({"code"}, {"percentage"}),
    "recipient-region": ({"code"}, {"vocabulary", "vocabulary-uri", "percentage"}),
    "sector": ({"code"}, {"vocabulary", "vocabulary-uri", "percentage"}),
    "transaction": (set(), {"ref", "humanitarian"}),
    "transaction-type": ({"code"}, set()),
    "transaction-date": ({"iso-date"}, set()),
    "value": ({"value-date"}, {"currency"}),
    "provider-org": (set(), {"ref", "type", "provider-activity-id"}),
    "receiver-org": (set(), {"ref", "type", "receiver-activity-id"}),
    "description": (set(), {"type"}),
    "narrative": (set(), {LANG}),
}
CODES = {
    ("activity-status", "code"): set("123456"),
    ("activity-date", "type"): set("1234"),
    ("activity-scope", "code"): set("12345678"),
    ("participating-org", "role"): set("1234"),
    ("transaction-type", "code"): {str(code) for code in range(1, 14)},
    ("reporting-org", "type"): {"10", "11", "15", "21", "22", "23", "24", "30", "40", "60", "70", "71", "72", "73", "80", "90"},
}  # fmt: skip


def faults(element: etree._Element) -> list[str]:
    """Where an element breaks the rules of the standard."""
    name = str(element.tag)
    rules = CHILDREN.get(name, ())
    order = [child for child, _, _ in rules]
    found = []
    places = [order.index(str(child.tag)) if child.tag in order else -1 for child in element]
    if -1 in places or places != sorted(places):
        found.append(f"{name}: children {[child.tag for child in element]}")
    for child, least, most in rules:
        if not least <= len(element.findall(child)) <= most:
            found.append(f"{name}: {child} {len(element.findall(child))} times")
    needed, may = ATTRIBUTES.get(name, (set(), set()))
    given = set(map(str, element.keys()))
    if not needed <= given <= needed | may:
        found.append(f"{name}: attributes {given}")
    for key in given:
        value = str(element.get(key))
        if (name, key) in CODES and value not in CODES[name, key]:
            found.append(f"{name}/@{key} {value}")
        if key in ("iso-date", "value-date"):
            date.fromisoformat(value)
        if key.endswith("-datetime") and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
            found.append(f"{name}/@{key} {value}")
    if name == "value":
        Decimal(str(element.text))
    if name in ("narrative", "iati-identifier") and not (element.text or "").strip():
        found.append(f"{name}: empty")
    return found + [fault for child in element for fault in faults(child)]


def test_the_iati_file_keeps_the_rules_of_the_standard(folder: Path) -> None:
    publisher = read_publisher(folder)
    assert publisher is not None
    record = read(folder, REGISTER, today=TODAY)
    written = export(record, publisher)
    root = etree.fromstring(written)
    assert faults(root) == []
    assert root.get("version") == "2.03"
    identifiers = [one.text for one in root.iter("iati-identifier")]
    assert identifiers == ["XM-DEMO-1-pledge-2021", "XM-DEMO-1-pledge-2025", "XM-DEMO-1-assistance-2025"]
    assert all(name is not None and name.startswith(f"{publisher.ref}-") for name in identifiers)
    paid = [
        Decimal(str(one.findtext("value")))
        for one in root.iter("transaction")
        if one.find("transaction-type[@code='3']") is not None
    ]
    assert sum(paid) == 100_000 + 120_000 + 45_000
    statuses = [str(one.get("code")) for one in root.iter("activity-status")]
    assert statuses == ["2", "2", "4"]  # the assistance was given; neither pledge is paid in full
    assert written == export(record, publisher)


def test_the_rules_find_what_is_out_of_place(folder: Path) -> None:
    publisher = read_publisher(folder)
    assert publisher is not None
    root = etree.fromstring(export(read(folder, REGISTER, today=TODAY), publisher))
    activity = root[0]
    activity.insert(0, activity[-1])
    root[1].find("activity-status").set("code", "9")  # type: ignore[union-attr]
    del root[1].find("activity-date").attrib["iso-date"]  # type: ignore[union-attr]
    assert len(faults(root)) == 3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('ref = "XM DEMO"', "ref"),
        ('type = "government"', "type"),
        ('sector = "human rights"', "sector"),
        ('x = "1"', "x"),
    ],
)
def test_a_publisher_that_iati_would_not_take_is_told(folder: Path, line: str, told: str) -> None:
    path = folder / "review.toml"
    key = line.partition(" ")[0]
    kept = [one for one in path.read_text(encoding="utf-8").splitlines() if not one.startswith(f"{key} =")]
    path.write_text("\n".join([*kept, line]), encoding="utf-8")
    with pytest.raises(AmparoError, match=rf"\[iati\] {told}"):
        read_publisher(folder)


# --- Victims' impact assessment -------------------------------------------------------------------------------------

QUESTIONS = tuple(code_labels("impact_question"))


def answers(folder: Path, better: int, worse: int, *, name: str = "law-12-2023.2026.csv") -> Path:
    path = folder / name
    rows = [["better"] * len(QUESTIONS)] * better + [["worse"] * len(QUESTIONS)] * worse
    path.write_text("\n".join(",".join(row) for row in [list(QUESTIONS), *rows]), encoding="utf-8")
    return path


def test_answers_are_counted_per_question_and_small_counts_withheld(tmp_path: Path) -> None:
    found = assess(answers(tmp_path, 40, 3), rule=Rule(10), provenance={"version": "test", "created": "2026-01-15"})
    assert next(table.name for table in found) == "impact_safety_law-12-2023_2026"
    assert len(found) == len(QUESTIONS)
    for table in found:
        shown = table.frame.set_index(table.dims[0])["lower"]
        assert shown["_T"] == 43
        assert shown.drop("_T").isna().all()  # the 3, and the 40 that would give them away


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("law.csv", "", "Name it after the law or policy and the year"),
        ("law-1.2026.csv", ",".join(QUESTIONS), "nobody answered"),
        ("law-1.2026.csv", ",".join(QUESTIONS) + "\nbetter" + ",yes" * (len(QUESTIONS) - 1), "one of better, same, worse"),
        ("law-1.2026.csv", "safety\nbetter", 'there is no column "dignity"'),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_used_are_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(AmparoError) as caught:
        assess(tmp_path / name, rule=Rule(10), provenance={})
    assert told in str(caught.value)


def test_answers_are_never_released_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="never shown one by one"):
        assess(answers(tmp_path, 40, 3), rule=Rule(1), provenance={})
