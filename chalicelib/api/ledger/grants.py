"""Operations on grants: what admins mint for players, and burn."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import ADMIN

OPERATIONS = (
    Operation(
        "grant_tokens",
        f"{PREFIX}/admin/grants",
        "Mint for a player, or burn",
        "admin",
        method="POST",
        use_case="chalicelib.services.ledger.grant_tokens:grant_tokens",
        body="GrantRequest",
        answer="GrantMade",
        replays=True,
        permission=ADMIN,
        refusals=(ErrorKind.NOT_FOUND, ErrorKind.CONFLICT),
        description="Once for each `idempotencyKey` of yours. What cannot be burnt, because less is available, is "
        "refused for good under its key.",
    ),
)
