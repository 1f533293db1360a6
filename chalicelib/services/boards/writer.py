"""The writer of a board: entries and rank index move together, by intents in a redo log.

One writer at a time per shard keeps them from wasting work on each other (a FIFO group sees to that); the conditions
make it right for any number of them, dying and coming back at any moment:

- the log is read before the entries, and an intent begins only if the log is still the same;
- an intent that has begun is completed by whoever finds it, before anything else;
- whatever an intent writes carries its number, and is not written again by it or an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.domain.boards.rank_index import Changes, Move, NodeChange, count_moves
from chalicelib.domain.boards.ties import directories_of, divide, leaves_of, volumes_of
from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.progress.scores import BoardUpdate, kept_until_ms
from chalicelib.services.context import Context
from chalicelib.store.boards.entries import Entry, entry_update, read_entries
from chalicelib.store.boards.nodes import node_update, read_nodes
from chalicelib.store.boards.redo_log import MAX_INTENT_BYTES, Intent, Log, begin, finish, pack, read_log
from chalicelib.store.boards.tallies import moves_update
from chalicelib.store.core.table import Busy, ConditionFailed, StoreError
from chalicelib.store.core.writes import Update

# 40 bytes each, compressed; ten full messages of the queue.
MAX_UPDATES_PER_INTENT = 2000
# Each round lost means that another writer of this shard came further.
MAX_ROUNDS = 10
# Eight pauses are up to 5 s. What still fails is completed by the next delivery, from the intent.
MAX_WRITE_TRIES = 8
# An intent is planned, or completed for another writer, only with so much time left: the largest takes some 3 s.
INTENT_MS = 10_000

_OFF = (-1, -1)
Plan = Callable[[Log], "Draft | None"]


@dataclass(slots=True)
class Draft:
    """What an intent shall write: entries, and changes of nodes. `seq`: at least this number, if not just the next.
    `told`: moves that the repair which is under way must hear of, as `Intent` has them."""

    entries: list[Entry]
    nodes: Changes
    latest: int
    seq: int = 0
    told: list[int] = field(default_factory=list)


def write_states(context: Context, board: str, shard: str, states: Sequence[BoardUpdate]) -> int:
    """Bring entries and index to the newest of these states; returns how many entries changed.

    Raises StoreError if the store gives up, OutOfTime near the deadline: what has begun is completed by the next call.
    """
    newest: dict[str, BoardUpdate] = {}
    for state in states:
        if state.player not in newest or newest[state.player].version < state.version:
            newest[state.player] = state
    chosen = list(newest.values())
    written = 0
    for place in range(0, len(chosen), MAX_UPDATES_PER_INTENT):
        written += _write(context, board, shard, chosen[place : place + MAX_UPDATES_PER_INTENT])
    return written


def commit(context: Context, board: str, shard: str, plan: Plan) -> Draft | None:
    """Carry out what `plan` makes of the log, as one intent; returns it, or None if it planned nothing.

    The plan is made anew for each try, and must read whatever it is made of after it was given the log.
    """
    for _ in context.retry.tries(MAX_ROUNDS):
        log = settle(context, board, shard)
        context.require_time(INTENT_MS)
        draft = plan(log)
        if draft is None:
            return None
        intent = _intent(log, draft)
        packed = pack(intent)
        if len(packed) > MAX_INTENT_BYTES:
            raise TooLarge(len(packed))
        try:
            begin(context.table, shard, log, intent.seq, packed, expiry(context, board))
        except (LostRace, StoreError):
            # Even after an unknown outcome: what is pending now may be somebody else's.
            continue
        complete(context, board, shard, intent)
        return draft
    raise Busy(f"{shard}: other writers were first {MAX_ROUNDS} times")


def settle(context: Context, board: str, shard: str) -> Log:
    """The log, strongly read, once no intent is pending: what is found begun is completed first.

    Raises StoreError, or OutOfTime near the deadline.
    """
    for _ in range(MAX_ROUNDS):
        log = read_log(context.table, shard)
        if log.intent is None:
            return log
        context.require_time(INTENT_MS)
        complete(context, board, shard, log.intent)
    raise Busy(f"{shard}: there was always another intent")


def complete(context: Context, board: str, shard: str, intent: Intent) -> None:
    """Write all of an intent that is not written yet, then note that it is done."""
    expires = expiry(context, board)
    updates = [entry_update(board, entry, intent.seq, expires) for entry in intent.entries]
    updates += [node_update(shard, name, change, intent.seq, expires) for name, change in intent.nodes.items()]
    if intent.told:
        updates.append(moves_update(shard, intent.repair, intent.seq, intent.told, intent.told_expires))
    apply_all(context, updates)
    _insist(context, lambda: finish(context.table, shard, intent))


def apply_all(context: Context, updates: Iterable[Update]) -> None:
    """Do updates side by side, each until it is done or finds itself done. Raises StoreError if the store gives up."""
    context.each(lambda update: _insist(context, lambda: context.table.apply(update)), updates)


def expiry(context: Context, board: str) -> int | None:
    """When items of a board may be collected (epoch seconds), for boards that are not kept for ever."""
    scope, _, period = board.partition("#")
    days = context.rules.boards[scope].keep_days if scope in context.rules.boards else None
    return None if days is None else kept_until_ms(period, days) // 1000


class TooLarge(Exception):
    """An intent is larger than the log should hold."""


def _write(context: Context, board: str, shard: str, states: list[BoardUpdate]) -> int:
    try:
        draft = commit(context, board, shard, lambda log: _draft(context, board, shard, log, states))
    except TooLarge:
        half = len(states) // 2
        return _write(context, board, shard, states[:half]) + _write(context, board, shard, states[half:])
    return len(draft.entries) if draft else 0


def _draft(context: Context, board: str, shard: str, log: Log, states: list[BoardUpdate]) -> Draft | None:
    known = read_entries(context.table, board, [state.player for state in states])
    turned = [
        (known.get(state.player), entry)
        for state in states
        if (entry := next_entry(state, known.get(state.player), frozen=log.frozen is not None))
    ]
    return draft_of(context, shard, log, turned) if turned else None


def draft_of(context: Context, shard: str, log: Log, turned: Sequence[tuple[Entry | None, Entry]]) -> Draft:
    """The intent that turns entries into others, with what that does to the index. Reads nodes, strongly."""
    moves: list[Move] = [(before.spot if before else None, after.spot) for before, after in turned]
    moves = [(before, after) for before, after in moves if before != after]
    entries = [after for _, after in turned]
    latest = max((spot[1] for _, spot in moves if spot), default=-1)
    told = _told(log, turned)
    return Draft(entries, merged(count_moves(moves), divisions(context, shard, log, moves)), latest, told=told)


def _told(log: Log, turned: Sequence[tuple[Entry | None, Entry]]) -> list[int]:
    """Moves of players whom the repair that is under way has counted already."""
    if log.repair is None:
        return []
    moves = [
        (before.spot if before else None, after.spot)
        for before, after in turned
        if log.repair.has_counted(after.player)
    ]
    return [number for before, after in moves if before != after for spot in (before, after) for number in spot or _OFF]


def _intent(log: Log, draft: Draft) -> Intent:
    seq, latest = max(log.seq + 1, draft.seq), max(log.latest, draft.latest)
    intent = Intent(seq, draft.entries, draft.nodes, latest)
    if log.repair is not None and draft.told:
        intent.repair, intent.told, intent.told_expires = log.repair.id, draft.told, log.repair.expires
    return intent


def next_entry(state: BoardUpdate, known: Entry | None, *, frozen: bool) -> Entry | None:
    """The entry that a state makes of the one that is known; None if nothing changes.

    On a frozen board only who is shown, and as whom, may change: not the score, nor who was never on it.
    """
    if known is not None and known.version >= state.version:
        return None
    score, reached_at, level, title = state.score, state.reached_at, state.level, state.title
    if frozen:
        if known is None:
            return None
        # Written even if it shows nothing new: an older state that is still on its way must find this version.
        score, reached_at, level, title = known.score, known.reached_at, known.level, known.title
    # Who is off the board leaves an entry too: an older state may still be on its way.
    return Entry(
        player=state.player,
        version=state.version,
        score=score,
        reached_at=reached_at,
        level=level,
        title=title,
        public=state.public_id,
        name=state.name,
        private=state.private,
        hidden=state.hidden,
        on_board=score > 0 and not state.hidden,
    )


def divisions(context: Context, shard: str, log: Log, moves: Sequence[Move]) -> Changes:
    """What moves do to the division of tie groups; boards of several shards have none."""
    if "~" in shard or not moves:
        return {}
    nodes = read_nodes(context.table, [shard], leaves_of(moves), strong=True)
    for below in (directories_of, volumes_of):
        nodes |= read_nodes(context.table, [shard], below(moves, nodes), strong=True)
    return divide(moves, nodes, log.latest)


def merged(one: Mapping[str, NodeChange], other: Mapping[str, NodeChange]) -> Changes:
    """Changes of both; no counter is in both, but a node may be."""
    empty = NodeChange()
    return {
        name: NodeChange(
            {**one.get(name, empty).adds, **other.get(name, empty).adds},
            {**one.get(name, empty).sets, **other.get(name, empty).sets},
        )
        for name in dict.fromkeys((*one, *other))
    }


def _insist(context: Context, write: Callable[[], None]) -> None:
    """Try a write until it is done, or its condition says that it was done before."""

    def attempt() -> None:
        with suppress(ConditionFailed):
            write()

    context.retry.run(attempt, again=(LostRace, StoreError), most=MAX_WRITE_TRIES)
