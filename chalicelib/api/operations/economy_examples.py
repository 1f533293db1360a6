"""Examples of what is sent and answered about tokens, coins, rewards and invites."""

from __future__ import annotations

from typing import Any


def sent() -> dict[str, Any]:
    return {
        "GrantRequest": _GRANT | {"idempotencyKey": "hackathon-anna"},
        "CorrectionRequest": {"transferId": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7", "reason": "Sent by mistake"},
        "HoldRequest": {"amount": 40, "asset": "tokens", "idempotencyKey": "order-17", "expiresIn": 86400},
        "PostRequest": {"amount": 25},
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
        "RedeemRequest": {"idempotencyKey": "mug-1"},
        "InviteRequest": {"uses": 10, "days": 30},
        "RotateRequest": {"code": "A3K9-X7M2"},
        "RedeemInvite": {"code": "a3k9x7m2"},
        "TransferRequest": {"to": "bob", "amount": 50, "idempotencyKey": "lunch-1842", "note": "Thanks!"},
    }


def answered() -> dict[str, Any]:
    return {
        "HoldShown": _HOLD,
        "HoldPlaced": {"success": True, "hold": _HOLD, "balance": 200, "available": 160},
        "HoldResolved": {
            "success": True,
            "hold": _HOLD
            | {
                "status": "posted",
                "posted": 25,
                "transferId": "019e3fb72ab8f0c2ab19d3e5f608a4b41d09c",
                "resolvedAt": "2026-05-19T12:00:30.000Z",
            },
        },
        "Holds": {"holds": [_HOLD], "cursor": None},
        "InviteShown": _INVITE | {"state": "open"},
        "InviteList": {"invites": [_INVITE | {"state": "open"}]},
        "InviteMade": _INVITE | {"used": 0, "token": "Wm9Tq3yJ0hBv8sRkX2LdNfUe5cGaPi7QzYt1MwoE4Kx"},
        "InviteRevoked": {"success": True, "code": "A3K9-X7M2"},
        "ReferralShown": _REFERRAL,
        "InviteRedeemed": {"success": True, "referral": _REFERRAL},
        "TransferShown": _TRANSFER,
        "TransferMade": {"success": True, "transfer": _TRANSFER, "balance": 150},
        "TransferSeen": _TRANSFER | {"direction": "sent", "note": "Thanks!"},
        "TransferList": {"transfers": [_TRANSFER | {"direction": "sent", "note": "Thanks!"}], "cursor": None},
        "Balance": {"asset": "tokens", "balance": 150, "held": 20, "available": 130},
        "StatementLine": _LINE,
        "Statement": {"asset": "tokens", "postings": [_LINE], "cursor": None},
        "GrantShown": _GRANT | _MADE,
        "GrantMade": {"success": True, "transfer": _GRANT | _MADE, "balance": 250},
        "CorrectionShown": _CORRECTION,
        "CorrectionMade": {"success": True, "transfer": _CORRECTION},
        "RewardShown": _REWARD,
        "Rewards": {"rewards": [_REWARD]},
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


_TRANSFER = {
    "id": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7",
    "from": "anna@example.org",
    "to": "bob",
    "amount": 50,
    "createdAt": "2026-05-19T12:00:00.000Z",
}
_MADE = {"id": "019e3fb7ab44f0c2ab19d3e5f60813f09bd41", "createdAt": "2026-05-19T12:01:00.100Z"}
_GRANT = {"player": "anna@example.org", "asset": "tokens", "amount": 100, "reason": "Won the hackathon"}
_LINE = _MADE | {"kind": "grant", "amount": 100, "other": "@mint", "balanceAfter": 250, "reason": "Won the hackathon"}
_CORRECTION = _MADE | {
    "corrects": _TRANSFER["id"],
    "asset": "tokens",
    "from": "bob",
    "to": "anna@example.org",
    "amount": 50,
    "reason": "Sent by mistake",
}
_HOLD = {
    "id": "019e3fb6c0e4f0c2ab19d3e5f608a41c0d2e7",
    "asset": "tokens",
    "amount": 40,
    "status": "open",
    "createdAt": "2026-05-19T12:00:00.000Z",
    "expiresAt": "2026-05-20T12:00:00.000Z",
}
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
_INVITE = {
    "code": "A3K9-X7M2",
    "uses": 10,
    "used": 3,
    "createdAt": "2026-05-19T12:00:00.000Z",
    "expiresAt": "2026-06-18T12:00:00.000Z",
}
_REFERRAL = {
    "id": "5b0e6d1f2a93c84477e1d05b9ac2f386",
    "referrer": "4f0c2ab19d3e5f60",
    "code": "A3K9-X7M2",
    "createdAt": "2026-05-19T12:00:00.000Z",
}
