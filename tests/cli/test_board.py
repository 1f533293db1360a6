"""Tests of `laurel board verify | repair | rebuild`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.cli import board as command
from chalicelib.cli import output
from chalicelib.services.boards import rebuild_index
from chalicelib.store.boards import keys
from tests.cli.conftest import Deployment, gateway_event
from tests.services.boards.board_edits import GLOBAL, edit, number


@pytest.fixture
def played(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Return a deployment with three players, whose workers run while a command waits."""
    for player in ("ada", "bob", "cyd"):
        laurel.send("events", gateway_event(player, id=player))
    laurel.run()
    monkeypatch.setattr(command.time, "sleep", lambda _: laurel.run())
    return laurel


def test_verify_of_a_correct_board_prints_no_difference(played: Deployment) -> None:
    result = played.laurel("board", "verify", "global")
    assert result.stdout == ""
    assert result.stderr == "global#all: 3 entries, 2 nodes, 0 differences\n"
    assert "weekly#2026-W21: 3 entries" in played.laurel("board", "verify", "weekly", "2026-W21").stderr
    assert "must be one of" in played.laurel("board", "verify", "nowhere", status=1).stderr
    assert "'period' must be" in played.laurel("board", "verify", "weekly", "2026-05", status=1).stderr
    assert "kept for 30 days" in played.laurel("board", "verify", "daily", "2026-01-01", status=1).stderr


def test_verify_prints_differences_and_repair_corrects_them_during_updates(played: Deployment) -> None:
    score = number(played.plant, keys.entry(GLOBAL, "player:ada"), "score")
    edit(played.plant, keys.entry(GLOBAL, "player:ada"), "SET #score = :s", s=score + 10)
    edit(played.plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=9)
    result = played.laurel("board", "verify", "global", status=1)
    assert f"entry player:ada: expected score {score} at version 1, found {score + 10} at version 1\n" in result.stdout
    assert "node TOTAL: expected 3, found 12\n" in result.stdout
    for number_ in range(5):
        played.send("events", gateway_event("bob", id=f"more{number_}"))
    result = played.laurel("board", "repair", "global")
    assert (
        f"repaired: entry player:ada: expected score {score} at version 1, found {score + 10} at version 1"
        in result.stdout
    )
    assert "repaired: node TOTAL: expected 3, found 12" in result.stdout
    assert played.laurel("board", "verify", "global").stdout == ""


def test_rebuild_takes_one_board_or_all(played: Deployment) -> None:
    for name in ("TOTAL", "0.0", "2.0", "1.0"):
        edit(played.plant, keys.node(GLOBAL, name), "ADD #03 :n", n=9)
    edit(played.plant, keys.entry(GLOBAL, "player:ada"), "REMOVE #order, #board")
    result = played.laurel("board", "rebuild", "global")
    assert "global#all: rewrites of 3 entries and of the rank index requested" in result.stdout
    played.run()
    assert played.laurel("board", "verify", "global").stdout == ""
    said = played.laurel("board", "rebuild", "--all").stdout
    assert "weekly#2026-W21: rewrites of 3 entries" in said
    assert "contributions#all: rewrites of 0 entries" in said
    played.run()
    assert "Name the SCOPE" in played.laurel("board", "rebuild", status=2).stderr


def test_a_stopped_rebuild_says_how_to_continue(played: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild = command.rebuild_board

    def stopped(*args: object) -> Iterator[object]:
        yield next(rebuild(*args))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    edit(played.plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=9)
    with monkeypatch.context() as patch:
        patch.setattr(command, "rebuild_board", stopped)
        said = played.laurel("board", "rebuild", "global", status=1).stderr
    line = next(line for line in said.splitlines() if line.startswith("To continue: laurel "))
    played.run()
    assert played.laurel("board", "verify", "global", status=1).stdout == "node TOTAL: expected 3, found 12\n"
    assert (
        "global#all: rewrites of 0 entries and of the rank index requested" in played.laurel(*line.split()[3:]).stdout
    )
    played.run()
    assert played.laurel("board", "verify", "global").stdout == ""
    refused = played.laurel("board", "rebuild", "global", "--from", "x", status=1).stderr
    assert refused == "Error: 'from' must be a position that a stopped rebuild printed.\n"


def test_repair_waits_and_prints_its_progress(played: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_index, "STEP_ENTRIES", 1)
    monkeypatch.setattr(rebuild_index, "TURN_MS", 0)
    monkeypatch.setattr(output, "EVERY_S", 0.0)
    source = played.plant.sources["boards"]
    source.batch_size = 1
    waits: list[int] = []

    def one_message(_: float) -> None:
        waits.append(1)
        source.start()
        played.plant.world.scheduler.sources.remove(source)
        played.plant.world.run()
        played.plant.world.scheduler.sources.append(source)

    monkeypatch.setattr(command.time, "sleep", one_message)
    edit(played.plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=9)
    result = played.laurel("board", "repair", "global")
    assert "repaired: node TOTAL: expected 3, found 12\n" in result.stdout
    assert "global#all: repair, step 2: entries counted up to player:ada\n" in result.stderr
    assert "global#all: repair, step 5: rank index corrected for scores below 0\n" in result.stderr
