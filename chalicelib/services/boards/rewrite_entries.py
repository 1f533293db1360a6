"""Write entries from their players' own totals, whatever they say now: an order to a board's writer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.boards.entry_proof import too_late
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.player_scores import load_states
from chalicelib.services.boards.writer import Draft, TooLarge, commit, draft_of
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.entries import Entry, read_entries
from chalicelib.store.boards.redo_log import Log


def mend_entries(context: Context, board: str, shard: str, players: Sequence[str]) -> int:
    """Mend the entries of the shard's players among these, on a frozen board too; returns how many were written.

    The index follows from what an entry said before. Where that was not what the index counted, it must be
    repaired after.
    """
    players = [player for player in players if shard_for(context, board, player) == shard]
    try:
        draft = commit(context, board, shard, lambda log: _draft(context, board, shard, log, players))
    except TooLarge:
        half = len(players) // 2
        return sum(mend_entries(context, board, shard, part) for part in (players[:half], players[half:]))
    return len(draft.entries) if draft else 0


def _draft(context: Context, board: str, shard: str, log: Log, players: Sequence[str]) -> Draft | None:
    # Read after the log: no writer can have written a newer state of theirs without moving it.
    known = read_entries(context.table, board, players)
    states = load_states(context, board, players)
    turned = [
        (known.get(player), entry)
        for player in dict.fromkeys(players)
        if (entry := mended(known.get(player), states.get(player), log.frozen))
    ]
    if not turned:
        return None
    draft = draft_of(context, shard, log, turned)
    # Above whatever an entry claims to have been written by, or it would stay as it is.
    draft.seq = max(before.seq for before in known.values()) + 1 if known else 0
    return draft


def mended(known: Entry | None, state: BoardUpdate | None, frozen_ms: int | None) -> Entry | None:
    """The entry that a player's state makes, in place of the one that is known; None if there is nothing to write."""
    if state is None:
        # Of no player any more, or not yet again: version 0 lets every state in.
        return known and msgspec.structs.replace(known, version=0, score=0, on_board=False)
    if known is None and (not state.score or state.hidden):
        return None
    score, reached_at, level, title = state.score, state.reached_at, state.level, state.title
    if frozen_ms is not None:
        if too_late(state, frozen_ms):
            if known is None:
                return None
            score, reached_at = known.score, known.reached_at
        if known is not None:
            level, title = known.level, known.title
    return Entry(
        player=state.player,
        version=state.version,
        score=score,
        reached_at=reached_at,
        level=level,
        title=title,
        public=state.public_id,
        name=state.name,
        private=state.private,
        hidden=state.hidden,
        on_board=score > 0 and not state.hidden,
    )
