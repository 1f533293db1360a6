"""Verify redemptions: payment, hold and refund match the status; stocks and limits match the number of redemptions.

Redemptions change during the check, so a difference counts only if a second read after a pause finds it again.
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

# Passes over the table, or pauses, before the check gives up on data that keeps changing.
READINGS = 5
# Status -> whether the cost is held, was paid, was refunded.
ENDS = {
    PENDING: (True, False, False),
    COMPLETED: (False, True, False),
    FULFILLED: (False, True, False),
    CANCELLED: (False, False, False),
    REFUNDED: (False, True, True),
}
GIVEN_BACK = (CANCELLED, REFUNDED)


def wrong_redemptions(table: Table, redemptions: Sequence[Redeemed], wait: Callable[[], None]) -> list[Difference]:
    """Return the differences of redemptions whose hold and postings contradict the status in two equal reads."""
    before = _wrong(table, redemptions)
    differences: list[Difference] = []
    for _ in range(READINGS):
        if not before:
            break
        wait()
        wrong = _wrong(table, read_redeemed(table, list(before)))
        differences += [difference for key, difference in wrong.items() if before[key] == difference]
        before = {key: difference for key, difference in wrong.items() if before[key] != difference}
    return differences


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
            status = f"{each.status or '?'}: held, paid, paid back: {_text_of(expected)}"
            wrong[each.key] = Difference(each.account, each.asset, f"redemption {each.key[1]}", status, _text_of(found))
    return wrong


def _places(each: Redeemed) -> list[Key | None]:
    """Return the keys of the hold, the payment and the refund; None for a transfer without an id in the redemption."""
    moved = (each.transfer, each.refund)
    known = [ledger_keys.posting(each.account, REWARDS, each.asset, id_) if id_ else None for id_ in moved]
    return [ledger_keys.pending_hold(each.account, each.key[1]), *known]


def _text_of(amounts: Sequence[int | None] | None) -> str:
    return ", ".join("none" if each is None else str(each) for each in amounts or ())


class Taken:
    """A check in constant memory that stocks and limits match the number of redemptions.

    If they do not, more passes over the table find the wrong counters: `count` each page, then `end_pass`.
    `before`: counters that were wrong after the last pass, with what is stored and what was counted. `passes`: how many
    have ended. `counts`: those of the pass under way.
    """

    def __init__(self, table: Table, sums: KeyedSums) -> None:
        self.table, self.sums = table, sums
        self.passes = 0
        self.counts: Counter[Key] = Counter()
        self.before: dict[Key, tuple[int, int]] = {}

    def add(self, kept: Kept) -> None:
        for key, count in _counted(kept):
            self.sums.add(_name(key), "", count)

    @property
    def needs_pass(self) -> bool:
        if self.passes == 0:
            return not self.sums.are_even()
        return bool(self.before) and self.passes < READINGS

    def count(self, kept: Kept) -> None:
        """Count the redemptions of a page for the counters that may be wrong."""
        for key, count in _counted(kept, counters=False):
            if self._may_be_wrong(key):
                self.counts[key] += count
        for key in kept.counters:
            if self._may_be_wrong(key):
                self.counts[key] += 0

    def end_pass(self) -> list[Difference]:
        """Return the differences of counters that are as wrong as after the pass before."""
        stored = read_counters(self.table, list(self.counts))
        now = {key: (stored.get(key, 0), count) for key, count in self.counts.items() if stored.get(key, 0) != count}
        stayed = [key for key, found in now.items() if self.before.get(key) == found]
        self.before = {key: found for key, found in now.items() if key not in stayed}
        self.counts.clear()
        self.passes += 1
        return [Difference(*_named(key), str(now[key][1]), str(now[key][0])) for key in stayed]

    @property
    def restless(self) -> list[str]:
        """Return the counters that kept changing."""
        return [" ".join(_named(key)) for key in self.before]

    def _may_be_wrong(self, key: Key) -> bool:
        return self.sums.may_be_odd(_name(key)) and (self.passes == 0 or key in self.before)


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
    """Return account, asset and subject of a difference for a counter."""
    pk, sk = key
    reward = rewards_keys.reward("")[0]
    if pk.startswith(reward):
        return "rewards", "all", f"sold of {pk.removeprefix(reward)}"
    return pk.partition("#")[2], "all", f"redeemed of {sk}"
