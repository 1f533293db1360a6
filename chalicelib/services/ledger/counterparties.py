"""How the two sides of a transfer are named to who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.ledger.transfer import is_system
from chalicelib.services.context import Context
from chalicelib.store.identity.identities import players_of_public
from chalicelib.store.ledger.postings import Posted


def name_others(context: Context, postings: Sequence[Posted], *, whole: bool) -> Callable[[Posted], str]:
    """Names the other side of each of these: `@mint` and its like, or a player.

    As boards do, by id only who goes by a chosen name today and is neither private nor hidden; all whom an admin
    (`whole`) looks at. By public id all others, who was erased among them, and who is called like a system account:
    one token sent to somebody on a board must not tell who they are.
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
