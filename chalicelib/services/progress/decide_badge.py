"""Grant or revoke a badge manually."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.events.formats import PlayerId
from chalicelib.services.context import Context
from chalicelib.services.events.accept_events import Accepted
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.find_player import real_id

QUEUE, SOURCE = "own", "laurel/admin"
Decision = Literal["badge.granted", "badge.revoked"]


class BadgeDecisionRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The player. Requests with the same `idempotencyKey`, badge and player are one decision."""

    player: PlayerId
    idempotency_key: Annotated[str, Meta(pattern=r"^[!-~]{1,48}\Z")] | None = None


def decide_badge(
    context: Context, caller: Caller, badge_id: str, decision: Decision, request: BadgeDecisionRequest
) -> Accepted:
    """Queue a decision about a badge. Raises NotFound for an unknown badge or player."""
    if badge_id not in context.rules.badges:
        raise NotFound("There is no such badge.", badge=badge_id[:48])
    player = real_id(context, request.player)
    event_id = f"{decision}:{badge_id}:{request.idempotency_key or context.new_id()}"
    # Without a time, (subject, source, id) identify the event: a repeat is the same decision at any time.
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": decision,
        "subject": player,
        "data": {"badgeId": badge_id, "decidedBy": caller.player},
    }
    context.queues.send(QUEUE, [msgspec.json.encode(event).decode()])
    return Accepted(1, [event_id])
