"""Tests of tokens and coins under load: fifty threads over HTTP, and processes killed right after their commit.

Each request is done once or refused, and the books balance.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from infra.local.stack import Stack
from tests.infra.test_stack_policies import TICK
from tests.stack import sockets
from tests.stack.aftermath import items_of, listening, received
from tests.stack.altered import until
from tests.stack.conftest import Answer, Http
from tests.stack.interposer import AFTER, BEFORE, Plan
from tests.stack.storm import REPLAYED, THREADS, Storm, behind, same_again, statuses
from tests.stack.test_stack_pipeline import LAUREL, PATIENCE_S, quiet

SAME_KEY = 20
# The sweep sends rows of the outbox that are half a minute old.
SWEPT_AFTER_S = 31.0
AMOUNT = 10
# Calls in which the API's process dies, before or after their execution. The last one comes after the response.
DEATHS = (
    ("TransactWriteItems", BEFORE),
    ("TransactWriteItems", AFTER),
    ("SendMessageBatch", BEFORE),
    ("SendMessageBatch", AFTER),
    ("PutEvents", AFTER),
    ("DeleteItem", BEFORE),
    ("DeleteItem", AFTER),
)
MakeKey = Callable[..., str]
Fund = Callable[..., str]

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not sockets.SUPPORTED, reason="needs /proc/net to find the writing process"),
]


@pytest.fixture(scope="module")
def calm(stack: Stack) -> Iterator[Storm]:
    """Put the API's processes behind an interposer; each starts when it is needed."""
    with behind(stack) as made:
        yield made


@pytest.fixture(scope="module")
def storm(calm: Storm) -> Storm:
    """Start as many processes as the threads need."""
    calm.gather()
    return calm


@pytest.fixture(scope="module")
def fund(calm: Storm, key: MakeKey) -> Fund:
    """Return a function that grants a player, new or not, some of an asset, and makes a key."""
    admin = key("treasurer", "admin")

    def give(player: str, amount: int, asset: str = "tokens") -> str:
        made = key(player)
        body = {"player": player, "asset": asset, "amount": amount, "reason": "test", "idempotencyKey": player}
        granted = calm.post("admin/grants", admin, body)
        assert granted.status == 200, granted.text
        return made

    return give


@dataclass
class Interrupted:
    """Transfers during which the API's process was killed, by death; the listener started before them."""

    sender: str
    recipient: str
    listener: str
    first: dict[tuple[str, str], Answer] = field(default_factory=dict)
    again: dict[tuple[str, str], Answer] = field(default_factory=dict)
    over_at: float = 0.0


@pytest.fixture(scope="module")
def interrupted(stack: Stack, calm: Storm, key: MakeKey, fund: Fund) -> Iterator[Interrupted]:
    """Make one transfer for each death, and retry it."""
    with listening(stack) as listener:
        made = Interrupted(fund("bereft", 1000), key("heir"), listener)
        for death in DEATHS:
            body = {"to": "heir", "amount": AMOUNT, "idempotencyKey": "-".join(death)}
            calm.between.plan = Plan({death[0]: {0: death[1]}})
            made.first[death] = calm.post("transfer", made.sender, body)
            # Some calls come after the response, on a busy machine in a run of the sweep.
            until(lambda death=death: calm.between.kills[death], 90, "the death")  # type: ignore[misc]
            calm.between.plan = Plan({})
            made.again[death] = answered(calm, made.sender, body)
        made.over_at = time.monotonic()
        yield made


def answered(calm: Storm, key: str, body: dict[str, object]) -> Answer:
    """Retry until a response: the next request may still reach the process that died after its response."""
    asked: list[Answer] = []

    def known() -> bool:
        asked.append(calm.post("transfer", key, body))
        return asked[-1].status < 500

    until(known, PATIENCE_S, "an answer that is no bad gateway")
    return asked[-1]


def balance(http: Http, key: str, asset: str = "tokens") -> tuple[int, int]:
    """Return the balance of the key's player, and its available part."""
    found = http.get(f"balance?asset={asset}", key)
    return found["balance"], found["available"]


def proved(stack: Stack) -> None:
    """Check that `laurel ledger verify` finds nothing; print its counts."""
    environment = os.environ | stack.environment()
    words = [LAUREL, "ledger", "verify"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    print(f"laurel ledger verify: {done.stderr.strip()}")


def test_a_transfer_whose_process_is_killed_is_done_once_or_not_at_all(
    http: Http, calm: Storm, interrupted: Interrupted
) -> None:
    """A request whose process dies before the response gets a bad gateway; its retry returns the outcome."""
    assert dict(calm.between.kills) == dict.fromkeys(DEATHS, 1)
    before = {death: answer for death, answer in interrupted.first.items() if death[0] != "DeleteItem"}
    assert {answer.status // 100 for answer in before.values()} == {5}
    for death, answer in interrupted.again.items():
        assert (answer.status, answer.headers.get(REPLAYED)) == (200, None if death == DEATHS[0] else "true"), death
    spent = AMOUNT * len(DEATHS)
    assert balance(http, interrupted.sender) == (1000 - spent, 1000 - spent)
    assert balance(http, interrupted.recipient) == (spent, spent)


def test_fifty_threads_spend_one_balance(stack: Stack, http: Http, storm: Storm, key: MakeKey, fund: Fund) -> None:
    spender, receiver = fund("spender", 100), key("receiver")

    def send(number: int) -> Callable[[], Answer]:
        body = {"to": "receiver", "amount": 30, "idempotencyKey": f"spend-{number}"}
        return lambda: storm.post("transfer", spender, body)

    asks = [send(number) for number in range(THREADS)]
    with storm.contended(f"{THREADS} threads spent one balance"):
        answers = storm.at_once(asks)
    assert statuses(answers) == {200: 3, 400: THREADS - 3}
    refused = {(each.json["code"], each.json["requested"]) for each in answers if each.status == 400}
    assert refused == {("insufficient_balance", 30)}
    assert {each.json["balance"] for each in answers if each.status == 200} == {70, 40, 10}
    assert same_again(answers, storm.at_once(asks)), "a retry never changes the outcome"
    assert (balance(http, spender), balance(http, receiver)) == ((10, 10), (90, 90))
    proved(stack)


def test_one_key_from_twenty_threads(stack: Stack, http: Http, storm: Storm, key: MakeKey, fund: Fund) -> None:
    sender, receiver = fund("echo", 100), key("wall")
    body = {"to": "wall", "amount": 7, "idempotencyKey": "the-one"}
    with storm.contended(f"{SAME_KEY} threads with one key"):
        answers = storm.at_once([lambda: storm.post("transfer", sender, body)] * SAME_KEY)
    assert statuses(answers) == {200: SAME_KEY}
    assert len({each.text for each in answers}) == 1
    assert sum(REPLAYED not in each.headers for each in answers) == 1
    assert (balance(http, sender), balance(http, receiver)) == ((93, 93), (7, 7))
    proved(stack)


def test_fifty_threads_redeem_the_last_item(stack: Stack, http: Http, storm: Storm, key: MakeKey, fund: Fund) -> None:
    """Each buyer has their own coins: only the stock is common."""
    admin, cost = key("shopkeeper", "admin"), 25
    reward = {"name": "Mug", "description": "A mug.", "cost": cost, "asset": "coins", "type": "goods", "stock": 1}
    offered = storm.post("admin/rewards/last-mug", admin, {**reward, "requiresFulfilment": False}, method="PUT")
    assert offered.status == 200, offered.text
    buyers = storm.each(lambda number: fund(f"buyer-{number}", 100, "coins"))

    def redeem(buyer: str) -> Callable[[], Answer]:
        return lambda: storm.post("rewards/last-mug/redeem", buyer, {"idempotencyKey": "mine"})

    with storm.contended(f"{THREADS} threads redeemed the last item"):
        answers = storm.at_once([redeem(buyer) for buyer in buyers])
    assert statuses(answers) == {200: 1, 409: THREADS - 1}
    assert {each.json["code"] for each in answers if each.status == 409} == {"out_of_stock"}
    left = storm.each(lambda number: balance(http, buyers[number], "coins"))
    assert left == [(100 - cost * (each.status == 200),) * 2 for each in answers]
    winner = next(buyer for buyer, each in zip(buyers, answers, strict=True) if each.status == 200)
    assert [each["rewardId"] for each in http.get("redemptions", winner)["redemptions"]] == ["last-mug"]
    assert http.get("rewards/last-mug", winner)["left"] == 0
    proved(stack)


def test_fifty_threads_redeem_an_invite_of_ten_uses(stack: Stack, http: Http, storm: Storm, key: MakeKey) -> None:
    host = key("host")
    made = storm.post("invite", host, {"uses": 10})
    assert made.status == 201, made.text
    guests = storm.each(lambda number: key(f"guest-{number}"))

    def redeem(guest: str) -> Callable[[], Answer]:
        return lambda: storm.post("invite/redeem", guest, {"code": made.json["code"]})

    with storm.contended(f"{THREADS} threads redeemed an invite of ten uses"):
        answers = storm.at_once([redeem(guest) for guest in guests])
    assert statuses(answers) == {200: 10, 410: THREADS - 10}
    (invite,) = http.get("invite", host)["invites"]
    assert (invite["used"], invite["uses"]) == (10, 10)
    quiet(stack)
    assert http.get("profile", host)["counters"]["referral"] == 10
    proved(stack)


def test_the_sweep_sends_the_outbox_of_killed_processes_once(
    stack: Stack, http: Http, interrupted: Interrupted
) -> None:
    left = outbox_rows(stack)
    while time.monotonic() < interrupted.over_at + SWEPT_AFTER_S:
        time.sleep(0.2)
    # Storms leave rows too, if a busy process had no time to send. The sweep sends them when they are due.
    until(lambda: sweep(stack) or not outbox_rows(stack), SWEPT_AFTER_S + PATIENCE_S, "the outbox is empty")
    quiet(stack)
    for reader, type_ in ((interrupted.sender, "transfer.sent"), (interrupted.recipient, "transfer.received")):
        applied = [entry["id"] for entry in http.get("log?limit=100", reader)["entries"] if entry["type"] == type_]
        assert sorted(applied) == sorted(answer.json["transfer"]["id"] for answer in interrupted.again.values())
    assert http.get("profile", interrupted.sender)["stats"]["tokensShared"] == AMOUNT * len(DEATHS)
    ids: dict[str, set[str]] = {}
    published = [json.loads(body)["detail"] for body in received(stack, interrupted.listener)]
    for each in published:
        if "transferId" in each and each["userId"] == "heir":
            ids.setdefault(each["transferId"], set()).add(each["id"])
    assert {len(same) for same in ids.values()} == {1}, "however often it is published, under one id"
    assert len(ids) == len(DEATHS)
    print(f"\n{len(DEATHS)} processes killed, {left} rows left in the outbox")
    proved(stack)


def sweep(stack: Stack) -> None:
    """Run the sweep once, as its schedule does."""
    ran = stack.client("lambda").invoke(FunctionName="laurel-local-sweep", Payload=json.dumps(TICK))
    assert "FunctionError" not in ran, ran["Payload"].read()
    time.sleep(1.0)


def outbox_rows(stack: Stack) -> int:
    """Return the number of rows of the outbox."""
    return sum(item["pk"]["S"].startswith("OUTBOX#") for item in items_of(stack))
