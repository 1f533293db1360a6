"""Worker of the boards queue: the one writer of each board, since a FIFO group delivers to one at a time."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice import Blueprint

from chalicelib.observability import count, logger, observed
from chalicelib.services.feed_boards import feed_boards
from chalicelib.wiring import context as wired
from chalicelib.workers.sqs import failures, messages_of

worker = Blueprint(__name__)


@worker.on_sqs_message(queue="boards.fifo", batch_size=10)
@observed
def boards(event: Any) -> dict[str, Any]:
    """Write entries. After a failure the rest of a group is left for later, to keep its order."""
    messages = messages_of(event.to_dict())
    written = 0
    failed: list[str] = []
    for message in messages:
        if failed:
            failed.append(message.id)
            continue
        try:
            written += feed_boards(wired(), message.body)
        except msgspec.ValidationError as error:
            # Its content can never be written: set aside with its reason, the board goes on.
            logger.error("not a board message", extra={"message_id": message.id, "error": str(error)})
            count("BoardMessagesInvalid")
        except Exception:  # noqa: BLE001 - whatever it was, the group waits and comes again
            logger.exception("board message failed", extra={"message_id": message.id})
            failed.append(message.id)
    count("EntriesWritten", written)
    logger.info("boards", extra={"messages": len(messages), "entries": written, "failed": len(failed)})
    return failures(failed)
