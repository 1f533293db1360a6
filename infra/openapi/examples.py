"""Examples of requests, answers and errors, recorded from the running code by `make docs`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")


@cache
def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def of_request(operation: str) -> dict[str, Any]:
    """Return the examples of an operation's body, as a media type has them."""
    bodies = _recorded()["operations"].get(operation, {}).get("requests", [])
    if len(bodies) < 2:
        return {"example": bodies[0]} if bodies else {}
    return {"examples": {f"body{number}": {"value": body} for number, body in enumerate(bodies, 1)}}


def of_answer(operation: str) -> dict[str, Any]:
    """Return the example of an operation's answer, as a media type has it."""
    found = _recorded()["operations"].get(operation, {})
    return {"example": found["response"]} if found else {}


def of_error(status: int) -> dict[str, Any]:
    """Return the example of an error, as a media type has it."""
    return {"example": _recorded()["errors"][str(status)]}


def of_media(media: dict[str, Any]) -> list[Any]:
    """Return the examples of a media type."""
    return [media["example"]] if "example" in media else [each["value"] for each in media.get("examples", {}).values()]


def texts(media: dict[str, Any], *, indent: int) -> list[str]:
    """Return the examples of a media type as texts."""
    return [
        each if isinstance(each, str) else json.dumps(each, indent=indent, ensure_ascii=False)
        for each in of_media(media)
    ]
