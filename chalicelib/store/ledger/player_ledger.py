"""The ledger for other concerns: pays the credits of rules to players, and reads balances."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.ledger.transfer import rule_transfer
from chalicelib.domain.progress.effect import Credit
from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.ledger.accounts import read_balances
from chalicelib.store.ledger.double_entry import post_transfer


class PlayerLedger:
    """Pays players and reads balances.

    `items_per_credit`: how many items a paid credit takes at most: two postings and a balance.
    """

    items_per_credit = 3

    def pay(
        self, tx: Transaction, account: str, public: str, credits: Sequence[Credit], ruleset: str, now_ms: int
    ) -> None:
        """Add a transfer from the mint for each credit. Credits of one asset share one update of the balance."""
        for credit in credits:
            post_transfer(tx, rule_transfer(credit, account, public, now_ms), ruleset)

    def balances(self, table: Table, account: str, assets: Sequence[str]) -> dict[str, int]:
        """Read the balance of each asset."""
        return read_balances(table, account, assets)
