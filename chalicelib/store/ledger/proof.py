"""Reads of the ledger's proof: the rows that the table holds, whichever code wrote them. All reads are strong.

The proof shares only key names with the code that writes the rows, so that neither hides a mistake of the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.ledger.holds import OPEN
from chalicelib.domain.ledger.transfer import is_system, located
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys

# Keys named per account that do not belong to it. One is enough for an operator to check the account.
MAX_STRAYS = 10
_FIGURES = ("sk", "amount", "balance", "available", "expiring")
# Sort keys before and after all possible ones.
_FIRST, _LAST = " ", "\U0010ffff"
_BALANCE = keys.account("", "")[1]
_ACCOUNTS = keys.account("", "")[0].partition("#")[0] + "#"
_HOLDS = keys.holds("")
_CORRECTED = keys.corrected("")[0]
_POSTING = ("pk", "sk", "amount", "other", "kind", "details", "note", "rv")
# The items and attributes that a scan of the table requests.
PREFIXES = (_ACCOUNTS, _HOLDS, _CORRECTED)
ATTRIBUTES = ("by", *_POSTING)


@dataclass(frozen=True, slots=True)
class Row:
    """A posting. `amount`: None if it is no number. `corrects`: the transfer that it claims to reverse.

    `common`: details, note and ruleset, which are equal on both sides.
    """

    pk: str
    sk: str
    amount: int | None
    other: str
    kind: str
    corrects: str
    common: str

    @property
    def key(self) -> Key:
        return self.pk, self.sk

    @property
    def id(self) -> str:
        return self.sk.removeprefix(keys.POSTING)

    @property
    def takes_back(self) -> bool:
        """Return whether the posting claims to reverse a transfer, or should do so by its kind."""
        return bool(self.corrects) or self.kind in ("correction", "refund")

    @property
    def is_in_place(self) -> bool:
        """Return whether the key is that of a posting with its account, asset and id, which a transfer can have."""
        account, asset = keys.account_of(self.pk)
        return located(self.id) is not None and self.key == keys.posting(account, self.other, asset, self.id)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a balance item."""

    balance: int | None
    available: int | None
    expiring: int | None


@dataclass(frozen=True, slots=True)
class Summed:
    """The sum of a partition. `figures`: of the balance item, if there is one. `postings`, `total`: number and sum.

    `strays`: sort keys of other items.
    """

    figures: Figures | None
    postings: int
    total: int
    strays: tuple[str, ...]

    def plus(self, other: Summed) -> Summed:
        figures, strays = self.figures or other.figures, self.strays + other.strays
        return Summed(figures, self.postings + other.postings, self.total + other.total, strays[:MAX_STRAYS])


@dataclass(frozen=True, slots=True)
class Held:
    """The open holds of an account: their sum, and the earliest expiry among them (ms)."""

    amount: int = 0
    soonest: int | None = None


@dataclass(slots=True)
class Books:
    """The ledger's items on one page of the table.

    `marks`: (transfer, the transfer that corrected it). `balances`: the number of balance items. `partitions`: those of
    player accounts with a balance, a posting or an open hold on the page; the values are None, the order is the page's.
    """

    rows: list[Row] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)
    balances: int = 0
    partitions: dict[str, None] = field(default_factory=dict)

    def take(self, item: Item) -> None:
        """Add an item of one of the `PREFIXES`."""
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(_HOLDS):
            if sk.startswith((keys.OPEN_HOLD, keys.PENDING_HOLD)):
                self.partitions[keys.account(pk.removeprefix(_HOLDS), _text(item, "asset"))[0]] = None
        elif pk.startswith(_CORRECTED):
            self.marks.append((pk.removeprefix(_CORRECTED), _text(item, "by")))
        elif not sk.startswith(keys.POSTING):
            self.balances += 1
            self.partitions[pk] = None
        else:
            self.rows.append(_row(item))
            if not is_system(keys.account_of(pk)[0]):
                self.partitions[pk] = None


def read_postings(table: Table, pk: str) -> Iterator[Row]:
    return map(_row, table.query_all(pk, prefix=keys.POSTING, attributes=_POSTING))


def sum_partition(table: Table, pk: str, *, since: str = "", until: str = "") -> Summed:
    """Sum a partition: all items, those from the posting `since` on, or those before the posting `until`."""
    between = (keys.POSTING + since if since else _FIRST, keys.POSTING + until if until else _LAST)
    figures, postings, total = None, 0, 0
    strays: list[str] = []
    for item in table.query_all(pk, between=between, attributes=_FIGURES):
        sk = item["sk"]["S"]
        if sk.startswith(keys.POSTING):
            postings += 1
            total += _number(item, "amount") or 0
        elif sk == _BALANCE:
            figures = _figures(item)
        elif len(strays) < MAX_STRAYS:
            strays.append(sk)
    return Summed(figures, postings, total, tuple(strays))


def sum_open_holds(table: Table, account_id: str, asset: str) -> Held:
    """Sum the unresolved holds of an account and asset, expired or not."""
    amount, soonest = 0, None
    for item in table.query_all(keys.holds(account_id), between=(keys.OPEN_HOLD, keys.PENDING_HOLD + "~")):
        if _text(item, "asset") == asset and _text(item, "state") == OPEN:
            amount += _number(item, "amount") or 0
            expires_at = _number(item, "expiresAt")
            if expires_at is not None:
                soonest = expires_at if soonest is None else min(soonest, expires_at)
    return Held(amount, soonest)


def read_figures(table: Table, pk: str) -> Figures | None:
    item = table.get((pk, _BALANCE))
    return _figures(item) if item else None


def read_rows(table: Table, row_keys: Sequence[Key]) -> dict[Key, Row]:
    return {key: _row(item) for key, item in table.get_many(list(row_keys)).items()}


def read_correctors(table: Table, transfer_ids: Sequence[str]) -> dict[str, str]:
    """Return transfer -> the transfer that corrected it, as the marks say."""
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
        " ".join(_text(item, name) for name in ("rv", "details", "note")),
    )


def _figures(item: Item) -> Figures:
    return Figures(_number(item, "balance"), _number(item, "available"), _number(item, "expiring"))


def _number(item: Item, name: str) -> int | None:
    text = item.get(name, {}).get("N", "")
    return int(text) if text.removeprefix("-").isdigit() else None


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
