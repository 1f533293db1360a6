"""API keys: found by the SHA-256 of the key, listed under their player. No key itself is ever stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.progress.player import Player
from chalicelib.store.core.table import Table, number, put_of, text, update_of
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import IdentityItem, KeyItem, PlayerKeyItem
from chalicelib.store.progress.player_writes import newcomer_writes

_NEW = "attribute_not_exists(pk)"
_KEY_PREFIX = "PLAYER_KEY#"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as its player's list has it. `digest`: SHA-256, in hex. Times in ms; `revoked_at` 0: it is active."""

    prefix: str
    digest: str
    created_at: int
    revoked_at: int = 0


@dataclass(frozen=True, slots=True)
class PlayerKeys:
    """A player's keys, and `changes`: how often they had changed when they were read."""

    keys: list[StoredKey]
    changes: int

    @property
    def active(self) -> list[StoredKey]:
        """Oldest first."""
        found = [key for key in self.keys if not key.revoked_at]
        return sorted(found, key=lambda key: (key.created_at, key.prefix))


def find_key(table: Table, digest: str) -> KeyItem | None:
    """The key with this digest, strongly read: a revoked one is dead at once."""
    item = table.get(keys.api_key(digest))
    return KeyItem.from_raw_data(item) if item else None


def read_keys(table: Table, player: str) -> PlayerKeys:
    """A player's keys, revoked ones too. The changes are counted before the list is read, never after."""
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
    table: Table,
    player: Player,
    key: StoredKey,
    permissions: Sequence[str],
    *,
    before: PlayerKeys,
    retired: Sequence[StoredKey],
    ruleset: str,
) -> None:
    """Store a key and retire others, and make the player exist (version 0), in one write.

    Raises LostRace if the player, or their keys, changed since `before` was read.
    """
    writes = [*_made(table.name, player, key, permissions)]
    for old in retired:
        writes += _revoked(table.name, player.id, old, key.created_at)
    if player.version == 0:
        created = newcomer_writes(table.name, player, ruleset)
        for write in created:
            if write["Put"]["Item"]["sk"]["S"] == keys.IDENTITY:
                write["Put"]["Item"]["key_changes"] = number(1)
        writes += created
    else:
        writes.append(_changed(table.name, player.id, before.changes))
    table.transact(writes)


def mark_used(table: Table, digest: str, day: str) -> None:
    """Note the last day a key was used. Raises LostRace if that, or a later day, is known."""
    table.update(
        keys.api_key(digest),
        "SET used_on = :d",
        "attribute_exists(pk) AND (attribute_not_exists(used_on) OR used_on < :d)",
        None,
        {":d": text(day)},
    )


def _made(table: str, player: Player, key: StoredKey, permissions: Sequence[str]) -> list[dict[str, Any]]:
    pk, sk = keys.api_key(key.digest)
    found_by = KeyItem(
        pk,
        sk,
        player=player.id,
        prefix=key.prefix,
        permissions=list(permissions),
        created_at=key.created_at,
        account=player.identity.account,
        public=player.identity.public,
    )
    pk, sk = keys.player_key(player.id, key.prefix)
    listed = PlayerKeyItem(pk, sk, digest=key.digest, created_at=key.created_at)
    return [put_of(table, found_by.item(), _NEW), put_of(table, listed.item(), _NEW)]


def _revoked(table: str, player: str, key: StoredKey, at_ms: int) -> list[dict[str, Any]]:
    when = {":t": number(at_ms)}
    condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at)"
    return [
        update_of(table, where, "SET revoked_at = :t", condition, None, when)
        for where in (keys.api_key(key.digest), keys.player_key(player, key.prefix))
    ]


def _changed(table: str, player: str, changes: int) -> dict[str, Any]:
    """Two changes made of the same list would each miss the other: the second one fails."""
    return update_of(
        table,
        keys.player(player, keys.IDENTITY),
        "SET key_changes = :n",
        "attribute_exists(pk) AND " + ("key_changes = :b" if changes else "attribute_not_exists(key_changes)"),
        None,
        {":n": number(changes + 1)} | ({":b": number(changes)} if changes else {}),
    )
