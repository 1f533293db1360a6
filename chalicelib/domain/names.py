"""How players are named to others."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Characters of a chosen name: it is copied into every entry, and an index's row of a page stays small.
MAX_NAME = 50
PLAYER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
PUBLIC_ID = re.compile(r"[0-9a-f]{16}")


def chosen_name(text: str) -> str | None:
    """A name as it is kept: without space around it, composed; None if it is empty, too long or cannot be shown.

    Of what is not visible only spaces within are taken, and the joiners that some scripts and emoji are written with.
    """
    name = unicodedata.normalize("NFC", text).strip()
    return name if is_visible(name) and len(name) <= MAX_NAME else None


def is_visible(text: str) -> bool:
    """Whether all of a text can be seen, joiners within apart, and something of it is no space."""
    visible = text.replace("\u200c", "").replace("\u200d", "")
    return bool(visible.strip()) and visible.isprintable()


def display_name(public: str, chosen: str | None) -> str:
    """The name the player chose, else `User***1234`: four digits of a digest of the random public id.

    The player's own id must not be in the digest: who has a list of ids could tell who hides behind the mask.
    """
    if chosen:
        return chosen
    number = int.from_bytes(hashlib.sha256(public.encode()).digest()[:8], "big") % 10_000
    return f"User***{number:04d}"


def private_name(rank: int) -> str:
    """All that a board shows of a private player."""
    return f"Player #{rank}"
