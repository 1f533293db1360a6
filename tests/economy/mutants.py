"""Economies broken on purpose, one guard taken out of each. The simulation must fail every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from chalicelib.domain.core.errors import InsufficientBalance, LostRace
from chalicelib.domain.ledger.holds import Hold
from chalicelib.services.core import idempotency, outbox
from chalicelib.store.core import idempotency_keys
from chalicelib.store.core.outcomes import StoreError, Unknown
from chalicelib.store.core.table import Table, number
from chalicelib.store.ledger.accounts import Change

Writes = list[dict[str, Any]]


@contextmanager
def rewritten(change: Callable[[Writes], Writes]) -> Iterator[None]:
    """Change every transaction before it is sent."""
    real = Table.transact

    def transact(self: Table, writes: Writes) -> None:
        real(self, change(list(writes)))

    with patch.object(Table, "transact", transact):
        yield


def place(write: dict[str, Any]) -> tuple[str, str]:
    ((_, inner),) = write.items()
    key = inner.get("Key") or inner["Item"]
    return key["pk"]["S"], key["sk"]["S"]


def unconditional(write: dict[str, Any]) -> dict[str, Any]:
    """Return the write without its condition, and the values and names that only the condition uses."""
    ((kind, inner),) = write.items()
    inner = {name: value for name, value in inner.items() if name != "ConditionExpression"}
    used = inner.get("UpdateExpression", "").replace(",", " ").split()
    for part, kept in (("ExpressionAttributeValues", used), ("ExpressionAttributeNames", used)):
        left = {name: value for name, value in inner.pop(part, {}).items() if name in kept}
        inner |= {part: left} if left else {}
    return {kind: inner}


def without_conditions(*partitions: str, sort: str = "") -> AbstractContextManager[None]:
    def change(writes: Writes) -> Writes:
        return [
            unconditional(write)
            if place(write)[0].startswith(partitions) and place(write)[1].startswith(sort)
            else write
            for write in writes
        ]

    return rewritten(change)


def key_condition_dropped() -> AbstractContextManager[None]:
    """Write a key's record whether or not there is one."""
    return without_conditions("IDEMPOTENCY#")


@contextmanager
def key_written_apart() -> Iterator[None]:
    """Write the effect first, then its key's record."""
    real = Table.transact

    def transact(self: Table, writes: Writes) -> None:
        apart = [write for write in writes if place(write)[0].startswith("IDEMPOTENCY#")]
        effect = [write for write in writes if write not in apart]
        if effect:
            real(self, effect)
        if apart:
            real(self, apart)

    with patch.object(Table, "transact", transact):
        yield


@contextmanager
def as_read_dropped() -> Iterator[None]:
    """Change an account even if it has changed since it was read."""
    real = Change.add_to

    def add_to(self: Change, *args: Any, **kwargs: Any) -> None:
        real(replace(self, read=None), *args, **kwargs)

    with patch.object(Change, "add_to", add_to):
        yield


def account_unconditional() -> AbstractContextManager[None]:
    """Change an account even if it has changed, or has too little available."""
    return without_conditions("ACCOUNT#", sort="BALANCE")


def refusal_forgotten() -> AbstractContextManager[Any]:
    """Answer lack of funds without remembering it."""
    return patch.object(InsufficientBalance, "remembered", False)


def outbox_unwritten() -> AbstractContextManager[None]:
    """Send the messages of a commit at once or never."""
    return rewritten(lambda writes: [write for write in writes if not place(write)[0].startswith("OUTBOX#")])


@contextmanager
def outbox_deleted_first() -> Iterator[None]:
    """Delete a row of the outbox before it is sent."""
    real = outbox._send

    def send(context: Any, record: Any) -> None:
        outbox.delete_outbox_record(context.table, record)
        real(context, record)

    with patch.object(outbox, "_send", send):
        yield


@contextmanager
def limits_apart() -> Iterator[None]:
    """Note a transfer in the limits after it is written."""
    real = Table.transact

    def transact(self: Table, writes: Writes) -> None:
        later = []
        for write in writes:
            update = write.get("Update", {})
            if ":sent" in update.get("ExpressionAttributeValues", {}):
                update["UpdateExpression"] = update["UpdateExpression"].replace(" SET sent = :sent", "")
                later.append((place(write), update["ExpressionAttributeValues"].pop(":sent")))
        real(self, writes)
        for key, sent in later:
            values = {":a": number(0), ":b": number(0), ":sent": sent}
            with suppress(LostRace, StoreError):
                self.update(key, "ADD balance :b, available :a SET sent = :sent", "", None, values)

    with patch.object(Table, "transact", transact):
        yield


def hold_unconditional() -> AbstractContextManager[None]:
    """Resolve a hold in any state."""
    return without_conditions("HOLD#")


@contextmanager
def hold_never_expires() -> Iterator[None]:
    """Void a hold when it is swept, not when it expires."""

    def change(writes: Writes) -> Writes:
        for write in writes:
            if "Delete" in write and place(write)[0].startswith("HOLD#"):
                write["Delete"]["ConditionExpression"] = "attribute_exists(pk)"
                write["Delete"].pop("ExpressionAttributeValues", None)
        return writes

    with patch.object(Hold, "has_expired", lambda self, now_ms: False), rewritten(change):
        yield


def key_expires_by_ttl() -> AbstractContextManager[Any]:
    """Use a key's record as long as it exists."""
    return patch.object(idempotency_keys, "is_live", lambda expires, now_ms: True)


@contextmanager
def weak_read() -> Iterator[None]:
    """Believe refusals on eventually consistent reads."""
    real = Table.get_many

    def get_many(self: Table, keys: Any, *, strong: bool = True) -> Any:
        return real(self, keys, strong=False)

    with patch.object(Table, "get_many", get_many):
        yield


@contextmanager
def lost_answer_believed() -> Iterator[None]:
    """Take a write without an answer as not done: the caller gets an error, and may use another key."""
    real = idempotency._write

    def write(context: Any, key: Any, remembered: Any, prepared: Any, now_ms: int) -> None:
        try:
            real(context, key, remembered, prepared, now_ms)
        except StoreError:
            raise idempotency.ConflictingState("It was not done.", code="not_done") from None

    with patch.object(idempotency, "_write", write):
        yield


def stock_unconditional() -> AbstractContextManager[None]:
    """Take one from a stock with any amount left."""
    return without_conditions("REWARD#", sort="STOCK")


def resolution_unconditional() -> AbstractContextManager[None]:
    """Resolve a redemption in any state of itself, of its hold, and of its payment."""

    def change(writes: Writes) -> Writes:
        if not any("Update" in write and place(write)[0].startswith("REDEMPTION#") for write in writes):
            return writes
        loose = ("REDEMPTION#", "HOLD#", "CORRECTED#")
        return [unconditional(write) if place(write)[0].startswith(loose) else write for write in writes]

    return rewritten(change)


def correction_unconditional() -> AbstractContextManager[None]:
    """Correct a transfer as often as requests try it at once."""
    return without_conditions("CORRECTED#")


def uses_unconditional() -> AbstractContextManager[None]:
    """Use an invite that has no uses left."""
    return without_conditions("INVITE#")


def pair_unconditional() -> AbstractContextManager[None]:
    """Let two players refer each other."""
    return without_conditions("REFERRAL#")


@contextmanager
def unanswered_try_forgotten() -> Iterator[None]:
    """Believe a refusal though an earlier try of the same write was not answered, and may be in progress."""
    real = Table._call

    def call(self: Table, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return real(self, operation, request)
        except Unknown as unknown:
            if isinstance(unknown.__cause__, LostRace) or "TransactionInProgress" in str(unknown):
                raise LostRace(str(unknown)) from unknown
            raise

    with patch.object(Table, "_call", call):
        yield


def key_not_forestalled() -> AbstractContextManager[Any]:
    """Return a refusal while a write under the same key may still come."""
    return patch.object(idempotency, "_forestalled", lambda *_: True)


MUTANTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    mutant.__name__: mutant
    for mutant in (
        key_condition_dropped,
        key_written_apart,
        as_read_dropped,
        account_unconditional,
        refusal_forgotten,
        outbox_unwritten,
        outbox_deleted_first,
        limits_apart,
        hold_unconditional,
        hold_never_expires,
        key_expires_by_ttl,
        weak_read,
        lost_answer_believed,
        stock_unconditional,
        resolution_unconditional,
        correction_unconditional,
        uses_unconditional,
        pair_unconditional,
        unanswered_try_forgotten,
        key_not_forestalled,
    )
}
