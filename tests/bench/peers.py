"""peer.sqlite.* and peer.redis.*: the same boards in an SQL table and in a sorted set, on this machine's clock.

They need a server of their own, or hold the board in the memory of one process, so they do not compare with a table
that bills by request. But leaderboards are usually built on them, and they show how a rank and a page grow with the
board.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chalicelib.domain.rules import ruleset
from chalicelib.settings import RULESETS
from tests.bench.board import Population
from tests.bench.figures import Figure, NotTaken, Skipped

SIZES = (1_000, 100_000, 1_000_000)
RUNS = 9
LIMIT = 50
STARTS_WITHIN_S = 10.0
NAMES = ("peer.sqlite.rank_ms", "peer.sqlite.page_ms", "peer.redis.rank_ms", "peer.redis.page_ms")

_SCHEMA = """
CREATE TABLE entries (player TEXT PRIMARY KEY, score INTEGER NOT NULL, reached_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX board_order ON entries (score DESC, reached_at, player);
"""
_RANKED = "SELECT player, score, RANK() OVER (ORDER BY score DESC) AS rank FROM entries"
_RANK = f"SELECT rank FROM ({_RANKED}) WHERE player = ?"
_PAGE = f"{_RANKED} ORDER BY score DESC, reached_at, player LIMIT {LIMIT} OFFSET ?"


def peers(sizes: tuple[int, ...] = SIZES, runs: int = RUNS) -> Iterator[Figure | Skipped]:
    redis = shutil.which("redis-server")
    if redis is None:
        yield Skipped("peer.redis", "redis-server is not installed (Debian: apt install redis-server)")
    levels = ruleset.load(RULESETS / "default.toml").levels
    for players in sizes:
        population = Population(players, False, levels)
        with tempfile.TemporaryDirectory(prefix="laurel-bench-") as place:
            with contextlib.closing(SqliteBoard(Path(place), population)) as sqlite:
                yield from _times("sqlite", sqlite, population, runs)
            if redis is not None:
                with running(redis, Path(place)) as connection:
                    yield from _times("redis", RedisBoard(connection, population), population, runs)


class SqliteBoard:
    """A table with an index in board order; the rank is the window function's."""

    def __init__(self, place: Path, population: Population) -> None:
        self.connection = sqlite3.connect(place / "board.sqlite")
        self.connection.executescript(_SCHEMA)
        rows = ((player, population.scores[number], number) for number, player in enumerate(population.ids))
        self.connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
        self.connection.commit()
        self.connection.execute("ANALYZE")

    def rank(self, player: str) -> int:
        return int(self.connection.execute(_RANK, (player,)).fetchone()[0])

    def page(self, offset: int) -> list[tuple[int, int]]:
        """Return (rank, score) of each entry."""
        return [(rank, score) for _, score, rank in self.connection.execute(_PAGE, (offset,))]

    def close(self) -> None:
        self.connection.close()


class RedisBoard:
    """A sorted set. It gives players of one score different ranks, so a competition rank is a count above a score."""

    def __init__(self, connection: Connection, population: Population) -> None:
        self.connection = connection
        scored = list(zip(population.scores, population.ids, strict=True))
        for start in range(0, len(scored), 1000):
            connection.call("ZADD", "board", *(word for pair in scored[start : start + 1000] for word in pair))

    def rank(self, player: str) -> int:
        score = self.connection.call("ZSCORE", "board", player).decode()
        return self._above(score) + 1

    def page(self, offset: int) -> list[tuple[int, int]]:
        found = self.connection.call("ZREVRANGE", "board", offset, offset + LIMIT - 1, "WITHSCORES")
        scores = [int(score) for score in found[1::2]]
        page: list[tuple[int, int]] = []
        for place, score in enumerate(scores):
            first = page[-1][0] if page and page[-1][1] == score else offset + place + 1
            page.append((first if place else self._above(str(score)) + 1, score))
        return page

    def _above(self, score: str) -> int:
        return int(self.connection.call("ZCOUNT", "board", f"({score}", "+inf"))


class Connection:
    """Client of the part of Redis's protocol that five commands need."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile("rb")

    def call(self, *words: object) -> Any:
        encoded = [str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
        self.socket.sendall(b"".join(parts))
        return self._answer()

    def close(self) -> None:
        self.answers.close()
        self.socket.close()

    def _answer(self) -> Any:
        line = self.answers.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return self.answers.read(int(rest) + 2)[:-2]
        if kind not in (b":", b"+"):
            raise NotTaken(f"redis-server answered {line!r}")
        return rest


@contextlib.contextmanager
def running(redis: str, place: Path) -> Iterator[Connection]:
    """Run a server of the bench's own, without a port or data on disk, while the block lasts."""
    path = place / "redis.sock"
    options = {"port": "0", "unixsocket": str(path), "dir": str(place), "save": "", "appendonly": "no"}
    command = [redis, *(word for name, value in options.items() for word in (f"--{name}", value))]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with contextlib.closing(_connected(path, server)) as connection:
            yield connection
    finally:
        server.terminate()
        server.wait()


def _connected(path: Path, server: subprocess.Popen[bytes]) -> Connection:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            return Connection(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise NotTaken("redis-server did not start") from None
            time.sleep(0.02)


def _times(peer: str, board: SqliteBoard | RedisBoard, population: Population, runs: int) -> Iterator[Figure]:
    """Yield medians over random players and offsets, without the first run of each; no result may be wrong."""
    rng, losses = random.Random(13), sorted(-score for score in population.scores)
    numbers = [rng.randrange(len(losses)) for _ in range(runs + 1)]
    offsets = [rng.randrange(len(losses) - LIMIT) for _ in range(runs + 1)]
    ranks = [_timed(board.rank, population.ids[number]) for number in numbers]
    pages = [_timed(board.page, offset) for offset in offsets]
    params = {"players": len(losses), "runs": runs}
    for number, (rank, _) in zip(numbers, ranks, strict=True):
        _same(peer, rank, bisect_left(losses, -population.scores[number]) + 1)
    for offset, (page, _) in zip(offsets, pages, strict=True):
        _same(peer, page, [(bisect_left(losses, loss) + 1, -loss) for loss in losses[offset : offset + LIMIT]])
    for name, taken in (("rank", ranks), ("page", pages)):
        yield Figure(f"peer.{peer}.{name}_ms", statistics.median(ms for _, ms in taken[1:]), "ms", params)


def _timed(read: Callable[[Any], Any], what: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    answer = read(what)
    return answer, (time.perf_counter() - began) * 1000


def _same(peer: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise NotTaken(f"{peer} answered {found}, not {expected}")
