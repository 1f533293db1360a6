"""The ledger as it lies in the table, read without Laurel's own code, and what must hold of it at every moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.pipeline.plant import TABLE, Plant

Account = tuple[str, str]


@dataclass
class Books:
    """By account id and asset: sums of postings, balances, what is available, what open holds hold."""

    sums: Counter[Account] = field(default_factory=Counter)
    balances: dict[Account, int] = field(default_factory=dict)
    available: dict[Account, int] = field(default_factory=dict)
    held: Counter[Account] = field(default_factory=Counter)
    transfers: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    kinds: dict[str, str] = field(default_factory=dict)
    players: dict[str, str] = field(default_factory=dict)
    outbox: list[str] = field(default_factory=list)


def rows_of(plant: Plant) -> list[dict[str, Any]]:
    return [row[0] for row in plant.world.dynamodb.tables[TABLE].rows.values()]


def account_of(plant: Plant, player: str) -> str:
    """Return a player's random account id."""
    rows = plant.world.dynamodb.tables[TABLE].rows
    return str(rows[f"PLAYER#{player}", "IDENTITY"][0]["account"]["S"])


def read(plant: Plant) -> Books:
    books = Books()
    for item in rows_of(plant):
        kind, _, rest = item["pk"]["S"].partition("#")
        sk = item["sk"]["S"]
        if kind == "ACCOUNT":
            _account(books, rest, sk, item)
        elif kind == "HOLD" and sk.startswith(("OPEN#", "PENDING#")):
            books.held[rest, item["asset"]["S"]] += int(item["amount"]["N"])
        elif kind == "PLAYER" and sk == "IDENTITY":
            books.players[item["account"]["S"]] = rest
        elif kind == "OUTBOX":
            books.outbox.append(sk)
    return books


def _account(books: Books, rest: str, sk: str, item: Mapping[str, Any]) -> None:
    owner, asset = rest.split("#")[:2]
    if sk == "BALANCE":
        books.balances[owner, asset] = int(item["balance"]["N"])
        books.available[owner, asset] = int(item["available"]["N"])
        return
    id_, amount = sk.removeprefix("POSTING#"), int(item["amount"]["N"])
    books.sums[owner, asset] += amount
    books.transfers[id_, asset].append((owner, amount))
    books.kinds[id_] = item["kind"]["S"]


def findings(books: Books) -> list[str]:
    """Return all violations of double entry."""
    found = []
    for (id_, asset), sides in books.transfers.items():
        if len(sides) != 2 or sum(amount for _, amount in sides) != 0:
            found.append(f"transfer {id_} of {asset} has postings {sides}")
    for asset in {asset for _, asset in books.sums}:
        total = sum(amount for (_, each), amount in books.sums.items() if each == asset)
        if total:
            found.append(f"all postings of {asset} sum to {total}")
    for account in sorted(set(books.sums) | set(books.balances) | set(books.held)):
        found += _account_findings(books, account)
    return found


def _account_findings(books: Books, account: Account) -> list[str]:
    balance, available = books.balances.get(account), books.available.get(account)
    if account[0].startswith("@"):
        return [] if balance is None else [f"{account} has a balance item"]
    if balance is None or available is None:
        return [f"{account} has no balance item"]
    found = []
    if balance != books.sums[account]:
        found.append(f"{account} has a balance of {balance}, its postings sum to {books.sums[account]}")
    if available != balance - books.held[account]:
        found.append(f"{account}: {available} available of {balance}, held {books.held[account]}")
    if available < 0:
        found.append(f"{account} is overdrawn: {available} available")
    return found
