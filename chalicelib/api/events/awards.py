"""Awards: points outside the formula."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.identity.permissions import AWARDS_GRANT
from chalicelib.services.core.answer import Answer
from chalicelib.services.events.accept_events import Accepted
from chalicelib.services.events.grant_award import AwardRequest
from chalicelib.services.events.grant_award import grant_award as grant

awards = Blueprint(__name__)


@awards.route(
    f"{PREFIX}/awards",
    method="POST",
    tag="events",
    summary="Grant an award",
    description="The points go to XP and boards as they are. Send a `key`: the same award under it again changes "
    "nothing, and another one is 409 `idempotency_conflict`, for whichever player it is. Without a key, the same holds "
    "for one player, `reason` and `timestamp`. The absolute points of a UTC day are bounded, by default 50,000 a "
    "granter: 429 `award_bound`, with Retry-After to the next midnight, or 400 for an award that no day has room for. "
    "An award that was accepted counts on its day and is applied later.",
    body=AwardRequest,
    answer=Accepted,
    status=202,
    replays=True,
    errors=(409,),
    permission=AWARDS_GRANT,
)
def grant_award(call: Call) -> Answer:
    return grant(call.context, call.who, call.body)
