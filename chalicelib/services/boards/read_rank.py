"""A player's own rank and neighbours."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.subjects import player_subject
from chalicelib.services.boards.read_leaderboard import LeaderboardEntry, Rank, open_board, shown
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller

PERCENT = 10_000  # in hundredths


class Neighbour(LeaderboardEntry):
    """An entry near the player's own, or their own (`you`)."""

    you: bool


class OwnRank(msgspec.Struct, rename="camel"):
    """A player's rank on a board. A player who is not on it has a score of 0, and null or an empty list for the rest.

    `percentile`: the share of all players with a lower score, in hundredths of a percent, rounded down (9987: 99.87 %).
    `pointsToNext`: points to the score of the next better rank; null at the first. `neighbours`: in board order, up to
    5 before the player, the player, up to 5 after. Players with equal scores share a rank.
    """

    scope: str
    period: str
    rank: Rank | None
    score: int
    percentile: Annotated[int, Meta(ge=0, le=PERCENT)] | None
    total: int
    points_to_next: Annotated[int, Meta(ge=1)] | None
    neighbours: list[Neighbour]


def read_rank(context: Context, caller: Caller, *, scope: str = "global", period: str | None = None) -> OwnRank:
    """Return the caller's rank on a board, by default of the current period.

    Raises InvalidRequest naming the parameter, NotFound for a day that is no longer kept.
    """
    name, board = open_board(context, scope, period)
    entry, total = board.entry(player_subject(caller.player))
    if entry is None or not entry.on_board:
        return OwnRank(scope, name, None, 0, None, total, None, [])
    around = board.around(entry)
    place = around.standing
    total = max(total, place.above + place.ties)
    return OwnRank(
        scope=scope,
        period=name,
        rank=place.rank,
        score=entry.score,
        percentile=PERCENT * (total - place.above - place.ties) // total,
        total=total,
        points_to_next=around.points_to_next,
        neighbours=[
            shown(each, caller, Neighbour, you=each.entry.subject == entry.subject) for each in around.neighbours
        ],
    )
