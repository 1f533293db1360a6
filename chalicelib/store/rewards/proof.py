"""What the proof of redemptions reads: rows as they stand in the table, whoever wrote them. All reads are strong."""

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
    """A redemption as its row says; `stocked`, `limited`: it took one of the stock, of the player's number."""

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
    """Of a page of the table: redemptions; counters of stocks and limits by key."""

    redemptions: list[Redeemed] = field(default_factory=list)
    counters: dict[Key, int] = field(default_factory=dict)

    def take(self, item: Item) -> None:
        """Keep an item, if it is one of these."""
        key = item["pk"]["S"], item["sk"]["S"]
        if key[0].startswith(_REDEMPTIONS):
            self.redemptions.append(_redeemed(item))
            return
        name = _counter(key)
        if name in item:
            self.counters[key] = _number(item, name)


def own_redeemed(table: Table, public_id: str) -> list[Redeemed]:
    return [_redeemed(item) for item in table.query_all(keys.redemption(public_id, "")[0])]


def read_redeemed(table: Table, wanted: Sequence[Key]) -> list[Redeemed]:
    return [_redeemed(item) for item in table.get_many(wanted).values()]


def read_amounts(table: Table, wanted: Sequence[Key]) -> dict[Key, int]:
    """Of holds and postings."""
    return {key: _number(item, "amount") for key, item in table.get_many(wanted).items()}


def read_counters(table: Table, wanted: Sequence[Key]) -> dict[Key, int]:
    return {key: _number(item, _counter(key)) for key, item in table.get_many(wanted).items()}


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
    """-1 for what is no whole number: nothing that is counted here is that."""
    text = item.get(name, {}).get("N", "")
    return int(text) if text.removeprefix("-").isdigit() else -1


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
