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
        description=(
            "One transfer per `idempotencyKey`: a retry with the same key returns the first response, with "
            "`Idempotency-Replayed: true`. The error 400 `insufficient_balance` is stored too and repeated for "
            "this key: after topping up, use a new key. Other errors are not stored: 400 `self_transfer`, "
            "`amount_out_of_range`, 404 `unknown_recipient`, 429 `rate_limited`."
        ),
    ),
    Operation(
        "read_transfers",
        f"{PREFIX}/transfer",
        "Transfers that you sent or received",
        "economy",
        use_case=f"{SERVICES}.read_transfers:read_transfers",
        query="TransfersQuery",
        answer="TransferList",
        permission=PLAYER,
        description=(
            "Newest first. Private and hidden players appear by their public ids. A page may be short before the "
            "end: follow `cursor` until it is null."
        ),
    ),
    Operation(
        "correct_transfer",
        f"{PREFIX}/admin/corrections",
        "Reverse a transfer",
        "admin",
        method="POST",
        use_case=f"{SERVICES}.correct_transfer:correct_transfer",
        body="CorrectionRequest",
        answer="CorrectionMade",
        replays=True,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description=(
            "Reverses a transfer by a new transfer that names it. A transfer is reversed at most once: the same "
            "request again returns the first response, with `Idempotency-Replayed: true`. If the recipient has too "
            "little available (`insufficient_balance`), try again later."
        ),
    ),
)
