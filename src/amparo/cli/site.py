"""The referral desk: serve it, make it, keep its keys and its log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from amparo.cli.shared import SEED, Quiet, err_console, out_console, spinner
from amparo.standard.errors import AmparoError

Desk = Annotated[Path, typer.Option("--desk", envvar="AMPARO_SITE", help="Folder of the desk: its keys and database.")]
DEFAULT_DESK = Path("desk")
DEMO_DESK = Path("out/desk")

site_app = typer.Typer(help="The referral desk: make it, its keys, its log.", no_args_is_help=True)


def serve(
    desk: Desk = DEFAULT_DESK,
    demo: Annotated[
        bool, typer.Option("--demo", help=f"Invented persons, in {DEMO_DESK} unless --desk is given.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    threads: Annotated[int, typer.Option(min=1, help="Requests worked on at once.")] = 8,
    local: Annotated[bool, typer.Option("--local", help="Plain HTTP, for a browser on this machine only.")] = False,
    cases: Annotated[int, typer.Option(min=20, help="Victims of the demonstration country.")] = 400,
    quiet: Quiet = False,
) -> None:
    """Serve the referral desk. Without --demo or --local it expects a proxy before it that ends TLS."""
    from amparo.site import serve as server

    if demo:
        folder = DEMO_DESK if desk == DEFAULT_DESK else desk
        with spinner("Making the demonstration", quiet=quiet):
            password, accounts = server.demonstration(folder, cases=cases, seed=SEED)
        table = Table("Account", "Password", title="Demonstration: these persons are invented", title_justify="left")
        for name in accounts:
            table.add_row(name, password)
        out_console.print(table)
    else:
        if local:
            os.environ["AMPARO_PLAIN_HTTP"] = "1"
        _open(desk)
    if not quiet:
        scheme = "http" if demo or local else "https (by your proxy), here"
        err_console.print(f"The desk answers on {scheme}://{host}:{port}/  Stop it with Ctrl-C.", highlight=False)
    server.serve(host=host, port=port, threads=threads)


def _open(desk: Path) -> None:
    from amparo.site.opening import open_desk

    open_desk(desk)


@site_app.command("init")
def init(desk: Desk = DEFAULT_DESK) -> None:
    """Make a desk: its folder, keys and database, and the first administrator."""
    from amparo.site.opening import make_desk

    make_desk(desk)
    _open(desk)
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    from amparo.site import audit
    from amparo.site.models import Agency, User

    if User.objects.exists():
        err_console.print(f"The desk in {desk} has accounts already; nothing was changed.", highlight=False)
        return
    password = typer.prompt(
        "Password of the first administrator (12 letters or more)", hide_input=True, confirmation_prompt=True
    )
    try:
        validate_password(password)
    except ValidationError as error:
        raise AmparoError(" ".join(error.messages), remedy="Run amparo site init again.") from None
    agency, _ = Agency.objects.get_or_create(name="Administration of the desk", kind="government")
    user = User.objects.create_user("admin", password, agency=agency, role="administrator")
    audit.write("create", user=user, detail={"page": "init"})
    out_console.print(f"Made {desk}. Sign in as admin; the second factor is set up there.", highlight=False)
    out_console.print("Keep a copy of the keys (*.key) apart from the backups of the database.")


@site_app.command("verify")
def verify(
    desk: Desk = DEFAULT_DESK,
    anchor: Annotated[str, typer.Option(help="What an earlier verify printed.")] = "",
) -> None:
    """Follow the chain of the audit log; exit 3 where it is broken."""
    _open(desk)
    from amparo.site import audit

    verdict = audit.verify(anchor)
    if verdict.fault:
        raise AmparoError(
            f"the audit log is broken: {verdict.fault}.",
            remedy="Keep the database as it is and call those who are responsible for security.",
            where=str(desk),
        )
    out_console.print(f"{verdict.count:,} entries, unbroken. Keep this elsewhere for the next time:", highlight=False)
    print(verdict.anchor)


@site_app.command("rotate-key")
def rotate_key(desk: Desk = DEFAULT_DESK, quiet: Quiet = False) -> None:
    """Make a new key and seal everything anew; afterwards the older keys may be destroyed. Stop the server first."""
    _open(desk)
    from amparo.site import audit, rotation, sealing

    file = sealing.ring().add_key()
    sealing.ring.cache_clear()
    with spinner("Sealing anew", quiet=quiet):
        count = rotation.reseal()
    audit.write("change", detail={"page": "rotate-key", "sealed": count})
    out_console.print(f"{count:,} values sealed anew with {file}. Older keys in its folder may go.", highlight=False)


@site_app.command("list")
def write_list(
    out: Annotated[Path, typer.Argument(help="Folder for the list and its crosswalk.")], desk: Desk = DEFAULT_DESK
) -> None:
    """Write the desk's cases as a list that amparo report takes: as private as the desk itself."""
    _open(desk)
    from amparo.site.desklist import desk_list

    path = desk_list(out)
    out_console.print(f"{path} and its crosswalk. It holds names: load it, then destroy it.", highlight=False)
