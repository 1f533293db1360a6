"""Tests of `laurel board rotate`, on a whole Laurel."""

from __future__ import annotations

import pytest

from chalicelib.cli import board
from chalicelib.services.boards import rotate_boards as use_case
from chalicelib.store.boards.archives import start_cursor
from tests.pipeline import plant as plants

from .conftest import Deployment, gateway_event


@pytest.fixture
def ended(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Return a deployment whose first day has ended, and whose workers run while the command waits."""
    for scope in laurel.context.rules.boards:
        start_cursor(laurel.context.table, scope, laurel.world.now_ms() // 86_400_000 - 1)
    laurel.send("events", [gateway_event("ada", id="1"), gateway_event("bob", id="2")])
    laurel.run()
    laurel.world.sleep(86_400)
    monkeypatch.setattr(board, "_pause", lambda _: laurel.run())
    return laurel


def test_ended_periods_are_closed(ended: Deployment) -> None:
    done = ended.laurel("board", "rotate")
    assert done.stdout.splitlines() == ["daily#2026-05-19: freeze requested", "daily#2026-05-19: rotated"]
    assert done.stderr == "1 rotated\n"
    assert ended.laurel("board", "rotate").output == "0 rotated\n"


def test_without_waiting_the_next_run_continues(ended: Deployment) -> None:
    assert ended.laurel("board", "rotate", "--wait", "0").stderr == "0 rotated, others are waiting\n"
    ended.run()
    assert ended.laurel("board", "rotate", "--wait", "0").stdout == "daily#2026-05-19: rotated\n"


def test_a_held_freeze_prints_its_reason(ended: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is stopped in the night after, until the command has polled for half a minute."""
    night = Deployment(plants.build(7, chosen=ended.context.rules))
    for scope in night.context.rules.boards:
        start_cursor(night.context.table, scope, night.world.now_ms() // 86_400_000 - 1)
    source = night.plant.sources["events"]
    source.concurrency = 0
    night.send("events", [gateway_event("ada", id="1", time=night.now())])
    night.send("events", [gateway_event("bob", id="2", time=night.now())])
    night.world.sleep(13 * 3_600 + 60)
    polls = iter(range(1000))

    def pause(seconds: float) -> None:
        if next(polls) == 15:
            source.concurrency = 2
        night.world.sleep(seconds)
        night.run()

    monkeypatch.setattr(board, "_pause", pause)
    done = night.laurel("board", "rotate")
    assert done.stdout.splitlines() == [
        "daily#2026-05-19: held: 2 messages wait in 'events'",
        "daily#2026-05-19: freeze requested",
        "daily#2026-05-19: rotated",
    ]


def test_a_failure_is_printed(ended: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no table")

    monkeypatch.setattr(use_case, "read_archives", broken)
    failed = ended.laurel("board", "rotate", status=1)
    assert "daily: no table" in failed.stderr
