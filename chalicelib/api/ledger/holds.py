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
        description="What is held is still yours, and cannot be spent until the hold is void. Once for each "
        "`idempotencyKey`, like a transfer. `too_many_holds`: an account has at most 100 open ones.",
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
        description="Newest first, those of pending redemptions too. A page may be short, and not the last.",
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
        description="Burns what it holds, or a part, and releases the rest. The same again gets the same answer, "
        "marked `Idempotency-Replayed: true`, for 30 days. `hold_resolved`: it was void, or posted with another "
        "amount; `hold_expired`: it is void since `expiresAt`.",
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
        description="Releases all that it holds. The same again, or for one that has expired, gets the same answer, "
        "marked `Idempotency-Replayed: true`, for 30 days. `hold_resolved`: it was posted.",
    ),
)
