"""api.slow_gateways_ms: duration of a transfer over HTTP while SQS and EventBridge hang.

The table is the simulated one, in process. Queue and bus are the clients that `wiring` makes; they call a socket
that never responds, or that accepts no connection.
"""

from __future__ import annotations

import logging
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.observability import logger
from chalicelib.services.context import Context
from chalicelib.services.progress.create_key import create_key
from tests.bench.deployment import Deployment
from tests.bench.economy import RICH, player
from tests.bench.figures import Figure, NotTaken
from tests.economy import gate

NAME = "api.slow_gateways_ms"
TRANSFERS = 5
# A queue of connections as short as this one is full after a few.
BACKLOG, FILLING = 0, 8


def transfers(count: int = TRANSFERS) -> Iterator[Figure]:
    """Measure transfers with connections that get no response, and with connections that are never accepted."""
    # Its log lines are no figures.
    logger.setLevel(logging.CRITICAL)
    for hangs in ("answer", "connection"):
        with _hanging(hangs) as url:
            context = _context(url)
            key = create_key(context, "anna").key
            times = [_transfer_ms(context, key, number) for number in range(count)]
        params = {"hangs": hangs, "transfers": count, "max": round(max(times))}
        yield Figure(NAME, statistics.median(times), "ms", params)


def _transfer_ms(context: Context, key: str, number: int) -> float:
    body = {"to": "bob", "amount": 1, "idempotencyKey": f"key-{number}"}
    with patch.object(wiring, "context", lambda: context):
        began = time.perf_counter()
        given = gate.send("POST", "/transfer", body, key)
        spent_ms = (time.perf_counter() - began) * 1000
    if given.status != 200:
        raise NotTaken(f"the transfer was answered {given}")
    return spent_ms


def _context(url: str) -> Context:
    """Return the context of a deployment on the real clock, with queue and bus at this URL."""
    context = Deployment().context
    began_ms, began = context.now_ms(), time.monotonic()
    context.now_ms = lambda: began_ms + round((time.monotonic() - began) * 1000)
    session = Session()
    session.set_credentials("AKIABENCHBENCHBENCHB", "bench" * 8)
    session.set_config_variable("region", "us-east-1")
    with patch.dict("os.environ", {"AWS_ENDPOINT_URL_SQS": url, "AWS_ENDPOINT_URL_EVENTBRIDGE": url}):
        chosen = settings.read({f"LAUREL_{name.upper()}_QUEUE": f"{url}/1/{name}" for name in settings.QUEUES})
        context.quick = wiring.build(chosen, session).quick
        assert context.quick
        context.quick()
    player(context, "bob")
    player(context, "anna", funds=RICH)
    return context


@contextmanager
def _hanging(what: str) -> Iterator[str]:
    """Yield the URL of a socket that accepts connections and never responds, or whose queue of connections is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128 if what == "answer" else BACKLOG)
        address = server.getsockname()
        filling = [socket.socket() for _ in range(FILLING if what == "connection" else 0)]
        for each in filling:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(address)
        try:
            yield f"http://{address[0]}:{address[1]}"
        finally:
            for each in filling:
                each.close()
