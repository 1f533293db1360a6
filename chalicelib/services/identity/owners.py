"""Owners of accounts: the caller, and players given by id or public id."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.identity.names import PLAYER_ID, PUBLIC_ID
from chalicelib.domain.identity.owner import Owner
from chalicelib.services.context import Context
from chalicelib.services.identity.authenticate import Caller
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.identity import keys
from chalicelib.store.identity.identities import read_identity
from chalicelib.store.identity.models import PublicItem

# One sentence for players that do not exist, are private or are hidden.
NOBODY = "There is no such player."
# Owners in the cache of a process: some 3 MB.
MAX_OWNERS = 10_000


def owner_of(context: Context, caller: Caller) -> Owner:
    """Return the caller as an owner. Takes one read if the key record holds no account. Raises NotFound."""
    if caller.account:
        return Owner(caller.player, caller.account, caller.public)
    # By id only: an id may look like another player's public id.
    identity = context.table.get(keys.player(caller.player, keys.IDENTITY))
    if identity is None:
        raise NotFound(NOBODY)
    return _owner(caller.player, identity)


def find_owner(context: Context, name: str, *, refresh: bool = False) -> Owner:
    """Return the owner with this id or public id; `refresh` bypasses the cache. Raises NotFound."""
    if refresh:
        context.owners.pop(name, None)
    items = context.table.get_many(owner_keys(context, name))
    owner = owner_in(context, items, name)
    if owner is None:
        raise NotFound(NOBODY)
    return owner


def owner_keys(context: Context, name: str) -> list[Key]:
    """Return the keys to read for an owner by id or public id; none if the cache has the owner."""
    if name in context.owners or not PLAYER_ID.fullmatch(name):
        return []
    found = [keys.player(name, keys.IDENTITY)]
    return [*found, keys.public(name)] if PUBLIC_ID.fullmatch(name) else found


def owner_in(context: Context, items: Mapping[Key, Item], name: str) -> Owner | None:
    """Return the owner from the items of `owner_keys`; takes one more read for a public id.

    A public id precedes an id that looks the same: players may choose their id, but not their public id.
    """
    known = context.owners.get(name)
    if known is not None:
        return known
    public = items.get(keys.public(name))
    player = name if public is None else PublicItem.from_raw_data(public).player
    key = keys.player(player, keys.IDENTITY)
    identity = items.get(key) if public is None else context.table.get(key)
    if identity is None:
        return None
    if len(context.owners) >= MAX_OWNERS:
        context.owners.clear()
    owner = context.owners[name] = _owner(player, identity)
    return owner


def _owner(player: str, identity: Item) -> Owner:
    read = read_identity(identity)
    return Owner(player, read.account, read.public)
