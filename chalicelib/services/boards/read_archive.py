"""Archives of closed periods. They are kept forever, also when the board itself is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.boards.archive import Place
from chalicelib.domain.core.errors import InvalidRequest, NotFound
from chalicelib.domain.core.periods import ALL, day_of, moment_name, parse_period, period_before, period_of
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.identity.names import HIDDEN_NAME
from chalicelib.services.boards.read_leaderboard import SCOPE, LeaderboardEntry, find_scope, sees_all, shown
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.boards import archives
from chalicelib.store.boards.entries import Entry
from chalicelib.store.boards.reads import Ranked
from chalicelib.store.identity.identities import players_of_public

ENDED = "As in `/leaderboard`: a day, week or month that has ended. Default: the last one."


class ArchivedEntry(LeaderboardEntry):
    """A rank with the player's current name. `hidden`: the player is hidden or erased, so only the rank is shown."""

    hidden: bool = False


class ArchivedBoard(msgspec.Struct, rename="camel"):
    """An archived board. `total`: players on it. `champion`: the first entry; null if the board was empty."""

    scope: str
    period: str
    total: int
    champion: ArchivedEntry | None
    entries: list[ArchivedEntry]
    frozen_at: Annotated[str, Meta(description="UTC; later events do not count.")]


class ArchiveQuery(msgspec.Struct):
    scope: Annotated[str, Meta(max_length=32, description=SCOPE, examples=["monthly"])] = "weekly"
    period: Annotated[str, Meta(max_length=16, description=ENDED, examples=["2026-W20"])] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


def read_archive(
    context: Context, caller: Caller | None, *, scope: str = "weekly", period: str | None = None, limit: int = 10
) -> ArchivedBoard:
    """Return the archive of a period, by default of the last one that ended, with its best `limit` places.

    Raises InvalidRequest naming the parameter, NotFound for a period without an archive.
    """
    board = find_scope(context, scope)
    if board.period == ALL:
        raise InvalidRequest(f"'scope' must name a board with periods; '{scope}' has none.", parameter="scope")
    today = day_of(context.now_ms())
    last = period_before(period_of(board.period, today))
    name = parse_period(board.period, period or last.id, today).id
    found = archives.read_archive(context.table, scope, name)
    if found is None:
        raise NotFound(
            f"There is no archive of '{name}'; boards are archived soon after their period ends.", parameter="period"
        )
    entries = show_places(context, found.top[: max(1, limit)], caller)
    return ArchivedBoard(
        scope, name, found.total, entries[0] if entries else None, entries[:limit], moment_name(found.frozen_at)
    )


def show_places(context: Context, places: Sequence[Place], caller: Caller | None) -> list[ArchivedEntry]:
    """Return archived places as the caller may see them now."""
    players = players_of_public(context.table, [place.public for place in places])
    entries = []
    for place in places:
        player, identity = players.get(place.public, ("", None))
        entry = Entry(player_subject(player), 0, place.score, place.reached_at, place.level, place.title, place.public)
        if identity is not None:
            entry.name, entry.private = identity.display_name or "", identity.private
        known = shown(Ranked(place.rank, entry), caller, ArchivedEntry)
        if identity is None or identity.hidden:
            known.hidden = True
            if not (identity and sees_all(caller, player)):
                known.api_key_id, known.display_name = None, HIDDEN_NAME
        entries.append(known)
    return entries


def champion_of(context: Context, archive: archives.Archive) -> dict[str, Any] | None:
    """Return the first place of an archive in its public form."""
    shown_ = show_places(context, archive.top[:1], None)
    return msgspec.to_builtins(shown_[0]) if shown_ else None
