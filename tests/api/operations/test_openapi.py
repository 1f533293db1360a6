from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chalicelib.api.app import app
from chalicelib.api.operation import JSON
from chalicelib.api.registry import OPERATIONS
from tests.api.conftest import BASE, Site, request_event
from tests.api.http import request
from tests.api.rewards.shop import MUG

pytestmark = pytest.mark.usefixtures("api_documents")


@pytest.fixture
def document(site: Site) -> Any:
    answer = site.get("/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json


def test_the_document_is_openapi_3_1(document: Any) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_in_it_and_nothing_else(document: Any) -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    heads = {(path, "head") for path, methods in app.routes.items() if "HEAD" in methods}
    assert routes == described | heads
    assert len(routes) == len(OPERATIONS) + len(heads)


def test_every_operation_documents_its_permissions_and_errors(document: Any) -> None:
    by_name = {operation.name: operation for operation in OPERATIONS}
    assert len(by_name) == len(OPERATIONS)
    for methods in document["paths"].values():
        for described in methods.values():
            operation = by_name[described["operationId"]]
            assert described["x-rate-class"] == operation.rate_class
            assert bool(operation.permission) == (described["security"] == [{"apiKey": []}, {"bearer": []}])
            if operation.permission:
                assert {"401", "403"} <= set(described["responses"])
                assert f"`{operation.permission}`" in described["description"]
            if operation.body:
                assert {"400", "413", "415"} <= set(described["responses"])


def test_idempotent_operations_document_the_replay_header(document: Any) -> None:
    keyed = [
        each for each in OPERATIONS if any("idempotency_key" in kind.__struct_fields__ for kind in each.body_types)
    ]
    for operation in keyed:
        described = document["paths"][operation.path][operation.method.lower()]
        # A queued request is not yet known to be a replay.
        if operation.status != 202:
            assert "Idempotency-Replayed" in described["responses"][str(operation.status)]["headers"]
    assert len(keyed) >= 4


def test_alternative_members_are_documented(document: Any) -> None:
    """A body is valid by the document exactly if the API accepts it."""
    sent = {
        "RedeemInvite": [
            ({}, False),
            ({"code": "x"}, True),
            ({"token": "x"}, True),
            ({"code": "x", "token": "x"}, False),
        ],
        "AwardRequest": [({}, False), ({"player": "a"}, True), ({"username": "a"}, True), ({"player": ".."}, False)],
    }
    schemas = document["components"]["schemas"]
    for name, bodies in sent.items():
        for body, valid in bodies:
            whole = body | ({"points": 1, "reason": "r"} if name == "AwardRequest" else {})
            checker = Draft202012Validator(schemas[name] | {"components": document["components"]})
            assert checker.is_valid(whole) is valid, (name, body)
    for value in (250, 250.0):
        assert Draft202012Validator(schemas["InviteRequest"]).is_valid({"uses": value})


def test_a_required_parameter_is_documented(site: Site, document: Any) -> None:
    (code,) = document["paths"][f"{BASE}/invite"]["delete"]["parameters"]
    assert (code["required"], code["schema"]["minLength"], "default" in code["schema"]) == (True, 1, False)
    assert "allowEmptyValue" not in code
    (earned,) = document["paths"][f"{BASE}/badges"]["get"]["parameters"]
    assert earned["allowEmptyValue"] is True


def test_responses_are_valid_by_the_document(site: Site, document: Any) -> None:
    key = site.key("anna", "admin")
    site.post("/events", request_event("anna", "1"), key)
    site.work()
    request("PUT", f"{BASE}/admin/rewards/mug", key=key, body=MUG)
    # A week ends, so that there is an archive.
    site.world.sleep(7 * 86_400)
    site.close_boards()
    for operation in OPERATIONS:
        if operation.method != "GET" or operation.media != JSON or not operation.answer:
            continue
        answer = request("GET", operation.path.replace("{player}", "anna").replace("{reward}", "mug"), key=key).json
        schema = document["components"]["schemas"][operation.answer_type.__name__]
        assert set(answer) <= set(schema["properties"])
        assert set(schema.get("required", [])) <= set(answer)
        msgspec.convert(answer, operation.answer_type)


class Reader(HTMLParser):
    """Collector of a page's references, which checks that its tags are balanced."""

    void = ("meta", "br", "link", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        values = dict(attributes)
        self.tags.add(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src") if name in values]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_refers_to_nothing_outside(site: Site, document: Any) -> None:
    answer = site.get("/docs")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    page = Reader()
    page.feed(answer.text)
    assert not page.open
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for path in document["paths"]:
        assert path in answer.text
    assert not re.search(r"https?://", answer.text)
    assert site.get("/docs", If_None_Match=answer.headers["ETag"]).status == 304
