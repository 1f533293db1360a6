"""Errors as AWS puts them on the wire; botocore turns them back into its own exceptions."""

from __future__ import annotations

from typing import Any

CORAL = "com.amazon.coral.validate#"
DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_CORAL_CODES = {"ValidationException", "SerializationException"}


class AwsError(Exception):
    """An answer with a status of 400 or more.

    Attributes: `code` (without namespace), `message`, `status`, `extra` (further fields of the body),
    `legacy_code` (SQS: the name that clients of the old query protocol see), `done` (whether the effect
    took place all the same; only injected 500s set it).
    """

    def __init__(self, code: str, message: str, status: int = 400, legacy_code: str = "", **extra: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.legacy_code = code, message, status, legacy_code
        self.extra = extra

    def body(self, service: str) -> dict[str, Any]:
        if service == "dynamodb":
            prefix = CORAL if self.code in _CORAL_CODES else DYNAMODB
            key = "Message" if self.code == "TransactionCanceledException" else "message"
            return {"__type": prefix + self.code, key: self.message, **self.extra}
        if service == "sqs":
            return {"__type": "com.amazonaws.sqs#" + self.code, "message": self.message, **self.extra}
        return {"__type": self.code, "message": self.message, **self.extra}


class Invalid(AwsError):
    """DynamoDB's ValidationException."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class KeyInvalid(Invalid):
    """A key of the table or of an index that does not fit; in a transaction a reason of its own."""


class ConditionFailed(AwsError):
    """A condition did not hold; `item` is what was there, if the caller asked to see it."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        extra: dict[str, Any] = {"Item": item} if item is not None else {}
        super().__init__("ConditionalCheckFailedException", "The conditional request failed", **extra)


class Cancelled(AwsError):
    """A transaction that did not happen; `reasons` in request order."""

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        super().__init__(
            "TransactionCanceledException",
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            CancellationReasons=reasons,
        )
        self.reasons = reasons
