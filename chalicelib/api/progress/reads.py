"""The two forms of a read about a player: the caller's own, and that of any player."""

from __future__ import annotations

from typing import Any

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import PLAYER


def own(name: str, path: str, subject: str, use_case: str, **more: Any) -> Operation:
    """Make the read of the caller's own data."""
    return Operation(
        name, f"{PREFIX}/{path}", f"Your {subject}", "players", use_case=use_case, permission=PLAYER, **more
    )


def of_any_player(name: str, path: str, subject: str, use_case: str, **more: Any) -> Operation:
    """Make the same read of any player, by id or public id."""
    return Operation(
        name,
        f"{PREFIX}/players/{{player}}{path}",
        f"A player's {subject}",
        "players",
        use_case=use_case,
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND,),
        description="404 for a private or hidden player, unless the key is the player's own or an admin's.",
        **more,
    )
