"""Boards, read by anybody; one's own rank; what changes at the top."""

from __future__ import annotations

from typing import Annotated

import msgspec
from chalice.app import Response
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, PUBLIC_CACHE, Blueprint, digest
from chalicelib.api.request import Call
from chalicelib.domain.core.errors import LostRace, OutOfReach
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.services.boards.read_archive import ArchivedBoard, read_archive
from chalicelib.services.boards.read_leaderboard import Leaderboard
from chalicelib.services.boards.read_leaderboard import read_leaderboard as read_page
from chalicelib.services.boards.read_rank import OwnRank
from chalicelib.services.boards.read_rank import read_rank as read_own
from chalicelib.services.boards.read_stream import TopTen, read_stream

leaderboards = Blueprint(__name__)

SCOPE = (
    "A board of the ruleset; by the default one `global`, `daily`, `weekly`, `monthly`, `tokens_shared` or "
    "`contributions`."
)
PERIOD = (
    "In UTC: `2026-05-19`, `2026-W21` (ISO week), `2026-05` or `all`, as the scope has it. "
    "Default: the one that holds today. A period to come is an empty board; a day long past is 404."
)
ENDED = "As in `/leaderboard`, of a day, week or month that has ended. Default: the last one."
EVENT_STREAM = "text/event-stream"
# When a browser asks again: the figure that it may be behind by.
RETRY_MS = 5000
KNOWN = "Last-Event-ID"


class BoardQuery(msgspec.Struct):
    scope: Annotated[str, Meta(max_length=32, description=SCOPE, examples=["weekly"])] = "global"
    period: Annotated[str, Meta(max_length=16, description=PERIOD, examples=["2026-W21"])] | None = None


class LeaderboardQuery(BoardQuery):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    # As far as any input goes; a page costs the same wherever it is.
    offset: Annotated[int, Meta(ge=0, le=10**12, description="Entries to skip.")] = 0


@leaderboards.route(
    f"{PREFIX}/leaderboard",
    tag="leaderboards",
    summary="A page of a board",
    description="Exact competition ranks (1, 2, 2, 4); within a tie, who was first. With a key, the caller's own "
    "entry shows the real id.",
    query=LeaderboardQuery,
    answer=Leaderboard,
    optional_key=True,
    errors=(404,),
)
def read_leaderboard(call: Call) -> Leaderboard:
    query: LeaderboardQuery = call.query
    return read_page(
        call.context,
        call.caller,
        scope=query.scope,
        period=query.period,
        limit=query.limit,
        offset=query.offset,
    )


class ArchiveQuery(msgspec.Struct):
    scope: Annotated[str, Meta(max_length=32, description=SCOPE, examples=["monthly"])] = "weekly"
    period: Annotated[str, Meta(max_length=16, description=ENDED, examples=["2026-W20"])] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


@leaderboards.route(
    f"{PREFIX}/leaderboard/archive",
    tag="leaderboards",
    summary="The best of a period that has ended",
    description="As the board was when it was closed: kept for ever, also of days whose board is gone. Players are "
    "named as they are named today; whoever was removed since keeps the place, without a name.",
    query=ArchiveQuery,
    answer=ArchivedBoard,
    optional_key=True,
    errors=(404,),
)
def show_archive(call: Call) -> ArchivedBoard:
    query: ArchiveQuery = call.query
    return read_archive(call.context, call.caller, scope=query.scope, period=query.period, limit=query.limit)


@leaderboards.route(
    f"{PREFIX}/rank",
    tag="leaderboards",
    summary="Your rank and neighbours",
    description="The rank is the one that the board's pages show.",
    query=BoardQuery,
    answer=OwnRank,
    permission=PLAYER,
)
def read_rank(call: Call) -> OwnRank:
    return read_own(call.context, call.who, scope=call.query.scope, period=call.query.period)


@leaderboards.route(
    f"{PREFIX}/stream",
    tag="leaderboards",
    summary="The top 10 of a board, live",
    description="For a browser's `EventSource`: one event whose `data` is a `TopTen`, and the end; the browser asks "
    f"again after {RETRY_MS // 1000} seconds. If the top 10 is what its last event said, there is only a comment. "
    "Keys are not read: the same for everybody.",
    query=BoardQuery,
    headers={KNOWN: "The `id` of the last event, as browsers send it."},
    answer=TopTen,
    media=EVENT_STREAM,
    tagged=False,
    errors=(404,),
)
def follow_leaderboard(call: Call) -> Response:
    try:
        top = read_stream(call.context, scope=call.query.scope, period=call.query.period)
    except (OutOfReach, LostRace):
        # Any status but 200 ends an EventSource for good.
        return _stream(": busy", "no-store")
    data = msgspec.json.encode(top).decode()
    event_id = digest(data)
    if call.header(KNOWN) == event_id:
        return _stream(": unchanged", PUBLIC_CACHE)
    return _stream(f"id: {event_id}\ndata: {data}", PUBLIC_CACHE)


def _stream(lines: str, cache: str) -> Response:
    headers = {"Content-Type": EVENT_STREAM, "Cache-Control": cache, "Vary": KNOWN}
    return Response(f"retry: {RETRY_MS}\n{lines}\n\n", headers, 200)
