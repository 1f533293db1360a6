"""Conditions under which a freeze proceeds: every edge of the rule, in milliseconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.events.backlog import Sighting, Watch, is_clear, is_news, last_bound_ms, may_hold, watched

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
# 2026-05-18T01:00: the end of a Sunday, and of its week, and an hour of grace.
BOUND = 1_779_066_000_000
EMPTY = Sighting("own", 0, None)


@pytest.mark.parametrize(
    ("after_ms", "grace_ms", "bound_after_ms"),
    [
        (0, HOUR, 0),
        (-1, HOUR, -DAY),
        (DAY - 1, HOUR, 0),
        (DAY, HOUR, DAY),
        (0, 0, -HOUR),
        (-HOUR, 0, -HOUR),
        (-HOUR - 1, 0, -HOUR - DAY),
        (0, 7 * DAY, -HOUR),
        (30 * MINUTE, 25 * HOUR, 0),
    ],
)
def test_the_last_bound_is_a_midnight_and_the_grace(after_ms: int, grace_ms: int, bound_after_ms: int) -> None:
    assert last_bound_ms(BOUND + after_ms, grace_ms) == BOUND + bound_after_ms


@pytest.mark.parametrize(
    ("after_ms", "may"), [(-1, False), (0, True), (6 * HOUR - 1, True), (6 * HOUR, False), (30 * DAY, False)]
)
def test_a_freeze_is_held_from_the_bound_up_to_six_hours(after_ms: int, may: bool) -> None:
    assert may_hold(BOUND + after_ms, BOUND) is may


@pytest.mark.parametrize(
    ("messages", "least_after_ms", "looked_after_ms", "clear"),
    [
        # Empty, with any receipts.
        (0, None, 1, True),
        (0, -HOUR, 1, True),
        (0, HOUR, 1, True),
        # Messages wait: what was received in the last five minutes decides, all of them after the bound.
        (1, 1, 5 * MINUTE, False),
        (1, 1, 5 * MINUTE + 1, True),
        (1, 0, 5 * MINUTE + 1, False),
        (1, -1, HOUR, False),
        (100_000, HOUR - 1, HOUR, True),
        # Nothing was received: the workers stand still.
        (1, None, 5 * HOUR, False),
    ],
)
def test_a_queue_is_clear(messages: int, least_after_ms: int | None, looked_after_ms: int, clear: bool) -> None:
    least_ms = None if least_after_ms is None else BOUND + least_after_ms
    assert is_clear(Sighting("events", messages, least_ms), BOUND, BOUND + looked_after_ms) is clear


def check_queues(watch: Watch, after_ms: int, *sightings: Sighting, took_ms: int = 0) -> Watch:
    began_ms = BOUND + after_ms
    return watched(watch, sightings or (EMPTY,), BOUND, began_ms, began_ms + took_ms)


def test_a_second_clear_check_a_minute_later_confirms() -> None:
    first = check_queues(Watch(), 1)
    assert first == Watch(BOUND + 1)
    assert check_queues(first, MINUTE) == first, "a millisecond too soon"
    assert check_queues(first, MINUTE + 1) == Watch(BOUND + 1, confirmed=True)


def test_checks_in_between_do_not_move_the_first() -> None:
    watch = Watch()
    for after_ms in range(1, MINUTE, 2_000):
        watch = check_queues(watch, after_ms)
    assert check_queues(watch, MINUTE + 1).confirmed


def test_the_minute_is_from_the_end_of_one_check_to_the_beginning_of_the_other() -> None:
    first = check_queues(Watch(), 1, took_ms=20_000)
    assert not check_queues(first, MINUTE + 1, took_ms=30_000).confirmed
    assert check_queues(first, MINUTE + 20_001).confirmed


def test_every_queue_must_be_clear() -> None:
    full = Sighting("events", 3, None)
    assert check_queues(Watch(), 1, EMPTY, full) == Watch()
    assert check_queues(Watch(), 1, full, EMPTY) == Watch()
    assert check_queues(Watch(BOUND + 1), MINUTE + 1, EMPTY, EMPTY, full) == Watch()


def test_each_queue_may_be_clear_in_its_own_way() -> None:
    busy = Sighting("events", 900, BOUND + 1)
    assert check_queues(Watch(), 5 * MINUTE + 1, busy, EMPTY) == Watch(BOUND + 5 * MINUTE + 1)


def test_a_check_that_is_not_clear_restarts_the_minute() -> None:
    watch = check_queues(check_queues(Watch(), 1), 30_000, replace(EMPTY, messages=1))
    assert watch == Watch()
    watch = check_queues(watch, MINUTE + 1)
    assert not watch.confirmed
    assert check_queues(watch, 2 * MINUTE + 1).confirmed


def test_a_confirmed_watch_stays_confirmed() -> None:
    over = Watch(BOUND + 1, confirmed=True)
    assert check_queues(over, HOUR, Sighting("events", 9, BOUND - 1)) == over


def test_a_clock_that_is_ahead_proves_nothing() -> None:
    ahead = Watch(BOUND + HOUR)
    again = check_queues(ahead, 10)
    assert again == Watch(BOUND + 10)
    assert not check_queues(ahead, HOUR).confirmed
    assert check_queues(again, MINUTE + 10).confirmed


@pytest.mark.parametrize(
    ("noted", "oldest_after_ms", "news"),
    [
        (None, 5, True),
        ((-1, 5), 5, True),
        ((0, 5), 5, False),
        ((0, 5), 1, False),
        ((0, 1), 9, False),
        # The first from before the bound in this minute, and no other.
        ((0, 1), 0, True),
        ((0, 1), -HOUR, True),
        ((0, 0), -HOUR, False),
        ((0, -HOUR), -1, False),
        ((0, -HOUR), 1, False),
    ],
)
def test_a_process_notes_only_news(noted: tuple[int, int] | None, oldest_after_ms: int, news: bool) -> None:
    known = noted and (BOUND // MINUTE + noted[0], BOUND + noted[1])
    assert is_news(known, BOUND + 59_999, BOUND + oldest_after_ms, BOUND) is news
