"""Verify the marks of corrected transfers: a mark without its correction would block a valid correction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from chalicelib.domain.core.batches import batched
from chalicelib.services.ledger.verify_postings import ROWS_AT_ONCE, Difference, KeyedSums
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.ledger.proof import Books, Row, read_correctors, read_rows


class Marks:
    """A check in constant memory that corrections and marks come in pairs.

    A second pass finds those that do not. Corrections without a mark are found with their postings.
    """

    def __init__(self, sums: KeyedSums) -> None:
        self.sums = sums
        self.odd: Counter[tuple[str, str]] = Counter()

    def add(self, books: Books, settled: str) -> None:
        for (transfer, by), sign in _signed(books, settled):
            self.sums.add(transfer, by, sign)

    def are_even(self) -> bool:
        return self.sums.are_even()

    def sort_out(self, books: Books, settled: str) -> None:
        for mark, sign in _signed(books, settled):
            if self.sums.may_be_odd(mark[0]):
                self.odd[mark] += sign

    def of_nothing(self) -> list[Difference]:
        return [_of_nothing("corrections", "all", *mark) for mark, count in self.odd.items() if count < 0]


def wrong_marks(table: Table, rows: Iterable[Row]) -> Iterator[Difference]:
    """Yield the postings of an account that are marked as corrected but were not."""
    for batch in batched(rows, ROWS_AT_ONCE):
        noted = read_correctors(table, [row.id for row in batch])
        taken_back = {row: _taken_back(row, noted[row.id]) for row in batch if row.id in noted}
        found = read_rows(table, list(taken_back.values()))
        for row, key in taken_back.items():
            if key not in found or found[key].corrects != row.id:
                yield _of_nothing(*ledger_keys.account_of(row.pk), row.id, noted[row.id])


def _signed(books: Books, settled: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield ((transfer, correction), sign): 1 for a correction, -1 for a mark. Skips recent ones."""
    for row in books.rows:
        if row.corrects and (row.amount or 0) > 0 and row.id < settled:
            yield (row.corrects, row.id), 1
    for mark in books.marks:
        if mark[1] < settled:
            yield mark, -1


def _taken_back(row: Row, by: str) -> core_keys.Key:
    account, asset = ledger_keys.account_of(row.pk)
    return ledger_keys.posting(account, row.other, asset, by)


def _of_nothing(account: str, asset: str, transfer: str, by: str) -> Difference:
    return Difference(account, asset, f"transfer {transfer}", f"{by or 'a transfer'} to reverse it", "none")
