"""Points granted by the granters of awards: one row per granter and UTC day, within the day's limit."""

from __future__ import annotations

from chalicelib.domain.core.periods import DAY_MS, day_name
from chalicelib.domain.events.event import LOG_DAYS
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.events import keys


def granter_key(granter: str, day: int) -> Key:
    return keys.granter(granter, str(day))


def read_granted(item: Item | None) -> int:
    """Return the absolute points granted so far."""
    return int(item["points"]["N"]) if item else 0


def add_granted(tx: Transaction, granter: str, day: int, points: int, most: int) -> None:
    """Add absolute points to a granter's day, on condition that the sum is at most `most`."""
    tx.update(
        granter_key(granter, day),
        "ADD points :p SET expires = :e, #d = :d",
        "attribute_not_exists(points) OR points <= :room",
        {"#d": "day"},
        {
            ":p": number(points),
            ":room": number(most - points),
            ":e": number((day + LOG_DAYS) * DAY_MS // 1000),
            ":d": text(day_name(day)),
        },
    )
