"""The `laurel` command: operations that are not available over HTTP."""

from chalicelib.cli.main import main

__all__ = ["main"]
