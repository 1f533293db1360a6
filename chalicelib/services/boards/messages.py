"""What travels on the FIFO queue `boards`: states of players, and orders to a board's writer. A group is a shard."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.events.formats import PlayerId
from chalicelib.services.progress.publish_scores import MAX_UPDATES_PER_MESSAGE, ScoreMessage


class BoardMessage(ScoreMessage, omit_defaults=True):
    """For one shard of a board: states of players, or one order; nothing at all only makes its writer look.

    `freeze`: close the board. `mend`: write these players' entries from their own totals. `repair`: count the index
    anew, or go on with the repair `nonce` whose `step` is the next. `nonce` tells orders apart that are to be carried
    out again within SQS's five minutes of deduplication.
    """

    freeze: bool = False
    repair: bool = False
    mend: Annotated[list[PlayerId], Meta(max_length=10 * MAX_UPDATES_PER_MESSAGE)] = msgspec.field(default_factory=list)
    nonce: Annotated[str, Meta(max_length=64)] = ""
    step: int = 0
