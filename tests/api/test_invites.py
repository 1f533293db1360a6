"""Invites over HTTP: made, shown, rotated, revoked, redeemed, and what each costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.api.request import convert
from chalicelib.domain.errors import InvalidRequest, LaurelError
from chalicelib.domain.owed import messages_of
from chalicelib.services.accounts import find_owner
from chalicelib.services.authenticate import authenticate
from chalicelib.services.create_invite import InviteRequest, create_invite
from chalicelib.services.read_invites import read_invites
from chalicelib.services.redeem_invite import RedeemInvite, redeem_invite
from chalicelib.services.revoke_invite import revoke_invite
from chalicelib.services.rotate_invite import RotateRequest, rotate_invite
from chalicelib.services.send_owed import sweep_owed
from chalicelib.store.table import StoreError, Table
from tests.api.conftest import BASE, Site
from tests.api.http import Answer, request

DAY = 86_400


@pytest.fixture
def anna(site: Site) -> str:
    return site.key("anna")


@pytest.fixture
def bob(site: Site) -> str:
    return site.key("bob")


def make(site: Site, key: str, **wanted: Any) -> dict[str, Any]:
    answer = site.post("/invite", wanted, key)
    assert answer.status == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def redeem(site: Site, key: str, **sent: Any) -> Answer:
    return site.post("/invite/redeem", sent, key)


def listed(site: Site, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get("/invite", key).json["invites"]
    return found


def revoke(site: Site, key: str, code: str) -> Answer:
    return request("DELETE", f"{BASE}/invite?code={code}", key=key)


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json.get("code", "")


def test_an_invite_as_it_is_made_and_shown(site: Site, anna: str) -> None:
    answer = site.post("/invite", {}, anna)
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    made = answer.json
    assert re.fullmatch(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", made["code"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["token"])
    assert (made["uses"], made["used"]) == (10, 0)
    assert (made["createdAt"], made["expiresAt"]) == ("2026-05-19T12:00:00.000Z", "2026-06-18T12:00:00.000Z")
    token = made.pop("token")
    assert listed(site, anna) == [made | {"state": "open"}]
    rows = site.world.dynamodb.tables["laurel-sim"].rows
    assert token not in repr(rows)
    assert (f"TOKEN#{sha256(token.encode()).hexdigest()}", "TOKEN") in rows
    assert "anna" not in repr([row for (pk, _), row in rows.items() if pk.startswith(("INVITE", "TOKEN"))])


def test_without_a_body_it_is_as_usual(site: Site, anna: str) -> None:
    assert site.post("/invite", None, anna).json["uses"] == 10
    assert site.post("/invite", "", anna).status == 201
    assert site.post("/invite/redeem", None, anna).status == 400


@pytest.mark.parametrize("wanted", [{"uses": 1, "days": 1}, {"uses": 1000, "days": 365}])
def test_the_ends_of_what_may_be_set(site: Site, anna: str, wanted: dict[str, int]) -> None:
    made = make(site, anna, **wanted)
    assert made["uses"] == wanted["uses"]
    site.world.sleep(wanted["days"] * DAY - 1)
    assert len(listed(site, anna)) == 1
    site.world.sleep(1)
    assert listed(site, anna) == []


@pytest.mark.parametrize("value", [0, -1, 1001, 1.5, 5.0, "5", True, None, 10**30])
@pytest.mark.parametrize("name", ["uses", "days"])
def test_what_may_not_be_set(site: Site, anna: str, name: str, value: Any) -> None:
    answer = site.post("/invite", {name: value}, anna)
    assert answer.status == 400
    assert name in answer.json["error"]
    assert listed(site, anna) == []


def test_no_more_than_365_days_and_nothing_else(site: Site, anna: str) -> None:
    assert site.post("/invite", {"days": 366}, anna).status == 400
    assert site.post("/invite", {"code": "A3K9-X7M2"}, anna).status == 400
    with pytest.raises(InvalidRequest):
        convert({"uses": float("nan")}, InviteRequest)


def test_redeeming_pays_the_referrer_once(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna)
    answer = redeem(site, bob, code=made["code"])
    assert answer.status == 200
    anna_id = find_owner(site.context, "anna").public
    assert answer.json == {
        "success": True,
        "referral": {
            "id": answer.json["referral"]["id"],
            "referrer": anna_id,
            "code": made["code"],
            "createdAt": "2026-05-19T12:00:00.000Z",
        },
    }
    (event,) = site.events("own")
    assert (event["type"], event["subject"]) == ("referral.redeemed", "anna")
    before = site.get("/profile", anna).json["xp"]
    site.work()
    profile = site.get("/profile", anna).json
    assert profile["xp"] - before >= 50
    assert profile["counters"]["referral"] == 1
    assert site.get("/profile", bob).json["xp"] == 0
    assert listed(site, anna)[0]["used"] == 1
    assert not [pk for pk, _ in site.world.dynamodb.tables["laurel-sim"].rows if pk.startswith("OUTBOX#")]


def test_the_bus_is_told_under_a_stable_id() -> None:
    facts = {"referrer": "anna", "player": "bob"}
    first, again = (messages_of("r1", 5, "referral", facts) for _ in range(2))
    assert first == again
    (notice,) = first.notices
    assert (notice.type, notice.user_id, notice.detail) == (
        "invite.redeemed",
        "anna",
        {"referralId": "r1", "by": "bob"},
    )


def test_by_code_however_it_is_typed_and_by_token(site: Site, anna: str) -> None:
    made = make(site, anna)
    typed = [made["code"].lower(), made["code"].replace("-", ""), f"  {made['code']} "]
    for number, text in enumerate(typed):
        assert redeem(site, site.key(f"p{number}"), code=text).status == 200
    assert redeem(site, site.key("p9"), token=made["token"]).status == 200
    assert listed(site, anna)[0]["used"] == 4


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"code": "A3K9-X7M2", "token": "t"},
        {"code": None},
        {"code": 5},
        {"token": ["t"]},
        {"code": "A" * 65},
        {"code": "A3K9-X7M2", "extra": 1},
    ],
)
def test_bad_shapes_are_400_and_no_attempt(site: Site, anna: str, bob: str, sent: Any) -> None:
    for _ in range(11):
        assert redeem(site, bob, **sent).status == 400
    assert redeem(site, bob, code=make(site, anna)["code"]).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"code": "A3K9-X7M2"},
        {"code": ""},
        {"code": "hello"},
        {"code": "A3K9-X7M0"},
        {"token": "t"},
        {"token": "A" * 43},
    ],
)
def test_the_unknown(site: Site, bob: str, sent: Any) -> None:
    assert outcome(redeem(site, bob, **sent)) == (404, "unknown_invite")


def test_ones_own(site: Site, anna: str) -> None:
    made = make(site, anna)
    assert outcome(redeem(site, anna, code=made["code"])) == (400, "own_invite")
    assert outcome(redeem(site, anna, token=made["token"])) == (400, "own_invite")
    assert listed(site, anna)[0]["used"] == 0


def test_once_for_each_two_players(site: Site, anna: str, bob: str) -> None:
    first, second, back = make(site, anna), make(site, anna), make(site, bob)
    assert redeem(site, bob, code=first["code"]).status == 200
    for made in (first, second):
        refused = redeem(site, bob, code=made["code"])
        assert outcome(refused) == (409, "already_redeemed")
        assert refused.json["redeemedAt"] == "2026-05-19T12:00:00.000Z"
    assert outcome(redeem(site, anna, token=back["token"])) == (409, "referral_cycle")
    assert {each["code"]: each["used"] for each in listed(site, anna)} == {first["code"]: 1, second["code"]: 0}
    assert listed(site, bob)[0]["used"] == 0


def test_several_referrers(site: Site, anna: str, bob: str) -> None:
    cleo = site.key("cleo")
    for key in (anna, cleo):
        assert redeem(site, bob, code=make(site, key)["code"]).status == 200
    assert redeem(site, cleo, code=make(site, anna)["code"]).status == 200


def test_used_up(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna, uses=1)
    assert redeem(site, bob, code=made["code"]).status == 200
    cleo = site.key("cleo")
    assert outcome(redeem(site, cleo, code=made["code"])) == (410, "invite_used_up")
    assert outcome(redeem(site, cleo, token=made["token"])) == (410, "invite_used_up")
    assert outcome(site.post("/invite/rotate", {"code": made["code"]}, anna)) == (410, "invite_used_up")
    # Who was last, and did not hear so, learns that it was done.
    assert outcome(redeem(site, bob, code=made["code"])) == (409, "already_redeemed")
    assert [(each["used"], each["state"]) for each in listed(site, anna)] == [(1, "used_up")]


def test_expiry_is_by_the_clock_whatever_is_collected(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna, days=1)
    cleo = site.key("cleo")
    site.world.sleep(DAY - 0.001)
    assert redeem(site, bob, token=made["token"]).status == 200
    site.world.sleep(0.001)
    assert outcome(redeem(site, cleo, code=made["code"])) == (410, "invite_expired")
    assert outcome(redeem(site, cleo, token=made["token"])) == (410, "invite_expired")
    assert outcome(site.post("/invite/rotate", {"code": made["code"]}, anna)) == (410, "invite_expired")
    site.world.sleep(365 * DAY - 1)
    assert outcome(redeem(site, cleo, code=made["code"])) == (410, "invite_expired")
    site.world.sleep(1)
    assert outcome(redeem(site, cleo, code=made["code"])) == (404, "unknown_invite")
    assert outcome(redeem(site, cleo, token=made["token"])) == (404, "unknown_invite")


def test_a_write_that_comes_after_the_expiry_fails(
    site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is in the condition: the invite was read a second before."""
    made = make(site, anna, days=1)
    site.world.sleep(DAY - 1)
    real = Table.transact

    def slow(table: Table, writes: Any) -> None:
        site.world.sleep(1)
        for write in writes:
            values = write.get("Update", {}).get("ExpressionAttributeValues", {})
            if ":now" in values:
                values[":now"] = {"N": str(site.world.now_ms())}
        real(table, writes)

    monkeypatch.setattr(Table, "transact", slow)
    assert outcome(redeem(site, bob, code=made["code"])) == (410, "invite_expired")


def test_revoked(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna)
    assert outcome(revoke(site, bob, made["code"])) == (404, "unknown_invite")
    answer = revoke(site, anna, made["code"].lower().replace("-", ""))
    assert (answer.status, answer.json) == (200, {"success": True, "code": made["code"]})
    assert listed(site, anna) == []
    assert outcome(revoke(site, anna, made["code"])) == (404, "unknown_invite")
    assert outcome(revoke(site, anna, "nonsense")) == (404, "unknown_invite")
    assert revoke(site, anna, "").status == 400
    for sent in ({"code": made["code"]}, {"token": made["token"]}):
        assert outcome(redeem(site, bob, **sent)) == (404, "unknown_invite")
    left = [pk for pk, _ in site.world.dynamodb.tables["laurel-sim"].rows if pk.startswith(("INVITE#", "TOKEN#"))]
    assert left == []


def test_who_redeemed_a_revoked_invite_has_done_so(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna)
    redeem(site, bob, code=made["code"])
    revoke(site, anna, made["code"])
    assert outcome(redeem(site, bob, code=make(site, anna)["code"])) == (409, "already_redeemed")


def test_rotated(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna)
    assert outcome(site.post("/invite/rotate", {"code": made["code"]}, bob)) == (404, "unknown_invite")
    answer = site.post("/invite/rotate", {"code": made["code"]}, anna)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json == made | {"token": answer.json["token"]}
    assert answer.json["token"] != made["token"]
    assert outcome(redeem(site, bob, token=made["token"])) == (404, "unknown_invite")
    assert redeem(site, bob, token=answer.json["token"]).status == 200
    assert redeem(site, site.key("cleo"), code=made["code"]).status == 200


def test_twenty_are_open_at_once(site: Site, anna: str, bob: str) -> None:
    made = [make(site, anna, uses=1, days=1 if number == 0 else 2) for number in range(20)]
    refused = site.post("/invite", {}, anna)
    assert (refused.status, refused.json["code"], refused.json["maximum"]) == (409, "too_many_invites", 20)
    redeem(site, bob, code=made[1]["code"])
    assert len(listed(site, anna)) == 20
    make(site, anna, days=1)
    assert made[1]["code"] not in [each["code"] for each in listed(site, anna)]
    assert site.post("/invite", {}, anna).status == 409
    revoke(site, anna, made[2]["code"])
    make(site, anna)
    site.world.sleep(DAY)
    assert len(listed(site, anna)) == 18
    for _ in range(2):
        make(site, anna)
    assert site.post("/invite", {}, anna).status == 409
    # What made room is revoked like any other.
    assert revoke(site, anna, made[1]["code"]).status == 200


def test_a_code_that_is_taken_is_not_taken_again(site: Site, anna: str, bob: str) -> None:
    """Both would get the same one: two ids for the token, then one for the code."""
    numbers = iter("1253456")
    site.context.new_id = lambda: next(numbers) * 32
    first, second = make(site, anna), make(site, bob)
    assert first["code"] != second["code"]
    assert [each["code"] for each in listed(site, anna) + listed(site, bob)] == [first["code"], second["code"]]


def test_one_by_its_code(site: Site, anna: str) -> None:
    first, _ = make(site, anna), make(site, anna)
    answer = site.get(f"/invite?code={first['code'].lower()}", anna)
    assert [each["code"] for each in answer.json["invites"]] == [first["code"]]
    assert outcome(site.get("/invite?code=A3K9-X7M2", anna)) == (404, "unknown_invite")
    assert outcome(site.get("/invite?code=x", anna)) == (404, "unknown_invite")


# Attempts ---------------------------------------------------------------------------------------------------------


def failing(site: Site, anna: str, bob: str) -> list[Callable[[], Answer]]:
    """Each way in which a redeeming fails for what was asked."""
    used, gone, own, back = make(site, anna, uses=1), make(site, anna, days=1), make(site, bob), make(site, anna)
    site.world.sleep(DAY)
    cleo = site.key("cleo")
    redeem(site, cleo, code=used["code"])
    redeem(site, bob, code=make(site, cleo)["code"])
    sent = [
        {"code": "AAAA-AAAA"},
        {"token": "t"},
        {"code": used["code"]},
        {"code": gone["code"]},
        {"code": own["code"]},
    ]
    sent += [{"code": make(site, cleo)["code"]}]
    assert redeem(site, cleo, code=back["code"]).status == 409
    return [lambda body=body: redeem(site, bob, **body) for body in sent]  # type: ignore[misc]


def test_ten_failed_attempts_a_minute(site: Site, anna: str, bob: str) -> None:
    ways, good = failing(site, anna, bob), make(site, anna)
    site.world.sleep(60)
    statuses = [ways[number % len(ways)]().status for number in range(10)]
    assert statuses == [404, 404, 410, 410, 400, 409, 404, 404, 410, 410]
    for sent in ({"code": good["code"]}, {"code": "AAAA-AAAA"}, {"token": good["token"]}):
        refused = redeem(site, bob, **sent)
        assert outcome(refused) == (429, "rate_limited")
        assert refused.json["maximum"] == 10
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert redeem(site, site.key("dora"), code=good["code"]).status == 200
    site.world.sleep(wait)
    assert redeem(site, bob, code=good["code"]).status == 200


def test_successes_do_not_count(site: Site, bob: str) -> None:
    for number in range(9):
        assert redeem(site, bob, code="AAAA-AAAA").status == 404
        assert redeem(site, bob, code=make(site, site.key(f"p{number}"))["code"]).status == 200
    assert redeem(site, bob, code="AAAA-AAAA").status == 404
    assert redeem(site, bob, code="AAAA-AAAA").status == 429


def test_many_guesses_at_once_are_told_of_ten(site: Site, bob: str) -> None:
    caller = authenticate(site.context, bob)

    def guess() -> int:
        with pytest.raises(LaurelError) as refused:
            redeem_invite(site.context, caller, RedeemInvite(code="AAAA-AAAA"))
        return refused.value.status

    actors = [site.world.spawn(f"guess-{number}", guess) for number in range(30)]
    site.world.run()
    assert sorted(actor.result for actor in actors) == [404] * 10 + [429] * 20


def test_what_cannot_be_counted_is_not_told(site: Site, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise StoreError("down")

    monkeypatch.setattr(Table, "update", down)
    assert redeem(site, bob, code="AAAA-AAAA").status == 503


# Lost answers, and what things cost -------------------------------------------------------------------------------


def lose_answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    real, writes = site.context.table.transact, list[Any]()

    def lost(_: Any, asked: Any) -> None:
        writes.append(asked)
        real(asked)
        raise StoreError("timeout")

    monkeypatch.setattr(Table, "transact", lost)
    return writes


def test_a_lost_answer_is_no_second_attempt(site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_was_not_sent_is_swept_once(site: Site, anna: str, bob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(site, anna)
    with monkeypatch.context() as patch:
        patch.setattr(type(site.context.queues), "send", lambda *_: (_ for _ in ()).throw(StoreError("down")))
        assert redeem(site, bob, code=made["code"]).status == 200
    site.world.sleep(31)
    assert sweep_owed(site.context).sent == 1
    site.work()
    assert site.get("/profile", anna).json["counters"]["referral"] == 1


def test_what_each_costs(site: Site, anna: str, bob: str) -> None:
    """Trips, read and write units; who calls was read before, and an outbox row's removal comes after the answer."""
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


def test_an_erased_referrer_invites_nobody(site: Site, anna: str, bob: str) -> None:
    """The mapping is gone: whose invite it is, nobody knows."""
    made = make(site, anna)
    site.context.table.delete((f"PUBLIC#{find_owner(site.context, 'anna').public}", "PLAYER"))
    for sent in ({"code": made["code"]}, {"token": made["token"]}):
        assert outcome(redeem(site, bob, **sent)) == (404, "unknown_invite")
