"""Send set-aside messages again to the queue they came from. Each is forgotten only after its queue has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.queues import BOARDS, BOARDS_DEAD_LETTER, REJECTED
from chalicelib.gateways.queues import Received
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import (
    Parked,
    envelope_of,
    from_table,
    parked_id,
    receive_all,
    release,
    with_notes,
)
from chalicelib.services.events.resend_events import NotRedrivable, bodies_again
from chalicelib.store.events.failed_messages import failures_page, forget_failure, get_failures
from chalicelib.store.events.models import FailureItem

# One command's work, about a minute; the next goes on with what is left.
MAX_REDRIVEN = 10_000
# Rows of one query. Their bodies are in memory together, at most 1 MiB each.
PAGE = 50
# Envelopes looked at after some messages were redriven: others that are left over go with all, or with `archive`.
MAX_LOOKED_AT = 1000
# What is not redriven stays hidden until the end, so that the queue runs empty.
HOLD_S = 600


@dataclass(slots=True)
class Redriven:
    """Ids sent again, and ids refused with the reason. `after`: the cursor to go on from if not everything was looked
    at."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    after: str | None = None


def redrive_failures(
    context: Context, queue: str, ids: Collection[str] | None = None, most: int = MAX_REDRIVEN, after: str = ""
) -> Redriven:
    """Redrive the messages with these ids, or up to `most` if None; an id that is not there is in neither list.

    An end half-way leaves a message sent and not yet forgotten: sent once more, its events are duplicates. Raises
    InvalidRequest for a cursor that no redrive gave.
    """
    result = Redriven()
    began_ms = context.now_ms()
    # What the table took over is older than what its queue still has.
    if ids is None:
        _all_of_table(context, queue, began_ms, most, after, result)
    else:
        _these_of_table(context, queue, ids, result)
    if queue == REJECTED:
        _tidy(context, most if ids is None else MAX_LOOKED_AT)
    elif result.after is None:
        _from_queue(context, queue, ids, began_ms, most, result)
    return result


def _all_of_table(context: Context, queue: str, began_ms: int, most: int, after: str, result: Redriven) -> None:
    looked_at = 0
    cursor: str | None = after
    while cursor is not None:
        if looked_at >= most:
            result.after = cursor
            return
        rows, cursor = failures_page(context.table, queue, cursor, min(PAGE, most - looked_at), context.now_ms())
        looked_at += len(rows)
        # What was rejected again while this runs would be redriven for ever.
        _redrive_rows(context, [row for row in rows if int(row.last_at) <= began_ms], result)


def _these_of_table(context: Context, queue: str, ids: Collection[str], result: Redriven) -> None:
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), PAGE):
        rows = get_failures(context.table, queue, wanted[start : start + PAGE], context.now_ms())
        _redrive_rows(context, [rows[name] for name in wanted[start : start + PAGE] if name in rows], result)


def _redrive_rows(context: Context, rows: Sequence[FailureItem], result: Redriven) -> None:
    parked = context.each(lambda row: from_table(context, row, with_body=True), rows)
    sent = _redrive(context, parked, result)
    context.each(lambda row: forget_failure(context.table, row), [row for row in rows if str(row.sk) in sent])


def _from_queue(
    context: Context, queue: str, ids: Collection[str] | None, began_ms: int, most: int, result: Redriven
) -> None:
    held: set[str] = set()
    done = set(result.done)
    try:
        for batch in receive_all(context, queue, HOLD_S, most):
            held |= {message.receipt for message in batch}
            wanted = [each for each in batch if _wanted(queue, each, ids, began_ms)]
            # A second copy of a message is not sent again.
            again = [each for each in wanted if parked_id(queue, each) not in done]
            done |= _redrive(context, with_notes(context, queue, again), result)
            gone = [each for each in wanted if parked_id(queue, each) in done]
            context.queues.delete(queue, [each.receipt for each in gone])
            held -= {each.receipt for each in gone}
    finally:
        release(context, queue, sorted(held))


def _wanted(queue: str, message: Received, ids: Collection[str] | None, began_ms: int) -> bool:
    """What came back while this runs would be redriven for ever."""
    return message.sent_ms <= began_ms and (ids is None or parked_id(queue, message) in ids)


def _tidy(context: Context, most: int) -> None:
    """Delete envelopes whose row is gone: it was redriven, now or before."""
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


def _redrive(context: Context, parked: Sequence[Parked], result: Redriven) -> set[str]:
    """Send messages again and note what became of each; answers the ids of those that their queues have now."""
    bodies: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for each in parked:
        try:
            bodies[each.id] = bodies_again(each, context.now_ms())
        except NotRedrivable as refusal:
            refused[each.id] = str(refusal)
    send = _send_in_order if parked and parked[0].queue == BOARDS_DEAD_LETTER else _send_to_origins
    refused |= send(context, [each for each in parked if each.id in bodies], bodies)
    done = [name for name in bodies if name not in refused]
    result.done += done
    result.refused |= refused
    return set(done)


def _send_to_origins(context: Context, parked: Sequence[Parked], bodies: dict[str, list[str]]) -> dict[str, str]:
    """Ids of messages that a queue did not take whole, with why."""
    refused: dict[str, str] = {}
    for origin in dict.fromkeys(each.origin for each in parked):
        owned = [(each.id, body) for each in parked if each.origin == origin for body in bodies[each.id]]
        outcomes = context.queues.send_each(origin, [body for _, body in owned])
        refused |= {name: str(error) for (name, _), error in zip(owned, outcomes, strict=True) if error is not None}
    return refused


def _send_in_order(context: Context, parked: Sequence[Parked], bodies: dict[str, list[str]]) -> dict[str, str]:
    """The same for messages of groups: what one did not get keeps back what comes after it."""
    refused: dict[str, str] = {}
    stopped: dict[str, str] = {}
    for each in parked:
        if each.group not in stopped:
            try:
                context.queues.send_grouped(BOARDS, [(each.group, body) for body in bodies[each.id]])
            except OutOfReach as error:
                stopped[each.group] = str(error)
        if each.group in stopped:
            refused[each.id] = stopped[each.group]
    return refused
