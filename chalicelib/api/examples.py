"""One example of every type that the document names; a test decodes each as its type."""

from __future__ import annotations

from typing import Any

_TIME = "2026-05-19T12:00:00Z"


def examples() -> dict[str, Any]:
    """Example by schema name."""
    return _sent() | _answered() | _shown()


def _sent() -> dict[str, Any]:
    return {
        "CloudEvent": {
            "specversion": "1.0",
            "id": "01J2Z5Q8WJ3V",
            "source": "gateway/eu-1",
            "type": "request.completed",
            "subject": "anna@example.org",
            "time": _TIME,
            "data": {"provider": "openai", "model": "gpt-4o", "tokensIn": 812, "tokensOut": 164, "latencyMs": 950},
        },
        "GatewayEvent": {
            "type": "request.completed",
            "apiKeyId": "anna@example.org",
            "id": "req-1842",
            "time": _TIME,
            "metadata": {"provider": "openai", "model": "gpt-4o"},
        },
        "AwardEvent": {
            "event": "award",
            "distinct_id": "device-7",
            "properties": {"username": "anna@example.org", "points": 50, "reason": "Found a bug", "key": "bug-77"},
            "timestamp": _TIME,
        },
        "AwardProperties": {"username": "anna@example.org", "points": 50, "reason": "Found a bug", "key": "bug-77"},
        "AwardRequest": {"player": "anna@example.org", "points": 50, "reason": "Found a bug", "key": "bug-77"},
        "ProfileChange": {"displayName": "Anna", "private": False},
        "BadgeDecisionRequest": {"player": "anna@example.org", "idempotencyKey": "ticket-311"},
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


def _answered() -> dict[str, Any]:
    return {
        "Accepted": {"accepted": 2, "ids": ["01J2Z5Q8WJ3V", "req-1842"]},
        "Error": {
            "error": "'limit' must be an integer from 1 to 200",
            "code": "invalid_request",
            "parameter": "limit",
            "minimum": 1,
            "maximum": 200,
        },
        "Status": {"status": "ok", "ruleset": "2026.1"},
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
        "LeaderboardEntry": _ENTRY,
        "Leaderboard": {
            "scope": "weekly",
            "period": "2026-W21",
            "entries": [_ENTRY],
            "total": 200,
            "updatedAt": "2026-05-19T12:00:01.204Z",
        },
        "ArchivedEntry": _ENTRY | {"hidden": False},
        "ArchivedBoard": {
            "scope": "weekly",
            "period": "2026-W20",
            "total": 187,
            "champion": _ENTRY | {"hidden": False},
            "entries": [_ENTRY | {"hidden": False}],
            "frozenAt": "2026-05-18T01:00:12.418Z",
        },
        "Neighbour": _ENTRY | {"you": False},
        "OwnRank": {
            "scope": "weekly",
            "period": "2026-W21",
            "rank": 2,
            "score": 790,
            "percentile": 9900,
            "total": 200,
            "pointsToNext": 22,
            "neighbours": [
                _ENTRY | {"you": False},
                _ENTRY | {"rank": 2, "apiKeyId": "anna@example.org", "displayName": "Anna", "score": 790, "you": True},
            ],
        },
        "TopTen": {
            "scope": "weekly",
            "period": "2026-W21",
            "entries": [_ENTRY],
            "updatedAt": "2026-05-19T12:00:01.204Z",
        },
    }


def _shown() -> dict[str, Any]:
    return {
        "Profile": {
            "id": "anna@example.org",
            "displayName": "Anna",
            "createdAt": "2026-05-01T08:00:00.000Z",
            "xp": 900,
            "level": 3,
            "title": "Beginner",
            "xpIntoLevel": 99,
            "xpToNext": 701,
            "awardTotal": 50,
            "streak": _FIGURES,
            "badgeCount": 2,
            "stats": {"requests": 421, "tokensIn": 311020, "models": 4},
            "counters": {"request": 421, "daily_login": 12},
            "ruleset": "2026.1",
            "coins": 20,
            "tokens": 200,
            "private": False,
            "hidden": False,
        },
        "StreakFigures": _FIGURES,
        "BadgeShown": _BADGE,
        "BadgeList": {"badges": [_BADGE], "earned": 1, "total": 22},
        "StreakShown": {
            "current": 5,
            "longest": 12,
            "lastActiveDay": "2026-05-19",
            "activeToday": True,
            "milestones": [7],
            "nextMilestone": _NEXT,
        },
        "NextMilestone": _NEXT,
        "CalendarDay": _DAY,
        "Calendar": {"days": [_DAY]},
        "LogEntry": _LOGGED,
        "Log": {"entries": [_LOGGED], "cursor": "Mjk2NTMyMDAuMC4z"},
    }


_FIGURES = {"current": 5, "longest": 12}
_NEXT = {"days": 7, "remaining": 2}
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
_ENTRY = {
    "rank": 1,
    "apiKeyId": "4f0c2ab19d3e5f60",
    "displayName": "User***1234",
    "score": 812,
    "level": 3,
    "title": "Beginner",
}
_BADGE = {
    "id": "first-steps",
    "name": "First Steps",
    "description": "Your first request.",
    "icon": "👣",
    "category": "usage",
    "rarity": "common",
    "hidden": False,
    "earned": True,
    "earnedAt": "2026-05-01T08:00:00.000Z",
}
_DAY = {
    "date": "2026-05-19",
    "count": 41,
    "xp": 73,
    "tokensSaved": 9000,
    "costSavedMicroUsd": 27000,
    "active": True,
}
_LOGGED = {
    "time": "2026-05-19T12:00:00.000Z",
    "type": "request.completed",
    "xp": 6,
    "paid": {"request": 1, "provider_switch": 5},
    "status": "ok",
    "id": "01J2Z5Q8WJ3V",
    "source": "gateway/eu-1",
    "provider": "openai",
    "model": "gpt-4o",
    "latencyMs": 950,
}
