"""A player's streak as of now: the stored one may have ended since."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import day_name, day_of
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import find_player


class NextMilestone(msgspec.Struct, rename="camel"):
    """The next milestone of the current streak, and the remaining days."""

    days: int
    remaining: int


class StreakShown(msgspec.Struct, rename="camel"):
    """Consecutive active UTC days. `current` counts back from the last active day if that is yesterday or later."""

    current: int
    longest: int
    last_active_day: str | None
    active_today: bool
    milestones: Annotated[list[int], Meta(description="Milestones ever reached, in days.")]
    next_milestone: NextMilestone | None


def read_streak(context: Context, caller: Caller, player_id: str | None = None) -> StreakShown:
    """Return the streak of the caller or of the player with this id. Raises NotFound."""
    streak = find_player(context, caller, player_id).player.streak
    today = day_of(context.now_ms())
    current = streak.current(today)
    coming = next((days for days in context.rules.milestones if days > current), None)
    return StreakShown(
        current=current,
        longest=streak.longest,
        last_active_day=day_name(streak.last) if streak.last >= 0 else None,
        active_today=streak.is_active(today),
        milestones=sorted(days for days, marks in streak.marks.items() if marks),
        next_milestone=NextMilestone(coming, coming - current) if coming else None,
    )
