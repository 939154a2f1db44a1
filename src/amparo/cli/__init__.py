"""The command line: one command for each thing that a person comes for.

Exit codes: 0 done; 1 a fault of Amparo's own; 2 the command was written wrongly; 3 an input cannot be used
(the message says which and what to do); 4 the key is missing or wrong.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from amparo import __version__
from amparo.cli import linkage, lists, prevalence, protection, report, review, site
from amparo.cli.shared import err_console
from amparo.standard.errors import AmparoError

STORY = """From agencies' lists on trafficking in persons to a published national picture that exposes nobody.

[bold]Once:[/bold]     amparo key new                      a key that encrypts names and contacts; keep it safe
[bold]The job:[/bold]  amparo report LISTS... --out DIR    check, count, protect and publish, in six languages
[bold]Persons:[/bold]  amparo link                         the same person in several lists, with or without names
[bold]Unseen:[/bold]   amparo prevalence FILE              how many victims were never detected, with intervals
[bold]Records:[/bold]  amparo release LISTS... --out DIR   tables or protected records for others to work with
[bold]Leaks:[/bold]    amparo audit FILE                   what the totals of a published table give away
[bold]Review:[/bold]   amparo review LISTS... --out DIR    every commitment of the 2021 declaration, with its evidence
[bold]Desk:[/bold]     amparo serve --demo                 the referral desk, with a made-up country to try it
[bold]Try it:[/bold]   amparo simulate DIR                 the lists of a made-up country, with the truth apart

A list is a file of any agency: CSV, XLSX, ODS, JSON Lines or Parquet, in any of the six UN languages. What its
columns and codes mean stands in a crosswalk beside it: [bold]amparo crosswalk suggest FILE[/bold] writes one for
you to correct. Rows that fail a check are refused and kept, encrypted, beside their reason:
[bold]amparo quarantine[/bold]. Counts below a threshold, and whatever would give them away, are never published.

Exit codes: 0 done, 1 a fault of ours, 2 wrong usage, 3 an input cannot be used, 4 key missing or wrong."""

app = typer.Typer(
    help=STORY,
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)
crosswalk_app = typer.Typer(help="What an agency's columns and codes mean in the standard.", no_args_is_help=True)
key_app = typer.Typer(help="The key that encrypts names, contacts and refused rows.", no_args_is_help=True)
ledger_app = typer.Typer(help="What was released, when, to whom and at what cost in privacy.", no_args_is_help=True)
app.add_typer(crosswalk_app, name="crosswalk")
app.add_typer(key_app, name="key")
app.add_typer(ledger_app, name="ledger")
app.add_typer(site.site_app, name="site")

# In the order in which `amparo --help` tells the story.
key_app.command("new")(lists.key_new)
app.command()(lists.simulate)
crosswalk_app.command("suggest")(lists.crosswalk_suggest)
crosswalk_app.command("list")(lists.crosswalk_list)
crosswalk_app.command("show")(lists.crosswalk_show)
app.command()(lists.load)
app.command()(lists.quarantine)
app.command()(linkage.link)
app.command("link-review")(linkage.link_review)
app.command()(linkage.agreement)
app.command()(linkage.encode)
app.command("link-encoded")(linkage.link_encoded)
app.command()(report.report)
app.command()(prevalence.prevalence)
app.command()(protection.release)
app.command()(protection.audit)
ledger_app.command("list")(protection.ledger_list)
ledger_app.command("show")(protection.ledger_show)
ledger_app.command("verify")(protection.ledger_verify)
ledger_app.command("limit")(protection.ledger_limit)
app.command()(review.review)
app.command("review-start")(review.review_start)
app.command()(site.serve)


def main() -> None:
    """Run the command line; an error that a user can act on is one line, never a traceback."""
    try:
        app()
    except AmparoError as error:
        err_console.print(f"amparo: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


@app.callback(invoke_without_command=True)
def _start(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"amparo {__version__}")
        raise typer.Exit
