"""Board updates on their way: packed by board into messages, and applied to entries by the `boards` worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from chalicelib.domain.boards import BoardUpdate
from chalicelib.domain.errors import Conflict
from chalicelib.services.context import Context
from chalicelib.store.boards import write_entry
from chalicelib.store.table import StoreError

# An update is 200 to 600 bytes: a message stays under 128 KB, within SQS's 256 KB.
MAX_UPDATES_PER_MESSAGE = 200
BOARDS = "boards"


class BoardMessage(msgspec.Struct):
    """What travels on the boards queue: states of players on one board."""

    board: str
    updates: list[BoardUpdate]


def send_updates(context: Context, updates: Sequence[tuple[str, BoardUpdate]]) -> None:
    """Queue updates, one message for up to 200 of a board, in the board's own message group."""
    newest: dict[str, dict[str, BoardUpdate]] = {}
    for board, update in updates:
        players = newest.setdefault(board, {})
        known = players.get(update.player)
        if known is None or known.version < update.version:
            players[update.player] = update
    bodies = []
    for board, players in newest.items():
        states = list(players.values())
        for start in range(0, len(states), MAX_UPDATES_PER_MESSAGE):
            message = BoardMessage(board, states[start : start + MAX_UPDATES_PER_MESSAGE])
            bodies.append((board, msgspec.json.encode(message).decode()))
    context.queues.send_grouped(BOARDS, bodies)


@dataclass(slots=True)
class Fed:
    """`written` entries; `failed` message ids to deliver again; `unreadable` ids with why, never to come again."""

    written: int = 0
    failed: dict[str, Exception] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def feed_messages(context: Context, messages: Sequence[tuple[str, str]]) -> Fed:
    """Write the entries of (message id, body) in order. After a failure the rest waits, to keep a group's order."""
    fed = Fed()
    for message_id, body in messages:
        if fed.failed:
            fed.failed[message_id] = next(iter(fed.failed.values()))
            continue
        try:
            fed.written += feed_boards(context, body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # Its content can never be written; states come again by themselves, so the board goes on without it.
            fed.unreadable[message_id] = str(error)
        except (StoreError, Conflict) as error:
            fed.failed[message_id] = error
    return fed


def feed_boards(context: Context, body: str) -> int:
    """Write the entries of one message; returns how many states were newer than what the board had.

    Raises msgspec.ValidationError for a body that is no board message.
    """
    message = msgspec.json.decode(body, type=BoardMessage)
    keep_days = {board.scope: board.keep_days for board in context.rules.ruleset.boards}
    days = keep_days.get(message.board.partition("#")[0])
    written = context.each(
        lambda update: write_entry(context.table, message.board, update, keep_days=days), message.updates
    )
    return sum(written)
