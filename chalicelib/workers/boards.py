"""Worker of the boards queue. Each board has a single writer: SQS delivers a FIFO group to one consumer at a time."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.core.queues import BOARDS, BOARDS_DEAD_LETTER
from chalicelib.observability import count, logger, observed
from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.events.note_failures import note_failures
from chalicelib.workers.invocation import within_invocation
from chalicelib.workers.sqs import failures, messages_of

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="boards.fifo", batch_size=10)
@observed
def boards(event: Any) -> dict[str, Any]:
    """Write score updates to board entries and the rank index."""
    laurel, messages = within_invocation(event.context), messages_of(event.to_dict())
    fed = feed_messages(laurel, [(message.id, message.body) for message in messages])
    laurel.queues.postpone(BOARDS, {message.receipt: 0 for message in messages if message.id in fed.left})
    note_failures(laurel, BOARDS, BOARDS_DEAD_LETTER, messages, fed.failed)
    for message_id, reason in fed.set_aside.items():
        logger.error("score update rejected", extra={"message_id": message_id, "error": reason})
    for message_id, error in fed.failed.items():
        logger.warning("board message failed", extra={"message_id": message_id, "error": repr(error)})
    count("EntriesWritten", fed.written)
    count("BoardUpdatesRejected", len(fed.set_aside))
    logger.info(
        "boards",
        extra={"messages": len(messages), "entries": fed.written, "failed": len(fed.failed), "left": len(fed.left)},
    )
    return failures(fed.failed)
