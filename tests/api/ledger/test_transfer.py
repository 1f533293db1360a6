"""Tests of POST /transfer: the table of checks in its order."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.store.core.table import StoreError, Table, Unknown
from tests.api.conftest import Site
from tests.api.http import Answer

KEY = "Idempotency-Replayed"


def send(site: Site, key: str, idempotency_key: str = "k1", **changes: Any) -> Answer:
    return site.post("/transfer", {"to": "bob", "amount": 50, "idempotencyKey": idempotency_key} | changes, key)


def balance(site: Site, player: str) -> int:
    return int(site.get("/profile", site.key(player)).json["tokens"])


def test_a_transfer_and_its_replay(site: Site, anna: str) -> None:
    first = send(site, anna, note="Thanks!")
    assert first.status == 200
    transfer = first.json["transfer"]
    assert first.json == {"success": True, "transfer": transfer, "balance": 150}
    assert set(transfer) == {"id", "from", "to", "amount", "createdAt"}
    assert (transfer["from"], transfer["to"], transfer["amount"]) == ("anna", "bob", 50)
    assert KEY not in first.headers
    again = send(site, anna, note="Thanks!")
    assert (again.status, again.text, again.headers[KEY]) == (200, first.text, "true")
    assert (balance(site, "anna"), balance(site, "bob")) == (150, 50)


def test_a_key_for_another_transfer_is_a_conflict(site: Site, anna: str) -> None:
    send(site, anna)
    for changes in (
        {"amount": 51},
        {"amount": 10**30},
        {"to": "anna"},
        {"to": "nobody"},
        {"amount": 10**9},
        {"note": "x"},
    ):
        answer = send(site, anna, **changes)
        assert (answer.status, answer.json["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "50"}, 400, "invalid_request"),
        ({"amount": 1.5}, 400, "invalid_request"),
        ({"amount": True}, 400, "invalid_request"),
        ({"to": ""}, 400, "invalid_request"),
        ({"note": "x" * 201}, 400, "invalid_request"),
        ({"extra": 1}, 400, "invalid_request"),
        ({"note": "a\u0000b"}, 400, "invalid_request"),
        ({"to": "anna", "amount": 0}, 400, "self_transfer"),
        ({"to": "nobody", "amount": 0}, 400, "amount_out_of_range"),
        ({"amount": 10_001}, 400, "amount_out_of_range"),
        ({"amount": -5}, 400, "amount_out_of_range"),
        ({"amount": 10**30}, 400, "amount_out_of_range"),
        ({"to": "nobody", "amount": 500}, 404, "unknown_recipient"),
        ({"to": "no body"}, 404, "unknown_recipient"),
    ],
)
def test_a_refused_transfer_writes_nothing(site: Site, anna: str, changes: Any, status: int, code: str) -> None:
    answer = send(site, anna, **changes)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert (balance(site, "anna"), balance(site, "bob")) == (200, 0)
    assert send(site, anna).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": "bob", "amount": "50", "idempotencyKey": "k"}, "amount"),
        ({"to": 7, "amount": 50, "idempotencyKey": "k"}, "to"),
        ({"to": "bob", "idempotencyKey": "k"}, "amount"),
        ({"to": "bob", "amount": 50}, "idempotencyKey"),
        ({"to": "bob", "amount": 50, "idempotencyKey": "a b"}, "idempotencyKey"),
        ({"to": "bob", "amount": 50, "idempotencyKey": "k", "currency": "EUR"}, "currency"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_the_field(site: Site, anna: str, body: Any, field: str) -> None:
    answer = site.post("/transfer", body, anna)
    assert (answer.status, answer.json["code"], answer.json["parameter"]) == (400, "invalid_request", field)
    assert field in answer.json["error"]


def test_a_refusal_for_lack_of_funds_is_permanent(site: Site, anna: str) -> None:
    first = send(site, anna, amount=500)
    assert first.status == 400
    refusal = {"error": "Insufficient balance.", "code": "insufficient_balance", "balance": 200, "requested": 500}
    assert first.json == refusal
    site.fund("anna", 1000)
    again = send(site, anna, amount=500)
    assert (again.status, again.text, again.headers[KEY]) == (400, first.text, "true")
    assert send(site, anna, "k2", amount=500).status == 200


def test_the_eleventh_in_a_minute_waits(site: Site, anna: str) -> None:
    for number in range(10):
        assert send(site, anna, f"n{number}", amount=1).status == 200
    refused = send(site, anna, "n10", amount=1)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    site.world.sleep(int(refused.headers["Retry-After"]))
    assert send(site, anna, "n10", amount=1).status == 200


def test_a_day_has_a_maximum_sum(site: Site, anna: str) -> None:
    site.fund("anna", 200_000)
    for number in range(10):
        assert send(site, anna, f"n{number}", amount=10_000).status == 200
        site.world.sleep(10)
    refused = send(site, anna, "n10", amount=1)
    assert (refused.status, refused.json["code"]) == (429, "rate_limited")
    site.world.sleep(int(refused.headers["Retry-After"]))
    assert send(site, anna, "n10", amount=10_000).status == 200


def test_a_recipient_by_public_id(site: Site, anna: str) -> None:
    public = site.context.table.get(("PLAYER#bob", "IDENTITY"))["public"]["S"]
    assert send(site, anna, to=public).json["transfer"]["to"] == public
    assert balance(site, "bob") == 50


def test_a_key_is_free_again_after_thirty_days(site: Site, anna: str) -> None:
    send(site, anna)
    site.world.sleep(30 * 86_400 - 60)
    assert KEY in send(site, anna).headers
    site.world.sleep(61)
    assert KEY not in send(site, anna).headers
    assert balance(site, "bob") == 100


def test_a_key_is_free_at_the_moment_of_its_expiry(site: Site, anna: str) -> None:
    """Reads and writes judge the expiry in the same way while the table still has the row."""
    site.world.scheduler.on_advance = lambda *_: None
    at_ms = site.world.now_ms()
    send(site, anna)
    left_ms = (at_ms + 30 * 86_400_000) // 1000 * 1000 - site.world.now_ms()
    site.world.sleep((left_ms - 1) / 1000)
    assert KEY in send(site, anna).headers
    site.world.sleep(0.001)
    site.world.calls.clear()
    again = send(site, anna)
    assert (again.status, again.headers.get(KEY), site.world.calls["TransactWriteItems"]) == (200, None, 1)


def test_a_transfer_to_oneself_by_public_id_is_refused(site: Site, anna: str) -> None:
    public = site.context.table.get(("PLAYER#anna", "IDENTITY"))["public"]["S"]
    assert send(site, anna, to=public).json["code"] == "self_transfer"


def test_a_closed_account_receives_nothing(site: Site, anna: str) -> None:
    """An erasure after the lookup of the recipient leaves a closed account."""
    send(site, anna)
    owner = site.context.owners["bob"]
    key = (f"ACCOUNT#{owner.account}#tokens", "BALANCE")
    site.context.table.put((site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert send(site, anna, "k2").status == 503
    assert balance(site, "anna") == 150


def test_a_transfer_queues_events_of_both_players(site: Site, anna: str) -> None:
    send(site, anna)
    assert [event["type"] for event in site.events("own")] == ["transfer.sent", "transfer.received"]
    site.work()
    assert site.get("/profile", anna).json["stats"]["tokensShared"] == 50
    assert not [pk for pk, _ in site.world.dynamodb.tables["laurel-sim"].rows if pk.startswith("OUTBOX#")]


def test_a_failure_after_the_commit_does_not_fail_the_transfer(site: Site, anna: str, monkeypatch: Any) -> None:
    def down(*_: Any) -> None:
        raise StoreError("down")

    monkeypatch.setattr(site.context.queues, "send", down)
    assert send(site, anna).status == 200


def test_a_lost_response_is_no_replay(site: Site, anna: str, monkeypatch: Any) -> None:
    """A write succeeds without a response: the same request finds it and returns the usual response."""
    real, writes = site.context.table.transact, list[Any]()

    def lost(_: Any, asked: Any) -> None:
        writes.append(asked)
        real(asked)
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", lost)
        answer = send(site, anna)
    assert (answer.status, answer.headers.get(KEY)) == (200, None)
    assert balance(site, "bob") == 50
    assert len(site.events("own")) == 2
    assert len(writes) == 1


def test_an_erased_recipient_is_unknown_though_cached(site: Site, anna: str) -> None:
    send(site, anna)
    owner = site.context.owners["bob"]
    key = (f"ACCOUNT#{owner.account}#tokens", "BALANCE")
    site.context.table.put((site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    site.context.table.delete(("PLAYER#bob", "IDENTITY"))
    refused = send(site, anna, "k2")
    assert (refused.status, refused.json["code"]) == (404, "unknown_recipient")
