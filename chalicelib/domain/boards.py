"""Boards: what a player's score is on each, as a state, from the player's own totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from chalicelib.domain.periods import DAY_MS, number_of, period_name
from chalicelib.domain.player import Player
from chalicelib.domain.ruleset import Rules
from chalicelib.domain.tables import UNIQUE_STATS, Board


class BoardUpdate(msgspec.Struct, rename="camel"):
    """ "Player P's score on board B is S at version V". `reached_at`: commit time (ms) at which S was reached."""

    player: str
    score: int
    version: int
    reached_at: int
    level: int
    title: str
    public_id: str
    name: str = ""
    private: bool = False
    hidden: bool = False


def board_id(scope: str, period: str) -> str:
    """`weekly#2026-W21`."""
    return f"{scope}#{period}"


def kept_until_ms(day: str, keep_days: int) -> int:
    """When the board of a day (`2026-05-19`) is gone: so many days after its end."""
    return (number_of(date.fromisoformat(day)) + 1 + keep_days) * DAY_MS


def score(player: Player, board: Board, day: int) -> tuple[int, int]:
    """(score, reached at) on the board's period that holds the day; a negative total is a score of 0."""
    if board.counts_xp:
        xp, reached_at = player.period_xp(board.period, day)
        return max(0, xp), reached_at
    counted = sum(player.count(action) for action in board.actions)
    counted += sum(
        len(player.sets.get(stat, ())) if stat in UNIQUE_STATS else player.stats.get(stat, 0) for stat in board.stats
    )
    return max(0, counted), player.sums_at.get(board.scope, 0)


def scores(player: Player, days: Iterable[int], rules: Rules) -> dict[str, tuple[int, int]]:
    """Board id -> (score, reached at) for every board that the days belong to."""
    return {
        board_id(board.scope, period_name(board.period, day)): score(player, board, day)
        for board in rules.ruleset.boards
        for day in _days_for(board, days)
    }


def update(player: Player, points: tuple[int, int], rules: Rules) -> BoardUpdate:
    """The state of one player on one board, with what a page shows."""
    level = player.level(rules)
    return BoardUpdate(
        player=player.id,
        score=points[0],
        version=player.version,
        reached_at=points[1],
        level=level,
        title=rules.levels.title(level),
        public_id=player.identity.public,
        name=player.identity.display_name or "",
        private=player.identity.private,
        hidden=player.identity.hidden,
    )


def _days_for(board: Board, days: Iterable[int]) -> Iterator[int]:
    if board.period != "all":
        yield from days
        return
    yield from list(days)[:1]
