"""Random steps over HTTP, each answered as the model answers it, with books that balance after each."""

from __future__ import annotations

import logging
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib import wiring
from tests.api.conftest import Site
from tests.economy import books
from tests.economy.model import Answer, Ledger, Request
from tests.economy.spelling import REPLAYED, Names, difference, spelled

PLAYERS = ["anna", "bob", "carl"]
players = st.sampled_from(PLAYERS)
assets = st.sampled_from(["tokens", "coins"])
# Few, so that they come again; the largest are beyond what may be sent.
amounts = st.sampled_from([1, 2, 50, 100, 101, 9_999, 10_000, 10_001, 0, -1])
keys = st.sampled_from([f"key-{number}" for number in range(6)])
moves = st.sampled_from([0.001, 1, 29.999, 59.999, 60, 3_600, 86_400, 29 * 86_400, 30 * 86_400])


class Economy(RuleBasedStateMachine):
    """Laurel and the model side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.patched = patch.object(wiring, "context", lambda: self.site.context)
        self.patched.start()
        logging.getLogger("laurel").setLevel(logging.CRITICAL)
        self.model, self.names = Ledger(PLAYERS), Names()
        self.api_keys = {player: self.site.key(player) for player in PLAYERS}
        self.asked: list[Request] = []

    def teardown(self) -> None:
        self.patched.stop()
        self.site.world.close()

    def ask(self, request: Request) -> Answer:
        method, path, body = spelled(request, self.names)
        key = self.api_keys[request.player]
        found = self.site.get(path, key) if method == "GET" else self.site.post(path, body, key)
        wanted = self.model.do(request, self.site.world.now_ms())
        told = difference(wanted, found.status, found.json, REPLAYED in found.headers, self.names)
        assert not told, f"{request}: {told}"
        self.asked.append(request)
        return wanted

    @initialize(funds=st.sampled_from([200, 20_000, 300_000]))
    def fund(self, funds: int) -> None:
        for player in PLAYERS[:2]:
            for asset in ("tokens", "coins"):
                self.site.fund(player, funds, asset)
                self.model.credit(player, asset, funds, self.site.world.now_ms())

    @rule(seconds=moves)
    def time_goes_by(self, seconds: float) -> None:
        self.site.world.sleep(seconds)

    @rule(
        me=players,
        to=st.sampled_from([*PLAYERS, "nobody"]),
        amount=amounts,
        key=keys,
        note=st.sampled_from([None, "Thanks!"]),
    )
    def transfer(self, me: str, to: str, amount: int, key: str, note: str | None) -> None:
        self.ask(Request("transfer", me, {"to": to, "amount": amount, "note": note}, key))

    @rule(me=players, to=players, amount=st.sampled_from([1, 10_000]), times=st.integers(2, 12))
    def transfers_in_a_row(self, me: str, to: str, amount: int, times: int) -> None:
        for _ in range(times):
            self.ask(Request("transfer", me, {"to": to, "amount": amount, "note": None}, f"row-{len(self.asked)}"))

    @rule(me=players, asset=assets, amount=amounts, seconds=st.sampled_from([1, 60, 86_400, 30 * 86_400]), key=keys)
    def hold(self, me: str, asset: str, amount: int, seconds: int, key: str) -> None:
        self.ask(Request("hold", me, {"asset": asset, "amount": amount, "expiresIn": seconds}, key))

    @precondition(lambda self: self.model.holds)
    @rule(me=players, how=st.sampled_from(["post", "void"]), amount=st.sampled_from([None, 1, 50, 100]), data=st.data())
    def resolve(self, me: str, how: str, amount: int | None, data: Any) -> None:
        hold = data.draw(st.sampled_from([*self.model.holds.values()]))
        me = data.draw(st.sampled_from([hold.player, hold.player, me]))
        self.ask(Request(how, me, {"amount": amount} if how == "post" else {}, about=hold.id))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def again(self, data: Any) -> None:
        self.ask(data.draw(st.sampled_from(self.asked)))

    @invariant()
    def the_books_balance(self) -> None:
        kept = books.read(self.site.plant)
        assert not books.findings(kept)
        now = self.site.world.now_ms()
        for (account, asset), balance in kept.balances.items():
            player = kept.players[account]
            assert balance == self.model.balance(player, asset)
            # What expired may still be held: whoever needs it gives it back.
            assert kept.available[account, asset] <= self.model.available(player, asset, now)


EconomyTest = Economy.TestCase
EconomyTest.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
