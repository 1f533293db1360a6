"""All errors of Laurel, as an outline. The kind says what sort of error it is; each transport maps it to its codes.

LaurelError                    kind             code
├── InvalidRequest             invalid          invalid_request
│   └── InsufficientBalance    invalid          insufficient_balance
├── Unauthenticated            unauthenticated  unauthenticated
├── Forbidden                  forbidden        forbidden
├── NotFound                   not_found        not_found
├── ConflictingState           conflict         conflict
├── Gone                       gone             gone
├── PayloadTooLarge            too_large        payload_too_large
├── TooManyRequests            rate_limited     rate_limited
├── Unavailable                unavailable      unavailable
│   └── OutcomeUnknown         unavailable      outcome_unknown
└── Internal                   internal         internal
RejectedEvent                  an event that can never be valid, with its machine reason
InvalidRuleset                 a ruleset that is not valid: file, key, reason
LostRace                       another writer committed first: read again and retry
OutOfReach                     a table, queue or bus failed: retry later
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ErrorKind(StrEnum):
    """The kind of an error. Each transport maps kinds to its own codes."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class LaurelError(Exception):
    """An error response: its kind, a machine code, one clear sentence, details for the body."""

    kind = ErrorKind.INTERNAL
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
    kind, code = ErrorKind.INVALID, "invalid_request"


class Unauthenticated(LaurelError):
    kind, code = ErrorKind.UNAUTHENTICATED, "unauthenticated"


class Forbidden(LaurelError):
    kind, code = ErrorKind.FORBIDDEN, "forbidden"


class NotFound(LaurelError):
    kind, code = ErrorKind.NOT_FOUND, "not_found"


class ConflictingState(LaurelError):
    """A valid request that conflicts with the current state."""

    kind, code = ErrorKind.CONFLICT, "conflict"


class Gone(LaurelError):
    kind, code = ErrorKind.GONE, "gone"


class PayloadTooLarge(LaurelError):
    kind, code = ErrorKind.TOO_LARGE, "payload_too_large"


class TooManyRequests(LaurelError):
    """Too many requests of one caller. `retry_after_s`: seconds until the request may be repeated."""

    kind, code = ErrorKind.RATE_LIMITED, "rate_limited"

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
    kind, code = ErrorKind.UNAVAILABLE, "unavailable"


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
