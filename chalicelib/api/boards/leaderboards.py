"""Operations on boards: pages, archives, the caller's rank, the top 10 live."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import PLAYER

SERVICES = "chalicelib.services.boards"
BOARD_QUERY = f"{SERVICES}.read_leaderboard:BoardQuery"
EVENT_STREAM = "text/event-stream"
# After so many milliseconds a browser asks again: the live top 10 may be behind by as much.
RETRY_MS = 5000
LAST_EVENT_ID = "Last-Event-ID"

OPERATIONS = (
    Operation(
        "read_leaderboard",
        f"{PREFIX}/leaderboard",
        "A page of a board",
        "leaderboards",
        use_case=f"{SERVICES}.read_leaderboard:read_leaderboard",
        query="LeaderboardQuery",
        answer="Leaderboard",
        optional_key=True,
        refusals=(ErrorKind.NOT_FOUND,),
        description="Exact competition ranks (1, 2, 2, 4); within a tie, who was first. With a key, the caller's own "
        "entry shows the real id.",
    ),
    Operation(
        "show_archive",
        f"{PREFIX}/leaderboard/archive",
        "The best of a period that has ended",
        "leaderboards",
        use_case=f"{SERVICES}.read_archive:read_archive",
        query="ArchiveQuery",
        answer="ArchivedBoard",
        optional_key=True,
        refusals=(ErrorKind.NOT_FOUND,),
        description="As the board was when it was closed: kept for ever, also of days whose board is gone. Players "
        "are named as they are named today; whoever was removed since keeps the place, without a name.",
    ),
    Operation(
        "read_rank",
        f"{PREFIX}/rank",
        "Your rank and neighbours",
        "leaderboards",
        use_case=f"{SERVICES}.read_rank:read_rank",
        query=BOARD_QUERY,
        answer="OwnRank",
        permission=PLAYER,
        description="The rank is the one that the board's pages show.",
    ),
    Operation(
        "follow_leaderboard",
        f"{PREFIX}/stream",
        "The top 10 of a board, live",
        "leaderboards",
        use_case=f"{SERVICES}.read_stream:read_stream",
        query=BOARD_QUERY,
        answer="TopTen",
        refusals=(ErrorKind.NOT_FOUND,),
        headers={LAST_EVENT_ID: "The `id` of the last event, as browsers send it."},
        media=EVENT_STREAM,
        tagged=False,
        view="chalicelib.api.boards.stream:respond",
        description="For a browser's `EventSource`: one event whose `data` is a `TopTen`, and the end; the browser "
        f"asks again after {RETRY_MS // 1000} seconds. If the top 10 is what its last event said, there is only a "
        "comment. Keys are not read: the same for everybody.",
    ),
)
