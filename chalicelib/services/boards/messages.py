"""Messages of the FIFO queue `boards`: score updates and orders to a board's writer. A group is a shard."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.subjects import Subject
from chalicelib.services.progress.publish_scores import MAX_UPDATES_PER_MESSAGE, ScoreMessage


class BoardMessage(ScoreMessage, omit_defaults=True):
    """A message for one shard of a board: score updates, or one order. An empty one only wakes the writer.

    `freeze`: freeze the board. The list of subjects: rewrite their entries from their own totals. `repair`: recount the
    index, or continue the repair `nonce` at its next step, `step`. `nonce` distinguishes orders that must be executed
    again within SQS's five minutes of deduplication.
    """

    freeze: bool = False
    repair: bool = False
    rewrite: Annotated[list[Subject], Meta(max_length=10 * MAX_UPDATES_PER_MESSAGE)] = msgspec.field(
        default_factory=list
    )
    nonce: Annotated[str, Meta(max_length=64)] = ""
    step: int = 0
