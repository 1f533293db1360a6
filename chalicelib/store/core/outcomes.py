"""Outcomes of requests to the table.

A write ends in one of three ways. It is done if the call returns. It is refused, and changes nothing, if the call
raises LostRace or a StoreError that is not Unknown. It is unknown if the call raises Unknown.

StoreError                      the store could not do it; the caller may retry later
├── Busy                        throttled, out of time, or parts of the response kept missing
├── LaterSchema                 a read found an item that only a later release can read
└── Unknown                     a write got no response: it may have been done, or may still be done
LostRace (domain)               another writer was first
└── ConditionFailed             a condition did not hold; `failed` are the places in a transaction
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
)

from chalicelib.domain.core.errors import LostRace, OutOfReach

_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}
_WRITES = {"put_item", "update_item", "delete_item", "transact_write_items"}
# Raised before a request leaves.
_NOT_SENT = (ConnectTimeoutError, EndpointConnectionError)
_NO_CREDENTIALS = (NoCredentialsError, CredentialRetrievalError)


class StoreError(OutOfReach):
    """The store could not do the request, for a reason of its own."""


class Busy(StoreError):
    """The store throttled the request, ran out of time, or kept responding in part."""


class LaterSchema(StoreError):
    """An item has a later schema than this release knows. A retry succeeds once the later release is deployed."""


class Unknown(StoreError):
    """A write got no response: it may have been done, or may still be done."""


class ConditionFailed(LostRace):
    """A condition did not hold."""

    def __init__(self, failed: Sequence[int] = ()) -> None:
        super().__init__("a condition did not hold")
        self.failed = tuple(failed)

    def at(self, place: int) -> bool:
        """Return whether the condition of the write at this place of the transaction failed."""
        return place in self.failed


def failure_of(operation: str, error: ClientError | BotoCoreError) -> StoreError | LostRace:
    """Return the failure of a client error. Busy and Unknown are worth a retry of the same request."""
    if isinstance(error, ClientError):
        return _failure_of_response(operation, error)
    text = f"{operation}: {error}"
    if isinstance(error, _NO_CREDENTIALS):
        return StoreError(text)
    if operation in _WRITES and not isinstance(error, _NOT_SENT):
        return Unknown(text)
    return Busy(text)


def _failure_of_response(operation: str, error: ClientError) -> StoreError | LostRace:
    response: dict[str, Any] = dict(error.response)
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([0])
    if code == "TransactionCanceledException":
        return _cancelled(error, [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])])
    if code == "TransactionConflictException":
        return LostRace(code)
    if code in _THROTTLED:
        return Busy(str(error))
    # DynamoDB is still executing an earlier try of the same transaction.
    in_progress = code == "TransactionInProgressException"
    if in_progress or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return (Unknown if operation in _WRITES else Busy)(str(error))
    return StoreError(str(error))


def _cancelled(error: ClientError, reasons: Sequence[str]) -> StoreError | LostRace:
    """Return the failure that cancelled a transaction. Nothing of the transaction was done."""
    failed = [place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
    if failed:
        return ConditionFailed(failed)
    if "TransactionConflict" in reasons:
        return LostRace("another transaction is running")
    if _THROTTLED.intersection(reasons):
        return Busy(str(error))
    return StoreError(str(error))
