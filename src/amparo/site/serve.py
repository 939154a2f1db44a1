"""The desk's server: waitress, threads in one process, behind a proxy that ends TLS."""

from __future__ import annotations

import os
from pathlib import Path

from amparo.site.opening import make_desk, open_desk
from amparo.standard.errors import AmparoError

LOCAL = ("127.0.0.1", "localhost", "::1")


def demonstration(folder: Path, *, cases: int, seed: int) -> tuple[str, list[str]]:
    """Open a desk with invented persons, made where it is not there yet.

    Returns
    -------
    The password of its accounts, and their user names.

    Raises
    ------
    AmparoError : the folder holds a real desk.
    """
    if (folder / "session.key").exists() and not (folder / "demonstration").exists():
        raise AmparoError(
            "this is a real desk; invented persons are never put among real ones.",
            remedy="Name another folder, or leave --demo out.",
            where=str(folder),
        )
    os.environ["AMPARO_PLAIN_HTTP"] = "1"
    make_desk(folder)
    (folder / "demonstration").touch(mode=0o600)
    open_desk(folder)
    from amparo.site import demo
    from amparo.site.models import User

    password = demo.mark(folder)
    if not User.objects.exists():
        demo.fill(password, cases=cases, seed=seed)
    return password, demo.accounts()


def serve(*, host: str, port: int, threads: int) -> None:
    """Serve the open desk until it is stopped.

    Raises
    ------
    AmparoError : plain HTTP is asked for on an address that others can reach.
    """
    from waitress import serve as listen

    if os.environ.get("AMPARO_PLAIN_HTTP") == "1" and host not in LOCAL:
        raise AmparoError("without TLS the desk serves this machine alone.", remedy="Use --host 127.0.0.1.")
    listen(application(), host=host, port=port, threads=threads, ident="", clear_untrusted_proxy_headers=True)


def application() -> object:
    """The WSGI application of the open desk."""
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()
