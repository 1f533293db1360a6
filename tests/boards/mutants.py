"""Writers of boards broken on purpose, one guard of the protocol taken out of each. The simulation must fail them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.services.boards import rebuild_index, write_corrections, writer
from chalicelib.services.boards.writer import Draft
from chalicelib.store.boards import entries, redo_log, tallies
from chalicelib.store.core import table
from chalicelib.store.core.table import Busy, ConditionFailed, Table
from chalicelib.store.core.writes import Update


def _is_entry(update: Update) -> bool:
    return update.key[1].startswith("ENTRY#")


def _is_node(update: Update) -> bool:
    return update.key[0].startswith("NODE#")


def _is_begin(update: Update) -> bool:
    return update.key[1] == "LOG" and "SET pending" in update.expression


def _is_finish(update: Update) -> bool:
    return update.key[1] == "LOG" and "REMOVE pending" in update.expression


@contextmanager
def _changed(change: Callable[[Update], Update]) -> Iterator[None]:
    """Change every single update before it is sent."""
    real = Table.apply

    with patch.object(Table, "apply", lambda self, update: real(self, change(update))):
        yield


def _unconditional(chosen: Callable[[Update], bool]) -> AbstractContextManager[None]:
    """Write updates of a kind in any state of their item."""
    return _changed(lambda update: _reduced(update, "") if chosen(update) else update)


def _reduced(update: Update, condition: str) -> Update:
    """Return the update under another condition, without the values that it no longer names."""
    said = f"{update.expression} {condition} ".replace(",", " ").replace(")", " ")
    values = {name: value for name, value in (update.values or {}).items() if f"{name} " in said}
    return dataclasses.replace(update, condition=condition, values=values)


@contextmanager
def finish_unconditional() -> Iterator[None]:
    """Note an intent as done with anything pending."""
    with _unconditional(_is_finish):
        yield


@contextmanager
def begin_unconditional() -> Iterator[None]:
    """Begin an intent with anything in the log."""
    with _unconditional(_is_begin):
        yield


@contextmanager
def entry_guard() -> Iterator[None]:
    """Write an entry by any intent, however old."""
    with _unconditional(_is_entry):
        yield


@contextmanager
def node_guard() -> Iterator[None]:
    """Write a node by any intent, however old or often."""
    with _unconditional(_is_node):
        yield


@contextmanager
def freeze_guard() -> Iterator[None]:
    """Begin an intent on a board that was frozen meanwhile."""

    def change(update: Update) -> Update:
        return _reduced(update, update.condition.rpartition(" AND ")[0]) if _is_begin(update) else update

    with _changed(change):
        yield


@contextmanager
def entry_deleted() -> Iterator[None]:
    """Delete the entry of a subject that leaves the board."""
    real = Table.apply

    def apply(self: Table, update: Update) -> None:
        values = update.values or {}
        if not _is_entry(update) or ":order" in values:
            real(self, update)
        else:
            self.delete(update.key, update.condition, {"#q": "q"}, {":q": values[":q"]})

    with patch.object(Table, "apply", apply):
        yield


@contextmanager
def zeroed_node_deleted() -> Iterator[None]:
    """Delete a node without members by the writer that emptied it."""
    real = Table.apply

    def apply(self: Table, update: Update) -> None:
        real(self, update)
        if not _is_node(update):
            return
        node = self.get(update.key) or {}
        if any(int(value["N"]) for name, value in node.items() if name not in ("pk", "sk", "seq", "expires")):
            return
        self.delete(update.key, "seq = :n", None, {":n": (update.values or {})[":seq"]})

    with patch.object(Table, "apply", apply):
        yield


@contextmanager
def entries_read_weakly() -> Iterator[None]:
    """Read the entries with eventual consistency."""

    def read(table: Table, board: str, subjects: Sequence[str]) -> Any:
        items = table.get_many([entries.keys.entry(board, subject) for subject in subjects], strong=False)
        return {entry.subject: entry for entry in map(entries.entry_of, items.values())}

    with patch.object(writer, "read_entries", read):
        yield


@contextmanager
def entries_read_before_the_log() -> Iterator[None]:
    """Read the entries before the log."""

    def write(context: Any, board: str, shard: str, states: Any) -> int:
        early = entries.read_entries(context.table, board, [state.subject for state in states])

        def plan(log: Any) -> Draft | None:
            known = [early.get(state.subject) for state in states]
            frozen = log.frozen is not None
            nexts = [
                (before, writer.next_entry(state, before, frozen=frozen))
                for state, before in zip(states, known, strict=True)
            ]
            turned = [(before, after) for before, after in nexts if after]
            return writer.draft_of(context, shard, log, turned) if turned else None

        draft = writer.commit(context, board, shard, plan)
        return len(draft.entries) if draft else 0

    with patch.object(writer, "_write", write), patch.object(writer, "MAX_INTENT_BYTES", 10**6):
        yield


@contextmanager
def throttle_given_up() -> Iterator[None]:
    """Take a write that was throttled once as done."""
    real = writer._insist

    def insist(context: Any, write: Callable[[], Any]) -> None:
        def once() -> None:
            try:
                write()
            except Busy as busy:
                raise ConditionFailed from busy

        real(context, once)

    with patch.object(writer, "_insist", insist), patch.object(table, "MAX_TRIES", 1):
        yield


@contextmanager
def taken_for_its_own() -> Iterator[None]:
    """Take the intent pending under the next number as one's own after a lost answer."""
    real = writer.begin

    def begin(table: Table, shard: str, log: Any, seq: int, packed: bytes, expires: int | None = None) -> None:
        try:
            real(table, shard, log, seq, packed, expires)
        except Exception:
            pending = redo_log.read_log(table, shard).intent
            if pending is None or pending.seq != seq:
                raise

    with patch.object(writer, "begin", begin):
        yield


@contextmanager
def repair_counts_on() -> Iterator[None]:
    """Let a repair take the next number, with any numbers in the nodes and entries."""
    real = rebuild_index._Turn.note

    def commit(context: Any, board: str, shard: str, plan: Any) -> Any:
        def lower(log: Any) -> Draft | None:
            draft = plan(log)
            if draft is not None:
                draft.seq = 0
            return draft

        return writer.commit(context, board, shard, lower)

    def note(self: Any, log: Any, repair: Any, latest: int = -1, highest: int = 0) -> None:
        real(self, log, repair, latest)

    with patch.object(write_corrections, "commit", commit), patch.object(rebuild_index._Turn, "note", note):
        yield


@contextmanager
def moves_not_added() -> Iterator[None]:
    """Do not report moves of players to a repair that has counted them."""
    with patch.object(writer, "_counted_moves", lambda *_: []):
        yield


@contextmanager
def all_moves_counted() -> Iterator[None]:
    """Report moves of players to a repair that has yet to count them, too."""
    with patch.object(Repair, "has_counted", lambda *_: True):
        yield


@contextmanager
def cursor_unknown() -> Iterator[None]:
    """Hide the progress of a repair from writers until it has counted all."""
    with patch.object(Repair, "has_counted", lambda self, _: self.counted):
        yield


@contextmanager
def moves_added_at_the_end() -> Iterator[None]:
    """Report moves to a repair only after their intent is noted as done.

    Seeds hardly meet the moment between: `test_interleavings` does.
    """
    real = writer.complete

    def complete(context: Any, board: str, shard: str, intent: Any) -> None:
        moved, intent.moves = intent.moves, []
        real(context, board, shard, intent)
        if moved:
            update = writer.moves_update(shard, intent.repair, intent.seq, moved, intent.moves_expire)
            writer.apply_all(context, [update])

    with patch.object(writer, "complete", complete):
        yield


@contextmanager
def every_tally_counts() -> Iterator[None]:
    """Count the tallies of a step that came to nothing and was repeated."""

    def read(table: Table, shard: str, repair: Repair) -> Any:
        rows = tallies._rows(table, shard, *(tallies.keys.tallies(repair.id) + end for end in ("", "~")))
        names = {sk.split("#")[-2] for sk, _ in rows}
        return tallies.read_tallies(table, shard, replace(repair, tallies=tuple(names)))

    with patch.object(rebuild_index, "read_tallies", read):
        yield


@contextmanager
def steps_noted_whatever_came_between() -> Iterator[None]:
    """Note a step of repair though another writer has written since the step began."""
    with _unconditional(lambda update: update.key[1] == "LOG" and "#repair" in update.expression):
        yield


@contextmanager
def steps_have_no_number() -> Iterator[None]:
    """Leave the log's number unchanged in a step: a writer that read the log before begins an intent without it."""

    def advance(table: Table, shard: str, log: Any, seq: int, *rest: Any) -> None:
        redo_log.advance(table, shard, log, max(log.seq, seq - 1), *rest)

    with patch.object(rebuild_index, "advance", advance):
        yield


@contextmanager
def corrections_whatever_came_between() -> Iterator[None]:
    """Write corrections though another writer has begun an intent since they were computed."""

    def plan(self: Any, log: Any) -> Draft | None:
        self.at = log.seq
        return self.left[0] if self.left else None

    with patch.object(write_corrections._Corrections, "plan", plan):
        yield


MUTANTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    mutant.__name__: mutant
    for mutant in (
        finish_unconditional,
        begin_unconditional,
        entry_guard,
        node_guard,
        freeze_guard,
        entry_deleted,
        zeroed_node_deleted,
        entries_read_weakly,
        entries_read_before_the_log,
        throttle_given_up,
        taken_for_its_own,
        repair_counts_on,
        moves_not_added,
        all_moves_counted,
        cursor_unknown,
        every_tally_counts,
        steps_noted_whatever_came_between,
        steps_have_no_number,
        corrections_whatever_came_between,
    )
}
