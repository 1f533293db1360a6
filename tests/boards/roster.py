"""Players with random score histories: each step is in the table, as their own totals, before a board hears of it."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator

from chalicelib.domain.core.periods import day_name, day_of, month_name
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress import scores
from chalicelib.domain.progress.player import Player
from chalicelib.domain.progress.scores import MAX_SCORE, BoardUpdate
from chalicelib.store.core.models import Item
from chalicelib.store.core.writes import Put
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.identity.models import IdentityItem
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.player_writes import state_item
from tests.pipeline.plant import TABLE, Plant
from tests.simulated import Call

BORDERS = (2**7, 2**14, 2**22, 2**29, 2**36, 2**43, 2**50, 10**16 - 1)
TIED = (5, 9, 130, 70_000)
STYLES = ("tied", "tied", "small", "borders", "rising")


class Roster:
    """The players and their states.

    `states`: everything that was ever sent to a board, oldest first; `newest`: by subject. `rewritten`: subjects whose
    entries a rewrite was requested for.
    """

    def __init__(self, plant: Plant, rng: random.Random) -> None:
        self.plant, self.rng = plant, rng
        # The day before: only what is over may be frozen.
        today = day_of(plant.world.now_ms()) - 1
        self.day = today
        self.all, self.today, self.month = "global#all", f"daily#{day_name(today)}", f"monthly#{month_name(today)}"
        self.boards = (self.all, self.today, self.month)
        self.styles = {board: rng.choice(STYLES) for board in self.boards}
        self.players = [self._newcomer(number) for number in range(rng.choice((4, 12, 30)))]
        self.states: dict[str, list[BoardUpdate]] = {board: [] for board in self.boards}
        self.newest: dict[str, dict[str, BoardUpdate]] = {board: {} for board in self.boards}
        self.rewritten: dict[str, set[str]] = {board: set() for board in self.boards}
        # After its end a day's on-time totals stand still.
        self.day_is_over = False

    def step(self) -> dict[str, list[BoardUpdate]]:
        """Change some players' scores at one moment, or their names and visibility; return the states by board."""
        sent: dict[str, list[BoardUpdate]] = {board: [] for board in self.boards}
        for player in self.rng.sample(self.players, min(len(self.players), self.rng.choice((1, 1, 2, 3, 9)))):
            moved = self._change(player)
            self._store(player)
            for board in moved:
                state = scores.update(player, self.points(player, board), self.plant.context.rules)
                sent[board].append(state)
                self.states[board].append(state)
                self.newest[board][state.subject] = state
        return {board: states for board, states in sent.items() if states}

    @property
    def subjects(self) -> list[str]:
        return [subject(player) for player in self.players]

    def points(self, player: Player, board: str) -> tuple[int, int]:
        """Return (score, reached at) by the player's own totals."""
        rules = self.plant.context.rules.boards[board.partition("#")[0]]
        return scores.score(player, rules, scores.period_on(rules, board))

    def _newcomer(self, number: int) -> Player:
        identity = Identity(f"account{number}", f"public{number}", self.plant.world.now_ms())
        player = Player(
            f"player-{number:02d}", identity, companions={progress_keys.COMPANIONS[identity_keys.IDENTITY]: 1}
        )
        player.open(self.day)
        return player

    def _change(self, player: Player) -> list[str]:
        """Move a player; return the boards that need an update."""
        rng, now_ms = self.rng, self.plant.world.now_ms()
        level = self._level(player)
        moved = [board for board in self._open() if rng.random() < 0.6]
        for board in moved:
            xp = self._xp(self.styles[board], self.points(player, board)[0])
            if board == self.all:
                player.xp, player.xp_at = xp, now_ms
            elif board == self.today:
                player.day_stats.xp, player.day_stats.xp_at = xp, now_ms
            else:
                player.open_periods[board.partition("#")[2]] = xp, now_ms
        player.version += 1
        if self._level(player) != level:
            # All open boards show it.
            moved = [*self._open()]
        if rng.random() > 0.15:
            return moved
        identity = player.identity
        identity.hidden = rng.random() < (0.3 if identity.hidden else 0.6)
        identity.private = rng.random() < 0.2
        identity.display_name = rng.choice((None, "Ada", "Bob"))
        player.companions = {progress_keys.COMPANIONS[identity_keys.IDENTITY]: player.version}
        return list(self.boards)

    def _level(self, player: Player) -> int:
        return scores.update(player, (0, 0), self.plant.context.rules).level

    def _open(self) -> Iterator[str]:
        return (board for board in self.boards if not (self.day_is_over and board == self.today))

    def _xp(self, style: str, score: int) -> int:
        """Return the next signed XP: it may fall, and be nothing, or less."""
        rng = self.rng
        if rng.random() < 0.12:
            return rng.choice((0, -3))
        if style == "tied":
            return rng.choice(TIED[: rng.randint(1, len(TIED))])
        if style == "small":
            return rng.randint(1, 300)
        if style == "borders":
            return min(MAX_SCORE, max(1, rng.choice(BORDERS) + rng.randint(-2, 2)))
        return score + rng.choice((1, 2, 5, 100, 20_000))

    def _store(self, player: Player) -> None:
        """Store the player's commit without faults: it is not under test here."""
        side = player.companions[progress_keys.COMPANIONS[identity_keys.IDENTITY]]
        pk, sk = identity_keys.player(player.id, identity_keys.IDENTITY)
        row = IdentityItem(pk, sk, version=side, account=player.identity.account, public=player.identity.public)
        row.created_at, row.display_name = player.identity.created_at, player.identity.display_name
        row.private, row.hidden = player.identity.private or None, player.identity.hidden or None
        writes = [
            {"Put": Put(_wired(item)).request(TABLE)}
            for item in (row.item(), state_item(player, player.version, "sim"))
        ]
        world = self.plant.world
        world.execute("dynamodb", "TransactWriteItems", {"TransactItems": writes}, Call(world.now_ms(), world.rng))


def subject(player: Player) -> str:
    """Return the player's name on boards."""
    return f"player:{player.id}"


def _wired(item: Item) -> Item:
    """Return an item in wire form."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()
    }
