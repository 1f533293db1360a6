"""Requests about invites over HTTP, for tests."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import BASE, Site
from tests.api.http import Answer, request

DAY = 86_400


def make(site: Site, key: str, **options: Any) -> dict[str, Any]:
    answer = site.post("/invite", options, key)
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
