"""Limits on transfers between players: amount of one transfer, transfers in a minute, total of a day."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from chalicelib.domain.core.errors import InvalidRequest, TooManyRequests
from chalicelib.domain.core.periods import DAY_MS, day_of

MIN_AMOUNT, MAX_AMOUNT = 1, 10_000
MAX_SENDS, WINDOW_MS = 10, 60_000
MAX_A_DAY = 100_000
MAX_NOTE = 200


class Sent(msgspec.Struct, frozen=True):
    """Recent transfers of an account: the times of the last ten (ms), and the total of one UTC day."""

    times: tuple[int, ...] = ()
    day: int = -1
    total: int = 0

    def add(self, amount: int, now_ms: int) -> Sent:
        """Return the record with one more transfer. Raises TooManyRequests above a limit.

        Times of an account never decrease. Otherwise servers with different clocks could start the total of two days
        again and again.
        """
        at_ms = max((now_ms, *self.times[-1:]))
        if len(self.times) == MAX_SENDS and at_ms - self.times[0] < WINDOW_MS:
            _refuse(
                f"At most {MAX_SENDS} transfers in 60 seconds are allowed.",
                self.times[0] + WINDOW_MS - now_ms,
                MAX_SENDS,
            )
        today = day_of(at_ms)
        total = (self.total if self.day == today else 0) + amount
        if total > MAX_A_DAY:
            _refuse(f"At most {MAX_A_DAY} may be sent per UTC day.", (today + 1) * DAY_MS - now_ms, MAX_A_DAY)
        return Sent((*self.times, at_ms)[-MAX_SENDS:], today, total)


def check_amount(amount: int) -> None:
    """Check an amount. Raises InvalidRequest (`amount_out_of_range`)."""
    if not MIN_AMOUNT <= amount <= MAX_AMOUNT:
        raise InvalidRequest(
            f"'amount' must be from {MIN_AMOUNT} to {MAX_AMOUNT}.",
            code="amount_out_of_range",
            parameter="amount",
            minimum=MIN_AMOUNT,
            maximum=MAX_AMOUNT,
        )


def _refuse(sentence: str, wait_ms: int, maximum: int) -> NoReturn:
    raise TooManyRequests(sentence, retry_after_s=max(1, -(-wait_ms // 1000)), maximum=maximum)
