"""A player's last days: events, XP and savings per day."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import day_name, day_of
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import find_player
from chalicelib.store.progress.player_reads import load_days


class CalendarDay(msgspec.Struct, rename="camel"):
    """One UTC day. `count`: events counted; `xp`: signed; `costSavedMicroUsd`: micro-dollars."""

    date: str
    count: int
    xp: int
    tokens_saved: int
    cost_saved_micro_usd: int
    active: Annotated[bool, Meta(description="Whether the day counts for the streak.")]


class Calendar(msgspec.Struct, rename="camel"):
    """Days in order, today last, including days without events."""

    days: list[CalendarDay]


class CalendarQuery(msgspec.Struct):
    days: Literal[30, 365] = 30


def read_calendar(context: Context, caller: Caller, player_id: str | None = None, *, days: int = 30) -> Calendar:
    """Return the last `days` UTC days of the caller or of the player with this id. Raises NotFound."""
    player = find_player(context, caller, player_id).player
    today = day_of(context.now_ms())
    window = range(today - days + 1, today + 1)
    load_days(context.table, player, window)
    shown = []
    for day in window:
        stats = player.day_stats_of(day)
        shown.append(
            CalendarDay(
                date=day_name(day),
                count=stats.count,
                xp=stats.xp,
                tokens_saved=stats.tokens_saved,
                cost_saved_micro_usd=stats.cost_saved,
                active=player.streak.is_active(day),
            )
        )
    return Calendar(shown)
