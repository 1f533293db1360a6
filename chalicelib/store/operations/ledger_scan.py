"""Scans the table for everything that a proof of the ledger sums up."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import proof as ledger
from chalicelib.store.ledger.proof import Books
from chalicelib.store.rewards import proof as rewards
from chalicelib.store.rewards.proof import Kept

_PREFIXES = (*ledger.PREFIXES, *rewards.PREFIXES)
_ATTRIBUTES = tuple(dict.fromkeys((*ledger.ATTRIBUTES, *rewards.ATTRIBUTES)))


@dataclass(frozen=True, slots=True)
class Scanned:
    """A page of the table: its ledger items, its redemption items, and the key to continue from."""

    books: Books
    kept: Kept
    next: Item | None


def scan_ledger(table: Table, start: Item | None) -> Scanned:
    """Read one page (1 MB) of the table from a key on."""
    values = {f":p{place}": {"S": prefix} for place, prefix in enumerate(_PREFIXES)}
    condition = " OR ".join(f"begins_with(pk, {name})" for name in values)
    page = table.scan(condition, values, _ATTRIBUTES, start)
    books, kept = Books(), Kept()
    for item in page.items:
        (kept if item["pk"]["S"].startswith(rewards.PREFIXES) else books).take(item)
    return Scanned(books, kept, page.next)
