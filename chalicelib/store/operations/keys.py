"""Keys of what operators watch: (partition key, sort key).

run         RUN#<function>          RUN
check       LEDGER_CHECK            CHECK, and <number>#<place> for the parts of its state
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key

LEDGER_CHECK = "LEDGER_CHECK"


def run(function: str) -> Key:
    """Return the key of a scheduled function's last finished run: a partition of its own, for its own permission."""
    return f"RUN#{function}", "RUN"


def ledger_check() -> Key:
    return LEDGER_CHECK, "CHECK"


def ledger_check_part(number: int, place: int) -> Key:
    """Return the key of a part of the state that was saved as so many-th of the check."""
    return LEDGER_CHECK, f"{number:08d}#{place:03d}"
