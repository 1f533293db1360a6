"""Input of a board's writers: states in any order, merged and repeated, with requests among them; and readers."""

from __future__ import annotations

import random

import msgspec

from chalicelib.domain.progress.scores import BoardUpdate, shards_of
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.read_leaderboard import read_leaderboard
from chalicelib.services.boards.read_rank import read_rank
from chalicelib.services.progress.publish_scores import shard_for
from chalicelib.store.core.table import StoreError
from tests.boards.reads import reader
from tests.boards.roster import Roster
from tests.pipeline.plant import Plant
from tests.simulated import Call

STEPS = 16
READS = 4
ORDERS = 5
BAD_STATE = msgspec.Raw(b'{"subject":"player:nobody","score":-1,"version":1}')


class Traffic:
    """Actors of one run. `rejected`: number of states sent that can never be written."""

    def __init__(self, plant: Plant, roster: Roster, rng: random.Random) -> None:
        self.plant, self.roster, self.rng = plant, roster, rng
        self.rejected = 0
        self.sent = 0

    def play(self, steps: int = STEPS) -> None:
        """Send the players' steps, each with its fate."""
        for _ in range(steps):
            self.plant.world.sleep(self.rng.expovariate(3))
            for board, states in self.roster.step().items():
                self._send_states(board, states)

    def give_orders(self) -> None:
        """Send an operator's requests: one freeze of the day, and repairs and rewrites at any time, repeated too."""
        rng, world, roster = self.rng, self.plant.world, self.roster
        freezes = rng.random() < 0.7
        freeze_at = rng.randrange(ORDERS)
        for number in range(ORDERS):
            world.sleep(rng.expovariate(1 / 1.5))
            board = rng.choice(roster.boards)
            subjects = rng.sample(roster.subjects, min(5, len(roster.players)))
            if rng.random() < 0.3:
                self.order(board, repair=True)
            if rng.random() < 0.3:
                self.order(board, rewrite=subjects)
            if freezes and number >= freeze_at and (number == freeze_at or rng.random() < 0.2):
                self._end_the_day()

    def _end_the_day(self) -> None:
        """Send the freeze together with the day's last states."""
        if not self.roster.day_is_over:
            for board, states in self.roster.step().items():
                self._send_states(board, states, wild=1.0)
        self.roster.day_is_over = True
        self.order(self.roster.today, freeze=True)

    def read(self) -> None:
        """Read torn, stale and missing answers, and get a page or a refusal of the store."""
        rng, world, context = self.rng, self.plant.world, self.plant.context
        for _ in range(READS):
            world.sleep(rng.expovariate(1 / 1.5))
            scope, _, period = rng.choice(self.roster.boards).partition("#")
            caller = reader(rng.choice(self.roster.players).id)
            limit = rng.randint(1, 6)
            try:
                page = read_leaderboard(
                    context, caller, scope=scope, period=period, limit=limit, offset=rng.randrange(30)
                )
                rank = read_rank(context, caller, scope=scope, period=period)
            except StoreError:
                continue
            assert len(page.entries) <= limit
            assert len(rank.neighbours) <= 11

    def order(
        self, board: str, *, repair: bool = False, freeze: bool = False, rewrite: list[str] | None = None
    ) -> None:
        """Send a request to the writers of all shards; a rewrite to those of its subjects."""
        self.roster.rewritten[board] |= set(rewrite or ())
        for shard in self._shards(board):
            subjects = [each for each in rewrite or () if shard_for(self.plant.context, board, each) == shard]
            if repair or freeze or subjects:
                self._send(BoardMessage(board, shard, freeze=freeze, repair=repair, rewrite=subjects))

    def check_writers(self) -> None:
        """Send the scheduled check to every writer: pending work is completed even if nothing else comes."""
        for board in self.roster.boards:
            for shard in self._shards(board):
                self._send(BoardMessage(board, shard))

    def _shards(self, board: str) -> list[str]:
        return shards_of(board, self.plant.context.rules.boards[board.partition("#")[0]].shards)

    def _send_states(self, board: str, states: list[BoardUpdate], wild: float = 0.3) -> None:
        """Send states: several of a player in one, old ones again, in any order, some to the wrong shard."""
        rng = self.rng
        by_shard: dict[str, list[BoardUpdate]] = {}
        for state in states:
            by_shard.setdefault(shard_for(self.plant.context, board, state.subject), []).append(state)
        for shard, members in by_shard.items():
            sent = self.roster.states[board]
            again = rng.sample(sent, rng.randint(0, min(4, len(sent)))) if rng.random() < 0.4 else []
            updates = [msgspec.Raw(msgspec.json.encode(state)) for state in (*members, *again)]
            if rng.random() < 0.05:
                updates.append(BAD_STATE)
                self.rejected += 1
            rng.shuffle(updates)
            target = rng.choice(self._shards(board)) if rng.random() < 0.1 else shard
            self._send(BoardMessage(board, target, updates), wild)

    def _send(self, message: BoardMessage, wild: float = 0.3) -> None:
        """Send into the shard's group; now and then into a queue without order or groups as well."""
        world, rng = self.plant.world, self.rng
        self.sent += 1
        request = {
            "QueueUrl": self.plant.urls["boards"],
            "MessageBody": msgspec.json.encode(message).decode(),
            "MessageGroupId": message.shard,
            "MessageDeduplicationId": str(self.sent),
        }
        world.execute("sqs", "SendMessage", request, Call(world.now_ms(), world.rng))
        if message.freeze or rng.random() < wild:
            twin = {"QueueUrl": self.plant.urls["wild"], "MessageBody": request["MessageBody"]}
            delay = {"DelaySeconds": rng.choice((0, 0, 0, 1, 5))}
            world.execute("sqs", "SendMessage", twin | delay, Call(world.now_ms(), world.rng))
