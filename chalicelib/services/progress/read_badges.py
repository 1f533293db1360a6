"""The badges of the ruleset, each with whether a player has earned it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.progress.player import Player
from chalicelib.domain.rules.schema import Badge
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import find_player

SECRET = "???"  # noqa: S105 - replaces the texts of a hidden badge


class BadgeShown(msgspec.Struct, rename="camel"):
    """A badge. A hidden one shows `???`, and `hidden-<n>` as id, until it is earned."""

    id: str
    name: str
    description: str
    icon: str
    category: str
    rarity: str
    hidden: bool
    earned: bool
    earned_at: Annotated[str | None, Meta(description="UTC time of the commit that earned it.")] = None


class BadgeList(msgspec.Struct, rename="camel"):
    """Badges in the ruleset's order. `earned` and `total` count all of them, also those that the query leaves out."""

    badges: list[BadgeShown]
    earned: int
    total: int


class BadgeQuery(msgspec.Struct):
    earned: Annotated[
        bool | None, Meta(description=("true: only earned badges; false: only those that are not earned."))
    ] = None


def read_badges(
    context: Context, caller: Caller, player_id: str | None = None, *, earned: bool | None = None
) -> BadgeList:
    """Return all badges, or only those (not) earned, of the caller or the player with this id. Raises NotFound."""
    player = find_player(context, caller, player_id).player
    shown = [_shown(player, badge, place) for place, badge in enumerate(context.rules.badges.values(), 1)]
    count = sum(badge.earned for badge in shown)
    return BadgeList([badge for badge in shown if earned in (None, badge.earned)], count, len(shown))


def _shown(player: Player, badge: Badge, place: int) -> BadgeShown:
    held = player.holds(badge.id)
    secret = badge.hidden and not held
    return BadgeShown(
        id=f"hidden-{place}" if secret else badge.id,
        name=SECRET if secret else badge.name,
        description=SECRET if secret else badge.description,
        icon=SECRET if secret else badge.icon,
        category=badge.category,
        rarity=badge.rarity,
        hidden=badge.hidden,
        earned=held,
        earned_at=moment_name(player.badges[badge.id].earned_at) if held else None,
    )
