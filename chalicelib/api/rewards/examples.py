"""Examples of the types of rewards and redemptions, by schema name."""

from __future__ import annotations

from typing import Any

_REWARD = {
    "id": "coffee-mug",
    "name": "Coffee mug",
    "description": "With your level on it.",
    "cost": 300,
    "asset": "coins",
    "type": "goods",
    "requiresFulfilment": True,
    "available": True,
    "stock": 25,
    "left": 24,
    "perPlayer": 1,
    "availableFrom": "2026-05-01T00:00:00.000Z",
    "availableUntil": "2026-06-01T00:00:00.000Z",
}
_REDEMPTION = {
    "id": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7",
    "rewardId": "coffee-mug",
    "cost": 300,
    "asset": "coins",
    "status": "pending",
    "createdAt": "2026-05-19T12:00:00.000Z",
}
_REDEMPTION_OF = _REDEMPTION | {"player": "anna@example.org", "publicId": "f0c2ab19d3e5f608"}

EXAMPLES: dict[str, Any] = {
    "RewardRequest": {
        "name": "Coffee mug",
        "description": "With your level on it.",
        "cost": 300,
        "asset": "coins",
        "type": "goods",
        "requiresFulfilment": True,
        "stock": 25,
        "perPlayer": 1,
        "availableFrom": "2026-05-01T00:00:00Z",
        "availableUntil": "2026-06-01T00:00:00Z",
    },
    "RewardShown": _REWARD,
    "Rewards": {"rewards": [_REWARD]},
    "RedeemRequest": {"idempotencyKey": "mug-1"},
    "RedemptionShown": _REDEMPTION,
    "RedemptionMade": {"success": True, "redemption": _REDEMPTION, "balance": 420},
    "Redemptions": {"redemptions": [_REDEMPTION], "cursor": None},
    "RedemptionOf": _REDEMPTION_OF,
    "AllRedemptions": {"redemptions": [_REDEMPTION_OF], "cursor": None},
    "RedemptionResolved": {
        "success": True,
        "redemption": _REDEMPTION | {"status": "fulfilled", "resolvedAt": "2026-05-20T09:30:00.000Z"},
    },
}
