"""Tests of holds over HTTP: placed, posted, void, expired, and their costs."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.ledger.holds import MAX_OPEN, Hold
from chalicelib.domain.ledger.transfer import transfer_id
from chalicelib.services.identity.authenticate import authenticate
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.expire_holds import settled_account
from chalicelib.services.ledger.place_hold import HoldRequest, place_hold
from chalicelib.services.ledger.resolve_hold import PostRequest, post_hold, void_hold
from chalicelib.store.core.table import Table, Unknown
from chalicelib.store.ledger.accounts import Account, load_account
from chalicelib.store.ledger.holds import add_hold
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.economy import books

KEY = "Idempotency-Replayed"
DAY_S = 86_400


def place(site: Site, key: str, idempotency_key: str = "h1", **changes: Any) -> Answer:
    return site.post("/holds", {"amount": 40, "asset": "tokens", "idempotencyKey": idempotency_key} | changes, key)


def held(site: Site, key: str, idempotency_key: str = "h1", **changes: Any) -> str:
    answer = place(site, key, idempotency_key, **changes)
    assert answer.status == 200, answer.text
    return str(answer.json["hold"]["id"])


def post(site: Site, key: str, hold: str, **body: Any) -> Answer:
    return site.post(f"/holds/{hold}/post", body, key)


def void(site: Site, key: str, hold: str) -> Answer:
    return site.post(f"/holds/{hold}/void", None, key)


def figures(site: Site) -> tuple[int, int]:
    """Return balance and available of the table, after a check that they agree with postings and open holds."""
    assert books.findings(books.read(site.plant)) == []
    account = load_account(site.context.table, find_owner(site.context, "anna").account, "tokens")
    return account.balance, account.available


def settled(site: Site) -> Account:
    return settled_account(site.context, find_owner(site.context, "anna").account, "tokens")


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["code"]) == (status, code), answer.text


def test_a_hold_and_its_replay(site: Site, anna: str) -> None:
    first = place(site, anna)
    assert first.status == 200
    hold = first.json["hold"]
    assert first.json == {"success": True, "hold": hold, "balance": 200, "available": 160}
    assert hold == {
        "id": hold["id"],
        "asset": "tokens",
        "amount": 40,
        "status": "open",
        "createdAt": "2026-05-19T12:00:00.000Z",
        "expiresAt": "2026-05-26T12:00:00.000Z",
    }
    again = place(site, anna)
    assert (again.status, again.text, again.headers[KEY]) == (200, first.text, "true")
    for changes in ({"expiresIn": 60}, {"asset": "coins"}, {"amount": 41}):
        refused(place(site, anna, **changes), 409, "idempotency_conflict")
    assert site.get("/holds", anna).json == {"holds": [hold], "cursor": None}
    assert figures(site) == (200, 160)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "40"}, "invalid_request"),
        ({"amount": 4.5}, "invalid_request"),
        ({"amount": True}, "invalid_request"),
        ({"expiresIn": 0}, "invalid_request"),
        ({"expiresIn": 30 * DAY_S + 1}, "invalid_request"),
        ({"expiresIn": 1.5}, "invalid_request"),
        ({"asset": ""}, "invalid_request"),
        ({"extra": 1}, "invalid_request"),
        ({"amount": 0}, "amount_out_of_range"),
        ({"amount": -1}, "amount_out_of_range"),
        ({"amount": 10**12 + 1}, "amount_out_of_range"),
        ({"amount": 10**30}, "amount_out_of_range"),
        ({"asset": "gold"}, "invalid_request"),
    ],
)
def test_a_refused_hold_writes_nothing(site: Site, anna: str, changes: Any, code: str) -> None:
    refused(place(site, anna, **changes), 400, code)
    assert figures(site) == (200, 200)
    assert place(site, anna).status == 200


def test_held_tokens_cannot_be_spent(site: Site, anna: str) -> None:
    held(site, anna, amount=150)
    sent = site.post("/transfer", {"to": "bob", "amount": 51, "idempotencyKey": "k"}, anna)
    refusal = {"code": "insufficient_balance", "balance": 200, "requested": 51, "available": 50}
    assert sent.json == {"error": "Insufficient balance."} | refusal
    more = place(site, anna, "h2", amount=51)
    assert (more.status, more.json) == (400, sent.json)
    site.fund("anna", 100)
    again = place(site, anna, "h2", amount=51)
    assert (again.text, again.headers[KEY]) == (more.text, "true")
    held(site, anna, "h3", amount=51)


def test_a_post_and_its_replay(site: Site, anna: str) -> None:
    hold = held(site, anna)
    site.world.sleep(30)
    first = post(site, anna, hold)
    assert (first.status, first.headers.get(KEY)) == (200, None)
    shown = first.json["hold"]
    assert (shown["status"], shown["posted"], shown["resolvedAt"]) == ("posted", 40, "2026-05-19T12:00:30.000Z")
    for body in ({}, {"amount": 40}):
        again = post(site, anna, hold, **body)
        assert (again.status, again.text, again.headers[KEY]) == (200, first.text, "true")
    assert site.post(f"/holds/{hold}/post", None, anna).text == first.text
    refused(post(site, anna, hold, amount=39), 409, "hold_resolved")
    refused(post(site, anna, hold, amount=0), 409, "hold_resolved")
    refused(void(site, anna, hold), 409, "hold_resolved")
    assert figures(site) == (160, 160)
    assert site.get("/holds", anna).json["holds"] == []
    read = books.read(site.plant)
    assert read.kinds[shown["transferId"]] == "hold"
    assert read.sums["@burn", "tokens"] == 40


def test_a_part_of_a_hold_is_posted(site: Site, anna: str) -> None:
    hold = held(site, anna)
    for amount in (0, -1, 41, 10**30):
        answer = post(site, anna, hold, amount=amount)
        refused(answer, 400, "amount_out_of_range")
        assert (answer.json["minimum"], answer.json["maximum"]) == (1, 40)
    assert post(site, anna, hold, amount=15).json["hold"]["posted"] == 15
    assert figures(site) == (185, 185)
    refused(post(site, anna, hold), 409, "hold_resolved")


def test_a_void_and_its_replay(site: Site, anna: str) -> None:
    hold = held(site, anna)
    first = void(site, anna, hold)
    assert (first.status, first.headers.get(KEY), first.json["hold"]["status"]) == (200, None, "void")
    assert set(first.json["hold"]) == {"id", "asset", "amount", "status", "createdAt", "expiresAt", "resolvedAt"}
    again = void(site, anna, hold)
    assert (again.status, again.text, again.headers[KEY]) == (200, first.text, "true")
    refused(post(site, anna, hold), 409, "hold_resolved")
    site.world.sleep(8 * DAY_S)
    refused(post(site, anna, hold), 409, "hold_resolved")
    assert figures(site) == (200, 200)


def test_holds_of_others_and_unknown_ones_are_not_found(site: Site, anna: str) -> None:
    hold = held(site, anna)
    bob = site.key("bob")
    for name in (hold, hold[:-1], "x", "0" * 37, "%2F", "a" * 2000):
        for answer in (post(site, bob, name), void(site, bob, name)):
            refused(answer, 404, "not_found")
    assert figures(site) == (200, 160)


@pytest.mark.parametrize("swept", [False, True])
def test_an_expired_hold_is_void_with_or_without_a_sweep(site: Site, anna: str, swept: bool) -> None:
    posted, asked = held(site, anna, expiresIn=60), held(site, anna, "h2", expiresIn=60)
    held(site, anna, "h3", expiresIn=61, amount=7)
    site.world.sleep(59.999)
    assert len(site.get("/holds", anna).json["holds"]) == 3
    assert settled(site).available == 113
    site.world.sleep(0.001)
    if swept:
        assert settled(site).available == 193
    assert len(site.get("/holds", anna).json["holds"]) == 1
    refused(post(site, anna, posted, amount=41), 400, "amount_out_of_range")
    answer = post(site, anna, posted)
    refused(answer, 409, "hold_expired")
    assert answer.json["expiresAt"] == "2026-05-19T12:01:00.000Z"
    first, again = void(site, anna, asked), void(site, anna, asked)
    assert (first.text, first.headers[KEY]) == (again.text, "true")
    shown = first.json["hold"]
    assert (shown["status"], shown["resolvedAt"]) == ("void", shown["expiresAt"])
    refused(post(site, anna, posted), 409, "hold_expired")
    assert figures(site) == (200, 193)
    assert settled(site).available == 193


@pytest.mark.parametrize("swept", [False, True])
def test_a_resolved_hold_is_kept_for_thirty_days(site: Site, anna: str, swept: bool) -> None:
    hold, late = held(site, anna), held(site, anna, "h2", expiresIn=60)
    void(site, anna, hold)
    site.world.sleep(60)
    if swept:
        settled(site)
    site.world.sleep(30 * DAY_S - 61)
    assert void(site, anna, hold).status == 200
    site.world.sleep(2)
    refused(void(site, anna, hold), 404, "not_found")
    if swept:
        site.world.sleep(60)
        refused(void(site, anna, late), 404, "not_found")
    assert settled(site).available == 200


def test_tokens_of_an_expired_hold_can_be_spent_at_once(site: Site, anna: str) -> None:
    held(site, anna, amount=150, expiresIn=60)
    site.world.sleep(60)
    assert figures(site) == (200, 50)
    assert site.post("/transfer", {"to": "bob", "amount": 120, "idempotencyKey": "k"}, anna).json["balance"] == 80
    assert figures(site) == (80, 80)


def test_the_balance_follows_the_clock(site: Site, anna: str) -> None:
    held(site, anna, amount=150, expiresIn=60)
    expected = {"asset": "tokens", "balance": 200}
    assert site.get("/balance", anna).json == expected | {"held": 150, "available": 50}
    site.world.sleep(60)
    assert site.get("/balance", anna).json == expected | {"held": 0, "available": 200}


def test_a_refusal_shows_the_available_amount_by_the_clock(site: Site, anna: str) -> None:
    held(site, anna, amount=150, expiresIn=60)
    held(site, anna, "h2", amount=20)
    site.world.sleep(60)
    sent = site.post("/transfer", {"to": "bob", "amount": 181, "idempotencyKey": "k"}, anna)
    assert (sent.json["code"], sent.json["available"]) == ("insufficient_balance", 180)


def test_the_note_of_the_next_expiry(site: Site, anna: str) -> None:
    """The note is a lower bound: a resolved hold leaves it, an expiry corrects it."""
    start = site.world.now_ms()
    early = held(site, anna, expiresIn=60)
    held(site, anna, "h2", expiresIn=100)
    held(site, anna, "h3", expiresIn=200)
    void(site, anna, early)
    assert settled(site).expiring == start + 60_000
    site.world.sleep(61)
    site.world.calls.clear()
    assert settled(site).expiring == start + 100_000
    assert (site.world.calls["GetItem"], site.world.calls["Query"], site.world.calls["TransactWriteItems"]) == (2, 1, 1)
    site.world.sleep(200)
    assert settled(site).expiring is None
    site.world.calls.clear()
    settled(site)
    assert dict(site.world.calls) == {"GetItem": 1}


def test_a_hundred_holds_may_be_open(site: Site, anna: str) -> None:
    made = [held(site, anna, f"n{n}", amount=1, expiresIn=60 if n < 60 else 120) for n in range(MAX_OPEN)]
    answer = place(site, anna, "more", amount=1)
    refused(answer, 409, "too_many_holds")
    assert answer.json["maximum"] == 100
    assert {hold["id"] for hold in site.get("/holds?limit=100", anna).json["holds"]} == set(made)
    void(site, anna, made[-1])
    held(site, anna, "more", amount=1)
    refused(place(site, anna, "another", amount=1), 409, "too_many_holds")
    site.fund("anna", 10, "coins")
    held(site, anna, "coins", asset="coins", amount=1)
    site.world.sleep(60)
    held(site, anna, "another", amount=1)
    # 60 expired, in two writes; 39 and the two that came later are open.
    assert figures(site) == (200, 159)
    assert len(site.get("/holds?limit=100", anna).json["holds"]) == 42


def test_holds_page_by_page(site: Site, anna: str) -> None:
    made = []
    for number in range(5):
        made.append(held(site, anna, f"n{number}", amount=1))
        site.world.sleep(1)
    page = site.get("/holds?limit=2", anna).json
    shown = [hold["id"] for hold in page["holds"]]
    while page["cursor"]:
        page = site.get(f"/holds?limit=2&cursor={page['cursor']}", anna).json
        shown += [hold["id"] for hold in page["holds"]]
    assert shown == made[::-1]
    refused(site.get("/holds?cursor=x", anna), 400, "invalid_request")


def test_a_player_cannot_resolve_a_hold_without_an_expiry(site: Site, anna: str) -> None:
    """A hold without an expiry is listed and stays."""
    owner, now_ms = find_owner(site.context, "anna"), site.world.now_ms()
    hold = Hold(transfer_id(now_ms, owner.public, "x"), owner.account, "tokens", 30, now_ms, purpose="redemption-1")
    tx = site.context.table.transaction()
    add_hold(tx, hold, settled(site))
    tx.commit()
    refused(post(site, anna, hold.id), 404, "not_found")
    refused(void(site, anna, hold.id), 404, "not_found")
    (shown,) = site.get("/holds", anna).json["holds"]
    assert (shown["redemption"], "expiresAt" in shown) == ("redemption-1", False)
    site.world.sleep(365 * DAY_S)
    assert settled(site).available == 170


@pytest.mark.parametrize("resolve", [post, void])
def test_a_lost_answer_is_no_replay(site: Site, anna: str, monkeypatch: Any, resolve: Any) -> None:
    hold = held(site, anna)
    real = Table.transact

    def lost(table: Table, writes: Any) -> None:
        real(table, writes)
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", lost)
        answer = resolve(site, anna, hold)
    assert (answer.status, answer.headers.get(KEY)) == (200, None)
    again = resolve(site, anna, hold)
    assert (again.text, again.headers[KEY]) == (answer.text, "true")
    figures(site)


def test_cost_of_each_operation(site: Site, anna: str) -> None:
    """Round trips and writes: place 3 items, post 5, void 3; two trips each, a replay one."""
    caller, meter = authenticate(site.context, anna), site.world.dynamodb.meter
    context, meter.recording = site.context, True

    def cost(work: Any, *asked: Any) -> list[tuple[str, float, float]]:
        meter.reset()
        work(context, caller, *asked)
        return [(each.operation, each.read, each.write) for each in meter.records]

    first, second = HoldRequest(40, "tokens", "h1"), HoldRequest(50, "tokens", "h2")
    assert cost(place_hold, first) == [("BatchGetItem", 1, 0), ("TransactWriteItems", 0, 6)]
    assert cost(place_hold, first) == [("BatchGetItem", 1, 0)]
    place_hold(context, caller, second)
    newer, older = (hold["id"] for hold in site.get("/holds", anna).json["holds"])
    assert cost(post_hold, newer, PostRequest()) == [("BatchGetItem", 2, 0), ("TransactWriteItems", 0, 10)]
    assert cost(post_hold, newer, PostRequest()) == [("BatchGetItem", 2, 0)]
    assert cost(void_hold, older) == [("BatchGetItem", 2, 0), ("TransactWriteItems", 0, 6)]
    place_hold(context, caller, HoldRequest(20, "tokens", "h3", 60))
    place_hold(context, caller, HoldRequest(20, "tokens", "h4", 60))
    site.world.sleep(60)
    release = [("GetItem", 1, 0), ("Query", 1, 0), ("TransactWriteItems", 0, 10), ("GetItem", 1, 0)]
    owner = find_owner(context, "anna")
    meter.reset()
    settled_account(context, owner.account, "tokens")
    assert [(each.operation, each.read, each.write) for each in meter.records] == release
