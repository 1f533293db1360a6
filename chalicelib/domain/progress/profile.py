"""Who a player is shown as: the chosen name, privacy, and whether an admin hides them."""

from __future__ import annotations

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.events.payloads import Payload, PlayerDecision, ProfileChanged
from chalicelib.domain.identity.names import chosen_name
from chalicelib.domain.progress.effect import Change
from chalicelib.domain.progress.player import shorten

PROFILE_CHANGED, HIDDEN, UNHIDDEN = "profile.changed", "player.hidden", "player.unhidden"
# After these, every entry of the player on a board that is kept says who they are now.
SHOWN_TYPES = frozenset((PROFILE_CHANGED, HIDDEN, UNHIDDEN))


def change_identity(change: Change, type_: str, payload: Payload) -> None:
    """Raises RejectedEvent (and changes nothing) for a player who does not exist, or a name that cannot be shown."""
    identity, at_ms = change.player.identity, change.event.time_ms
    if not change.player.exists:
        raise RejectedEvent("unknown_player", f"There is no player '{change.player.id}'.")
    if isinstance(payload, ProfileChanged):
        if payload.display_name is not None:
            name = payload.display_name
            if name and chosen_name(name) != name:
                raise RejectedEvent("invalid_name", "'data.displayName' is no name that can be shown.")
            if identity.asks("name", at_ms):
                identity.display_name = name or None
        if payload.private is not None and identity.asks("private", at_ms):
            identity.private = payload.private
    elif isinstance(payload, PlayerDecision):
        if identity.asks("hidden", at_ms):
            identity.hidden = type_ == HIDDEN
        change.entry.by = shorten(payload.decided_by or "")
    # It is no deed: a newcomer's first one is still to come. Others are not shown it in the log.
    change.facts.discard("joined")
    change.entry.public = False
    change.player.changed.add("identity")
