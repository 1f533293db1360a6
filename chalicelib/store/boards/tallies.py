"""The rows of a repair next to a board's log: tallies of entries, and moves of subjects who are already counted.

Both are written once under unique names, and never changed. They expire.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.store.boards import keys as boards_keys
from chalicelib.store.boards.bulk import Wire, query_all_as
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number
from chalicelib.store.core.writes import Update

# At most 13 bytes each when compressed: an item holds 400 KB.
MAX_MEMBERS = 20_000
_LAST = "~"

Groups = Mapping[int, "array[int]"]
Numbers = Sequence[int]


class Tally(msgspec.Struct, array_like=True):
    """Subjects on the board by score. `sizes`: the number of subjects of each of `scores`.

    `moments`: when they reached it, score by score. All are arrays of 8 bytes per number.
    """

    scores: bytes
    sizes: bytes
    moments: bytes


class _Row(msgspec.Struct):
    sk: Wire
    data: Wire


def tally_updates(shard: str, repair: Repair, name: str, groups: Groups) -> Iterator[Update]:
    """Yield the updates that write a tally under a unique name."""
    for part, (last_score, tally) in enumerate(_parts(groups)):
        key = boards_keys.tally(shard, repair.id, last_score, name, part)
        yield _update(key, msgspec.msgpack.encode(tally), repair.expires)


def moves_update(shard: str, repair_id: str, seq: int, moves: Sequence[int], expires: int) -> Update:
    """Return the update that writes an intent's moves. It is the same in every process that completes the intent."""
    return _update(boards_keys.moves(shard, repair_id, seq), array("q", moves).tobytes(), expires)


def read_tallies(table: Table, shard: str, repair: Repair) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Yield (scores, sizes, moments) of every valid part that may have scores that are not corrected yet."""
    first, known = boards_keys.tallies(repair.id), frozenset(repair.tallies)
    for sk, data in _rows(table, shard, f"{first}{repair.low:016d}", first + _LAST):
        if sk.split("#")[-2] in known:
            tally = msgspec.msgpack.decode(data, type=Tally)
            yield _numbers(tally.scores), _numbers(tally.sizes), _numbers(tally.moments)


def read_moves(table: Table, shard: str, repair: Repair) -> Iterator[Sequence[int]]:
    """Yield the moves of every intent since the repair began, in the form of the intent's moves."""
    first, last = (boards_keys.moves(shard, repair.id, seq)[1] for seq in (repair.since, 10**16 - 1))
    return (_numbers(data) for _, data in _rows(table, shard, first, last))


def _parts(groups: Groups) -> Iterator[tuple[int, Tally]]:
    scores, sizes, moments = array("q"), array("q"), array("q")
    for score in sorted(groups):
        members = array("q", sorted(groups[score]))
        while members:
            room = MAX_MEMBERS - len(moments)
            taken, members = members[:room], members[room:]
            scores.append(score)
            sizes.append(len(taken))
            moments.extend(taken)
            if len(moments) >= MAX_MEMBERS:
                yield score, Tally(scores.tobytes(), sizes.tobytes(), moments.tobytes())
                scores, sizes, moments = array("q"), array("q"), array("q")
    if scores:
        yield scores[-1], Tally(scores.tobytes(), sizes.tobytes(), moments.tobytes())


def _update(key: core_keys.Key, data: bytes, expires: int) -> Update:
    values: Item = {":data": {"B": zlib.compress(data, 1)}, ":expires": number(expires)}
    return Update(key, "SET #data = :data, expires = :expires", "", {"#data": "data"}, values)


def _rows(table: Table, shard: str, first: str, last: str) -> Iterable[tuple[str, bytes]]:
    rows = query_all_as(table, _Row, boards_keys.repair(shard), between=(first, last), attributes=("sk", "data"))
    return ((row.sk.S, zlib.decompress(row.data.B)) for row in rows)


def _numbers(data: bytes) -> array[int]:
    numbers = array("q")
    numbers.frombytes(data)
    return numbers
