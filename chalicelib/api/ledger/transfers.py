"""Operations on transfers: send, list, take back."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN, PLAYER

SERVICES = "chalicelib.services.ledger"

OPERATIONS = (
    Operation(
        "transfer_tokens",
        f"{PREFIX}/transfer",
        "Send tokens",
        "economy",
        method="POST",
        use_case=f"{SERVICES}.transfer_tokens:transfer_tokens",
        body="TransferRequest",
        answer="TransferMade",
        replays=True,
        permission=PLAYER,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description="Once for each `idempotencyKey`: the same request again gets the first answer, marked "
        "`Idempotency-Replayed: true`. A refusal for lack of funds (400 `insufficient_balance`) is remembered too; "
        "after topping up, use a new key. No other is: 400 `self_transfer`, `amount_out_of_range`, 404 "
        "`unknown_recipient`, 429 `rate_limited`.",
    ),
    Operation(
        "read_transfers",
        f"{PREFIX}/transfer",
        "What you sent and received",
        "economy",
        use_case=f"{SERVICES}.read_transfers:read_transfers",
        query="TransfersQuery",
        answer="TransferList",
        permission=PLAYER,
        description="Newest first. Who is private or hidden is named by public id. A page may be short, and not the "
        "last.",
    ),
    Operation(
        "correct_transfer",
        f"{PREFIX}/admin/corrections",
        "Take a transfer back",
        "admin",
        method="POST",
        use_case=f"{SERVICES}.correct_transfer:correct_transfer",
        body="CorrectionRequest",
        answer="CorrectionMade",
        replays=True,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description="By a new transfer that names it, once for each: asked again, it gets the first answer, marked "
        "`Idempotency-Replayed: true`. If what was received is gone (`insufficient_balance`), it may be tried later.",
    ),
)
