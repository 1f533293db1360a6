"""Examples of the types of players, by schema name."""

from __future__ import annotations

from typing import Any

_FIGURES = {"current": 5, "longest": 12}
_NEXT = {"days": 7, "remaining": 2}
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

EXAMPLES: dict[str, Any] = {
    "ProfileChange": {"displayName": "Anna", "private": False},
    "BadgeDecisionRequest": {"player": "anna@example.org", "idempotencyKey": "ticket-311"},
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
