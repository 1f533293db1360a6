"""Note why messages failed, for operators who inspect the dead letters: SQS stores no reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.events.messages import Message, body_hash
from chalicelib.store.events.failed_messages import Note, note_failure

# A note takes some milliseconds. Without it only the reason is lost.
RESERVE_MS = 4_000


def note_failures(
    context: Context, origin: str, queue: str, messages: Sequence[Message], failed: Mapping[str, Exception]
) -> None:
    """Note why each of these messages failed, while there is time. `queue`: their dead-letter queue.

    A failed write has no other effect: the message is safe in its queue.
    """

    def note(message: Message) -> None:
        error = failed[message.id]
        # A message that lacked time once usually succeeds at the next delivery.
        if not context.has_time(RESERVE_MS) or (isinstance(error, OutOfTime) and message.attempts == 1):
            return
        with suppress(Exception):
            note_failure(
                context.table,
                Note(
                    id=message.id,
                    queue=queue,
                    reason=type(error).__name__,
                    sentence=str(error),
                    attempts=message.attempts,
                    body_hash=body_hash(message.body),
                    origin=origin,
                    at_ms=context.now_ms(),
                ),
            )

    context.each(note, [message for message in messages if message.id in failed])
