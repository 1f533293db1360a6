"""A player's log: the applied events of 90 days with their payments and reasons, newest first."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import MINUTE_MS, moment_name
from chalicelib.domain.events.formats import AWARD_TYPE
from chalicelib.domain.progress.log import Entry
from chalicelib.services.context import Context
from chalicelib.services.core.cursors import cursor_of, parts_of
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import find_player
from chalicelib.store.progress.log_reads import Place, log_page

# Queries for one answer. A player with few awards among many events gets a short page and a cursor.
MAX_QUERIES = 10
# Eight digits of minutes end in the year 2160, so all of them are valid dates.
_CURSOR = re.compile(r"(\d{1,8})\.(\d{1,5})\.(\d{1,6})\.(\d{1,4})")


class LogEntry(msgspec.Struct, rename="camel", omit_defaults=True):
    """One applied event. `paid`: XP by action. `unpaid`: why a counted action paid nothing.

    Only the player and admins see `id`, `source`, `credits` and `grantedBy`.
    """

    time: str
    type: str
    xp: int
    paid: dict[str, int]
    status: str
    id: str = ""
    source: str = ""
    unpaid: dict[str, str] = {}
    credits: dict[str, int] = {}
    level: Annotated[int | None, Meta(description="The level reached by this event.")] = None
    badges: list[str] = []
    milestones: list[int] = []
    streak: Annotated[int | None, Meta(description="The current streak, if this event changed it.")] = None
    provider: str = ""
    model: str = ""
    latency_ms: int | None = None
    fallback: bool = False
    reason: str = ""
    granted_by: str = ""
    public: bool = True
    late_for: Annotated[
        list[str], Meta(description=("Kinds of boards that were already closed when this event arrived."))
    ] = []


class Log(msgspec.Struct, rename="camel"):
    """A page, newest event first. `cursor` requests the next page; null at the end."""

    entries: list[LogEntry]
    cursor: str | None


class LogQuery(msgspec.Struct):
    cursor: Annotated[str, Meta(max_length=64, description="The `cursor` of the previous page.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


def read_log(
    context: Context,
    caller: Caller,
    player_id: str | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
    only: str | None = None,
) -> Log:
    """Return a page of the log of the caller or of the player with this id. `only`: restrict it to one event type.

    Raises NotFound, InvalidRequest for a cursor that no answer returned.
    """
    view = find_player(context, caller, player_id)
    place = _place(cursor) if cursor else None
    shown: list[LogEntry] = []
    for _ in range(MAX_QUERIES):
        page = log_page(context.table, view.player.id, context.now_ms(), limit - len(shown), place)
        for at, entry in page.entries:
            if only not in (None, entry.type) or not (entry.public or view.whole):
                continue
            if len(shown) == limit:
                return Log(shown, _cursor(place))
            shown.append(_shown(entry, at.minute, view.whole))
            place = at
        place = page.next
        if place is None:
            return Log(shown, None)
    return Log(shown, _cursor(place))


def read_awards(
    context: Context, caller: Caller, player_id: str | None = None, *, cursor: str | None = None, limit: int = 50
) -> Log:
    """Return a page of the awards in the log."""
    return read_log(context, caller, player_id, cursor=cursor, limit=limit, only=AWARD_TYPE)


def _shown(entry: Entry, minute: int, whole: bool) -> LogEntry:
    shown = LogEntry(
        time=moment_name(minute * MINUTE_MS + entry.offset),
        type=entry.type,
        xp=entry.xp,
        paid=entry.paid,
        status=entry.status,
        unpaid=entry.unpaid,
        level=entry.levels[1] if entry.levels else None,
        badges=entry.badges,
        milestones=entry.milestones,
        streak=entry.streak,
        provider=entry.provider,
        model=entry.model,
        latency_ms=entry.latency_ms,
        fallback=entry.fallback,
        reason=entry.note,
        public=entry.public,
        late_for=entry.late,
    )
    if whole:
        shown.id, shown.source, shown.granted_by = entry.id, entry.source, entry.by
        shown.credits = entry.credits
    return shown


def _cursor(place: Place | None) -> str | None:
    return cursor_of(place.minute, place.offset, place.chunk, place.position) if place else None


def _place(cursor: str) -> Place:
    minute, offset, chunk, position = (int(part) for part in parts_of(cursor, _CURSOR))
    return Place.of(minute, offset, chunk, position)
