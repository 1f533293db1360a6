"""Compare board entries with the subjects' own totals.

Shares no code with the writer of boards, so that a mistake there is not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.core.periods import MINUTE_MS
from chalicelib.domain.core.subjects import parse_subject
from chalicelib.domain.progress.scores import BoardUpdate

# A score reached shortly before a board was frozen may not have been written by then.
ON_ITS_WAY_MS = 15 * MINUTE_MS

Wrong = tuple[str, str]  # (expected, found)
# Prefixes of a difference in level or title.
LEVEL = ("level ", "title ")


class Finding(Enum):
    """The result of a comparison. `IN_FLIGHT`: the entry is older than the subject, and its update may still arrive."""

    FINE = 0
    IN_FLIGHT = 1
    AFTER_FREEZE = 2
    WRONG = 3


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A board entry as stored; -1 for a missing number.

    `order`: its key in the rank index, empty if it has none. `due_order`: the key made of score, time and subject.
    """

    subject: str
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
    """Compare an entry with the state that the subject's totals make, which must be read after the entry.

    Return the finding and (expected, found) of each difference. `frozen_ms`: when the board was frozen. `is_open`:
    level and title must be current.
    """
    if row is None:
        if state is not None and state.score and not state.hidden:
            return _missing(state, frozen_ms)
        return Finding.FINE, []
    if state is None:
        gone = (f"no entry: there is no such {parse_subject(row.subject)[0]}", f"score {row.score}")
        return (Finding.WRONG, [gone]) if row.order else (Finding.FINE, [])
    finding, wrong = _compared(row, state, frozen_ms, is_open=is_open and frozen_ms is None)
    if misplaced := [*_order_differences(row)]:
        return Finding.WRONG, wrong or misplaced
    return finding, wrong


def judge_without_totals(row: EntryRow | None, kinds: Sequence[str]) -> tuple[Finding, list[Wrong]]:
    """Report an entry on the board whose subject is of another kind than `kinds`: no totals prove its score."""
    if row is None or not row.order:
        return Finding.FINE, []
    unknown = (f"a subject of a known kind ({', '.join(kinds)})", f"kind {parse_subject(row.subject)[0]}")
    return Finding.WRONG, [unknown, *_order_differences(row)]


def _order_differences(row: EntryRow) -> Iterator[Wrong]:
    """Yield a difference in the rank index's key.

    An entry has the key of its score if it is on the board, else none.
    """
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
    wrong = [*_identity_differences(row, state, is_open=is_open)]
    finding = Finding.IN_FLIGHT if row.version < state.version else Finding.WRONG
    if score := [*_score(row, state, frozen_ms)]:
        if frozen_ms is None:
            wrong = score + wrong
        elif not too_late(state, frozen_ms):
            # No update in flight will change it.
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
        # A score that changes and returns within one commit sends no update: the entry keeps the earlier moment.
        older = frozen_ms is not None or row.version < state.version
        if not older or row.reached_at > state.reached_at:
            yield f"score {row.score} reached at {state.reached_at}", str(row.reached_at)


def _identity_differences(row: EntryRow, state: BoardUpdate, *, is_open: bool) -> Iterator[Wrong]:
    if row.score == 0:
        # An entry without a score is not displayed; the update that brings a score brings all of this.
        return
    compared = [
        ("hidden", state.hidden, row.hidden),
        ("private", state.private, row.private),
        ("name", state.name, row.name),
        ("public id", state.public_id, row.public),
    ]
    if is_open:
        compared += [("level", state.level, row.level), ("title", state.title, row.title)]
    for what, expected, found in compared:
        if expected != found:
            yield f"{what} {expected!r}", repr(found)


def too_late(state: BoardUpdate, frozen_ms: int) -> bool:
    """Return whether a score was reached too late for the freeze.

    So shortly before the freeze, its update may have been refused too.
    """
    return state.reached_at > frozen_ms - ON_ITS_WAY_MS
