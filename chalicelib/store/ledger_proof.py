"""What the proof of the ledger reads: rows as they stand in the table, whoever wrote them. All reads are strong.

It shares no code with what writes them but key names, so that neither hides a mistake of the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.store import keys
from chalicelib.store.keys import Key
from chalicelib.store.models import Item
from chalicelib.store.table import Table

# Where a number should be, and is none.
NO_NUMBER = None
_BALANCE = keys.account("", "")[1]
_ACCOUNTS = keys.account("", "")[0].partition("#")[0] + "#"
_HOLDS = keys.holds("")


@dataclass(frozen=True, slots=True)
class Row:
    """A posting. `corrects`: the transfer that it says it takes back."""

    pk: str
    sk: str
    amount: int | None
    other: str
    kind: str
    corrects: str

    @property
    def key(self) -> Key:
        return self.pk, self.sk

    @property
    def id(self) -> str:
        return self.sk.removeprefix(keys.POSTING)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a balance item says."""

    balance: int | None
    available: int | None


@dataclass(frozen=True, slots=True)
class Scanned:
    """A page of the table: postings as (id, asset, amount); the partitions of accounts and the accounts of open holds
    on it; how many balance items; the key to go on from."""

    postings: list[tuple[str, str, int]]
    partitions: list[str]
    balances: int
    next: Item | None


def scan_ledger(table: Table, start: Item | None) -> Scanned:
    page = table.scan(
        "begins_with(pk, :a) OR begins_with(pk, :h)",
        {":a": {"S": _ACCOUNTS}, ":h": {"S": _HOLDS}},
        ("pk", "sk", "amount", "asset"),
        start,
    )
    postings, balances = [], 0
    partitions: dict[str, None] = {}
    for item in page.items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(_HOLDS):
            if sk.startswith(keys.OPEN_HOLD):
                partitions[keys.account(pk.removeprefix(_HOLDS), _text(item, "asset"))[0]] = None
            continue
        partitions[pk] = None
        if sk.startswith(keys.POSTING):
            postings.append((sk.removeprefix(keys.POSTING), keys.account_of(pk)[1], _number(item, "amount") or 0))
        else:
            balances += 1
    return Scanned(postings, list(partitions), balances, page.next)


def read_partition(table: Table, pk: str) -> Iterator[Row | Figures]:
    """What a partition has: a balance item, if there is one, and every posting."""
    for item in table.query_all(pk):
        yield _row(item) if item["sk"]["S"].startswith(keys.POSTING) else _figures(item)


def sum_partition(table: Table, pk: str) -> tuple[int, int]:
    """(number, sum) of its postings."""
    amounts = [_number(item, "amount") or 0 for item in table.query_all(pk, prefix=keys.POSTING, attributes=["amount"])]
    return len(amounts), sum(amounts)


def sum_open_holds(table: Table, account_id: str, asset: str) -> tuple[int, int]:
    """(number, sum) of what nobody resolved, expired or not."""
    amounts = [
        _number(item, "amount") or 0
        for item in table.query_all(keys.holds(account_id), prefix=keys.OPEN_HOLD)
        if _text(item, "asset") == asset
    ]
    return len(amounts), sum(amounts)


def read_figures(table: Table, pk: str) -> Figures | None:
    item = table.get((pk, _BALANCE))
    return _figures(item) if item else None


def read_rows(table: Table, wanted: Sequence[Key]) -> dict[Key, Row]:
    return {key: _row(item) for key, item in table.get_many(list(wanted)).items()}


def read_correctors(table: Table, transfer_ids: Sequence[str]) -> dict[str, str]:
    """Transfer -> by which one it was corrected, as noted beside it."""
    found = table.get_many([keys.corrected(id_) for id_ in transfer_ids])
    return {id_: _text(found[keys.corrected(id_)], "by") for id_ in transfer_ids if keys.corrected(id_) in found}


def _row(item: Item) -> Row:
    try:
        details = json.loads(_text(item, "details") or "{}")
        corrects = str(details.get("corrects", ""))
    except (ValueError, AttributeError):
        corrects = ""
    return Row(
        item["pk"]["S"],
        item["sk"]["S"],
        _number(item, "amount"),
        _text(item, "other"),
        _text(item, "kind"),
        corrects,
    )


def _figures(item: Item) -> Figures:
    return Figures(_number(item, "balance"), _number(item, "available"))


def _number(item: Item, name: str) -> int | None:
    text = item.get(name, {}).get("N", "")
    return int(text) if text.removeprefix("-").isdigit() else NO_NUMBER


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
