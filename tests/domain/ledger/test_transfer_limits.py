"""Limits of transfers where clocks disagree; tests over HTTP cover the edges of minute and day themselves."""

from __future__ import annotations

import pytest

from chalicelib.domain.core.errors import TooManyRequests
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.ledger.transfer_limits import MAX_A_DAY, MAX_AMOUNT, WINDOW_MS, Sent

MIDNIGHT = 20_000 * DAY_MS
STEP_MS = 10_000


def test_two_clocks_around_midnight_do_not_begin_a_day_again_and_again() -> None:
    """Test a clock that is ahead, and sends in the new day while the other is still in the old one."""
    sent, moved = Sent(), 0
    for number in range(40):
        ahead = number % 2
        try:
            sent = sent.add(MAX_AMOUNT, MIDNIGHT - 40 * STEP_MS + number * STEP_MS + ahead * 40 * STEP_MS)
        except TooManyRequests:
            continue
        moved += MAX_AMOUNT
    assert moved == MAX_AMOUNT + MAX_A_DAY


def test_a_clock_behind_waits_by_its_own_time() -> None:
    sent = Sent()
    for _ in range(10):
        sent = sent.add(1, MIDNIGHT + 5_000)
    with pytest.raises(TooManyRequests) as refused:
        sent.add(1, MIDNIGHT)
    assert refused.value.retry_after_s == 65
    assert sent.add(1, MIDNIGHT + 65_000).times[-1] == MIDNIGHT + 65_000


def test_times_are_in_order_for_any_clocks() -> None:
    sent = Sent()
    for at_ms in (5, 3, 9, 1):
        sent = sent.add(1, MIDNIGHT + at_ms)
    assert sent.times == tuple(MIDNIGHT + at_ms for at_ms in (5, 5, 9, 9))


def test_sixty_seconds_to_the_millisecond() -> None:
    sent = Sent()
    for at_ms in range(10):
        sent = sent.add(1, MIDNIGHT + at_ms)
    for early_ms in (1, 59_991):
        with pytest.raises(TooManyRequests) as refused:
            sent.add(1, MIDNIGHT + WINDOW_MS - early_ms)
        assert refused.value.retry_after_s == -(-early_ms // 1000)
    assert len(sent.add(1, MIDNIGHT + WINDOW_MS).times) == 10
