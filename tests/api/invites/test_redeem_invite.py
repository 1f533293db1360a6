"""Tests of POST /invite/redeem: its responses and effects."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.identity.owners import find_owner
from chalicelib.services.outbox_messages import messages_of
from chalicelib.store.core.table import Table
from tests.api.conftest import Site
from tests.api.invites.invite_desk import DAY, listed, make, outcome, redeem, revoke


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


def test_the_bus_receives_the_event_under_a_stable_id() -> None:
    facts = {"referrer": "anna", "player": "bob"}
    first, again = (messages_of("r1", 5, "referral", facts) for _ in range(2))
    assert first == again
    (domain_event,) = first.domain_events
    assert (domain_event.type, domain_event.user_id, domain_event.detail) == (
        "invite.redeemed",
        "anna",
        {"referralId": "r1", "by": "bob"},
    )


def test_codes_are_accepted_in_any_spelling_and_so_are_tokens(site: Site, anna: str) -> None:
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
def test_unknown_codes_and_tokens_are_404(site: Site, bob: str, sent: Any) -> None:
    assert outcome(redeem(site, bob, **sent)) == (404, "unknown_invite")


def test_a_player_cannot_redeem_their_own_invite(site: Site, anna: str) -> None:
    made = make(site, anna)
    assert outcome(redeem(site, anna, code=made["code"])) == (400, "own_invite")
    assert outcome(redeem(site, anna, token=made["token"])) == (400, "own_invite")
    assert listed(site, anna)[0]["used"] == 0


def test_a_player_redeems_once_for_each_referrer(site: Site, anna: str, bob: str) -> None:
    first, second, back = make(site, anna), make(site, anna), make(site, bob)
    assert redeem(site, bob, code=first["code"]).status == 200
    for made in (first, second):
        refused = redeem(site, bob, code=made["code"])
        assert outcome(refused) == (409, "already_redeemed")
        assert refused.json["redeemedAt"] == "2026-05-19T12:00:00.000Z"
    assert outcome(redeem(site, anna, token=back["token"])) == (409, "referral_cycle")
    assert {each["code"]: each["used"] for each in listed(site, anna)} == {first["code"]: 1, second["code"]: 0}
    assert listed(site, bob)[0]["used"] == 0


def test_a_player_may_have_several_referrers(site: Site, anna: str, bob: str) -> None:
    cleo = site.key("cleo")
    for key in (anna, cleo):
        assert redeem(site, bob, code=make(site, key)["code"]).status == 200
    assert redeem(site, cleo, code=make(site, anna)["code"]).status == 200


def test_a_used_up_invite_is_refused(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna, uses=1)
    assert redeem(site, bob, code=made["code"]).status == 200
    cleo = site.key("cleo")
    assert outcome(redeem(site, cleo, code=made["code"])) == (410, "invite_used_up")
    assert outcome(redeem(site, cleo, token=made["token"])) == (410, "invite_used_up")
    assert outcome(site.post("/invite/rotate", {"code": made["code"]}, anna)) == (410, "invite_used_up")
    # The player of the last use, who may have lost the response, learns that it was redeemed.
    assert outcome(redeem(site, bob, code=made["code"])) == (409, "already_redeemed")
    assert [(each["used"], each["state"]) for each in listed(site, anna)] == [(1, "used_up")]


def test_an_invite_expires_by_the_clock(site: Site, anna: str, bob: str) -> None:
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
    """The write's condition has the clock: the invite was read a second before."""
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


def test_a_redemption_outlives_the_revocation_of_its_invite(site: Site, anna: str, bob: str) -> None:
    made = make(site, anna)
    redeem(site, bob, code=made["code"])
    revoke(site, anna, made["code"])
    assert outcome(redeem(site, bob, code=make(site, anna)["code"])) == (409, "already_redeemed")


def test_an_invite_of_an_erased_referrer_is_unknown(site: Site, anna: str, bob: str) -> None:
    """An erasure deletes the mapping from public id to player."""
    made = make(site, anna)
    site.context.table.delete((f"PUBLIC#{find_owner(site.context, 'anna').public}", "PLAYER"))
    for sent in ({"code": made["code"]}, {"token": made["token"]}):
        assert outcome(redeem(site, bob, **sent)) == (404, "unknown_invite")
