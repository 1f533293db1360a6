"""Idempotent requests: one atomic write stores a request's effect and the outcome under its idempotency key.

The record holds the outcome, not the request: an answer to a retry takes the names of players from the retry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from chalicelib.domain.core.errors import (
    ConflictingState,
    ErrorKind,
    LaurelError,
    LostRace,
    OutcomeUnknown,
    Unavailable,
)
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.core.outbox import send_outbox_record
from chalicelib.store.core.idempotency_keys import Remembered, read_request, remember, request_key, take_key
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from chalicelib.store.core.outcomes import StoreError, Unknown
from chalicelib.store.core.transaction import Transaction

# Fifty concurrent requests on one account take nine rounds.
MAX_TRIES = 12
# A key expires in whole seconds. A write that started before its expiry finds the key taken.
FORESTALLED_MS = 1_000
OTHERS_WRITE = "Too many concurrent requests; try again."
NOT_ANSWERED = "The result is not known yet; send the same request again."

IdempotencyKey = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{1,128}\Z",
        description=(
            "A key of your choice, one per operation: retries with the same key return the first response. Kept "
            "for 30 days."
        ),
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the account, the key, the operation and the request's members without the key."""

    account: str
    key: str
    operation: str
    members: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Return a digest that differs for another request under the same key."""
        # Not msgspec: a request may contain a number of any length, which is refused later.
        text = json.dumps([self.operation, self.members], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """The write that accompanies the key: its transaction, the outcome to store, and the outbox record of the commit.

    `refused`: the kind of the refusal, if the outcome is one.
    """

    tx: Transaction
    outcome: dict[str, Any]
    outbox: OutboxRecord | None = None
    refused: ErrorKind | None = None


Items = Mapping[Key, Item]
Tried = tuple[Remembered, Prepared]


def once(
    context: Context,
    asked: Asked,
    required: Sequence[Key],
    prepare: Callable[[Items, bool], Prepared],
    *,
    steady: Sequence[Key] = (),
) -> Answer[Any]:
    """Execute the request, or return the stored answer of its key.

    `prepare(items, strong)` decides on the items of the `required` keys. It raises a refusal, or LostRace to read
    again. It runs again with strong reads before a refusal counts, and after every lost race. Permanent refusals are
    stored. A refusal that depends on several items counts only if a second read finds the `steady` ones unchanged.
    Raises ConflictingState (`idempotency_conflict`) if the key was used for another request, Unavailable if others kept
    writing, OutcomeUnknown if a write was not answered; a retry with the same key then returns the outcome.
    """
    key = request_key(asked.account, asked.key)
    strong = unanswered = False
    tried: list[Tried] = []
    for _ in _tries(context):
        now_ms = context.now_ms()
        try:
            items = context.table.get_many([key, *required], strong=strong)
            known = read_request(items.get(key), now_ms)
            if known is not None:
                return _again(context, asked, known, tried)
            try:
                prepared = prepare(items, strong)
            except LaurelError as refusal:
                if not strong:
                    strong = True
                    continue
                # A batch read is no snapshot: the cause of the refusal may be this key's own effect, and items read at
                # different moments may add up to a refusal that was right at none.
                if steady or not refusal.remembered:
                    item, unchanged = _reread(context, key, items, steady)
                    known = read_request(item, now_ms)
                    if known is not None:
                        return _again(context, asked, known, tried)
                    if not unchanged:
                        continue
                if not refusal.remembered:
                    if unanswered and not _forestalled(context, key, asked, refusal, now_ms):
                        continue
                    raise
                prepared = Prepared(context.table.transaction(), refusal.body(), refused=refusal.kind)
            tried.append((Remembered(asked.digest, prepared.outcome, prepared.refused), prepared))
            try:
                _write(context, key, *tried[-1], now_ms)
            except (LostRace, Unknown) as lost:
                # A write with an unknown outcome may be done: the next read shows it.
                unanswered = unanswered or isinstance(lost, Unknown)
                if not strong:
                    context.pause(0)
                strong = True
                continue
            return _done(context, prepared)
        except LostRace:
            strong = True
        except StoreError:
            # The outcome of an earlier write is still unknown.
            if not unanswered:
                raise
    raise OutcomeUnknown(NOT_ANSWERED) if unanswered else Unavailable(OTHERS_WRITE)


def _tries(context: Context) -> Iterator[int]:
    """Count the tries. The first strong read follows the eventually consistent one without a pause."""
    yield 0
    yield from context.retry.tries(MAX_TRIES)


def _reread(context: Context, key: Key, items: Items, steady: Sequence[Key]) -> tuple[Item | None, bool]:
    """Read the key again; return its item, and whether the steady items are still as `items` has them."""
    if not steady:
        return context.table.get(key), True
    later = context.table.get_many([key, *steady])
    return later.get(key), all(items.get(each) == later.get(each) for each in steady)


def _again(context: Context, asked: Asked, known: Remembered, tried: list[Tried]) -> Answer[Any]:
    """Return the stored answer. Raises LostRace while the key is only taken, so that the refusal is decided again.

    `tried`: what this request tried to write before. Any of these writes may have succeeded, even late.
    """
    if known.taken:
        raise LostRace("the key is in use")
    if known.asked != asked.digest:
        raise ConflictingState("This idempotency key was used for a different request.", code="idempotency_conflict")
    for remembered, prepared in tried:
        if known == remembered:
            return _done(context, prepared)
    return Answer(known.outcome, known.refused, replayed=True)


def _forestalled(context: Context, key: Key, asked: Asked, refusal: LaurelError, now_ms: int) -> bool:
    """Take the key for a second and return whether that succeeded: an unanswered write that arrives later then fails.

    False if the write arrived first, or if it is unknown whether the key was taken.
    """
    remembered = Remembered(asked.digest, refusal.body(), refusal.kind)
    tx = context.table.transaction()
    take_key(tx, key, remembered, now_ms, FORESTALLED_MS)
    try:
        tx.commit()
    except (LostRace, Unknown):
        return False
    return True


def _done(context: Context, prepared: Prepared) -> Answer[Any]:
    if prepared.outbox:
        send_outbox_record(context, prepared.outbox)
    return Answer(prepared.outcome, prepared.refused)


def _write(context: Context, key: Key, remembered: Remembered, prepared: Prepared, now_ms: int) -> None:
    tx = context.table.transaction()
    remember(tx, key, remembered, now_ms)
    tx.include(prepared.tx)
    if prepared.outbox:
        add_outbox_record(tx, prepared.outbox)
    tx.commit()
