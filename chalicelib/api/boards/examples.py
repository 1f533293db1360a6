"""Examples of the types of boards, by schema name."""

from __future__ import annotations

from typing import Any

_ENTRY = {
    "rank": 1,
    "apiKeyId": "4f0c2ab19d3e5f60",
    "displayName": "User***1234",
    "score": 812,
    "level": 3,
    "title": "Beginner",
}

EXAMPLES: dict[str, Any] = {
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
