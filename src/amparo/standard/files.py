"""Writing a file whole or not at all: whatever stops the program, the last good state is there."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Put the content at the path, on the disk before the old file gives way.

    mode : permissions of the file, less the process's umask; 0o600 for what only its owner may read.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
