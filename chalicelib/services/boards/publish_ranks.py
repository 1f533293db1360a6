"""Publish the final ranks of a board: one event per player on Laurel's own queue.

(player, scope, period) identify an event, which has no time. So events that are sent again, after a stop or by a second
run, change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from chalicelib.domain.boards.archive import Judged
from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.core.periods import ALL
from chalicelib.domain.progress.scores import board_id
from chalicelib.domain.rules.schema import Board
from chalicelib.services.context import Context
from chalicelib.store.boards.archives import Archive, note_told
from chalicelib.store.boards.final_standings import tied_players
from chalicelib.store.progress.player_reads import best_ranks

QUEUE, SOURCE, JUDGED = "own", "laurel/rotation", "rank.judged"
# A worker's unit of retry, and the players per noted step: ten messages are one call.
PLAYERS_PER_MESSAGE, PLAYERS_AT_ONCE = 100, 1000
# Time for a step: a thousand published ranks, or the final standings of a board.
RESERVE_MS = 30_000


def publish_ranks(context: Context, board: Board, archive: Archive) -> bool:
    """Queue the events of all waiting players. Return whether all are queued; if not, the next run continues."""
    judged, tie = archive.waiting.judged, archive.waiting.tie
    for place in range(archive.told, len(judged), PLAYERS_AT_ONCE):
        if not context.has_time(RESERVE_MS):
            return False
        part = judged[place : place + PLAYERS_AT_ONCE]
        _send(context, board, archive, part)
        _note(context, archive, place + len(part))
    return tie is None or _publish_tie(context, board, archive, tie)


def _publish_tie(context: Context, board: Board, archive: Archive, tie: tuple[int, int]) -> bool:
    """Queue the events of a large tie group, whose players share a rank, by id. Return whether all are queued."""
    (score, rank), published = tie, len(archive.waiting.judged)
    name = board_id(board.scope, period_of(archive))
    following: str | None = archive.told_until
    while following is not None:
        if not context.has_time(RESERVE_MS):
            return False
        players, following = tied_players(context.table, name, score, following)
        _send(context, board, archive, [Judged(player, rank) for player in players])
        if following is not None:
            _note(context, archive, published, following)
    return True


def _note(context: Context, archive: Archive, published: int, last_player: str = "") -> None:
    with suppress(LostRace):  # another run has published all of them
        note_told(context.table, archive, published, last_player)


def period_of(archive: Archive) -> str:
    """Return the board's period. All-time boards are archived by day, as `all@2026-05-19`."""
    return archive.period.partition("@")[0]


def _send(context: Context, board: Board, archive: Archive, judged: Sequence[Judged]) -> None:
    if board.period == ALL:
        judged = _better(context, board.scope, judged)
    raws = [_event(archive, each) for each in judged]
    context.queues.send(QUEUE, [msgspec.json.encode(batch).decode() for batch in batched(raws, PLAYERS_PER_MESSAGE)])


def _better(context: Context, scope: str, judged: Sequence[Judged]) -> list[Judged]:
    """Return the players whose rank is better than all before. Others would get a useless event every day."""
    best = best_ranks(context.table, [each.player for each in judged], scope)
    return [each for each in judged if each.rank < best.get(each.player, each.rank + 1)]


def _event(archive: Archive, judged: Judged) -> dict[str, Any]:
    data = {
        "scope": archive.scope,
        "period": period_of(archive),
        "rank": judged.rank,
        "total": max(archive.total, judged.rank),
    }
    return {
        "specversion": "1.0",
        "id": f"{archive.scope}:{archive.period}",
        "source": SOURCE,
        "type": JUDGED,
        "subject": judged.player,
        "data": data,
    }
