"""The best entries of a board, for clients that poll it."""

from __future__ import annotations

import msgspec

from chalicelib.services.boards.read_leaderboard import LeaderboardEntry, open_board, shown, updated_at
from chalicelib.services.context import Context

TOP = 10


class TopTen(msgspec.Struct, rename="camel"):
    """The ten best entries in their public form. `updatedAt`: when one of their scores last changed."""

    scope: str
    period: str
    entries: list[LeaderboardEntry]
    updated_at: str | None


def read_stream(context: Context, *, scope: str = "global", period: str | None = None) -> TopTen:
    """Return the top 10 of a board, by default of the current period.

    Raises InvalidRequest naming the parameter, NotFound for a day that is no longer kept.
    """
    name, board = open_board(context, scope, period)
    top = board.top(TOP)
    return TopTen(scope, name, [shown(ranked, None, LeaderboardEntry) for ranked in top], updated_at(top))
