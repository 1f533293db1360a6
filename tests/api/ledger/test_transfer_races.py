"""Tests of the one outcome of an idempotency key when reads and writes come out of order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.domain.core.errors import LostRace
from chalicelib.services.core.idempotency import FORESTALLED_MS, MAX_TRIES
from chalicelib.store.core.keys import Key
from chalicelib.store.core.table import Busy, ConditionFailed, Table, Unknown
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.api.rewards.shop import Shop
from tests.api.writes import LateWrite, Writes, at_write

KEY = "Idempotency-Replayed"


def send(site: Site, key: str, idempotency_key: str = "k1", to: str = "bob") -> Answer:
    return site.post("/transfer", {"to": to, "amount": 1, "idempotencyKey": idempotency_key}, key)


def balance(site: Site, key: str) -> int:
    return int(site.get("/balance", key).json["balance"])


def test_a_retry_is_not_refused_for_its_own_transfer(site: Site, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two concurrent requests ask for the tenth transfer of a minute.

    The second reads its key before the first one's commit, and the account after it, which a batch read may do.
    """
    for number in range(9):
        assert send(site, anna, f"n{number}").status == 200
    real, first = Table.get_many, list[Answer]()

    def torn(table: Table, keys: Sequence[Key], *, strong: bool = True) -> Any:
        requests = [key for key in keys if key[0].startswith("IDEMPOTENCY#")]
        if not (requests and strong) or first:
            return real(table, keys, strong=strong)
        before = real(table, requests)
        first.append(Answer(0, {}, ""))
        first[0] = send(site, anna, "tenth")
        return before | real(table, [key for key in keys if key not in requests])

    def lost(_: Table, __: Writes) -> None:
        raise LostRace("another transaction is running")

    at_write(monkeypatch, lost)
    monkeypatch.setattr(Table, "get_many", torn)
    second = send(site, anna, "tenth")
    assert (first[0].status, first[0].headers.get(KEY)) == (200, None)
    assert (second.status, second.text, second.headers.get(KEY)) == (200, first[0].text, "true")
    assert send(site, anna, "eleventh").status == 429


def test_a_stale_read_of_the_account_does_not_refuse(site: Site, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first read is of a copy from before the funds and the recipient."""
    real = Table.get_many

    def behind(table: Table, keys: Sequence[Key], *, strong: bool = True) -> Any:
        return real(table, keys) if strong else {}

    monkeypatch.setattr(Table, "get_many", behind)
    answer = send(site, anna)
    assert (answer.status, answer.json["balance"]) == (200, 199)
    again = send(site, anna)
    assert (again.text, again.headers[KEY]) == (answer.text, "true")


def test_a_write_that_lands_late_is_the_requests_own(site: Site, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write without a response lands just before its retry: no replay, and the outbox is sent at once."""
    late = LateWrite()
    with monkeypatch.context() as patch:
        at_write(patch, late.unanswered, late.before)
        answer = send(site, anna)
    assert (answer.status, answer.headers.get(KEY)) == (200, None)
    assert (balance(site, anna), len(site.events("own"))) == (199, 2)
    again = send(site, anna)
    assert (again.text, again.headers.get(KEY)) == (answer.text, "true")


def test_a_write_that_may_still_land_is_not_denied(site: Site, anna: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response does not say that nothing was done; a retry returns the outcome."""
    late = LateWrite()

    def lost(_: Table, __: Writes) -> None:
        raise LostRace("another transaction is running")

    with monkeypatch.context() as patch:
        at_write(patch, late.unanswered, *[lost] * MAX_TRIES)
        answer = send(site, anna)
    assert (answer.status, answer.json["code"]) == (503, "outcome_unknown")
    late.land(site.context.table)
    again = send(site, anna)
    assert (again.status, again.headers.get(KEY), balance(site, anna)) == (200, "true", 199)


def test_a_refused_redemption_is_not_done_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write for the last mug gets no response, and another player takes the mug: the client gets a refusal.

    The mug comes back, and only now the first write lands: it fails, the client has paid nothing and may ask again.
    """
    shop, bob = Shop(site), site.key("bob")
    site.fund("bob", 1000, "coins")
    shop.put(stock=1, requiresFulfilment=True)
    real, late, made = Table.transact, list[Writes](), list[str]()

    def unanswered(_: Table, writes: Writes) -> None:
        late.append(writes)
        made.append(shop.redeem(key=bob).json["redemption"]["id"])
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        at_write(patch, unanswered)
        assert shop.redeem().json["code"] == "out_of_stock"
    assert shop.resolve(made[0], "cancel").status == 200
    with pytest.raises(ConditionFailed):
        real(site.context.table, late[0])
    assert shop.account() == (1000, 1000)
    site.world.sleep(1)
    again = shop.redeem()
    assert (again.status, again.headers.get(KEY), shop.account()) == (200, None, (1000, 700))


def test_the_key_of_a_refusal_stays_taken_though_expired_rows_are_deleted_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reward is retired meanwhile, and is back when the first write lands, six seconds after the refusal."""
    shop, real, late = Shop(site), Table.transact, list[Writes]()
    site.world._sweeper.mode = "prompt"
    shop.put()

    def unanswered(_: Table, writes: Writes) -> None:
        late.append(writes)
        assert shop.retire().status == 200
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        at_write(patch, unanswered)
        assert shop.redeem().json["code"] == "not_available"
    shop.put()
    site.world.sleep(6)
    site.world.sleep(6)
    with pytest.raises(ConditionFailed):
        real(site.context.table, late[0])
    assert shop.account() == (1000, 1000)


def test_a_player_id_that_equals_a_public_id_of_another_player(site: Site, anna: str) -> None:
    """Boards show public ids, and a player id may equal one: a transfer to it is for the player on the board."""
    bob = site.key("bob")
    public = site.context.table.get(("PLAYER#bob", "IDENTITY"))["public"]["S"]
    mallory = site.key(public)
    for number, known in enumerate((False, True)):
        site.context.owners.clear() if not known else None
        assert send(site, anna, f"k{number}", public).status == 200
    assert (balance(site, bob), balance(site, mallory)) == (2, 0)
    assert site.get(f"/players/{public}", site.key("root", "admin")).json["id"] == "bob"
    # A transfer of the account with that player id is found there, and not on the other one.
    root, own = site.key("root", "admin"), site.context.table.get((f"PLAYER#{public}", "IDENTITY"))["public"]["S"]
    assert send(site, anna, "own", own).status == 200
    given = site.post("/transfer", {"to": "bob", "amount": 1, "idempotencyKey": "m"}, mallory).json["transfer"]["id"]
    assert site.post("/admin/corrections", {"transferId": given}, root).status == 200
    assert (balance(site, bob), balance(site, mallory)) == (2, 1)
    # A key from before keys named accounts still belongs to its player.
    rows = site.world.dynamodb.tables["laurel-sim"].rows
    for key in [key for key in rows if key[0].startswith("API_KEY#")]:
        item = site.context.table.get(key)
        site.context.table.put({name: value for name, value in item.items() if name not in ("account", "public")})
    site.fund("anna", 10)
    assert site.post("/transfer", {"to": "anna", "amount": 2, "idempotencyKey": "m2"}, mallory).status == 400
    assert site.post("/transfer", {"to": "anna", "amount": 1, "idempotencyKey": "m3"}, mallory).status == 200
    assert (balance(site, bob), balance(site, mallory)) == (2, 0)


@pytest.mark.parametrize("call", ["get_many", "transact"])
def test_a_busy_table_does_not_hide_a_write_without_a_response(
    site: Site, anna: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The first write may still land, so the response must not say that the service was merely busy."""
    real, late = Table.transact, list[Writes]()

    def busy(*_: Any, **__: Any) -> Any:
        raise Busy("throttled")

    def unanswered(_: Table, writes: Writes) -> None:
        late.append(writes)
        patch.setattr(Table, call, busy)
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        at_write(patch, unanswered, *[busy] * MAX_TRIES)
        answer = send(site, anna)
    assert (answer.status, answer.json["code"]) == (503, "outcome_unknown")
    real(site.context.table, late[0])
    again = send(site, anna)
    assert (again.status, again.headers.get(KEY), balance(site, anna)) == (200, "true", 199)


@pytest.mark.parametrize(
    ("to", "status", "code", "retry_after"),
    [("bob", 429, "rate_limited", "59"), ("carl", 404, "unknown_recipient", None)],
)
def test_a_key_that_is_taken_for_a_moment_remembers_no_refusal(
    site: Site, anna: str, monkeypatch: pytest.MonkeyPatch, to: str, status: int, code: str, retry_after: str | None
) -> None:
    """After a write without a response a refusal takes the key for a second.

    Within it a retry is refused again, with its own Retry-After; another use of the key is no conflict.
    """
    for number in range(9):
        assert send(site, anna, f"n{number}").status == 200

    def unanswered(_: Table, __: Writes) -> None:
        assert send(site, anna, "tenth").status == 200
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        at_write(patch, unanswered)
        assert send(site, anna, "k").headers["Retry-After"] == "60"
    began = site.world.now_ms()
    again = send(site, anna, "k", to)
    assert site.world.now_ms() - began <= 2 * FORESTALLED_MS
    assert (again.status, again.json["code"], again.headers.get("Retry-After")) == (status, code, retry_after)
    assert KEY not in again.headers
