"""transfer.* and redeem.*: the counted cost of a transfer and a redemption at the table.

The caller is known before: no figure includes the read of an API key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.domain.ledger.transfer_limits import MAX_NOTE
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from chalicelib.services.progress.create_key import create_key
from chalicelib.services.rewards.change_reward import RewardRequest, put_reward
from chalicelib.services.rewards.redeem_reward import RedeemRequest, redeem_reward
from chalicelib.store.core.item_size import item_size
from chalicelib.store.ledger.double_entry import post_transfer
from tests.bench.deployment import Deployment
from tests.bench.figures import Figure, NotTaken
from tests.simulated.capacity import Record, write_units

COUNTED = ("write_units", "items", "round_trips", "outbox_units", "replay_read_units")
TRANSFER_NAMES = tuple(f"transfer.{what}" for what in COUNTED)
REDEEM_NAMES = tuple(f"redeem.{what}" for what in COUNTED)
COMMIT = "TransactWriteItems"
RICH = 10**9
SMILE = "\U0001f600"
CATALOGUE: dict[str, dict[str, Any]] = {
    "plain": {},
    "stock": {"stock": 10},
    "limit": {"per_player": 10},
    "pending": {"requires_fulfilment": True},
    "all": {"stock": 10, "per_player": 10, "requires_fulfilment": True},
}


def transfers() -> Iterator[Figure]:
    """Count transfers between two players whom the process knows, without a note and with the longest one."""
    deployment = Deployment()
    context = deployment.context
    sender, _ = (player(context, name, funds=RICH) for name in ("sender", "recipient"))
    for note in (None, SMILE * MAX_NOTE):
        request = TransferRequest("recipient", 1, f"note-{bool(note)}", note)
        cost, replay = costs(deployment, lambda request=request: transfer_tokens(context, sender, request))  # type: ignore[misc]
        params = {"note_bytes": len((note or "").encode())}
        yield from figures("transfer", cost, replay, params | {"recipient": "known"})
    context.owners.clear()
    again = recorded(deployment, lambda: transfer_tokens(context, sender, request), replayed=True)
    yield replay_figure("transfer", again, params | {"recipient": "new to the process"})


def redemptions() -> Iterator[Figure]:
    """Count redemptions of rewards without and with a stock, a limit for each player, fulfilment, and all of these."""
    deployment = Deployment()
    context = deployment.context
    buyer, admin = player(context, "buyer", funds=RICH, asset="coins"), player(context, "admin")
    for kind, more in CATALOGUE.items():
        offer(context, admin, kind, **more)
        request = RedeemRequest(f"key-{kind}")

        def redeem(kind: str = kind, request: RedeemRequest = request) -> Answer[Any]:
            return redeem_reward(context, buyer, kind, request)

        params = {"stock": "stock" in more, "limit": "per_player" in more, "pending": "requires_fulfilment" in more}
        yield from figures("redeem", *costs(deployment, redeem), params)


def offer(context: Context, admin: Caller, name: str, **more: Any) -> None:
    reward = RewardRequest(name="Mug", description="A mug.", cost=1, asset="coins", type="goods", **more)
    put_reward(context, admin, name, reward)


def player(context: Context, name: str, *, funds: int = 0, asset: str = "tokens") -> Caller:
    """Make a player with a key and minted funds, known to the process."""
    create_key(context, name)
    owner = find_owner(context, name)
    if funds:
        mint(context, name, funds, asset)
    return Caller(name, "", frozenset((PLAYER,)), owner.account, owner.public)


def mint(context: Context, name: str, amount: int, asset: str = "tokens") -> None:
    owner, now_ms = find_owner(context, name), context.now_ms()
    made = transfer_id(now_ms, owner.public, context.new_id())
    transfer = Transfer(made, asset, MINT, owner.account, amount, "bench", now_ms)
    tx = context.table.transaction()
    post_transfer(tx, transfer, context.rules.version)
    tx.commit()


@dataclass(frozen=True)
class Cost:
    """The calls of one request to the table, in order; `answered` of them came before the response."""

    calls: list[Record]
    answered: int

    @property
    def trips(self) -> dict[str, int]:
        """Return the number of calls until the commit, until the response, and until all work is done."""
        places = [place for place, call in enumerate(self.calls, 1) if call.operation == COMMIT]
        return {"committed": places[-1], "answered": self.answered, "done": len(self.calls)}

    @property
    def written(self) -> list[dict[str, Any]]:
        """Return the writes of the one transaction."""
        commits = [call for call in self.calls if call.operation == COMMIT]
        if len(commits) != 1:
            raise NotTaken(f"{len(commits)} transactions, not one")
        return [next(iter(write.values())) for write in commits[0].request["TransactItems"]]

    @property
    def write_units(self) -> float:
        return sum(call.write for call in self.calls if call.operation == COMMIT)

    @property
    def outbox_units(self) -> float:
        """Return the units of the outbox row in the transaction, and of its removal."""
        rows = [write["Item"] for write in self.written if "Item" in write]
        kept = sum(write_units(item_size(row), 2) for row in rows if row["pk"]["S"].startswith("OUTBOX#"))
        return kept + sum(call.write for call in self.calls if call.operation == "DeleteItem")


def costs(deployment: Deployment, ask: Callable[[], Answer[Any]]) -> tuple[Cost, Cost]:
    """Return the costs of a request that succeeds, and of its replay."""
    return recorded(deployment, ask, replayed=False), recorded(deployment, ask, replayed=True)


def recorded(deployment: Deployment, ask: Callable[[], Answer[Any]], *, replayed: bool) -> Cost:
    meter = deployment.meter
    meter.reset()
    meter.recording = True
    behind = Behind()
    deployment.context.pool = behind
    answer = ask()
    answered = len(meter.records)
    deployment.context.pool = None
    behind.run()
    meter.recording = False
    if answer.refused or answer.replayed != replayed:
        raise NotTaken(f"it was answered {answer}")
    return Cost(meter.records, answered)


class Behind(Executor):
    """An executor that does its work after the response."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        self.waiting.append(partial(work, *arguments, **named))
        return Future()

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        """Do the work that a request waits for, one after the other."""
        return iter([fn(*arguments) for arguments in zip(*iterables, strict=True)])

    def run(self) -> None:
        for work in self.waiting:
            work()


def figures(name: str, cost: Cost, replay: Cost, params: dict[str, Any]) -> Iterator[Figure]:
    yield Figure(f"{name}.write_units", cost.write_units, "write units", params)
    yield Figure(f"{name}.items", len(cost.written), "items", params)
    for until, trips in cost.trips.items():
        yield Figure(f"{name}.round_trips", trips, "round trips", params | {"until": until})
    yield Figure(f"{name}.outbox_units", cost.outbox_units, "write units", params)
    yield replay_figure(name, replay, params)


def replay_figure(name: str, replay: Cost, params: dict[str, Any]) -> Figure:
    read = sum(call.read for call in replay.calls)
    more = {"round_trips": len(replay.calls)}
    return Figure(f"{name}.replay_read_units", read, "read units", params | more)
