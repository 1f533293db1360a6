"""Names of the other sides of transfers, for players and admins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.ledger.transfer import is_system
from chalicelib.services.context import Context
from chalicelib.store.identity.identities import players_of_public
from chalicelib.store.ledger.postings import Posted


def name_others(context: Context, postings: Sequence[Posted], *, whole: bool) -> Callable[[Posted], str]:
    """Return a function that names the other side of each posting: a system account such as `@mint`, or a player.

    A player appears by id for an admin (`whole`). For others, as on boards, only players with a chosen name who are
    neither private nor hidden appear by id. All other players appear by public id, also erased ones and those whose id
    equals a system account's: sending one token to a player on a board must not reveal their id.
    """
    found = players_of_public(context.table, sorted({each.public for each in postings if each.public}))
    names = {
        public: player
        for public, (player, identity) in found.items()
        if not is_system(player) and (whole or _is_open(identity))
    }
    return lambda posting: posting.other if is_system(posting.other) else names.get(posting.public, posting.public)


def _is_open(identity: Identity) -> bool:
    return bool(identity.display_name) and not (identity.private or identity.hidden)
