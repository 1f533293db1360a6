"""Keys of invites and referrals: (partition key, sort key).

invite      INVITE#<code>           INVITE
token       INVITE_TOKEN#<sha256>   TOKEN
list        INVITES#<account>       INVITES
referral    REFERRAL#<account>#<account>          REFERRAL
attempts    ATTEMPTS#<account>      <minute>
"""

from __future__ import annotations

from chalicelib.domain.core.periods import minute_name
from chalicelib.store.core.keys import Key

# Partition keys begin with these.
INVITE, INVITE_TOKEN, INVITES = "INVITE#", "INVITE_TOKEN#", "INVITES#"
REFERRAL, ATTEMPTS = "REFERRAL#", "ATTEMPTS#"


def invite(code: str) -> Key:
    return f"{INVITE}{code}", "INVITE"


def invite_token(sha256: str) -> Key:
    return f"{INVITE_TOKEN}{sha256}", "TOKEN"


def invites(account_id: str) -> Key:
    return f"{INVITES}{account_id}", "INVITES"


def referral(account_id: str, other: str) -> Key:
    """Return the key of a referral between two accounts. It is the same for both directions."""
    first, second = sorted((account_id, other))
    return f"{REFERRAL}{first}#{second}", "REFERRAL"


def attempts(account_id: str, minute: int) -> Key:
    return f"{ATTEMPTS}{account_id}", minute_name(minute)
