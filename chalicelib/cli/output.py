"""What commands print: how far they have come, and how many of something there are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

# Where lines are kept, in a file or a log, one in so many seconds is enough.
EVERY_S = 10.0
ERASE_LINE = "\r\x1b[K"


class Progress:
    """How far a command has come: on a terminal one line that is rewritten, elsewhere whole lines, not too often.

    `err`: on stderr, beside a result on stdout.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, err: bool = False) -> None:
        self._clock, self._last, self._err = clock, clock(), err
        self._terminal = (sys.stderr if err else sys.stdout).isatty()

    def tell(self, text: str) -> None:
        """What holds for now."""
        if self._terminal:
            click.echo(f"{ERASE_LINE}{text}", nl=False, err=self._err)
        elif self._clock() - self._last >= EVERY_S:
            self._last = self._clock()
            click.echo(text, err=self._err)

    def end(self, text: str) -> None:
        """What holds in the end."""
        click.echo(f"{ERASE_LINE * self._terminal}{text}", err=self._err)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 entry`, `2,000 entries`; `many` unless it is `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
