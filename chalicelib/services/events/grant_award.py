"""Grant points outside the formula."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import InvalidRequest, RejectedEvent
from chalicelib.domain.core.moments import Moment, moment_text
from chalicelib.domain.events.formats import AWARD_TYPE, AWARDS_SOURCE, PlayerId
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.events.accept_events import Accepted, accept_events, check_points
from chalicelib.services.identity.authenticate import Caller


class AwardRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Points for one player, named by `player` or `username`.

    An award is identified by its `key`, else by player, `reason` and `timestamp`. With neither `key` nor `timestamp`,
    each request is a separate award.
    """

    points: Annotated[
        int,
        Meta(description="Not 0, and within the ruleset's limits: by default -10,000 to 10,000."),
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    player: PlayerId | None = None
    username: PlayerId | None = None
    key: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description=(
                    "A key of your choice, one per award. Your other idempotency keys share its namespace. Kept "
                    "for 90 days."
                ),
            ),
        ]
        | None
    ) = None
    timestamp: Moment | None = None
    public: Annotated[bool, Meta(description="false: other players do not see this award.")] = True


def grant_award(context: Context, caller: Caller, request: AwardRequest) -> Answer[Accepted]:
    """Queue an award that the caller grants.

    Raises InvalidRequest (`award_out_of_range` for points outside the ruleset's bounds) and the errors of
    `accept_events`.
    """
    player = request.player or request.username
    if player is None or (request.player and request.username and request.player != request.username):
        raise InvalidRequest("Name one player, by 'player' or 'username'.", parameter="player")
    try:
        check_points(context, request.points)
    except RejectedEvent as error:
        most = context.rules.ruleset.awards.max_points
        raise InvalidRequest(str(error), code=error.reason, minimum=-most, maximum=most) from error
    data: dict[str, Any] = {"points": request.points, "reason": request.reason}
    if request.key is not None:
        data["key"] = request.key
    if not request.public:
        data["public"] = False
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": context.new_id(),
        "source": AWARDS_SOURCE,
        "type": AWARD_TYPE,
        "subject": player,
        "data": data,
    }
    if request.timestamp is not None:
        event["time"] = moment_text(request.timestamp)
    taken = accept_events(context, caller, [event])
    return Answer.of(taken.accepted, replayed=taken.replayed)
