"""Whose figures may be read by whom."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.identity.names import PLAYER_ID, PUBLIC_ID
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.domain.progress.player import Player
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import NOBODY
from chalicelib.store.identity.identities import player_of_public
from chalicelib.store.progress.players import load_player


@dataclass(frozen=True, slots=True)
class Seen:
    """A player as one caller sees them. `whole`: the caller is the player, or an admin; `shown_id`: the id to show."""

    player: Player
    whole: bool
    shown_id: str


def find_player(context: Context, caller: Caller, wanted: str | None = None) -> Seen:
    """The caller's own player, or the one with this id or public id.

    Raises NotFound, also for the private and the hidden; they see themselves, and admins see them.
    """
    if wanted is None or wanted == caller.player:
        player = load_player(context.table, caller.player)
        if player is None:
            raise NotFound(NOBODY)
        return Seen(player, True, player.id)
    player = _load(context, wanted)
    if player is None:
        raise NotFound(NOBODY)
    whole = player.id == caller.player or ADMIN in caller.permissions
    if (player.identity.private or player.identity.hidden) and not whole:
        raise NotFound(NOBODY)
    # Who asks by the public id does not learn the real one, unless the player goes by a chosen name.
    known = whole or wanted == player.id or bool(player.identity.display_name)
    return Seen(player, whole, player.id if known else player.identity.public)


def real_id(context: Context, wanted: str) -> str:
    """The id of the player with this id or public id. Raises NotFound."""
    player = _load(context, wanted)
    if player is None:
        raise NotFound(NOBODY)
    return player.id


def _load(context: Context, wanted: str) -> Player | None:
    """A public id goes before an id that looks the same, which anybody may choose."""
    if not PLAYER_ID.fullmatch(wanted):
        return None
    real = player_of_public(context.table, wanted) if PUBLIC_ID.fullmatch(wanted) else None
    return load_player(context.table, real or wanted)
