"""The `laurel` command: what an operator does that no HTTP caller may."""

from chalicelib.cli.main import main

__all__ = ["main"]
