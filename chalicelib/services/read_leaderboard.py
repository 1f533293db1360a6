"""A page of a board: exact competition ranks, names as far as the reader may know them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.boards import board_id, kept_until_ms
from chalicelib.domain.errors import InvalidRequest, NotFound
from chalicelib.domain.names import display_name, private_name
from chalicelib.domain.periods import day_of, moment_name, parse_period
from chalicelib.domain.permissions import ADMIN
from chalicelib.domain.tables import Board
from chalicelib.services.authenticate import Caller
from chalicelib.services.context import Context
from chalicelib.store.board_pages import board_page
from chalicelib.store.models import EntryItem


class LeaderboardEntry(msgspec.Struct, rename="camel"):
    """A player's place. `apiKeyId`: the real id for the player, for admins and of players with a chosen name;
    else a public id that `/players/{id}` takes; null for private players."""

    rank: Annotated[int, Meta(ge=1)]
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


def read_leaderboard(
    context: Context,
    caller: Caller | None,
    *,
    scope: str = "global",
    period: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Leaderboard:
    """The page of a board; the period that holds today unless one is named.

    Raises InvalidRequest naming the parameter, NotFound for a day that is no longer kept.
    """
    boards = {board.scope: board for board in context.rules.ruleset.boards}
    board = boards.get(scope)
    if board is None:
        raise InvalidRequest(f"'scope' must be one of {', '.join(boards)}", parameter="scope", allowed=list(boards))
    now_ms = context.now_ms()
    name = parse_period(board.period, period, day_of(now_ms))
    _check_kept(board, name, now_ms)
    page = board_page(context.table, board_id(scope, name), offset, limit)
    latest = max((int(entry.reached_at) for entry in page.entries), default=None)
    return Leaderboard(
        scope=scope,
        period=name,
        entries=_ranked(page.entries, page.first_rank, offset, caller),
        total=page.total,
        updated_at=None if latest is None else moment_name(latest),
    )


def _check_kept(board: Board, period: str, now_ms: int) -> None:
    """A board that has expired by the clock is gone, collected or not."""
    if board.keep_days is not None and kept_until_ms(period, board.keep_days) <= now_ms:
        raise NotFound(f"Boards of a day are kept for {board.keep_days} days.", parameter="period")


def _ranked(entries: list[EntryItem], first_rank: int, offset: int, caller: Caller | None) -> list[LeaderboardEntry]:
    ranked: list[LeaderboardEntry] = []
    rank = first_rank
    for place, entry in enumerate(entries):
        if place and int(entry.score) != ranked[-1].score:
            rank = offset + place + 1
        ranked.append(_shown(entry, rank, caller))
    return ranked


def _shown(entry: EntryItem, rank: int, caller: Caller | None) -> LeaderboardEntry:
    whole = caller is not None and (caller.player == entry.player or ADMIN in caller.permissions)
    shown_id: str | None = entry.player if whole or entry.name else entry.public
    name = display_name(entry.player, entry.name)
    if entry.private and not whole:
        shown_id, name = None, private_name(rank)
    return LeaderboardEntry(
        rank=rank,
        api_key_id=shown_id,
        display_name=name,
        score=int(entry.score),
        level=int(entry.level),
        title=entry.title,
    )
