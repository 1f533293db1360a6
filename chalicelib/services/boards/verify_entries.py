"""Entries of a board against their players' totals: what looks wrong is read again before it is believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.boards.entry_proof import LEVEL, ON_ITS_WAY_MS, EntryRow, Finding, Wrong, judge
from chalicelib.domain.boards.index_proof import Difference
from chalicelib.domain.progress.scores import is_open, shards_of
from chalicelib.services.boards.player_scores import PLAYERS_AT_ONCE, load_dated_states
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.boards.proof import LogRow, read_log_row, read_rows
from chalicelib.store.progress.players import all_players

# Readings of something that looks wrong, with a pause between any two.
READINGS = 4
# A list that somebody reads, and what is kept of it in memory; a board that is all wrong is rebuilt.
MAX_SUSPECTS = 10_000
# A part is begun only with so much time left: a hundred players are a second, when the table is slow some more.
PART_MS = 15_000


@dataclass(slots=True)
class _Suspect:
    """What was last found about a player's entry. `version`: the player's when it was first found wanting.
    `since`: when the player reached the score."""

    version: int
    since: int
    finding: Finding
    wrong: list[Wrong]
    readings: int = 1

    @property
    def needed(self) -> int:
        """Readings after which it is a difference: what may be on its way is given all of them."""
        return READINGS if self.finding is Finding.IN_FLIGHT else 2


class EntryProof:
    """Judges entries; `look_again` until `is_settled`, or until enough is enough.

    `patience_ms`: what was reached so lately stays in flight however often it is read. `after_freeze`: players whose
    scores came too late for a frozen board. `more`: too many are wrong to be listed.
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

    def look(self, players: Sequence[str], rows: Mapping[str, EntryRow]) -> None:
        """Judge entries that were read just now; players without a row have none.

        Raises OutOfTime near the deadline.
        """
        self.context.require_time(PART_MS)
        is_open = self._is_open()
        states = load_dated_states(self.context, self.board, players)
        for player in players:
            log = self._log(player)
            row = log.entry(player, rows.get(player))
            state, relevelled_at = states.get(player, (None, 0))
            finding, wrong = judge(row, state, log.frozen, is_open=is_open)
            if finding is Finding.AFTER_FREEZE:
                self.after_freeze.add(player)
            if finding in (Finding.FINE, Finding.AFTER_FREEZE):
                self._suspects.pop(player, None)
            else:
                version, since = (state.version, state.reached_at) if state else (0, 0)
                if all(expected.startswith(LEVEL) for expected, _ in wrong):
                    since = relevelled_at
                self._suspect(player, row, _Suspect(version, since, finding, wrong))

    def _is_open(self) -> bool:
        """Whether level and title must be right. Clocks differ: shortly before a freeze is due, nothing is said."""
        scope, _, period = self.board.partition("#")
        context = self.context
        return is_open(context.rules.boards[scope], period, context.rules, context.now_ms() + ON_ITS_WAY_MS)

    def look_at(self, players: Sequence[str]) -> None:
        """Read the entries of these players, and judge them."""
        for part in _parts(players):
            self.look(part, read_rows(self.context.table, self.board, part))

    def look_for_missing(self) -> None:
        """Judge every player who has no entry. Reads the whole table."""
        for page in all_players(self.context.table):
            self.context.require_time(PART_MS)
            for players in _parts(page):
                rows = read_rows(self.context.table, self.board, players)
                self.look([player for player in players if player not in rows], {})

    def look_again(self) -> None:
        """Read and judge all that is not settled once more."""
        self._logs = self._read_logs()
        waiting = [player for player, suspect in self._suspects.items() if suspect.readings < suspect.needed]
        self.look_at(waiting)

    def differences(self) -> Iterator[Difference]:
        """What has stayed wrong."""
        for player, suspect in sorted(self._suspects.items()):
            if self._is_wrong(suspect):
                shard = shard_for(self.context, self.board, player)
                for expected, found in suspect.wrong:
                    yield Difference(f"entry {player}", expected, found, shard, player)

    def _suspect(self, player: str, row: EntryRow | None, new: _Suspect) -> None:
        known = self._suspects.get(player)
        if known is None and len(self._suspects) >= MAX_SUSPECTS:
            self.more = True
            return
        if known is not None and known.finding is new.finding:
            # What was on its way has come, and something newer is: that is another matter.
            arrived = new.finding is Finding.IN_FLIGHT and row is not None and row.version >= known.version
            if not arrived:
                new = replace(new, version=known.version, readings=known.readings + 1)
        self._suspects[player] = new

    def _is_wrong(self, suspect: _Suspect) -> bool:
        fresh = self.context.now_ms() - suspect.since < self.patience_ms
        return suspect.readings >= suspect.needed and not (fresh and suspect.finding is Finding.IN_FLIGHT)

    def _log(self, player: str) -> LogRow:
        return self._logs[shard_for(self.context, self.board, player)]

    def _read_logs(self) -> dict[str, LogRow]:
        return {shard: read_log_row(self.context.table, shard) for shard in self._shards}


def _parts(players: Sequence[str]) -> Iterator[Sequence[str]]:
    for place in range(0, len(players), PLAYERS_AT_ONCE):
        yield players[place : place + PLAYERS_AT_ONCE]
