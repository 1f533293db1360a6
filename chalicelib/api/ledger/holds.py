"""Operations on holds: set an amount aside, post or void it."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import PLAYER

SERVICES = "chalicelib.services.ledger"

OPERATIONS = (
    Operation(
        "place_hold",
        f"{PREFIX}/holds",
        "Hold an amount",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.place_hold:place_hold",
        body="HoldRequest",
        answer="HoldPlaced",
        replays=True,
        permission=PLAYER,
        refusals=(ErrorKind.CONFLICT,),
        description=(
            "A held amount is still part of your balance, but cannot be spent until the hold is void. One hold per "
            "`idempotencyKey`, like transfers. `too_many_holds`: an account may have at most 100 open holds."
        ),
    ),
    Operation(
        "read_holds",
        f"{PREFIX}/holds",
        "Your open holds",
        "economy",
        use_case=f"{SERVICES}.read_holds:read_holds",
        query="HoldsQuery",
        answer="Holds",
        permission=PLAYER,
        description=(
            "Newest first, including the holds of pending redemptions. A page may be short before the end: follow "
            "`cursor` until it is null."
        ),
    ),
    Operation(
        "post_hold",
        f"{PREFIX}/holds/{{hold}}/post",
        "Post a hold",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.resolve_hold:post_hold",
        body="PostRequest",
        optional_body=True,
        answer="HoldResolved",
        replays=True,
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description=(
            "Burns the held amount, or a part of it, and releases the rest. For 30 days, the same request returns "
            "the first response, with `Idempotency-Replayed: true`. `hold_resolved`: the hold was voided, or "
            "posted with another amount. `hold_expired`: the hold has been void since `expiresAt`."
        ),
    ),
    Operation(
        "void_hold",
        f"{PREFIX}/holds/{{hold}}/void",
        "Void a hold",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.resolve_hold:void_hold",
        answer="HoldResolved",
        replays=True,
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description=(
            "Releases the held amount. For 30 days, the same request, also for an expired hold, returns the first "
            "response, with `Idempotency-Replayed: true`. `hold_resolved`: the hold was posted."
        ),
    ),
)
