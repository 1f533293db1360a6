"""Create an API key for a player, and the player if needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.core.errors import InvalidRequest, LostRace
from chalicelib.domain.core.sentences import not_one_of
from chalicelib.domain.identity.names import NO_PLAYERS, is_player_id
from chalicelib.domain.identity.permissions import MAX_ACTIVE_KEYS, PERMISSIONS, PLAYER, key_digest, visible_prefix
from chalicelib.services.context import Context
from chalicelib.services.progress.apply_events import newcomer
from chalicelib.store.identity.api_keys import StoredKey, add_key, note_key_change, read_keys
from chalicelib.store.progress.player_writes import add_player
from chalicelib.store.progress.players import load_player

# A worker may write the same player: each lost race costs two reads.
MAX_TRIES = 8


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key, shown only this once. `retired`: prefixes of the keys that it replaced."""

    key: str
    prefix: str
    player: str
    permissions: list[str]
    created_at: int
    retired: list[str]


def create_key(context: Context, player: str, permissions: Sequence[str] = (PLAYER,)) -> NewKey:
    """Create a key with these permissions (`player` is always one of them); a sixth key retires the oldest.

    Raises InvalidRequest for an invalid id or permission, LostRace if others kept writing.
    """
    if not is_player_id(player):
        raise InvalidRequest(
            f"'player' must be 1-128 characters of A-Z a-z 0-9 . _ : @ - and none of {' '.join(NO_PLAYERS)} .",
            parameter="player",
        )
    for permission in permissions:
        if permission not in PERMISSIONS:
            raise InvalidRequest(
                not_one_of("permission", permission, PERMISSIONS),
                parameter="permission",
                allowed=list(PERMISSIONS),
            )
    granted = [each for each in PERMISSIONS if each == PLAYER or each in permissions]
    return context.retry.run(lambda: _create(context, player, granted), again=LostRace, most=MAX_TRIES)


def _create(context: Context, player_id: str, permissions: list[str]) -> NewKey:
    before = read_keys(context.table, player_id)
    player = load_player(context.table, player_id) or newcomer(context, player_id)
    now_ms = player.created_at if player.version == 0 else context.now_ms()
    prefix = f"{context.rules.settings.key_prefix}_{context.new_id()[-8:]}"
    key = f"{prefix}_{context.new_id()}"
    made = StoredKey(visible_prefix(key), key_digest(key), now_ms)
    retired = before.active[: max(0, len(before.active) + 1 - MAX_ACTIVE_KEYS)]
    tx = context.table.transaction()
    add_key(tx, player_id, player.identity, made, permissions, retired)
    if player.version == 0:
        add_player(tx, player, context.rules.version, key_changes=1)
    else:
        note_key_change(tx, player_id, before.changes)
    tx.commit()
    return NewKey(key, made.prefix, player_id, permissions, now_ms, [old.prefix for old in retired])
