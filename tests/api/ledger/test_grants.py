"""Tests of grants and corrections over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.identity.owners import find_owner
from chalicelib.services.operations.verify_ledger import verify_ledger
from chalicelib.store.core.table import Table, Unknown
from chalicelib.store.ledger import keys
from tests.api.conftest import Site
from tests.api.ledger.bank import Bank

REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def bank(site: Site) -> Bank:
    return Bank(site)


def test_a_grant_and_its_replay(bank: Bank) -> None:
    first = bank.try_grant()
    transfer = first.json["transfer"]
    assert first.json == {"success": True, "transfer": transfer, "balance": 300}
    assert transfer.items() >= {"player": "anna", "asset": "tokens", "amount": 100, "reason": "Fair"}.items()
    assert set(transfer) == {"id", "player", "asset", "amount", "reason", "createdAt"}
    again = bank.try_grant()
    assert (again.text, again.headers[REPLAYED]) == (first.text, "true")
    assert bank.try_grant(amount=101).json["code"] == "idempotency_conflict"
    assert bank.balance("anna") == 300


def test_burning(bank: Bank) -> None:
    assert bank.try_grant(amount=-150).json["balance"] == 50
    refused = bank.try_grant(amount=-51, idempotencyKey="g2")
    assert refused.status == 400
    assert refused.json.items() >= {"code": "insufficient_balance", "balance": 50, "requested": 51}.items()
    bank.grant(1000)
    again = bank.try_grant(amount=-51, idempotencyKey="g2")
    assert (again.text, again.headers[REPLAYED]) == (refused.text, "true")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 400, "amount_out_of_range"),
        ({"amount": 10**12 + 1}, 400, "amount_out_of_range"),
        ({"amount": -(10**12) - 1}, 400, "amount_out_of_range"),
        ({"amount": 1.5}, 400, "invalid_request"),
        ({"amount": True}, 400, "invalid_request"),
        ({"asset": "gold"}, 400, "invalid_request"),
        ({"reason": ""}, 400, "invalid_request"),
        ({"reason": "x" * 201}, 400, "invalid_request"),
        ({"reason": "a\u0000"}, 400, "invalid_request"),
        ({"player": "nobody"}, 404, "not_found"),
        ({"player": "no body"}, 404, "not_found"),
        ({"extra": 1}, 400, "invalid_request"),
    ],
)
def test_wrong_grants_are_refused(bank: Bank, changes: Any, status: int, code: str) -> None:
    answer = bank.try_grant(**changes)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert bank.balance("anna") == 200
    assert bank.try_grant().status == 200


def test_a_balance_has_a_maximum(bank: Bank) -> None:
    key = keys.account(find_owner(bank.site.context, "anna").account, "tokens")
    item = bank.site.context.table.get(key) or {}
    bank.site.context.table.put(item | {"balance": {"N": str(2**53 - 101)}, "available": {"N": str(2**53 - 101)}})
    assert bank.try_grant(amount=100).status == 200
    refused = bank.try_grant(amount=1, idempotencyKey="g2")
    assert (refused.status, refused.json["code"]) == (409, "balance_limit")


def test_an_erased_player_gets_no_grant(bank: Bank) -> None:
    owner = find_owner(bank.site.context, "anna")
    key = keys.account(owner.account, "tokens")
    bank.site.context.table.put((bank.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert bank.try_grant().status == 404


def test_a_grant_is_on_record(bank: Bank) -> None:
    made = bank.grant(100, reason="Won")
    row = bank.audit()[-1]
    assert (row.what, row.by, row.about, row.address) == ("grant", "root", "anna", "203.0.113.7")
    assert bank.keys["root"].startswith(row.key)
    assert row.details == {"asset": "tokens", "amount": 100, "reason": "Won"}
    assert row.sk.endswith(f"#{made}")
    bank.try_grant(amount=-10_000)
    bank.try_grant(amount=-10_000)
    assert len(bank.audit()) == 2


def test_a_correction_and_its_replay(bank: Bank) -> None:
    sent = bank.send(50)
    first = bank.correct(sent, reason="By mistake")
    transfer = first.json["transfer"]
    assert first.json == {"success": True, "transfer": transfer}
    expected = {"corrects": sent, "asset": "tokens", "from": "bob", "to": "anna", "amount": 50, "reason": "By mistake"}
    assert transfer == expected | {"id": transfer["id"], "createdAt": transfer["createdAt"]}
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)
    for again in (bank.correct(sent, reason="By mistake"), bank.correct(sent), bank.correct(sent, reason="Other")):
        assert (again.status, again.text, again.headers[REPLAYED]) == (200, first.text, "true")
    assert REPLAYED not in first.headers
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)
    row = bank.audit()[-1]
    assert (row.what, row.by, row.about) == ("correction", "root", "anna")
    assert row.details == {"transferId": sent, "asset": "tokens", "amount": 50, "reason": "By mistake"}
    assert len(bank.audit()) == 2


def test_every_kind_can_be_corrected(bank: Bank) -> None:
    minted, burnt = bank.grant(40, asset="coins"), bank.grant(-15, asset="coins")
    assert bank.correct(burnt).json["transfer"].items() >= {"from": "@burn", "to": "anna", "asset": "coins"}.items()
    assert bank.balance("anna", "coins") == 40
    taken = bank.correct(minted).json["transfer"]
    assert (taken["from"], taken["to"], bank.balance("anna", "coins")) == ("anna", "@mint", 0)
    given = bank.correct(taken["id"]).json["transfer"]
    assert (given["from"], given["to"], given["corrects"]) == ("@mint", "anna", taken["id"])
    assert bank.balance("anna", "coins") == 40


def test_a_correction_of_a_correction_between_players(bank: Bank) -> None:
    back = bank.correct(bank.send(50)).json["transfer"]["id"]
    again = bank.correct(back).json["transfer"]
    assert (again["from"], again["to"]) == ("anna", "bob")
    assert (bank.balance("anna"), bank.balance("bob")) == (150, 50)


@pytest.mark.parametrize("id_", ["x", "0" * 37, "0" * 36, "0" * 64])
def test_an_unknown_transfer_cannot_be_corrected(bank: Bank, id_: str) -> None:
    assert bank.correct(id_).status == 404
    assert bank.correct(bank.send(1)[:-10] + "0" * 10).status == 404


def test_a_spent_transfer_may_be_corrected_later(bank: Bank) -> None:
    sent = bank.send(50)
    bank.send(20, "bob", "anna")
    refused = bank.correct(sent)
    assert refused.status == 400
    assert refused.json.items() >= {"code": "insufficient_balance", "balance": 30, "requested": 50}.items()
    bank.send(20)
    assert bank.correct(sent).status == 200
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)


def test_an_erased_player_gets_no_correction(bank: Bank) -> None:
    sent = bank.send(50)
    key = keys.account(find_owner(bank.site.context, "anna").account, "tokens")
    bank.site.context.table.put((bank.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert bank.correct(sent).json["code"] == "account_closed"


def hold(bank: Bank, amount: int, seconds: int = 60) -> Any:
    bank.made += 1
    body = {"amount": amount, "asset": "tokens", "expiresIn": seconds, "idempotencyKey": f"h{bank.made}"}
    answer = bank.post("/holds", "anna", **body)
    assert answer.status == 200, answer.text
    return answer.json["hold"]["id"]


def test_a_burn_of_a_hold_can_be_corrected(bank: Bank) -> None:
    posted = bank.post(f"/holds/{hold(bank, 40)}/post", "anna", amount=30).json["hold"]["transferId"]
    assert bank.correct(posted).json["transfer"].items() >= {"from": "@burn", "to": "anna", "amount": 30}.items()
    assert bank.get("/balance") == {"asset": "tokens", "balance": 200, "held": 0, "available": 200}
    assert not verify_ledger(bank.site.context, lambda: None).differences


def test_held_tokens_are_neither_burnt_nor_corrected_until_the_hold_expires(bank: Bank) -> None:
    received = bank.grant(5)
    hold(bank, 205)
    assert bank.get("/balance") == {"asset": "tokens", "balance": 205, "held": 205, "available": 0}
    assert bank.correct(received).json["code"] == "insufficient_balance"
    refused = bank.try_grant(amount=-200)
    assert refused.json.items() >= {"balance": 205, "available": 0, "requested": 200}.items()
    bank.world.sleep(61)
    assert bank.get("/balance")["held"] == 0
    hold(bank, 205, 1)
    bank.world.sleep(2)
    assert bank.correct(received).status == 200
    hold(bank, 200, 1)
    bank.world.sleep(2)
    assert bank.grant(-200)
    assert bank.get("/balance")["balance"] == 0


@pytest.mark.parametrize("more", [0, 500])
def test_two_admins_correct_the_same_at_once(bank: Bank, more: int) -> None:
    """Two concurrent corrections of one transfer, with enough funds for both or not."""
    sent = bank.send(50)
    if more:
        bank.grant(more, "bob")
    actors = [bank.world.spawn(f"admin-{number}", bank.correct, sent) for number in range(6)]
    bank.world.run()
    assert {actor.result.status for actor in actors} == {200}
    assert len({actor.result.text for actor in actors}) == 1
    assert [REPLAYED in actor.result.headers for actor in actors].count(False) == 1
    assert (bank.balance("anna"), bank.balance("bob")) == (200, more)
    assert [row.what for row in bank.audit()].count("correction") == 1


def test_the_same_grant_sent_at_once(bank: Bank) -> None:
    actors = [bank.world.spawn(f"admin-{number}", bank.try_grant) for number in range(6)]
    bank.world.run()
    assert len({actor.result.text for actor in actors}) == 1
    assert [REPLAYED in actor.result.headers for actor in actors].count(False) == 1
    assert (bank.balance("anna"), len(bank.audit())) == (300, 2)


@pytest.mark.parametrize("what", ["grant", "correction"])
def test_a_lost_response_is_no_replay(bank: Bank, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    sent, real = bank.send(50), bank.site.context.table.transact

    def lost(_: Any, writes: Any) -> None:
        real(writes)
        raise Unknown("timeout")

    monkeypatch.setattr(Table, "transact", lost)
    answer = bank.correct(sent) if what == "correction" else bank.try_grant()
    assert (answer.status, REPLAYED in answer.headers) == (200, False)
    assert bank.balance("anna") == (200 if what == "correction" else 250)


def test_cost_of_grants_and_corrections(bank: Bank) -> None:
    """Items: key, two postings, balance, audit. Each has a KB at most, or two units, with the longest reason too."""
    meter = bank.world.dynamodb.meter
    meter.reset()
    bank.grant(1, reason="é" * 200)
    assert meter.operations["TransactWriteItems"].write == 10
    sent = bank.send(50)
    meter.reset()
    bank.correct(sent, reason="é" * 200)
    assert meter.operations["TransactWriteItems"].write == 12


def test_a_public_id_that_equals_another_player_id(bank: Bank) -> None:
    public = find_owner(bank.site.context, "anna").public
    bank.site.key(public)
    assert bank.correct(bank.send(50)).status == 200
