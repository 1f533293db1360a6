"""`laurel key`: API keys. The first key of an admin is created here, never over HTTP."""

from __future__ import annotations

import click

from chalicelib.cli.target import Target
from chalicelib.domain.identity.permissions import PERMISSIONS, PLAYER
from chalicelib.services.progress.create_key import create_key


@click.group()
def key() -> None:
    """Create API keys."""


@key.command()
@click.option("--player", "player_id", required=True, help="The key's player; created if it does not exist.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    default=[PLAYER],
    type=click.Choice(PERMISSIONS),
    show_default=True,
    help="A permission of the key; may be given several times. Every key may act for its player.",
)
@click.pass_obj
def create(target: Target, player_id: str, permissions: tuple[str, ...]) -> None:
    """Create a key and print it.

    The key is printed only once: Laurel stores only its digest.
    """
    created = create_key(target.context, player_id, permissions)
    for prefix in created.retired:
        click.echo(f"retired the oldest key, {prefix}_...", err=True)
    click.echo(f"key of {created.player} ({', '.join(created.permissions)}), printed only once:", err=True)
    click.echo(created.key)
