"""Changes of a player's identity: the chosen name, privacy, and whether an admin hides the player."""

from __future__ import annotations

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.events.payloads import Payload, PlayerDecision, ProfileChanged
from chalicelib.domain.identity.names import chosen_name
from chalicelib.domain.progress.effect import Change
from chalicelib.domain.progress.player import shorten

PROFILE_CHANGED, HIDDEN, UNHIDDEN = "profile.changed", "player.hidden", "player.unhidden"
# After these events, all entries of the player on kept boards show the new identity.
SHOWN_TYPES = frozenset((PROFILE_CHANGED, HIDDEN, UNHIDDEN))


def change_identity(change: Change, type_: str, payload: Payload) -> None:
    """Apply a change of the profile or of visibility.

    Raises RejectedEvent (and changes nothing) for an unknown player, or a name that cannot be displayed.
    """
    identity, at_ms = change.player.identity, change.event.time_ms
    if not change.player.exists:
        raise RejectedEvent("unknown_player", f"There is no player '{change.player.id}'.")
    if isinstance(payload, ProfileChanged):
        if payload.display_name is not None:
            name = payload.display_name
            if name and chosen_name(name) != name:
                raise RejectedEvent("invalid_name", "'data.displayName' is not a valid display name.")
            if identity.asks("name", at_ms):
                identity.display_name = name or None
        if payload.private is not None and identity.asks("private", at_ms):
            identity.private = payload.private
    elif isinstance(payload, PlayerDecision):
        if identity.asks("hidden", at_ms):
            identity.hidden = type_ == HIDDEN
        change.entry.by = shorten(payload.decided_by or "")
    # It does not count as a newcomer's first event. Others do not see it in the log.
    change.facts.discard("joined")
    change.entry.public = False
    change.player.changed.add("identity")
