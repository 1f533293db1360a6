"""The worker of the boards queue as Lambda calls it: it stops before its time is up, and leaves the rest in order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from chalicelib import wiring
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards import rebuild_index
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.rebuild_index import STEP_MS
from chalicelib.services.boards.request_repairs import request_recount
from chalicelib.services.boards.worker import PART_MS, feed_messages
from chalicelib.services.boards.writer import INTENT_MS, write_states
from chalicelib.services.context import OutOfTime
from chalicelib.services.progress.publish_scores import send_messages, send_updates
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import scan_entries
from chalicelib.store.boards.redo_log import begin, read_log
from chalicelib.workers import boards as worker
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.scripted_time import with_time
from tests.services.boards.board_edits import GLOBAL, delete, edit, number
from tests.simulated.sources import EventSource


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    plant = plants.build(3)
    monkeypatch.setattr(wiring, "context", lambda: plant.context)
    return plant


def state(player: str, version: int, board: str = GLOBAL) -> tuple[str, BoardUpdate]:
    return board, BoardUpdate(player_subject(player), 10 * version, version, 1_000 + version, 1, "Beginner", player)


def source(plant: Plant, seconds: float) -> EventSource:
    made = plant.world.event_source(
        plant.urls["boards"], worker.boards, batch_size=10, timeout_s=seconds, role="boards"
    )
    plant.world.scheduler.sources.remove(made)
    return made


def deliver(plant: Plant, seconds: float) -> int:
    """Run one invocation with so much time; return the number of messages it left in the queue."""
    made = source(plant, seconds)
    made.start()
    plant.world.run()
    assert (made.errors, made.delivered) == (0, made.failed + made.deleted)
    return made.failed


def script(answers: list[bool]) -> Callable[[], bool]:
    given: Iterator[bool] = iter(answers)
    return lambda: next(given)


def bodies(*messages: BoardMessage) -> list[tuple[str, str]]:
    return [(f"m{place}", msgspec.json.encode(message).decode()) for place, message in enumerate(messages)]


def test_without_time_a_batch_is_left_and_comes_again_at_once(plant: Plant) -> None:
    for version in range(1, 4):
        send_updates(plant.context, [state("ada", version)])
    queue = plant.world.queue(plant.urls["boards"])
    assert deliver(plant, PART_MS / 1000) > 0
    assert len(queue.messages()) == 3
    assert list(scan_entries(plant.context.table, GLOBAL)) == []
    assert queue.deliverable(plant.world.now_ms()), "it does not wait for its visibility timeout"
    while queue.messages():
        assert deliver(plant, 120) == 0
    assert [entry.version for entry in scan_entries(plant.context.table, GLOBAL)] == [3]


def test_time_is_asked_for_before_each_part_and_the_rest_of_the_shard_keeps_its_order(plant: Plant) -> None:
    updates = [msgspec.Raw(msgspec.json.encode(state(player, 1)[1])) for player in ("ada", "bob")]
    messages = bodies(
        BoardMessage(GLOBAL, GLOBAL, updates[:1]),
        BoardMessage(GLOBAL, GLOBAL, rewrite=["player:ada"]),
        BoardMessage(GLOBAL, GLOBAL, updates[1:]),
        BoardMessage("tokens_shared#all", "tokens_shared#all", updates[1:]),
    )
    # The first part, its intent, then the second part.
    fed = feed_messages(with_time(plant.context, script([True, True, False, True, True])), messages)
    assert fed.left == {"m1", "m2"}
    assert fed.written == 2, "another shard has its own turn"


def test_an_intent_is_not_begun_and_a_dead_writers_not_completed_without_time(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, update = plant.context, state("ada", 1)[1]
    with pytest.raises(OutOfTime):
        write_states(context.within(INTENT_MS), GLOBAL, GLOBAL, [update])
    assert read_log(context.table, GLOBAL).seq == 0
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.boards.writer.begin", _begin_and_die)
        with pytest.raises(KeyboardInterrupt):
            write_states(context, GLOBAL, GLOBAL, [update])
    with pytest.raises(OutOfTime):
        write_states(context.within(INTENT_MS), GLOBAL, GLOBAL, [state("bob", 1)[1]])
    assert read_log(context.table, GLOBAL).intent is not None
    write_states(context.within(INTENT_MS + 1000), GLOBAL, GLOBAL, [state("bob", 1)[1]])
    assert read_log(context.table, GLOBAL).seq == 2


def _begin_and_die(*args: Any) -> None:
    begin(*args)
    raise KeyboardInterrupt


def test_a_repair_continues_turn_by_turn_until_it_is_done(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    write_states(plant.context, GLOBAL, GLOBAL, [state(f"p{number}", 1 + number % 3)[1] for number in range(9)])
    monkeypatch.setattr(rebuild_index, "STEP_ENTRIES", 2)
    monkeypatch.setattr(rebuild_index, "TURN_MS", 0)
    request_recount(plant.context, GLOBAL)
    queue, turns = plant.world.queue(plant.urls["boards"]), []
    assert deliver(plant, STEP_MS / 1000) == 1, "no step is begun"
    while messages := queue.messages():
        turns.append(json.loads(messages[0].body).get("step", 0))
        assert deliver(plant, 120) == 0
    # Nine entries in steps of two, then the one range of scores.
    assert turns == [0, 2, 3, 4, 5, 6]
    assert read_log(plant.context.table, GLOBAL).repair is None


def test_a_check_resumes_a_repair_whose_message_was_lost(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    write_states(plant.context, GLOBAL, GLOBAL, [state(f"p{number}", 1)[1] for number in range(5)])
    monkeypatch.setattr(rebuild_index, "STEP_ENTRIES", 2)
    monkeypatch.setattr(rebuild_index, "TURN_MS", 0)
    request_recount(plant.context, GLOBAL)
    deliver(plant, 120)
    queue = plant.world.queue(plant.urls["boards"])
    queue.purge(plant.world.now_ms())
    assert read_log(plant.context.table, GLOBAL).repair is not None
    # The queue takes the order for the next turn again once five minutes have passed.
    plant.world.sleep(300)
    send_messages(plant.context, [BoardMessage(GLOBAL, GLOBAL)])
    while queue.messages():
        deliver(plant, 120)
    assert read_log(plant.context.table, GLOBAL).repair is None


def test_a_repair_requested_during_another_runs_after_it(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test that the second repair covers damage done after the first one had counted it."""
    write_states(plant.context, GLOBAL, GLOBAL, [state(f"p{number}", 1)[1] for number in range(5)])
    monkeypatch.setattr(rebuild_index, "STEP_ENTRIES", 2)
    monkeypatch.setattr(rebuild_index, "TURN_MS", 0)
    queue, steps_sent = plant.world.queue(plant.urls["boards"]), list[tuple[str, int]]()
    for nonce in ("first", "second"):
        send_messages(plant.context, [BoardMessage(GLOBAL, GLOBAL, repair=True, nonce=nonce)])
    made = source(plant, 120)
    made.batch_size = 1
    while messages := queue.messages():
        body = json.loads(messages[0].body)
        steps_sent.append((body["nonce"], body.get("step", 0)))
        made.start()
        plant.world.run()
    assert steps_sent == [
        ("first", 0),
        ("second", 0),
        *(("first", step) for step in (2, 3, 4)),
        *(("second", step) for step in (1, 2, 3, 4)),
    ]
    assert read_log(plant.context.table, GLOBAL).repair is None


def begin_repair(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin the repair of a board of five whose total is wrong, in steps of two entries."""
    write_states(plant.context, GLOBAL, GLOBAL, [state(f"p{number}", 1)[1] for number in range(5)])
    edit(plant, keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=9)
    monkeypatch.setattr(rebuild_index, "STEP_ENTRIES", 2)
    monkeypatch.setattr(rebuild_index, "TURN_MS", 0)
    request_recount(plant.context, GLOBAL)
    deliver(plant, 120)


def test_a_repair_that_is_a_day_old_restarts(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test the age at which the repair's own items may have expired."""
    begin_repair(plant, monkeypatch)
    old = read_log(plant.context.table, GLOBAL).repair
    assert old is not None
    assert old.cursor == "player:p1"
    plant.world.queue(plant.urls["boards"]).purge(plant.world.now_ms())
    plant.world.sleep(25 * 3600)
    for pk, sk in list(plant.world.dynamodb.tables[plant.context.table.name].rows):
        if pk == keys.repair(GLOBAL):
            delete(plant, (pk, sk))
    request_recount(plant.context, GLOBAL)
    deliver(plant, 120)
    new = read_log(plant.context.table, GLOBAL).repair
    assert new is not None
    assert (new.id == old.id, new.cursor) == (False, "player:p1")
    while plant.world.queue(plant.urls["boards"]).messages():
        deliver(plant, 120)
    assert number(plant, keys.node(GLOBAL, "TOTAL"), "00") == 5


def test_a_check_restarts_a_repair_that_is_a_day_old(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test a repair that is not requested again: otherwise the log would keep it, and the board stay wrong."""
    begin_repair(plant, monkeypatch)
    plant.world.sleep(25 * 3600)
    for _ in range(2):
        send_messages(plant.context, [BoardMessage(GLOBAL, GLOBAL, nonce=plant.context.new_id())])
        while plant.world.queue(plant.urls["boards"]).messages():
            deliver(plant, 120)
    assert read_log(plant.context.table, GLOBAL).repair is None
    assert number(plant, keys.node(GLOBAL, "TOTAL"), "00") == 5
