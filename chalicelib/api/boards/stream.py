"""The top 10 of a board as a server-sent event."""

from __future__ import annotations

import msgspec
from chalice.app import Response

from chalicelib.api.boards.leaderboards import EVENT_STREAM, LAST_EVENT_ID, RETRY_MS
from chalicelib.api.http import PUBLIC_CACHE, Headers, digest
from chalicelib.api.request import Call
from chalicelib.domain.core.errors import LostRace, OutOfReach


def respond(call: Call) -> Response:
    """Return one event, or a comment if the last one that the browser got says the same."""
    try:
        top = call.run()
    except (OutOfReach, LostRace):
        # Any status but 200 makes a browser close its EventSource.
        return _stream(": busy", "no-store")
    data = msgspec.json.encode(top).decode()
    event_id = digest(data)
    if call.header(LAST_EVENT_ID) == event_id:
        return _stream(": unchanged", PUBLIC_CACHE)
    return _stream(f"id: {event_id}\ndata: {data}", PUBLIC_CACHE)


def _stream(lines: str, cache: str) -> Response:
    vary = f"Accept-Encoding, {LAST_EVENT_ID}"
    headers: Headers = {"Content-Type": EVENT_STREAM, "Cache-Control": cache, "Vary": vary}
    return Response(f"retry: {RETRY_MS}\n{lines}\n\n", headers, 200)
