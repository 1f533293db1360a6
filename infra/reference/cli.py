"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from chalicelib.cli import main
from infra.reference.markdown import block, page

ABOUT = (
    "Every command and option of `laurel`, as `--help` prints them. In a checkout the command is `.venv/bin/laurel`; "
    "see [operating](../guides/operating.md)."
)
WIDTH = 100


def cli() -> str:
    """Return the page."""
    return page("Command line", ABOUT, _help(click.Context(main, info_name="laurel", **main.context_settings)))


def _help(context: click.Context) -> Iterator[str]:
    # The width is the parent's or the terminal's unless it is given.
    context.terminal_width = context.max_content_width = WIDTH
    yield f"## {context.command_path}"
    yield block("", context.get_help())
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _help(click.Context(command, info_name=name, parent=context))
