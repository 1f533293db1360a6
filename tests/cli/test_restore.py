"""A restore of the table, as the runbook has it: what is lost comes back, and nothing counts twice."""

from __future__ import annotations

import copy
import random
from base64 import b64encode
from dataclasses import replace
from typing import Any

from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.core.table import Table
from chalicelib.store.ledger.double_entry import post_transfer
from tests.cli.conftest import Deployment, gateway_event
from tests.pipeline import plant as plants
from tests.pipeline.permissions import policies

RESTORED = "laurel-restored"
PLAYERS = [f"p{number}" for number in range(12)]


def as_sent(value: dict[str, Any]) -> dict[str, Any]:
    """Return an attribute as a request sends it: bytes as Base64."""
    return {"B": b64encode(value["B"]).decode()} if "B" in value else copy.deepcopy(value)


def items(laurel: Deployment, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = laurel.context.table.client.scan(TableName=name, **more)
        found += [{name: as_sent(value) for name, value in item.items()} for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def restore(laurel: Deployment, backup: list[dict[str, Any]]) -> None:
    """Put a backup into a new table, and point the deployment at it."""
    plants.create_table(plants.clients()["dynamodb"], RESTORED)
    laurel.world.dynamodb.table(RESTORED).load(backup)
    old = laurel.plant.context
    laurel.world.policies = policies(old.rules, RESTORED)
    table = Table(RESTORED, old.table.client, old.table.retry.pause)
    laurel.context = laurel.plant.context = laurel.target.context = replace(old, table=table, owners={}, health={})


def grant(laurel: Deployment, player: str, amount: int) -> None:
    context = laurel.context
    owner = find_owner(context, player)
    at_ms = context.now_ms()
    made = transfer_id(at_ms, owner.public, context.new_id())
    tx = context.table.transaction()
    post_transfer(tx, Transfer(made, "tokens", MINT, owner.account, amount, "test", at_ms), context.rules.version)
    tx.commit()


def totals(laurel: Deployment) -> dict[str, int | None]:
    return {player: laurel.xp(player) for player in PLAYERS}


def test_a_restored_table_is_rebuilt_verified_and_caught_up(laurel: Deployment) -> None:
    rng = random.Random(5)
    for player in PLAYERS:
        create_key(laurel.context, player, ())
    events = [
        gateway_event(rng.choice(PLAYERS), id=f"r-{number}", time=laurel.now(rng.randrange(3600)))
        for number in range(80)
    ]
    for event in events[:50]:
        laurel.send("events", event)
    laurel.run()
    grant(laurel, "p1", 100)
    kept = totals(laurel)
    backup = items(laurel, plants.TABLE)
    # A point in time knows nothing of the queues: these score updates are of versions that the backup does not have.
    for event in events[50:]:
        laurel.send("events", event)
    grant(laurel, "p2", 50)
    laurel.run()
    after = totals(laurel)
    assert after != kept

    late = [row for row in items(laurel, plants.TABLE) if row["pk"]["S"].startswith("BOARD#")]
    # Entries of later versions than the totals: as if the writer had continued while the table was restored.
    behind = [row for row in backup if not row["pk"]["S"].startswith("BOARD#")]
    restore(laurel, [*behind, *late])
    assert totals(laurel) == kept
    assert laurel.laurel("board", "verify", "global", status=1).stdout, "the boards are ahead of the totals"
    laurel.laurel("board", "rebuild", "--all")
    laurel.run()
    for scope in ("global", "weekly", "daily", "monthly"):
        assert laurel.laurel("board", "verify", scope).stdout == ""
    assert laurel.laurel("ledger", "verify").stdout == ""

    for event in events:
        laurel.send("events", event)
    laurel.run()
    assert totals(laurel) == after
    assert laurel.laurel("board", "verify", "global").stdout == ""
    assert laurel.laurel("ledger", "verify").stdout == ""
