"""What became of idempotency keys: one item a key and account, kept for 30 days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.periods import DAY_MS
from chalicelib.store import keys
from chalicelib.store.keys import Key
from chalicelib.store.models import Item, RequestItem
from chalicelib.store.records import is_live
from chalicelib.store.table import number, put_of

KEY_DAYS = 30


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was asked under a key (a digest), and how it ended: HTTP status, and the outcome."""

    asked: str
    status: int
    outcome: dict[str, Any]


def request_key(account_id: str, idempotency_key: str) -> Key:
    return keys.request(account_id, idempotency_key)


def read_request(item: Item | None, now_ms: int) -> Remembered | None:
    """What is remembered; an expired item is as good as none, collected or not."""
    if item is None:
        return None
    row = RequestItem.from_raw_data(item)
    if not is_live(int(row.expires), now_ms):
        return None
    return Remembered(row.asked, int(row.status), row.outcome)


def request_write(
    table: str, key: Key, remembered: Remembered, now_ms: int, kept_ms: int = KEY_DAYS * DAY_MS
) -> dict[str, Any]:
    """Remember, if the key is free."""
    row = RequestItem(
        *key,
        asked=remembered.asked,
        status=remembered.status,
        outcome=remembered.outcome,
        at=now_ms,
        expires=(now_ms + kept_ms) // 1000,
    )
    free = "attribute_not_exists(pk) OR expires <= :now"
    return put_of(table, row.item(), free, None, {":now": number(now_ms // 1000)})
