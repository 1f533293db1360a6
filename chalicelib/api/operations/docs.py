"""Serves the API's description: a document for machines, a page for people. Packaging writes both as files."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from chalice.app import Response

from chalicelib.api.http import Headers, cached
from chalicelib.api.operation import JSON
from chalicelib.api.request import Call

# Only a package has this folder.
ASSETS = "api/assets"
FOLDER = Path(__file__).parents[2] / ASSETS
DOCUMENT, PAGE = "openapi.json", "docs.html"
# The files change with deployments only: five minutes after one, all readers have the new files.
CACHE = "public, max-age=300"
# API Gateway compresses them for callers that accept it.
VARY = {"Vary": "Accept-Encoding"}


def read_openapi(call: Call) -> Response:
    """Return the OpenAPI document."""
    return cached(call, text(FOLDER / DOCUMENT), {"Content-Type": JSON, **VARY}, CACHE)


def read_docs(call: Call) -> Response:
    """Return the page."""
    page = text(FOLDER / PAGE)
    headers: Headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy(page), **VARY}
    return cached(call, page, headers, CACHE)


@cache
def text(file: Path) -> str:
    """Return the text of a file."""
    return file.read_text("utf-8")


@cache
def policy(page: str) -> str:
    """Return a Content-Security-Policy that allows the page's own style and nothing else."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
