"""Tests of the output of commands on a terminal and in a file."""

from __future__ import annotations

import io

import pytest

from chalicelib.cli import output
from chalicelib.cli.output import EVERY_S, Progress, counted


class Screen(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def printed(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """Return the output of five steps, half of the minimum interval apart."""
    screen = Screen(terminal)

    def echo(text: str, nl: bool = True, err: bool = False) -> None:
        assert not err
        screen.write(text + "\n" * nl)

    monkeypatch.setattr(output.sys, "stdout", screen)
    monkeypatch.setattr(output.click, "echo", echo)
    now = 0.0

    def clock() -> float:
        return now

    progress = Progress(clock)
    for number in range(5):
        progress.update(f"{number}")
        now += EVERY_S / 2
    progress.end("done")
    return screen.getvalue()


def test_a_terminal_shows_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, terminal=True) == "".join(f"\r\x1b[K{each}" for each in (0, 1, 2, 3, 4, "done")) + "\n"


def test_a_file_gets_whole_lines_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, terminal=False) == "2\n4\ndone\n"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (1234, "1,234 entries")]
)
def test_counts_have_singular_and_plural(number: int, text: str) -> None:
    assert counted(number, "entry", "entries") == text
    assert counted(1, "node") == "1 node"
    assert counted(2, "node") == "2 nodes"
