from __future__ import annotations

from typing import Any

import pytest

from chalicelib.api.registry import OPERATIONS
from chalicelib.services.identity import authenticate
from chalicelib.store.core.table import Busy
from tests.api.conftest import Site, request_event
from tests.api.http import request

BODIES: dict[str, Any] = {
    "send_events": [request_event("anna", "1")],
    "grant_award": {"player": "anna", "points": 5, "reason": "test"},
    "grant_badge": {"player": "anna"},
    "revoke_badge": {"player": "anna"},
    "change_own_profile": {"private": True},
    "grant_tokens": {"player": "bob", "asset": "tokens", "amount": 5, "reason": "test", "idempotencyKey": "k1"},
    "correct_transfer": {"transferId": "0" * 37},
    "put_reward": {"name": "Mug", "description": "A mug.", "cost": 5, "asset": "coins", "type": "goods"},
    "redeem_reward": {"idempotencyKey": "k1"},
    "place_hold": {"amount": 5, "asset": "tokens", "idempotencyKey": "k1"},
    "post_hold": {},
    "create_invite": {},
    "rotate_invite": {"code": "A3K9-X7M2"},
    "redeem_invite": {"code": "A3K9-X7M2"},
    "transfer_tokens": {"to": "bob", "amount": 5, "idempotencyKey": "k1"},
}
# Statuses of requests that are authorized but name a missing thing.
NOT_THERE: dict[str, int] = {
    "correct_transfer": 404,
    "post_hold": 404,
    "void_hold": 404,
    "show_reward": 404,
    "redeem_reward": 404,
    "retire_reward": 404,
    "fulfil_redemption": 404,
    "cancel_redemption": 404,
    "refund_redemption": 404,
    "rotate_invite": 404,
    "redeem_invite": 404,
    "revoke_invite": 400,
}
WRONG = "laurel_01234567_0123456789abcdef0123456789abcdef"
KEYED = [operation for operation in OPERATIONS if operation.permission]
OPEN = [operation for operation in OPERATIONS if not operation.permission]


def call(operation: Any, key: str = "", headers: dict[str, str] | None = None) -> Any:
    path = operation.path.replace("{player}", "anna").replace("{badge}", "first-steps").replace("{reward}", "mug")
    return request(operation.method, path, key=key, body=BODIES.get(operation.name), headers=headers)


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
def test_missing_wrong_and_revoked_keys_get_the_same_answer(site: Site, operation: Any) -> None:
    site.key("anna")
    answers = [call(operation), call(operation, WRONG), call(operation, "nonsense"), call(operation, WRONG + "\n")]
    answers.append(call(operation, headers={"Authorization": f"Bearer {WRONG}"}))
    answers.append(call(operation, headers={"Authorization": "Basic YTpi"}))
    assert {answer.status for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json["code"] == "unauthenticated"
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", KEYED, ids=lambda operation: operation.name)
@pytest.mark.parametrize("permission", ["player", "events:write", "awards:grant", "admin"])
def test_operations_allowed_by_each_permission(site: Site, operation: Any, permission: str) -> None:
    """The operations that a key of each permission may call. A holder of any key is a player; an admin may call all."""
    key = site.key("anna", permission)
    site.key("bob")
    site.fund("anna", 100)
    answer = call(operation, key)
    if operation.permission in ("player", permission) or permission == "admin":
        assert answer.status == NOT_THERE.get(operation.name, operation.status)
    else:
        assert answer.status == 403
        assert answer.json == {
            "error": f"The key lacks the permission '{operation.permission}'.",
            "code": "forbidden",
            "permission": operation.permission,
        }


@pytest.mark.usefixtures("api_documents")
@pytest.mark.parametrize("operation", OPEN, ids=lambda operation: operation.name)
def test_public_operations_need_no_key(site: Site, operation: Any) -> None:
    nothing_yet = operation.name == "show_archive"  # no period has ended in this world
    assert call(operation).status == (404 if nothing_yet else 200)


def test_a_key_as_a_bearer_token(site: Site) -> None:
    key = site.key("anna")
    assert site.get("/profile", Authorization=f"Bearer {key}").json["id"] == "anna"
    assert site.get("/profile", authorization=f"bearer  {key}").status == 200
    assert site.get("/profile", key, Authorization=f"Bearer {WRONG}").status == 200


def test_a_wrong_key_is_refused_by_public_operations_too(site: Site) -> None:
    assert site.get("/leaderboard", WRONG).status == 401
    assert site.get("/status", WRONG).status == 200


def test_a_failed_note_of_the_day_of_use_refuses_no_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    key = site.key("anna")

    def busy(*_: object) -> None:
        raise Busy("throttled")

    monkeypatch.setattr(authenticate, "mark_used", busy)
    assert site.get("/profile", key).status == 200


def test_two_requests_note_the_same_day(site: Site) -> None:
    """The second request loses the race and succeeds nevertheless."""
    key = site.key("anna")
    actors = [site.world.spawn(f"reader-{n}", authenticate.authenticate, site.context, key) for n in range(4)]
    site.work()
    assert [actor.result.player for actor in actors] == ["anna"] * 4
