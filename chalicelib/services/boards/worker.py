"""The `boards` worker: execute messages in order, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from chalicelib.domain.core.errors import InvalidRequest, LaurelError, LostRace, OutOfReach
from chalicelib.domain.core.periods import DAY_MS, MINUTE_MS, parse_period
from chalicelib.domain.core.queues import BOARDS, REJECTED
from chalicelib.domain.progress.scores import BoardUpdate, is_kept, period_on, shards_of
from chalicelib.services.boards.freeze_board import freeze_board
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.rebuild_index import STEP_MS, repair_shard, wake_writer
from chalicelib.services.boards.rewrite_entries import rewrite_entries
from chalicelib.services.boards.writer import write_states
from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.events.messages import body_hash
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.events.failed_messages import Failure, set_aside

UNREADABLE, UNWRITABLE = "not_a_board_message", "not_a_board_state"
BROKEN = "board_message_broken"
# A part starts only with this much time left: 2,000 states are two intents, some 5 s.
PART_MS = 20_000


@dataclass(slots=True)
class Fed:
    """The result of a batch.

    `written`: number of entries. `failed`: message id -> error, to be delivered again. `set_aside`: id of a message or
    of a part of it (`id/place`) -> the reason. Those are recorded and not delivered again.
    """

    written: int = 0
    failed: dict[str, Exception] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> set[str]:
        """Return the ids of failed messages that only lacked time. They may be delivered again at once."""
        return {message_id for message_id, error in self.failed.items() if isinstance(error, OutOfTime)}


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A decoded message. `refused`: (id, body, reason) of states that cannot be written."""

    id: str
    body: str
    message: BoardMessage
    states: list[BoardUpdate]
    refused: list[tuple[str, str, Exception]]


def feed_messages(context: Context, messages: Sequence[tuple[str, str]]) -> Fed:
    """Execute messages, each (id, body), in order.

    If the store fails or time runs out (`Fed.left`), the message and the rest of its shard are delivered again, to keep
    the order of the group. Invalid content does not fail a message: it is recorded with its reason.
    """
    fed = Fed()
    shards: dict[str, list[_Delivery]] = {}
    for message_id, body in messages:
        with _redelivered(fed, [message_id]):
            try:
                delivery = _read(context, message_id, body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LaurelError) as error:
                _set_aside(context, fed, message_id, body, UNREADABLE, error)
            else:
                shards.setdefault(delivery.message.shard, []).append(delivery)
    for deliveries in shards.values():
        _feed_shard(context, deliveries, fed)
    return fed


def feed_boards(context: Context, board: str, states: Sequence[BoardUpdate]) -> int:
    """Write states of one board, to the shards of their subjects; return the number of changed entries."""
    shards: dict[str, list[BoardUpdate]] = {}
    for state in states:
        shards.setdefault(shard_for(context, board, state.subject), []).append(state)
    return sum(write_states(context, board, shard, members) for shard, members in shards.items())


def _read(context: Context, message_id: str, body: str) -> _Delivery:
    """Decode a message of a possible board; separate the states that can be written from the others."""
    message = msgspec.json.decode(body, type=BoardMessage)
    scope, _, period = message.board.partition("#")
    board = context.rules.boards.get(scope)
    if board is None:
        raise InvalidRequest(f"There is no board '{scope}'.")
    parse_period(board.period, period, 0)
    if message.shard not in shards_of(message.board, board.shards):
        raise InvalidRequest(f"'{message.shard}' is not a shard of '{message.board}'.")
    states: list[BoardUpdate] = []
    refused: list[tuple[str, str, Exception]] = []
    for place, raw in enumerate(message.updates):
        try:
            state = msgspec.json.decode(raw, type=BoardUpdate)
            if state.reached_at > context.now_ms() + DAY_MS:
                raise InvalidRequest("'reachedAt' is more than a day ahead.")
            states.append(state)
        except (msgspec.DecodeError, InvalidRequest) as error:
            refused.append((f"{message_id}/{place}", bytes(raw).decode(), error))
    return _Delivery(message_id, body, message, states, refused)


def _feed_shard(context: Context, deliveries: list[_Delivery], fed: Fed) -> None:
    """Execute the messages of a shard. Consecutive states are written together, which saves writes of nodes."""
    left = list(deliveries)
    for order, group in groupby(deliveries, key=lambda each: _order(each.message)):
        run = list(group)
        for part in [run] if order is None else [[each] for each in run]:
            with _redelivered(fed, [each.id for each in left]):
                context.require_time(STEP_MS if order == "repair" else PART_MS)
                for name, body, error in (each for delivery in part for each in delivery.refused):
                    _set_aside(context, fed, name, body, UNWRITABLE, error)
                _carry_out_apart(context, part, fed)
            if part[0].id in fed.failed:
                return
            left = left[len(part) :]


@contextmanager
def _redelivered(fed: Fed, ids: list[str]) -> Iterator[None]:
    """Mark these messages for another delivery if the store fails in the block."""
    try:
        yield
    except (OutOfReach, LostRace) as error:
        fed.failed |= dict.fromkeys(ids, error)


def _carry_out_apart(context: Context, part: list[_Delivery], fed: Fed) -> None:
    """Execute a part. After an unexpected error, retry its messages one by one and record those that fail alone."""
    try:
        _carry_out(context, part, fed)
    except (OutOfReach, LostRace):
        raise
    except Exception as error:  # noqa: BLE001 - an invalid message must not block its shard
        if len(part) == 1:
            _set_aside(context, fed, part[0].id, part[0].body, BROKEN, error)
            return
        for delivery in part:
            _carry_out_apart(context, [delivery], fed)


def _carry_out(context: Context, part: list[_Delivery], fed: Fed) -> None:
    message = part[0].message
    if _is_expired(context, message.board):
        return
    if message.freeze:
        # A freeze is permanent, so the board must be over by this clock too.
        if not _is_over(context, message.board):
            raise InvalidRequest(f"'{message.board}' has not ended.")
        freeze_board(context, message.board, message.shard)
    elif message.rewrite:
        fed.written += rewrite_entries(context, message.board, message.shard, message.rewrite)
    elif message.repair:
        repair_shard(context, message.board, message.shard, message.nonce, message.step)
    elif states := [state for delivery in part for state in delivery.states]:
        fed.written += feed_boards(context, message.board, states)
    else:
        wake_writer(context, message.board, message.shard)


def _order(message: BoardMessage) -> str | None:
    """Return the kind of order of a message; None for states."""
    return next((kind for kind in ("freeze", "rewrite", "repair") if getattr(message, kind)), None)


def _is_over(context: Context, board: str) -> bool:
    """Return whether a board's period ended longer ago than the grace."""
    rules = context.rules.boards[board.partition("#")[0]]
    grace_ms = context.rules.settings.freeze_grace_minutes * MINUTE_MS
    return period_on(rules, board).end_ms + grace_ms <= context.now_ms()


def _is_expired(context: Context, board: str) -> bool:
    """Return whether a board has expired by the clock, so that its items may be deleted at any time."""
    rules = context.rules.boards[board.partition("#")[0]]
    return not is_kept(rules, period_on(rules, board), context.now_ms())


def _set_aside(context: Context, fed: Fed, failure_id: str, body: str, reason: str, error: Exception) -> None:
    now_ms = context.now_ms()
    failure = Failure(
        failure_id, REJECTED, reason, str(error), 1, body_hash(body), BOARDS, now_ms, body=body, received_ms=now_ms
    )
    set_aside(context.table, failure)
    fed.set_aside[failure_id] = f"{reason}: {error}"
