"""The policy for trying again, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.domain.core.errors import OutOfReach
from chalicelib.gateways.queues import MAX_TRIES, SqsQueues
from chalicelib.retry import CALL_MS, LONGEST_PAUSE, Retry


class Clock:
    """Pauses take 100 ms, and are kept."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.pauses: list[int] = []

    def pause(self, number: int) -> None:
        self.pauses.append(number)
        self.now_ms += 100

    def policy(self, deadline_ms: int | None = None, call_ms: int = CALL_MS) -> Retry:
        return Retry(self.pause, lambda: self.now_ms, deadline_ms, call_ms)


def test_tries_pause_between_them_for_longer_each_time_up_to_a_bound() -> None:
    clock = Clock()
    assert list(clock.policy().tries(LONGEST_PAUSE + 4)) == list(range(LONGEST_PAUSE + 4))
    assert clock.pauses == [*range(LONGEST_PAUSE + 1), LONGEST_PAUSE, LONGEST_PAUSE]


@pytest.mark.parametrize(("deadline_ms", "tries"), [(CALL_MS + 301, 4), (CALL_MS + 300, 3), (CALL_MS, 1), (0, 1)])
def test_no_further_try_begins_without_time_for_a_whole_call(deadline_ms: int, tries: int) -> None:
    assert len(list(Clock().policy(deadline_ms).tries(10))) == tries


def test_no_pause_begins_without_time_for_the_try_after_it() -> None:
    """Test that the longest call ends at the deadline, and that a caller gets its error at once."""
    clock = Clock()
    deadline_ms = CALL_MS + 1
    for _ in clock.policy(deadline_ms).tries(10):
        clock.now_ms += CALL_MS
    assert (clock.pauses, clock.now_ms) == ([], CALL_MS)


@pytest.mark.parametrize(("deadline_ms", "has_time"), [(None, True), (1, True), (0, False), (-1, False)])
def test_the_deadline_itself_is_too_late(deadline_ms: int | None, has_time: bool) -> None:
    assert Clock().policy(deadline_ms, call_ms=0).has_time() is has_time


def test_run_returns_the_first_success_and_raises_the_last_failure() -> None:
    clock, left = Clock(), [KeyError("one"), KeyError("two")]

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    assert clock.policy().run(work, KeyError, most=3) == "done"
    left += [KeyError("one"), KeyError("two"), KeyError("three")]
    with pytest.raises(KeyError, match="two"):
        clock.policy().run(work, KeyError, most=2)
    with pytest.raises(KeyError, match="three"):
        clock.policy().run(work, ValueError, most=2)


class Silence:
    """A client of a queue that never answers; each call takes as long as one may. It keeps when calls began."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.began = clock, list[int]()

    def _call(self, **_: Any) -> Any:
        self.began.append(self.clock.now_ms)
        self.clock.now_ms += CALL_MS
        raise ReadTimeoutError(endpoint_url="queue")

    receive_message = get_queue_attributes = delete_message_batch = _call


ASKS: list[Callable[[SqsQueues], Any]] = [
    lambda queues: queues.receive("events", 60),
    lambda queues: queues.backlog("events"),
    lambda queues: queues.delete("events", ["receipt"]),
]


@pytest.mark.parametrize("ask", ASKS, ids=["receive", "backlog", "delete"])
@pytest.mark.parametrize(
    ("deadline_ms", "calls"), [(None, MAX_TRIES), (2 * CALL_MS + 101, 2), (CALL_MS + 1, 1), (CALL_MS, 0), (-1, 0)]
)
def test_no_call_to_a_queue_begins_without_time_for_it(
    ask: Callable[[SqsQueues], Any], deadline_ms: int | None, calls: int
) -> None:
    clock = Clock()
    client = Silence(clock)
    queues = SqsQueues(client, {"events": "url"}, clock.pause).using(clock.policy(deadline_ms))
    with pytest.raises((ReadTimeoutError, OutOfReach)):
        ask(queues)
    assert len(client.began) == calls
