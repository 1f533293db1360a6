"""One example of every type that the document names; a test decodes each as its type."""

from __future__ import annotations

from typing import Any

from chalicelib.api.operations import economy_examples

_TIME = "2026-05-19T12:00:00Z"


def examples() -> dict[str, Any]:
    """Example by schema name."""
    return _sent() | _answered() | _shown() | economy_examples.sent() | economy_examples.answered()


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
