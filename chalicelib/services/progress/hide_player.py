"""Hide a player from boards and other players manually, or show them again."""

from __future__ import annotations

from typing import Literal

from chalicelib.services.context import Context
from chalicelib.services.events.accept_events import Accepted
from chalicelib.services.events.internal_events import queue_event
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import real_id

SOURCE = "laurel/admin"
Decision = Literal["player.hidden", "player.unhidden"]


def hide_player(context: Context, caller: Caller, player_id: str, decision: Decision) -> Accepted:
    """Queue the decision about the player with this id or public id. Raises NotFound.

    Totals, rewards and archives of frozen boards stay unchanged.
    """
    event = queue_event(context, decision, SOURCE, real_id(context, player_id), {"decidedBy": caller.player})
    return Accepted(1, [event.id])
