"""How players are named to others."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from chalicelib.domain.identity.unicode_tables import LOOKALIKES
from chalicelib.domain.identity.visible_text import is_ignorable, is_mark, is_visible

# Characters of a chosen name: it is copied into every entry, and an index's row of a page stays small.
MAX_NAME = 50
PLAYER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
# `.` and `..` cannot stand in a URL's path; the others are the ledger's own accounts, which statements name.
NO_PLAYERS = (".", "..", "@burn", "@mint", "@rewards")
PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
# In place of the name of a hidden or erased player.
HIDDEN_NAME = "Hidden player"
_SPACES = "[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+"
_FOLDED = str.maketrans({char: target for target, chars in LOOKALIKES.items() for char in chars})
# Folded, digits may be `o` and `l`. Three other signs alike in place of the asterisks show the same.
_MASKS = r"\W*(?:user(?:\*\*.*|\*[\dol]+\W*|([^\w.])\1\1+[\dol]+\W*)|player#+[\dol]+\W*|h[il]ddenplayer\W*)"


def is_player_id(text: str) -> bool:
    """Whether a player can have this id."""
    return PLAYER_ID.fullmatch(text) is not None and text not in NO_PLAYERS


def chosen_name(text: str) -> str | None:
    """A name as it is kept; None if it is empty, too long, cannot be seen, or imitates the mask of another player."""
    name = tidy(text)
    return name if len(name) <= MAX_NAME and is_visible(name) and not is_mask(name) else None


def tidy(text: str) -> str:
    """A text of one line as it is kept: composed, without space around it, a run of spaces as one."""
    return re.sub(_SPACES, " ", unicodedata.normalize("NFC", text)).strip()


def is_mask(name: str) -> bool:
    """Whether a name looks like `User***0001`, `Player #1` or `Hidden player`, in whatever characters."""
    return re.fullmatch(_MASKS, _folded(name), re.DOTALL) is not None


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


def _folded(name: str) -> str:
    """A name by its looks: without spaces and marks, each character that passes for one of a mask as that one."""
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", name.translate(_FOLDED))
        if not (char.isspace() or is_mark(char) or is_ignorable(char))
    )
    return plain.translate(_FOLDED).casefold().translate(_FOLDED)
