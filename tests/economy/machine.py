"""Laurel and the model in parallel, with the same requests over HTTP."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib import wiring
from chalicelib.observability import logger
from chalicelib.services.progress.create_key import create_key
from infra.settings import API_FUNCTION
from tests.economy import books, gate
from tests.economy.model import Answer, Request
from tests.economy.model_invites import Economy
from tests.economy.spelling import Names, difference, spelled
from tests.pipeline.plant import build, rules

PLAYERS = ("anna", "bob", "carl")
ADMIN = "boss"
ASSETS = ("tokens", "coins")
STEPS = settings(
    max_examples=12,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    # A walk is short already, and making it shorter takes minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MOVES = (0.001, 1, 29.999, 59.999, 60, 3_600, 86_400, 29 * 86_400, 30 * 86_400)
numbers = st.integers(0, 2**32 - 1)


class Machine(RuleBasedStateMachine):
    """A base for every random walk: funds, time, repeated requests, books that balance.

    `weights`: how often it does what, by the names of methods that take a Random.
    """

    weights: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.plant = build(1, chosen=rules())
        self.patched = patch.object(wiring, "context", lambda: self.plant.context)
        self.patched.start()
        logger.setLevel(logging.CRITICAL)
        self.model, self.names = Economy([*PLAYERS, ADMIN]), Names()
        self.api_keys = {player: create_key(self.plant.context, player).key for player in PLAYERS}
        self.api_keys[ADMIN] = create_key(self.plant.context, ADMIN, ["admin"]).key
        self.asked: list[Request] = []

    def teardown(self) -> None:
        self.patched.stop()
        self.plant.world.close()

    def ask(self, what: str, me: str, /, about: Any = "", key: str = "", **members: Any) -> Answer:
        return self._ask(Request(what, me, members, key, about))

    def _ask(self, request: Request) -> Answer:
        method, path, body = spelled(request, self.names)
        with self.plant.world.acting_as(API_FUNCTION):
            found = gate.send(method, path, body, self.api_keys[request.player])
        expected = self.model.do(request, self.plant.world.now_ms())
        problem = difference(expected, found.status, found.body, found.replayed, self.names)
        assert not problem, f"{request}: {problem}"
        self.asked.append(request)
        return expected

    @initialize(number=numbers)
    def fund(self, number: int) -> None:
        funds = random.Random(number).choice((200, 20_000, 300_000))
        for player in PLAYERS[:2]:
            for asset in ASSETS:
                self.grant(player, asset, funds, f"fund-{player}-{asset}")

    @rule(number=numbers)
    def step(self, number: int) -> None:
        """Run one step of the walk, chosen by a number: a more even choice than part by part."""
        rng = random.Random(number)
        names = [name for name, weight in self.weights.items() for _ in range(weight)]
        getattr(self, rng.choice(names))(rng)

    def time_goes_by(self, rng: random.Random) -> None:
        self.plant.world.sleep(rng.choice(MOVES))

    def again(self, rng: random.Random) -> None:
        """Send one of the last requests once more, unchanged."""
        self._ask(rng.choice(self.asked[-12:]))

    def grant(self, to: str, asset: str, amount: int, key: str) -> None:
        self.ask("grant", ADMIN, key=key, player=to, asset=asset, amount=amount, reason="Because.")

    @invariant()
    def the_books_balance(self) -> None:
        kept = books.read(self.plant)
        assert not books.findings(kept)
        now = self.plant.world.now_ms()
        for (account, asset), balance in kept.balances.items():
            player = kept.players[account]
            assert balance == self.model.balance(player, asset)
            # An expired hold may still be open: the next request that needs its amount returns it.
            assert kept.available[account, asset] <= self.model.available(player, asset, now)
