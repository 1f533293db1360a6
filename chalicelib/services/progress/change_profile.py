"""Change the display name and the privacy of the caller."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.identity.names import MAX_NAME, chosen_name, is_mask
from chalicelib.domain.progress.profile import PROFILE_CHANGED
from chalicelib.services.context import Context
from chalicelib.services.events.internal_events import queue_event
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.apply_events import apply_to_player
from chalicelib.services.progress.find_player import find_player
from chalicelib.services.progress.read_profile import Profile, read_profile

SOURCE = "laurel/profile"


class ProfileChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The requested changes; absent members stay unchanged. `private`: boards show no id and no name."""

    display_name: (
        Annotated[
            str | None,
            Meta(
                description=(
                    f"1 to {MAX_NAME} visible characters, unlike the name of a masked player (`User***0001`, "
                    "`Player #1`). Needless spaces are removed. null restores the masked name."
                )
            ),
        ]
        | UnsetType
    ) = UNSET
    private: bool | UnsetType = UNSET


def change_profile(context: Context, caller: Caller, request: ProfileChange) -> Profile:
    """Change the profile and return it. Raises InvalidRequest for an invalid name, NotFound without a player.

    The event is queued first and then applied here. Its copy in the queue updates the boards, and makes the change if
    this function fails.
    """
    find_player(context, caller)
    if data := _event_data(request):
        event = queue_event(context, PROFILE_CHANGED, SOURCE, caller.player, data)
        outcome = apply_to_player(context, caller.player, [event], None)
        if outcome.failed is not None:
            raise outcome.failed
    return read_profile(context, caller)


def _event_data(change: ProfileChange) -> dict[str, Any]:
    """Return the event's data, including unchanged values: an earlier change may still be in the queue."""
    data: dict[str, Any] = {}
    if change.display_name is not UNSET:
        data["displayName"] = _name(change.display_name)
    if change.private is not UNSET:
        data["private"] = change.private
    return data


def _name(requested: str | None) -> str:
    if requested is None:
        return ""
    name = chosen_name(requested)
    if name is None and is_mask(requested):
        raise InvalidRequest(
            "'displayName' must not look like the name of a masked player: User***0001, Player #1, Hidden player.",
            parameter="displayName",
        )
    if name is None:
        raise InvalidRequest(
            f"'displayName' must be 1 to {MAX_NAME} visible characters, or null.",
            parameter="displayName",
            minimum=1,
            maximum=MAX_NAME,
        )
    return name
