"""A hold: a part of a balance that is set aside until it is posted, void or expired, whichever is first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.core.periods import DAY_MS

MIN_AMOUNT, MAX_AMOUNT = 1, 10**12
DAY_S = DAY_MS // 1000
MIN_EXPIRES_S, DEFAULT_EXPIRES_S, MAX_EXPIRES_S = 1, 7 * DAY_S, 30 * DAY_S
# Of those that a player places, on an account at a time: all of them are read at once, some 20 KB.
MAX_OPEN = 100
# How long a hold that was resolved can be asked about; as long as idempotency keys live.
KEPT_DAYS = 30
OPEN, POSTED, VOID = "open", "posted", "void"


@dataclass(frozen=True, slots=True)
class Hold:
    """`amount` of an account is set aside until `expires_at` (ms; None: until it is resolved).

    `id` is one of `ledger.transfer_id`. `purpose`: the redemption that it is for; '' for one that the player placed.
    `posted`: how much was moved on; `transfer`: by which transfer.
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
        """From its expiry on, whether or not anybody has noted it."""
        return self.expires_at is not None and self.expires_at <= now_ms

    @property
    def is_players(self) -> bool:
        """Whether the player resolves it; those without expiry are a redemption's."""
        return self.expires_at is not None

    @property
    def by_expiry(self) -> bool:
        """Whether nobody resolved it before it expired."""
        return self.state == VOID and self.resolved_at == self.expires_at

    def as_posted(self, amount: int, transfer: str, now_ms: int) -> Hold:
        """`amount` moved on by a transfer, the rest available again."""
        return replace(self, state=POSTED, posted=amount, transfer=transfer, resolved_at=now_ms)

    def as_void(self, now_ms: int) -> Hold:
        """All of it available again: since its expiry, if that is past."""
        return replace(self, state=VOID, resolved_at=self.expires_at if self.has_expired(now_ms) else now_ms)


def check_amount(amount: int, maximum: int = MAX_AMOUNT) -> None:
    """Raises InvalidRequest (`amount_out_of_range`)."""
    if not MIN_AMOUNT <= amount <= maximum:
        raise InvalidRequest(
            f"'amount' must be from {MIN_AMOUNT} to {maximum}.",
            code="amount_out_of_range",
            parameter="amount",
            minimum=MIN_AMOUNT,
            maximum=maximum,
        )
