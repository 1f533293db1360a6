"""`laurel ledger`: verify transfers and balances."""

from __future__ import annotations

import time

import click

from chalicelib.cli.output import counted
from chalicelib.cli.target import Target
from chalicelib.services.operations.suspects import Verified
from chalicelib.services.operations.verify_ledger import verify_ledger


@click.group()
def ledger() -> None:
    """Verify transfers and balances."""


@ledger.command()
@click.argument("account", required=False)
@click.option("--asset", help="Verify this asset only.")
@click.option(
    "--wait",
    "seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds before differences are read again.",
)
@click.pass_obj
def verify(target: Target, account: str | None, asset: str | None, seconds: float) -> None:
    """Verify the whole ledger, or one ACCOUNT.

    Compares the two postings of each transfer, each balance with its postings, and each available amount with the
    holds. ACCOUNT is the id of an account or of its player. Prints one line for each difference, in the order of
    discovery, and exits with status 1 if there is any. Transfers may continue.
    """
    verified = verify_ledger(target.context, lambda: time.sleep(seconds), account, asset)
    for difference in verified.differences:
        click.echo(str(difference))
    for account_name in verified.restless:
        click.echo(f"{account_name}: not verified, because it kept changing")
    click.echo(_summary(verified), err=True)
    if verified.differences or verified.restless:
        raise click.exceptions.Exit(1)


def _summary(verified: Verified) -> str:
    parts = [counted(verified.transfers, "transfer"), counted(verified.postings, "posting")]
    parts += [counted(verified.accounts, "account"), counted(len(verified.differences), "difference")]
    if verified.more:
        parts.append("and more that are not listed")
    return ", ".join(parts)
