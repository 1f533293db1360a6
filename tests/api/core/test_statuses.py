"""Tests of the HTTP statuses of errors."""

from __future__ import annotations

import pytest

from chalicelib.api.statuses import STATUSES, MethodNotAllowed, UnsupportedMediaType, status_of
from chalicelib.domain.core import errors
from chalicelib.domain.core.errors import ErrorKind, LaurelError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest, 400, "invalid_request"),
        (errors.Unauthenticated, 401, "unauthenticated"),
        (errors.Forbidden, 403, "forbidden"),
        (errors.NotFound, 404, "not_found"),
        (MethodNotAllowed, 405, "method_not_allowed"),
        (errors.ConflictingState, 409, "conflict"),
        (errors.Gone, 410, "gone"),
        (errors.PayloadTooLarge, 413, "payload_too_large"),
        (UnsupportedMediaType, 415, "unsupported_media_type"),
        (errors.Unavailable, 503, "unavailable"),
        (errors.OutcomeUnknown, 503, "outcome_unknown"),
        (errors.Internal, 500, "internal"),
    ],
)
def test_each_error_has_a_status(error: type[LaurelError], status: int, code: str) -> None:
    raised = error("It is so.")
    assert (status_of(raised), raised.code) == (status, code)


def test_every_kind_has_a_status() -> None:
    assert set(STATUSES) == set(ErrorKind)
    assert status_of(errors.TooManyRequests("Wait.", retry_after_s=9)) == 429
