"""`laurel stack`: the deployment that the other commands use."""

from __future__ import annotations

import shlex

import click

from chalicelib.cli.target import Target


@click.group()
def stack() -> None:
    """Show the deployment in use."""


@stack.command()
@click.pass_obj
def env(target: Target) -> None:
    """Print its URLs and names as shell variables: eval "$(laurel stack env)"."""
    for name, value in sorted(target.variables.items()):
        click.echo(f"export {name}={shlex.quote(value)}")
