"""Errors over HTTP: each kind's status, and the refusals that only HTTP has."""

from __future__ import annotations

from chalicelib.domain.core.errors import ErrorKind, LaurelError

STATUSES = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.GONE: 410,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
}


class HttpError(LaurelError):
    """A refusal of something that only HTTP has."""

    kind = ErrorKind.INVALID
    status = 400


class MethodNotAllowed(HttpError):
    status, code = 405, "method_not_allowed"


class UnsupportedMediaType(HttpError):
    status, code = 415, "unsupported_media_type"


def status_of(error: LaurelError) -> int:
    """Return the HTTP status of an error."""
    return error.status if isinstance(error, HttpError) else STATUSES[error.kind]
