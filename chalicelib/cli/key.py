"""`laurel key`: API keys. The first admin's is made here, never by HTTP."""

from __future__ import annotations

import click

from chalicelib.cli.target import Target
from chalicelib.domain.identity.permissions import PERMISSIONS, PLAYER
from chalicelib.services.progress.create_key import create_key


@click.group()
def key() -> None:
    """Make API keys."""


@key.command()
@click.option("--player", "player_id", required=True, help="Whose key it is; the player is made if need be.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    default=[PLAYER],
    type=click.Choice(PERMISSIONS),
    show_default=True,
    help="What the key may do beside acting for its player, which every key may; give it several times for several.",
)
@click.pass_obj
def create(target: Target, player_id: str, permissions: tuple[str, ...]) -> None:
    """Make a key and print it: it is shown this once, only its digest is kept."""
    made = create_key(target.context, player_id, permissions)
    for prefix in made.retired:
        click.echo(f"retired the oldest key, {prefix}_...", err=True)
    click.echo(f"a key of {made.player} ({', '.join(made.permissions)}), shown this once:", err=True)
    click.echo(made.key)
