"""`laurel ruleset`: check a ruleset before it is deployed."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.domain import ruleset as rulesets


@click.group()
def ruleset() -> None:
    """Work with rulesets."""


@ruleset.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Say whether FILE may be used; if not, which key is wrong and why."""
    rules = rulesets.load(file)
    found = rules.ruleset
    click.echo(f"OK: {file}: version {found.version}")
    click.echo(
        f"{len(found.actions)} actions, {len(found.events)} event types, {len(found.badges)} badges, "
        f"{len(found.boards)} boards, {rules.levels.cap} levels"
    )
