"""Messages that a worker receives from an event queue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message. `sent_ms`: when its queue received it. `attempts`: deliveries so far, this one included."""

    id: str
    receipt: str
    body: str
    sent_ms: int
    attempts: int = 1


def body_hash(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
