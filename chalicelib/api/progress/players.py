"""Operations on players: profiles, and whether others see a player."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.api.progress.reads import of_any_player, own
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN, PLAYER

SERVICES = "chalicelib.services.progress"
READ_PROFILE = f"{SERVICES}.read_profile:read_profile"
HIDE_PLAYER = f"{SERVICES}.hide_player:hide_player"

OPERATIONS = (
    own("read_own_profile", "profile", "profile", READ_PROFILE, answer="Profile"),
    Operation(
        "change_own_profile",
        f"{PREFIX}/profile",
        "Change your profile",
        "players",
        method="PATCH",
        use_case=f"{SERVICES}.change_profile:change_profile",
        body="ProfileChange",
        answer="Profile",
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND,),
        description="Entries on boards change within seconds, those of past periods too.",
    ),
    of_any_player("read_player", "", "profile", READ_PROFILE, answer="Profile"),
    Operation(
        "hide",
        f"{PREFIX}/admin/players/{{player}}/hide",
        "Hide a player",
        "admin",
        method="POST",
        use_case=HIDE_PLAYER,
        constants={"decision": "player.hidden"},
        answer="Accepted",
        status=202,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
        description=(
            "Removes the player from all boards and from other players' views. Totals, rewards and archived ranks stay."
        ),
    ),
    Operation(
        "unhide",
        f"{PREFIX}/admin/players/{{player}}/unhide",
        "Show a hidden player again",
        "admin",
        method="POST",
        use_case=HIDE_PLAYER,
        constants={"decision": "player.unhidden"},
        answer="Accepted",
        status=202,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
        description=(
            "The player returns to open boards with the scores of their totals, and to closed boards with the "
            "scores that they had there."
        ),
    ),
)
