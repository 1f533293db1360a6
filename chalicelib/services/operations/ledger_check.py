"""A check of the ledger: of one account, or of the whole, which can stop at any page and continue later.

One scan of the table, page by page, finds whether postings cancel out; a second scan follows if they do not. Each
account of the scan is summed up.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import IntEnum

import msgspec

from chalicelib.domain.core.errors import NotFound
from chalicelib.services.context import Context
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.verify_corrections import Marks, wrong_marks
from chalicelib.services.ledger.verify_postings import Difference, KeyedSums, Pairs, wrong_postings
from chalicelib.services.operations.suspects import SETTLED_MS, Suspects, Verified
from chalicelib.services.rewards.verify_redemptions import Taken
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Row, read_postings
from chalicelib.store.operations.ledger_scan import Scanned, scan_ledger
from chalicelib.store.rewards.proof import own_redeemed

# A scan reads account by account, so an account mostly repeats on the next page. Some 20 MB.
MAX_KNOWN = 100_000
# No page is begun with less time left: its accounts may be thousands, its suspects wait for five pauses.
RESERVE_MS = 180_000


class Step(IntEnum):
    """The steps of a check of the whole ledger, in order. All but the third are passes over the table."""

    SUM = 0
    SORT_OUT = 1
    SETTLE = 2
    COUNT = 3
    DONE = 4


class State(msgspec.Struct, array_like=True):
    """Everything that a check of the whole ledger needs to continue. Sums are packed, totals are text: both are large.

    `place`: the key after which the pass continues. `odd`: marks without their correction, with their sum.
    `counts`, `before`, `passes`: those of `Taken`.
    """

    secret: str
    settled: str
    step: Step
    place: Key | None
    pairs: bytes
    marks: bytes
    taken: bytes
    totals: dict[str, str]
    odd: list[tuple[str, str, int]]
    counts: list[tuple[Key, int]]
    before: list[tuple[Key, tuple[int, int]]]
    passes: int
    suspects: dict[str, list[Key]]
    verified: Verified


class AccountCheck(Suspects):
    """A check of one account."""

    def run(self, account: str) -> Verified:
        """Check an account, given by its id or its player's id. Raises NotFound without any data."""
        table = self.context.table
        # Without such a player it is an account's id, or unknown.
        with suppress(NotFound):
            owner = find_owner(self.context, account, refresh=True)
            account = owner.account
            self.check_redemptions(own_redeemed(table, owner.public))
        assets = [self.asset] if self.asset else list(self.context.rules.ruleset.assets)
        partitions = [pk for asset in assets for pk in keys.partitions_of(account, asset)]
        # The first partition of a system account should be empty.
        partitions += [keys.account(account, asset)[0] for asset in assets]
        readings = self.check_partitions(list(dict.fromkeys(partitions)))
        if not any(reading.postings or reading.figures for reading in readings):
            raise NotFound("There is no such account, and no player with one.")
        for reading in readings:
            self.count(reading.postings, reading.postings)
            self.verified.accounts += reading.figures is not None
            if reading.postings:
                self.suspect(wrong_postings(table, read_postings(table, reading.pk)))
                self.report(wrong_marks(table, read_postings(table, reading.pk)))
        self.settle()
        return self.verified


class LedgerCheck(Suspects):
    """A check of the whole ledger. `saved`: its state before the page or step under way, if there is a deadline."""

    def __init__(
        self, context: Context, wait: Callable[[], None], asset: str | None = None, saved: bytes | None = None
    ) -> None:
        super().__init__(context, wait, asset)
        self.known: OrderedDict[str, None] = OrderedDict()
        self.saved = saved
        state = msgspec.msgpack.decode(saved, type=State) if saved else self._fresh()
        self.secret, self.settled, self.step, self.place = state.secret, state.settled, state.step, state.place
        self.pairs = Pairs(KeyedSums(state.secret, state.pairs))
        self.marks = Marks(KeyedSums(state.secret, state.marks))
        self.marks.odd.update({(transfer, by): count for transfer, by, count in state.odd})
        self.taken = Taken(context.table, KeyedSums(state.secret, state.taken))
        self.taken.counts.update(dict(state.counts))
        self.taken.before, self.taken.passes = dict(state.before), state.passes
        self.totals = Counter({asset: int(total) for asset, total in state.totals.items()})
        self.suspects, self.verified = state.suspects, state.verified

    def _fresh(self) -> State:
        settled = f"{self.context.now_ms() - SETTLED_MS:011x}"
        return State(
            self.context.new_id(), settled, Step.SUM, None, b"", b"", b"", {}, [], [], [], 0, {}, self.verified
        )

    def _save(self) -> None:
        if self.context.deadline_ms is None:
            return
        state = State(
            self.secret,
            self.settled,
            self.step,
            self.place,
            self.pairs.sums.packed(),
            self.marks.sums.packed(),
            self.taken.sums.packed(),
            {asset: str(total) for asset, total in self.totals.items()},
            [(*mark, count) for mark, count in self.marks.odd.items() if count],
            list(self.taken.counts.items()),
            list(self.taken.before.items()),
            self.taken.passes,
            self.suspects,
            self.verified,
        )
        self.saved = msgspec.msgpack.encode(state)

    def run(self) -> None:
        """Check what is left. Raises OutOfTime before a page or a step for which too little time is left."""
        if self.step is Step.SUM:
            self._pass(self._sum_up)
            even = self.pairs.are_even() and self.marks.sums.are_even()
            self.step = Step.SETTLE if even else Step.SORT_OUT
        if self.step is Step.SORT_OUT:
            self._pass(self._sort_out)
            self.step = Step.SETTLE
        if self.step is Step.SETTLE:
            self._begin()
            self.settle()
            self.report(self.marks.of_nothing())
            self.step = Step.COUNT
        while self.step is Step.COUNT and self.taken.needs_pass:
            self._pass(lambda page: self.taken.count(page.kept))
            self.report(self.taken.end_pass())
            self.wait()
        self._conclude()

    def _conclude(self) -> None:
        self.step = Step.DONE
        self.verified.restless += self.taken.restless
        totals = [(asset, total) for asset, total in self.totals.items() if total]
        self.report([Difference("all accounts", asset, "sum", "0", str(total)) for asset, total in totals])

    def _begin(self) -> None:
        self._save()
        self.context.require_time(RESERVE_MS)

    def _pass(self, work: Callable[[Scanned], None]) -> None:
        """Read the table page by page from the place on, and do some work on each page."""
        while not self.verified.more:
            self._begin()
            start: Item | None = self.place and {"pk": {"S": self.place[0]}, "sk": {"S": self.place[1]}}
            page = scan_ledger(self.context.table, start)
            work(page)
            self.place = (page.next["pk"]["S"], page.next["sk"]["S"]) if page.next else None
            if self.place is None:
                return
        self.place = None

    def _sum_up(self, page: Scanned) -> None:
        rows = self._of_asset(page.books.rows)
        alone = []
        for row in rows:
            if row.id < self.settled and row.amount and row.is_in_place and not row.takes_back:
                self.pairs.add(row)
            else:
                alone.append(row)
            self.count(1, (row.amount or 0) > 0)
            if row.id < self.settled:
                self.totals[keys.account_of(row.pk)[1]] += row.amount or 0
        if self.asset is None:
            # Marks and stocks have no asset.
            self.marks.add(page.books, self.settled)
            self.taken.add(page.kept)
        self.verified.accounts += page.books.balances
        self.suspect(wrong_postings(self.context.table, alone))
        self.check_partitions(self._unknown(page.books.partitions))
        self.check_redemptions(page.kept.redemptions)

    def _sort_out(self, page: Scanned) -> None:
        self.marks.sort_out(page.books, self.settled)
        odd = [row for row in self._of_asset(page.books.rows) if self.pairs.may_be_odd(row)]
        self.suspect(wrong_postings(self.context.table, odd))

    def _of_asset(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self.asset in (None, keys.account_of(row.pk)[1])]

    def _unknown(self, partitions: Iterable[str]) -> list[str]:
        """Return the partitions that are not checked yet, and note them as known."""
        found = [pk for pk in partitions if pk not in self.known and self.asset in (None, keys.account_of(pk)[1])]
        self.known |= dict.fromkeys(found)
        while len(self.known) > MAX_KNOWN:
            self.known.popitem(last=False)
        return found
