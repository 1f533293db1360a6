"""Prove redemptions: each is paid, held or given back as its status says; stocks and limits count those that took one.

A redemption changes, so nothing of it is believed to be wrong that is not found wrong twice, after a pause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from chalicelib.domain.ledger.transfer import REWARDS
from chalicelib.domain.rewards.rewards import CANCELLED, COMPLETED, FULFILLED, PENDING, REFUNDED
from chalicelib.services.ledger.verify_postings import Difference, KeyedSums
from chalicelib.store.core.keys import Key
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys as ledger_keys
from chalicelib.store.rewards import keys as rewards_keys
from chalicelib.store.rewards.proof import Kept, Redeemed, read_amounts, read_counters, read_redeemed

# Passes over the table, or pauses, before what keeps changing is given up.
READINGS = 5
# Status -> whether its cost is held, was paid, was paid back.
ENDS = {
    PENDING: (True, False, False),
    COMPLETED: (False, True, False),
    FULFILLED: (False, True, False),
    CANCELLED: (False, False, False),
    REFUNDED: (False, True, True),
}
GIVEN_BACK = (CANCELLED, REFUNDED)


def wrong_redemptions(table: Table, redemptions: Sequence[Redeemed], wait: Callable[[], None]) -> list[Difference]:
    """Those whose hold and postings are not what their status says, twice the same."""
    before = _wrong(table, redemptions)
    told: list[Difference] = []
    for _ in range(READINGS):
        if not before:
            break
        wait()
        wrong = _wrong(table, read_redeemed(table, list(before)))
        told += [difference for key, difference in wrong.items() if before[key] == difference]
        before = {key: difference for key, difference in wrong.items() if before[key] != difference}
    return told


def _wrong(table: Table, redemptions: Sequence[Redeemed]) -> dict[Key, Difference]:
    places = {each.key: _places(each) for each in redemptions}
    amounts = read_amounts(table, [key for three in places.values() for key in three if key])
    wrong = {}
    for each in redemptions:
        found = [amounts.get(key) if key else None for key in places[each.key]]
        ends = ENDS.get(each.status)
        signed = (each.cost, -each.cost, each.cost)
        expected = ends and [amount if there else None for amount, there in zip(signed, ends, strict=True)]
        if found != expected:
            said = f"{each.status or '?'}: held, paid, paid back: {_said(expected)}"
            wrong[each.key] = Difference(each.account, each.asset, f"redemption {each.key[1]}", said, _said(found))
    return wrong


def _places(each: Redeemed) -> list[Key | None]:
    """Where its hold is, what paid for it, what paid it back; None of a transfer that it does not know."""
    moved = (each.transfer, each.refund)
    known = [ledger_keys.posting(each.account, REWARDS, each.asset, id_) if id_ else None for id_ in moved]
    return [ledger_keys.pending_hold(each.account, each.key[1]), *known]


def _said(amounts: Sequence[int | None] | None) -> str:
    return ", ".join("none" if each is None else str(each) for each in amounts or ())


class Taken:
    """Whether stocks and limits count the redemptions that took one, in memory of one size; where they do not, more
    passes tell which."""

    def __init__(self, table: Table, secret: str) -> None:
        self.table = table
        self.sums = KeyedSums(secret)

    def add(self, kept: Kept) -> None:
        for key, count in _counted(kept):
            self.sums.add(_name(key), "", count)

    def wrong(
        self, passes: Callable[[], Iterable[Kept]], wait: Callable[[], None]
    ) -> tuple[list[Difference], list[str]]:
        """The counters that are wrong in two passes, and did not change between their ends; those that never rested."""
        if self.sums.are_even():
            return [], []
        before: dict[Key, tuple[int, int]] = {}
        told: list[Difference] = []
        for number in range(READINGS):
            counts: Counter[Key] = Counter()
            for kept in passes():
                for key, count in _counted(kept, counters=False):
                    if self.sums.may_be_odd(_name(key)) and (number == 0 or key in before):
                        counts[key] += count
                for key in kept.counters:
                    if self.sums.may_be_odd(_name(key)) and (number == 0 or key in before):
                        counts[key] += 0
            said = read_counters(self.table, list(counts))
            now = {key: (said.get(key, 0), count) for key, count in counts.items() if said.get(key, 0) != count}
            stayed = [key for key, found in now.items() if before.get(key) == found]
            told += [Difference(*_named(key), str(now[key][1]), str(now[key][0])) for key in stayed]
            before = {key: found for key, found in now.items() if key not in stayed}
            if not before:
                break
            wait()
        return told, [" ".join(_named(key)) for key in before]


def _counted(kept: Kept, *, counters: bool = True) -> Iterable[tuple[Key, int]]:
    for each in kept.redemptions:
        if each.status not in GIVEN_BACK:
            if each.stocked:
                yield rewards_keys.stock(each.reward), 1
            if each.limited:
                yield rewards_keys.redeemed(each.account, each.reward), 1
    if counters:
        for key, count in kept.counters.items():
            yield key, -count


def _name(key: Key) -> str:
    return "\0".join(key)


def _named(key: Key) -> tuple[str, str, str]:
    """Account, asset and what of it, as differences tell them."""
    pk, sk = key
    reward = rewards_keys.reward("")[0]
    if pk.startswith(reward):
        return "rewards", "all", f"sold of {pk.removeprefix(reward)}"
    return pk.partition("#")[2], "all", f"redeemed of {sk}"
