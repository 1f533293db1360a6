"""Keys of awards, failed messages and the event backlog: (partition key, sort key).

granter     GRANTER#<granter>#<day> GRANTED
received    RECEIVED#<queue>        <minute>
backlog     BACKLOG                 <ms of the bound>
note        NOTE#<queue>#<message id>             NOTE
failure     FAILURE#<queue>#<0..7>  <message id>[/<place>]; of a FIFO queue <group>/<sequence>
body        BODY#<queue>#<failure id>             <part>
"""

from __future__ import annotations

import hashlib

from chalicelib.domain.core.periods import minute_name
from chalicelib.store.core.keys import Key

# Partition keys begin with these; one without `#` is whole.
GRANTER, RECEIVED, BACKLOG, NOTE = "GRANTER#", "RECEIVED#", "BACKLOG", "NOTE#"
FAILURE, BODY = "FAILURE#", "BODY#"

# A partition takes 1,000 write units per second. A row has at most 20 KB, mostly 1 or 2; larger bodies are in
# partitions of their own. So a hundred messages per second take 25 units per second of each of the eight shards, and
# 250 if every row has the maximum size.
FAILURE_SHARDS = 8


def granter(name: str, day: str) -> Key:
    return f"{GRANTER}{name}#{day}", "GRANTED"


def received(queue: str, minute: int) -> Key:
    """Return the key of a source queue's minute, ordered by time."""
    return f"{RECEIVED}{queue}", minute_name(minute)


def backlog(bound_ms: int) -> Key:
    return BACKLOG, f"{bound_ms:013d}"


def failure(queue: str, failure_id: str) -> Key:
    """Return the key of a failed message. It keeps the parts of a message together, and a group's messages in order."""
    whole = failure_id.rpartition("/")[0] or failure_id
    shard = hashlib.blake2b(whole.encode(), digest_size=1).digest()[0] % FAILURE_SHARDS
    return failure_partition(queue, shard), failure_id


def body_part(queue: str, failure_id: str, place: int) -> Key:
    return f"{BODY}{queue}#{failure_id}", str(place)


def note(queue: str, message_id: str) -> Key:
    return f"{NOTE}{queue}#{message_id}", "NOTE"


def failure_partition(queue: str, shard: int) -> str:
    return f"{FAILURE}{queue}#{shard}"
