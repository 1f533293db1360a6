"""Second reads of suspicious accounts of the ledger, and the result of a check of the ledger.

Suspicious data is read again, strongly and after a pause, before it is reported: a scan may read one row before and its
counterpart after the write of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from chalicelib.services.context import Context
from chalicelib.services.ledger.verify_accounts import Reading, read_at_rest, read_partition, wrong_figures
from chalicelib.services.ledger.verify_postings import Difference, Sign, wrong_postings
from chalicelib.services.rewards.verify_redemptions import wrong_redemptions
from chalicelib.store.core.keys import Key
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import Row, read_rows
from chalicelib.store.rewards.proof import Redeemed

# Pauses before the check gives up on an account that keeps changing.
READINGS = 5
# Differences that an operator can read. The check ends after so many.
MAX_REPORTED = 1000
# Suspects that share a pause.
MAX_SUSPECTS = 100
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


class Suspects:
    """The suspicious accounts of a check: partition -> its suspicious postings; none if only its figures are."""

    def __init__(self, context: Context, wait: Callable[[], None], asset: str | None) -> None:
        self.context, self.wait, self.asset = context, wait, asset
        self.verified = Verified()
        self.suspects: dict[str, list[Key]] = {}

    def count(self, postings: int, transfers: int) -> None:
        self.verified.postings += postings
        self.verified.transfers += transfers

    def check_partitions(self, partitions: Sequence[str]) -> list[Reading]:
        readings = self.context.each(lambda pk: read_partition(self.context.table, pk), partitions)
        for reading in readings:
            if wrong_figures(reading):
                self.suspects.setdefault(reading.pk, [])
        self.settle(MAX_SUSPECTS)
        return readings

    def check_redemptions(self, redemptions: Iterable[Redeemed]) -> None:
        selected = [each for each in redemptions if self.asset in (None, each.asset)]
        self.report(wrong_redemptions(self.context.table, selected, self.wait))

    def suspect(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.suspects.setdefault(row.pk, []).append(row.key)
            self.settle(MAX_SUSPECTS)

    def settle(self, enough: int = 1) -> None:
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
                    self.report(found)
                if not found or before.get(pk) == signs:
                    del waiting[pk]
                before[pk] = signs
        self.verified.restless += [" ".join(keys.account_of(pk)) for pk in waiting]

    def _again(self, pk: str, rows: Sequence[Key]) -> list[Difference] | None:
        """Return the differences of a partition, or None if it changed during the read."""
        table = self.context.table
        wrong = wrong_postings(table, read_rows(table, rows).values())
        reading = read_at_rest(table, pk, f"{self.context.now_ms() - SETTLED_MS:011x}")
        return None if reading is None else [*wrong.values(), *wrong_figures(reading)]

    def report(self, differences: Iterable[Difference]) -> None:
        """Add differences to the result. Both sides of a transfer show its difference, which is added once."""
        reported = self.verified.differences
        known = {(each.asset, each.what) for each in reported if each.what.startswith("transfer ")}
        reported += [each for each in differences if (each.asset, each.what) not in known]
        self.verified.more |= len(reported) > MAX_REPORTED
        del reported[MAX_REPORTED:]
