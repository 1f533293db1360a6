"""Keys of players, their public ids and API keys, and the audit log: (partition key, sort key).

player      PLAYER#<id>             STATE | IDENTITY | PLAYER_KEY#<prefix>
public id   PUBLIC#<public id>      PLAYER
API key     API_KEY#<sha256>        KEY
audit       AUDIT#<month>           <ms>#<id>
"""

from __future__ import annotations

from chalicelib.domain.core.periods import day_of, month_name
from chalicelib.store.core.keys import Key

# Partition keys begin with these.
PLAYER, PUBLIC, API_KEY, AUDIT = "PLAYER#", "PUBLIC#", "API_KEY#", "AUDIT#"

STATE, IDENTITY = "STATE", "IDENTITY"


def player(player_id: str, part: str = STATE) -> Key:
    return f"{PLAYER}{player_id}", part


def player_key(player_id: str, prefix: str = "") -> Key:
    return player(player_id, f"PLAYER_KEY#{prefix}")


def public(public_id: str) -> Key:
    return f"{PUBLIC}{public_id}", "PLAYER"


def api_key(sha256: str) -> Key:
    return f"{API_KEY}{sha256}", "KEY"


def audit(at_ms: int, id_: str) -> Key:
    """Return the key of an audit row: by month, ordered by time."""
    return f"{AUDIT}{month_name(day_of(at_ms))}", f"{at_ms:013d}#{id_}"
