"""Examples of the types of invites, by schema name."""

from __future__ import annotations

from typing import Any

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

EXAMPLES: dict[str, Any] = {
    "InviteRequest": {"uses": 10, "days": 30},
    "InviteShown": _INVITE | {"state": "open"},
    "InviteList": {"invites": [_INVITE | {"state": "open"}]},
    "InviteMade": _INVITE | {"used": 0, "token": "Wm9Tq3yJ0hBv8sRkX2LdNfUe5cGaPi7QzYt1MwoE4Kx"},
    "InviteRevoked": {"success": True, "code": "A3K9-X7M2"},
    "RotateRequest": {"code": "A3K9-X7M2"},
    "RedeemInvite": {"code": "a3k9x7m2"},
    "ReferralShown": _REFERRAL,
    "InviteRedeemed": {"success": True, "referral": _REFERRAL},
}
