"""Awards: points outside the formula."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.permissions import AWARDS_GRANT
from chalicelib.services.accept_events import Accepted
from chalicelib.services.grant_award import AwardRequest
from chalicelib.services.grant_award import grant_award as grant

awards = Blueprint(__name__)


@awards.route(
    f"{PREFIX}/awards",
    method="POST",
    tag="events",
    summary="Grant an award",
    description="The points go to XP and boards as they are. Send a `key`: the same one again changes nothing.",
    body=AwardRequest,
    answer=Accepted,
    status=202,
    permission=AWARDS_GRANT,
)
def grant_award(call: Call) -> Accepted:
    return grant(call.context, call.who, call.body)
