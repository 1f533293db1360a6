"""Tests of the limit of ten failed attempts to redeem a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.core.errors import ErrorKind, LaurelError
from chalicelib.services.identity.authenticate import authenticate
from chalicelib.services.invites.redeem_invite import RedeemInvite, redeem_invite
from chalicelib.store.core.table import StoreError, Table
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.api.invites.invite_desk import DAY, make, outcome, redeem


def failing(site: Site, anna: str, bob: str) -> list[Callable[[], Answer]]:
    """Return requests that fail, one for each reason that counts as an attempt."""
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


def test_only_ten_of_many_concurrent_guesses_get_an_outcome(site: Site, bob: str) -> None:
    caller = authenticate(site.context, bob)

    def guess() -> ErrorKind:
        with pytest.raises(LaurelError) as refused:
            redeem_invite(site.context, caller, RedeemInvite(code="AAAA-AAAA"))
        return refused.value.kind

    actors = [site.world.spawn(f"guess-{number}", guess) for number in range(30)]
    site.world.run()
    assert sorted(actor.result for actor in actors) == [ErrorKind.NOT_FOUND] * 10 + [ErrorKind.RATE_LIMITED] * 20


def test_an_attempt_that_cannot_be_counted_gets_no_outcome(
    site: Site, bob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> None:
        raise StoreError("down")

    monkeypatch.setattr(Table, "apply", down)
    assert redeem(site, bob, code="AAAA-AAAA").status == 503
