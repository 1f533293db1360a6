"""Operations on grants: what admins mint for players, and burn."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN

OPERATIONS = (
    Operation(
        "grant_tokens",
        f"{PREFIX}/admin/grants",
        "Mint or burn for a player",
        "admin",
        method="POST",
        use_case="chalicelib.services.ledger.grant_tokens:grant_tokens",
        body="GrantRequest",
        answer="GrantMade",
        replays=True,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description=(
            "One grant per `idempotencyKey`. If less than the amount to burn is available, the request fails, and "
            "retries with the same key keep failing: use a new key."
        ),
    ),
)
