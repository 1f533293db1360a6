"""An engine with two tables, and clients that any world can take over."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import get_session

from tests.simulated import Call, DynamoDB, World
from tests.simulated.generator import TABLES

Do = Callable[..., dict[str, Any]]


@pytest.fixture
def engine() -> DynamoDB:
    made = DynamoDB()
    for table in TABLES:
        made.execute("CreateTable", copy.deepcopy(table), Call())
    return made


@pytest.fixture
def do(engine: DynamoDB) -> Do:
    """Return a function `do("GetItem", Key=...)` on the table with two keys."""

    def run(operation: str, table: str = "laurel-main", **request: Any) -> dict[str, Any]:
        wrapped = operation.startswith(("Transact", "Batch"))
        return engine.execute(operation, request if wrapped else {"TableName": table, **request}, Call())

    return run


@pytest.fixture(scope="session")
def clients() -> SimpleNamespace:
    session = get_session()
    session.set_credentials("x", "x")
    config = Config(region_name="eu-central-1", retries={"total_max_attempts": 3, "mode": "standard"})
    return SimpleNamespace(
        **{name: session.create_client(name, config=config) for name in ("dynamodb", "sqs", "events")}
    )


@pytest.fixture
def attach(clients: SimpleNamespace) -> Callable[[World], World]:
    """Return a function that hands the clients to a world that has the tables."""

    def to(world: World) -> World:
        for client in (clients.dynamodb, clients.sqs, clients.events):
            world.attach(client)
        for table in TABLES:
            clients.dynamodb.create_table(**table)
        return world

    return to
