"""Operations on redemptions: what players redeem, and what admins decide about it."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN, PLAYER

SERVICES = "chalicelib.services.rewards"


def _resolution(verb: str, summary: str, description: str) -> Operation:
    return Operation(
        f"{verb}_redemption",
        f"{PREFIX}/admin/redemptions/{{redemption}}/{verb}",
        summary,
        "admin",
        method="POST",
        use_case=f"{SERVICES}.resolve_redemption:resolve_redemption",
        constants={"resolution": verb},
        answer="RedemptionResolved",
        replays=True,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description=description,
    )


OPERATIONS = (
    Operation(
        "redeem_reward",
        f"{PREFIX}/rewards/{{reward}}/redeem",
        "Redeem a reward",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.redeem_reward:redeem_reward",
        body="RedeemRequest",
        answer="RedemptionMade",
        replays=True,
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description="Once for each `idempotencyKey`. Refused, in this order: 404; 409 `not_available`, "
        "`limit_reached`, `out_of_stock`; 400 `insufficient_balance`, which alone is remembered. `pending`: the cost "
        "is held until the redemption is fulfilled or cancelled.",
    ),
    Operation(
        "own_redemptions",
        f"{PREFIX}/redemptions",
        "Own redemptions",
        "economy",
        use_case=f"{SERVICES}.read_redemptions:read_redemptions",
        query="RedemptionsQuery",
        answer="Redemptions",
        permission=PLAYER,
        description="Newest first.",
    ),
    Operation(
        "all_redemptions",
        f"{PREFIX}/admin/redemptions",
        "Redemptions of all players",
        "admin",
        use_case=f"{SERVICES}.read_redemptions:read_all_redemptions",
        query="AllRedemptionsQuery",
        answer="AllRedemptions",
        permission=ADMIN,
        description="Of one status, newest first.",
    ),
    _resolution("fulfil", "Fulfil a pending redemption", "What was held is paid. The same again gets the same answer."),
    _resolution(
        "cancel",
        "Cancel a pending redemption",
        "What was held is available again, and so is what it took of the stock. The same again gets the same answer.",
    ),
    _resolution(
        "refund",
        "Refund a redemption",
        "One that is completed or fulfilled: what it cost comes back, and so does what it took of the stock. "
        "The same again gets the same answer.",
    ),
)
