"""transfer.* and redeem.retries_per_success: concurrent clients, in a simulated world whose table has latency.

A transaction is cancelled if another one with one of its items is under way, as on AWS; a transaction whose read items
were changed meanwhile fails its condition. In both cases the client reads again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.rules import ruleset
from chalicelib.services.core.answer import Answer
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from chalicelib.services.rewards.redeem_reward import RedeemRequest, redeem_reward
from chalicelib.settings import RULESETS
from chalicelib.store.core.keys import Key
from chalicelib.store.core.table import Table
from tests.bench.economy import RICH, offer, player
from tests.bench.figures import Figure, NotTaken
from tests.pipeline.plant import Plant, build
from tests.simulated import Faults

TRANSFER, REDEEM = NAMES = ("transfer.retries_per_success", "redeem.retries_per_success")
CLIENTS = (1, 8)
# Each client's own two players; own senders and one recipient; one sender and one recipient for all.
ACCOUNTS = ("spread", "one recipient", "hot")
# Whether each client has an account of their own, and whether the reward, the same for all, has a stock.
REDEMPTIONS = (("spread", False), ("spread", True), ("hot", False))
ROUNDS = 25  # of one transfer a client: a sender has ten a minute
MINUTE_S = 61
# A call to DynamoDB from Lambda takes single-digit milliseconds, a transaction up to twice that.
LATENCY_MS = (4, 16)


class Crowded(Table):
    """A table whose concurrent transactions exclude each other. `tries`: all of them; `lost`: failed for any reason."""

    def __init__(self, table: Table, plant: Plant) -> None:
        super().__init__(table.name, table.client, table.retry.pause)
        self.plant, self.under_way = plant, set[Key]()
        self.tries = self.lost = self.met = 0

    def transact(self, writes: Sequence[dict[str, Any]]) -> None:
        mine = {_key(write) for write in writes}
        self.tries += 1
        if mine & self.under_way:
            self.met += 1
            self.lost += 1
            self.plant.world.sleep(self.plant.world.rng.uniform(*LATENCY_MS) / 1000)
            raise LostRace("another transaction is running")
        self.under_way |= mine
        try:
            super().transact(writes)
        except LostRace:
            self.lost += 1
            raise
        finally:
            self.under_way -= mine


@dataclass
class Crowd:
    """Concurrent clients with equal requests, round after round, a minute apart; every request must succeed."""

    seed: int
    clients: int
    plant: Plant = field(init=False)
    table: Crowded = field(init=False)
    done: int = 0

    def __post_init__(self) -> None:
        self.plant = build(
            self.seed, Faults(latency_ms=LATENCY_MS), ruleset.load(RULESETS / "default.toml"), botocore=True
        )
        self.table = self.plant.context.table = Crowded(self.plant.context.table, self.plant)

    def run(self, rounds: int, ask: Callable[[int, int], Answer[Any]]) -> None:
        """Call `ask(client, round)` for all clients and rounds."""
        self.table.tries = self.table.lost = self.table.met = 0
        for number in range(rounds):
            for client in range(self.clients):
                self.plant.world.spawn(f"client-{client}", self._one, ask, client, number)
            self.plant.world.run()
            self.plant.world.sleep(MINUTE_S)
        if self.done != rounds * self.clients or self.table.tries - self.table.lost != self.done:
            raise NotTaken(f"{self.done} of {rounds * self.clients} succeeded, in {self.table.tries} tries")

    def _one(self, ask: Callable[[int, int], Answer[Any]], client: int, number: int) -> None:
        answer = ask(client, number)
        if answer.refused or answer.replayed:
            raise NotTaken(f"the response was {answer}")
        self.done += 1

    def figure(self, name: str, **params: Any) -> Figure:
        more = {"clients": self.clients, "successes": self.done, "met_another": self.table.met}
        return Figure(name, self.table.lost / self.done, "retries", params | more)


def transfers(rounds: int = ROUNDS) -> Iterator[Figure]:
    for accounts in ACCOUNTS:
        for clients in CLIENTS:
            yield _transfers(accounts, clients, rounds)


def _transfers(accounts: str, clients: int, rounds: int) -> Figure:
    crowd = Crowd(random.Random(accounts).randrange(1000), clients)
    context = crowd.plant.context
    own = list(range(clients))
    senders = [player(context, f"sender-{number}", funds=RICH) for number in ([0] if accounts == "hot" else own)]
    recipients = [player(context, f"recipient-{number}") for number in (own if accounts == "spread" else [0])]

    def send(client: int, number: int) -> Answer[Any]:
        sender: Caller = senders[client % len(senders)]
        recipient = recipients[client % len(recipients)].player
        return transfer_tokens(context, sender, TransferRequest(recipient, 1, f"{client}-{number}"))

    crowd.run(rounds, send)
    return crowd.figure(TRANSFER, accounts=accounts)


def redemptions(rounds: int = ROUNDS) -> Iterator[Figure]:
    for accounts, stock in REDEMPTIONS:
        for clients in CLIENTS:
            yield _redemptions(accounts, stock, clients, rounds)


def _redemptions(accounts: str, stock: bool, clients: int, rounds: int) -> Figure:
    crowd = Crowd(random.Random(f"{accounts} {stock}").randrange(1000), clients)
    context = crowd.plant.context
    buyers = [
        player(context, f"buyer-{number}", funds=RICH, asset="coins")
        for number in range(1 if accounts == "hot" else clients)
    ]
    offer(context, player(context, "admin"), "mug", **({"stock": RICH} if stock else {}))

    def redeem(client: int, number: int) -> Answer[Any]:
        return redeem_reward(context, buyers[client % len(buyers)], "mug", RedeemRequest(f"{client}-{number}"))

    crowd.run(rounds, redeem)
    return crowd.figure(REDEEM, accounts=accounts, stock=stock)


def _key(write: dict[str, Any]) -> Key:
    inner = next(iter(write.values()))
    key = inner.get("Key") or inner["Item"]
    return key["pk"]["S"], key["sk"]["S"]
