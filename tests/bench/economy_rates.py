"""transfer.per_s and redeem.per_s: successful requests in a second, over HTTP, on a local stack of the bench's own.

It is an emulator on this machine, whose Lambda workers share its processors with it: nothing here says how fast AWS is.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.ledger.transfer_limits import MAX_SENDS
from chalicelib.services.context import Context
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.ledger.accounts import load_account
from infra.local.stack import Stack
from tests.bench.economy import mint, offer, player
from tests.bench.emulated import LABEL, context_of, stack_of_its_own
from tests.bench.figures import Figure, NotTaken

TRANSFER, REDEEM = NAMES = ("transfer.per_s", "redeem.per_s")
CLIENTS = (1, 8)
ACCOUNTS = ("spread", "hot")
# (as many buyers as senders, or one; whether the reward has a stock).
REDEMPTIONS = (("spread", False), ("spread", True), ("hot", False))
REQUESTS = 160
WARM_UP = 24
FUNDS = 1000
TIMEOUT_S = 30


@dataclass(frozen=True)
class Ask:
    """One request: key, path, body."""

    key: str
    path: str
    body: dict[str, Any]


def rates(requests: int = REQUESTS) -> Iterator[Figure]:
    with stack_of_its_own() as stack:
        context = context_of(stack)
        _rate(stack, max(CLIENTS), _transfers(context, "warm-up", "spread", WARM_UP))
        for accounts, clients in itertools.product(ACCOUNTS, CLIENTS):
            name = f"{accounts}-{clients}"
            rate = _rate(stack, clients, _transfers(context, name, accounts, requests))
            _check(context, _names(f"{name}-recipient", requests), "tokens", requests)
            params = {"clients": clients, "accounts": accounts, "requests": requests, "on": LABEL}
            yield Figure(TRANSFER, rate, "transfers/s", params)
        for (accounts, stock), clients in itertools.product(REDEMPTIONS, CLIENTS):
            name = f"{accounts}-{stock}-{clients}".lower()
            buyers = _names(f"{name}-buyer", requests)[: 1 if accounts == "hot" else None]
            rate = _rate(stack, clients, _redemptions(context, name, buyers, requests, stock=stock))
            _check(context, buyers, "coins", FUNDS * len(buyers) - requests)
            params = {"clients": clients, "accounts": accounts, "stock": stock, "requests": requests, "on": LABEL}
            yield Figure(REDEEM, rate, "redemptions/s", params)


def _names(what: str, requests: int) -> list[str]:
    """Return the names of enough players that none sends more than the ten requests of a minute."""
    return [f"{what}-{number}" for number in range(-(-requests // MAX_SENDS))]


def _transfers(context: Context, name: str, accounts: str, requests: int) -> list[Ask]:
    """Return transfers of one token each.

    Spread: in parallel, each sender to a recipient of their own. Hot: one sender after the other, all to one recipient.
    """
    senders, recipients = _names(f"{name}-sender", requests), _names(f"{name}-recipient", requests)
    keys = _funded(context, senders, "tokens")
    for recipient in recipients:
        create_key(context, recipient)
    asks = []
    for number in range(requests):
        sender, recipient = (number // MAX_SENDS, 0) if accounts == "hot" else (number % len(keys), number % len(keys))
        body = {"to": recipients[recipient], "amount": 1, "idempotencyKey": f"{number}"}
        asks.append(Ask(keys[sender], "transfer", body))
    return asks


def _redemptions(context: Context, name: str, buyers: list[str], requests: int, *, stock: bool) -> list[Ask]:
    """Return redemptions of one reward, for one coin each."""
    offer(context, player(context, "shopkeeper"), name, **({"stock": requests} if stock else {}))
    keys, path = _funded(context, buyers, "coins"), f"rewards/{name}/redeem"
    return [Ask(keys[number % len(keys)], path, {"idempotencyKey": f"{number}"}) for number in range(requests)]


def _funded(context: Context, players: list[str], asset: str) -> list[str]:
    """Mint funds for the players. Return their keys."""
    keys = [create_key(context, name).key for name in players]
    for name in players:
        mint(context, name, FUNDS, asset)
    return keys


def _check(context: Context, players: list[str], asset: str, expected: int) -> None:
    """Check that the sum of balances equals the successful requests."""
    accounts = [find_owner(context, name).account for name in players]
    found = sum(load_account(context.table, account, asset).balance for account in accounts)
    if found != expected:
        raise NotTaken(f"{players[0]} and others have {found} {asset}, not {expected}")


def _rate(stack: Stack, clients: int, asks: Sequence[Ask]) -> float:
    """Return requests a second: all clients take from one list, each with a connection of its own; all must succeed."""
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
