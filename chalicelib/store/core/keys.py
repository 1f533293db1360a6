"""Keys of idempotency keys and the outbox: (partition key, sort key).

request     IDEMPOTENCY#<account>   <digest of the idempotency key>
outbox      OUTBOX#<0..15>          <ms>#<id>
"""

from __future__ import annotations

import hashlib

Key = tuple[str, str]
# Partition keys begin with these.
IDEMPOTENCY, OUTBOX = "IDEMPOTENCY#", "OUTBOX#"

ORDER_INDEX = "order-index"
OUTBOX_SHARDS = 16


def request(account_id: str, key: str) -> Key:
    """Return the key of an idempotency key: a digest, which accepts any text and does not reveal it."""
    return f"{IDEMPOTENCY}{account_id}", hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def outbox_record(at_ms: int, id_: str) -> Key:
    """Return the key of an outbox row: spread over shards by id, ordered by time within a shard."""
    shard = hashlib.blake2b(id_.encode(), digest_size=1).digest()[0] % OUTBOX_SHARDS
    return outbox(shard), f"{at_ms:013d}#{id_}"


def outbox(shard: int) -> str:
    return f"{OUTBOX}{shard}"
