"""Keys of what operators watch: (partition key, sort key).

run         RUN#<function>          RUN | TURN
health      HEALTH                  QUEUES
check       LEDGER_CHECK            CHECK, and <number>#<place> for the parts of its state
"""

from __future__ import annotations

from chalicelib.store.core.keys import Key

# Partition keys begin with these; one without `#` is whole.
RUN, HEALTH, LEDGER_CHECK = "RUN#", "HEALTH", "LEDGER_CHECK"


def run(function: str) -> Key:
    """Return the key of a scheduled function's last finished run: a partition of its own, for its own permission."""
    return runs(function), "RUN"


def turn(function: str) -> Key:
    """Return the key of the run that is under way."""
    return runs(function), "TURN"


def runs(function: str) -> str:
    return f"{RUN}{function}"


def queues() -> Key:
    return HEALTH, "QUEUES"


def ledger_check() -> Key:
    return LEDGER_CHECK, "CHECK"


def ledger_check_part(number: int, place: int) -> Key:
    """Return the key of a part of the state that was saved as so many-th of the check."""
    return LEDGER_CHECK, f"{number:08d}#{place:03d}"
