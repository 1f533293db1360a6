"""Publish the final ranks of a board: one event per player on Laurel's own queue.

(player, scope, period) identify an event, which has no time. So events that are sent again, after a stop or by a second
run, change nothing. Subjects that are no players get no event.
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
from chalicelib.domain.core.subjects import player_of
from chalicelib.domain.progress.scores import board_id
from chalicelib.domain.rules.schema import Board
from chalicelib.services.context import Context
from chalicelib.store.boards.archives import Archive, save_published
from chalicelib.store.boards.final_standings import tied_subjects
from chalicelib.store.progress.player_reads import best_ranks

QUEUE, SOURCE, JUDGED = "own", "laurel/rotation", "rank.judged"
# A worker's unit of retry, and the ranks per noted step: ten messages are one call.
RANKS_PER_MESSAGE, RANKS_AT_ONCE = 100, 1000
# Time for a step: a thousand published ranks, or the final standings of a board.
RESERVE_MS = 30_000


def publish_ranks(context: Context, board: Board, archive: Archive) -> bool:
    """Queue the events of all waiting ranks. Return whether all are queued; if not, the next run continues."""
    judged, tie = archive.waiting.judged, archive.waiting.tie
    for place in range(archive.published, len(judged), RANKS_AT_ONCE):
        if not context.has_time(RESERVE_MS):
            return False
        part = judged[place : place + RANKS_AT_ONCE]
        _send(context, board, archive, part)
        _note(context, archive, place + len(part))
    return tie is None or _publish_tie(context, board, archive, tie)


def _publish_tie(context: Context, board: Board, archive: Archive, tie: tuple[int, int]) -> bool:
    """Queue the events of a large tie group, whose subjects share a rank. Return whether all are queued."""
    (score, rank), published = tie, len(archive.waiting.judged)
    name = board_id(board.scope, period_of(archive))
    following: str | None = archive.published_until
    while following is not None:
        if not context.has_time(RESERVE_MS):
            return False
        subjects, following = tied_subjects(context.table, name, score, following)
        _send(context, board, archive, [Judged(subject, rank) for subject in subjects])
        if following is not None:
            _note(context, archive, published, following)
    return True


def _note(context: Context, archive: Archive, published: int, last_subject: str = "") -> None:
    with suppress(LostRace):  # another run has published all of them
        save_published(context.table, archive, published, last_subject)


def period_of(archive: Archive) -> str:
    """Return the board's period. All-time boards are archived by day, as `all@2026-05-19`."""
    return archive.period.partition("@")[0]


def _send(context: Context, board: Board, archive: Archive, judged: Sequence[Judged]) -> None:
    ranks = [(player, each.rank) for each in judged if (player := player_of(each.subject)) is not None]
    if board.period == ALL:
        ranks = _better(context, board.scope, ranks)
    raws = [_event(archive, player, rank) for player, rank in ranks]
    context.queues.send(QUEUE, [msgspec.json.encode(batch).decode() for batch in batched(raws, RANKS_PER_MESSAGE)])


def _better(context: Context, scope: str, ranks: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the players whose rank is better than all before. Others would get a useless event every day."""
    best = best_ranks(context.table, [player for player, _ in ranks], scope)
    return [(player, rank) for player, rank in ranks if rank < best.get(player, rank + 1)]


def _event(archive: Archive, player: str, rank: int) -> dict[str, Any]:
    data = {
        "scope": archive.scope,
        "period": period_of(archive),
        "rank": rank,
        "total": max(archive.total, rank),
    }
    return {
        "specversion": "1.0",
        "id": f"{archive.scope}:{archive.period}",
        "source": SOURCE,
        "type": JUDGED,
        "subject": player,
        "data": data,
    }
