"""Redemptions in answers."""

from __future__ import annotations

import msgspec

from chalicelib.domain.core.periods import moment_name
from chalicelib.store.rewards.redemptions import Redemption


class RedemptionShown(msgspec.Struct, rename="camel", omit_defaults=True):
    """A redemption. `status`: `completed`, or `pending` until `fulfilled` or `cancelled`; `refunded` after a refund."""

    id: str
    reward_id: str
    cost: int
    asset: str
    status: str
    created_at: str
    resolved_at: str | None = None


def redemption_shown(made: Redemption) -> RedemptionShown:
    return RedemptionShown(
        id=made.id,
        reward_id=made.reward,
        cost=made.cost,
        asset=made.asset,
        status=made.status,
        created_at=moment_name(made.created_at),
        resolved_at=None if made.resolved_at is None else moment_name(made.resolved_at),
    )
