"""What the pages do: intake, saving without loss, sharing, decisions, the person's own door, in every language."""

from __future__ import annotations

import json
import os
import re
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from amparo.site.opening import FOLDER, make_desk, open_desk

DESK = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="desk-"))
os.environ["AMPARO_PLAIN_HTTP"] = "1"
make_desk(DESK)
open_desk(DESK)

from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from amparo.site import demo, facts, text  # noqa: E402
from amparo.site.entries import KINDS  # noqa: E402
from amparo.site.models import (  # noqa: E402
    Agency,
    AuditEntry,
    Case,
    Consent,
    DoorCode,
    Draft,
    Need,
    Referral,
    Service,
    User,
)
from amparo.site.views.directory import matching  # noqa: E402
from amparo.standard.variables import LANGUAGES  # noqa: E402


def make_user(kind: str = "shelter", role: str = "worker") -> User:
    number = User.objects.count()
    agency = Agency.objects.create(name=f"{kind} of pages {number} {os.getpid()}", kind=kind)
    user = User.objects.create_user(f"pages{number}", None, agency=agency, role=role, name="Night Worker")
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    return user


def signed_in(user: User, lang: str = "en") -> Client:
    client = Client(headers={"accept-language": lang})
    client.force_login(user)
    return client


@pytest.fixture
def worker() -> User:
    return make_user()


@pytest.fixture
def client(worker: User) -> Client:
    return signed_in(worker)


@pytest.fixture
def case(worker: User) -> Case:
    case = Case(agency=worker.agency, opened_by=worker, language="es", record={"sex": "female", "age": 19})
    case.seal("identity", {"given_name": "Ana", "family_name": "Prueba"})
    case.save()
    case.index_names()
    return case


# --- words ---------------------------------------------------------------------------------------------------


def test_the_six_languages_have_the_same_messages_with_the_same_values() -> None:
    folder = Path(text.__file__).parent / "messages"
    found = {}
    for lang in LANGUAGES:
        lines = [line for line in (folder / f"{lang}.ftl").read_text(encoding="utf-8").splitlines() if " = " in line]
        found[lang] = {line.split(" = ")[0]: sorted(re.findall(r"\$\w+", line)) for line in lines}
        assert all(line.split(" = ", 1)[1].strip() for line in lines)
    assert all(found[lang] == found["en"] for lang in LANGUAGES)


def test_every_message_that_a_page_or_form_asks_for_is_there() -> None:
    room = Path(text.__file__).parent
    asked = set()
    for page in room.glob("templates/**/*.html"):
        asked |= set(re.findall(r"\{% t [\"']([\w-]+)[\"']", page.read_text(encoding="utf-8")))
    for code in (*room.glob("*.py"), *room.glob("views/*.py")):
        asked |= {
            f"field-{name}" for name in re.findall(r"field_label\(\"([\w-]+)\"\)", code.read_text(encoding="utf-8"))
        }
        asked |= set(re.findall(r"\"(?:title|lead)\": \"([\w-]+)\"", code.read_text(encoding="utf-8")))
    asked |= {f"entry-{kind}" for kind in KINDS}
    for message in sorted(asked - {"field-case_number"}):
        text._bundle("en").get_message(message)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_of_a_worker_speaks_the_language_and_is_small(lang: str, worker: User, case: Case) -> None:
    client = signed_in(worker, lang)
    need = Need.objects.create(case=case, created_by=worker, kind="housing", pillar="support", urgent=True)
    entries = [f"/cases/{case.pk}/entries/{kind}/new" for kind in KINDS]
    groups = [f"/cases/{case.pk}/edit/{group}" for group in facts.FIELDS]
    case_pages = [
        f"/cases/{case.pk}/{end}"
        for end in ("", "print", "seen", "screening", "status", "consent", "door", f"needs/{need.pk}/help")
    ]
    for page in (
        "/day",
        "/cases/",
        "/cases/new",
        "/calendar",
        "/referrals",
        "/services",
        "/services/new",
        "/emergency",
        *case_pages,
        *groups,
        *entries,
    ):
        response = client.get(page)
        body = response.content.decode()
        assert response.status_code == 200, page
        assert f'<html lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}">' in body
        assert len(response.content) < 100_000, page
        assert "<script>" not in body
        assert " style=" not in body
        assert not re.search(r"\son\w+=", body)
        for label in re.findall(r"<label for=\"[^\"]+\"[^>]*>([^<]*)<", body):
            assert label.strip(), page


# --- intake --------------------------------------------------------------------------------------------------


def test_intake_works_with_nothing_but_a_judgement(client: Client, worker: User) -> None:
    response = client.post("/cases/new", {"place": "border", "conclusion": "unclear"})
    case = Case.objects.get(pk=response["Location"].split("/")[2])
    assert (case.status, case.agency, case.record["place_of_identification"]) == ("presumed", worker.agency, "border")
    assert case.screenings.get().conclusion == "unclear"
    assert case.opened("identity") == {}


def test_intake_of_a_child_with_everything(client: Client) -> None:
    told = {
        "place": "border",
        "conclusion": "signs",
        "seen": ["child_alone", "fearful"],
        "given_name": "Nour",
        "age": "15",
        "citizenship": ["SYR"],
        "language": "ar",
        "needs": ["housing", "legal"],
        "urgent": "on",
        "never_by": "Uncle",
    }
    case = Case.objects.get(pk=client.post("/cases/new", told)["Location"].split("/")[2])
    assert case.is_child
    assert case.record["age_group"] == "child"
    assert case.opened("contact") == {"never_by": "Uncle"}
    assert set(case.needs.values_list("kind", "urgent")) == {("housing", True), ("legal", True)}
    assert case.screenings.get().seen == ["child_alone", "fearful"]


def test_a_name_is_found_as_written_as_it_sounds_and_in_another_script(client: Client, case: Case) -> None:
    case.seal("identity", {"given_name": "Mohammed", "family_name": "Haddad"})
    case.save()
    case.index_names()
    for words in ("Mohammed Haddad", "haddad", "Muhammad", "محمد", case.number, case.number.lower().replace("-", "")):
        assert case.number in client.post("/cases/", {"q": words}).content.decode().split("<ul", 1)[-1], words
    for words in ("Hassan", "Schneider", "Mohammed Schneider", "%", "' OR 1=1 --"):
        assert f"/cases/{case.pk}/" not in client.post("/cases/", {"q": words}).content.decode(), words


def test_a_name_searched_for_is_in_no_address_and_lies_sealed_in_the_log(client: Client, case: Case) -> None:
    client.post("/cases/", {"q": "Prueba"})
    entry = AuditEntry.objects.filter(action="search").order_by("-number").first()
    assert entry.detail == {"found": 1}
    assert b"Prueba" not in bytes(entry.sealed)
    assert "?q=" not in client.get("/cases/").content.decode()


def test_perhaps_the_same_person_is_hinted(client: Client, case: Case) -> None:
    told = {"place": "other", "conclusion": "unclear", "given_name": "Ana", "family_name": "Prueba"}
    page = client.get(client.post("/cases/new", told)["Location"]).content.decode()
    assert f"/cases/{case.pk}/" in page


# --- nothing that was typed is lost --------------------------------------------------------------------------


def edit(case: Case, values: dict[str, str], base: dict[str, object], group: str = "identity") -> dict[str, object]:
    return {**{name: value for name, value in base.items() if value}, **values, "base": json.dumps(base)}


def test_two_people_who_change_different_fields_are_merged(client: Client, case: Case) -> None:
    base = facts.read(case, "identity")
    address = f"/cases/{case.pk}/edit/identity"
    client.post(address, edit(case, {"alias": "Ani"}, base))
    response = client.post(address, edit(case, {"family_name": "Pruebas"}, base))
    assert response.status_code == 302
    case.refresh_from_db()
    assert case.opened("identity") == {"given_name": "Ana", "family_name": "Pruebas", "alias": "Ani"}
    assert case.version == 3
    assert text.text("saved-merged", "en") in client.get(response["Location"]).content.decode()


def test_a_field_that_both_changed_is_shown_with_both_values_and_nothing_is_lost(client: Client, case: Case) -> None:
    base = facts.read(case, "identity")
    address = f"/cases/{case.pk}/edit/identity"
    client.post(address, edit(case, {"family_name": "Theirs"}, base))
    response = client.post(address, edit(case, {"family_name": "Mine", "alias": "Ani"}, base))
    page = response.content.decode()
    assert response.status_code == 409
    assert "Theirs" in page
    assert 'value="Mine"' in page
    assert 'value="Ani"' in page
    assert Case.objects.get(pk=case.pk).opened("identity")["family_name"] == "Theirs"
    base_now = json.loads(re.search(r'name="base" value="([^"]*)"', page).group(1).replace("&quot;", '"'))  # type: ignore[union-attr]
    assert client.post(address, edit(case, {"family_name": "Mine", "alias": "Ani"}, base_now)).status_code == 302
    assert Case.objects.get(pk=case.pk).opened("identity") == {
        "given_name": "Ana",
        "family_name": "Mine",
        "alias": "Ani",
    }


def test_a_forged_base_changes_nothing_but_ones_own_form(client: Client, case: Case) -> None:
    for base in ("[]", "null", "{", '{"given_name": {"x": 1}}', "1" * 200):
        response = client.post(
            f"/cases/{case.pk}/edit/identity", {"given_name": "Ana", "family_name": "Prueba", "base": base}
        )
        assert response.status_code in (302, 409)
    assert Case.objects.get(pk=case.pk).opened("identity") == {"given_name": "Ana", "family_name": "Prueba"}


def test_a_draft_comes_back_sealed_until_it_is_saved(client: Client, worker: User, case: Case) -> None:
    address = f"/cases/{case.pk}/edit/account"
    assert client.post("/draft", {"draft-form": address, "account_text": "Half a sentence", "base": "{}"}).json() == {
        "kept": True
    }
    draft = Draft.objects.get(user=worker)
    assert b"Half" not in bytes(draft.sealed)
    assert "Half a sentence" in client.get(address).content.decode()
    assert "Half a sentence" not in signed_in(make_user()).get(address).content.decode()
    client.post(address, {"account_text": "A whole sentence.", "base": json.dumps({"account_text": ""})})
    assert not Draft.objects.filter(user=worker).exists()
    client.post("/draft", {"draft-form": address, "account_text": "x"})
    assert client.post("/draft", {"draft-form": address, "draft-discard": "1"})["Location"] == address
    assert not Draft.objects.filter(user=worker).exists()
    assert client.post("/draft", {"draft-form": "https://elsewhere.example/"}).status_code == 422


# --- consent, referral, decision -----------------------------------------------------------------------------


def ask(case: Case, recipient: User, **more: object) -> dict[str, object]:
    return {
        "recipient": recipient.agency_id,
        "purpose": "assistance",
        "groups": ["identity", "needs"],
        "language": "ar",
        "given_by": "person",
        **more,
    }


def test_consent_is_read_in_the_persons_language_before_it_is_recorded(client: Client, case: Case) -> None:
    ngo = make_user("ngo")
    page = client.get(f"/cases/{case.pk}/consent", ask(case, ngo)).content.decode()
    assert '<blockquote lang="ar" dir="rtl">' in page
    assert text.text("consent-say-4", "ar") in page
    assert text.text("consent-interpreter", "en") not in page
    far = client.get(f"/cases/{case.pk}/consent", ask(case, ngo, language="ti")).content.decode()
    assert text.text("consent-interpreter", "en") in far
    assert not Consent.objects.filter(case=case).exists()
    client.post(f"/cases/{case.pk}/consent", ask(case, ngo))  # without an answer nothing is recorded
    assert not Consent.objects.filter(case=case).exists()


def test_a_refusal_is_recorded_and_shares_nothing(client: Client, case: Case) -> None:
    ngo = make_user("ngo")
    client.post(f"/cases/{case.pk}/consent", ask(case, ngo, answer="no"))
    assert not Consent.objects.get(case=case).given
    assert client.get(f"/cases/{case.pk}/refer")["Location"] == f"/cases/{case.pk}/consent"


def test_a_referral_from_offer_to_end(client: Client, worker: User, case: Case) -> None:
    ngo = make_user("ngo")
    reader = signed_in(ngo)
    need = Need.objects.create(case=case, created_by=worker, kind="legal", pillar="justice")
    assert (
        client.post(f"/cases/{case.pk}/consent", ask(case, ngo, answer="yes"))["Location"] == f"/cases/{case.pk}/refer"
    )
    consent = Consent.objects.get(case=case)
    until = (timezone.localdate() + timedelta(days=30)).isoformat()
    offer = {"consent": consent.pk, "need": need.pk, "answer_hours": "24", "until": until, "message": "Speaks Spanish"}
    assert client.post(f"/cases/{case.pk}/refer", {**offer, "until": "2020-01-01"}).status_code == 422
    assert client.post(f"/cases/{case.pk}/refer", offer).status_code == 302
    referral = Referral.objects.get(case=case)
    before = reader.get(f"/referrals/{referral.pk}").content.decode()
    assert "Speaks Spanish" in before
    assert "Prueba" not in before
    assert reader.get(f"/cases/{case.pk}/").status_code == 404
    assert reader.post(f"/referrals/{referral.pk}", {"answer": "refused", "reason": " "}).status_code == 422
    assert reader.post(f"/referrals/{referral.pk}", {"answer": "accepted"})["Location"] == f"/cases/{case.pk}/"
    assert "Prueba" in reader.get(f"/cases/{case.pk}/").content.decode()
    assert (
        reader.post(
            f"/cases/{case.pk}/entries/need/{need.pk}", {"kind": "legal", "pillar": "justice", "state": "met"}
        ).status_code
        == 302
    )
    need.refresh_from_db()
    assert need.state == "met"
    assert client.post(f"/cases/{case.pk}/refer/{referral.pk}/end").status_code == 302
    assert reader.get(f"/cases/{case.pk}/").status_code == 404


def test_a_late_answer_is_overdue_on_the_owners_day_page(client: Client, worker: User, case: Case) -> None:
    ngo = make_user("ngo")
    client.post(f"/cases/{case.pk}/consent", ask(case, ngo, answer="yes"))
    until = (timezone.localdate() + timedelta(days=30)).isoformat()
    client.post(
        f"/cases/{case.pk}/refer", {"consent": Consent.objects.get(case=case).pk, "answer_hours": "4", "until": until}
    )
    assert text.text("day-overdue", "en") not in client.get("/day").content.decode()
    Referral.objects.filter(case=case).update(answer_by=timezone.now() - timedelta(minutes=1))
    assert text.text("day-overdue", "en") in client.get("/day").content.decode()


def test_status_with_appeal(case: Case) -> None:
    police = make_user("police")
    Case.objects.filter(pk=case.pk).update(agency=police.agency)
    reader = signed_in(police)
    for to in ("rejected", "appealed", "recognised"):
        assert reader.post(f"/cases/{case.pk}/status", {"to": to, "reason": "As heard."}).status_code == 302
    assert [change.after for change in case.statuschanges.order_by("created_at")] == [
        "rejected",
        "appealed",
        "recognised",
    ]
    assert reader.post(f"/cases/{case.pk}/status", {"to": "rejected", "reason": "x"}).status_code == 422


def test_matching_by_sex_age_language_and_places(worker: User, case: Case) -> None:
    Service.objects.all().delete()
    agency = make_user("ngo").agency
    fits = Service.objects.create(agency=agency, kind="housing", capacity=1, languages=["es"], sexes=["female"])
    full = Service.objects.create(agency=agency, kind="housing", capacity=0)
    Service.objects.create(agency=agency, kind="housing", capacity=5, sexes=["male"])
    Service.objects.create(agency=agency, kind="housing", capacity=5, oldest=17)
    Service.objects.create(agency=agency, kind="housing", capacity=5, is_open=False)
    Service.objects.create(agency=agency, kind="legal", capacity=5)
    other = Service.objects.create(agency=agency, kind="housing", capacity=9, languages=["fr"])
    assert [s.pk for s in matching("housing", case)] == [fits.pk, other.pk, full.pk]
    before = [s.pk for s in matching("housing", case)]
    case.status = "rejected"
    case.proceedings.create(created_by=worker, takes_part="no")
    assert [s.pk for s in matching("housing", case)] == before  # neither status nor cooperation is asked


# --- the person's own door -----------------------------------------------------------------------------------


@pytest.fixture
def paper(client: Client, case: Case) -> str:
    cache.clear()
    page = client.post(f"/cases/{case.pk}/door", {"pin": "4821"}).content.decode()
    return re.search(r'class="code" dir="ltr">([^<]+)<', page).group(1)  # type: ignore[union-attr]


def test_the_door_shows_what_is_held_and_who_saw_it_and_takes_consent_back(
    client: Client, case: Case, paper: str
) -> None:
    ngo = make_user("ngo")
    client.post(f"/cases/{case.pk}/consent", ask(case, ngo, answer="yes"))
    person = Client(headers={"accept-language": "es"})
    assert person.post("/i/", {"code": paper.lower(), "pin": "4821"})["Location"] == "/i/home"
    page = person.get("/i/home").content.decode()
    assert "Ana" in page
    assert "Night Worker" not in page  # kinds of agencies, never names of people
    assert case.agency.name not in page
    consent = Consent.objects.get(case=case)
    person.post(f"/i/take-back/{consent.pk}")
    consent.refresh_from_db()
    assert consent.withdrawn_at is not None
    person.post("/i/say", {"kind": "complaint", "respect": "no", "words": "Nobody listened."})
    said = case.feedbacks.get()
    assert (said.kind, said.texts()["words"]) == ("complaint", "Nobody listened.")
    assert said.due is not None
    assert "Nobody listened." in client.get(f"/cases/{case.pk}/").content.decode()
    left = person.get("/i/exit")
    assert left["Clear-Site-Data"] == '"cache", "storage"'
    assert person.get("/i/home")["Location"] == "/i/"


def test_the_door_stays_shut_after_five_wrong_pins_and_for_old_papers(client: Client, case: Case, paper: str) -> None:
    person = Client()
    for _ in range(5):
        assert person.post("/i/", {"code": paper, "pin": "0000"}).status_code == 422
    assert person.post("/i/", {"code": paper, "pin": "4821"}).status_code == 422
    fresh = client.post(f"/cases/{case.pk}/door", {"pin": "1234"}).content.decode()
    assert DoorCode.objects.filter(case=case).count() == 1
    assert paper not in fresh
    assert person.post("/i/", {"code": paper, "pin": "1234"}).status_code == 422


def test_the_door_makes_a_guesser_wait_and_tells_nothing(case: Case, paper: str) -> None:
    person = Client()
    answers = {person.post("/i/", {"code": f"WRNG-{n}", "pin": "1111"}).status_code for n in range(20)}
    assert answers == {422}
    assert person.post("/i/", {"code": paper, "pin": "4821"}).status_code == 429
    cache.clear()


def test_the_door_closes_by_itself_and_reaches_no_other_case(case: Case, paper: str, worker: User) -> None:
    other = Consent.objects.create(
        case=Case.objects.create(agency=worker.agency),
        recipient=make_user("ngo").agency,
        purpose="assistance",
        language="en",
    )
    person = Client()
    person.post("/i/", {"code": paper, "pin": "4821"})
    assert person.post(f"/i/take-back/{other.pk}").status_code == 404
    assert person.get("/day").status_code == 302
    session = person.session
    session["door_at"] = session["door_at"] - 601
    session.save()
    assert person.get("/i/home")["Location"] == "/i/"


def test_no_page_of_the_door_is_kept_or_named(case: Case, paper: str) -> None:
    person = Client()
    person.post("/i/", {"code": paper, "pin": "4821"})
    for page in ("/i/", "/i/home"):
        response = person.get(page)
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "same-origin"
        assert "amparo" not in response.content.decode().casefold().replace("/static/desk/", "")


# --- counts, work, queries -----------------------------------------------------------------------------------


def test_pages_ask_the_database_as_often_for_many_cases_as_for_few(worker: User) -> None:
    client = signed_in(worker)

    def queries(page: str) -> int:
        client.get(page)
        with CaptureQueriesContext(connection) as caught:
            client.get(page)
        return len(caught)

    def add(count: int) -> None:
        for _ in range(count):
            case = Case.objects.create(agency=worker.agency, record={"sex": "female"})
            Need.objects.create(
                case=case, created_by=worker, kind="housing", pillar="support", urgent=True, due=timezone.localdate()
            )
            foreign = Case.objects.create(agency=other.agency)
            consent = Consent.objects.create(
                case=foreign, recipient=worker.agency, purpose="assistance", groups=["needs"], language="en"
            )
            for state in ("accepted", "offered"):
                Referral.objects.create(
                    case=foreign,
                    recipient=worker.agency,
                    consent=consent,
                    purpose="assistance",
                    groups=["needs"],
                    state=state,
                    answer_by=timezone.now(),
                    until=timezone.localdate(),
                )

    other = make_user("ngo")
    add(2)
    few = {page: queries(page) for page in ("/day", "/cases/", "/referrals", "/calendar", "/services")}
    add(8)
    assert {page: queries(page) for page in few} == few


def test_the_demonstration_fills_a_desk_and_its_figures_are_protected() -> None:
    from amparo.site import figures

    if not User.objects.filter(username="shelter").exists():
        assert demo.fill("a demonstration", cases=150, seed=7) > 40
    tables = {table.name: table for table in figures.desk_tables()}
    frame = tables["cases"].frame
    total = frame[(frame[["year", "sex", "age_group"]] == "_T").all(axis=1)]["count"].item()
    assert total == Case.objects.count()
    shown = figures.monthly()
    for table in shown["tables"]:
        for row in table["rows"]:
            assert (
                row["upper"] is None
                or row["upper"] == 0
                or row["upper"] >= figures.THRESHOLD
                or {"_X", "unknown"} & set(row.values())  # tells of the record, not of a person
            ), (table["name"], row)


def test_the_tables_are_named_as_the_reviews_inputs() -> None:
    from amparo.review import register
    from amparo.site import figures

    data = Path(register.__file__).parent / "data" / "codes.csv"
    known = {
        line.split(",")[1] for line in data.read_text(encoding="utf-8").splitlines() if line.startswith("desk_record,")
    }
    assert {table.name for table in figures.desk_tables()} == known
