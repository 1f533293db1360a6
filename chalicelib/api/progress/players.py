"""What players are shown of themselves, and of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chalicelib.api.blueprint import PREFIX, Blueprint, View
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.services.progress.change_profile import ProfileChange, change_profile
from chalicelib.services.progress.read_badges import BadgeList, read_badges
from chalicelib.services.progress.read_calendar import Calendar, read_calendar
from chalicelib.services.progress.read_log import Log, read_awards, read_log
from chalicelib.services.progress.read_profile import Profile, read_profile
from chalicelib.services.progress.read_streak import StreakShown, read_streak

players = Blueprint(__name__)


class BadgeQuery(msgspec.Struct):
    earned: Annotated[bool | None, Meta(description="Only badges that are earned, or that are not.")] = None


class CalendarQuery(msgspec.Struct):
    days: Literal[30, 365] = 30


class LogQuery(msgspec.Struct):
    cursor: Annotated[str, Meta(max_length=64, description="Of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


def own(path: str, summary: str, answer: Any, **more: Any) -> Callable[[View], View]:
    """A read of the caller's own figures."""
    return players.route(
        f"{PREFIX}/{path}", tag="players", summary=f"Your {summary}", answer=answer, permission=PLAYER, **more
    )


def other(path: str, summary: str, answer: Any, **more: Any) -> Callable[[View], View]:
    """The same read of any player, by id or public id."""
    return players.route(
        f"{PREFIX}/players/{{player}}{path}",
        tag="players",
        summary=f"A player's {summary}",
        description="404 for a private or hidden player, unless the key is their own or an admin's.",
        answer=answer,
        permission=PLAYER,
        errors=(404,),
        **more,
    )


@own("profile", "profile", Profile)
def read_own_profile(call: Call) -> Profile:
    return read_profile(call.context, call.who)


@players.route(
    f"{PREFIX}/profile",
    method="PATCH",
    tag="players",
    summary="Change your profile",
    description="Entries on boards follow within seconds, those of past periods too.",
    body=ProfileChange,
    answer=Profile,
    permission=PLAYER,
    errors=(404,),
)
def change_own_profile(call: Call) -> Profile:
    return change_profile(call.context, call.who, call.body)


@other("", "profile", Profile)
def read_player(call: Call) -> Profile:
    return read_profile(call.context, call.who, call.path("player"))


@own("badges", "badges", BadgeList, query=BadgeQuery)
def read_own_badges(call: Call) -> BadgeList:
    return read_badges(call.context, call.who, earned=call.query.earned)


@other("/badges", "badges", BadgeList, query=BadgeQuery)
def read_player_badges(call: Call) -> BadgeList:
    return read_badges(call.context, call.who, call.path("player"), earned=call.query.earned)


@own("streak", "streak", StreakShown)
def read_own_streak(call: Call) -> StreakShown:
    return read_streak(call.context, call.who)


@other("/streak", "streak", StreakShown)
def read_player_streak(call: Call) -> StreakShown:
    return read_streak(call.context, call.who, call.path("player"))


@own("calendar", "last days", Calendar, query=CalendarQuery)
def read_own_calendar(call: Call) -> Calendar:
    return read_calendar(call.context, call.who, days=call.query.days)


@other("/calendar", "last days", Calendar, query=CalendarQuery)
def read_player_calendar(call: Call) -> Calendar:
    return read_calendar(call.context, call.who, call.path("player"), days=call.query.days)


@own("log", "log", Log, query=LogQuery)
def read_own_log(call: Call) -> Log:
    return read_log(call.context, call.who, cursor=call.query.cursor, limit=call.query.limit)


@other("/log", "log", Log, query=LogQuery)
def read_player_log(call: Call) -> Log:
    return read_log(call.context, call.who, call.path("player"), cursor=call.query.cursor, limit=call.query.limit)


@own("awards", "awards", Log, query=LogQuery)
def read_own_awards(call: Call) -> Log:
    return read_awards(call.context, call.who, cursor=call.query.cursor, limit=call.query.limit)


@other("/awards", "awards", Log, query=LogQuery)
def read_player_awards(call: Call) -> Log:
    return read_awards(call.context, call.who, call.path("player"), cursor=call.query.cursor, limit=call.query.limit)
