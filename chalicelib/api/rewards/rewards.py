"""Operations on rewards: the catalogue, as players see it and as admins keep it."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN, PLAYER

SERVICES = "chalicelib.services.rewards"

OPERATIONS = (
    Operation(
        "list_rewards",
        f"{PREFIX}/rewards",
        "All rewards",
        "economy",
        use_case=f"{SERVICES}.read_rewards:read_rewards",
        answer="Rewards",
        permission=PLAYER,
        description="Cheapest first, each with its remaining stock.",
    ),
    Operation(
        "show_reward",
        f"{PREFIX}/rewards/{{reward}}",
        "A reward",
        "economy",
        use_case=f"{SERVICES}.read_rewards:read_reward",
        answer="RewardShown",
        permission=PLAYER,
        description="Also returns retired rewards.",
    ),
    Operation(
        "put_reward",
        f"{PREFIX}/admin/rewards/{{reward}}",
        "Create or change a reward",
        "admin",
        method="PUT",
        use_case=f"{SERVICES}.change_reward:put_reward",
        body="RewardRequest",
        answer="RewardShown",
        permission=ADMIN,
        refusals=(ErrorKind.CONFLICT,),
        description=(
            "Replaces the whole reward; the same request again changes nothing. `stock` is the total number, "
            "including redeemed ones, so it can be changed while players redeem. A retired reward becomes "
            "available again."
        ),
    ),
    Operation(
        "retire_reward",
        f"{PREFIX}/admin/rewards/{{reward}}",
        "Retire a reward",
        "admin",
        method="DELETE",
        use_case=f"{SERVICES}.change_reward:retire_reward",
        answer="RewardShown",
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND,),
        description="Players can no longer redeem it. Earlier redemptions stay.",
    ),
)
