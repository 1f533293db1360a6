"""Errors: a sentence, a machine code, a kind."""

from __future__ import annotations

import pytest

from chalicelib.domain.core import errors
from chalicelib.domain.core.errors import ErrorKind, LaurelError

KINDS = [
    (errors.InvalidRequest, ErrorKind.INVALID, "invalid_request"),
    (errors.Unauthenticated, ErrorKind.UNAUTHENTICATED, "unauthenticated"),
    (errors.Forbidden, ErrorKind.FORBIDDEN, "forbidden"),
    (errors.NotFound, ErrorKind.NOT_FOUND, "not_found"),
    (errors.ConflictingState, ErrorKind.CONFLICT, "conflict"),
    (errors.Gone, ErrorKind.GONE, "gone"),
    (errors.PayloadTooLarge, ErrorKind.TOO_LARGE, "payload_too_large"),
    (errors.Unavailable, ErrorKind.UNAVAILABLE, "unavailable"),
    (errors.OutcomeUnknown, ErrorKind.UNAVAILABLE, "outcome_unknown"),
    (errors.Internal, ErrorKind.INTERNAL, "internal"),
]


@pytest.mark.parametrize(("error", "kind", "code"), KINDS)
def test_an_error_is_a_sentence_a_code_and_a_kind(error: type[LaurelError], kind: ErrorKind, code: str) -> None:
    raised = error("It is so.", limit=5)
    assert (raised.kind, raised.body()) == (kind, {"error": "It is so.", "code": code, "limit": 5})
    assert error("It is so.", code="other").body()["code"] == "other"


def test_a_refusal_for_now_says_when_to_try_again() -> None:
    raised = errors.TooManyRequests("Wait.", retry_after_s=9, maximum=5)
    assert (raised.kind, raised.retry_after_s) == (ErrorKind.RATE_LIMITED, 9)
    assert raised.body() == {"error": "Wait.", "code": "rate_limited", "maximum": 5}
    assert {kind for _, kind, _ in KINDS} | {raised.kind} == set(ErrorKind)
