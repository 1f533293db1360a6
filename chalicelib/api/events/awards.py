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
        description=(
            "The points are added to XP and boards unchanged. With a `key`, a retry with the same award "
            "changes nothing; another award under the same key is 409 `idempotency_conflict`, for any player. "
            "Without a key, player, `reason` and `timestamp` together identify the award. The sum of the "
            "absolute points per granter and UTC day is limited, by default to 50,000. An award that exceeds "
            "the rest of the day's limit is 429 `award_bound`, with Retry-After to the next midnight; an award "
            "that exceeds the whole limit is 400. An accepted award counts on its own day, although it is "
            "applied later."
        ),
    ),
)
