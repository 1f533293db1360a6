"""`laurel player`: profiles of players, as the players themselves see them, and imports of players."""

from __future__ import annotations

import click
import msgspec

from chalicelib.cli.player_import import import_
from chalicelib.cli.target import Target, warn_of_other_ruleset
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.read_profile import read_profile


@click.group()
def player() -> None:
    """Show and import players."""


@player.command()
@click.argument("player_id", metavar="ID")
@click.pass_obj
def show(target: Target, player_id: str) -> None:
    """Print a player's profile as JSON. ID: a player id or a public id."""
    warn_of_other_ruleset(target)
    profile = read_profile(target.context, Caller("", "", frozenset([ADMIN])), player_id)
    click.echo(msgspec.json.format(msgspec.json.encode(profile), indent=2).decode())


player.add_command(import_)
