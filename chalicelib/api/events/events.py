"""Operations that take events in, for gateways without AWS credentials."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation, RateClass
from chalicelib.domain.core.errors import ErrorKind
from chalicelib.domain.identity.permissions import EVENTS_WRITE

FORMATS = "chalicelib.domain.events.formats"

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
        description="One event or an array of up to 500, as CloudEvents 1.0 (structured mode) or in a short form. All "
        "are queued, or none. An event has at most 16 KB and 20 levels of JSON, a body at most 1 MiB. "
        "Send an `id` and a `time` of your own: the same event sent again then changes nothing. "
        "The `data` (or `metadata`) of `request.completed` may hold `provider`, `model`, `comboId`, `compressionUsed`, "
        "`skillUsed`, `caller`, `subscriptionId`, `status`, `tokensIn`, `tokensOut`, `tokensSaved`, `costMicroUsd`, "
        "`costSavedMicroUsd`, `latencyMs`, `fallbackUsed`, `cacheHit`, `semanticHit`, `raceWon`, "
        "`factStored`; members beside them are kept and pay nothing. "
        "The short form of a gateway has no members but its own, and an event has one form: with "
        "`specversion` and `apiKeyId` both it is refused. Awards need a key with `awards:grant`, and are treated as by "
        "`POST /awards`: 409 `idempotency_conflict`, 429 `award_bound`.",
    ),
)
