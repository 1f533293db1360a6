"""All errors of Laurel, as an outline.

LaurelError                    status  code
├── InvalidRequest             400     invalid_request
├── Unauthenticated            401     unauthenticated
├── Forbidden                  403     forbidden
├── NotFound                   404     not_found
├── MethodNotAllowed           405     method_not_allowed
├── ConflictingState           409     conflict
├── Gone                       410     gone
├── PayloadTooLarge            413     payload_too_large
├── UnsupportedMediaType       415     unsupported_media_type
├── TooManyRequests            429     rate_limited
├── Unavailable                503     unavailable
│   └── OutcomeUnknown         503     outcome_unknown
└── Internal                   500     internal
RejectedEvent                  an event that can never be valid, with its machine reason
InvalidRuleset                 a ruleset that is not valid: file, key, reason
LostRace                       another writer committed first: read again and retry
OutOfReach                     a table, queue or bus failed: retry later
"""

from __future__ import annotations

from typing import Any


class LaurelError(Exception):
    """An error response: one clear sentence, a machine code, an HTTP status, details for the body."""

    status = 500
    code = "internal"
    # Whether the error is stored under the request's idempotency key, as a success is, so that retries return it too.
    remembered = False

    def __init__(self, sentence: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or type(self).code
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the response body: `{"error": sentence, "code": code, **details}`."""
        return {"error": self.sentence, "code": self.code, **self.details}


class InvalidRequest(LaurelError):
    status, code = 400, "invalid_request"


class Unauthenticated(LaurelError):
    status, code = 401, "unauthenticated"


class Forbidden(LaurelError):
    status, code = 403, "forbidden"


class NotFound(LaurelError):
    status, code = 404, "not_found"


class MethodNotAllowed(LaurelError):
    status, code = 405, "method_not_allowed"


class ConflictingState(LaurelError):
    """A valid request that conflicts with the current state."""

    status, code = 409, "conflict"


class Gone(LaurelError):
    status, code = 410, "gone"


class PayloadTooLarge(LaurelError):
    status, code = 413, "payload_too_large"


class UnsupportedMediaType(LaurelError):
    status, code = 415, "unsupported_media_type"


class TooManyRequests(LaurelError):
    """Too many requests of one caller. `retry_after_s`: seconds until the request may be repeated."""

    status, code = 429, "rate_limited"

    def __init__(self, sentence: str, *, retry_after_s: int, **details: Any) -> None:
        super().__init__(sentence, **details)
        self.retry_after_s = retry_after_s


class InsufficientBalance(InvalidRequest):
    """The available balance is below the requested amount. Retries with the same idempotency key keep failing."""

    code = "insufficient_balance"
    remembered = True

    def __init__(self, balance: int, available: int, requested: int) -> None:
        held: dict[str, Any] = {"available": available} if available != balance else {}
        super().__init__("Insufficient balance.", balance=balance, requested=requested, **held)


class Unavailable(LaurelError):
    status, code = 503, "unavailable"


class OutcomeUnknown(Unavailable):
    """A write timed out and may have been done, or may still be done.

    A retry with the same idempotency key returns the outcome.
    """

    code = "outcome_unknown"


class Internal(LaurelError):
    """An unexpected error. The response shows none of its cause."""


class RejectedEvent(Exception):
    """An event that can never be valid. `reason`: a machine word. `sentence`: the same for people."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class InvalidRuleset(Exception):
    """A ruleset that is not valid. The message names file, key and reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file, self.key, self.reason = file, key, reason


class LostRace(Exception):
    """A conditional write lost against another writer. Read again and retry."""


class OutOfReach(Exception):
    """A table, queue or bus failed for a reason of its own. A retry may succeed."""
