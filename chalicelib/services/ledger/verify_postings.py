"""Verify postings: each has its other side, and a correction reverses an existing transfer, once."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain.core.batches import batched
from chalicelib.store.core.keys import Key
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Row, read_correctors, read_rows

# Number of sums of a check of pairs. One wrong transfer makes one in 4096 transfers suspect.
SUMS = 4096
SUM_BYTES = 16
MODULUS = 1 << 8 * SUM_BYTES
# Keys of one batch read.
ROWS_AT_ONCE = 100
Sign = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of an account. `what`: `balance`, `available`, or a transfer."""

    account: str
    asset: str
    what: str
    expected: str
    found: str

    @property
    def sign(self) -> Sign:
        """Return the part that stays equal while the account changes: for two numbers their difference."""
        try:
            apart = str(int(self.found) - int(self.expected))
        except ValueError:
            apart = f"{self.expected} {self.found}"
        return self.what, apart

    def __str__(self) -> str:
        return f"{self.account} {self.asset}: {self.what}: expected {self.expected}, found {self.found}"


class KeyedSums:
    """A check in constant memory that every added entry was subtracted again.

    Each check uses a new key for the digest, so that no one can construct entries whose sum is 0. `packed`: the sums of
    a check with the same secret, which continues.
    """

    def __init__(self, secret: str, packed: bytes = b"") -> None:
        self.secret = secret.encode()
        starts = range(0, len(packed), SUM_BYTES)
        self.sums = [int.from_bytes(packed[start : start + SUM_BYTES], "big") for start in starts] or [0] * SUMS

    def add(self, name: str, text: str, times: int) -> None:
        digest = hashlib.blake2b(f"{name}\0{text}".encode(), digest_size=SUM_BYTES, key=self.secret).digest()
        place = _sum_of(name)
        self.sums[place] = (self.sums[place] + times * int.from_bytes(digest, "big")) % MODULUS

    def are_even(self) -> bool:
        return not any(self.sums)

    def may_be_odd(self, name: str) -> bool:
        return self.sums[_sum_of(name)] != 0

    def packed(self) -> bytes:
        return b"".join(each.to_bytes(SUM_BYTES, "big") for each in self.sums)


class Pairs:
    """A check that postings come in pairs of opposites: each adds the data common to both sides, with its own sign."""

    def __init__(self, sums: KeyedSums) -> None:
        self.sums = sums

    def add(self, row: Row) -> None:
        account, asset = keys.account_of(row.pk)
        sides, amount = sorted((account, row.other)), row.amount or 0
        self.sums.add(
            row.id, "\0".join((asset, *sides, str(abs(amount)), row.kind, row.common)), 1 if amount > 0 else -1
        )

    def are_even(self) -> bool:
        return self.sums.are_even()

    def may_be_odd(self, row: Row) -> bool:
        return self.sums.may_be_odd(row.id)


def _sum_of(name: str) -> int:
    return zlib.crc32(name.encode()) % SUMS


def wrong_postings(table: Table, rows: Iterable[Row]) -> dict[Row, Difference]:
    """Return the postings without a matching other side, and the corrections of no transfer, with their differences.

    Reads the other sides strongly. A difference may come from a read during the transfer's write: read it again.
    """
    wrong: dict[Row, Difference] = {}
    for batch in batched(rows, ROWS_AT_ONCE):
        wrong |= _wrong(table, batch)
    return wrong


def _wrong(table: Table, rows: Sequence[Row]) -> dict[Row, Difference]:
    others = {row: keys.posting(row.other, *keys.account_of(row.pk), row.id) for row in rows}
    given = {row: _given(row) for row in rows if row.takes_back}
    found = read_rows(table, [*others.values(), *given.values()])
    noted = read_correctors(table, [row.corrects for row in given if row.corrects])
    wrong = {}
    for row in rows:
        difference = _unlike(row, found.get(others[row]))
        if difference is None and row in given:
            difference = _uncorrected(row, found.get(given[row]), noted.get(row.corrects))
        if difference:
            wrong[row] = difference
    return wrong


def _given(row: Row) -> Key:
    """Return the key of the account's own posting that a correction reverses."""
    account, asset = keys.account_of(row.pk)
    return keys.posting(account, row.other, asset, row.corrects)


def _unlike(row: Row, other: Row | None) -> Difference | None:
    """Return the difference of a posting that is misplaced or whose other side is not its opposite, else None."""
    account, asset = keys.account_of(row.pk)
    what, expected = f"transfer {row.id}", f"{row.other or '?'} with {-(row.amount or 0)}"
    if not row.amount:
        return Difference(account, asset, what, "an amount", str(row.amount or "none"))
    if not row.is_in_place:
        return Difference(account, asset, what, "another partition", row.pk)
    if other is None:
        return Difference(account, asset, what, expected, "none")
    if (other.amount, other.other, other.kind) != (-row.amount, account, row.kind):
        return Difference(account, asset, what, expected, f"{row.other} with {other.amount}")
    if other.common != row.common:
        return Difference(account, asset, what, "the same in both postings", f"{other.common} and {row.common}")
    return None


def _uncorrected(row: Row, given: Row | None, noted: str | None) -> Difference | None:
    """Return the difference of a correction that reverses no existing transfer or is not its marked one, else None."""
    account, asset = keys.account_of(row.pk)
    what = f"transfer {row.id}"
    if given is None or (given.amount, given.other) != (-(row.amount or 0), row.other):
        found = "none" if given is None else f"{given.other} with {given.amount}"
        expected = f"{row.corrects or 'a transfer'} to correct: {row.other} with {-(row.amount or 0)}"
        return Difference(account, asset, what, expected, found)
    if noted != row.id:
        return Difference(account, asset, what, f"{row.corrects} corrected by it", noted or "none")
    return None
