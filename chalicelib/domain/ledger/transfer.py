"""Transfers: a transfer is two postings that sum to zero."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.progress.effect import Credit

MINT, BURN, REWARDS = "@mint", "@burn", "@rewards"
# The largest integer that is exact in every reader, including JavaScript.
MAX_BALANCE = 2**53 - 1
_ID = re.compile(r"([0-9a-f]{11})([0-9a-f]{16})[0-9a-f]{10}")


@dataclass(frozen=True, slots=True)
class Posting:
    """One posting of a transfer: a signed amount on an account."""

    account: str
    other: str
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` of `asset` moves from one account to another.

    `id`: determines the keys of its postings (`transfer_id`). `details`: stored with both postings.
    `details_for`: account -> details of that account's posting only.
    """

    id: str
    asset: str
    source: str
    target: str
    amount: int
    kind: str
    created_at: int
    details: dict[str, Any] = field(default_factory=dict)
    details_for: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError(f"a transfer must move more than 0, not {self.amount}")
        if self.source == self.target:
            raise ValueError(f"a transfer needs two accounts, not {self.source} twice")

    def postings(self) -> tuple[Posting, Posting]:
        return (
            Posting(self.source, self.target, -self.amount),
            Posting(self.target, self.source, self.amount),
        )


def is_system(account: str) -> bool:
    """Return whether an account is a system account, which has postings and no balance item."""
    return account.startswith("@")


def rule_transfer(credit: Credit, account: str, public: str, now_ms: int) -> Transfer:
    """Return the transfer that mints a credit of the rules or of an import: one for each event and asset."""
    return Transfer(
        id=transfer_id(now_ms, public, account, credit.identity, credit.asset),
        asset=credit.asset,
        source=MINT,
        target=account,
        amount=credit.amount,
        kind=credit.kind,
        created_at=now_ms,
        details={"causes": credit.causes} | ({"reason": credit.reason} if credit.reason else {}),
    )


def transfer_id(created_at: int, public: str, *cause: str) -> str:
    """Return 37 hex digits: time (ms, 11), public id of a player of the transfer (16), digest of the cause (10).

    Two transfers of one player and millisecond for different causes share an id once in 10^12. The second write then
    fails, and is retried.
    """
    return f"{created_at:011x}{public}{hashlib.blake2b(chr(0).join(cause).encode(), digest_size=5).hexdigest()}"


def located(id_: str) -> tuple[int, str] | None:
    """Return (created at, public id) of a transfer's id; None if the text is not such an id."""
    found = _ID.fullmatch(id_)
    return (int(found[1], 16), found[2]) if found else None
