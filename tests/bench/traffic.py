"""Events as a gateway sends them, and their messages."""

from __future__ import annotations

import json
import random
from bisect import bisect
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from chalicelib.domain.core.periods import moment_name

# Players use the models of a few providers; all are known after the first uses.
MODELS = (("northwind", "nw-large"), ("northwind", "nw-small"), ("halcyon", "halcyon-4"))


def request(player: str, number: int, time_ms: int, model: int = 0) -> str:
    """Return a message body: one completed request, with the members that a gateway usually fills in."""
    provider, name = MODELS[model]
    event = {
        "specversion": "1.0",
        "id": f"01J8ZC{number:020d}",
        "source": "gateway/eu-1",
        "type": "request.completed",
        "subject": player,
        "time": moment_name(time_ms),
        "data": {
            "provider": provider,
            "model": name,
            "tokensIn": 812 + number % 97,
            "tokensOut": 164 + number % 31,
            "costMicroUsd": 2210,
            "latencyMs": 843 + number % 59,
            "status": "ok",
        },
    }
    return json.dumps(event)


def lambda_event(bodies: Iterable[str], sent_ms: int, queue: str = "laurel-bench-events") -> dict[str, Any]:
    """Return the Lambda event of messages of a standard queue."""
    return {
        "Records": [
            {
                "messageId": f"00000000-0000-4000-8000-{place:012d}",
                "receiptHandle": f"receipt-{place}",
                "body": body,
                "attributes": {"SentTimestamp": str(sent_ms), "ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                "awsRegion": "us-east-1",
            }
            for place, body in enumerate(bodies)
        ]
    }


class Zipf:
    """Players 0, 1, 2, ... with shares falling by 1 / rank^exponent."""

    def __init__(self, players: int, exponent: float) -> None:
        self.sums = list(accumulate(1 / rank**exponent for rank in range(1, players + 1)))

    def draw(self, rng: random.Random) -> int:
        return bisect(self.sums, rng.random() * self.sums[-1])

    def share(self, player: int) -> float:
        """Return the player's share of all events."""
        return (self.sums[player] - (self.sums[player - 1] if player else 0)) / self.sums[-1]
