"""Send what commits owe the world: at once, and by a schedule for what nobody sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.domain.core.periods import minute_of
from chalicelib.domain.core.queues import OWN
from chalicelib.services.context import Context
from chalicelib.services.outbox_messages import messages_of
from chalicelib.store.core.outbox import Owed, delete_owed, owed_before

# Younger ones are most likely being sent by whoever committed them.
SWEEP_AFTER_MS = 30_000
# What one row may take: three calls.
RESERVE_MS = 10_000


@dataclass(slots=True)
class Swept:
    """`sent`: how many; `failed`: id -> why it waits for the next run."""

    sent: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def send_owed(context: Context, owed: Owed) -> bool:
    """Send, and delete the row after the response; False if the sweep has to send it.

    It takes half a second at most while a caller waits, and never fails what was committed.
    """
    try:
        _send(context.after_commit(), owed)
        context.later(lambda: delete_owed(context.table, owed))
    except Exception as error:  # noqa: BLE001 - the commit stands, whatever keeps its messages from being sent
        context.warn("left to the sweep", {"id": owed.id, "kind": owed.kind, "error": repr(error)})
        return False
    return True


def sweep_owed(context: Context) -> Swept:
    """Send all that has been owed for more than 30 seconds, until the deadline is near."""
    swept, until_ms = Swept(), context.now_ms() - SWEEP_AFTER_MS
    # A run that has no time for all of it leaves the rest to the next ones, which begin further on.
    for owed in owed_before(context.table, until_ms, first_shard=minute_of(until_ms)):
        if not context.has_time(RESERVE_MS):
            break
        try:
            _send(context, owed)
            delete_owed(context.table, owed)
            swept.sent += 1
        except Exception as error:  # noqa: BLE001 - one that cannot be sent must not keep the others
            swept.failed[owed.id] = repr(error)
    return swept


def _send(context: Context, owed: Owed) -> None:
    """Send to queue and bus side by side. The row is deleted later: after a crash in between, the sweep sends the same
    messages under the same ids."""
    messages = messages_of(owed.id, owed.at_ms, owed.kind, owed.facts)
    sends: list[Callable[[], None]] = []
    if messages.events:
        sends.append(lambda: context.queues.send(OWN, [_text(event) for event in messages.events]))
    if messages.notices:
        sends.append(lambda: context.bus.publish(messages.notices))
    context.each(lambda send: send(), sends)


def _text(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
