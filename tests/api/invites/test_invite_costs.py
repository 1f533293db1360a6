"""Tests of the cost of invites, of lost responses, and of fifty concurrent redemptions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.core.errors import LaurelError
from chalicelib.services.core.outbox import sweep_outbox
from chalicelib.services.identity.authenticate import Caller, authenticate
from chalicelib.services.invites.create_invite import InviteRequest, create_invite
from chalicelib.services.invites.read_invites import read_invites
from chalicelib.services.invites.redeem_invite import RedeemInvite, redeem_invite
from chalicelib.services.invites.revoke_invite import revoke_invite
from chalicelib.services.invites.rotate_invite import RotateRequest, rotate_invite
from chalicelib.store.core.table import StoreError, Table, Unknown
from tests.api.conftest import Site
from tests.api.invites.invite_desk import listed, make, redeem, revoke


def lose_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    real, writes = site.context.table.transact, list[Any]()

    def lost(_: Any, asked: Any) -> None:
        writes.append(asked)
        real(asked)
        raise Unknown("timeout")

    monkeypatch.setattr(Table, "transact", lost)
    return writes


def test_a_lost_response_makes_no_second_attempt(
    site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(site, anna, uses=1)
    with monkeypatch.context() as patch:
        writes = lose_answers(site, patch)
        assert redeem(site, bob, code=made["code"]).status == 200
        assert make(site, anna)["uses"] == 10
        rotated = site.post("/invite/rotate", {"code": listed(site, anna)[1]["code"]}, anna)
        assert rotated.status == 200
        assert len(listed(site, anna)) == 2
        assert revoke(site, anna, rotated.json["code"]).status == 200
    assert len(writes) == 4
    assert len(site.events("own")) == 1
    assert len(listed(site, anna)) == 1


def test_the_sweep_sends_unsent_messages_once(site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(site, anna)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.context.queues), "send", lambda *_: (_ for _ in ()).throw(StoreError("down")))
        assert redeem(site, bob, code=made["code"]).status == 200
    site.world.sleep(31)
    assert sweep_outbox(site.context).sent == 1
    site.work()
    assert site.get("/profile", anna).json["counters"]["referral"] == 1


def test_cost_of_each_operation(site: Site, anna: str, bob: str) -> None:
    """Round trips, read and write units. The key was read before; the outbox row is removed after the response."""
    caller, other, meter = authenticate(site.context, anna), authenticate(site.context, bob), site.world.dynamodb.meter
    meter.recording = True

    def cost(act: Callable[[], Any]) -> list[tuple[str, float, float]]:
        meter.reset()
        cost.result = act()  # type: ignore[attr-defined]
        return [(each.operation, each.read, each.write) for each in meter.records]

    get, batch, write = "GetItem", "BatchGetItem", "TransactWriteItems"
    assert cost(lambda: create_invite(site.context, caller, InviteRequest())) == [(get, 1, 0), (write, 0, 6)]
    first = cost.result  # type: ignore[attr-defined]
    second = create_invite(site.context, caller, InviteRequest())
    assert cost(lambda: read_invites(site.context, caller)) == [(get, 1, 0), (batch, 2, 0)]
    rotated = cost(lambda: rotate_invite(site.context, caller, RotateRequest(second.code)))
    assert rotated == [(get, 1, 0), (write, 0, 6)]
    redeemed = cost(lambda: redeem_invite(site.context, other, RedeemInvite(code=first.code)))
    assert redeemed == [(batch, 2, 0), (batch, 2, 0), (write, 0, 8), ("DeleteItem", 0, 1)]
    written = [next(iter(each.values())) for each in meter.records[2].request["TransactItems"]]
    kinds = [(each.get("Item") or each["Key"])["pk"]["S"].split("#")[0] for each in written]
    assert kinds == ["INVITE", "REFERRAL", "ATTEMPTS", "OUTBOX"]
    third = authenticate(site.context, site.key("cleo"))
    redeemed = cost(lambda: redeem_invite(site.context, third, RedeemInvite(token=first.token)))
    assert redeemed == [(batch, 2, 0), (batch, 3, 0), (write, 0, 8), ("DeleteItem", 0, 1)]
    revoked = cost(lambda: revoke_invite(site.context, caller, first.code))
    assert revoked == [(batch, 2, 0), (write, 0, 6)]


def test_the_list_of_twenty_is_one_unit_of_a_write(site: Site, anna: str) -> None:
    for _ in range(20):
        make(site, anna)
    rows = site.world.dynamodb.tables["laurel-sim"].rows
    (item,) = (row for (pk, _), row in rows.items() if pk.startswith("INVITES#"))
    assert len(json.dumps(getattr(item, "item", item), default=str)) < 1024


def test_fifty_redeem_ten_uses(site: Site, anna: str) -> None:
    code = make(site, anna)["code"]
    callers = [authenticate(site.context, site.key(f"p{number}")) for number in range(50)]

    def use(caller: Caller) -> str:
        try:
            redeem_invite(site.context, caller, RedeemInvite(code=code))
        except LaurelError as refusal:
            return refusal.code
        return "ok"

    actors = [site.world.spawn(f"p{number}", use, caller) for number, caller in enumerate(callers)]
    site.world.run()
    assert Counter(actor.result for actor in actors) == {"ok": 10, "invite_used_up": 40}
    outcomes = Counter(how for _, _, what, _, how in site.world.trace if what == "TransactWriteItems")
    assert sum(outcomes.values()) > outcomes["ok"] >= 10
    site.work()
    assert site.get("/profile", anna).json["counters"]["referral"] == 10
    assert [each["used"] for each in listed(site, anna)] == [10]


def test_a_late_write_is_not_taken_for_another_redemption(
    site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write without a response lands between two reads: the request recognizes it as its own."""
    made = make(site, anna, uses=1)
    real_write, real_read, late, reads = Table.transact, Table.get_many, list[Any](), list[int]()

    def unanswered(table: Table, writes: Any) -> None:
        if late:
            return real_write(table, writes)
        late.append(writes)
        raise Unknown("timeout")

    def read(table: Table, keys: Any, *, strong: bool = True) -> Any:
        reads.append(len(keys))
        # The four reads of a request: two of the first attempt, its own write, the requested rows.
        if len(reads) == 4:
            real_write(table, late[0])
        return real_read(table, keys, strong=strong)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", unanswered)
        patch.setattr(Table, "get_many", read)
        assert redeem(site, bob, code=made["code"]).status == 200
    assert len(site.events("own")) == 1
    assert not [pk for pk, _ in site.world.dynamodb.tables["laurel-sim"].rows if pk.startswith("ATTEMPTS#")]


def test_the_last_use_by_an_equal_request_is_already_redeemed(
    site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two equal requests run at once: a batch read finds the pair before the other's commit, the invite after it."""
    made = make(site, anna, uses=1)
    real, first = Table.get_many, list[int]()

    def torn(table: Table, keys: Any, *, strong: bool = True) -> Any:
        pairs = [key for key in keys if key[0].startswith("REFERRAL#")]
        if not pairs or first:
            return real(table, keys, strong=strong)
        first.append(0)
        before = real(table, pairs)
        first[0] = redeem(site, bob, token=made["token"]).status
        return before | real(table, [key for key in keys if key not in pairs])

    monkeypatch.setattr(Table, "get_many", torn)
    second = redeem(site, bob, token=made["token"])
    assert first == [200]
    assert (second.status, second.json["code"]) == (409, "already_redeemed")


def use_before_the_next_write(site: Site, key: str, code: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Redeem an invite just before the next write. Return the list that then holds the status."""
    real, statuses = Table.transact, list[int]()

    def transact(table: Table, writes: Any) -> None:
        if not statuses:
            statuses.append(0)
            statuses[0] = redeem(site, key, code=code).status
        real(table, writes)

    monkeypatch.setattr(Table, "transact", transact)
    return statuses


def test_an_invite_used_up_meanwhile_gets_no_token(
    site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(site, anna, uses=1)
    first = use_before_the_next_write(site, bob, made["code"], monkeypatch)
    rotated = site.post("/invite/rotate", {"code": made["code"]}, anna)
    assert (first, rotated.status, rotated.json["code"]) == ([200], 410, "invite_used_up")


def test_a_rotation_shows_a_concurrent_use(site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(site, anna, uses=2)
    first = use_before_the_next_write(site, bob, made["code"], monkeypatch)
    rotated = site.post("/invite/rotate", {"code": made["code"]}, anna)
    assert (first, rotated.status, rotated.json["used"]) == ([200], 200, 1)
    assert redeem(site, site.key("cleo"), token=made["token"]).json["code"] == "unknown_invite"
    assert redeem(site, site.key("cleo"), token=rotated.json["token"]).status == 200
