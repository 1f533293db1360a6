"""The API's own description: a document for machines, a page for people. Made when first asked for."""

from __future__ import annotations

from typing import Any

from chalice.app import Response

from chalicelib.api.blueprint import Blueprint, cached
from chalicelib.api.request import Call

docs = Blueprint(__name__)


@docs.route("/openapi.json", tag="service", summary="This API as OpenAPI 3.1", answer=dict[str, Any], errors=())
def read_openapi(call: Call) -> Response:
    from chalicelib.api.operations.openapi import document_json

    return cached(call, document_json(), {"Content-Type": "application/json"})


@docs.route("/docs", tag="service", summary="This API as a page to read", answer=str, media="text/html")
def read_docs(call: Call) -> Response:
    from chalicelib.api.operations.page import page, policy

    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy()}
    return cached(call, page(), headers)
