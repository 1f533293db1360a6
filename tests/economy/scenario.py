"""One seeded run: players' requests under faults, quiescence, judgement."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from chalicelib import wiring
from chalicelib.api import http
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.ledger.transfer import MINT, Transfer, transfer_id
from chalicelib.observability import logger
from chalicelib.services.core.outbox import sweep_outbox
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.progress.create_key import create_key
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.workers.sqs import failures, messages_of
from infra.settings import API_FUNCTION
from tests.economy import books, judge
from tests.economy.history import History
from tests.economy.model import Request
from tests.economy.traffic import ADMIN, PLAYERS, REWARDS, STYLES, Client, Stage, Style, reward
from tests.pipeline.plant import Plant, build, is_through_botocore, rules
from tests.seeds import Failed
from tests.simulated.faults import Faults
from tests.simulated.world import START_MS

RULESET = Path(__file__).with_name("ruleset.toml")
# Half a minute before midnight.
LATE_MS = START_MS + 12 * 3_600_000 - 30_000
REQUESTS = 28
KEYS_LIVE_S = 30 * 86_400
# Seeds need three.
MAX_SWEEPS = 12
Mutant = Callable[[], AbstractContextManager[Any]]


def run(seed: int, mutant: Mutant = nullcontext, faults: Faults | None = None) -> Plant:
    """Run one seed; raises Failed with what differs. The same seed does the same, step by step."""
    logger.setLevel(logging.CRITICAL)
    rng = random.Random(seed)
    faults = faults or Faults.rough(**style_of(seed).faults)
    start_ms = START_MS if rng.random() < 0.5 else LATE_MS
    plant = build(seed, faults, rules(RULESET), start_ms, botocore=is_through_botocore(seed))
    # Faults cause many 503s. Their metric would only fill the output.
    with patch.object(wiring, "context", lambda: plant.context), patch.object(http, "count_now"):
        stage = _stage(plant, seed, rng)
        with mutant():
            _play(stage, rng, REQUESTS)
            if seed % 4 == 0:
                plant.world.sleep(KEYS_LIVE_S)
                stage.repeating = 0.7
                _play(stage, rng, REQUESTS // 4)
    findings = judge.findings(stage)
    if findings:
        raise Failed(seed, findings, plant.world.trace)
    return plant


def style_of(seed: int) -> Style:
    """Return the style of a seed's run."""
    return STYLES[sorted(STYLES)[seed % len(STYLES)]]


def _stage(plant: Plant, seed: int, rng: random.Random) -> Stage:
    players = list(PLAYERS[: rng.randint(2, 4)])
    style = style_of(seed)
    api_keys = {player: create_key(plant.context, player).key for player in players}
    api_keys[ADMIN] = create_key(plant.context, ADMIN, ["admin"]).key
    stage = Stage(plant, seed, style, players, api_keys, History(plant))
    for player in players:
        for asset in ("tokens", "coins"):
            if style.funds and rng.random() < 0.8:
                _fund(plant, player, asset, style.funds)
    if "redeem" in style.mix:
        for each in REWARDS:
            stage.ask(Request("put", ADMIN, reward(rng, stocked=style.stocked), about=each))
    for number, player in enumerate(players):
        stage.ask(Client(stage, 100 + number, player, 1).first())
    if seed % 3 == 0:
        _apply_own_events(plant, rng)
    return stage


def _fund(plant: Plant, player: str, asset: str, amount: int) -> None:
    owner, now_ms = find_owner(plant.context, player), plant.world.now_ms()
    made = transfer_id(now_ms, owner.public, plant.context.new_id())
    transfer = Transfer(made, asset, MINT, owner.account, amount, "rule", now_ms)
    tx = plant.context.table.transaction()
    post_transfer(tx, transfer, plant.context.rules.version)
    tx.commit()


def _apply_own_events(plant: Plant, rng: random.Random) -> None:
    """Run the worker of Laurel's own queue; in most seeds it starts after the players, which is cheaper."""

    def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
        return failures(process_messages(plant.context, "own", messages_of(event)).failed)

    if "own" not in plant.sources:
        plant.sources["own"] = plant.world.event_source(
            plant.urls["own"], handler, batch_size=10, concurrency=rng.choice((1, 2)), role="progress_own"
        )


def _play(stage: Stage, rng: random.Random, requests: int) -> None:
    """Let the players ask, some with two devices, each gone on with after the server died under it; then settle."""
    style, players = stage.style, stage.players
    devices = [players[each // style.devices % len(players)] for each in range(rng.randint(4, 6) - style.admins // 2)]
    devices += [ADMIN] * style.admins
    clients = [Client(stage, each, player, requests // len(devices)) for each, player in enumerate(devices)]
    world = stage.plant.world
    while any(client.left for client in clients):
        for client in clients:
            if client.left:
                world.spawn(client.name, client.work, role=API_FUNCTION)
        world.spawn("sweep", _sweep, stage.plant, 3, role="sweep")
        world.run()
    _apply_own_events(stage.plant, rng)
    world.run()
    for _ in range(MAX_SWEEPS):
        if not books.read(stage.plant).outbox:
            return
        world.sleep(31)
        world.spawn("sweep", _sweep, stage.plant, 1, role="sweep")
        world.run()


def _sweep(plant: Plant, times: int) -> None:
    for _ in range(times):
        # The worker fails, and is started again in a minute.
        with suppress(OutOfReach):
            sweep_outbox(plant.context)
        plant.world.sleep(60)
