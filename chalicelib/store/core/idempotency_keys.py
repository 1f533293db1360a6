"""Idempotency keys and their outcomes: one item per key and account, kept for 30 days."""

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
# The row of a reserved key stays longer than any write can still be running.
_TAKEN_ROW_S = 3_600


@dataclass(frozen=True, slots=True)
class Remembered:
    """The request under a key, as a digest, and its outcome.

    `refused`: the kind of the refusal, if the outcome is one. `taken`: the key is reserved for a short time only, after
    a refusal that is not remembered.
    """

    asked: str
    outcome: dict[str, Any]
    refused: ErrorKind | None = None
    taken: bool = False


def request_key(account_id: str, idempotency_key: str) -> Key:
    return keys.request(account_id, idempotency_key)


def read_request(item: Item | None, now_ms: int) -> Remembered | None:
    """Return what is remembered under a key; None if nothing is. An expired item counts as none, deleted or not."""
    if item is None:
        return None
    row = RequestItem.from_raw_data(item)
    free_from = int(row.expires if row.free_from is None else row.free_from)
    if not is_live(free_from, now_ms):
        return None
    refused = ErrorKind(row.refused) if row.refused else None
    return Remembered(row.asked, row.outcome, refused, taken=row.free_from is not None)


def remember(tx: Transaction, key: Key, remembered: Remembered, now_ms: int, kept_ms: int = KEY_DAYS * DAY_MS) -> None:
    """Remember an outcome for `kept_ms`, by default 30 days, if the key is free."""
    _put(tx, key, remembered, now_ms, (now_ms + kept_ms) // 1000)


def take_key(tx: Transaction, key: Key, remembered: Remembered, now_ms: int, taken_ms: int) -> None:
    """Reserve the key for a short time, if it is free.

    The row stays for an hour, so that a write that began earlier still finds it after the reservation has ended.
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
