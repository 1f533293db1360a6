"""`laurel ledger`: prove what players have."""

from __future__ import annotations

import time

import click

from chalicelib.cli.output import counted
from chalicelib.cli.target import Target
from chalicelib.services.operations.verify_ledger import Verified, verify_ledger


@click.group()
def ledger() -> None:
    """The ledger: prove it."""


@ledger.command()
@click.argument("account", required=False)
@click.option("--asset", help="Of this asset alone.")
@click.option(
    "--wait",
    "seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Before what looks wrong is read again.",
)
@click.pass_obj
def verify(target: Target, account: str | None, asset: str | None, seconds: float) -> None:
    """Compare every transfer's two sides, every balance with its postings, what is available with what is held.

    The whole table, or one ACCOUNT: its id, or its player's. Every difference is one line, the first one found first;
    exit status 1 if there is any. Transfers may go on.
    """
    verified = verify_ledger(target.context, lambda: time.sleep(seconds), account, asset)
    for difference in verified.differences:
        click.echo(str(difference))
    for restless in verified.restless:
        click.echo(f"{restless}: changed all the time, and is not proven")
    click.echo(_summary(verified), err=True)
    if verified.differences or verified.restless:
        raise click.exceptions.Exit(1)


def _summary(verified: Verified) -> str:
    parts = [counted(verified.transfers, "transfer"), counted(verified.postings, "posting")]
    parts += [counted(verified.accounts, "account"), counted(len(verified.differences), "difference")]
    return ", ".join(parts) + ", and more that are not listed" * verified.more
