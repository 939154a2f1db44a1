"""The frame of the desk: sealed values, rotation, the status machine, the audit chain, and help that asks nothing."""

from __future__ import annotations

import inspect
import os
import tempfile
from pathlib import Path

import pytest

from amparo.site.opening import FOLDER, make_desk, open_desk
from amparo.standard.errors import AmparoError, KeyMissingError

DESK = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="desk-"))
os.environ["AMPARO_PLAIN_HTTP"] = "1"
make_desk(DESK)
open_desk(DESK)

from django.apps import apps  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402

from amparo.intake.key import load_key  # noqa: E402
from amparo.site import audit, rotation, sealing  # noqa: E402
from amparo.site.codes import codes, label  # noqa: E402
from amparo.site.models import AuditEntry, AuditHead, Case, Need, RecoveryPeriod, Service, User  # noqa: E402
from amparo.site.models import support as support_models  # noqa: E402
from amparo.site.models.accounts import Agency  # noqa: E402
from amparo.site.models.cases import TRANSITIONS, StatusError  # noqa: E402
from amparo.standard.variables import LANGUAGES  # noqa: E402


@pytest.fixture
def worker() -> User:
    number = Agency.objects.count()
    agency = Agency.objects.create(name=f"Shelter {number} {os.getpid()}", kind="shelter")
    return User.objects.create_user(f"frame{number}", None, agency=agency, role="worker")


@pytest.fixture
def case(worker: User) -> Case:
    case = Case(agency=worker.agency, opened_by=worker, record={"sex": "female", "age": 19})
    case.seal("identity", {"given_name": "Zuleykha", "family_name": "Marrufat"})
    case.save()
    case.index_names()
    return case


def test_a_sealed_value_opens_at_its_own_place_only(case: Case, worker: User) -> None:
    assert case.opened("identity") == {"given_name": "Zuleykha", "family_name": "Marrufat"}
    other = Case(agency=worker.agency)
    other.identity = case.identity
    with pytest.raises(KeyMissingError, match="changed or moved"):
        other.opened("identity")
    changed = bytearray(case.identity)
    changed[-1] ^= 1
    case.identity = bytes(changed)
    with pytest.raises(KeyMissingError):
        case.opened("identity")


def test_names_of_different_length_are_sealed_to_the_same_length(case: Case) -> None:
    short, long = Case(), Case()
    short.seal("identity", {"given_name": "Li"})
    long.seal("identity", {"given_name": "Bartholomew"})
    assert len(short.identity) == len(long.identity)


def test_after_rotation_the_old_key_opens_nothing_and_searching_still_finds(case: Case) -> None:
    old = load_key(sorted((DESK / "keys").glob("*.key"))[-1])
    words_before = set(case.words.values_list("word", flat=True))
    sealing.ring().add_key()
    sealing.ring.cache_clear()
    assert rotation.reseal() >= 1
    case.refresh_from_db()
    assert case.opened("identity")["given_name"] == "Zuleykha"
    with pytest.raises(KeyMissingError):
        sealing.unseal(old, case.identity, f"desk_case/{case.pk}/identity")
    words_after = set(case.words.values_list("word", flat=True))
    assert words_after
    assert not words_before & words_after
    assert set(sealing.ring().words(["word zuleykha"])) <= words_after
    assert rotation.reseal() == 0


def test_every_step_of_the_status_machine_and_no_other(worker: User) -> None:
    every = codes("case_status")
    assert set(TRANSITIONS) == set(every)
    for before in every:
        for after in every:
            case = Case.objects.create(agency=worker.agency, status=before)
            if after in TRANSITIONS[before]:
                change = case.change_status(after, by=worker, reason="said so")
                assert (change.before, change.after, case.status) == (before, after, after)
                assert change.texts() == {"reason": "said so"}
            else:
                with pytest.raises(StatusError):
                    case.change_status(after, by=worker, reason="said so")
                assert Case.objects.get(pk=case.pk).status == before


def test_a_decision_needs_its_reason(case: Case, worker: User) -> None:
    with pytest.raises(StatusError, match="reason"):
        case.change_status("identified", by=worker, reason="  ")


def test_an_age_in_doubt_is_a_childs(worker: User) -> None:
    assert Case(record={"age": 17}).is_child
    assert Case(record={"age": 30}, age_in_doubt=True).is_child
    assert Case(record={"age_group": "child"}).is_child
    assert not Case(record={"age": 18}).is_child
    assert not Case(record={}).is_child


def test_help_cannot_hang_on_cooperation_by_construction() -> None:
    """No model of help has a column that reaches proceedings, cooperation or status, and its file names none of them."""
    help_models = [
        model
        for model in vars(support_models).values()
        if inspect.isclass(model) and model.__module__ == support_models.__name__
    ]
    assert len(help_models) == 6
    case_columns = {"case", "created_by", "need", "service", "agency", "referrals"}
    for model in help_models:
        for field in model._meta.get_fields():
            if field.is_relation:
                assert field.name in case_columns, (model, field.name)
            assert not any(word in field.name for word in ("proceed", "cooperat", "takes_part", "status", "testif"))
    assert "justice" not in inspect.getsource(support_models).split("from __future__")[1]


@pytest.mark.parametrize("status", ["presumed", "identified", "recognised", "rejected", "appealed"])
@pytest.mark.parametrize("takes_part", ["yes", "no", "unknown", None])
def test_help_is_the_same_whatever_the_status_and_the_cooperation(
    worker: User, status: str, takes_part: str | None
) -> None:
    case = Case.objects.create(agency=worker.agency, status=status)
    if takes_part:
        case.proceedings.create(created_by=worker, takes_part=takes_part)
    need = Need.objects.create(case=case, created_by=worker, kind="housing", pillar="support")
    period = RecoveryPeriod.objects.create(case=case, created_by=worker, starts="2026-01-01", ends="2026-03-31")
    service = Service.objects.create(agency=worker.agency, kind="housing", capacity=1)
    assert (need.state, period.state, service.is_open) == ("open", "granted", True)


# --- the audit log -------------------------------------------------------------------------------------------


def test_the_chain_holds_and_tells_each_tampering(case: Case, worker: User) -> None:
    for number in range(3):
        audit.write(
            "view",
            user=worker,
            case=case,
            detail={"groups": ["identity"], "n": number},
            words="Zuleykha" if number else "",
        )
    sound = audit.verify()
    assert (sound.fault, sound.count) == ("", AuditHead.objects.get(pk=1).count)
    last = AuditEntry.objects.get(number=sound.count)
    assert audit.words(last) == "Zuleykha"
    table = AuditEntry._meta.db_table
    tamperings = [
        (f"UPDATE {table} SET action = 'search' WHERE number = {sound.count - 1}", "was changed"),
        (f"UPDATE {table} SET actor = NULL WHERE number = {sound.count}", "was changed"),
        (f"UPDATE {table} SET detail = '{{}}' WHERE number = {sound.count - 1}", "was changed"),
        (f"DELETE FROM {table} WHERE number = {sound.count - 1}", "is missing"),
        (f"DELETE FROM {table} WHERE number = {sound.count}", "cut off"),
        (f"UPDATE {table} SET number = {sound.count + 7} WHERE number = {sound.count}", "is missing"),
    ]
    for statement, fault in tamperings:
        with transaction.atomic(), connection.cursor() as cursor:
            _drop_guards(cursor)
            cursor.execute(statement)
            assert fault in audit.verify().fault, statement
            transaction.set_rollback(True)
    assert audit.verify().fault == ""


def test_cutting_off_the_end_with_the_head_is_told_by_the_anchor(worker: User) -> None:
    audit.write("view", user=worker)
    early = AuditHead.objects.get(pk=1)
    audit.write("view", user=worker)
    anchor = audit.verify().anchor
    with transaction.atomic(), connection.cursor() as cursor:
        _drop_guards(cursor)
        cursor.execute(f"DELETE FROM {AuditEntry._meta.db_table} WHERE number > {early.count}")
        AuditHead.objects.filter(pk=1).update(count=early.count, mac=early.mac)
        assert audit.verify().fault == ""
        assert "anchor" in audit.verify(anchor).fault
        transaction.set_rollback(True)
    assert audit.verify(anchor).fault == ""


def test_the_database_itself_refuses_to_change_or_delete_an_entry(worker: User) -> None:
    audit.write("view", user=worker)
    for statement in ("UPDATE desk_auditentry SET action = 'x'", "DELETE FROM desk_auditentry"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    entry = AuditEntry.objects.first()
    for attempt in (entry.save, entry.delete):
        with pytest.raises(TypeError):
            attempt()


def test_an_entry_is_kept_only_with_what_it_tells_of(worker: User) -> None:
    before = AuditHead.objects.get(pk=1).count
    with transaction.atomic():
        audit.write("create", user=worker)
        transaction.set_rollback(True)  # what it tells of failed
    assert AuditHead.objects.get(pk=1).count == before == audit.verify().count


def _drop_guards(cursor: object) -> None:
    """What an intruder with all rights on the database would do first."""
    on = " ON desk_auditentry" if connection.vendor == "postgresql" else ""
    for name in ("desk_audit_no_update", "desk_audit_no_delete"):
        cursor.execute(f"DROP TRIGGER {name}{on}")  # type: ignore[attr-defined]


# --- the rest ------------------------------------------------------------------------------------------------


def test_every_code_list_of_every_model_is_there_with_six_labels() -> None:
    for model in apps.get_app_config("desk").get_models():
        for field in model._meta.get_fields():
            if hasattr(field, "codes"):
                for code in codes(field.codes):
                    assert all(label(field.codes, code, lang) for lang in LANGUAGES), (field.codes, code)
    for name in ("sign", "group", "audit_action"):
        assert all(label(name, code, lang) for code in codes(name) for lang in LANGUAGES)


def test_signs_never_speak_of_nationality_or_ethnicity() -> None:
    for code in codes("sign"):
        text = label("sign", code, "en").casefold()
        assert not any(
            word in f"{code} {text}"
            for word in ("national", "ethni", "citizen", "race", "foreign", "religio", "migrant")
        )


def test_a_second_desk_is_refused_in_one_process(tmp_path: Path) -> None:
    with pytest.raises(AmparoError, match="no desk here"):
        open_desk(tmp_path)
    make_desk(tmp_path)
    with pytest.raises(AmparoError, match="already"):
        open_desk(tmp_path)


def test_keys_are_for_their_owner_alone_and_never_made_anew(tmp_path: Path) -> None:
    make_desk(tmp_path / "desk")
    files = sorted((tmp_path / "desk").rglob("*.key"))
    before = [file.read_bytes() for file in files]
    assert [file.stat().st_mode & 0o077 for file in files] == [0, 0, 0]
    make_desk(tmp_path / "desk")
    assert [file.read_bytes() for file in files] == before
