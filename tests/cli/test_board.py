"""`laurel board verify | repair | rebuild`."""

from __future__ import annotations

import pytest

from chalicelib.cli import board as command
from chalicelib.store import keys
from tests.cli.conftest import Deployment, gateway_event
from tests.services.board_hands import GLOBAL, edit, number


@pytest.fixture
def played(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Three players, and workers that work while a command waits."""
    for player in ("ada", "bob", "cyd"):
        laurel.send("events", gateway_event(player, id=player))
    laurel.run()
    monkeypatch.setattr(command.time, "sleep", lambda _: laurel.run())
    return laurel


def test_a_board_that_is_right_says_so(played: Deployment) -> None:
    result = played.laurel("board", "verify", "global")
    assert result.stdout == ""
    assert result.stderr == "global#all: 3 entries, 2 nodes, 0 differences\n"
    assert "weekly#2026-W21: 3 entries" in played.laurel("board", "verify", "weekly", "2026-W21").stderr
    assert "must be one of" in played.laurel("board", "verify", "nowhere", status=1).stderr
    assert "'period' must be" in played.laurel("board", "verify", "weekly", "2026-05", status=1).stderr
    assert "kept for 30 days" in played.laurel("board", "verify", "daily", "2026-01-01", status=1).stderr


def test_differences_are_lines_and_repair_mends_them_while_updates_go_on(played: Deployment) -> None:
    score = number(played.plant, keys.entry(GLOBAL, "ada"), "score")
    edit(played.plant, keys.entry(GLOBAL, "ada"), "SET #score = :s", s=score + 10)
    edit(played.plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=9)
    result = played.laurel("board", "verify", "global", status=1)
    assert f"entry ada: expected score {score} at version 1, found {score + 10} at version 1\n" in result.stdout
    assert "node TOTAL: expected 3, found 12\n" in result.stdout
    for number_ in range(5):
        played.send("events", gateway_event("bob", id=f"more{number_}"))
    result = played.laurel("board", "repair", "global")
    assert f"mended: entry ada: expected score {score} at version 1, found {score + 10} at version 1" in result.stdout
    assert "mended: node TOTAL: expected 3, found 12" in result.stdout
    assert played.laurel("board", "verify", "global").stdout == ""


def test_rebuild_takes_one_board_or_all(played: Deployment) -> None:
    for name in ("TOTAL", "0.0", "2.0", "1.0"):
        edit(played.plant, keys.node(GLOBAL, name), "ADD #03 :n", n=9)
    edit(played.plant, keys.entry(GLOBAL, "ada"), "REMOVE #order, #board")
    result = played.laurel("board", "rebuild", "global")
    assert "global#all: 3 entries ordered, and the index" in result.stdout
    played.run()
    assert played.laurel("board", "verify", "global").stdout == ""
    said = played.laurel("board", "rebuild", "--all").stdout
    assert "weekly#2026-W21: 3 entries ordered" in said
    assert "contributions#all: 0 entries ordered" in said
    played.run()
    assert "Name the SCOPE" in played.laurel("board", "rebuild", status=2).stderr
