"""API keys and their permissions."""

from __future__ import annotations

import hashlib
import re

PLAYER, EVENTS_WRITE, AWARDS_GRANT, ADMIN = "player", "events:write", "awards:grant", "admin"
PERMISSIONS = (PLAYER, EVENTS_WRITE, AWARDS_GRANT, ADMIN)
# A sixth key revokes the oldest: enough to rotate on several machines, few enough to review.
MAX_ACTIVE_KEYS = 5
_SHAPE = re.compile(r"[a-z][a-z0-9]{1,15}_[0-9a-f]{8}_[0-9a-f]{32}")


def is_key(text: str) -> bool:
    """Return whether a text has the shape of a key, `laurel_{8 hex}_{32 hex}`."""
    return _SHAPE.fullmatch(text) is not None


def visible_prefix(key: str) -> str:
    """Return the part of a key that may be displayed: `laurel_0123abcd`."""
    return key.rpartition("_")[0]


def key_digest(key: str) -> str:
    """Return the SHA-256 of a key, in hex. A key has 128 random bits, so it needs no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
