"""Verify the ledger during transfers: pairs of postings, balances against postings, available against open holds.

One scan of the table, page by page, finds whether postings cancel out; a second scan follows if they do not. Each
account of the scan is summed up. Suspicious data is read again, strongly and after a pause, before it is reported: a
scan may read one row before and its counterpart after the write of both.
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

# Pauses before the check gives up on an account that keeps changing.
READINGS = 5
# Differences that an operator can read. The check ends after so many.
MAX_REPORTED = 1000
# Suspects that share a pause.
MAX_SUSPECTS = 100
# A scan reads account by account, so an account mostly repeats on the next page. Some 20 MB.
MAX_KNOWN = 100_000
# Ids begin with a time. All postings of transfers older than this exist when the scan starts.
SETTLED_MS = 60_000


@dataclass(slots=True)
class Verified:
    """The result of a check.

    `differences`: those that stayed. `restless`: accounts that changed between all reads, so that nothing is proven for
    them. `more`: there are too many differences to list all.
    """

    differences: list[Difference] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    transfers: int = 0
    postings: int = 0
    accounts: int = 0
    more: bool = False


def verify_ledger(
    context: Context, wait: Callable[[], None], account: str | None = None, asset: str | None = None
) -> Verified:
    """Verify the whole ledger, or one account, given by its id or its player's id. Of one asset or of all.

    `wait()`: the pause before a second read. Raises NotFound for an account without any data, InvalidRequest for an
    asset that the ruleset does not have.
    """
    known = list(context.rules.ruleset.assets)
    if asset is not None and asset not in known:
        raise InvalidRequest(f"The asset must be one of {', '.join(known)}.", parameter="asset", allowed=known)
    check = _Check(context, wait, asset)
    if account is None:
        check.prove_all()
    else:
        check.prove_one(account)
    return check.verified


class _Check:
    def __init__(self, context: Context, wait: Callable[[], None], asset: str | None) -> None:
        self.context, self.wait, self.asset = context, wait, asset
        self.verified = Verified()
        # Partition -> its suspicious postings; none if only its figures are suspicious.
        self.suspects: dict[str, list[Row]] = {}
        self.known: OrderedDict[str, None] = OrderedDict()

    def prove_all(self) -> None:
        pairs, marks, sums = Pairs(self.context.new_id()), Marks(self.context.new_id()), Counter[str]()
        taken = Taken(self.context.table, self.context.new_id())
        settled = f"{self.context.now_ms() - SETTLED_MS:011x}"
        for page in self._pages():
            rows = self._of_asset(page.books.rows)
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
                # Marks and stocks have no asset.
                marks.add(page.books, settled)
                taken.add(page.kept)
            self.verified.accounts += page.books.balances
            self._suspect(wrong_postings(self.context.table, alone))
            self._check_partitions(self._unknown(page.books.partitions))
            self._check_redemptions(page.kept.redemptions)
        if not (pairs.are_even() and marks.are_even()):
            for page in self._pages():
                marks.sort_out(page.books, settled)
                odd = [row for row in self._of_asset(page.books.rows) if pairs.may_be_odd(row)]
                self._suspect(wrong_postings(self.context.table, odd))
        self._settle()
        self._report(marks.of_nothing())
        wrong, restless = taken.wrong(lambda: (page.kept for page in self._pages()), self.wait)
        self._report(wrong)
        self.verified.restless += restless
        self._report(
            [Difference("all accounts", name, "sum", "0", str(total)) for name, total in sums.items() if total]
        )

    def prove_one(self, account: str) -> None:
        table = self.context.table
        # Without such a player it is an account's id, or unknown.
        with suppress(NotFound):
            owner = find_owner(self.context, account, refresh=True)
            account = owner.account
            self._check_redemptions(own_redeemed(table, owner.public))
        assets = [self.asset] if self.asset else list(self.context.rules.ruleset.assets)
        partitions = [pk for asset in assets for pk in keys.partitions_of(account, asset)]
        # The first partition of a system account should be empty.
        partitions += [keys.account(account, asset)[0] for asset in assets]
        readings = self._check_partitions(list(dict.fromkeys(partitions)))
        if not any(reading.postings or reading.figures for reading in readings):
            raise NotFound("There is no such account, and no player with one.")
        for reading in readings:
            self._count(reading.postings, reading.postings)
            self.verified.accounts += reading.figures is not None
            if reading.postings:
                self._suspect(wrong_postings(table, read_postings(table, reading.pk)))
                self._report(wrong_marks(table, read_postings(table, reading.pk)))
        self._settle()

    def _pages(self) -> Iterator[Scanned]:
        start: Item | None = None
        while not self.verified.more:
            page = scan_ledger(self.context.table, start)
            yield page
            start = page.next
            if start is None:
                return

    def _of_asset(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self.asset in (None, keys.account_of(row.pk)[1])]

    def _count(self, postings: int, transfers: int) -> None:
        self.verified.postings += postings
        self.verified.transfers += transfers

    def _unknown(self, partitions: Iterable[str]) -> list[str]:
        """Return the partitions that are not checked yet, and note them as known."""
        found = [pk for pk in partitions if pk not in self.known and self.asset in (None, keys.account_of(pk)[1])]
        self.known |= dict.fromkeys(found)
        while len(self.known) > MAX_KNOWN:
            self.known.popitem(last=False)
        return found

    def _check_partitions(self, partitions: Sequence[str]) -> list[Reading]:
        readings = self.context.each(lambda pk: read_partition(self.context.table, pk), partitions)
        for reading in readings:
            if wrong_figures(reading):
                self.suspects.setdefault(reading.pk, [])
        self._settle(MAX_SUSPECTS)
        return readings

    def _check_redemptions(self, redemptions: Iterable[Redeemed]) -> None:
        selected = [each for each in redemptions if self.asset in (None, each.asset)]
        self._report(wrong_redemptions(self.context.table, selected, self.wait))

    def _suspect(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.suspects.setdefault(row.pk, []).append(row)
            self._settle(MAX_SUSPECTS)

    # Second reads of suspicious data ----------------------------------------------------------------------------

    def _settle(self, enough: int = 1) -> None:
        """Read suspects again, if there are `enough`, and report their differences.

        A difference counts if two consistent reads agree on it.
        """
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
                    self._report(found)
                if not found or before.get(pk) == signs:
                    del waiting[pk]
                before[pk] = signs
        self.verified.restless += [" ".join(keys.account_of(pk)) for pk in waiting]

    def _again(self, pk: str, rows: Sequence[Row]) -> list[Difference] | None:
        """Return the differences of a partition, or None if it changed during the read."""
        table = self.context.table
        wrong = wrong_postings(table, read_rows(table, [row.key for row in rows]).values())
        reading = read_at_rest(table, pk, f"{self.context.now_ms() - SETTLED_MS:011x}")
        return None if reading is None else [*wrong.values(), *wrong_figures(reading)]

    def _report(self, differences: Iterable[Difference]) -> None:
        """Add differences to the result. Both sides of a transfer show its difference, which is added once."""
        reported = self.verified.differences
        known = {(each.asset, each.what) for each in reported if each.what.startswith("transfer ")}
        reported += [each for each in differences if (each.asset, each.what) not in known]
        self.verified.more |= len(reported) > MAX_REPORTED
        del reported[MAX_REPORTED:]
