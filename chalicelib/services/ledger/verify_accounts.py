"""Verify an account's figures against the sums of its postings and open holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.services.ledger.verify_postings import Difference
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Figures, Held, Summed, read_figures, sum_open_holds, sum_partition

# Each reads a minute's postings in some 20 ms. An account with ten postings per second is at rest in 4 of 5.
MAX_READINGS = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """A partition: its stored figures, and the sums of its postings and open holds."""

    pk: str
    summed: Summed
    held: Held

    @property
    def figures(self) -> Figures | None:
        return self.summed.figures

    @property
    def postings(self) -> int:
        return self.summed.postings


def read_partition(table: Table, pk: str) -> Reading:
    """Read a partition. During a concurrent write its figures and sums may disagree."""
    return Reading(pk, sum_partition(table, pk), _held(table, pk))


def read_at_rest(table: Table, pk: str, settled: str) -> Reading | None:
    """Return a consistent reading, or None if the account never came to rest.

    Postings are only added, and none with an id before `settled`; a hold never opens again. So if two readings of the
    newer postings and of the holds agree, their content was the same when the figures were read in between. The newer
    postings are few, so busy accounts can be verified too.
    """
    before = sum_partition(table, pk, until=settled)
    for _ in range(MAX_READINGS):
        first = sum_partition(table, pk, since=settled), _held(table, pk)
        figures = read_figures(table, pk)
        if (sum_partition(table, pk, since=settled), _held(table, pk)) == first:
            return Reading(pk, replace(before.plus(first[0]), figures=figures), first[1])
    return None


def _held(table: Table, pk: str) -> Held:
    account, asset = keys.account_of(pk)
    return Held() if is_system(account) else sum_open_holds(table, account, asset)


def wrong_figures(reading: Reading) -> list[Difference]:
    """Return the differences of an account's figures."""
    (account, asset), figures, total = keys.account_of(reading.pk), reading.figures, reading.summed.total

    def difference(what: str, expected: object, found: object) -> Difference:
        return Difference(account, asset, what, str(expected), "none" if found is None else str(found))

    differences = [difference("items", "a balance and postings", name) for name in reading.summed.strays]
    if is_system(account):
        return differences + ([difference("balance", "none", figures.balance)] if figures else [])
    if figures is None:
        return differences + ([difference("balance", total, None)] if reading.postings or reading.held.amount else [])
    if figures.balance != total:
        differences.append(difference("balance", total, figures.balance))
    elif total < 0:
        differences.append(difference("balance", "0 or more", total))
    available = total - reading.held.amount
    if figures.available not in (available, (figures.balance or 0) - reading.held.amount):
        differences.append(difference("available", available, figures.available))
    elif available < 0 <= total:
        differences.append(difference("available", "0 or more", available))
    soonest = reading.held.soonest
    if soonest is not None and (figures.expiring is None or figures.expiring > soonest):
        differences.append(difference("next expiry of a hold", f"{soonest} or before", figures.expiring))
    return differences
