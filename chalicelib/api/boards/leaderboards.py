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
        description=(
            "Exact competition ranks (1, 2, 2, 4). Players with equal scores are listed in the order in which they "
            "reached the score. With a key, the caller's own entry shows the real id."
        ),
    ),
    Operation(
        "show_archive",
        f"{PREFIX}/leaderboard/archive",
        "The top 100 of a period that has ended",
        "leaderboards",
        use_case=f"{SERVICES}.read_archive:read_archive",
        query="ArchiveQuery",
        answer="ArchivedBoard",
        optional_key=True,
        refusals=(ErrorKind.NOT_FOUND,),
        description=(
            "The board at its freeze. Archives are kept forever, those of days too, whose boards are "
            "deleted. Entries show the players' current names. A player who was removed since then keeps the rank, "
            "without a name."
        ),
    ),
    Operation(
        "read_rank",
        f"{PREFIX}/rank",
        "Your rank and your neighbours",
        "leaderboards",
        use_case=f"{SERVICES}.read_rank:read_rank",
        query=BOARD_QUERY,
        answer="OwnRank",
        permission=PLAYER,
        description="The same rank as on the board's pages.",
    ),
    Operation(
        "follow_leaderboard",
        f"{PREFIX}/stream",
        "The live top 10 of a board",
        "leaderboards",
        use_case=f"{SERVICES}.read_stream:read_stream",
        query=BOARD_QUERY,
        answer="TopTen",
        refusals=(ErrorKind.NOT_FOUND,),
        headers={LAST_EVENT_ID: "The `id` of the last event that was received. Browsers send it."},
        media=EVENT_STREAM,
        tagged=False,
        view="chalicelib.api.boards.stream:respond",
        description=(
            "For a browser's `EventSource`. The response is one event whose `data` is a `TopTen`; then the "
            f"connection ends, and the browser reconnects after {RETRY_MS // 1000} seconds. If the top 10 has not "
            "changed since the last event, the response is only a comment. API keys are ignored: all clients get "
            "the same data."
        ),
    ),
)
