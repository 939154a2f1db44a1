"""A desk is a folder: its keys, its database unless that is PostgreSQL, and nothing else.

    keys/0001.key …   encrypt names, contacts and notes; the highest number encrypts, the others only read
    audit.key         chains the audit log
    session.key       signs sessions and forms
    desk.sqlite3      the database, where ``DATABASE_URL`` names none

The keys belong on another disk than the backups of the database: together they open everything.
"""

from __future__ import annotations

import os
from pathlib import Path

from amparo.intake.key import new_key
from amparo.standard.errors import AmparoError

FOLDER = "AMPARO_SITE"
"""The environment variable that names the folder."""


def make_desk(folder: Path) -> None:
    """Make the folder and its keys; keys that are there stay.

    Raises
    ------
    AmparoError : the folder cannot be written.
    """
    try:
        (folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise AmparoError(f"the folder cannot be made ({error.strerror}).", where=str(folder)) from None
    for file in (folder / "keys" / "0001.key", folder / "audit.key", folder / "session.key"):
        if not file.exists() and not (file.parent.name == "keys" and any(file.parent.glob("*.key"))):
            new_key(file)


def open_desk(folder: Path) -> None:
    """Set Django up on the desk of a folder and bring its database up to date.

    Raises
    ------
    AmparoError : there is no desk, or this process has opened another one.
    """
    if not (folder / "session.key").exists():
        raise AmparoError("there is no desk here.", remedy="Make one: amparo site init FOLDER.", where=str(folder))
    opened = os.environ.setdefault(FOLDER, str(folder.resolve()))
    if opened != str(folder.resolve()):
        raise AmparoError(f"this process has opened the desk in {opened} already.", where=str(folder))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amparo.site.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
