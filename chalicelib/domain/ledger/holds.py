"""Holds: a hold reserves a part of a balance until it is posted, voided or expires."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import DAY_MS

MIN_AMOUNT, MAX_AMOUNT = 1, 10**12
DAY_S = DAY_MS // 1000
MIN_EXPIRES_S, DEFAULT_EXPIRES_S, MAX_EXPIRES_S = 1, 7 * DAY_S, 30 * DAY_S
# Holds that a player placed, per account. All of them are read at once, some 20 KB.
MAX_OPEN = 100
# Days for which a resolved hold can be read; as long as idempotency keys live.
KEPT_DAYS = 30
OPEN, POSTED, VOID = "open", "posted", "void"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on `amount` of an account, until `expires_at` (ms; None: until it is resolved).

    `id`: an id as of `transfer.transfer_id`. `purpose`: the redemption that it is for, '' for a hold that the player
    placed. `posted`: the amount moved by the transfer `transfer`.
    """

    id: str
    account: str
    asset: str
    amount: int
    created_at: int
    expires_at: int | None = None
    purpose: str = ""
    state: str = OPEN
    posted: int = 0
    transfer: str = ""
    resolved_at: int | None = None

    def has_expired(self, now_ms: int) -> bool:
        """Return whether the hold is past its expiry, recorded or not."""
        return self.expires_at is not None and self.expires_at <= now_ms

    @property
    def is_players(self) -> bool:
        """Return whether the player resolves the hold. A hold without expiry belongs to a redemption."""
        return self.expires_at is not None

    @property
    def by_expiry(self) -> bool:
        """Return whether the hold expired before it was resolved."""
        return self.state == VOID and self.resolved_at == self.expires_at

    def as_posted(self, amount: int, transfer: str, now_ms: int) -> Hold:
        """Return the hold as posted: the transfer `transfer` moved `amount`, and the rest is available again."""
        return replace(self, state=POSTED, posted=amount, transfer=transfer, resolved_at=now_ms)

    def as_void(self, now_ms: int) -> Hold:
        """Return the hold as void: its amount is available again since its expiry if that is past, else now."""
        return replace(self, state=VOID, resolved_at=self.expires_at if self.has_expired(now_ms) else now_ms)


def check_amount(amount: int, maximum: int = MAX_AMOUNT) -> None:
    """Check an amount. Raises InvalidRequest (`amount_out_of_range`)."""
    if not MIN_AMOUNT <= amount <= maximum:
        raise InvalidRequest(
            f"'amount' must be from {MIN_AMOUNT} to {maximum}.",
            code="amount_out_of_range",
            parameter="amount",
            minimum=MIN_AMOUNT,
            maximum=maximum,
        )
