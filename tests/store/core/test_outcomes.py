"""Outcomes of writes: done, refused or unknown, for any results of the tries of one call."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError

from chalicelib.domain.core.errors import LostRace
from chalicelib.retry import CALL_MS, Retry
from chalicelib.store.core.outcomes import Busy, ConditionFailed, StoreError, Unknown
from chalicelib.store.core.table import MAX_TRIES, Table

WRITE = {"Put": {"TableName": "t", "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}}}


class Client:
    """Answers each call with the next of its outcomes, the last one for ever; keeps what it was sent."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[dict[str, Any]] = []

    def call(self, **request: Any) -> Any:
        self.sent.append(request)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    transact_write_items = update_item = put_item = delete_item = get_item = call


def refused(code: str, status: int = 400, *reasons: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons:
        answer["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(answer, "TransactWriteItems")


LOST = ReadTimeoutError(endpoint_url="http://x")
NOT_SENT = ConnectTimeoutError(endpoint_url="http://x")
BROKEN = refused("InternalServerError", 500)
THROTTLED = refused("ThrottlingException")
IN_PROGRESS = refused("TransactionInProgressException")
FAILED = refused("TransactionCanceledException", 400, "None", "ConditionalCheckFailed")
MET = refused("TransactionCanceledException", 400, "TransactionConflict", "None")
CANCELLED_BUSY = refused("TransactionCanceledException", 400, "ThrottlingError")
DENIED = refused("AccessDeniedException")


def transact(*outcomes: Any) -> Client:
    client = Client(*outcomes)
    Table("t", client, lambda _: None).transact([WRITE])
    return client


@pytest.mark.parametrize("first", [LOST, NOT_SENT, BROKEN, THROTTLED, IN_PROGRESS, CANCELLED_BUSY])
def test_an_unanswered_try_is_repeated_under_the_same_token(first: Exception) -> None:
    client = transact(first, first, {})
    assert len(client.sent) == 3
    assert len({request["ClientRequestToken"] for request in client.sent}) == 1


def test_another_write_has_another_token() -> None:
    client = Client({})
    table = Table("t", client, lambda _: None)
    table.transact([WRITE])
    table.transact([WRITE])
    assert len({request["ClientRequestToken"] for request in client.sent}) == 2


@pytest.mark.parametrize("first", [LOST, BROKEN, IN_PROGRESS])
@pytest.mark.parametrize("then", [FAILED, MET, DENIED])
def test_a_refusal_after_an_unanswered_try_is_unknown(first: Exception, then: Exception) -> None:
    """Test a refusal that may be due to the write itself, or to one that may still come."""
    with pytest.raises(Unknown):
        transact(first, then)


@pytest.mark.parametrize("first", [NOT_SENT, THROTTLED, CANCELLED_BUSY])
def test_a_refusal_after_a_try_that_did_nothing_is_a_refusal(first: Exception) -> None:
    with pytest.raises(ConditionFailed) as failed:
        transact(first, FAILED)
    assert failed.value.failed == (1,)
    with pytest.raises(LostRace, match="another transaction"):
        transact(first, MET)


@pytest.mark.parametrize(
    ("always", "kind", "tries"),
    [
        (LOST, Unknown, MAX_TRIES),
        (BROKEN, Unknown, MAX_TRIES),
        (IN_PROGRESS, Unknown, MAX_TRIES),
        (THROTTLED, Busy, MAX_TRIES),
        (NOT_SENT, Busy, MAX_TRIES),
        (DENIED, StoreError, 1),
        (NoCredentialsError(), StoreError, 1),
    ],
)
def test_a_permanent_error_keeps_its_kind(always: Exception, kind: type[Exception], tries: int) -> None:
    client = Client(always)
    with pytest.raises(StoreError) as ended:
        Table("t", client, lambda _: None).transact([WRITE])
    assert type(ended.value) is kind
    assert len(client.sent) == tries


def test_unknown_stays_unknown_though_the_last_try_was_throttled() -> None:
    with pytest.raises(Unknown):
        transact(LOST, THROTTLED)


def test_a_read_is_never_unknown() -> None:
    client = Client(LOST, BROKEN, {"Item": {"pk": {"S": "a"}}})
    assert Table("t", client, lambda _: None).get(("a", "b")) == {"pk": {"S": "a"}}
    with pytest.raises(Busy):
        Table("t", Client(LOST), lambda _: None).get(("a", "b"))


def test_a_single_update_that_finds_its_condition_failed_after_an_unanswered_try_is_unknown() -> None:
    client = Client(LOST, refused("ConditionalCheckFailedException"))
    with pytest.raises(Unknown):
        Table("t", client, lambda _: None).update(("a", "b"), "SET x = :x")


@pytest.mark.parametrize(("left_ms", "calls"), [(CALL_MS, 0), (CALL_MS + 1, 1), (CALL_MS + 101, 2)])
def test_no_call_begins_that_the_deadline_would_cut(left_ms: int, calls: int) -> None:
    now = [0]

    def pause(_: int) -> None:
        now[0] += 100

    client = Client(THROTTLED)
    table = Table("t", client, pause).using(Retry(pause, lambda: now[0], left_ms))
    with pytest.raises(Busy):
        table.transact([WRITE])
    assert len(client.sent) == calls
