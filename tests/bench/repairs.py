"""repair.longest_step_s and repair.peak_mb: repair of a board of 10,000,000 players, with updates between steps.

A step's seconds are its CPU on the share of a core that the worker has on Lambda, and for its calls, as far as they
wait for each other, a latency as AWS has it. Memory is the peak of the process that repairs; the table is in another.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from chalicelib.domain.boards.rank_index import TOTAL, counters_of
from chalicelib.store.boards import keys
from infra.settings import FUNCTIONS
from tests.bench.board import BOARD
from tests.bench.computed import ComputedBoard, ComputedTable, serving
from tests.bench.deployment import TABLE
from tests.bench.figures import Figure, NotTaken
from tests.bench.repair_worker import Last, Line

NAMES = ("repair.longest_step_s", "repair.peak_mb")
PLAYERS = 10_000_000
# A strong query of 1 MB, and any other call.
QUERY_S, CALL_S = 0.1, 0.01
CORE_MB = 1769
_WORKER = next(function for function in FUNCTIONS if function.name == "boards")
CORE = _WORKER.memory_mb / CORE_MB


def repairs(
    players: int = PLAYERS, repairs_of_each: int = 1, kinds: tuple[bool, ...] = (False, True)
) -> Iterator[Figure]:
    """Measure repairs of boards without an index, the worst case: every node is written.

    Boards are with and without half of the players on one score. Of `repairs_of_each`, the later ones repair damage.
    """
    for ties in kinds:
        board = ComputedBoard(players, ties)
        table = ComputedTable(board)
        with serving(table) as endpoint:
            lines, last = _measured(endpoint, players, repairs_of_each)
        _check(table)
        longest = max(lines, key=_seconds)
        params: dict[str, Any] = {"players": players, "ties": ties, "steps": len(lines), "updates": len(table.changed)}
        yield Figure(
            "repair.longest_step_s",
            _seconds(longest),
            "s",
            params | {
                "repair": longest.repair,
                "cpu_s": round(longest.cpu_s, 2),
                "calls": sum(longest.calls.values()),
                "core": round(CORE, 2),
                "query_s": QUERY_S,
                "call_s": CALL_S,
                "sum_s": round(sum(map(_seconds, lines))),
            },
        )  # fmt: skip
        yield Figure("repair.peak_mb", last.peak_mb, "MB", params)


def _measured(endpoint: str, players: int, repairs_of_each: int) -> tuple[list[Line], Last]:
    environment = os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "LAUREL_TABLE": TABLE,
        "LAUREL_THREADS": str(_WORKER.threads),
    }
    command = [sys.executable, "-m", "tests.bench.repair_worker", str(players), str(repairs_of_each)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotTaken(f"the worker failed: {done.stderr[-2000:]}")
    *lines, last = done.stdout.splitlines()
    return [msgspec.json.decode(line, type=Line) for line in lines], msgspec.json.decode(last, type=Last)


def _seconds(line: Line) -> float:
    queries = line.calls.get("Query", 0)
    trips = sum(line.calls.values()) - queries - line.parallel + line.rounds
    return line.cpu_s / CORE + queries * QUERY_S + trips * CALL_S


def _check(table: ComputedTable) -> None:
    """Check every counter of the trie against the entries, and every division against the players since its mark."""
    found, marks = _index(table)
    scores, since = Counter[int](), Counter[int]()
    for number in range(table.board.players):
        score, moment = table.spot(number) if number in table.changed else table.board.spot(number)
        scores[score] += 1
        if moment >= marks.get(score, moment + 1):
            since[score] += 1
    expected: Counter[tuple[str, int]] = Counter()
    for score, players in scores.items():
        for name, digit in counters_of(score):
            expected[name, digit] += players
    divided = {(part, score): since[score] for score in marks for part in "DV"}
    for name, digit in list(found):
        if name[0] in "DV":
            divided[name[0], int(name.split(".")[1])] -= found.pop((name, digit))
    wrong: set[tuple[str, int]] = {key for key in expected.keys() | found.keys() if expected[key] != found[key]}
    wrong |= {key for key, missing in divided.items() if missing}
    if wrong or not found[TOTAL, 0]:
        raise NotTaken(f"{len(wrong)} counters are wrong after the repair: {sorted(wrong)[:5]}")


def _index(table: ComputedTable) -> tuple[Counter[tuple[str, int]], dict[int, int]]:
    """Return counters by node and digit, and marks of divided tie groups by score."""
    found: Counter[tuple[str, int]] = Counter()
    marks: dict[int, int] = {}
    for (pk, name), (item, _) in table.table.rows.items():
        if pk != keys.nodes(BOARD):
            continue
        for attribute, value in item.items():
            if re.fullmatch("[0-9A-F]{2,3}", attribute):
                found[name, int(attribute, 16)] += int(value["N"])
            elif attribute.startswith("T") and name.startswith("0."):
                marks[int(name[2:]) * 128 + int(attribute[1:], 16)] = int(value["N"])
    return found, marks
