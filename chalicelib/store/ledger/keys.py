"""Keys of the ledger: (partition key, sort key).

account     ACCOUNT#<account>#<asset>             BALANCE | POSTING#<transfer>
            ACCOUNT#@mint#<asset>#<00..ff>        POSTING#<transfer>
hold        HOLD#<account>          OPEN#<hold> | PENDING#<hold> | DONE#<hold>
corrected   CORRECTED#<transfer>    CORRECTED
"""

from __future__ import annotations

import hashlib

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.store.core.keys import Key

# Partition keys begin with these.
ACCOUNT, HOLD, CORRECTED = "ACCOUNT#", "HOLD#", "CORRECTED#"

POSTING = "POSTING#"
OPEN_HOLD, DONE_HOLD = "OPEN#", "DONE#"
# Holds of pending redemptions, without limit. A search for expired holds does not read them.
PENDING_HOLD = "PENDING#"


def account(account_id: str, asset: str) -> Key:
    return f"{ACCOUNT}{account_id}#{asset}", "BALANCE"


def posting(account_id: str, other: str, asset: str, transfer_id: str) -> Key:
    """Return the key of a posting, ordered by time, which the id begins with.

    System accounts take part in every transfer, so they are spread over 256 partitions by the other side.
    """
    shard = f"#{hashlib.blake2b(other.encode(), digest_size=1).hexdigest()}" if is_system(account_id) else ""
    return f"{ACCOUNT}{account_id}#{asset}{shard}", f"{POSTING}{transfer_id}"


def open_hold(account_id: str, hold_id: str) -> Key:
    """Return the key of a player's open hold, ordered by time, which the id begins with."""
    return holds(account_id), f"{OPEN_HOLD}{hold_id}"


def pending_hold(account_id: str, hold_id: str) -> Key:
    """Return the key of a redemption's open hold, ordered by time."""
    return holds(account_id), f"{PENDING_HOLD}{hold_id}"


def done_hold(account_id: str, hold_id: str) -> Key:
    """Return the key that a hold moves to when it is resolved."""
    return holds(account_id), f"{DONE_HOLD}{hold_id}"


def holds(account_id: str) -> str:
    return f"{HOLD}{account_id}"


def account_of(pk: str) -> tuple[str, str]:
    """Return (account, asset) of a partition of postings."""
    _, account_id, asset, *_ = pk.split("#")
    return account_id, asset


def partitions_of(account_id: str, asset: str) -> list[str]:
    """Return every partition that an account's postings may be in."""
    one = account(account_id, asset)[0]
    return [f"{one}#{shard:02x}" for shard in range(256)] if is_system(account_id) else [one]


def corrected(transfer_id: str) -> Key:
    return f"{CORRECTED}{transfer_id}", "CORRECTED"
