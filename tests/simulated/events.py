"""EventBridge in process: PutEvents, and what was published."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from .calls import Call, Killed, missing_operation
from .errors import AwsError

MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class Published:
    """One event on a bus; `detail` decoded, `at_ms` when the bus took it."""

    id: str
    bus: str
    source: str
    detail_type: str
    detail: dict[str, Any]
    at_ms: int


class EventBridge:
    """`published` holds everything ever taken, in order. Buses come into being when first named."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.published: list[Published] = []

    def execute(self, operation: str, request: dict[str, Any], call: Call) -> dict[str, Any]:
        if operation != "PutEvents":
            raise missing_operation(operation)
        entries = request.get("Entries") or []
        if not 1 <= len(entries) <= MAX_ENTRIES:
            raise AwsError(
                "ValidationException",
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MAX_ENTRIES}",
            )
        if sum(map(_entry_bytes, entries)) > MAX_BYTES:
            raise AwsError("ValidationException", "Total size of the entries in the request is over the limit.")
        left_out, done = call.left_out(len(entries)), call.cut(len(entries))
        results = []
        for index, entry in enumerate(entries):
            if index == done:
                raise Killed
            if index in left_out:
                results.append({"ErrorCode": "InternalFailure", "ErrorMessage": "Service is unavailable"})
            else:
                results.append(self._put(entry, call.now_ms))
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    def _put(self, entry: dict[str, Any], now_ms: int) -> dict[str, str]:
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
                return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        text = f"{self.rng.getrandbits(128):032x}"
        event_id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        bus = entry.get("EventBusName", "default").rsplit("/", 1)[-1]
        self.published.append(Published(event_id, bus, entry["Source"], entry["DetailType"], detail, now_ms))
        return {"EventId": event_id}


def _entry_bytes(entry: dict[str, Any]) -> int:
    texts = [entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", "")]
    texts += entry.get("Resources") or []
    return sum(len(text.encode()) for text in texts) + (14 if "Time" in entry else 0)
