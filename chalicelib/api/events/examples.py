"""Examples of the types of events and awards, by schema name."""

from __future__ import annotations

from typing import Any

_TIME = "2026-05-19T12:00:00Z"

EXAMPLES: dict[str, Any] = {
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
    "Accepted": {"accepted": 2, "ids": ["01J2Z5Q8WJ3V", "req-1842"]},
}
