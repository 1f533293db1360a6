"""Laurels broken on purpose, one guard taken out of each. The simulation must fail every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import msgspec

from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.events import backlog
from chalicelib.domain.progress import apply_event, effect, import_player, scores
from chalicelib.domain.progress.player import Player
from chalicelib.gateways import queues
from chalicelib.gateways.bus import EventBus
from chalicelib.gateways.queues import SqsQueues
from chalicelib.services.boards import writer
from chalicelib.services.events import reject_messages
from chalicelib.services.events.backlog import Backlog
from chalicelib.services.progress import apply_events, process_messages
from chalicelib.store.core.table import StoreError, Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.events.failed_messages import Failure, set_aside
from chalicelib.store.ledger.player_ledger import PlayerLedger
from chalicelib.store.progress import commit, records


@contextmanager
def dedupe_dropped() -> Iterator[None]:
    """Recognise no event as applied before."""
    with patch.object(apply_events, "duplicate_of", lambda event, records: None):
        yield


@contextmanager
def version_condition_dropped() -> Iterator[None]:
    """Write the player's item at any version."""
    real = Table.transact

    def transact(self: Table, writes: Any) -> None:
        for write in writes:
            put = write.get("Put")
            if put and put["Item"]["sk"]["S"] == "STATE":
                put.pop("ConditionExpression", None)
                put.pop("ExpressionAttributeValues", None)
        real(self, writes)

    with patch.object(Table, "transact", transact):
        yield


@contextmanager
def weak_read() -> Iterator[None]:
    """Make reads eventually consistent."""
    real = Table._call

    def call(self: Table, operation: str, request: dict[str, Any]) -> Any:
        if "ConsistentRead" in request:
            request["ConsistentRead"] = False
        for part in request.get("RequestItems", {}).values():
            part["ConsistentRead"] = False
        return real(self, operation, request)

    with patch.object(Table, "_call", call):
        yield


@contextmanager
def outbox_skipped() -> Iterator[None]:
    """Send nothing for a duplicate, although messages after the write may be missing."""

    def count_duplicate(context: Any, outcome: Any, event: Any, duplicate: Any) -> None:
        outcome.duplicates += 1

    real = apply_events.updates_to_publish

    def states(context: Any, player: Any, news: Any) -> Any:
        return real(context, player, replace(news, again=set()))

    with (
        patch.object(apply_events, "_count_duplicate", count_duplicate),
        patch.object(apply_events, "updates_to_publish", states),
    ):
        yield


@contextmanager
def ttl_taken_as_logic() -> Iterator[None]:
    """Use all rows of the table, expired or not."""
    with patch.object(records, "is_live", lambda expires, now_ms: True):
        yield


@contextmanager
def failed_entries_unread() -> Iterator[None]:
    """Take an answer of 200 as done."""

    def send_batch(self: SqsQueues, url: str, batch: list[dict[str, str]]) -> None:
        entries = [{"Id": str(place), **message} for place, message in enumerate(batch)]
        self.client.send_message_batch(QueueUrl=url, Entries=entries)

    def put(self: EventBus, pending: list[dict[str, str]]) -> None:
        self.client.put_events(Entries=pending)

    with patch.object(SqsQueues, "_send_batch", send_batch), patch.object(EventBus, "_put", put):
        yield


@contextmanager
def envelopes_not_taken_unread() -> Iterator[None]:
    """Acknowledge messages whose envelope the queue `rejected` did not take."""

    def send_each(self: SqsQueues, queue: str, bodies: Sequence[str]) -> list[None]:
        entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
        self.client.send_message_batch(QueueUrl=self.urls[queue], Entries=entries)
        return [None] * len(bodies)

    with patch.object(SqsQueues, "send_each", send_each):
        yield


@contextmanager
def rejections_without_rows() -> Iterator[None]:
    """Acknowledge messages that the table did not take."""

    def lost(table: Table, failure: Failure) -> None:
        with suppress(StoreError, LostRace):
            set_aside(table, failure)

    with patch.object(reject_messages, "set_aside", lost):
        yield


@contextmanager
def unprocessed_keys_unread() -> Iterator[None]:
    """Take a partial BatchGetItem as complete."""

    def batch(self: Table, keys: list[Any], strong: bool) -> Iterator[Any]:
        request = {"RequestItems": {self.name: {"Keys": keys, "ConsistentRead": strong}}}
        yield from self._call("batch_get_item", request)["Responses"].get(self.name, [])

    with patch.object(Table, "_batch", batch):
        yield


@contextmanager
def entry_version_ignored() -> Iterator[None]:
    """Let the newest message win on a board, not the newest version."""
    real = writer.next_entry

    def next_entry(state: Any, known: Any, *, frozen: bool) -> Any:
        return real(state, known and msgspec.structs.replace(known, version=0), frozen=frozen)

    with patch.object(writer, "next_entry", next_entry):
        yield


@contextmanager
def late_by_the_clock() -> Iterator[None]:
    """Call an event late if it is applied late, not if it was received late."""
    real = apply_events._apply_one

    def apply_one(context: Any, player: Any, event: Any, records: Any) -> Any:
        return real(context, player, replace(event, received_ms=context.now_ms()), records)

    with patch.object(apply_events, "_apply_one", apply_one):
        yield


@contextmanager
def level_tells_nobody() -> Iterator[None]:
    """Publish a new level to the boards whose score moved, and to no other."""
    with patch.object(scores, "open_scores", lambda player, rules, now_ms, zeros=False: {}):
        yield


@contextmanager
def never_late() -> Iterator[None]:
    """Let boards of ended periods take all updates."""
    with patch.object(effect, "late_for", lambda day, received_ms, grace_ms: ()):
        yield


@contextmanager
def freeze_does_not_wait() -> Iterator[None]:
    """Freeze boards once their grace is over, with any messages in the queues."""
    with patch.object(Backlog, "holds", lambda self, bound_ms: ""):
        yield


@contextmanager
def queue_that_stands_still_is_clear() -> Iterator[None]:
    """Take workers that receive nothing as a sign that nothing from before the bound waits."""
    real = backlog.is_clear

    def is_clear(sighting: Any, bound_ms: int, now_ms: int) -> bool:
        return sighting.least_ms is None or real(sighting, bound_ms, now_ms)

    with patch.object(backlog, "is_clear", is_clear):
        yield


@contextmanager
def in_flight_not_counted() -> Iterator[None]:
    """Take a queue whose messages are all with workers, or hidden after a worker died, as empty."""
    with patch.object(queues, "_NUMBERS", queues._NUMBERS[:1]):
        yield


@contextmanager
def received_not_noted() -> Iterator[None]:
    """Let workers note every message as sent just now."""
    real = process_messages.note_received

    def note_received(context: Any, queue: str, oldest_ms: int) -> None:
        real(context, queue, context.now_ms())

    with patch.object(process_messages, "note_received", note_received):
        yield


@contextmanager
def import_not_recorded() -> Iterator[None]:
    """Write no record of an import."""
    real = commit._add_records

    def add_records(tx: Any, write: Any) -> None:
        write.records.new_imports.clear()
        real(tx, write)

    with patch.object(commit, "_add_records", add_records):
        yield


@contextmanager
def import_forgotten_after_90_days() -> Iterator[None]:
    """Let the record of an import expire as all other dedupe records do."""
    real = apply_event.earlier_import

    def earlier_import(event: Any, records_: Any) -> Any:
        known = real(event, records_)
        return known if known and event.received_ms - known[0] < 90 * DAY_MS else None

    class Overwriting(Transaction):
        def put(self, item: Any, condition: str = "", *rest: Any) -> Any:
            return super().put(item, "" if item["sk"]["S"].startswith("IMPORT#") else condition, *rest)

    with (
        patch.object(apply_event, "earlier_import", earlier_import),
        patch.object(Table, "transaction", lambda self: Overwriting(self)),
    ):
        yield


@contextmanager
def changed_import_is_a_duplicate() -> Iterator[None]:
    """Acknowledge an import with other figures without a word."""

    def earlier_import(event: Any, records_: Any) -> Any:
        known = records_.imports.get(event.id)
        return (known.time_ms, known.entry) if known else None

    with patch.object(apply_event, "earlier_import", earlier_import):
        yield


@contextmanager
def imported_levels_paid() -> Iterator[None]:
    """Pay the levels and badges that imported figures reach."""
    real = apply_event.import_player

    def import_player(change: Any, payload: Any) -> None:
        real(change, payload)
        change.unpaid = False

    with patch.object(apply_event, "import_player", import_player):
        yield


@contextmanager
def imported_xp_of_the_day() -> Iterator[None]:
    """Count imported XP on the boards of the day of the import."""

    def add_undated_xp(self: Player, amount: int, now_ms: int) -> None:
        self.add_xp(now_ms // DAY_MS, amount, now_ms)

    with patch.object(Player, "add_undated_xp", add_undated_xp):
        yield


@contextmanager
def imported_milestones_unmarked() -> Iterator[None]:
    """Leave the milestones of an imported streak to be paid by the next event."""
    real = import_player._add_streak

    def add_streak(change: Any, imported: Any) -> None:
        marks = {milestone: list(days) for milestone, days in change.player.streak.marks.items()}
        real(change, imported)
        change.player.streak.marks = marks

    with patch.object(import_player, "_add_streak", add_streak):
        yield


@contextmanager
def imported_balance_doubled() -> Iterator[None]:
    """Post every imported balance twice."""
    real = PlayerLedger.pay

    def pay(self: Any, tx: Any, account: str, public: str, credits: Any, *rest: Any) -> None:
        again = [replace(each, identity=each.identity + "'") for each in credits if each.kind == "import"]
        real(self, tx, account, public, [*credits, *again], *rest)

    with patch.object(PlayerLedger, "pay", pay):
        yield


OF_IMPORTS = (
    import_not_recorded,
    import_forgotten_after_90_days,
    changed_import_is_a_duplicate,
    imported_levels_paid,
    imported_xp_of_the_day,
    imported_milestones_unmarked,
    imported_balance_doubled,
)
OF_FREEZES = (
    freeze_does_not_wait,
    queue_that_stands_still_is_clear,
    in_flight_not_counted,
    received_not_noted,
)
MUTANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    mutant.__name__: mutant
    for mutant in (
        dedupe_dropped,
        version_condition_dropped,
        weak_read,
        outbox_skipped,
        ttl_taken_as_logic,
        failed_entries_unread,
        envelopes_not_taken_unread,
        rejections_without_rows,
        unprocessed_keys_unread,
        entry_version_ignored,
        late_by_the_clock,
        never_late,
        level_tells_nobody,
        *OF_FREEZES,
        *OF_IMPORTS,
    )
}
