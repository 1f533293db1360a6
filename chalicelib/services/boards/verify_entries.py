"""Verification of a board's entries against their subjects' totals. Suspicious entries are read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.boards.entry_proof import (
    LEVEL,
    ON_ITS_WAY_MS,
    EntryRow,
    Finding,
    Wrong,
    judge,
    judge_without_totals,
)
from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.core.batches import batched
from chalicelib.domain.progress.scores import is_open, period_on, shards_of
from chalicelib.services.boards.subject_scores import (
    LOADERS,
    SUBJECTS_AT_ONCE,
    all_subjects,
    has_totals,
    load_dated_states,
)
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.proof import LogRow, read_log_row, read_rows

# Reads of a suspicious entry, with a pause between them.
READINGS = 4
# Limit for the list and the memory. A board with more differences needs a rebuild.
MAX_SUSPECTS = 10_000
# A part starts only with this much time left: a hundred subjects take a second, more if the table is slow.
PART_MS = 15_000


@dataclass(slots=True)
class _Suspect:
    """The last finding about a subject's entry.

    `version`: the subject's version at the first finding. `since`: when the subject reached the score.
    """

    version: int
    since: int
    finding: Finding
    wrong: list[Wrong]
    readings: int = 1

    @property
    def needed(self) -> int:
        """Return the reads after which it counts as a difference: all of them if it may be in flight."""
        return READINGS if self.finding is Finding.IN_FLIGHT else 2


class EntryProof:
    """Judges entries. Call `check_again` until `is_settled`, up to a limit.

    `patience_ms`: scores as recent as this stay in flight in all reads. `after_freeze`: subjects whose scores came too
    late for a frozen board. `more`: there are too many differences to list all.
    """

    def __init__(self, context: Context, board: str, patience_ms: int = 0) -> None:
        self.context, self.board, self.patience_ms = context, board, patience_ms
        self.after_freeze: set[str] = set()
        self.more = False
        self._shards = shards_of(board, context.rules.boards[board.partition("#")[0]].shards)
        self._logs = self._read_logs()
        self._suspects: dict[str, _Suspect] = {}

    @property
    def is_settled(self) -> bool:
        return all(suspect.readings >= suspect.needed for suspect in self._suspects.values())

    @property
    def in_flight(self) -> int:
        return sum(not self._is_wrong(suspect) for suspect in self._suspects.values())

    def check(self, subjects: Sequence[str], rows: Mapping[str, EntryRow]) -> None:
        """Judge entries that were just read; subjects without a row have no entry.

        Raises OutOfTime near the deadline.
        """
        self.context.require_time(PART_MS)
        is_open = self._is_open()
        states = load_dated_states(self.context, self.board, [each for each in subjects if has_totals(each)])
        for subject in subjects:
            log = self._log(subject)
            row = log.entry(subject, rows.get(subject))
            state, relevelled_at = states.get(subject, (None, 0))
            if has_totals(subject):
                finding, wrong = judge(row, state, log.frozen, is_open=is_open)
            else:
                finding, wrong = judge_without_totals(row, [*LOADERS])
            if finding is Finding.AFTER_FREEZE:
                self.after_freeze.add(subject)
            if finding in (Finding.FINE, Finding.AFTER_FREEZE):
                self._suspects.pop(subject, None)
            else:
                version, since = (state.version, state.reached_at) if state else (0, 0)
                if all(expected.startswith(LEVEL) for expected, _ in wrong):
                    since = relevelled_at
                self._suspect(subject, row, _Suspect(version, since, finding, wrong))

    def _is_open(self) -> bool:
        """Return whether level and title must be correct. Not shortly before a freeze is due, since clocks differ."""
        context = self.context
        period = period_on(context.rules.boards[self.board.partition("#")[0]], self.board)
        return is_open(period, context.rules, context.now_ms() + ON_ITS_WAY_MS)

    def check_subjects(self, subjects: Sequence[str]) -> None:
        """Read and judge the entries of these subjects."""
        for part in batched(subjects, SUBJECTS_AT_ONCE):
            self.check(part, read_rows(self.context.table, self.board, part))

    def check_missing(self) -> None:
        """Judge every subject without an entry. Reads the whole table."""
        for page in all_subjects(self.context):
            self.context.require_time(PART_MS)
            for subjects in batched(page, SUBJECTS_AT_ONCE):
                rows = read_rows(self.context.table, self.board, subjects)
                self.check([subject for subject in subjects if subject not in rows], {})

    def check_again(self) -> None:
        """Read and judge again all entries that are not settled."""
        self._logs = self._read_logs()
        waiting = [subject for subject, suspect in self._suspects.items() if suspect.readings < suspect.needed]
        self.check_subjects(waiting)

    def differences(self) -> Iterator[Difference]:
        """Yield the differences that stayed."""
        for subject, suspect in sorted(self._suspects.items()):
            if self._is_wrong(suspect):
                shard = shard_for(self.context, self.board, subject)
                for expected, found in suspect.wrong:
                    yield Difference(f"entry {subject}", expected, found, shard, subject)

    def _suspect(self, subject: str, row: EntryRow | None, new: _Suspect) -> None:
        known = self._suspects.get(subject)
        if known is None and len(self._suspects) >= MAX_SUSPECTS:
            self.more = True
            return
        if known is not None and known.finding is new.finding:
            # The update in flight has arrived and a newer one is in flight: that is a new finding.
            arrived = new.finding is Finding.IN_FLIGHT and row is not None and row.version >= known.version
            if not arrived:
                new = replace(new, version=known.version, readings=known.readings + 1)
        self._suspects[subject] = new

    def _is_wrong(self, suspect: _Suspect) -> bool:
        fresh = self.context.now_ms() - suspect.since < self.patience_ms
        return suspect.readings >= suspect.needed and not (fresh and suspect.finding is Finding.IN_FLIGHT)

    def _log(self, subject: str) -> LogRow:
        return self._logs[shard_for(self.context, self.board, subject)]

    def _read_logs(self) -> dict[str, LogRow]:
        return {shard: read_log_row(self.context.table, shard) for shard in self._shards}
