"""CloudEvents in binary mode: attributes in `ce-` headers, the data in the body (HTTP protocol binding 1.0.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from chalicelib.domain.core.errors import InvalidRequest

PREFIX = "ce-"
REQUIRED = ("specversion", "id", "type", "source", "subject")
STRUCTURED_TYPES = ("application/cloudevents+json", "application/cloudevents-batch+json")
# Attribute names of CloudEvents: lower-case letters and digits. `data` is no attribute.
_NAME = re.compile(r"[a-z0-9]+")
_ESCAPED = re.compile(r"\\(.)")


def is_binary(headers: Mapping[str, str]) -> bool:
    """Return whether a request is in binary mode. The content type of another mode takes precedence."""
    media = str(headers.get("content-type") or "").partition(";")[0].strip().lower()
    return media not in STRUCTURED_TYPES and any(PREFIX + name in headers for name in REQUIRED)


def binary_event(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Return the event of a request in binary mode, as structured mode sends it. `data`: the body's JSON, or None.

    Raises InvalidRequest if the body is an event of its own, or a header is not text.
    """
    if isinstance(data, list) or (isinstance(data, dict) and ("specversion" in data or "apiKeyId" in data)):
        raise InvalidRequest(
            "The headers 'ce-...' send an event in binary mode, but the body holds events of its own; "
            "send the event's data as body, or leave the headers out.",
            code="ambiguous_form",
        )
    event: dict[str, Any] = {}
    for header, value in headers.items():
        name = header.lower().removeprefix(PREFIX)
        if header.lower().startswith(PREFIX) and _NAME.fullmatch(name) and name != "data":
            event[name] = _decoded(header, value)
    return event if data is None else event | {"data": data}


def _decoded(header: str, value: str) -> str:
    """Return the text of an attribute: without quotes around it, and percent-decoded once."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The header '{header}' is not UTF-8, percent-encoded.", parameter=header) from error
