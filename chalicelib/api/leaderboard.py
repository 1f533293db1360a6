"""Boards, read by anybody."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.services.read_leaderboard import Leaderboard
from chalicelib.services.read_leaderboard import read_leaderboard as read

leaderboards = Blueprint(__name__)

SCOPE = (
    "A board of the ruleset; by the default one `global`, `daily`, `weekly`, `monthly`, `tokens_shared` or "
    "`contributions`."
)
PERIOD = (
    "In UTC: `2026-05-19`, `2026-W21` (ISO week), `2026-05` or `all`, as the scope has it. "
    "Default: the one that holds today."
)


class LeaderboardQuery(msgspec.Struct):
    scope: Annotated[str, Meta(max_length=32, description=SCOPE, examples=["weekly"])] = "global"
    period: Annotated[str, Meta(max_length=16, description=PERIOD, examples=["2026-W21"])] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    offset: Annotated[int, Meta(ge=0, le=10_000, description="Entries to skip.")] = 0


@leaderboards.route(
    f"{PREFIX}/leaderboard",
    tag="leaderboards",
    summary="A page of a board",
    description="Exact competition ranks (1, 2, 2, 4). With a key, the caller's own entry shows the real id.",
    query=LeaderboardQuery,
    answer=Leaderboard,
    optional_key=True,
    errors=(404,),
)
def read_leaderboard(call: Call) -> Leaderboard:
    query: LeaderboardQuery = call.query
    return read(
        call.context,
        call.caller,
        scope=query.scope,
        period=query.period,
        limit=query.limit,
        offset=query.offset,
    )
