"""The boards' writer on invalid messages, and on places that hardly moved."""

from __future__ import annotations

import json

import msgspec
import pytest

from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards import worker as use_case
from chalicelib.services.boards.worker import feed_messages
from chalicelib.store.boards.entries import scan_entries
from chalicelib.store.boards.redo_log import read_log
from chalicelib.store.core.table import StoreError
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.progress.test_apply_events import event, process
from tests.services.progress.test_shown_as import feed
from tests.simulated.faults import Faults


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def test_no_request_freezes_a_board_before_its_end(plant: Plant) -> None:
    process(plant, event(plant, 1))
    feed(plant)
    for board in ("global#all", "weekly#2026-W21", "daily#2026-05-19"):
        body = json.dumps({"board": board, "shard": board, "freeze": True})
        fed = feed_messages(plant.context, [(board, body)])
        assert "has not ended" in fed.set_aside[board]
        assert read_log(plant.context.table, board).frozen is None


@pytest.mark.parametrize("subject", ["player:" + "x" * 2000, "ada", "Team:red", ":ada", "player:"])
def test_a_request_for_impossible_subjects_is_rejected(plant: Plant, subject: str) -> None:
    process(plant, event(plant, 1))
    body = json.dumps({"board": "global#all", "shard": "global#all", "rewrite": [subject]})
    states = [(message.id, message.body) for message in plant.world.queue(plant.urls["boards"]).messages()]
    fed = feed_messages(plant.context, [("m", body), *states])
    assert (list(fed.set_aside), fed.failed) == (["m"], {})
    assert fed.written


def test_a_state_of_the_future_is_rejected_without_its_neighbour(plant: Plant) -> None:
    """Test a moment far ahead: it would end the division of large tie groups on its board."""
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    bodies = [json.loads(message.body) for message in plant.world.queue(plant.urls["boards"]).messages()]
    body = next(body for body in bodies if body["board"] == "global#all")
    body["updates"][0]["reachedAt"] = plant.context.now_ms() + 2 * DAY_MS
    fed = feed_messages(plant.context, [("m", json.dumps(body))])
    assert (list(fed.set_aside), fed.failed, fed.written) == (["m/0"], {}, len(body["updates"]) - 1)


def test_messages_after_a_failure_wait(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test that a freeze does not overtake states that are retried; it would reject them permanently."""
    process(plant, event(plant, 1))
    plant.world.sleep(2 * 86_400)
    board = "daily#2026-05-19"
    bodies = [message.body for message in plant.world.queue(plant.urls["boards"]).messages()]
    states = next(body for body in bodies if json.loads(body)["board"] == board)
    freeze = json.dumps({"board": board, "shard": board, "freeze": True})
    messages = [("states", states), ("freeze", freeze)]

    def busy(*_: object) -> None:
        raise StoreError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(use_case, "write_states", busy)
        assert feed_messages(plant.context, messages).failed.keys() == {"states", "freeze"}
    assert read_log(plant.context.table, board).frozen is None
    fed = feed_messages(plant.context, messages)
    assert (fed.failed, fed.written) == ({}, 1)
    assert read_log(plant.context.table, board).frozen is not None


def test_messages_after_a_state_that_cannot_be_rejected_yet_wait(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test that a state whose message is retried with its other states is not overtaken by a freeze."""
    board = "daily#2026-05-16"
    good = msgspec.to_builtins(BoardUpdate("player:ada", 10, 1, 1_000, 1, "Beginner", "public"))
    states = json.dumps({"board": board, "shard": board, "updates": [good, {"nonsense": 1}]})
    freeze = json.dumps({"board": board, "shard": board, "freeze": True})
    messages = [("states", states), ("freeze", freeze)]

    def busy(*_: object) -> None:
        raise StoreError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(use_case, "set_aside", busy)
        assert feed_messages(plant.context, messages).failed.keys() == {"states", "freeze"}
    fed = feed_messages(plant.context, messages)
    assert (list(fed.set_aside), fed.failed, fed.written) == (["states/1"], {}, 1)
    assert [entry.subject for entry in scan_entries(plant.context.table, board)] == ["player:ada"]
    assert read_log(plant.context.table, board).frozen is not None


def test_a_score_that_was_left_and_reached_again_is_reached_later(plant: Plant) -> None:
    """Test up and down again in one batch: the later moment decides the place within the tie, on every path."""
    process(plant, event(plant, 1))
    plant.world.sleep(60)
    award = {"event": "award", "properties": {"username": "ada", "reason": "r", "grantedBy": "boss"}}
    bodies = [
        award | {"properties": award["properties"] | {"points": points, "key": f"{points}"}} for points in (9, -9)
    ]
    process(plant, *bodies)
    feed(plant)
    player = next(iter(scan_entries(plant.context.table, "global#all")))
    assert player.reached_at > plant.context.now_ms() - 60_000
