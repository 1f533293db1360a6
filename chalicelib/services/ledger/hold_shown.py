"""Holds in answers."""

from __future__ import annotations

import msgspec

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.ledger.holds import Hold


class HoldShown(msgspec.Struct, rename="camel", omit_defaults=True):
    """A hold. `status`: `open`, `posted` or `void`. `posted`: the part that `transferId` paid; the rest was released.

    A hold without `expiresAt` belongs to a `redemption` and ends with it.
    """

    id: str
    asset: str
    amount: int
    status: str
    created_at: str
    expires_at: str | None = None
    redemption: str | None = None
    posted: int | None = None
    transfer_id: str | None = None
    resolved_at: str | None = None


def hold_shown(hold: Hold) -> HoldShown:
    return HoldShown(
        id=hold.id,
        asset=hold.asset,
        amount=hold.amount,
        status=hold.state,
        created_at=moment_name(hold.created_at),
        expires_at=None if hold.expires_at is None else moment_name(hold.expires_at),
        redemption=hold.purpose or None,
        posted=hold.posted or None,
        transfer_id=hold.transfer or None,
        resolved_at=None if hold.resolved_at is None else moment_name(hold.resolved_at),
    )
