from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.api.app import app
from chalicelib.api.http import RETRY_AFTER_S, refusal
from chalicelib.api.registry import OPERATIONS
from chalicelib.api.request import DEADLINE_MS
from chalicelib.services.context import AFTER_COMMIT_MS
from chalicelib.store.core.table import Busy, StoreError
from infra.settings import FUNCTIONS
from tests.api.conftest import BASE, RETRY_AFTER, Site, request_event
from tests.api.http import EVENT, event_of, invoke, request

# Five seconds are far more than a cold start takes.
COLD_START_MS = 5_000


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.fixture
def writer(site: Site) -> str:
    return site.key("gateway", "events:write", "awards:grant")


def test_etag(site: Site) -> None:
    key = site.key("anna")
    for path, sent, cache in (("/leaderboard", "", "public, max-age=3"), ("/profile", key, "private, no-cache")):
        first = site.get(path, sent)
        tag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == cache
        assert first.headers["Vary"] == "Accept-Encoding, Authorization, X-API-Key"
        assert site.get(path, sent).headers["ETag"] == tag
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            unchanged = site.get(path, sent, If_None_Match=known)
            assert unchanged.headers["X-Content-Type-Options"] == "nosniff"
            assert (unchanged.status, unchanged.text, unchanged.headers["ETag"]) == (304, "", tag)
            assert unchanged.headers["Cache-Control"] == cache
        assert site.get(path, sent, If_None_Match='"other"').status == 200
    tag = site.get("/leaderboard").headers["ETag"]
    site.put_on_board("anna", 5)
    assert site.get("/leaderboard", If_None_Match=tag).status == 200
    assert site.get("/leaderboard", key).headers["Cache-Control"] == "private, no-cache"


def test_headers_of_every_answer(site: Site, writer: str) -> None:
    answers = [
        site.get("/status"),
        site.get("/profile"),
        site.get("/log?limit=0", writer),
        site.get("/players/nobody", writer),
        site.post("/events", "x" * 2_000_000, writer),
        site.post("/admin/badges/x/grant", {}, writer),
        request("DELETE", f"{BASE}/profile"),
        invoke(EVENT | {"requestContext": EVENT["requestContext"] | {"resourcePath": "/none", "httpMethod": "GET"}}),
    ]
    assert [answer.status for answer in answers] == [200, 401, 400, 404, 413, 403, 405, 404]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.status != 200:
            assert {"error", "code"} <= set(answer.json)
            assert answer.headers["Cache-Control"] == "no-store"
    assert answers[6].headers["Allow"] == "GET, PATCH"


def test_preflight(site: Site) -> None:
    answer = request("OPTIONS", f"{BASE}/events")
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Api-Key" in answer.headers["Access-Control-Allow-Headers"]
    for path, methods in app.routes.items():
        assert all(route.cors is not None for route in methods.values()), path


def test_a_body_has_a_maximum_size(site: Site, writer: str) -> None:
    answer = site.post("/events", json.dumps([request_event("anna", "1", note="x" * (1024 * 1024))]), writer)
    assert (answer.status, answer.json["code"], answer.json["maximum"]) == (413, "payload_too_large", 1024 * 1024)
    assert site.post("/events", "é" * 600_000, writer).status == 413
    assert site.post("/events", "x" * 1024 * 1024, writer).json["code"] == "not_json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ("NaN", "not_json"),
        ('{"a": Infinity}', "not_json"),
        ('"\ud800"'.encode("utf-8", "surrogatepass").decode("latin-1"), "invalid_request"),
        ("null", "invalid_request"),
        ("[]", "invalid_request"),
        ("5", "invalid_request"),
        ('{"a": 1e400}', "invalid_request"),
        ('{"a": ' + "9" * 5000 + "}", "invalid_request"),
        ("[" * 100_000, "too_deep"),
        ("[" * 21 + "]" * 21, "too_deep"),
        (json.dumps(deep(21)), "too_deep"),
        (json.dumps(deep(20)), "invalid_request"),
    ],
)
def test_a_body_has_a_maximum_depth(site: Site, writer: str, body: str, code: str) -> None:
    answer = site.post("/awards", body, writer)
    assert (answer.status, answer.json["code"]) == (400, code)


def test_a_byte_order_mark_is_skipped(site: Site, writer: str) -> None:
    body = "\ufeff" + json.dumps(request_event("anna", "1"))
    assert site.post("/events", body, writer).json == {"accepted": 1, "ids": ["1"]}
    assert site.post("/events", "\ufeff", writer).json["code"] == "not_json"


def test_a_busy_service_spreads_retry_after() -> None:
    waits = iter([1.0, 2.5, 3.99])
    waited = [refusal(Busy("x"), lambda: int(next(waits))).headers["Retry-After"] for _ in range(3)]
    assert waited == ["1", "2", "3"]
    assert RETRY_AFTER_S == (1, 4)


def test_a_missing_body_is_refused(site: Site, writer: str) -> None:
    answer = request("POST", f"{BASE}/awards", key=writer)
    assert (answer.status, answer.json["code"]) == (400, "not_json")


def test_another_content_type_than_json_is_refused(site: Site, writer: str) -> None:
    event = json.dumps(request_event("anna", "1"))
    answer = site.post("/events", event, writer, Content_Type="text/plain")
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    for media in ("application/json; charset=utf-8", "application/cloudevents+json", "Application/JSON"):
        assert site.post("/events", event, writer, Content_Type=media).status == 202


def test_a_body_in_base64(site: Site, writer: str) -> None:
    body = json.dumps(request_event("anna", "1", note="é"))
    event = event_of("POST", f"{BASE}/events", {"x-api-key": writer}, b64encode(body.encode()).decode())
    assert invoke(event | {"isBase64Encoded": True}).status == 202
    event = event_of("POST", f"{BASE}/events", {"x-api-key": writer}, "x")
    assert invoke(event | {"isBase64Encoded": True}).json["code"] == "invalid_request"


@pytest.mark.parametrize("error", [StoreError("EndpointConnectionError: 10.0.0.7"), Busy("10.0.0.7")])
def test_an_unreachable_store_returns_503(site: Site, writer: str, error: Exception) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    site.context.table._call = broken  # type: ignore[method-assign]
    for answer in (site.get("/profile", writer), site.get("/leaderboard"), site.post("/events", {}, writer)):
        assert (answer.status, answer.json) == (
            503,
            {"error": "The service is busy; try again.", "code": "unavailable"},
        )
        assert answer.headers["Retry-After"] in RETRY_AFTER
    assert site.get("/status").status == 200


def test_a_request_ends_before_api_gateway_gives_up(site: Site, writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table accepts every connection and never responds."""

    def hang(*_: Any) -> Any:
        site.world.sleep(3)
        raise ReadTimeoutError(endpoint_url="http://table")

    monkeypatch.setattr(site.world, "execute", hang)
    for method, path, body in (("GET", "/profile", None), ("POST", "/events", request_event("anna", "1"))):
        began_ms = site.world.now_ms()
        answer = request(method, BASE + path, key=writer, body=body)
        assert (answer.status, answer.json["code"]) == (503, "unavailable")
        assert site.world.now_ms() - began_ms <= DEADLINE_MS


def test_the_deadline_leaves_time_for_a_cold_start_and_for_work_after_a_commit() -> None:
    function = next(each for each in FUNCTIONS if each.name == "api_handler")
    assert function.timeout_s * 1000 >= DEADLINE_MS + AFTER_COMMIT_MS + COLD_START_MS


def test_nothing_of_an_unexpected_error_leaks(site: Site, writer: str) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret in /var/task")

    site.context.table._call = broken  # type: ignore[method-assign]
    answer = site.get("/profile", writer)
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_an_unknown_lambda_event_is_an_internal_error(site: Site) -> None:
    assert invoke({"anything": 1}).json["code"] == "internal"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_headers_are_strings(site: Site, operation: Any) -> None:
    """API Gateway answers 502 to anything else."""
    path = operation.path.replace("{player}", "anna").replace("{badge}", "first-steps")
    answer = request(operation.method, path, key=site.key("anna"), body={} if operation.method == "POST" else None)
    assert all(isinstance(value, str) for value in answer.headers.values())
