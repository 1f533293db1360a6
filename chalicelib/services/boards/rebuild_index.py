"""Repair the rank index of a board from its entries, step by step; the writer continues between the steps.

`domain/boards/repair_progress.py` describes the algorithm. A step takes bounded time and memory. It ends with one write
to the log, on condition that the log is unchanged since the step began: then the step has read a snapshot of the board
and counts. Otherwise the step is repeated. A message takes a turn of steps and orders the next turn.
"""

from __future__ import annotations

from array import array

from msgspec.structs import replace

from chalicelib.domain.boards.index_repair import corrections_across, net_sizes
from chalicelib.domain.boards.rank_index import Changes
from chalicelib.domain.boards.repair_progress import Repair
from chalicelib.domain.boards.score_range import counters_across
from chalicelib.domain.boards.score_slice import ScoreSlice
from chalicelib.domain.core.errors import LostRace
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.write_corrections import write_corrections
from chalicelib.services.boards.writer import MAX_ROUNDS, apply_all, expiry, settle
from chalicelib.services.context import Context
from chalicelib.services.progress.publish_scores import send_messages, shard_for
from chalicelib.store.boards.entries import read_spots
from chalicelib.store.boards.nodes import read_nodes, stream_nodes
from chalicelib.store.boards.redo_log import Log, advance
from chalicelib.store.boards.tallies import read_moves, read_tallies, tally_updates
from chalicelib.store.core.table import Busy, StoreError

# Limits of a counting step, whichever comes first: at most 60 MB, if no two scores are equal.
STEP_ENTRIES, COUNT_MS = 250_000, 20_000
# Memory for a range of scores, as `ScoreSlice` computes it.
SLICE_BYTES = 64 * 1024 * 1024
# A turn starts no step after this time: updates of the board wait for its message.
TURN_MS = 15_000
# A step starts only with this much time left.
STEP_MS = 60_000


def repair_shard(context: Context, board: str, shard: str, order: str = "", step: int = 0) -> None:
    """Take a turn of the repair `order`, from its step `step` on, and order the next turn unless the repair is done.

    Step 0 starts the repair, after a running one. Frozen boards are repaired too. Raises StoreError or LostRace: the
    message must be delivered again and continues from the last noted step.
    """
    turn = _Turn(context, board, shard, order, step)
    lost = 0
    while lost < MAX_ROUNDS:
        try:
            if turn.is_over(settle(context, board, shard)):
                return
        except (LostRace, StoreError):
            # Also after a lost answer: the current log decides.
            if not context.has_time(STEP_MS):
                raise
            context.pause(lost)
            lost += 1
        else:
            lost = 0
    raise Busy(f"{shard}: a step of repair failed {MAX_ROUNDS} times")


def wake_writer(context: Context, board: str, shard: str) -> None:
    """Complete a pending intent, and order the next turn of an unfinished repair."""
    log = settle(context, board, shard)
    if log.repair is not None:
        _order_turn(context, board, shard, log.repair)


def _order_turn(context: Context, board: str, shard: str, repair: Repair) -> None:
    """Order the next turn of a repair. The queue accepts an order for the same step once in five minutes."""
    message = BoardMessage(board, shard, repair=True, nonce=repair.id, step=repair.step)
    send_messages(context, [message])


class _Turn:
    """The turn of one message. `began`: the repair and step at which this message started."""

    def __init__(self, context: Context, board: str, shard: str, order: str, step: int) -> None:
        self.context, self.board, self.shard = context, board, shard
        self.order, self.step = order or context.new_id(), step
        self.ends_ms = context.now_ms() + TURN_MS
        self.began: tuple[str, int] | None = None

    def is_over(self, log: Log) -> bool:
        """Take the next action for the log's state. Return whether this message is done."""
        repair = log.repair
        if repair is None:
            if self.began or self.step:
                return True
            self._begin(log, self.order)
        elif repair.is_over(self.context.now_ms()):
            # The board still needs the repair, so any message that finds this out starts it.
            self._begin(log, repair.again or self.context.new_id())
        elif self.began is None and (repair.id, repair.step) != (self.order, self.step):
            return self._is_done_by_others(log, repair)
        elif self.began not in (None, (repair.id, repair.step)) and not self._has_time():
            self._order_next_turn(repair)
            return True
        else:
            self.began = self.began or (repair.id, repair.step)
            _Step(self, log, repair).take()
        return False

    def note(self, log: Log, repair: Repair | None, latest: int = -1, highest: int = 0) -> None:
        """Write the progress of the repair; None ends it. Raises LostRace if the log has changed.

        `highest`: the highest intent number found in the items. Later intents need higher numbers, else their writes
        would be refused.
        """
        if repair is None and log.repair is not None and log.repair.again:
            repair = self._begun(log, log.repair.again)
        seq = max(log.seq, highest) + 1
        advance(self.context.table, self.shard, log, seq, repair, latest, expiry(self.context, self.board))

    def _begin(self, log: Log, repair_id: str) -> None:
        """Start a repair that this message continues."""
        self.note(log, self._begun(log, repair_id))
        self.order, self.step = repair_id, 1

    def _begun(self, log: Log, repair_id: str) -> Repair:
        return Repair(repair_id, since=log.seq, began_ms=self.context.now_ms(), step=1)

    def _is_done_by_others(self, log: Log, repair: Repair) -> bool:
        """Return whether this message is done, if another repair is running or another message has taken the step.

        Notes the order for a repeated repair, or orders the next turn of the running one.
        """
        if repair.id != self.order and not self.step and not repair.again:
            self.note(log, replace(repair, again=self.order))
            return False
        self._order_next_turn(repair)
        return True

    def _has_time(self) -> bool:
        return self.context.now_ms() < self.ends_ms and self.context.has_time(STEP_MS)

    def _order_next_turn(self, repair: Repair) -> None:
        _order_turn(self.context, self.board, self.shard, repair)


class _Step:
    """One step of a repair, for the log that was read."""

    def __init__(self, turn: _Turn, log: Log, repair: Repair) -> None:
        self.turn, self.log, self.repair = turn, log, repair
        self.context, self.board, self.shard = turn.context, turn.board, turn.shard
        self.next = replace(repair, step=repair.step + 1)

    def take(self) -> None:
        if not self.repair.counted:
            self._count()
        elif not self.repair.corrected:
            self._correct_range()
        else:
            self._correct_across()

    def _count(self) -> None:
        """Count the next entries in order of subjects, and write the tallies next to the log."""
        groups: dict[int, array[int]] = {}
        cursor, read, more, latest, highest = self.repair.cursor, 0, True, -1, 0
        ends_ms = self.context.now_ms() + COUNT_MS
        while more and read < STEP_ENTRIES and (not read or self.context.now_ms() < ends_ms):
            spots, more = read_spots(self.context.table, self.board, cursor, STEP_ENTRIES - read)
            for subject, spot, seq in spots:
                if self.board != self.shard and shard_for(self.context, self.board, subject) != self.shard:
                    continue
                highest = max(highest, seq)
                if spot is not None:
                    latest = max(latest, spot[1])
                    groups.setdefault(spot[0], array("q")).append(spot[1])
            read += len(spots)
            cursor = spots[-1][0] if spots else cursor
        tallies = self.repair.tallies
        if groups:
            # The name is unique: another try of this step uses its own.
            tallies = (*tallies, name := self.context.new_id()[-12:])
            apply_all(self.context, tally_updates(self.shard, self.repair, name, groups))
        self.turn.note(self.log, replace(self.next, cursor=cursor, counted=not more, tallies=tallies), latest, highest)

    def _correct_range(self) -> None:
        """Correct the counters and the tie groups of the next range of scores, as large as memory allows."""
        part = ScoreSlice(self.repair.low, SLICE_BYTES)
        for tally in read_tallies(self.context.table, self.shard, self.repair):
            part.add_tally(*tally)
        for moves in read_moves(self.context.table, self.shard, self.repair):
            part.add_moves(moves)
        for name, node in stream_nodes(self.context.table, self.shard):
            part.add_node(name, node)
        high, cuts = part.range.high, self.repair.cuts
        done: Repair | None = None
        if high is not None:
            done = replace(self.next, low=high, cuts=(*cuts, high))
        elif cuts:
            done = replace(self.next, corrected=True)
        self._commit(part.corrections(divides="~" not in self.shard), part.highest_seq, done)

    def _correct_across(self) -> None:
        """Correct the few counters whose subjects are in several ranges."""
        whole = replace(self.repair, low=0)
        counters = counters_across(self.repair.cuts)
        tallies = read_tallies(self.context.table, self.shard, whole)
        moves = read_moves(self.context.table, self.shard, whole)
        parts = [*((scores, sizes) for scores, sizes, _ in tallies), *map(net_sizes, moves)]
        names = dict.fromkeys(name for name, _ in counters)
        nodes = read_nodes(self.context.table, [self.shard], names, strong=True)
        highest = max((node.seq for node in nodes.values()), default=0)
        self._commit(corrections_across(counters, parts, nodes), highest, None)

    def _commit(self, changes: Changes, highest: int, done: Repair | None) -> None:
        """Write corrections, then note the step. If time runs out, another step like this one finds the rest."""
        log, is_all = write_corrections(self.context, self.board, self.shard, self.log, changes, highest)
        self.turn.note(log, done if is_all else self.next, highest=highest)
