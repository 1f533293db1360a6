"""A unit of work: writes of several items, all done or none.

A function whose first parameter is a `Transaction` adds its writes to it. `commit` sends them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NewType

from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.writes import Check, Delete, Names, Put, Request, Update, Write

if TYPE_CHECKING:
    from chalicelib.store.core.table import Table

# Limits of DynamoDB.
MAX_ITEMS = 100
MAX_BYTES = 4 * 1024 * 1024
MAX_ITEM_BYTES = 400 * 1024

# Where a write is in its transaction: `ConditionFailed.at` returns whether its condition failed.
Place = NewType("Place", int)

_ADD_CLAUSE = re.compile(r"ADD ([#\w]+ :\w+(?:, [#\w]+ :\w+)*)")
_WORDS = re.compile(r"[#:]?\w+")


class InvalidTransaction(ValueError):
    """A transaction that must not be sent. Nothing of it was written."""


class Transaction:
    """Collects writes for one table and commits them once. Its length is the number of items.

    It refuses a second write of the same item, unless both only add numbers to it under the same condition: such
    updates are merged into one. It sends writes in the order in which they were added.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._writes: list[Write] = []
        self._places: dict[Key, Place] = {}
        self._sums: dict[str, int] = {}
        self._committed = False

    def __len__(self) -> int:
        return len(self._writes)

    @property
    def size(self) -> int:
        """Return the bytes of all writes, as far as the writes show them."""
        return sum(write.size for write in self._writes)

    def put(
        self,
        item: Item,
        condition: str = "",
        names: Names | None = None,
        values: Item | None = None,
    ) -> Place:
        """Write a whole item."""
        return self._add(Put(item, condition, names, values))

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        names: Names | None = None,
        values: Item | None = None,
    ) -> Place:
        """Change attributes of an item. Returns the place of the earlier update if both are merged into one."""
        return self._add(Update(key, expression, condition, names, values))

    def check(self, key: Key, condition: str, names: Names | None = None, values: Item | None = None) -> Place:
        """Fail the transaction unless the condition holds for the item."""
        return self._add(Check(key, condition, names, values))

    def delete(self, key: Key, condition: str = "", names: Names | None = None, values: Item | None = None) -> Place:
        """Remove an item."""
        return self._add(Delete(key, condition, names, values))

    def book(self, name: str, amount: int) -> None:
        """Record a signed amount under a name. `commit` refuses unless the amounts of each name sum to 0."""
        self._sums[name] = self._sums.get(name, 0) + amount

    def include(self, other: Transaction) -> None:
        """Add all writes and booked amounts of another transaction."""
        for write in other._writes:
            self._add(write)
        for name, amount in other._sums.items():
            self.book(name, amount)

    def requests(self) -> list[Request]:
        """Return the writes as DynamoDB's TransactItems."""
        return [{write.kind: write.request(self._table.name)} for write in self._writes]

    def commit(self) -> None:
        """Execute all writes or none, once.

        Raises ConditionFailed with the places of the failed conditions, LostRace for another running transaction,
        Unknown, StoreError; and InvalidTransaction, before anything is sent, if the transaction is not valid.
        """
        if self._committed:
            raise InvalidTransaction("this transaction was committed before")
        if not self._writes:
            raise InvalidTransaction("this transaction has no writes")
        # Ten items cannot be too large, and measuring them takes a tenth of a millisecond.
        if len(self) * MAX_ITEM_BYTES > MAX_BYTES and self.size > MAX_BYTES:
            raise InvalidTransaction(f"a transaction takes {MAX_BYTES} bytes, not {self.size}")
        for name, amount in self._sums.items():
            if amount:
                raise InvalidTransaction(f"the amounts of {name} sum to {amount}, not to 0")
        self._committed = True
        self._table.transact(self.requests())

    def _add(self, write: Write) -> Place:
        known = self._places.get(write.key)
        if known is not None:
            self._writes[known] = _merged(self._writes[known], write)
            return known
        if len(self._writes) == MAX_ITEMS:
            raise InvalidTransaction(f"a transaction takes {MAX_ITEMS} items; there is no room for {write.key}")
        place = self._places[write.key] = Place(len(self._writes))
        self._writes.append(write)
        return place


def _merged(one: Write, other: Write) -> Write:
    """Merge two updates into one that does what both do. Raises InvalidTransaction if there is none."""
    if not isinstance(one, Update) or not isinstance(other, Update):
        raise InvalidTransaction(f"{one.key} is written twice: {one.kind} and {other.kind}")
    amounts = _amounts(one)
    if amounts is None or _amounts(other) is None:
        raise InvalidTransaction(f"{one.key} is updated twice, and not only by adding numbers")
    if _without(one, amounts) != _without(other, amounts):
        raise InvalidTransaction(f"{one.key} is updated twice, under different expressions or conditions")
    mine, others = one.values or {}, other.values or {}
    sums = {name: {"N": str(int(mine[name]["N"]) + int(others[name]["N"]))} for name in amounts}
    return replace(one, values={**mine, **sums})


def _amounts(update: Update) -> set[str] | None:
    """Return the placeholders of the numbers that an update adds.

    None if it does anything else, or if its condition depends on what it adds: then two updates in a row differ from
    their sum.
    """
    clause = _ADD_CLAUSE.fullmatch(update.expression)
    if not clause:
        return None
    words = _WORDS.findall(clause[1])
    names = update.names or {}
    changed = {names.get(word, word) for word in words[::2]} | {"pk", "sk"}
    amounts = set(words[1::2])
    conditional = {names.get(word, word) for word in _WORDS.findall(update.condition)}
    if conditional & (changed | amounts) or any("N" not in (update.values or {}).get(name, {}) for name in amounts):
        return None
    return amounts


def _without(update: Update, amounts: set[str]) -> Update:
    """Return the update without the numbers that it adds."""
    kept = {name: value for name, value in (update.values or {}).items() if name not in amounts}
    return replace(update, values=kept)
