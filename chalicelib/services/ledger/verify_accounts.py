"""Prove an account's figures: they are what its postings and open holds add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.services.ledger.verify_postings import Difference
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Figures, Held, Summed, read_figures, sum_open_holds, sum_partition

# Each is of a minute's postings: some 20 ms, in which an account that takes ten a second rests four times out of five.
MAX_READINGS = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """A partition: what is said of it, and what its postings and open holds add up to."""

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
    """What is read before, and what after somebody else's write, may not agree."""
    return Reading(pk, sum_partition(table, pk), _held(table, pk))


def read_at_rest(table: Table, pk: str, settled: str) -> Reading | None:
    """A reading that was true at one moment, or None if the account never came to rest.

    Postings are only added, none with an id before `settled`, and a hold is never opened again: what two readings of
    the rest agree on was so when, in between, the figures were read. The rest is little: who is paid all the time
    is proven too.
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
    """What is wrong with an account's figures."""
    (account, asset), figures, total = keys.account_of(reading.pk), reading.figures, reading.summed.total

    def difference(what: str, expected: object, found: object) -> Difference:
        return Difference(account, asset, what, str(expected), "none" if found is None else str(found))

    told = [difference("items", "a balance and postings", name) for name in reading.summed.strays]
    if is_system(account):
        return told + ([difference("balance", "none", figures.balance)] if figures else [])
    if figures is None:
        return told + ([difference("balance", total, None)] if reading.postings or reading.held.amount else [])
    if figures.balance != total:
        told.append(difference("balance", total, figures.balance))
    elif total < 0:
        told.append(difference("balance", "0 or more", total))
    available = total - reading.held.amount
    if figures.available not in (available, (figures.balance or 0) - reading.held.amount):
        told.append(difference("available", available, figures.available))
    elif available < 0 <= total:
        told.append(difference("available", "0 or more", available))
    soonest = reading.held.soonest
    if soonest is not None and (figures.expiring is None or figures.expiring > soonest):
        told.append(difference("next expiry of a hold", f"{soonest} or before", figures.expiring))
    return told
