"""Every error Laurel answers with, as an outline.

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
InvalidRuleset                 a ruleset that may not be used: file, key, reason
LostRace                       somebody else wrote first: read again and retry
OutOfReach                     a table, queue or bus could not do it
"""

from __future__ import annotations

from typing import Any


class LaurelError(Exception):
    """An answer to a caller: one clear sentence, a machine code, an HTTP status, details for the body."""

    status = 500
    code = "internal"
    # Whether the refusal is kept under the request's idempotency key like a success, so that no retry changes it.
    remembered = False

    def __init__(self, sentence: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or type(self).code
        self.details = details

    def body(self) -> dict[str, Any]:
        """`{"error": sentence, "code": code, **details}`."""
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
    """Well asked, but not as things stand."""

    status, code = 409, "conflict"


class Gone(LaurelError):
    status, code = 410, "gone"


class PayloadTooLarge(LaurelError):
    status, code = 413, "payload_too_large"


class UnsupportedMediaType(LaurelError):
    status, code = 415, "unsupported_media_type"


class TooManyRequests(LaurelError):
    """`retry_after_s`: when the same may be asked again."""

    status, code = 429, "rate_limited"

    def __init__(self, sentence: str, *, retry_after_s: int, **details: Any) -> None:
        super().__init__(sentence, **details)
        self.retry_after_s = retry_after_s


class InsufficientBalance(InvalidRequest):
    """Less is available than was asked for. Refused once, refused for good: the key is used."""

    code = "insufficient_balance"
    remembered = True

    def __init__(self, balance: int, available: int, requested: int) -> None:
        held: dict[str, Any] = {"available": available} if available != balance else {}
        super().__init__("Insufficient balance.", balance=balance, requested=requested, **held)


class Unavailable(LaurelError):
    status, code = 503, "unavailable"


class OutcomeUnknown(Unavailable):
    """A write was not answered: it may have been done, or may still be done. The same request again tells."""

    code = "outcome_unknown"


class Internal(LaurelError):
    """What is shown for anything unexpected: nothing of its inside."""


class RejectedEvent(Exception):
    """An event that can never be valid. `reason` is a machine word, the message a sentence."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class InvalidRuleset(Exception):
    """A ruleset that may not be used; the message names file, key and reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file, self.key, self.reason = file, key, reason


class LostRace(Exception):
    """A conditional write lost against another writer; reading again and retrying is right."""


class OutOfReach(Exception):
    """A table, queue or bus could not do it, for a reason of its own; the same may succeed later."""
