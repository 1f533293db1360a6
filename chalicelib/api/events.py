"""Events in, for gateways without AWS credentials."""

from __future__ import annotations

from chalicelib.api.blueprint import PREFIX, Blueprint
from chalicelib.api.request import Call
from chalicelib.domain.forms import AwardEvent, CloudEvent, GatewayEvent
from chalicelib.domain.permissions import EVENTS_WRITE
from chalicelib.services.accept_events import Accepted, accept_events

events = Blueprint(__name__)


@events.route(
    f"{PREFIX}/events",
    method="POST",
    tag="events",
    summary="Send events",
    description="One event or an array of up to 500, as CloudEvents 1.0 or in a short form. All are queued, or none. "
    "Send an `id` and a `time` of your own: the same event sent again then changes nothing. "
    "The `data` (or `metadata`) of `request.completed` may hold `provider`, `model`, `comboId`, `compressionUsed`, "
    "`skillUsed`, `caller`, `subscriptionId`, `status`, `tokensIn`, `tokensOut`, `tokensSaved`, `costMicroUsd`, "
    "`costSavedMicroUsd`, `latencyMs`, `fallbackUsed`, `cacheHit`, `semanticHit`, `raceWon`, `factStored`.",
    body=(CloudEvent, GatewayEvent, AwardEvent),
    answer=Accepted,
    status=202,
    permission=EVENTS_WRITE,
)
def send_events(call: Call) -> Accepted:
    return accept_events(call.context, call.who, call.body if isinstance(call.body, list) else [call.body])
