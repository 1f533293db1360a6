"""Classify errors of AWS clients as retryable or not."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError

_THROTTLED = {"ThrottlingException", "Throttling", "RequestThrottled", "RequestThrottledException", "TooManyRequests"}


def worth_another_try(error: ClientError | BotoCoreError) -> bool:
    """Return whether a retry may succeed soon: throttling, an error of the service, or no response."""
    if isinstance(error, BotoCoreError):
        return not isinstance(error, NoCredentialsError | CredentialRetrievalError)
    answer: dict[str, Any] = dict(error.response)
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return status >= 500 or status == 429 or answer.get("Error", {}).get("Code", "") in _THROTTLED
