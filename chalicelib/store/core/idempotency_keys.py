"""What became of idempotency keys: one item a key and account, kept for 30 days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.store.core import keys
from chalicelib.store.core.expiry import is_live
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item, RequestItem
from chalicelib.store.core.table import number
from chalicelib.store.core.transaction import Transaction

KEY_DAYS = 30
# A key that is taken for a moment keeps its row longer than any write may still be under way.
_TAKEN_ROW_S = 3_600


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was asked under a key (a digest), and its outcome. `refused`: the kind of the refusal, if it is one.

    `taken`: the key is only kept from others for a moment, after a refusal that is not remembered.
    """

    asked: str
    outcome: dict[str, Any]
    refused: ErrorKind | None = None
    taken: bool = False


def request_key(account_id: str, idempotency_key: str) -> Key:
    return keys.request(account_id, idempotency_key)


def read_request(item: Item | None, now_ms: int) -> Remembered | None:
    """What is remembered; an expired item is as good as none, collected or not."""
    if item is None:
        return None
    row = RequestItem.from_raw_data(item)
    free_from = int(row.expires if row.free_from is None else row.free_from)
    if not is_live(free_from, now_ms):
        return None
    refused = ErrorKind(row.refused) if row.refused else None
    return Remembered(row.asked, row.outcome, refused, taken=row.free_from is not None)


def remember(tx: Transaction, key: Key, remembered: Remembered, now_ms: int, kept_ms: int = KEY_DAYS * DAY_MS) -> None:
    """Remember for `kept_ms`, by default 30 days, if the key is free."""
    _put(tx, key, remembered, now_ms, (now_ms + kept_ms) // 1000)


def take_key(tx: Transaction, key: Key, remembered: Remembered, now_ms: int, taken_ms: int) -> None:
    """Take the key for a moment, if it is free.

    The row stays for an hour: a write that began before finds it, whatever TTL collects meanwhile.
    """
    free_from = (now_ms + taken_ms) // 1000
    _put(tx, key, remembered, now_ms, free_from + _TAKEN_ROW_S, free_from)


def _put(
    tx: Transaction, key: Key, remembered: Remembered, now_ms: int, expires: int, free_from: int | None = None
) -> None:
    row = RequestItem(
        *key,
        asked=remembered.asked,
        outcome=remembered.outcome,
        refused=remembered.refused,
        at=now_ms,
        expires=expires,
        free_from=free_from,
    )
    free = "attribute_not_exists(pk) OR expires <= :now OR free_from <= :now"
    tx.put(row.item(), free, None, {":now": number(now_ms // 1000)})
