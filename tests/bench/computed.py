"""A table with a board of any size that takes no memory: each entry is computed from its number when it is read.

Written items lie in a simulated table on top. A local HTTP server speaks DynamoDB's own protocol, so that a separate,
measured process of Laurel's reads it as it would read AWS.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import NormalDist
from typing import Any

import msgspec

from chalicelib.domain.progress.scores import MAX_SCORE, BoardUpdate
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import entry_update
from tests.bench.board import BOARD, MEDIAN, SIGMA, TOP_SCORE, entry_of, item_written
from tests.bench.deployment import TABLE, Deployment
from tests.simulated import Call
from tests.simulated.errors import AwsError
from tests.simulated.world import START_MS

PAGE = 3_800  # entries in the 1 MB that a query reads
STEPS = 1 << 16
APART_MS = 20_000
_PK = keys.board(BOARD)
_FIRST = len(keys.ENTRY + "player:p")


class ComputedBoard:
    """Players 0, 1, 2, ... by id. `ties`: every other one has the same score."""

    def __init__(self, players: int, ties: bool) -> None:
        self.players, self.ties = players, ties
        normal = NormalDist(math.log(MEDIAN), SIGMA)
        shares = ((step + 0.5) / STEPS for step in range(STEPS))
        self.scores = array("q", (max(1, min(TOP_SCORE, int(math.exp(normal.inv_cdf(share))))) for share in shares))

    def spot(self, number: int) -> tuple[int, int]:
        """Return (score, reached at): lognormal, in another order than ids, all at different moments."""
        drawn = number * 2_654_435_761 & 0xFFFFFFFF
        moment = START_MS - (1 + drawn * self.players >> 32) * APART_MS - number % APART_MS
        if self.ties and number & 1:
            return MEDIAN, moment
        step = drawn >> 16
        score = self.scores[step]
        above = self.scores[step + 1] if step + 1 < STEPS else score + 1
        # Scores lie anywhere between two quantiles, so that few players share a large score.
        return score + (drawn & 0xFFFF) * (above - score) // 0x10000, moment

    def state(self, number: int) -> BoardUpdate:
        score, moment = self.spot(number)
        return BoardUpdate(subject(number), score, 1, moment, 1, "Beginner", f"{number:016x}")


def subject(number: int) -> str:
    return f"player:p{number:09d}"


def number_of(sort_key: str) -> int:
    return int(sort_key[_FIRST:])


class ComputedTable:
    """A table whose unwritten entries are computed; all else is simulated."""

    def __init__(self, board: ComputedBoard) -> None:
        self.board = board
        self.deployment = Deployment()
        self.table = self.deployment.world.dynamodb.table(TABLE)
        self.changed: set[int] = set()
        self._lock = threading.Lock()

    def answer(self, operation: str, request: dict[str, Any]) -> bytes:
        with self._lock:
            asked = request.get("ExpressionAttributeValues", {}).get(":h", {}).get("S")
            if operation == "Query" and asked == _PK and "IndexName" not in request:
                return self._entries(request)
            for key in _keys(operation, request):
                if key["pk"]["S"] == _PK:
                    self._put(number_of(key["sk"]["S"]))
            world = self.deployment.world
            return msgspec.json.encode(world.execute("dynamodb", operation, request, Call(world.now_ms(), world.rng)))

    def _entries(self, request: dict[str, Any]) -> bytes:
        """Return a page of entries, with the attributes that repair reads."""
        after = request.get("ExclusiveStartKey")
        first = number_of(after["sk"]["S"]) + 1 if after else 0
        last = min(self.board.players, first + min(PAGE, request.get("Limit", PAGE)))
        items = [
            # Repair reads ten million of these: one expression, and no call besides the spot.
            f'{{"sk":{{"S":"ENTRY#player:p{number:09d}"}},"score":{{"N":"{score}"}},"reachedAt":{{"N":"{moment}"}},"q":{{"N":"1"}},'
            f'"order":{{"S":"{MAX_SCORE - score:016d}#{moment:013d}#p{number:09d}"}}}}'
            for number, (score, moment) in enumerate(map(self.board.spot, range(first, last)), first)
        ]
        for number in self.changed.intersection(range(first, last)):
            items[number - first] = msgspec.json.encode(self.item(number)).decode()
        key = {"pk": {"S": _PK}, "sk": {"S": keys.ENTRY + subject(last - 1)}}
        following = ',"LastEvaluatedKey":' + msgspec.json.encode(key).decode() if last < self.board.players else ""
        return f'{{"Items":[{",".join(items)}],"Count":{len(items)}{following}}}'.encode()

    def item(self, number: int) -> dict[str, Any]:
        return self.table.rows[_PK, keys.ENTRY + subject(number)][0]

    def spot(self, number: int) -> tuple[int, int]:
        """Return (score, reached at) of a player whose entry was read by key."""
        item = self.item(number)
        return int(item["score"]["N"]), int(item["reachedAt"]["N"])

    def _put(self, number: int) -> None:
        """Store the computed entry as an item: entries that are read by key are items."""
        if number not in self.changed:
            self.changed.add(number)
            self.table.load([item_written(entry_update(BOARD, entry_of(self.board.state(number)), 1))])


@contextmanager
def serving(table: ComputedTable) -> Iterator[str]:
    """Serve the table while the block lasts. Yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Responses are sent in one piece, at once.
        wbufsize, disable_nagle_algorithm = -1, True

        def do_POST(self) -> None:
            request = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, body = 200, table.answer(self.headers["X-Amz-Target"].rpartition(".")[2], request)
            except AwsError as error:
                status, body = error.status, msgspec.json.encode(error.body("dynamodb"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _keys(operation: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keys that a request names."""
    if operation == "BatchGetItem":
        return [key for asked in request["RequestItems"].values() for key in asked["Keys"]]
    return [request["Key"]] if "Key" in request else []
