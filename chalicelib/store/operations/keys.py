"""Keys of what operators watch: (partition key, sort key).

run         RUN#<function>          RUN
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key


def run(function: str) -> Key:
    """Return the key of a scheduled function's last finished run: a partition of its own, for its own permission."""
    return f"RUN#{function}", "RUN"
