"""Boards for tests that damage them: players with events, and manual edits."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from chalicelib.services.boards.verify_board import Verified, find_board, verify_board
from chalicelib.store.core import keys
from chalicelib.store.core.table import key_of
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.simulated import Faults

GLOBAL = "global#all"


def build(players: int = 5, chosen: Any = None) -> Plant:
    """Make a deployment whose players p0, p1, ... have had one event more each."""
    plant = plants.build(9, Faults(), chosen)
    plants.start(plant, random.Random(5))
    for number in range(players):
        send(plant, f"p{number}", number + 1)
    plant.world.run()
    return plant


def send(plant: Plant, player: str, events: int = 1, start: int = 0) -> None:
    for number in range(start, start + events):
        body = {"type": "request.completed", "apiKeyId": player, "id": f"{player}-{number}", "metadata": {}}
        plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=json.dumps(body))


def verify(plant: Plant, board: str = GLOBAL, **options: Any) -> Verified:
    return verify_board(plant.context, board, lambda: plant.world.sleep(2), **options)


def found(plant: Plant, board: str = GLOBAL) -> list[str]:
    return [str(each) for each in verify(plant, board).differences]


def board(plant: Plant, scope: str) -> str:
    return find_board(plant.context, scope)


def edit(plant: Plant, key: keys.Key, expression: str, **values: Any) -> None:
    """Edit an item manually: `#x` is the attribute x, `:x` a value."""
    names = {f"#{word}": word for word in re.findall(r"#(\w+)", expression)}
    wire = {f":{name}": _wire(value) for name, value in values.items()}
    plant.context.table.update(key, expression, "", names, wire)


def delete(plant: Plant, key: keys.Key) -> None:
    plant.context.table.client.delete_item(TableName=plant.context.table.name, Key=key_of(key))


def item(plant: Plant, key: keys.Key) -> dict[str, Any]:
    return plant.context.table.get(key) or {}


def number(plant: Plant, key: keys.Key, attribute: str) -> int:
    return int(item(plant, key)[attribute]["N"])


def _wire(value: bool | int | str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
