"""The writer of a board: it changes entries and rank index together, by intents in a redo log.

A FIFO group allows one writer at a time per shard, which avoids lost work. The conditions keep the data correct for any
number of writers that crash and restart at any time:

- the log is read before the entries, and an intent begins only if the log is unchanged;
- a writer that finds a pending intent completes it before anything else;
- each write of an intent stores the intent's number, and the same or an earlier intent does not repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.domain.boards.rank_index import Changes, Move, NodeChange, count_moves
from chalicelib.domain.boards.ties import directories_of, divide, leaves_of, volumes_of
from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.progress.scores import BoardUpdate, kept_until_ms, period_on
from chalicelib.services.context import Context
from chalicelib.store.boards.entries import Entry, entry_update, read_entries
from chalicelib.store.boards.nodes import node_update, read_nodes
from chalicelib.store.boards.redo_log import MAX_INTENT_BYTES, Intent, Log, begin, finish, pack, read_log
from chalicelib.store.boards.tallies import moves_update
from chalicelib.store.core.table import Busy, ConditionFailed, StoreError
from chalicelib.store.core.writes import Update

# 40 bytes each when compressed. Ten full messages of the queue.
MAX_UPDATES_PER_INTENT = 2000
# Each lost round means that another writer of this shard made progress.
MAX_ROUNDS = 10
# Eight pauses take up to 5 s. After that, the next delivery completes the intent.
MAX_WRITE_TRIES = 8
# An intent is planned, or completed for another writer, only with this much time left. The largest takes some 3 s.
INTENT_MS = 10_000

_OFF = (-1, -1)
Plan = Callable[[Log], "Draft | None"]


@dataclass(slots=True)
class Draft:
    """The planned content of an intent: entries, and changes of nodes.

    `seq`: the least number, 0 for the next one. `moves`: moves for the running repair, in the form of `Intent`.
    """

    entries: list[Entry]
    nodes: Changes
    latest: int
    seq: int = 0
    moves: list[int] = field(default_factory=list)


def write_states(context: Context, board: str, shard: str, states: Sequence[BoardUpdate]) -> int:
    """Update entries and index to the newest of these states; return the number of changed entries.

    Raises StoreError if the store gives up, OutOfTime near the deadline: the next call completes a pending intent.
    """
    newest: dict[str, BoardUpdate] = {}
    for state in states:
        if state.subject not in newest or newest[state.subject].version < state.version:
            newest[state.subject] = state
    return sum(_write(context, board, shard, batch) for batch in batched(newest.values(), MAX_UPDATES_PER_INTENT))


def commit(context: Context, board: str, shard: str, plan: Plan) -> Draft | None:
    """Execute what `plan` makes of the log, as one intent; return its draft, or None if nothing was planned.

    Each try makes a new plan. The plan must read all its data after it got the log.
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
            # Also after an unknown outcome: the intent that is pending now may be another writer's.
            continue
        complete(context, board, shard, intent)
        return draft
    raise Busy(f"{shard}: other writers were first {MAX_ROUNDS} times")


def settle(context: Context, board: str, shard: str) -> Log:
    """Complete pending intents, then return the log without one, strongly read.

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
    """Write the missing parts of an intent, then note that it is done."""
    expires = expiry(context, board)
    updates = [entry_update(board, entry, intent.seq, expires) for entry in intent.entries]
    updates += [node_update(shard, name, change, intent.seq, expires) for name, change in intent.nodes.items()]
    if intent.moves:
        updates.append(moves_update(shard, intent.repair, intent.seq, intent.moves, intent.moves_expire))
    apply_all(context, updates)
    _insist(context, lambda: finish(context.table, shard, intent))


def apply_all(context: Context, updates: Iterable[Update]) -> None:
    """Apply updates in parallel, each until it is done or was done before. Raises StoreError if the store gives up."""
    context.each(lambda update: _insist(context, lambda: context.table.apply(update)), updates)


def expiry(context: Context, board: str) -> int | None:
    """Return when items of a board expire (epoch seconds); None for boards that are kept forever."""
    rules = context.rules.boards.get(board.partition("#")[0])
    if rules is None or rules.keep_days is None:
        return None
    return kept_until_ms(period_on(rules, board), rules.keep_days) // 1000


class TooLarge(Exception):
    """An intent is too large for the log."""


def _write(context: Context, board: str, shard: str, states: list[BoardUpdate]) -> int:
    try:
        draft = commit(context, board, shard, lambda log: _draft(context, board, shard, log, states))
    except TooLarge:
        half = len(states) // 2
        return _write(context, board, shard, states[:half]) + _write(context, board, shard, states[half:])
    return len(draft.entries) if draft else 0


def _draft(context: Context, board: str, shard: str, log: Log, states: list[BoardUpdate]) -> Draft | None:
    known = read_entries(context.table, board, [state.subject for state in states])
    turned = [
        (known.get(state.subject), entry)
        for state in states
        if (entry := next_entry(state, known.get(state.subject), frozen=log.frozen is not None))
    ]
    return draft_of(context, shard, log, turned) if turned else None


def draft_of(context: Context, shard: str, log: Log, turned: Sequence[tuple[Entry | None, Entry]]) -> Draft:
    """Return the intent that replaces entries, with its changes of the index. Reads nodes strongly."""
    moves: list[Move] = [(before.spot if before else None, after.spot) for before, after in turned]
    moves = [(before, after) for before, after in moves if before != after]
    entries = [after for _, after in turned]
    latest = max((spot[1] for _, spot in moves if spot), default=-1)
    counted = _counted_moves(log, turned)
    return Draft(entries, merged(count_moves(moves), divisions(context, shard, log, moves)), latest, moves=counted)


def _counted_moves(log: Log, turned: Sequence[tuple[Entry | None, Entry]]) -> list[int]:
    """Return the moves of subjects that the running repair has counted already."""
    if log.repair is None:
        return []
    moves = [
        (before.spot if before else None, after.spot)
        for before, after in turned
        if log.repair.has_counted(after.subject)
    ]
    return [number for before, after in moves if before != after for spot in (before, after) for number in spot or _OFF]


def _intent(log: Log, draft: Draft) -> Intent:
    seq, latest = max(log.seq + 1, draft.seq), max(log.latest, draft.latest)
    intent = Intent(seq, draft.entries, draft.nodes, latest)
    if log.repair is not None and draft.moves:
        intent.repair, intent.moves, intent.moves_expire = log.repair.id, draft.moves, log.repair.expires
    return intent


def next_entry(state: BoardUpdate, known: Entry | None, *, frozen: bool) -> Entry | None:
    """Return the entry for a state that replaces the known one; None if nothing changes.

    On a frozen board only name, privacy and visibility change. The score stays, and no entry is added.
    """
    if known is not None and known.version >= state.version:
        return None
    score, reached_at, level, title = state.score, state.reached_at, state.level, state.title
    if frozen:
        if known is None:
            return None
        # Written even without a visible change: an older state that is still in flight must find this version.
        score, reached_at, level, title = known.score, known.reached_at, known.level, known.title
    # Subjects that are not on the board keep an entry too: an older state may still be in flight.
    return entry_of_state(state, score, reached_at, level, title)


def entry_of_state(state: BoardUpdate, score: int, reached_at: int, level: int, title: str) -> Entry:
    """Return the entry of a state, with this score, level and title. It is off the board without a score, or hidden."""
    return Entry(
        subject=state.subject,
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
    """Return the changes of moves in the division of tie groups. Boards with several shards have none."""
    if "~" in shard or not moves:
        return {}
    nodes = read_nodes(context.table, [shard], leaves_of(moves), strong=True)
    for below in (directories_of, volumes_of):
        nodes |= read_nodes(context.table, [shard], below(moves, nodes), strong=True)
    return divide(moves, nodes, log.latest)


def merged(one: Mapping[str, NodeChange], other: Mapping[str, NodeChange]) -> Changes:
    """Merge changes. Both may contain a node, but not the same counter."""
    empty = NodeChange()
    return {
        name: NodeChange(
            {**one.get(name, empty).adds, **other.get(name, empty).adds},
            {**one.get(name, empty).sets, **other.get(name, empty).sets},
        )
        for name in dict.fromkeys((*one, *other))
    }


def _insist(context: Context, write: Callable[[], None]) -> None:
    """Retry a write until it is done or its condition shows that it was done before."""

    def attempt() -> None:
        with suppress(ConditionFailed):
            write()

    context.retry.run(attempt, again=(LostRace, StoreError), most=MAX_WRITE_TRIES)
