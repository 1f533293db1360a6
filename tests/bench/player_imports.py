"""import.write_units_per_player and import.players_per_s: imports of players from another system.

The rate is that of an emulator on this machine: it says nothing about how fast AWS is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from chalicelib.domain.core.periods import day_name, day_of
from chalicelib.domain.identity.permissions import ADMIN
from chalicelib.services.context import Context
from chalicelib.services.events.messages import Message
from chalicelib.services.events.resend_events import packed
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.import_lines import check_lines, lines_of
from chalicelib.services.progress.import_players import EVENTS_PER_MESSAGE, Imported, import_players
from chalicelib.services.progress.process_messages import process_messages
from tests.bench.deployment import Deployment
from tests.bench.emulated import LABEL, context_of, stack_of_its_own
from tests.bench.figures import Figure, NotTaken

UNITS, RATE = "import.write_units_per_player", "import.players_per_s"
IMPORT = "bench"
COUNTED = 200
PLAYERS = 10_000
WAIT_S = 120


def file_of(players: int, now_ms: int) -> list[bytes]:
    """Return the lines of a file: every player has a name, XP, two badges, a streak and two balances."""
    today = day_name(day_of(now_ms))
    return [
        msgspec.json.encode(
            {
                "player": f"player-{number:05d}",
                "displayName": f"Name {number}",
                "xp": 100 + number * 7919 % 100_000,
                "badges": [{"id": "first-steps", "earnedAt": "2025-11-02T00:00:00Z"}, {"id": "generous"}],
                "streak": {"current": 1 + number % 40, "longest": 50, "lastDay": today},
                "balances": {"tokens": 1 + number % 900, "coins": 1 + number % 90},
            }
        )
        for number in range(players)
    ]


def units(players: int = COUNTED) -> Iterator[Figure]:
    """Count the units of all writes of the worker for new players; another worker writes boards."""
    deployment = Deployment()
    context, now_ms = deployment.context, deployment.world.now_ms()
    raws = [line.raw for line in lines_of(context, IMPORT, file_of(players, now_ms))]
    bodies = packed(raws, EVENTS_PER_MESSAGE)
    messages = [Message(f"m{number}", f"r{number}", body, now_ms) for number, body in enumerate(bodies)]
    deployment.meter.reset()
    report = process_messages(context, "own", messages)
    applied = sum(len(outcome.applied) for outcome in report.outcomes)
    if applied != players:
        raise NotTaken(f"{applied} of {players} players were imported")
    params = {"players": players, "read_units_per_player": deployment.meter.read_units / players}
    yield Figure(UNITS, deployment.meter.write_units / players, "write units", params)


def rates(players: int = PLAYERS) -> Iterator[Figure]:
    """Import a file twice through a local stack: the first run applies all players, the second one none."""
    with stack_of_its_own() as stack:
        context = context_of(stack)
        lines = file_of(players, context.now_ms())
        for run, part in ((1, "imported"), (2, "unchanged")):
            began = time.perf_counter()
            imported = _run(context, lines)
            took_s = time.perf_counter() - began
            if getattr(imported, part) != players:
                raise NotTaken(f"{getattr(imported, part)} of {players} players were {part}")
            params = {"run": run, "players": players, "seconds": round(took_s, 1), "label": LABEL}
            yield Figure(RATE, players / took_s, "players/s", params)


def _run(context: Context, lines: Sequence[bytes]) -> Imported:
    caller = Caller("bench", "", frozenset([ADMIN]))
    checked = check_lines(context, IMPORT, lines)
    read = lines_of(context, IMPORT, lines)
    return import_players(
        context, caller, IMPORT, checked, read, report=lambda _: None, sleep=time.sleep, wait_s=WAIT_S
    )
