"""Operations that take events in, for gateways without AWS credentials."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation, RateClass
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import EVENTS_WRITE

FORMATS = "chalicelib.domain.events.formats"

BINARY_HEADERS = {
    "ce-specversion": "Binary mode only: `1.0`. The header of any other attribute is its name after `ce-`.",
    "ce-id": "Binary mode only: the event's `id`.",
    "ce-type": "Binary mode only: the event's `type`.",
    "ce-source": "Binary mode only: the event's `source`.",
    "ce-subject": "Binary mode only: the player.",
    "ce-time": "Binary mode only: the event's `time`.",
}

OPERATIONS = (
    Operation(
        "send_events",
        f"{PREFIX}/events",
        "Send events",
        "events",
        method="POST",
        use_case="chalicelib.services.events.accept_events:send_events",
        body=(f"{FORMATS}:CloudEvent", f"{FORMATS}:GatewayEvent", f"{FORMATS}:AwardEvent"),
        answer="Accepted",
        status=202,
        rate=RateClass.EVENTS,
        refusals=(ErrorKind.CONFLICT,),
        permission=EVENTS_WRITE,
        binary_mode=True,
        headers=BINARY_HEADERS,
        description=(
            "One event or an array of up to 500, as CloudEvents 1.0 or in a short form. Either all events are "
            "queued or none. CloudEvents come in structured mode (`application/cloudevents+json`), as a batch "
            "(`application/cloudevents-batch+json`), or in binary mode: the attributes of one event in headers "
            "`ce-...`, percent-encoded, and its `data` as body. Limits: 16 KB and 20 levels of JSON per event, 1 MiB "
            "per body. Send your own `id` and `time`: then sending the event again changes nothing. The `data` (or "
            "`metadata`) of "
            "`request.completed` may hold `provider`, `model`, `comboId`, `compressionUsed`, `skillUsed`, "
            "`caller`, `subscriptionId`, `status`, `tokensIn`, `tokensOut`, `tokensSaved`, `costMicroUsd`, "
            "`costSavedMicroUsd`, `latencyMs`, `fallbackUsed`, `cacheHit`, `semanticHit`, `raceWon`, `factStored`. "
            "Other members are stored and have no effect. The gateway format allows only its own members. An event "
            "has one format: an event with both `specversion` and `apiKeyId` is rejected. Awards require a key "
            "with `awards:grant` and have the errors of `POST /awards`: 409 `idempotency_conflict`, 429 "
            "`award_bound`."
        ),
    ),
)
