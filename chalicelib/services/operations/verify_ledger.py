"""Prove the ledger: postings in pairs, balances against postings, available against open holds; while transfers go on.

The whole table is scanned once, page by page, for postings that do not cancel out, and a second time if there are
any; each account that turns up is summed up. What looks wrong is read again, strongly and after a pause, before it is
told: a row may be read just before, and its fellow just after, one write of both.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.domain.core.errors import InvalidRequest, NotFound
from chalicelib.services.context import Context
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.verify_accounts import Reading, read_at_rest, read_partition, wrong_figures
from chalicelib.services.ledger.verify_corrections import Marks, wrong_marks
from chalicelib.services.ledger.verify_postings import Difference, Pairs, Sign, wrong_postings
from chalicelib.services.rewards.verify_redemptions import Taken, wrong_redemptions
from chalicelib.store.core.models import Item
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Row, read_postings, read_rows
from chalicelib.store.operations.ledger_scan import Scanned, scan_ledger
from chalicelib.store.rewards.proof import Redeemed, own_redeemed

# Pauses before an account that keeps changing is given up.
READINGS = 5
# What a person reads of what is wrong; then the proof ends.
MAX_TOLD = 1000
# Suspects that share one pause.
MAX_SUSPECTS = 100
# A scan goes account by account: one that comes again is mostly on the next page. Some 20 MB.
MAX_KNOWN = 100_000
# Ids begin with a time: of transfers older than this all postings are there when the scan begins.
SETTLED_MS = 60_000


@dataclass(slots=True)
class Verified:
    """`differences` that stayed; `restless`: accounts that changed between all readings, so that nothing is proven of
    them. `more`: so much is wrong that not all is listed."""

    differences: list[Difference] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    transfers: int = 0
    postings: int = 0
    accounts: int = 0
    more: bool = False


def verify_ledger(
    context: Context, wait: Callable[[], None], account: str | None = None, asset: str | None = None
) -> Verified:
    """Verify the whole ledger, or one account, by its id or its player's; of one asset or all.

    `wait()`: the pause before something is read again. Raises NotFound for an account of which there is nothing,
    InvalidRequest for an asset that is not the ruleset's.
    """
    known = list(context.rules.ruleset.assets)
    if asset is not None and asset not in known:
        raise InvalidRequest(f"The asset must be one of {', '.join(known)}.", parameter="asset", allowed=known)
    proof = _Proof(context, wait, asset)
    if account is None:
        proof.prove_all()
    else:
        proof.prove_one(account)
    return proof.verified


class _Proof:
    def __init__(self, context: Context, wait: Callable[[], None], asset: str | None) -> None:
        self.context, self.wait, self.asset = context, wait, asset
        self.verified = Verified()
        # Partition -> its postings that look wrong; none, if its figures do.
        self.suspects: dict[str, list[Row]] = {}
        self.known: OrderedDict[str, None] = OrderedDict()

    def prove_all(self) -> None:
        pairs, marks, sums = Pairs(self.context.new_id()), Marks(self.context.new_id()), Counter[str]()
        taken = Taken(self.context.table, self.context.new_id())
        settled = f"{self.context.now_ms() - SETTLED_MS:011x}"
        for page in self._pages():
            rows = self._wanted(page.books.rows)
            alone = []
            for row in rows:
                if row.id < settled and row.amount and row.is_in_place and not row.takes_back:
                    pairs.add(row)
                else:
                    alone.append(row)
                self._count(1, (row.amount or 0) > 0)
                if row.id < settled:
                    sums[keys.account_of(row.pk)[1]] += row.amount or 0
            if self.asset is None:
                # A mark tells no asset, nor does a stock.
                marks.add(page.books, settled)
                taken.add(page.kept)
            self.verified.accounts += page.books.balances
            self._suspect(wrong_postings(self.context.table, alone))
            self._look(self._unknown(page.books.partitions))
            self._look_at(page.kept.redemptions)
        if not (pairs.are_even() and marks.are_even()):
            for page in self._pages():
                marks.sort_out(page.books, settled)
                odd = [row for row in self._wanted(page.books.rows) if pairs.may_be_odd(row)]
                self._suspect(wrong_postings(self.context.table, odd))
        self._settle()
        self._tell(marks.of_nothing())
        wrong, restless = taken.wrong(lambda: (page.kept for page in self._pages()), self.wait)
        self._tell(wrong)
        self.verified.restless += restless
        self._tell([Difference("all accounts", name, "sum", "0", str(total)) for name, total in sums.items() if total])

    def prove_one(self, account: str) -> None:
        table = self.context.table
        # Otherwise it names an account itself, or nothing at all.
        with suppress(NotFound):
            owner = find_owner(self.context, account, refresh=True)
            account = owner.account
            self._look_at(own_redeemed(table, owner.public))
        assets = [self.asset] if self.asset else list(self.context.rules.ruleset.assets)
        partitions = [pk for asset in assets for pk in keys.partitions_of(account, asset)]
        # Of a system account there should be nothing in the first of them.
        partitions += [keys.account(account, asset)[0] for asset in assets]
        readings = self._look(list(dict.fromkeys(partitions)))
        if not any(reading.postings or reading.figures for reading in readings):
            raise NotFound("There is no such account, and no player with one.")
        for reading in readings:
            self._count(reading.postings, reading.postings)
            self.verified.accounts += reading.figures is not None
            if reading.postings:
                self._suspect(wrong_postings(table, read_postings(table, reading.pk)))
                self._tell(wrong_marks(table, read_postings(table, reading.pk)))
        self._settle()

    def _pages(self) -> Iterator[Scanned]:
        start: Item | None = None
        while not self.verified.more:
            page = scan_ledger(self.context.table, start)
            yield page
            start = page.next
            if start is None:
                return

    def _wanted(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self.asset in (None, keys.account_of(row.pk)[1])]

    def _count(self, postings: int, transfers: int) -> None:
        self.verified.postings += postings
        self.verified.transfers += transfers

    def _unknown(self, partitions: Iterable[str]) -> list[str]:
        """Those not proven yet, which then are known."""
        found = [pk for pk in partitions if pk not in self.known and self.asset in (None, keys.account_of(pk)[1])]
        self.known |= dict.fromkeys(found)
        while len(self.known) > MAX_KNOWN:
            self.known.popitem(last=False)
        return found

    def _look(self, partitions: Sequence[str]) -> list[Reading]:
        readings = self.context.each(lambda pk: read_partition(self.context.table, pk), partitions)
        for reading in readings:
            if wrong_figures(reading):
                self.suspects.setdefault(reading.pk, [])
        self._settle(MAX_SUSPECTS)
        return readings

    def _look_at(self, redemptions: Iterable[Redeemed]) -> None:
        wanted = [each for each in redemptions if self.asset in (None, each.asset)]
        self._tell(wrong_redemptions(self.context.table, wanted, self.wait))

    def _suspect(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.suspects.setdefault(row.pk, []).append(row)
            self._settle(MAX_SUSPECTS)

    # What looks wrong is read again ----------------------------------------------------------------------------

    def _settle(self, enough: int = 1) -> None:
        """Read suspects again, if they are enough, until each was seen twice in the same state, at rest; tell what is
        wrong then."""
        if sum(max(1, len(rows)) for rows in self.suspects.values()) < enough:
            return
        waiting, self.suspects = self.suspects, {}
        before: dict[str, list[Sign]] = {}
        for _ in range(READINGS):
            if not waiting or self.verified.more:
                return
            self.wait()
            for pk, rows in list(waiting.items()):
                found = self._again(pk, rows)
                if found is None:
                    continue
                signs = [each.sign for each in found]
                if before.get(pk) == signs:
                    self._tell(found)
                if not found or before.get(pk) == signs:
                    del waiting[pk]
                before[pk] = signs
        self.verified.restless += [" ".join(keys.account_of(pk)) for pk in waiting]

    def _again(self, pk: str, rows: Sequence[Row]) -> list[Difference] | None:
        """The differences of a partition, or None if it changed while it was read."""
        table = self.context.table
        wrong = wrong_postings(table, read_rows(table, [row.key for row in rows]).values())
        reading = read_at_rest(table, pk, f"{self.context.now_ms() - SETTLED_MS:011x}")
        return None if reading is None else [*wrong.values(), *wrong_figures(reading)]

    def _tell(self, differences: Iterable[Difference]) -> None:
        """What is wrong with a transfer is seen from both of its sides, and told once."""
        told = self.verified.differences
        known = {(each.asset, each.what) for each in told if each.what.startswith("transfer ")}
        told += [each for each in differences if (each.asset, each.what) not in known]
        self.verified.more |= len(told) > MAX_TOLD
        del told[MAX_TOLD:]
