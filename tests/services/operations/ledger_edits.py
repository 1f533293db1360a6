"""Ledgers for tests that damage them: many transfers put into the simulated table at once, and manual edits."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

from chalicelib import settings
from chalicelib.domain.identity.owner import Owner
from chalicelib.domain.ledger.transfer import BURN, MINT, Transfer, transfer_id
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.correct_transfer import CorrectionRequest, correct_transfer
from chalicelib.services.ledger.grant_tokens import GrantRequest, grant_tokens
from chalicelib.services.ledger.place_hold import HoldRequest, place_hold
from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from chalicelib.services.operations.suspects import Verified
from chalicelib.services.operations.verify_ledger import verify_ledger
from chalicelib.services.progress.create_key import create_key
from chalicelib.store.core import keys as core_keys
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.ledger.double_entry import post_transfer
from chalicelib.store.ledger.models import BalanceItem
from infra.settings import API_FUNCTION
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE, Plant
from tests.simulated import Faults

ASSET = "tokens"
APART_MS = 1_000


def players(plant: Plant, names: list[str]) -> list[Owner]:
    for name in names:
        create_key(plant.context, name, ())
    return [find_owner(plant.context, name) for name in names]


def caller(owner: Owner, *permissions: str) -> Caller:
    return Caller(owner.player, "laurel_00000000", frozenset(permissions), owner.account, owner.public)


def load(plant: Plant, owners: list[Owner], transfers: int, seed: int = 1) -> None:
    """Write so many transfers between players without an account, and with the mint, as their writer leaves them."""
    rng, balances, items = random.Random(seed), Counter[str](), list[dict[str, Any]]()
    began = plant.world.now_ms() - (transfers + 1) * APART_MS
    for number in range(transfers):
        sender, other = rng.sample(owners, 2)
        if balances[sender.account] < 1000:
            source, target, public = MINT, sender.account, sender.public
        else:
            source, target = sender.account, BURN if rng.random() < 0.1 else other.account
            public = sender.public
        amount, at = rng.randint(1, 1000), began + number * APART_MS
        made = Transfer(transfer_id(at, public, str(number)), ASSET, source, target, amount, "test", at)
        tx = plant.context.table.transaction()
        post_transfer(tx, made, "sim")
        items += [write["Put"]["Item"] for write in tx.requests() if "Put" in write]
        balances[source] -= amount
        balances[target] += amount
    for account, balance in balances.items():
        if not account.startswith("@"):
            items.append(BalanceItem(*ledger_keys.account(account, ASSET), balance=balance, available=balance).item())
    plant.world.dynamodb.table(TABLE).load(items)


def verify(plant: Plant, account: str | None = None, asset: str | None = None) -> Verified:
    with plant.world.acting_as("" if account else "verify_ledger"):
        return verify_ledger(plant.context, lambda: plant.world.sleep(2), account, asset)


def differences(plant: Plant, account: str | None = None) -> list[str]:
    verified = verify(plant, account)
    assert not verified.restless
    return [str(each) for each in verified.differences]


def posting(plant: Plant, account: str, place: int = 0) -> dict[str, Any]:
    """Return an account's posting as stored in the table, the oldest first."""
    pk = ledger_keys.account(account, ASSET)[0]
    return list(plant.context.table.query_all(pk, prefix=ledger_keys.POSTING))[place]


def key_of(item: dict[str, Any]) -> core_keys.Key:
    return item["pk"]["S"], item["sk"]["S"]


class Economy:
    """Ada and Bob with some of everything: grants, transfers, a correction, holds."""

    def __init__(self) -> None:
        self.plant: Plant = plants.build(3, Faults(), plants.rules(settings.RULESETS / "default.toml"))
        self.ada, self.bob, self.root = players(self.plant, ["ada", "bob", "root"])
        self.number = 0
        self.grant(self.ada, 200)
        self.grant(self.ada, 7, "coins")
        self.sent = self.send(self.ada, self.bob, 50)
        self.send(self.bob, self.ada, 20)
        self.grant(self.bob, -5)
        self.corrected = self.correct(self.send(self.ada, self.bob, 3))
        self.hold(self.ada, 40)
        self.hold(self.ada, 2, "coins")
        self.plant.world.sleep(90)

    def key(self) -> str:
        self.number += 1
        self.plant.world.sleep(7)
        return f"k{self.number}"

    def as_the_api(self) -> AbstractContextManager[None]:
        """Send requests with the permissions of the API, also while another function works."""
        return self.plant.world.acting_as(API_FUNCTION)

    def grant(self, owner: Owner, amount: int, asset: str = ASSET) -> None:
        request = GrantRequest(owner.player, asset, amount, "test", self.key())
        with self.as_the_api():
            assert grant_tokens(self.plant.context, caller(self.root), request).refused is None

    def send(self, owner: Owner, to: Owner, amount: int) -> str:
        request = TransferRequest(to.player, amount, self.key())
        with self.as_the_api():
            answer = transfer_tokens(self.plant.context, caller(owner), request)
        assert answer.refused is None
        return str(answer.outcome["transfer"]["id"])

    def correct(self, id_: str) -> str:
        with self.as_the_api():
            answer = correct_transfer(self.plant.context, caller(self.root), CorrectionRequest(id_))
        return str(answer.outcome["transfer"]["id"])

    def hold(self, owner: Owner, amount: int, asset: str = ASSET, seconds: int = 60) -> None:
        request = HoldRequest(amount, asset, self.key(), seconds)
        with self.as_the_api():
            assert place_hold(self.plant.context, caller(owner), request).refused is None

    def balance_key(self, owner: Owner, asset: str = ASSET) -> core_keys.Key:
        return ledger_keys.account(owner.account, asset)
