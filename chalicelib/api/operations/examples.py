"""Examples of the types of the service and of errors, by schema name."""

from __future__ import annotations

from typing import Any

EXAMPLES: dict[str, Any] = {
    "Status": {"status": "ok", "ruleset": "2026.1"},
    "Error": {
        "error": "'limit' must be an integer from 1 to 200",
        "code": "invalid_request",
        "parameter": "limit",
        "minimum": 1,
        "maximum": 200,
    },
}
