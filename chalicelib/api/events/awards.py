"""Operations on awards: points outside the formula."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import AWARDS_GRANT

OPERATIONS = (
    Operation(
        "grant_award",
        f"{PREFIX}/awards",
        "Grant an award",
        "events",
        method="POST",
        use_case="chalicelib.services.events.grant_award:grant_award",
        body="AwardRequest",
        answer="Accepted",
        status=202,
        replays=True,
        refusals=(ErrorKind.CONFLICT,),
        permission=AWARDS_GRANT,
        description="The points go to XP and boards as they are. Send a `key`: the same award under it again changes "
        "nothing, and another one is 409 `idempotency_conflict`, for whichever player it is. Without a key, the same "
        "holds for one player, `reason` and `timestamp`. The absolute points of a UTC day are bounded, by default "
        "50,000 a granter: 429 `award_bound`, with Retry-After to the next midnight, or 400 for an award that no day "
        "has room for. An award that was accepted counts on its day and is applied later.",
    ),
)
