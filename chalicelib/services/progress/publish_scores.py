"""Send score updates to the boards queue.

The queue is FIFO; its message group is a shard of a board.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.queues import BOARDS
from chalicelib.domain.progress.scores import BoardUpdate, shard_of
from chalicelib.services.context import Context

# An update takes 200 to 600 bytes, so a message stays under 128 KB. SQS allows 256 KB.
MAX_UPDATES_PER_MESSAGE = 200


class ScoreMessage(msgspec.Struct, omit_defaults=True):
    """Scores of subjects on one shard of a board, each a `BoardUpdate`."""

    board: str
    shard: str
    updates: Annotated[list[msgspec.Raw], Meta(max_length=10 * MAX_UPDATES_PER_MESSAGE)] = []


def send_updates(context: Context, updates: Sequence[tuple[str, BoardUpdate]]) -> None:
    """Queue the newest state of each subject and board: one message for up to 200 states of a shard."""
    newest: dict[tuple[str, str], dict[str, BoardUpdate]] = {}
    for board, update in updates:
        subjects = newest.setdefault((board, shard_for(context, board, update.subject)), {})
        known = subjects.get(update.subject)
        if known is None or known.version < update.version:
            subjects[update.subject] = update
    messages = []
    for (board, shard), subjects in newest.items():
        states = [msgspec.Raw(msgspec.json.encode(state)) for state in subjects.values()]
        messages += [ScoreMessage(board, shard, batch) for batch in batched(states, MAX_UPDATES_PER_MESSAGE)]
    send_messages(context, messages)


def send_messages(context: Context, messages: Sequence[ScoreMessage]) -> None:
    """Queue messages, each in its shard's group. Raises unless the queue accepted all."""
    bodies = [(message.shard, msgspec.json.encode(message).decode()) for message in messages]
    if bodies:
        context.queues.send_grouped(BOARDS, bodies)


def shard_for(context: Context, board: str, subject: str) -> str:
    """Return the shard of a subject on a board, by the ruleset's number of shards."""
    known = context.rules.boards.get(board.partition("#")[0])
    return shard_of(board, subject, known.shards if known else 1)
