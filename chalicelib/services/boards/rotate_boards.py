"""Close the periods that have ended: freeze, archive, publish ranks, announce. A schedule calls it every few minutes.

Each period goes through the same steps, and each step stores its progress. So `rotate_boards` may run concurrently,
crash anywhere, run late, or find many periods at once. A freeze waits for events that were received in time
(`watch_backlog`). All-time boards never end: their ranks are judged daily.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from chalicelib.domain.boards.archive import Place, Waiting, ranks, waiting
from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.core.periods import (
    ALL,
    DAY_MS,
    Period,
    day_name,
    day_of,
    ended_periods,
    period_before,
    period_of,
)
from chalicelib.domain.events.backlog import may_hold
from chalicelib.domain.progress.domain_events import rotated_event
from chalicelib.domain.progress.scores import board_id, is_kept, shards_of
from chalicelib.domain.rules.rank_rewards import MIN_PLAYERS, last_rank
from chalicelib.domain.rules.schema import Board
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.publish_ranks import RESERVE_MS, publish_ranks
from chalicelib.services.boards.read_archive import champion_of
from chalicelib.services.boards.rotation import Rotation, Step
from chalicelib.services.context import Context
from chalicelib.services.events.backlog import Backlog, grace_ms_of
from chalicelib.services.progress.publish_scores import send_messages
from chalicelib.store.boards.archives import (
    Archive,
    create_archive,
    finish_archive,
    move_cursor,
    read_archives,
    read_cursor,
    start_cursor,
)
from chalicelib.store.boards.final_standings import Standings, final_standings
from chalicelib.store.boards.redo_log import Log, read_log

# Places in an archive.
TOP = 100
# Days before today that the very first rotation covers: at least 31 days, 10 weeks, 4 months.
FIRST_DAYS = {"daily": 32, "weekly": 77, "monthly": 155, ALL: 2}
# The record of published ranks of all-time boards is useless after their next day.
ALL_TIME_KEPT_MS = 31 * DAY_MS


def rotate_boards(context: Context) -> Rotation:
    """Advance every ended period as far as possible, until the deadline is near."""
    rotation, backlog = Rotation(), Backlog(context)
    for board in context.rules.ruleset.boards:
        try:
            _remind(context, board, rotation)
            if board.period == ALL:
                _judge_all_time(context, board, rotation)
            else:
                _rotate_scope(context, board, rotation, backlog)
        except Exception as error:  # noqa: BLE001 - one failure must not stop the others
            rotation.failed[board.scope] = error
    return rotation


def _rotate_scope(context: Context, board: Board, rotation: Rotation, backlog: Backlog) -> None:
    now_ms, scope, grace_ms = context.now_ms(), board.scope, grace_ms_of(context)
    after = _cursor(context, board)
    ended = list(ended_periods(board.period, after, now_ms, grace_ms))
    archives = read_archives(context.table, scope, [period.id for period in ended])
    # A later period may be done before an earlier one. The cursor stays before the first that is not done.
    through, whole = after, True
    for period in ended:
        if not context.has_time(RESERVE_MS):
            rotation.complete = False
            break
        name, bound_ms = board_id(scope, period.id), period.end_ms + grace_ms
        step = _rotate_period(context, board, period, archives.get(period.id), partial(backlog.holds, bound_ms))
        rotation.steps[name] = step
        if step is Step.HELD:
            rotation.held[name] = backlog.reasons[bound_ms]
            rotation.held_ms = max(rotation.held_ms, now_ms - bound_ms)
        if step is Step.MOVING and bound_ms + DAY_MS < now_ms:
            rotation.overdue.append(name)
        whole = whole and step in (Step.ROTATED, Step.GONE)
        through = period.days[-1] if whole else through
    if through > after:
        _move_cursor(context, scope, through)


def _rotate_period(
    context: Context, board: Board, period: Period, archive: Archive | None, held: Callable[[], str]
) -> Step:
    if archive is None:
        if not is_kept(board, period, context.now_ms()):
            return Step.GONE
        found = _archive(context, board, period.id, held)
        if isinstance(found, Step):
            return found
        archive = found
    if not archive.done:
        if not publish_ranks(context, board, archive):
            return Step.TELLING
        champion = champion_of(context, archive)
        context.bus.publish([rotated_event(board.scope, period.id, archive.frozen_at, archive.total, champion)])
        finish_archive(context.table, archive, context.now_ms())
    return Step.ROTATED


def _archive(context: Context, board: Board, period: str, held: Callable[[], str]) -> Archive | Step:
    """Write the archive of a board once all its shards are frozen and at rest; else order the missing freezes.

    `held()`: why no freeze may be ordered yet; empty if it may be.
    """
    name = board_id(board.scope, period)
    shards = shards_of(name, board.shards)
    logs = {shard: read_log(context.table, shard) for shard in shards}
    frozen = [log.frozen for log in logs.values() if log.frozen is not None]
    if len(frozen) < len(shards):
        if held():
            return Step.HELD
        open_ = [shard for shard, log in logs.items() if log.frozen is None]
        send_messages(context, [BoardMessage(name, shard, freeze=True) for shard in open_])
        return Step.FREEZING
    # The number of judged players, if there are enough players.
    standings = final_standings(context.table, name, shards, max(TOP, last_rank(context.rules, board, MIN_PLAYERS)))
    if not standings.exact:
        return Step.MOVING
    return _create(context, _archive_of(context, board, period, standings, max(frozen)))


def _archive_of(context: Context, board: Board, period: str, standings: Standings, at_ms: int) -> Archive:
    entries = standings.entries
    judged = waiting(entries, last_rank(context.rules, board, standings.total), more_ties=standings.more_ties)
    top = [
        Place(rank, entry.public, entry.score, entry.reached_at, entry.level, entry.title)
        for rank, entry in zip(ranks(entries), entries, strict=True)
    ]
    return Archive(board.scope, period, standings.total, at_ms, top[:TOP], judged)


def _create(context: Context, archive: Archive, expires: int | None = None) -> Archive:
    """Write the archive and return the stored one: another run's if that was first."""
    try:
        create_archive(context.table, archive, expires)
    except LostRace:
        return read_archives(context.table, archive.scope, [archive.period])[archive.period]
    return archive


def _judge_all_time(context: Context, board: Board, rotation: Rotation) -> None:
    """Judge an all-time board once a day. It stays open: pending updates may be missing in its ranks."""
    now_ms, scope = context.now_ms(), board.scope
    yesterday = day_of(now_ms) - 1
    if _cursor(context, board) >= yesterday:
        return
    if not context.has_time(RESERVE_MS):
        rotation.complete = False
        return
    period = f"{ALL}@{day_name(yesterday)}"
    archive = read_archives(context.table, scope, [period]).get(period)
    if archive is None:
        archive = _create(context, _all_time_archive(context, board, period), (now_ms + ALL_TIME_KEPT_MS) // 1000)
    if archive.done or publish_ranks(context, board, archive):
        finish_archive(context.table, archive, now_ms)
        _move_cursor(context, scope, yesterday)
    else:
        rotation.steps[board_id(scope, ALL)] = Step.TELLING


def _all_time_archive(context: Context, board: Board, period: str) -> Archive:
    last = last_rank(context.rules, board, MIN_PLAYERS)
    if not last:
        return Archive(board.scope, period, 0, context.now_ms(), [], Waiting([]))
    name = board_id(board.scope, ALL)
    standings = final_standings(context.table, name, shards_of(name, board.shards), last)
    return _archive_of(context, board, period, standings, context.now_ms())


def _cursor(context: Context, board: Board) -> int:
    """Return the day after which there is work. The very first run stores it, so that later runs begin there too."""
    found = read_cursor(context.table, board.scope)
    if found is not None:
        return found
    with suppress(LostRace):  # another run was first
        start_cursor(context.table, board.scope, _first_day(context, board))
    return _cursor(context, board)


def _first_day(context: Context, board: Board) -> int:
    """Return the day after which the first run begins: before the first period with players.

    A period counts too if it may get players once a backlog is applied.
    """
    now_ms, grace_ms = context.now_ms(), grace_ms_of(context)
    first = day_of(now_ms) - FIRST_DAYS[board.period]
    if board.period == ALL:
        return first
    for period in ended_periods(board.period, first, now_ms, grace_ms):
        name = board_id(board.scope, period.id)
        shards = shards_of(name, board.shards)
        if may_hold(now_ms, period.end_ms + grace_ms) or any(read_log(context.table, each) != Log() for each in shards):
            return period.days[0] - 1
        first = period.days[-1]
    return first


def _move_cursor(context: Context, scope: str, day: int) -> None:
    with suppress(LostRace):  # another run has moved it as far
        move_cursor(context.table, scope, day)


def _remind(context: Context, board: Board, rotation: Rotation) -> None:
    """Wake the writers of shards with a pending intent or repair.

    If a writer crashed and its messages are deleted, no other process would continue them.
    """
    current = period_of(board.period, day_of(context.now_ms()))
    periods = [current] if current.kind == ALL else [current, period_before(current)]
    names = [board_id(board.scope, period.id) for period in periods]
    begun = [
        BoardMessage(name, shard, nonce=context.new_id())
        for name in names
        for shard in shards_of(name, board.shards)
        if (log := read_log(context.table, shard)).intent is not None or log.repair is not None
    ]
    send_messages(context, begun)
    rotation.reminded += [message.shard for message in begun]
