"""Tests of the delivery of the documents, and of HEAD."""

from __future__ import annotations

import gzip
import json
import re

import msgspec
import pytest

from chalicelib.api.operation import Auth, Operation
from chalicelib.api.registry import OPERATIONS
from infra import gateway
from infra.openapi.document import ABOUT, document_json
from infra.openapi.page import STYLE, page
from infra.settings import API_STAGE, Build
from tests.api.conftest import BASE, Site
from tests.api.http import request
from tests.sentences import faults

pytestmark = pytest.mark.usefixtures("api_documents")
PUBLIC = [operation for operation in OPERATIONS if operation.method == "GET" and operation.auth is not Auth.KEY]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_the_documents_are_cached_for_five_minutes_and_revalidated(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Vary"] == "Accept-Encoding"
    tag = answer.headers["ETag"]
    assert tag.startswith('"')
    again = site.get(path, If_None_Match=tag)
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
    assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]


def test_the_gateway_compresses_the_documents() -> None:
    """Bytes over the network: a limit for each, which the gateway's gzip keeps."""
    assert gateway.rest_api(Build("prod", "aws"))["MinimumCompressionSize"] == 1024
    for text, plain, compressed in ((document_json(), 140_000, 20_000), (page(), 260_000, 25_000)):
        size = len(text.encode())
        assert 1024 < size < plain
        assert len(gzip.compress(text.encode(), 6)) < compressed


def test_the_gateway_refuses_in_the_form_and_style_of_the_api() -> None:
    responses = gateway.refusals(Build("prod", "aws"))
    assert set(responses) == set(gateway.REFUSALS)
    for kind, response in responses.items():
        text = response["responseTemplates"]["application/json"]
        error = json.loads(text)
        assert text == msgspec.json.encode(error).decode(), kind
        assert list(error) == ["error", "code"]
        assert faults(error["error"]) == (), kind


@pytest.mark.parametrize("operation", PUBLIC, ids=lambda operation: operation.name)
def test_head_has_the_headers_of_get_and_no_body(site: Site, operation: Operation) -> None:
    site.put_on_board("anna", 5, "weekly#2026-W20")
    path = operation.path
    got, head = (request(method, path) for method in ("GET", "HEAD"))
    assert head.text == ""
    assert (head.status, head.headers) == (got.status, got.headers)
    if got.status == 200:
        assert got.text
    tag = got.headers.get("ETag")
    if tag:
        assert request("HEAD", path, headers={"If-None-Match": tag}).status == 304


def test_only_reads_without_a_key_have_head(site: Site) -> None:
    assert {each.name for each in PUBLIC} == {
        "read_leaderboard",
        "show_archive",
        "follow_leaderboard",
        "read_status",
        "read_health",
        "read_openapi",
        "read_docs",
    }
    assert "Reads that need no key also have HEAD. Any other method is 404" in ABOUT
    answer = request("HEAD", f"{BASE}/profile", key=site.key("anna"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, PATCH")


def test_descriptions_have_no_indentation_of_the_code() -> None:
    assert "\\n    " not in document_json()


def test_on_a_phone_the_menu_follows_the_text() -> None:
    narrow = STYLE.read_text("utf-8").partition("@media (max-width: 48rem)")[2]
    orders = dict(re.findall(r"(nav|main) \{ order: (\d)", narrow))
    assert int(orders["main"]) < int(orders["nav"])
    assert '<nav id="menu">' in page()
    assert '<a href="#menu">' in page()


def test_the_page_shows_whole_paths() -> None:
    assert f"<code><small>/{API_STAGE}</small>{BASE}/rank</code>" in page()
