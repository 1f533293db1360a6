"""A page of a board: exact competition ranks, with the names that the caller may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import InvalidRequest, NotFound
from chalicelib.domain.core.periods import Period, day_of, moment_name, parse_period
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.domain.core.subjects import player_of
from chalicelib.domain.identity.names import display_name, private_name
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.domain.progress.scores import board_id, is_kept, shards_of
from chalicelib.domain.rules.schema import Board
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.boards.reads import BoardReads, Ranked

Rank = Annotated[int, Meta(ge=1)]
SCOPE = (
    "A board of the ruleset; in the default ruleset `global`, `daily`, `weekly`, `monthly`, `tokens_shared` or "
    "`contributions`."
)
PERIOD = (
    "A period of the scope, in UTC: `2026-05-19`, `2026-W21` (ISO week), `2026-05` or `all`. Default: the "
    "current one. The board of a future period is empty; that of a deleted day is 404."
)


class LeaderboardEntry(msgspec.Struct, rename="camel"):
    """A player's rank and score.

    `apiKeyId`: the real id for the player, for admins and of players with a chosen name; else a public id that
    `/players/{id}` accepts; null for private players.
    """

    rank: Rank
    api_key_id: str | None
    display_name: str
    score: int
    level: int
    title: str


class Leaderboard(msgspec.Struct, rename="camel"):
    """Entries best first. `total`: players on the board. `updatedAt`: when a score on this page last changed."""

    scope: str
    period: str
    entries: list[LeaderboardEntry]
    total: int
    updated_at: str | None


E = TypeVar("E", bound=LeaderboardEntry)


class BoardQuery(msgspec.Struct):
    scope: Annotated[str, Meta(max_length=32, description=SCOPE, examples=["weekly"])] = "global"
    period: Annotated[str, Meta(max_length=16, description=PERIOD, examples=["2026-W21"])] | None = None


class LeaderboardQuery(BoardQuery):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    # The limit of all numbers in requests. All pages cost the same.
    offset: Annotated[int, Meta(ge=0, le=10**12, description="Entries to skip.")] = 0


def read_leaderboard(
    context: Context,
    caller: Caller | None,
    *,
    scope: str = "global",
    period: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Leaderboard:
    """Return a page of a board, by default of the current period.

    Raises InvalidRequest naming the parameter, NotFound for a day that is no longer kept.
    """
    name, board = open_board(context, scope, period)
    page = board.page(offset, limit)
    entries = [shown(ranked, caller, LeaderboardEntry) for ranked in page.ranked]
    return Leaderboard(scope, name, entries, page.total, updated_at(page.ranked))


def open_board(context: Context, scope: str, period: str | None) -> tuple[str, BoardReads]:
    """Return (the period's id, the board to read), by default of the current period.

    Raises as `read_leaderboard`. A board without players, also of a future period, is empty.
    """
    board = find_scope(context, scope)
    now_ms = context.now_ms()
    named = parse_period(board.period, period, day_of(now_ms))
    _check_kept(board, named, now_ms)
    found = board_id(scope, named.id)
    return named.id, BoardReads(context.table, found, shards_of(found, board.shards), context.each)


def find_scope(context: Context, scope: str) -> Board:
    """Return the ruleset's board of this scope. Raises InvalidRequest."""
    boards = context.rules.boards
    if scope not in boards:
        raise InvalidRequest(not_one_of("scope", scope, boards), parameter="scope", allowed=list(boards))
    return boards[scope]


def sees_all(caller: Caller | None, player: str | None) -> bool:
    """Return whether the caller sees all data of the player, or of another subject (None)."""
    return caller is not None and (caller.player == player or ADMIN in caller.permissions)


def shown(ranked: Ranked, caller: Caller | None, kind: type[E], **more: Any) -> E:
    """Return an entry as the caller may see it. `more`: further members of its type.

    Only players have a real id here; other subjects appear under their public id.
    """
    rank, entry = ranked
    player = player_of(entry.subject)
    whole = sees_all(caller, player)
    shown_id: str | None = player if player is not None and (whole or entry.name) else entry.public
    name = display_name(entry.public, entry.name)
    if entry.private and not whole:
        shown_id, name = None, private_name(rank)
    return kind(
        rank=rank,
        api_key_id=shown_id,
        display_name=name,
        score=entry.score,
        level=entry.level,
        title=entry.title,
        **more,
    )


def updated_at(ranked: Iterable[Ranked]) -> str | None:
    """Return when the last of these scores was reached."""
    latest = max((entry.reached_at for _, entry in ranked), default=None)
    return None if latest is None else moment_name(latest)


def _check_kept(board: Board, period: Period, now_ms: int) -> None:
    """Raise NotFound for an expired board, even if its items still exist."""
    if not is_kept(board, period, now_ms):
        raise NotFound(f"Daily boards are kept for {board.keep_days} days.", parameter="period")
