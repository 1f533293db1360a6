"""pipeline.* and board.update_to_rank_ms: a local stack of the bench's own, from queue to HTTP response.

It is an emulator on this machine: nothing here says how fast AWS is.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.domain.core.periods import moment_name
from chalicelib.services.context import Context
from chalicelib.services.progress.create_key import create_key
from infra.cloudformation import DeployError
from infra.local.emulator import CREDENTIALS, REGION, EmulatorError
from infra.local.readings import Api, Refused
from infra.local.stack import Stack, running_stack
from infra.settings import SettingError
from tests.bench.figures import Figure, NotTaken
from tests.bench.traffic import Zipf, request

NAMES = ("board.update_to_rank_ms", "pipeline.queue_to_board_ms", "pipeline.events_per_s")
LABEL = "emulator"
PROBES = 40
RIVALS = ("anna", "bert")
WARM_UPS = 3
PAUSE_S = 0.3  # the queues run empty between two probes
POLL_S = 0.01
PROBE_LIMIT_S = 15.0
EVENTS = 1000
PLAYERS = 50
DRAIN_LIMIT_S = 120.0
ENTRIES = 10
READERS = 4
WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def pipeline(probes: int = PROBES, events: int = EVENTS) -> Iterator[Figure]:
    with stack_of_its_own() as stack:
        context = context_of(stack)
        api = Api(stack.api_url, create_key(context, "bench-admin", ["admin"]).key)
        # Only the two rivals are on the board now.
        yield from _overtaking(stack, [Api(stack.api_url, create_key(context, name).key) for name in RIVALS], probes)
        yield from _latency(stack, api, probes)
        yield _rate(stack, api, events)


@contextmanager
def stack_of_its_own() -> Iterator[Stack]:
    """Run a local stack for the bench. Its errors mean that figures cannot be taken."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="laurel-bench-", ignore_cleanup_errors=True) as place,
            running_stack(Path(place)) as stack,
        ):
            yield stack
    except (BotoCoreError, ClientError, DeployError, EmulatorError, OutOfReach, Refused, SettingError) as error:
        raise NotTaken(f"the local stack: {error}") from error


def context_of(stack: Stack) -> Context:
    """Return a context that acts on the stack as Laurel's functions do."""
    session = Session()
    session.set_credentials(CREDENTIALS["aws_access_key_id"], CREDENTIALS["aws_secret_access_key"])
    session.set_config_variable("region", REGION)
    variables = stack.environment()
    return wiring.build(settings.read(variables), _pointed(session, variables["AWS_ENDPOINT_URL"]))


def _pointed(session: Session, endpoint_url: str) -> Session:
    """Point the session's clients at the stack, regardless of the environment."""
    create = session.create_client

    def create_client(service: str, **options: Any) -> Any:
        return create(service, endpoint_url=endpoint_url, **options)

    session.create_client = create_client
    return session


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _latency(stack: Stack, api: Api, probes: int) -> Iterator[Figure]:
    """Measure from the send of an event to the response of the leaderboard that has it, one event at a time."""
    sqs, taken = stack.client("sqs"), []
    for number in range(WARM_UPS + probes):
        score = _score(api, "probe")
        began = time.perf_counter()
        sqs.send_message(QueueUrl=stack.queue_urls["events"], MessageBody=request("probe", number, _now_ms()))
        _wait(lambda score=score: _score(api, "probe") > score, PROBE_LIMIT_S, "an event did not reach the board")  # type: ignore[misc]
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_S)
    yield from _percentiles("pipeline.queue_to_board_ms", taken[WARM_UPS:])


def _overtaking(stack: Stack, rivals: list[Api], probes: int) -> Iterator[Figure]:
    """Measure from the send of an award, by which one player passes another, to the response with the new rank."""
    sqs, taken = stack.client("sqs"), []
    for number in range(WARM_UPS + probes):
        place = number % len(rivals)
        mine, others = (int(rivals[each].rank("global")["score"]) for each in (place, place - 1))
        award = {
            "event": "award",
            "distinct_id": f"overtaking-{number}",
            "timestamp": moment_name(_now_ms()),
            "properties": {
                "username": RIVALS[place],
                "points": others - mine + 1,
                "reason": "overtaking",
                "grantedBy": "bench",
            },
        }
        began = time.perf_counter()
        sqs.send_message(QueueUrl=stack.queue_urls["events"], MessageBody=json.dumps(award))
        leads = rivals[place]
        _wait(lambda leads=leads: leads.rank("global")["rank"] == 1, PROBE_LIMIT_S, "an award did not reach the rank")  # type: ignore[misc]
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_S)
    yield from _percentiles("board.update_to_rank_ms", taken[WARM_UPS:])


def _percentiles(name: str, taken: list[float]) -> Iterator[Figure]:
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    for percentile, value in (("p50", cuts[49]), ("p99", cuts[98])):
        yield Figure(name, value, "ms", {"percentile": percentile, "probes": len(taken), "idle": True, "on": LABEL})


def _score(api: Api, player: str) -> int:
    entries = api.board("global", limit=ENTRIES)
    return next((int(entry["score"]) for entry in entries if entry["apiKeyId"] == player), 0)


def _rate(stack: Stack, api: Api, events: int) -> Figure:
    """Measure a backlog through both workers, with warm functions, until no queue holds a message."""
    sqs, url, expected = stack.client("sqs"), stack.queue_urls["events"], dict.fromkeys(range(PLAYERS), 0)
    bodies, zipf, now_ms = [], Zipf(PLAYERS, 1.1), _now_ms()
    rng = random.Random(3)
    for number in range(events):
        player = zipf.draw(rng)
        expected[player] += 1
        bodies.append(request(f"player-{player}", number, now_ms - rng.randrange(600_000)))
    began = time.perf_counter()
    for start in range(0, events, ENTRIES):
        entries = [
            {"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies[start : start + ENTRIES])
        ]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise NotTaken(f"the queue did not take all: {answer['Failed']}")
    drain(stack)
    seconds = time.perf_counter() - began
    _check(api, {f"player-{player}": count for player, count in expected.items() if count})
    return Figure(
        "pipeline.events_per_s", events / seconds, "events/s", {"events": events, "players": PLAYERS, "on": LABEL}
    )


def drain(stack: Stack) -> None:
    """Wait until no queue holds a message."""
    _wait(lambda: not _waiting(stack), DRAIN_LIMIT_S, "the queues did not empty")


def _waiting(stack: Stack) -> int:
    sqs = stack.client("sqs")
    return sum(
        int(value)
        for name in ("events", "boards")
        for value in sqs.get_queue_attributes(QueueUrl=stack.queue_urls[name], AttributeNames=list(WAITING))[
            "Attributes"
        ].values()
    )


def _check(api: Api, expected: dict[str, int]) -> None:
    """Check that every event is in its player's figures, and every player's XP on the board."""
    with ThreadPoolExecutor(READERS) as pool:
        profiles = dict(zip(expected, pool.map(api.profile, expected), strict=True))
    counted = {player: int(profile["stats"]["requests"]) for player, profile in profiles.items()}
    if counted != expected:
        raise NotTaken(f"{sum(counted.values())} of {sum(expected.values())} events were applied")
    shown = {entry["apiKeyId"]: entry["score"] for entry in api.board("global")}
    behind = [player for player, profile in profiles.items() if shown.get(player) != profile["xp"]]
    if behind:
        raise NotTaken(f"the board is behind for {len(behind)} of {len(expected)} players")


def _wait(done: Callable[[], Any], limit_s: float, what: str) -> None:
    deadline = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > deadline:
            raise NotTaken(f"{what} within {limit_s:.0f} s")
        time.sleep(POLL_S)
