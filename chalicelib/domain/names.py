"""How players are named to others."""

from __future__ import annotations

import hashlib
import re

PLAYER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
PUBLIC_ID = re.compile(r"[0-9a-f]{16}")


def display_name(player: str, chosen: str | None) -> str:
    """The name the player chose, else `User***1234`: four digits of a digest of the id."""
    if chosen:
        return chosen
    number = int.from_bytes(hashlib.sha256(player.encode()).digest()[:8], "big") % 10_000
    return f"User***{number:04d}"


def private_name(rank: int) -> str:
    """All that a board shows of a private player."""
    return f"Player #{rank}"
