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
        description=(
            "One redemption per `idempotencyKey`. Errors, in the order of the checks: 404; 409 `not_available`, "
            "`limit_reached`, `out_of_stock`; 400 `insufficient_balance`. Only the last is stored and repeated for "
            "this key. Status `pending`: the cost is held until an admin fulfils or cancels the redemption."
        ),
    ),
    Operation(
        "own_redemptions",
        f"{PREFIX}/redemptions",
        "Your redemptions",
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
        description="Redemptions of one status, newest first.",
    ),
    _resolution(
        "fulfil",
        "Fulfil a pending redemption",
        ("Pays the held cost. The same request again returns the same response."),
    ),
    _resolution(
        "cancel",
        "Cancel a pending redemption",
        ("Releases the held cost and returns the item to the stock. The same request again returns the same response."),
    ),
    _resolution(
        "refund",
        "Refund a redemption",
        (
            "Returns the cost of a completed or fulfilled redemption, and returns the item to the stock. The same "
            "request again returns the same response."
        ),
    ),
)
