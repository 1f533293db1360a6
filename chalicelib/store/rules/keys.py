from __future__ import annotations

from chalicelib.store.core.keys import Key


def ruleset_run() -> Key:
    return "RULESET", "APPLIED"
