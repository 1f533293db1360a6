"""Referrals, one item for two accounts in either direction; and failed attempts to redeem codes."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.core.periods import MINUTE_MS, minute_of
from chalicelib.domain.invites.invites import MAX_FAILED
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.invites import keys
from chalicelib.store.invites.models import AttemptsItem, ReferralItem

# Allows for clock differences between two processes.
_KEPT_MS = 5 * MINUTE_MS
_NOT_TOO_MANY = "attribute_not_exists(failed) OR size(failed) < :maximum"
# Digits of an attempt's random id: enough to distinguish ten attempts in a minute.
_ATTEMPT_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral. `referrer`: the account that invited. `at_ms`: its time. `claim`: the request that wrote it."""

    referrer: str
    at_ms: int
    claim: str


def read_referral(item: Item | None) -> Referral | None:
    if item is None:
        return None
    row = ReferralItem.from_raw_data(item)
    return Referral(row.referrer, int(row.at), row.claim)


def add_referral(tx: Transaction, key: Key, referral: Referral) -> None:
    """Add a referral, if neither of the two accounts ever invited the other.

    It holds only account ids, so an erasure leaves it.
    """
    row = ReferralItem(*key, referrer=referral.referrer, at=referral.at_ms, claim=referral.claim)
    tx.put(row.item(), "attribute_not_exists(pk)")


def attempts_key(account: str, now_ms: int) -> Key:
    return keys.attempts(account, minute_of(now_ms))


def read_failed(item: Item | None) -> int:
    return len(AttemptsItem.from_raw_data(item).failed) if item else 0


def check_attempts(tx: Transaction, account: str, now_ms: int) -> None:
    """Add the condition that the account has not too many failed attempts in this minute."""
    values = {":maximum": number(MAX_FAILED)}
    tx.check(attempts_key(account, now_ms), _NOT_TOO_MANY, None, values)


def count_failed(table: Table, account: str, attempt: str, now_ms: int) -> None:
    """Count a failed attempt by its id, once. Raises ConditionFailed, and counts nothing, if that is one too many."""
    short = attempt[-_ATTEMPT_DIGITS:]
    values: Item = {
        ":attempt": text(short),
        ":attempts": {"SS": [short]},
        ":maximum": number(MAX_FAILED),
        ":expires": number((now_ms + _KEPT_MS) // 1000),
    }
    expression = "ADD failed :attempts SET expires = :expires"
    counted = f"{_NOT_TOO_MANY} OR contains(failed, :attempt)"
    table.update(attempts_key(account, now_ms), expression, counted, None, values)
