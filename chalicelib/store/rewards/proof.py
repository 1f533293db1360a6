"""Reads of the redemptions' proof: the rows that the table holds, whichever code wrote them. All reads are strong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.rewards import keys

_REDEMPTIONS = keys.redemption("", "")[0]
_COUNTERS = {keys.reward("")[0]: "sold", keys.redeemed("", "")[0]: "redeemed"}
PREFIXES = (_REDEMPTIONS, *_COUNTERS)
ATTRIBUTES = (
    *("pk", "sk", "account", "reward", "cost", "asset", "status", "stocked", "limited", "transfer", "refund"),
    *_COUNTERS.values(),
)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption as its row says. `stocked`, `limited`: it took one from the stock, from the player's limit."""

    key: Key
    account: str
    reward: str
    cost: int
    asset: str
    status: str
    stocked: bool
    limited: bool
    transfer: str
    refund: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The rewards' items on one page of the table: redemptions, and counters of stocks and limits by key."""

    redemptions: list[Redeemed] = field(default_factory=list)
    counters: dict[Key, int] = field(default_factory=dict)

    def take(self, item: Item) -> None:
        """Add an item, if it is a redemption or a counter."""
        key = item["pk"]["S"], item["sk"]["S"]
        if key[0].startswith(_REDEMPTIONS):
            self.redemptions.append(_redeemed(item))
            return
        name = _counter(key)
        if name in item:
            self.counters[key] = _number(item, name)


def own_redeemed(table: Table, public_id: str) -> list[Redeemed]:
    return [_redeemed(item) for item in table.query_all(keys.redemption(public_id, "")[0])]


def read_redeemed(table: Table, redemption_keys: Sequence[Key]) -> list[Redeemed]:
    return [_redeemed(item) for item in table.get_many(redemption_keys).values()]


def read_amounts(table: Table, amount_keys: Sequence[Key]) -> dict[Key, int]:
    """Return the amounts of holds and postings, by key."""
    return {key: _number(item, "amount") for key, item in table.get_many(amount_keys).items()}


def read_counters(table: Table, counter_keys: Sequence[Key]) -> dict[Key, int]:
    return {key: _number(item, _counter(key)) for key, item in table.get_many(counter_keys).items()}


def _counter(key: Key) -> str:
    return next((name for prefix, name in _COUNTERS.items() if key[0].startswith(prefix)), "")


def _redeemed(item: Item) -> Redeemed:
    return Redeemed(
        (item["pk"]["S"], item["sk"]["S"]),
        _text(item, "account"),
        _text(item, "reward"),
        _number(item, "cost"),
        _text(item, "asset"),
        _text(item, "status"),
        bool(item.get("stocked", {}).get("BOOL")),
        bool(item.get("limited", {}).get("BOOL")),
        _text(item, "transfer"),
        _text(item, "refund"),
    )


def _number(item: Item, name: str) -> int:
    """Return a whole number, or -1 if the attribute is none. No value that is counted here is -1."""
    text = item.get(name, {}).get("N", "")
    return int(text) if text.removeprefix("-").isdigit() else -1


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
