"""Is an entry what its player's own totals say? Shares no code with the writer of boards, as `board_proof` does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.core.periods import MINUTE_MS
from chalicelib.domain.progress.scores import BoardUpdate

# What a player reached shortly before a board was frozen may have been on its way when it was.
ON_ITS_WAY_MS = 15 * MINUTE_MS

Wrong = tuple[str, str]  # (what was expected, what was found)
# How a difference in level or title begins.
LEVEL = ("level ", "title ")


class Finding(Enum):
    """`IN_FLIGHT`: the entry is older than the player, and what it lacks may be on its way."""

    FINE = 0
    IN_FLIGHT = 1
    AFTER_FREEZE = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as it lies in the table; -1 for a number that is not there. `order`: its place in the ordering index,
    empty if it has none. `due_order`: the one that score, time and player make."""

    player: str
    version: int
    seq: int
    score: int
    reached_at: int
    public: str
    name: str
    private: bool
    hidden: bool
    order: str
    due_order: str
    level: int
    title: str

    @property
    def on_board(self) -> bool:
        return self.score > 0 and not self.hidden


def judge(
    row: EntryRow | None, state: BoardUpdate | None, frozen_ms: int | None, *, is_open: bool = False
) -> tuple[Finding, list[Wrong]]:
    """What an entry is, held against the state that the player's totals make (read after the entry), and for each
    thing that is wrong what was expected and found. `frozen_ms`: when the board was frozen. `is_open`: level and title
    must be today's."""
    if row is None:
        if state is not None and state.score and not state.hidden:
            return _missing(state, frozen_ms)
        return Finding.FINE, []
    if state is None:
        gone = ("no entry: there is no such player", f"score {row.score}")
        return (Finding.WRONG, [gone]) if row.order else (Finding.FINE, [])
    finding, wrong = _compared(row, state, frozen_ms, is_open=is_open and frozen_ms is None)
    if misplaced := [*_place(row)]:
        return Finding.WRONG, wrong or misplaced
    return finding, wrong


def _place(row: EntryRow) -> Iterator[Wrong]:
    """An entry is in the ordering index exactly if it is on the board, at the place of its score."""
    due = row.due_order if row.on_board else ""
    if row.order != due:
        yield f"order {due or 'none'}", row.order or "none"


def _missing(state: BoardUpdate, frozen_ms: int | None) -> tuple[Finding, list[Wrong]]:
    wrong = [(f"score {state.score} at version {state.version}", "no entry")]
    if frozen_ms is None:
        return Finding.IN_FLIGHT, wrong
    return (Finding.AFTER_FREEZE if too_late(state, frozen_ms) else Finding.WRONG), wrong


def _compared(
    row: EntryRow, state: BoardUpdate, frozen_ms: int | None, *, is_open: bool
) -> tuple[Finding, list[Wrong]]:
    wrong = [*_shown(row, state, is_open=is_open)]
    finding = Finding.IN_FLIGHT if row.version < state.version else Finding.WRONG
    if score := [*_score(row, state, frozen_ms)]:
        if frozen_ms is None:
            wrong = score + wrong
        elif not too_late(state, frozen_ms):
            # Nothing that is on its way will change it.
            return Finding.WRONG, score + wrong
        elif not wrong:
            return Finding.AFTER_FREEZE, score
    if row.version > state.version and not wrong:
        return Finding.WRONG, [(f"version {state.version} at most", str(row.version))]
    return (finding if wrong else Finding.FINE), wrong


def _score(row: EntryRow, state: BoardUpdate, frozen_ms: int | None) -> Iterator[Wrong]:
    if row.score != state.score:
        yield f"score {state.score} at version {state.version}", f"{row.score} at version {row.version}"
    elif row.score and row.reached_at != state.reached_at:
        # A score that moves and comes back within one commit is not told of: the entry keeps the earlier moment.
        older = frozen_ms is not None or row.version < state.version
        if not older or row.reached_at > state.reached_at:
            yield f"score {row.score} reached at {state.reached_at}", str(row.reached_at)


def _shown(row: EntryRow, state: BoardUpdate, *, is_open: bool) -> Iterator[Wrong]:
    if row.score == 0:
        # Nobody is shown it, and the state that brings a score brings all of this.
        return
    shown = [
        ("hidden", state.hidden, row.hidden),
        ("private", state.private, row.private),
        ("name", state.name, row.name),
        ("public id", state.public_id, row.public),
    ]
    if is_open:
        shown += [("level", state.level, row.level), ("title", state.title, row.title)]
    for what, expected, found in shown:
        if expected != found:
            yield f"{what} {expected!r}", repr(found)


def too_late(state: BoardUpdate, frozen_ms: int) -> bool:
    """Whether a score was reached too late for the freeze, or so shortly before that it may have been refused."""
    return state.reached_at > frozen_ms - ON_ITS_WAY_MS
