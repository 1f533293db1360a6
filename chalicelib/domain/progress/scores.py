"""Scores: a player's score on each board, computed from the player's own totals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import (
    ALL,
    DAY_MS,
    MINUTE_MS,
    Period,
    day_of,
    first_open_day,
    period_of,
    period_with_id,
)
from chalicelib.domain.core.subjects import Subject, parse_subject, player_subject
from chalicelib.domain.progress.player import Player
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import UNIQUE_STATS, Board

# Sums of inputs up to 10^12 stay below, and the rank index's key has sixteen digits.
MAX_SCORE = 10**16 - 1


class BoardUpdate(msgspec.Struct, rename="camel"):
    """A score update: "the score of `subject` on a board is `score` at `version`".

    `reached_at`: commit time (ms) at which the score was reached. The bounds are those of a board entry: an update that
    cannot be written would stop its board.
    """

    subject: Subject
    score: Annotated[int, Meta(ge=0, le=MAX_SCORE)]
    version: Annotated[int, Meta(ge=1, le=10**15)]
    reached_at: Annotated[int, Meta(ge=0, lt=10**13)]
    level: Annotated[int, Meta(ge=0, le=10**6)]
    title: Annotated[str, Meta(max_length=24)]
    public_id: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Annotated[str, Meta(max_length=50)] = ""
    private: bool = False
    hidden: bool = False


def board_id(scope: str, period: str) -> str:
    """Return a board's id, such as `weekly#2026-W21`."""
    return f"{scope}#{period}"


def shards_of(board: str, shards: int) -> list[str]:
    """Return the shards of a board, each with its own writer and rank index. A single shard has the board's id."""
    return [board] if shards == 1 else [f"{board}~{number}" for number in range(shards)]


def shard_of(board: str, subject: str, shards: int) -> str:
    """Return the shard of a subject, by its id."""
    if shards == 1:
        return board
    _, id_ = parse_subject(subject)
    digest = hashlib.blake2b(id_.encode(), digest_size=8).digest()
    return shards_of(board, shards)[int.from_bytes(digest, "big") % shards]


def period_on(board: Board, name: str) -> Period:
    """Return the period of a board, given its id. Raises ValueError if such boards have no such period."""
    return period_with_id(board.period, name.partition("#")[2])


def kept_until_ms(period: Period, keep_days: int) -> int:
    """Return the moment (ms) at which the board of a period expires: `keep_days` days after its end."""
    return period.end_ms + keep_days * DAY_MS


def is_kept(board: Board, period: Period, now_ms: int) -> bool:
    """Return whether a board has not expired by this clock. The items of an expired board may be deleted any time."""
    return board.keep_days is None or kept_until_ms(period, board.keep_days) > now_ms


def score(player: Player, board: Board, period: Period) -> tuple[int, int]:
    """Return (score, reached at) on the board of a period. A negative total is a score of 0."""
    if board.counts_xp:
        xp, reached_at = player.period_xp(period)
        return min(max(0, xp), MAX_SCORE), reached_at
    counted = sum(player.count(action) for action in board.actions)
    counted += sum(
        len(player.sets.get(stat, ())) if stat in UNIQUE_STATS else player.stats.get(stat, 0) for stat in board.stats
    )
    return min(max(0, counted), MAX_SCORE), player.sums_at.get(board.scope, 0)


def scores(player: Player, days: Iterable[int], rules: Rules) -> dict[str, tuple[int, int]]:
    """Return board id -> (score, reached at) for every board that the days belong to."""
    return {
        board_id(board.scope, period.id): score(player, board, period)
        for board in rules.ruleset.boards
        for period in _periods(board, days)
    }


def kept_scores(player: Player, days: Iterable[int], rules: Rules, now_ms: int) -> dict[str, tuple[int, int]]:
    """Return the same as `scores` for boards that are kept and have ever counted anything of the player."""
    # A player without a day may have a sum.
    found = {
        board_id(board.scope, period.id): score(player, board, period)
        for board in rules.ruleset.boards
        for period in _periods(board, days or [0])
        if is_kept(board, period, now_ms)
    }
    return {board: points for board, points in found.items() if any(points)}


def open_scores(player: Player, rules: Rules, now_ms: int, *, zeros: bool = False) -> dict[str, tuple[int, int]]:
    """Return the same as `scores` for boards that are open and have ever counted anything of the player.

    `zeros`: include all-time boards that have not. The player's days since `open_since` must be loaded.
    """
    # An event may have a time in the future.
    days = range(open_since(rules, now_ms), max(player.day, day_of(now_ms)) + 1)
    return {
        board_id(board.scope, period.id): points
        for board in rules.ruleset.boards
        for period in _periods(board, days)
        if any(points := score(player, board, period)) or (zeros and period.kind == ALL)
    }


def open_since(rules: Rules, now_ms: int) -> int:
    """Return the first day of open boards.

    Boards of this day and later ones show a player's current level and title.
    """
    return first_open_day(now_ms, rules.settings.freeze_grace_minutes * MINUTE_MS)


def is_open(period: Period, rules: Rules, now_ms: int) -> bool:
    """Return whether the boards of a period are open: it never ends, or they are not due to be frozen yet."""
    return period.days.stop > open_since(rules, now_ms)


def update(player: Player, points: tuple[int, int], rules: Rules) -> BoardUpdate:
    """Return a player's score update for one board, with everything that a page shows."""
    level = player.level(rules)
    return BoardUpdate(
        subject=player_subject(player.id),
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


def _periods(board: Board, days: Iterable[int]) -> Iterable[Period]:
    """Return each period of the board's kind that holds one of the days, once."""
    return {(period := period_of(board.period, day)).id: period for day in days}.values()
