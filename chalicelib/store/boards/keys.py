"""Keys of boards: (partition key, sort key).

board       BOARD#<scope>#<period>  ENTRY#<subject>; on the index <scope>#<period>, by order
rank index  NODE#<shard>            <level>.<prefix> | TOTAL | D.<score> | V.<score>.<volume>
redo log    BOARD_LOG#<shard>       LOG
repair      REPAIR#<shard>          <repair>#TALLY#<last score>#<tally>#<part> | <repair>#MOVES#<intent>
archive     ARCHIVE#<scope>         <period>; all-time boards: all@<day>
rotation    ROTATION#<scope>        CURSOR
"""

from __future__ import annotations

from chalicelib.domain.core.subjects import player_of, player_subject
from chalicelib.domain.progress.scores import MAX_SCORE
from chalicelib.store.core.keys import Key

# Partition keys begin with these.
BOARD, NODE, BOARD_LOG, REPAIR = "BOARD#", "NODE#", "BOARD_LOG#", "REPAIR#"
ARCHIVE, ROTATION = "ARCHIVE#", "ROTATION#"

ENTRY = "ENTRY#"
# Above every character of an id: no player's id begins with it, and other subjects sort after players.
_OTHER = "~"


def board(board_id: str) -> str:
    return f"{BOARD}{board_id}"


def entry(board_id: str, subject: str) -> Key:
    return board(board_id), f"{ENTRY}{subject}"


def node(shard: str, name: str) -> Key:
    return nodes(shard), name


def nodes(shard: str) -> str:
    return f"{NODE}{shard}"


def board_log(shard: str) -> Key:
    return f"{BOARD_LOG}{shard}", "LOG"


def tally(shard: str, repair_id: str, last_score: int, name: str, part: int) -> Key:
    """Return the key of a repair's tally. Tallies sort by their greatest score."""
    return repair(shard), f"{tallies(repair_id)}{last_score:016d}#{name}#{part:04d}"


def tallies(repair_id: str) -> str:
    return f"{repair_id}#TALLY#"


def moves(shard: str, repair_id: str, seq: int) -> Key:
    """Return the key of the moves of an intent that was written during a repair."""
    return repair(shard), f"{repair_id}#MOVES#{seq:016d}"


def repair(shard: str) -> str:
    return f"{REPAIR}{shard}"


def archive(scope: str, period: str) -> Key:
    return f"{ARCHIVE}{scope}", period


def rotation(scope: str) -> Key:
    return f"{ROTATION}{scope}", "CURSOR"


def order(score: int, reached_at: int, subject: str) -> str:
    """Return the order of an entry: best score first, then earliest to reach it, then players by id, then others."""
    return f"{order_since(score, reached_at)}#{short_subject(subject)}"


def order_since(score: int, reached_at: int) -> str:
    """Return the text before all orders of subjects who reached this score at this time or later.

    It is after the orders of those who reached it earlier.
    """
    return f"{order_score(score)}#{reached_at:013d}"


def order_score(score: int) -> str:
    """Return the text with which the orders of all subjects with this score begin. Better scores have lesser texts."""
    return f"{MAX_SCORE - score:016d}"


def short_subject(subject: str) -> str:
    """Return a subject as orders and redo logs hold it, to save bytes: a player's id alone, another one after a `~`."""
    player = player_of(subject)
    return f"{_OTHER}{subject}" if player is None else player


def full_subject(short: str) -> str:
    """Return the subject of a short text."""
    return short[1:] if short.startswith(_OTHER) else player_subject(short)


def spot_of(order_: str) -> tuple[int, int]:
    """Return (score, reached at) of an order."""
    score, reached_at, _ = order_.split("#", 2)
    return MAX_SCORE - int(score), int(reached_at)
