"""API keys: found by the SHA-256 of the key, listed under their player. The key itself is never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.identity.identity import Identity
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import IdentityItem, KeyItem, PlayerKeyItem

_NEW = "attribute_not_exists(pk)"
_KEY_PREFIX = "PLAYER_KEY#"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as its player's list holds it. `digest`: SHA-256, in hex. Times in ms; `revoked_at` 0: it is active."""

    prefix: str
    digest: str
    created_at: int
    revoked_at: int = 0


@dataclass(frozen=True, slots=True)
class PlayerKeys:
    """A player's keys, and `changes`: the number of changes of the keys when they were read."""

    keys: list[StoredKey]
    changes: int

    @property
    def active(self) -> list[StoredKey]:
        """Return the active keys, oldest first."""
        found = [key for key in self.keys if not key.revoked_at]
        return sorted(found, key=lambda key: (key.created_at, key.prefix))


def find_key(table: Table, digest: str) -> KeyItem | None:
    """Return the key with this digest. The read is strong, so a revoked key stops working at once."""
    item = table.get(keys.api_key(digest))
    return KeyItem.from_raw_data(item) if item else None


def read_keys(table: Table, player: str) -> PlayerKeys:
    """Read a player's keys, revoked ones too. The count of changes is read before the list, never after it."""
    identity = table.get(keys.player(player, keys.IDENTITY))
    changes = int(IdentityItem.from_raw_data(identity).key_changes or 0) if identity else 0
    pk, _ = keys.player_key(player)
    rows = [PlayerKeyItem.from_raw_data(item) for item in table.query_all(pk, prefix=_KEY_PREFIX)]
    return PlayerKeys(
        [
            StoredKey(row.sk.removeprefix(_KEY_PREFIX), row.digest, int(row.created_at), int(row.revoked_at or 0))
            for row in rows
        ],
        changes,
    )


def add_key(
    tx: Transaction,
    player: str,
    identity: Identity,
    key: StoredKey,
    permissions: Sequence[str],
    retired: Sequence[StoredKey],
) -> None:
    """Add a key, and revoke the `retired` ones.

    The transaction must also create the player, or contain `note_key_change`.
    """
    pk, sk = keys.api_key(key.digest)
    found_by = KeyItem(
        pk,
        sk,
        player=player,
        prefix=key.prefix,
        permissions=list(permissions),
        created_at=key.created_at,
        account=identity.account,
        public=identity.public,
    )
    tx.put(found_by.item(), _NEW)
    pk, sk = keys.player_key(player, key.prefix)
    tx.put(PlayerKeyItem(pk, sk, digest=key.digest, created_at=key.created_at).item(), _NEW)
    for old in retired:
        _revoke(tx, player, old, key.created_at)


def note_key_change(tx: Transaction, player: str, changes: int) -> None:
    """Count a change of a player's keys. The commit fails if they changed since `changes` was read.

    Without this condition, two concurrent changes of a list would each miss the other.
    """
    tx.update(
        keys.player(player, keys.IDENTITY),
        "SET key_changes = :n",
        "attribute_exists(pk) AND " + ("key_changes = :b" if changes else "attribute_not_exists(key_changes)"),
        None,
        {":n": number(changes + 1)} | ({":b": number(changes)} if changes else {}),
    )


def mark_used(table: Table, digest: str, day: str) -> None:
    """Record the last day on which a key was used. Raises LostRace if that day, or a later one, is recorded."""
    table.update(
        keys.api_key(digest),
        "SET used_on = :d",
        "attribute_exists(pk) AND (attribute_not_exists(used_on) OR used_on < :d)",
        None,
        {":d": text(day)},
    )


def _revoke(tx: Transaction, player: str, key: StoredKey, at_ms: int) -> None:
    condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at)"
    for where in (keys.api_key(key.digest), keys.player_key(player, key.prefix)):
        tx.update(where, "SET revoked_at = :t", condition, None, {":t": number(at_ms)})
