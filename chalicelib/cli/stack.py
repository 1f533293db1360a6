"""`laurel stack`: the deployment that the other commands use."""

from __future__ import annotations

import os
import shlex

import click

from chalicelib.cli.target import Target


@click.group()
def stack() -> None:
    """Show the deployment in use."""


@stack.command()
@click.option("--fish", is_flag=True, help="Print them for fish: laurel stack env --fish | source")
@click.pass_obj
def env(target: Target, fish: bool) -> None:
    """Print its URLs and names as shell variables: eval "$(laurel stack env)".

    For the local stack, they include region, endpoint and credentials, with which the AWS SDKs use it. Run the command
    again if the local stack has moved to another port.
    """
    for name, value in sorted(target.variables.items()):
        click.echo(f"set -gx {name} {_fish_quoted(value)}" if fish else f"export {name}={shlex.quote(value)}")
    if "AWS_ENDPOINT_URL" in target.variables and os.environ.get("AWS_PROFILE"):
        click.echo("Warning: some SDKs prefer AWS_PROFILE to these credentials: unset AWS_PROFILE", err=True)


def _fish_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
