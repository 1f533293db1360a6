"""Requests that are done once however often they are sent: the key's outcome is in the same atomic write as its effect.

What is remembered is the outcome, not the request: names of players come from the request that is answered again.
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
from chalicelib.services.core.outbox import send_owed
from chalicelib.store.core.idempotency_keys import Remembered, read_request, remember, request_key, take_key
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.outbox import Owed, add_owed
from chalicelib.store.core.outcomes import StoreError, Unknown
from chalicelib.store.core.transaction import Transaction

# Fifty at once on one account take nine rounds.
MAX_TRIES = 12
# A key's expiry is in whole seconds: a write that began before it expires finds the key taken.
FORESTALLED_MS = 1_000
OTHERS_WRITE = "Others keep writing the same; try again."
NOT_ANSWERED = "It is not known yet whether this was done. Send the same request again."

IdempotencyKey = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{1,128}$(?!\n)",
        description="Yours to choose, one for each thing you want done: the same request again gets the first answer. "
        "Kept for 30 days.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: whose account, under which key, what (an operation and its members, without the key)."""

    account: str
    key: str
    operation: str
    members: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Tells a request from another under the same key."""
        # Not msgspec: a number of any length may be asked for, and is refused later.
        text = json.dumps([self.operation, self.members], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written beside the key: the transaction, what to remember, what the commit owes the world.

    `refused`: the kind of the refusal, if the outcome is one.
    """

    tx: Transaction
    outcome: dict[str, Any]
    owed: Owed | None = None
    refused: ErrorKind | None = None


Items = Mapping[Key, Item]
Tried = tuple[Remembered, Prepared]


def once(
    context: Context,
    asked: Asked,
    wanted: Sequence[Key],
    prepare: Callable[[Items, bool], Prepared],
) -> Answer[Any]:
    """Do what was asked, or answer again what became of it.

    `prepare(items, strong)` decides on the wanted items, and raises what it refuses, or LostRace to read again; it is
    asked again with strong reads before a refusal is believed, and after every lost race. What is refused for good is
    remembered.
    Raises ConflictingState (`idempotency_conflict`) if the key was used for something else, Unavailable if others kept
    writing, OutcomeUnknown if a write was not answered; the same key then tells what came of it.
    """
    key = request_key(asked.account, asked.key)
    strong = unanswered = False
    tried: list[Tried] = []
    for _ in _tries(context):
        now_ms = context.now_ms()
        try:
            items = context.table.get_many([key, *wanted], strong=strong)
            known = read_request(items.get(key), now_ms)
            if known is not None:
                return _again(context, asked, known, tried)
            try:
                prepared = prepare(items, strong)
            except LaurelError as refusal:
                if not strong:
                    strong = True
                    continue
                if not refusal.remembered:
                    # A batch is not read at one moment: what is refused may be refused for what this very key did.
                    known = read_request(context.table.get(key), now_ms)
                    if known is not None:
                        return _again(context, asked, known, tried)
                    if unanswered and not _forestalled(context, key, asked, refusal, now_ms):
                        continue
                    raise
                prepared = Prepared(context.table.transaction(), refusal.body(), refused=refusal.kind)
            tried.append((Remembered(asked.digest, prepared.outcome, prepared.refused), prepared))
            try:
                _write(context, key, *tried[-1], now_ms)
            except (LostRace, Unknown) as lost:
                # An unknown write may be done: the next reading tells.
                unanswered = unanswered or isinstance(lost, Unknown)
                if not strong:
                    context.pause(0)
                strong = True
                continue
            return _done(context, prepared)
        except LostRace:
            strong = True
        except StoreError:
            # How an earlier write ended is still to be told.
            if not unanswered:
                raise
    raise OutcomeUnknown(NOT_ANSWERED) if unanswered else Unavailable(OTHERS_WRITE)


def _tries(context: Context) -> Iterator[int]:
    """Count the tries; a strong reading follows the eventually consistent one without a pause."""
    yield 0
    yield from context.retry.tries(MAX_TRIES)


def _again(context: Context, asked: Asked, known: Remembered, tried: list[Tried]) -> Answer[Any]:
    """The answer that is known. Raises LostRace while the key is only taken, so that its refusal is decided anew.

    `tried`: what this very request tried to write before; any of it may have been written, and late.
    """
    if known.taken:
        raise LostRace("the key is taken for a moment")
    if known.asked != asked.digest:
        raise ConflictingState("This idempotency key was used for another request.", code="idempotency_conflict")
    for remembered, prepared in tried:
        if known == remembered:
            return _done(context, prepared)
    return Answer(known.outcome, known.refused, replayed=True)


def _forestalled(context: Context, key: Key, asked: Asked, refusal: LaurelError, now_ms: int) -> bool:
    """Take the key for a second, so that a write of this request that was not answered fails if it still comes.

    False if it came before, or if it is unknown whether the key was taken.
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
    if prepared.owed:
        send_owed(context, prepared.owed)
    return Answer(prepared.outcome, prepared.refused)


def _write(context: Context, key: Key, remembered: Remembered, prepared: Prepared, now_ms: int) -> None:
    tx = context.table.transaction()
    remember(tx, key, remembered, now_ms)
    tx.include(prepared.tx)
    if prepared.owed:
        add_owed(tx, prepared.owed)
    tx.commit()
