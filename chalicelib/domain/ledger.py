"""The ledger's one rule: a transfer is two postings that sum to zero."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.change import Credit

MINT, BURN, REWARDS = "@mint", "@burn", "@rewards"


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transfer: a signed amount on an account."""

    account: str
    other: str
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` of `asset` from one account to another. `id` is stable: the same cause gives the same transfer."""

    id: str
    asset: str
    source: str
    target: str
    amount: int
    kind: str
    created_at: int
    details: dict[str, Any] = field(default_factory=dict)

    def postings(self) -> tuple[Posting, Posting]:
        return (
            Posting(self.source, self.target, -self.amount),
            Posting(self.target, self.source, self.amount),
        )


def is_system(account: str) -> bool:
    """System accounts have postings and no balance item."""
    return account.startswith("@")


def rule_transfer(credit: Credit, account: str, now_ms: int) -> Transfer:
    """What rules owe a player, minted: one transfer for each event and asset."""
    return Transfer(
        id=transfer_id(account, credit.identity, credit.asset),
        asset=credit.asset,
        source=MINT,
        target=account,
        amount=credit.amount,
        kind="rule",
        created_at=now_ms,
        details={"causes": credit.causes},
    )


def transfer_id(*cause: str) -> str:
    """32 hex digits that name a transfer by its cause."""
    return hashlib.blake2b("\0".join(cause).encode(), digest_size=16).hexdigest()
