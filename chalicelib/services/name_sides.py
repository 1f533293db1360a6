"""How the two sides of a transfer are named to who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.ledger import is_system
from chalicelib.services.context import Context
from chalicelib.store.player_reads import players_of_public
from chalicelib.store.postings import Posted


def name_others(context: Context, postings: Sequence[Posted], *, whole: bool) -> Callable[[Posted], str]:
    """Names the other side of each of these: `@mint` and its like, or a player by id.

    By public id alone, unless `whole`, who is private or hidden today; who was erased, whom nothing else names; and who
    is called like a system account.
    """
    found = players_of_public(context.table, sorted({each.public for each in postings if each.public}))
    names = {
        public: player
        for public, (player, identity) in found.items()
        if not is_system(player) and (whole or not (identity.private or identity.hidden))
    }
    return lambda posting: posting.other if is_system(posting.other) else names.get(posting.public, posting.public)
