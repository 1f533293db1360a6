"""Tests of invites over HTTP: made, shown, rotated, revoked."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.api.request import convert
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.services.invites.create_invite import InviteRequest
from tests.api.conftest import Site
from tests.api.invites.invite_desk import DAY, listed, make, outcome, redeem, revoke


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
    assert (f"INVITE_TOKEN#{sha256(token.encode()).hexdigest()}", "TOKEN") in rows
    assert "anna" not in repr([row for (pk, _), row in rows.items() if pk.startswith("INVITE")])


def test_an_invite_without_a_body_has_the_defaults(site: Site, anna: str) -> None:
    assert site.post("/invite", None, anna).json["uses"] == 10
    assert site.post("/invite", "", anna).status == 201
    assert site.post("/invite/redeem", None, anna).status == 400


@pytest.mark.parametrize("options", [{"uses": 1, "days": 1}, {"uses": 1000, "days": 365}])
def test_the_smallest_and_largest_options(site: Site, anna: str, options: dict[str, int]) -> None:
    made = make(site, anna, **options)
    assert made["uses"] == options["uses"]
    site.world.sleep(options["days"] * DAY - 1)
    assert len(listed(site, anna)) == 1
    site.world.sleep(1)
    assert listed(site, anna) == []


@pytest.mark.parametrize("value", [0, -1, 1001, 1.5, 1e300, "5", True, None, 10**30])
@pytest.mark.parametrize("name", ["uses", "days"])
def test_options_out_of_range_are_refused(site: Site, anna: str, name: str, value: Any) -> None:
    answer = site.post("/invite", {name: value}, anna)
    assert answer.status == 400
    assert name in answer.json["error"]
    assert listed(site, anna) == []


def test_no_more_than_365_days_and_nothing_else(site: Site, anna: str) -> None:
    assert site.post("/invite", {"days": 366}, anna).status == 400
    assert site.post("/invite", {"code": "A3K9-X7M2"}, anna).status == 400
    with pytest.raises(InvalidRequest):
        convert({"uses": float("nan")}, InviteRequest)


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
    left = [
        pk for pk, _ in site.world.dynamodb.tables["laurel-sim"].rows if pk.startswith(("INVITE#", "INVITE_TOKEN#"))
    ]
    assert left == []


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
    # An invite that is revoked to make room is revoked like any other.
    assert revoke(site, anna, made[1]["code"]).status == 200


def test_a_code_that_is_taken_is_not_taken_again(site: Site, anna: str, bob: str) -> None:
    """Both invites get the same random ids: two for the token, then one for the code."""
    numbers = iter("1253456")
    site.context.new_id = lambda: next(numbers) * 32
    first, second = make(site, anna), make(site, bob)
    assert first["code"] != second["code"]
    assert [each["code"] for each in listed(site, anna) + listed(site, bob)] == [first["code"], second["code"]]


def test_an_invite_is_read_by_its_code(site: Site, anna: str) -> None:
    first, _ = make(site, anna), make(site, anna)
    answer = site.get(f"/invite?code={first['code'].lower()}", anna)
    assert [each["code"] for each in answer.json["invites"]] == [first["code"]]
    assert outcome(site.get("/invite?code=A3K9-X7M2", anna)) == (404, "unknown_invite")
    assert outcome(site.get("/invite?code=x", anna)) == (404, "unknown_invite")
