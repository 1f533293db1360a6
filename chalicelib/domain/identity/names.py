"""Names and ids of players, as other players see them."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from chalicelib.domain.identity.unicode_tables import LOOKALIKES
from chalicelib.domain.identity.visible_text import is_ignorable, is_mark, is_visible

# Characters of a chosen name. It is copied into every board entry, so it keeps the rows of a page small.
MAX_NAME = 50
PLAYER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
# `.` and `..` cannot be part of a URL's path; the others are the ledger's system accounts, which statements show.
NO_PLAYERS = (".", "..", "@burn", "@mint", "@rewards")
PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
# Replaces the name of a hidden or erased player.
HIDDEN_NAME = "Hidden player"
_SPACES = "[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+"
_FOLDED = str.maketrans({char: target for target, chars in LOOKALIKES.items() for char in chars})
# After folding, digits may be `o` and `l`. Three equal signs other than asterisks look like a mask too.
_MASKS = r"\W*(?:user(?:\*\*.*|\*[\dol]+\W*|([^\w.])\1\1+[\dol]+\W*)|player#+[\dol]+\W*|h[il]ddenplayer\W*)"


def is_player_id(text: str) -> bool:
    """Return whether a text is valid as a player's id."""
    return PLAYER_ID.fullmatch(text) is not None and text not in NO_PLAYERS


def chosen_name(text: str) -> str | None:
    """Return a chosen name in its stored form.

    None if the name is empty, too long or not visible, or if it imitates the mask of another player.
    """
    name = tidy(text)
    return name if len(name) <= MAX_NAME and is_visible(name) and not is_mask(name) else None


def tidy(text: str) -> str:
    """Return a line of text in its stored form: NFC, without surrounding spaces, each run of spaces as one."""
    return re.sub(_SPACES, " ", unicodedata.normalize("NFC", text)).strip()


def is_mask(name: str) -> bool:
    """Return whether a name looks like `User***0001`, `Player #1` or `Hidden player`, in any characters."""
    return re.fullmatch(_MASKS, _folded(name), re.DOTALL) is not None


def display_name(public: str, chosen: str | None) -> str:
    """Return the chosen name, else `User***1234` with four digits of a digest of the random public id.

    The digest must not contain the player's own id: anyone with a list of ids could identify the masked player.
    """
    if chosen:
        return chosen
    number = int.from_bytes(hashlib.sha256(public.encode()).digest()[:8], "big") % 10_000
    return f"User***{number:04d}"


def private_name(rank: int) -> str:
    """Return the name of a private player on a board, which shows nothing but the rank."""
    return f"Player #{rank}"


def _folded(name: str) -> str:
    """Return a name as it looks: without spaces and marks, and with lookalikes of a mask's characters replaced."""
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", name.translate(_FOLDED))
        if not (char.isspace() or is_mark(char) or is_ignorable(char))
    )
    return plain.translate(_FOLDED).casefold().translate(_FOLDED)
