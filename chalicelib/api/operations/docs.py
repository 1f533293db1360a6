"""The API's own description: a document for machines, a page for people. Each is made by the first request."""

from __future__ import annotations

from chalice.app import Response

from chalicelib.api.http import cached
from chalicelib.api.operation import JSON
from chalicelib.api.operations.openapi import document_json
from chalicelib.api.request import Call


def read_openapi(call: Call) -> Response:
    """Return the OpenAPI document."""
    return cached(call, document_json(), {"Content-Type": JSON})


def read_docs(call: Call) -> Response:
    """Return the page."""
    from chalicelib.api.operations.page import page, policy

    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy()}
    return cached(call, page(), headers)
