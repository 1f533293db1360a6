"""Resend failed messages to the queues they came from. Each is deleted only after its queue accepted it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.queues import BOARDS, BOARDS_DEAD_LETTER, REJECTED
from chalicelib.gateways.queues import Received
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import (
    FailedMessage,
    envelope_of,
    failed_message_id,
    from_table,
    receive_all,
    release,
    with_notes,
)
from chalicelib.services.events.resend_events import NotRedrivable, bodies_again
from chalicelib.store.events.failed_messages import failures_page, forget_failure, get_failures
from chalicelib.store.events.models import FailureItem

# Messages per command, about a minute. The next command continues with the rest.
MAX_REDRIVEN = 10_000
# Rows of one query. All their bodies are in memory together, at most 1 MiB each.
PAGE = 50
# Envelopes read after a redrive of some messages. A redrive of all, or `archive`, handles the others.
MAX_ENVELOPES = 1000
# Messages that are not redriven stay hidden until the end, so that the queue runs empty.
HOLD_S = 600


@dataclass(slots=True)
class Redriven:
    """The result of a redrive: `done` ids, and `refused` ids with the reason.

    `after`: the cursor to continue from if not everything was read.
    """

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    after: str | None = None


def redrive_failures(
    context: Context, queue: str, ids: Collection[str] | None = None, most: int = MAX_REDRIVEN, after: str = ""
) -> Redriven:
    """Redrive the messages with these ids, or up to `most` if None. Unknown ids are in neither list of the result.

    An interruption can leave a sent message undeleted: if it is sent again, its events are duplicates. Raises
    InvalidRequest for a cursor that no redrive returned.
    """
    result = Redriven()
    began_ms = context.now_ms()
    # Archived messages in the table are older than those in the queue.
    if ids is None:
        _all_of_table(context, queue, began_ms, most, after, result)
    else:
        _these_of_table(context, queue, ids, result)
    if queue == REJECTED:
        _tidy(context, most if ids is None else MAX_ENVELOPES)
    elif result.after is None:
        _from_queue(context, queue, ids, began_ms, most, result)
    return result


def _all_of_table(context: Context, queue: str, began_ms: int, most: int, after: str, result: Redriven) -> None:
    number_read = 0
    cursor: str | None = after
    while cursor is not None:
        if number_read >= most:
            result.after = cursor
            return
        rows, cursor = failures_page(context.table, queue, cursor, min(PAGE, most - number_read), context.now_ms())
        number_read += len(rows)
        # Messages that are rejected again during this run would be redriven forever.
        _redrive_rows(context, [row for row in rows if int(row.last_at) <= began_ms], result)


def _these_of_table(context: Context, queue: str, ids: Collection[str], result: Redriven) -> None:
    for selected in batched(dict.fromkeys(ids), PAGE):
        rows = get_failures(context.table, queue, selected, context.now_ms())
        _redrive_rows(context, [rows[name] for name in selected if name in rows], result)


def _redrive_rows(context: Context, rows: Sequence[FailureItem], result: Redriven) -> None:
    failed = context.each(lambda row: from_table(context, row, with_body=True), rows)
    sent = _redrive(context, failed, result)
    context.each(lambda row: forget_failure(context.table, row), [row for row in rows if str(row.sk) in sent])


def _from_queue(
    context: Context, queue: str, ids: Collection[str] | None, began_ms: int, most: int, result: Redriven
) -> None:
    held: set[str] = set()
    done = set(result.done)
    try:
        for batch in receive_all(context, queue, HOLD_S, most):
            held |= {message.receipt for message in batch}
            selected = [each for each in batch if _is_selected(queue, each, ids, began_ms)]
            # A second copy of a message is not sent again.
            again = [each for each in selected if failed_message_id(queue, each) not in done]
            done |= _redrive(context, with_notes(context, queue, again), result)
            gone = [each for each in selected if failed_message_id(queue, each) in done]
            context.queues.delete(queue, [each.receipt for each in gone])
            held -= {each.receipt for each in gone}
    finally:
        release(context, queue, sorted(held))


def _is_selected(queue: str, message: Received, ids: Collection[str] | None, began_ms: int) -> bool:
    """Return whether to redrive a message. Those that came back during this run would be redriven forever."""
    return message.sent_ms <= began_ms and (ids is None or failed_message_id(queue, message) in ids)


def _tidy(context: Context, most: int) -> None:
    """Delete envelopes whose row is deleted because it was redriven, now or before."""
    held: list[str] = []
    try:
        for batch in receive_all(context, REJECTED, HOLD_S, most):
            named = {each.receipt: envelope.id for each in batch if (envelope := envelope_of(each.body))}
            rows = get_failures(context.table, REJECTED, list(named.values()), context.now_ms())
            gone = [receipt for receipt, name in named.items() if name not in rows]
            context.queues.delete(REJECTED, gone)
            held += [each.receipt for each in batch if each.receipt not in gone]
    finally:
        release(context, REJECTED, held)


def _redrive(context: Context, failed: Sequence[FailedMessage], result: Redriven) -> set[str]:
    """Resend messages and note the result of each; return the ids of those that their queues accepted."""
    bodies: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for each in failed:
        try:
            bodies[each.id] = bodies_again(each, context.now_ms())
        except NotRedrivable as refusal:
            refused[each.id] = str(refusal)
    send = _send_in_order if failed and failed[0].queue == BOARDS_DEAD_LETTER else _send_to_origins
    refused |= send(context, [each for each in failed if each.id in bodies], bodies)
    done = [name for name in bodies if name not in refused]
    result.done += done
    result.refused |= refused
    return set(done)


def _send_to_origins(context: Context, failed: Sequence[FailedMessage], bodies: dict[str, list[str]]) -> dict[str, str]:
    """Send messages to their queues; return id -> error of those that were not accepted completely."""
    refused: dict[str, str] = {}
    for origin in dict.fromkeys(each.origin for each in failed):
        sends = [(each.id, body) for each in failed if each.origin == origin for body in bodies[each.id]]
        outcomes = context.queues.send_each(origin, [body for _, body in sends])
        refused |= {name: str(error) for (name, _), error in zip(sends, outcomes, strict=True) if error is not None}
    return refused


def _send_in_order(context: Context, failed: Sequence[FailedMessage], bodies: dict[str, list[str]]) -> dict[str, str]:
    """Send messages of groups; return the same. A failed message stops the later ones of its group."""
    refused: dict[str, str] = {}
    stopped: dict[str, str] = {}
    for each in failed:
        if each.group not in stopped:
            try:
                context.queues.send_grouped(BOARDS, [(each.group, body) for body in bodies[each.id]])
            except OutOfReach as error:
                stopped[each.group] = str(error)
        if each.group in stopped:
            refused[each.id] = stopped[each.group]
    return refused
