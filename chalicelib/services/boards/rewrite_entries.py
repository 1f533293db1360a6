"""Rewrite entries from their subjects' own totals, regardless of their content: an order to a board's writer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.domain.boards.entry_proof import too_late
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.subject_scores import has_totals, load_states
from chalicelib.services.boards.writer import Draft, TooLarge, commit, draft_of, entry_of_state
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.entries import Entry, read_entries
from chalicelib.store.boards.redo_log import Log


def rewrite_entries(context: Context, board: str, shard: str, subjects: Sequence[str]) -> int:
    """Rewrite the entries of those subjects that are in the shard, on a frozen board too; return the number written.

    The index changes by the difference to the old entry. If the index had counted another entry, it must be repaired
    afterwards. Entries of subjects whose kind is unknown stay unchanged.
    """
    subjects = [each for each in subjects if has_totals(each) and shard_for(context, board, each) == shard]
    try:
        draft = commit(context, board, shard, lambda log: _draft(context, board, shard, log, subjects))
    except TooLarge:
        half = len(subjects) // 2
        return sum(rewrite_entries(context, board, shard, part) for part in (subjects[:half], subjects[half:]))
    return len(draft.entries) if draft else 0


def _draft(context: Context, board: str, shard: str, log: Log, subjects: Sequence[str]) -> Draft | None:
    # Read after the log: a writer that writes a newer state of these subjects changes the log.
    known = read_entries(context.table, board, subjects)
    states = load_states(context, board, subjects)
    turned = [
        (known.get(subject), entry)
        for subject in dict.fromkeys(subjects)
        if (entry := rewritten_entry(known.get(subject), states.get(subject), log.frozen))
    ]
    if not turned:
        return None
    draft = draft_of(context, shard, log, turned)
    # Higher than the intent number of every entry, else the write would be refused.
    draft.seq = max(before.seq for before in known.values()) + 1 if known else 0
    return draft


def rewritten_entry(known: Entry | None, state: BoardUpdate | None, frozen_ms: int | None) -> Entry | None:
    """Return the entry for a subject's state that replaces the known one; None if there is nothing to write."""
    if state is None:
        # The subject does not exist now. Version 0 accepts every later state.
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
    return entry_of_state(state, score, reached_at, level, title)
