"""Convert SQS records to messages, and failures to the response that requests redelivery."""

from __future__ import annotations

from typing import Any

from chalicelib.services.events.messages import Message


def messages_of(event: dict[str, Any]) -> list[Message]:
    return [
        Message(
            id=record["messageId"],
            receipt=record["receiptHandle"],
            body=record["body"],
            sent_ms=int(record["attributes"]["SentTimestamp"]),
            attempts=int(record["attributes"].get("ApproximateReceiveCount", 1)),
        )
        for record in event["Records"]
    ]


def failures(ids: Any) -> dict[str, Any]:
    """Return a ReportBatchItemFailures response. An empty list acknowledges the whole batch."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in ids]}
