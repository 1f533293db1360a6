"""What travels on the FIFO queue `boards`: states of players, and orders to a board's writer. A group is a shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.boards import BoardUpdate, shard_of
from chalicelib.domain.forms import PlayerId
from chalicelib.services.context import Context

# An update is 200 to 600 bytes: a message stays under 128 KB, within SQS's 256 KB.
MAX_UPDATES_PER_MESSAGE = 200
BOARDS = "boards"


class ScoreMessage(msgspec.Struct, omit_defaults=True):
    """Scores of players on one shard of a board, each a `BoardUpdate`."""

    board: str
    shard: str
    updates: Annotated[list[msgspec.Raw], Meta(max_length=10 * MAX_UPDATES_PER_MESSAGE)] = []


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


def send_updates(context: Context, updates: Sequence[tuple[str, BoardUpdate]]) -> None:
    """Queue the newest state of each player and board, one message for up to 200 of a shard."""
    newest: dict[tuple[str, str], dict[str, BoardUpdate]] = {}
    for board, update in updates:
        players = newest.setdefault((board, shard_for(context, board, update.player)), {})
        known = players.get(update.player)
        if known is None or known.version < update.version:
            players[update.player] = update
    messages = []
    for (board, shard), players in newest.items():
        states = [msgspec.Raw(msgspec.json.encode(state)) for state in players.values()]
        for start in range(0, len(states), MAX_UPDATES_PER_MESSAGE):
            messages.append(ScoreMessage(board, shard, states[start : start + MAX_UPDATES_PER_MESSAGE]))
    send_messages(context, messages)


def send_messages(context: Context, messages: Sequence[ScoreMessage]) -> None:
    """Queue messages, each in its shard's group. Raises unless the queue has them all."""
    bodies = [(message.shard, msgspec.json.encode(message).decode()) for message in messages]
    if bodies:
        context.queues.send_grouped(BOARDS, bodies)


def shard_for(context: Context, board: str, player: str) -> str:
    """The shard of a board that a player is in, by the ruleset's number of shards."""
    known = context.rules.boards.get(board.partition("#")[0])
    return shard_of(board, player, known.shards if known else 1)
