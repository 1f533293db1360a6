"""Invites: a code for people, a token for links, limits on uses and days."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from chalicelib.domain.core.errors import Gone
from chalicelib.domain.core.periods import MINUTE_MS

DEFAULT_USES, MAX_USES = 10, 1_000
DEFAULT_DAYS, MAX_DAYS = 30, 365
# One item lists all open invites of a player, within a KB.
MAX_OPEN = 20
MAX_FAILED = 10
# Within a year of its expiry, an old link gets the answer that it has expired, not that it is unknown.
KEPT_DAYS = 365
# Longer texts are neither a code nor a token.
MAX_TEXT = 64

# Without 0 and O, 1 and I and L: 31 letters, so eight of them carry 39.6 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8
_CODES = len(ALPHABET) ** LENGTH
_CODE = re.compile(rf"([{ALPHABET}{ALPHABET.lower()}]{{4}})-?([{ALPHABET}{ALPHABET.lower()}]{{4}})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

OPEN, USED_UP, EXPIRED = "open", "used_up", "expired"


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite of a referrer.

    `account`, `public`: the referrer's random ids. `digest`: the token's SHA-256. Times in ms.
    """

    code: str
    account: str
    public: str
    digest: str
    uses: int
    used: int
    created_at: int
    expires_at: int

    def state(self, now_ms: int) -> str:
        if self.expires_at <= now_ms:
            return EXPIRED
        return OPEN if self.used < self.uses else USED_UP

    def check(self, now_ms: int) -> None:
        """Check that the invite is open. Raises Gone (`invite_expired`, `invite_used_up`)."""
        state = self.state(now_ms)
        if state == EXPIRED:
            raise Gone("This invite has expired.", code="invite_expired")
        if state == USED_UP:
            raise Gone("This invite is used up.", code="invite_used_up")


def code_of(random_hex: str) -> str | None:
    """Return a code made of 128 random bits; None for the few numbers that would bias the codes."""
    number = int(random_hex, 16)
    if number >= (1 << 128) // _CODES * _CODES:
        return None
    letters = ""
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return letters


def parse_code(text: str) -> str | None:
    """Return the eight letters of a code as people type it: any case, with or without the dash, surrounded by spaces.

    None if the text is not a code.
    """
    found = _CODE.fullmatch(text.strip())
    return (found[1] + found[2]).upper() if found else None


def shown_code(code: str) -> str:
    """Return the displayed form of a code: `A3K9-X7M2`."""
    return f"{code[:4]}-{code[4:]}"


def token_of(random_hex: str) -> str:
    """Return a token for links: 32 random bytes as base64url, 43 characters."""
    return base64.urlsafe_b64encode(bytes.fromhex(random_hex)).rstrip(b"=").decode()


def token_digest(text: str) -> str | None:
    """Return the SHA-256 of a token, in hex; None if the text is not a token."""
    return hashlib.sha256(text.encode()).hexdigest() if _TOKEN.fullmatch(text) else None


def referral_id(referrer: str, redeemer: str) -> str:
    """Return the permanent id of a referral: one account redeemed an invite of another."""
    return hashlib.blake2b(f"referral\0{referrer}\0{redeemer}".encode(), digest_size=16).hexdigest()


def seconds_left(now_ms: int) -> int:
    """Return the seconds to the end of the minute, rounded up."""
    return -(-(MINUTE_MS - now_ms % MINUTE_MS) // 1000)
