"""A whole Laurel on one simulated world: table, queues, workers, wired as production wires them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from botocore.session import Session

from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.gateways.bus import EventBus
from chalicelib.gateways.queues import SqsQueues
from chalicelib.services.boards.worker import feed_messages
from chalicelib.services.context import Context
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.store.core.table import Table, connect
from chalicelib.store.ledger.player_ledger import PlayerLedger
from chalicelib.workers.sqs import failures, messages_of
from infra.settings import INDEX_ATTRIBUTES
from tests.pipeline.permissions import function_of, policies
from tests.simulated.direct import DirectClient
from tests.simulated.faults import Faults
from tests.simulated.world import START_MS, World

TABLE = "laurel-sim"
RULESET = Path(__file__).with_name("ruleset.toml")
STANDARD = ("events", "own", "backfill")


@cache
def clients() -> dict[str, Any]:
    """Return shared clients: they are costly to make and hold no state of a run, and each world takes them over."""
    session = Session()
    session.set_credentials("simulated", "simulated")
    session.set_config_variable("region", "us-east-1")
    return {
        "dynamodb": connect(session),
        "sqs": session.create_client("sqs"),
        "events": session.create_client("events"),
    }


@cache
def rules(path: Path = RULESET) -> Rules:
    return ruleset.load(path)


@dataclass
class Plant:
    """One deployment in one world. `received`: (queue, body) -> when each message of it was sent that workers saw.
    `gave_up`: players of messages that became dead letters, before they were sent on."""

    world: World
    context: Context
    urls: dict[str, str]
    sqs: Any
    sources: dict[str, Any] = field(default_factory=dict)
    began_ms: int = START_MS
    received: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    gave_up: set[str] = field(default_factory=set)


def is_through_botocore(seed: int) -> bool:
    """Return whether a seed's calls go through botocore: one of four seeds does."""
    return seed % 4 == 0


def build(
    seed: int,
    faults: Faults | None = None,
    chosen: Rules | None = None,
    start_ms: int = START_MS,
    *,
    botocore: bool = False,
) -> Plant:
    """Make table, queues, bus and a context on the world's clock and randomness; no worker runs yet.

    `botocore`: the table's client is botocore's. The direct one takes the same steps in half of the time.
    """
    world = World(seed, faults, start_ms)
    world.policies = policies(chosen or rules(), TABLE)
    made = {name: world.attach(client) for name, client in clients().items()}
    create_table(made["dynamodb"])
    urls = {
        name: world.create_queue(
            f"laurel-{name}", dead_letter="laurel-dead_letter", max_receives=10, VisibilityTimeout=90
        )
        for name in STANDARD
    }
    urls |= {name: world.create_queue(f"laurel-{name}") for name in ("rejected", "dead_letter")}
    urls["boards"] = world.create_queue("laurel-boards.fifo", FifoQueue="true", VisibilityTimeout=90)
    urls["boards_dead_letter"] = world.create_queue("laurel-boards-dead-letter.fifo", FifoQueue="true")
    numbers = iter(range(10**9))

    def pause(attempt: int) -> None:
        world.sleep(world.rng.uniform(0, 0.02 * 2**attempt))

    context = Context(
        table=Table(TABLE, made["dynamodb"] if botocore else DirectClient(world), pause),
        queues=SqsQueues(made["sqs"], urls, pause),
        bus=EventBus(made["events"], "laurel-sim", pause),
        ledger=PlayerLedger(),
        rules=chosen or rules(),
        now_ms=world.now_ms,
        pause=pause,
        uniform=world.rng.uniform,
        new_id=lambda: f"{next(numbers):016x}" * 2,
    )
    return Plant(world, context, urls, made["sqs"], began_ms=start_ms)


def create_table(client: Any, name: str = TABLE) -> None:
    """Create the table as in the template."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "board", "order")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "order-index",
                "KeySchema": [
                    {"AttributeName": "board", "KeyType": "HASH"},
                    {"AttributeName": "order", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": INDEX_ATTRIBUTES},
            }
        ],
    )
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})


def start(plant: Plant, rng: Any) -> None:
    """Let the workers poll: several at once on the event queues, one a group on the boards."""
    for name in STANDARD:
        plant.sources[name] = plant.world.event_source(
            plant.urls[name],
            _progress(plant, name),
            batch_size=rng.choice((1, 3, 10)),
            concurrency=rng.choice((1, 2, 4)),
            timeout_s=60.0,
            role=function_of(name),
        )
    plant.sources["boards"] = plant.world.event_source(
        plant.urls["boards"], _boards(plant), batch_size=10, concurrency=3, timeout_s=80.0, role="boards"
    )


def _progress(plant: Plant, queue: str) -> Any:
    def handler(event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
        messages = messages_of(event)
        for message in messages:
            plant.received.setdefault((queue, message.body), set()).add(message.sent_ms)
        context = plant.context.within(lambda_context.get_remaining_time_in_millis())
        return failures(process_messages(context, queue, messages).failed)

    return handler


def _boards(plant: Plant) -> Any:
    def handler(event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
        context = plant.context.within(lambda_context.get_remaining_time_in_millis())
        fed = feed_messages(context, [(message.id, message.body) for message in messages_of(event)])
        return failures(fed.failed)

    return handler
