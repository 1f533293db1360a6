"""Reads the identities of players: by id, and by public id."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.identity.identity import Identity
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.identity import keys
from chalicelib.store.identity.models import IdentityItem, PublicItem


def player_of_public(table: Table, public_id: str) -> str | None:
    """Return the id of the player with this public id."""
    item = table.get(keys.public(public_id))
    return PublicItem.from_raw_data(item).player if item else None


def players_of_public(table: Table, public_ids: Sequence[str]) -> dict[str, tuple[str, Identity]]:
    """Return (id, identity) of the players with these public ids, if they exist, by two eventually consistent reads."""
    items = table.get_many([keys.public(public_id) for public_id in public_ids], strong=False)
    players = [PublicItem.from_raw_data(item).player for item in items.values()]
    found = table.get_many([keys.player(player, keys.IDENTITY) for player in players], strong=False)
    identities = {pk.removeprefix(keys.PLAYER): read_identity(item) for (pk, _), item in found.items()}
    return {identity.public: (player, identity) for player, identity in identities.items()}


def read_identity(item: Item) -> Identity:
    row = IdentityItem.from_raw_data(item)
    return Identity(
        account=row.account,
        public=row.public,
        created_at=int(row.created_at),
        display_name=row.display_name,
        private=bool(row.private),
        hidden=bool(row.hidden),
        asked_at=row.asked_at or {},
    )
