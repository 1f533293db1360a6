"""A player's profile: totals, level, streak and stats, and balances for the player and admins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.domain.core.periods import day_of, moment_name
from chalicelib.domain.identity.names import display_name
from chalicelib.domain.rules.schema import NUMERIC_STATS, UNIQUE_STATS
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import PlayerView, find_player

ASSETS = ("coins", "tokens")


class StreakFigures(msgspec.Struct):
    """Consecutive active UTC days: the current run and the longest run."""

    current: int
    longest: int


class Profile(msgspec.Struct, rename="camel"):
    """A player's totals. Only the player and admins see `coins`, `tokens`, `private` and `hidden`."""

    id: str
    display_name: str
    created_at: Annotated[str, Meta(description="UTC time of the player's first commit.")]
    xp: Annotated[int, Meta(ge=0)]
    level: Annotated[int, Meta(ge=1)]
    title: str
    xp_into_level: int
    xp_to_next: Annotated[int | None, Meta(description="XP to the next level; null at the cap.")]
    award_total: Annotated[int, Meta(description="Signed sum of all awards; part of `xp`.")]
    streak: StreakFigures
    badge_count: int
    stats: dict[str, int]
    counters: Annotated[dict[str, int], Meta(description="How often each action was counted.")]
    ruleset: str
    coins: int | UnsetType = UNSET
    tokens: int | UnsetType = UNSET
    private: bool | UnsetType = UNSET
    hidden: Annotated[bool, Meta(description="Removed from the boards by an admin.")] | UnsetType = UNSET


def read_profile(context: Context, caller: Caller, player_id: str | None = None) -> Profile:
    """Return the profile of the caller or of the player with this id or public id. Raises NotFound."""
    view = find_player(context, caller, player_id)
    player, rules = view.player, context.rules
    level = player.level(rules)
    into, to_next = rules.levels.progress(player.xp)
    shown = Profile(
        id=view.shown_id,
        display_name=display_name(player.identity.public, player.identity.display_name),
        created_at=moment_name(player.created_at),
        xp=max(0, player.xp),
        level=level,
        title=rules.levels.title(level),
        xp_into_level=into,
        xp_to_next=to_next,
        award_total=player.award_xp,
        streak=StreakFigures(player.streak.current(day_of(context.now_ms())), player.streak.longest),
        badge_count=sum(player.holds(badge) for badge in rules.badges),
        stats={name: player.stat(name) for name in (*NUMERIC_STATS, *UNIQUE_STATS)},
        counters=dict(sorted(player.counters.items())),
        ruleset=rules.version,
    )
    if view.whole:
        _add_private(context, view, shown)
    return shown


def _add_private(context: Context, view: PlayerView, shown: Profile) -> None:
    balances = context.ledger.balances(context.table, view.player.identity.account, ASSETS)
    shown.coins, shown.tokens = balances["coins"], balances["tokens"]
    shown.private, shown.hidden = view.player.identity.private, view.player.identity.hidden
