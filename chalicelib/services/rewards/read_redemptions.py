"""The caller's redemptions, and for admins those of all players."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.services.context import Context
from chalicelib.services.core.cursors import cursor_of, parts_of
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.services.rewards.redemption_shown import RedemptionShown, redemption_shown
from chalicelib.store.identity.identities import players_of_public
from chalicelib.store.rewards.redemptions import own_redemptions, redemptions_of_status

# A page of all players' redemptions is one batch read of a hundred items.
MAX_LIMIT = 100
_CURSOR = re.compile(r"([0-9a-f]{37})")
Status = Literal["pending", "completed", "fulfilled", "cancelled", "refunded"]
Cursor = Annotated[str, Meta(max_length=64, description="The `cursor` of the previous page.")]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]


class Redemptions(msgspec.Struct):
    """A page, newest first. `cursor` requests the next page; null at the end."""

    redemptions: list[RedemptionShown]
    cursor: str | None


class RedemptionOf(RedemptionShown, rename="camel", omit_defaults=True, kw_only=True):
    """A redemption with its player. `player`: absent if the player was erased and only the public id is left."""

    player: str = ""
    public_id: str


class AllRedemptions(msgspec.Struct):
    """A page of all players' redemptions, newest first; it may be short before the end. `cursor`: null at the end."""

    redemptions: list[RedemptionOf]
    cursor: str | None


class RedemptionsQuery(msgspec.Struct):
    cursor: Cursor | None = None
    limit: Limit = 50


class AllRedemptionsQuery(msgspec.Struct):
    status: Status = "pending"
    cursor: Cursor | None = None
    limit: Limit = 50


def read_redemptions(context: Context, caller: Caller, cursor: str | None = None, limit: int = 50) -> Redemptions:
    """Return the caller's redemptions. Raises InvalidRequest for a cursor that no answer returned."""
    owner = owner_of(context, caller)
    found, after = own_redemptions(context.table, owner.public, limit, _after(cursor))
    return Redemptions([redemption_shown(each) for each in found], cursor_of(after) if after else None)


def read_all_redemptions(
    context: Context, status: Status = "pending", cursor: str | None = None, limit: int = 50
) -> AllRedemptions:
    """Return all players' redemptions with a status: one query of the index, then the items. Raises InvalidRequest."""
    found, after = redemptions_of_status(context.table, status, limit, _after(cursor))
    players = players_of_public(context.table, sorted({each.public for each in found}))
    shown = [
        RedemptionOf(
            **{name: getattr(redemption_shown(each), name) for name in RedemptionShown.__struct_fields__},
            player=players[each.public][0] if each.public in players else "",
            public_id=each.public,
        )
        for each in found
    ]
    return AllRedemptions(shown, cursor_of(after) if after else None)


def _after(cursor: str | None) -> str | None:
    return parts_of(cursor, _CURSOR)[0] if cursor else None
