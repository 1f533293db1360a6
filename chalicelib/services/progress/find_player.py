"""Access of callers to other players' data."""

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
class PlayerView:
    """A caller's view of a player. `whole`: the caller is the player or an admin. `shown_id`: the id to show."""

    player: Player
    whole: bool
    shown_id: str


def find_player(context: Context, caller: Caller, name: str | None = None) -> PlayerView:
    """Return the caller's own player, or the one with this id or public id.

    Raises NotFound, also for private and hidden players, unless the caller is the player or an admin.
    """
    if name is None or name == caller.player:
        player = load_player(context.table, caller.player)
        if player is None:
            raise NotFound(NOBODY)
        return PlayerView(player, True, player.id)
    player = _load(context, name)
    if player is None:
        raise NotFound(NOBODY)
    whole = player.id == caller.player or ADMIN in caller.permissions
    if (player.identity.private or player.identity.hidden) and not whole:
        raise NotFound(NOBODY)
    # A request by public id does not return the real id, unless the player has a chosen name.
    known = whole or name == player.id or bool(player.identity.display_name)
    return PlayerView(player, whole, player.id if known else player.identity.public)


def real_id(context: Context, name: str) -> str:
    """Return the id of the player with this id or public id. Raises NotFound."""
    player = _load(context, name)
    if player is None:
        raise NotFound(NOBODY)
    return player.id


def _load(context: Context, name: str) -> Player | None:
    """Load a player by id or public id. A public id precedes an id that looks the same: players may choose their id."""
    if not PLAYER_ID.fullmatch(name):
        return None
    real = player_of_public(context.table, name) if PUBLIC_ID.fullmatch(name) else None
    return load_player(context.table, real or name)
