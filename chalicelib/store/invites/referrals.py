"""Who was invited by whom, one item for two accounts whichever invited; and who tried codes in vain."""

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

# For the clocks of two processes that disagree.
_KEPT_MS = 5 * MINUTE_MS
_NOT_TOO_MANY = "attribute_not_exists(failed) OR size(failed) < :maximum"
# Of an attempt's random id: tells ten attempts of a minute apart.
_ATTEMPT_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Referral:
    """`referrer`: the account whose invite it was; `at_ms`: when; `claim`: of the request that wrote it."""

    referrer: str
    at_ms: int
    claim: str


def read_referral(item: Item | None) -> Referral | None:
    if item is None:
        return None
    row = ReferralItem.from_raw_data(item)
    return Referral(row.referrer, int(row.at), row.claim)


def add_referral(tx: Transaction, key: Key, referral: Referral) -> None:
    """Add a referral, if neither of the two ever invited the other.

    It holds account ids alone, so an erasure leaves it.
    """
    row = ReferralItem(*key, referrer=referral.referrer, at=referral.at_ms, claim=referral.claim)
    tx.put(row.item(), "attribute_not_exists(pk)")


def attempts_key(account: str, now_ms: int) -> Key:
    return keys.attempts(account, minute_of(now_ms))


def read_failed(item: Item | None) -> int:
    return len(AttemptsItem.from_raw_data(item).failed) if item else 0


def check_attempts(tx: Transaction, account: str, now_ms: int) -> None:
    """Add the condition that this minute has not seen too many."""
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
