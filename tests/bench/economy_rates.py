"""transfer.per_s: requests that succeed in a second, over HTTP, on a local stack of the bench's own.

It is an emulator on this machine, whose Lambda workers share its processors with it: nothing here says how fast AWS is.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.transfers import MAX_SENDS
from chalicelib.services.accounts import find_owner
from chalicelib.services.context import Context
from chalicelib.services.create_key import create_key
from chalicelib.store.accounts import load_account
from infra.local.stack import Stack
from tests.bench.economy import mint
from tests.bench.emulated import LABEL, context_of, stack_of_its_own
from tests.bench.figures import Figure, NotTaken

NAMES = ("transfer.per_s",)
CLIENTS = (1, 8)
ACCOUNTS = ("spread", "hot")
REQUESTS = 240
WARM_UP = 24
FUNDS = 1000
TIMEOUT_S = 30


@dataclass(frozen=True)
class Ask:
    """One request: whose key, where to, what."""

    key: str
    path: str
    body: dict[str, Any]


def rates(requests: int = REQUESTS) -> Iterator[Figure]:
    with stack_of_its_own() as stack:
        context = context_of(stack)
        _rate(stack, max(CLIENTS), _transfers(context, "warm-up", "spread", WARM_UP))
        for accounts in ACCOUNTS:
            for clients in CLIENTS:
                name = f"{accounts}-{clients}"
                rate = _rate(stack, clients, _transfers(context, name, accounts, requests))
                _check(context, name, requests)
                params = {"clients": clients, "accounts": accounts, "requests": requests, "on": LABEL}
                yield Figure("transfer.per_s", rate, "transfers/s", params)


def _transfers(context: Context, name: str, accounts: str, requests: int) -> list[Ask]:
    """Of one token each. A sender has ten a minute, so there are many: side by side, each to a recipient of their own;
    or hot: one sender at a time, all to one recipient."""
    senders = -(-requests // MAX_SENDS)
    keys = [create_key(context, f"{name}-sender-{number}").key for number in range(senders)]
    for number in range(senders):
        mint(context, f"{name}-sender-{number}", FUNDS)
        create_key(context, f"{name}-recipient-{number}")
    asks = []
    for number in range(requests):
        sender, recipient = (number // MAX_SENDS, 0) if accounts == "hot" else (number % senders, number % senders)
        body = {"to": f"{name}-recipient-{recipient}", "amount": 1, "idempotencyKey": f"{number}"}
        asks.append(Ask(keys[sender], "transfer", body))
    return asks


def _check(context: Context, name: str, requests: int) -> None:
    """What was answered is there: each token once."""
    senders = -(-requests // MAX_SENDS)
    accounts = [find_owner(context, f"{name}-recipient-{number}").account for number in range(senders)]
    got = sum(load_account(context.table, account, "tokens").balance for account in accounts)
    if got != requests:
        raise NotTaken(f"{got} tokens arrived of {requests}")


def _rate(stack: Stack, clients: int, asks: Sequence[Ask]) -> float:
    """Requests a second, taken from one list by all clients, each with a connection of its own; all must succeed."""
    waiting = iter(asks)
    lock = threading.Lock()

    def client(_: int) -> None:
        target = urlsplit(stack.api_url)
        connection = http.client.HTTPConnection(target.netloc, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            while True:
                with lock:
                    ask = next(waiting, None)
                if ask is None:
                    return
                _post(connection, target.path, ask)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return len(asks) / (time.perf_counter() - began)


def _post(connection: http.client.HTTPConnection, base: str, ask: Ask) -> None:
    headers = {"Content-Type": "application/json", "X-API-Key": ask.key}
    connection.request("POST", f"{base}/api/gamification/{ask.path}", json.dumps(ask.body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise NotTaken(f"{ask.path}: {answer.status}: {text.decode(errors='replace')[:500]}")
