"""Whose account is whose: the caller's, and that of a player named by id or public id."""

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

# One sentence for who does not exist, who is private and who is hidden.
NOBODY = "There is no such player."
# Of the players that a process remembers: some 3 MB.
MAX_OWNERS = 10_000


def owner_of(context: Context, caller: Caller) -> Owner:
    """The caller's own; one read if their key does not tell. Raises NotFound."""
    if caller.account:
        return Owner(caller.player, caller.account, caller.public)
    # By id alone: an id may look like the public id of somebody else.
    identity = context.table.get(keys.player(caller.player, keys.IDENTITY))
    if identity is None:
        raise NotFound(NOBODY)
    return _owner(caller.player, identity)


def find_owner(context: Context, wanted: str, *, anew: bool = False) -> Owner:
    """The owner with this id or public id; `anew`: as the table has it now. Raises NotFound."""
    if anew:
        context.owners.pop(wanted, None)
    items = context.table.get_many(owner_keys(context, wanted))
    owner = owner_in(context, items, wanted)
    if owner is None:
        raise NotFound(NOBODY)
    return owner


def owner_keys(context: Context, wanted: str) -> list[Key]:
    """What must be read to know an owner by id or public id: nothing if they are known already."""
    if wanted in context.owners or not PLAYER_ID.fullmatch(wanted):
        return []
    found = [keys.player(wanted, keys.IDENTITY)]
    return [*found, keys.public(wanted)] if PUBLIC_ID.fullmatch(wanted) else found


def owner_in(context: Context, items: Mapping[Key, Item], wanted: str) -> Owner | None:
    """The owner, given what `owner_keys` asked for; one more read if a public id was given.

    A public id goes before an id that looks the same: anybody may call themselves so, and nobody chooses a public id.
    """
    known = context.owners.get(wanted)
    if known is not None:
        return known
    public = items.get(keys.public(wanted))
    player = wanted if public is None else public["player"]["S"]
    key = keys.player(player, keys.IDENTITY)
    identity = items.get(key) if public is None else context.table.get(key)
    if identity is None:
        return None
    if len(context.owners) >= MAX_OWNERS:
        context.owners.clear()
    owner = context.owners[wanted] = _owner(player, identity)
    return owner


def _owner(player: str, identity: Item) -> Owner:
    read = read_identity(identity)
    return Owner(player, read.account, read.public)
