"""Keys and what they allow."""

from __future__ import annotations

import hashlib
import re

PLAYER, EVENTS_WRITE, AWARDS_GRANT, ADMIN = "player", "events:write", "awards:grant", "admin"
PERMISSIONS = (PLAYER, EVENTS_WRITE, AWARDS_GRANT, ADMIN)
# A sixth key retires the oldest: enough to rotate on several machines, few enough to look over.
MAX_ACTIVE_KEYS = 5
_SHAPE = re.compile(r"[a-z][a-z0-9]{1,15}_[0-9a-f]{8}_[0-9a-f]{32}")


def is_key(text: str) -> bool:
    """Whether a text has the shape of a key, `laurel_{8 hex}_{32 hex}`."""
    return _SHAPE.fullmatch(text) is not None


def visible_prefix(key: str) -> str:
    """`laurel_0123abcd`, the part of a key that may be shown."""
    return key.rpartition("_")[0]


def key_digest(key: str) -> str:
    """SHA-256 in hex: 128 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
