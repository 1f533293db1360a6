"""Output of commands: progress, and numbers with their nouns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

# In a file or a log, one line in this many seconds is enough.
EVERY_S = 10.0
ERASE_LINE = "\r\x1b[K"


class Progress:
    """The progress of a command: one rewritten line on a terminal, else a whole line now and then.

    `err`: print on stderr, so that stdout holds only the result.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, err: bool = False) -> None:
        self._clock, self._last, self._err = clock, clock(), err
        self._terminal = (sys.stderr if err else sys.stdout).isatty()

    def update(self, text: str) -> None:
        """Print the current progress."""
        if self._terminal:
            click.echo(f"{ERASE_LINE}{text}", nl=False, err=self._err)
        elif self._clock() - self._last >= EVERY_S:
            self._last = self._clock()
            click.echo(text, err=self._err)

    def end(self, text: str) -> None:
        """Print the last line."""
        click.echo(f"{ERASE_LINE}{text}" if self._terminal else text, err=self._err)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 entry`, `2,000 entries`. `many` defaults to `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
