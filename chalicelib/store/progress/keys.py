"""Keys of player progress: (partition key, sort key).

player      PLAYER#<id>             STREAK | BADGES | SETS | DAYS#<month> | LOG#<minute>#<chunk> | KEYED#<identity>
                                    ONCE#<action>/<value> | PAIR#<other> | IMPORT#<name>
first       FIRST#<badge>           FIRST
file        IMPORTED_FILE           <sha256>
"""

from __future__ import annotations

from chalicelib.domain.core.periods import minute_name
from chalicelib.store.core.keys import Key
from chalicelib.store.identity.keys import IDENTITY, STATE, player

# Partition keys begin with this.
FIRST = "FIRST#"

STREAK, BADGES, SETS = "STREAK", "BADGES", "SETS"
# The items of a player that are read together.
CORE = (STATE, IDENTITY, STREAK, BADGES, SETS)
# Item -> the letter under which the state keeps its version.
COMPANIONS = {IDENTITY: "i", STREAK: "k", BADGES: "b", SETS: "s"}
LOG = "LOG#"


def days(player_id: str, month: str) -> Key:
    return player(player_id, f"DAYS#{month}")


def log(player_id: str, minute: int, chunk: int) -> Key:
    return player(player_id, f"{log_prefix(minute)}{chunk:04d}")


def log_prefix(minute: int) -> str:
    return f"{LOG}{minute_name(minute)}#"


def keyed(player_id: str, identity: str) -> Key:
    return player(player_id, f"KEYED#{identity}")


def imported(player_id: str, name: str) -> Key:
    return player(player_id, f"IMPORT#{name}")


def imported_file(sha256: str) -> Key:
    return "IMPORTED_FILE", sha256


def once(player_id: str, what: str) -> Key:
    return player(player_id, f"ONCE#{what}")


def pair(player_id: str, other: str) -> Key:
    return player(player_id, f"PAIR#{other}")


def first(badge: str) -> Key:
    return f"{FIRST}{badge}", "FIRST"
