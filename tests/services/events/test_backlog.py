"""A freeze waits until all events received in time are applied, with lagging, stopped and never empty queues."""

from __future__ import annotations

import random

import pytest

from chalicelib.domain.rules.ruleset import Rules
from chalicelib.gateways.queues import NotCounted
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.rotation import Step
from chalicelib.services.boards.verify_board import verify_board
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.boards.test_rotate_boards import archive, set_clock
from tests.services.events.backlog_steps import (
    AGAIN,
    BOUND,
    DAY,
    HOUR,
    WEEK,
    close,
    frozen,
    halt,
    past_bound,
    receive,
    resume,
    rotate_after,
    send,
)
from tests.simulated import Faults

# What holds it ----------------------------------------------------------------------------------------------------


def test_idle_queues_hold_it_for_a_minute(plant: Plant) -> None:
    past_bound(plant)
    assert rotate_after(plant, 0).texts == {DAY: AGAIN, WEEK: AGAIN}
    assert rotate_after(plant, 59.9).steps[WEEK] is Step.HELD
    assert rotate_after(plant, 0.1).texts == {DAY: "freeze requested", WEEK: "freeze requested"}
    plant.world.run()
    assert rotate_after(plant, 0).steps[WEEK] is Step.ROTATED


@pytest.mark.parametrize("queue", ["events", "own", "backfill"])
def test_a_backlog_on_any_source_queue_holds_it_until_it_is_applied(plant: Plant, queue: str) -> None:
    halt(plant, queue)
    send(plant, queue, eve=3)
    past_bound(plant)
    for _ in range(5):
        assert rotate_after(plant, 1200).texts[WEEK] == f"held: 3 messages wait in '{queue}'"
        plant.world.run()
    resume(plant, queue)
    close(plant)
    assert archive(plant, "weekly", "2026-W20").total == 2
    assert archive(plant, "daily", "2026-05-17").total == 2
    assert verify_board(plant.context, WEEK, lambda: None).after_freeze == 0


def test_a_message_in_flight_holds_it(plant: Plant) -> None:
    send(plant, eve=1)
    halt(plant)
    plant.context.queues.receive("events", visibility_s=360, wait_s=0)
    past_bound(plant)
    assert rotate_after(plant, 0).texts[WEEK] == "held: 1 message waits in 'events'"
    assert rotate_after(plant, 120).texts[WEEK] == "held: 1 message waits in 'events'"


def test_dead_letters_do_not_hold_it(plant: Plant) -> None:
    plant.sqs.send_message(QueueUrl=plant.urls["dead_letter"], MessageBody="{}")
    past_bound(plant)
    assert rotate_after(plant, 0).texts[WEEK] == AGAIN
    assert rotate_after(plant, 60).steps[WEEK] is Step.FREEZING


def test_a_check_that_finds_a_message_restarts_the_minute(plant: Plant) -> None:
    past_bound(plant)
    assert rotate_after(plant, 0).texts[WEEK] == AGAIN
    halt(plant)
    send(plant, eve=2)
    assert rotate_after(plant, 30).texts[WEEK] == "held: 2 messages wait in 'events'"
    resume(plant)
    plant.world.run()
    assert rotate_after(plant, 40).texts[WEEK] == AGAIN
    assert rotate_after(plant, 60).steps[WEEK] is Step.FREEZING


def test_the_first_run_of_all_waits_for_a_backlog_too(default_rules: Rules) -> None:
    """Test boards without players, since nothing is applied yet."""
    plant = plants.build(1, chosen=default_rules, start_ms=BOUND - HOUR)
    plants.start(plant, random.Random(1))
    halt(plant)
    send(plant, eve=2)
    past_bound(plant)
    assert rotate_after(plant, 300).texts == {
        DAY: "held: 2 messages wait in 'events'",
        WEEK: "held: 2 messages wait in 'events'",
    }
    resume(plant)
    close(plant)
    assert archive(plant, "weekly", "2026-W20").total == 1


def test_after_six_hours_nothing_holds_it_and_verify_shows_the_missed_events(plant: Plant) -> None:
    halt(plant)
    send(plant, eve=2)
    set_clock(plant, "2026-05-18T06:59:59")
    assert rotate_after(plant, 0).texts[WEEK] == "held: 2 messages wait in 'events'"
    assert rotate_after(plant, 1).steps[WEEK] is Step.FREEZING
    plant.world.run()
    assert rotate_after(plant, 300).steps[WEEK] is Step.ROTATED
    resume(plant)
    plant.world.run()
    assert archive(plant, "weekly", "2026-W20").total == 1
    proof = verify_board(plant.context, WEEK, lambda: None)
    assert (proof.differences, proof.after_freeze) == ([], 1)


def test_a_requested_freeze_is_not_held_again(plant: Plant) -> None:
    """Test that the result of the checks is kept permanently: all boards of the bound proceed, also in later runs."""
    past_bound(plant)
    rotate_after(plant, 0)
    plant.sources["boards"].concurrency = 0
    assert rotate_after(plant).steps[WEEK] is Step.FREEZING
    halt(plant)
    send(plant, eve=1)
    assert rotate_after(plant).texts == {DAY: "freeze requested", WEEK: "freeze requested"}


def test_a_queue_that_does_not_answer_holds_it(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(queue: str) -> int:
        raise NotCounted(queue)

    past_bound(plant)
    rotate_after(plant, 0)
    with monkeypatch.context() as patch:
        patch.setattr(plant.context.queues, "backlog", silent)
        plant.world.sleep(300)
        assert set(rotate_boards(plant.context).failed) == {"daily", "weekly"}
        plant.world.run()
        assert frozen(plant) is None
        set_clock(plant, "2026-05-18T07:00:00")
        assert rotate_after(plant, 0).steps[WEEK] is Step.FREEZING, "the cap needs no answer"


def test_runs_at_once_do_not_confirm_each_other(plant: Plant) -> None:
    past_bound(plant)
    for minute in (0, 1):
        assert frozen(plant) is None
        runs = [plant.world.spawn(f"rotate-{minute}-{number}", rotate_boards, plant.context) for number in range(6)]
        plant.world.run()
        assert [run.result.failed for run in runs] == [{}] * 6
        plant.world.sleep(60)
    assert frozen(plant) is not None


def test_a_run_that_notes_second_uses_the_other_runs_note(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test that a run that saw no message does not proceed by an earlier read when another run has seen one."""
    past_bound(plant)
    rotate_after(plant, 0)
    plant.world.sleep(60)
    counting = plant.context.queues.backlog

    def meanwhile(queue: str) -> int:
        monkeypatch.setattr(plant.context.queues, "backlog", counting)
        halt(plant)
        send(plant, eve=1)
        assert rotate_boards(plant.context).steps[WEEK] is Step.HELD
        plant.world.queue(plant.urls["events"]).purge(plant.world.now_ms())
        return counting(queue)

    monkeypatch.setattr(plant.context.queues, "backlog", meanwhile)
    assert rotate_boards(plant.context).steps[WEEK] is Step.HELD
    assert rotate_after(plant, 0).texts[WEEK] == AGAIN
    assert rotate_after(plant, 60).steps[WEEK] is Step.FREEZING


def test_stale_numbers_can_hide_a_message_from_one_check_but_not_from_two(default_rules: Rules) -> None:
    """Test a message that a worker has just received: one number may be from before that, another from after it."""
    first_checks = []
    for seed in range(5):
        plant = plants.build(seed, Faults(stale=1.0), default_rules, start_ms=BOUND - 5_000)
        rotate_boards(plant.context)
        send(plant, eve=1)
        plant.world.sleep(30)
        plant.sqs.receive_message(QueueUrl=plant.urls["events"], VisibilityTimeout=360)
        plant.world.sleep(30)
        steps = []
        for _ in range(2):
            run = plant.world.spawn("rotate", rotate_boards, plant.context)
            plant.world.run()
            steps.append(run.result.texts[WEEK])
            plant.world.sleep(62)
        first_checks.append(steps[0])
        assert steps[1] == "held: 1 message waits in 'events'"
    assert AGAIN in first_checks


def test_a_queue_counts_waiting_in_flight_and_delayed_messages(plant: Plant) -> None:
    halt(plant)
    send(plant, eve=3)
    plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody="{}", DelaySeconds=60)
    plant.sqs.receive_message(QueueUrl=plant.urls["events"])
    assert plant.context.queues.backlog("events") == 4
    assert plant.context.queues.backlog("own") == 0


def test_a_queue_that_cannot_be_asked_is_an_error() -> None:
    plant = plants.build(1, Faults(throttle=1.0))
    actor = plant.world.spawn("looks", plant.context.queues.backlog, "events")
    with pytest.raises(AssertionError, match="NotCounted: 'events' did not return its number of messages"):
        plant.world.run()
    assert isinstance(actor.failed, NotCounted)


# Queues that are never empty --------------------------------------------------------------------------------------


def test_a_busy_queue_is_clear_once_all_that_is_received_was_sent_after_the_bound(plant: Plant) -> None:
    halt(plant)
    past_bound(plant)
    send(plant, eve=5)
    receive(plant, BOUND - 1)
    assert rotate_after(plant, 60).texts[WEEK] == "held: 5 messages wait in 'events'"
    receive(plant, BOUND + 1)
    # The row of the bound's minute counts for five minutes, to the minute.
    assert rotate_after(plant, 239).texts[WEEK] == "held: 5 messages wait in 'events'"
    receive(plant, BOUND + 1)
    assert rotate_after(plant, 60).texts[WEEK] == AGAIN
    receive(plant, BOUND + 2)
    assert rotate_after(plant, 60).steps[WEEK] is Step.FREEZING


def test_one_old_message_among_new_ones_holds_it(plant: Plant) -> None:
    halt(plant)
    past_bound(plant)
    send(plant, eve=5)
    for minute in range(12):
        receive(plant, BOUND + 1)
        if minute in (3, 9):
            receive(plant, BOUND - HOUR)
        receive(plant, BOUND + 1)
        assert rotate_after(plant, 60).steps[WEEK] is Step.HELD
    assert frozen(plant) is None


def test_a_message_that_is_hidden_for_six_minutes_is_not_forgotten(plant: Plant) -> None:
    """Test a dead worker's message among ones sent after the bound: both checks come after it is visible again."""
    halt(plant)
    past_bound(plant, 59)
    send(plant, eve=5)
    receive(plant, BOUND - 1)
    received_ms = plant.world.now_ms()
    for _ in range(40):
        receive(plant, BOUND + 1)
        if rotate_after(plant, 15).steps[WEEK] is not Step.HELD:
            break
    assert received_ms + 360_000 <= plant.world.now_ms() <= received_ms + 420_000


def test_workers_that_receive_nothing_prove_nothing(plant: Plant) -> None:
    halt(plant)
    past_bound(plant)
    send(plant, eve=5)
    receive(plant, BOUND + 1)
    for _ in range(12):
        assert rotate_after(plant, 1200).steps[WEEK] is Step.HELD


def test_rows_that_ttl_has_not_collected_are_not_read(plant: Plant) -> None:
    past_bound(plant)
    receive(plant, BOUND - HOUR)
    set_clock(plant, "2026-05-19T01:00:01")
    halt(plant)
    send(plant, eve=5)
    for _ in range(3):
        receive(plant, BOUND + 86_400_000 + 1)
        plant.world.sleep(200)
        receive(plant, BOUND + 86_400_000 + 1)
        rotation = rotate_after(plant, 100)
    assert rotation.steps["daily#2026-05-18"] is Step.FREEZING
