"""Keys of runs that apply a ruleset: (partition key, sort key).

run         RULESET                 APPLIED
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key

# A whole partition key.
RULESET = "RULESET"


def ruleset_run() -> Key:
    return RULESET, "APPLIED"
