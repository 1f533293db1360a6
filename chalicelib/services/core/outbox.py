"""Send the messages of outbox records: at once after the commit, and by a schedule if that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain.core.periods import minute_of
from chalicelib.domain.core.queues import OWN
from chalicelib.services.context import Context
from chalicelib.services.outbox_messages import messages_of
from chalicelib.store.core.outbox import OutboxRecord, delete_outbox_record, outbox_records_before

# The process that committed a younger record is probably still sending it.
SWEEP_AFTER_MS = 30_000
# Time for one record: three calls.
RESERVE_MS = 10_000


@dataclass(slots=True)
class Swept:
    """The result of a sweep. `sent`: number of records; `failed`: id -> the error. The next run retries those.

    `oldest_ms`: the commit of the oldest record that the run met and did not send. `complete`: it met all of them.
    """

    sent: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    oldest_ms: int | None = None
    complete: bool = True

    def leave(self, at_ms: int) -> None:
        """Note the commit of a record that stays."""
        self.oldest_ms = at_ms if self.oldest_ms is None else min(at_ms, self.oldest_ms)


def send_outbox_record(context: Context, record: OutboxRecord) -> bool:
    """Send the messages of a record, then delete it after the response. Return whether they were sent.

    Takes half a second at most while a caller waits. A failure does not fail the commit: the sweep sends the record.
    """
    try:
        _send(context.after_commit(), record)
        context.later(lambda: delete_outbox_record(context.table, record))
    except Exception as error:  # noqa: BLE001 - the commit is done, the sweep repeats the sending
        context.warn("left to the sweep", {"id": record.id, "kind": record.kind, "error": repr(error)})
        return False
    return True


def sweep_outbox(context: Context) -> Swept:
    """Send all outbox records that are older than 30 seconds, until the deadline is near."""
    swept, until_ms = Swept(), context.now_ms() - SWEEP_AFTER_MS
    # Runs begin at different shards: the next ones reach the records for which this run has no time.
    for stored in outbox_records_before(context.table, until_ms, first_shard=minute_of(until_ms)):
        if not context.has_time(RESERVE_MS):
            swept.complete = False
            swept.leave(stored.at_ms)
            break
        try:
            record = stored.read()
            _send(context, record)
            delete_outbox_record(context.table, record)
            swept.sent += 1
        except Exception as error:  # noqa: BLE001 - one failure must not stop the others
            swept.failed[stored.id] = repr(error)
            swept.leave(stored.at_ms)
    return swept


def _send(context: Context, record: OutboxRecord) -> None:
    """Send to queue and bus in parallel.

    The record is deleted later: after a crash in between, the sweep sends the same messages under the same ids.
    """
    messages = messages_of(record.id, record.at_ms, record.kind, record.facts)
    sends: list[Callable[[], None]] = []
    if messages.events:
        sends.append(lambda: context.queues.send(OWN, [_text(event) for event in messages.events]))
    if messages.domain_events:
        sends.append(lambda: context.bus.publish(messages.domain_events))
    context.each(lambda send: send(), sends)


def _text(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
