"""Tests of exactly-once effects: workers are killed by signal during a write, many times.

Traffic and judge are the simulation's: after quiescence table, boards, ledger, log, bus and rejections equal those that
the naive model makes of the commits, each of which happened once; and every board is proved: entries against the
players' totals, the rank index against the entries.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chalicelib.services.boards.verify_board import verify_board
from chalicelib.services.context import Context
from infra.local.stack import Stack
from tests.domain.progress.model import Model
from tests.pipeline import judge
from tests.pipeline.traffic import Sent, traffic
from tests.stack import altered, sockets
from tests.stack.aftermath import boards_of, listening, scene_of
from tests.stack.altered import SOURCES, depth, until
from tests.stack.conftest import Http
from tests.stack.interposer import AFTER, BEFORE, Interposer, Plan

SEED = 20_261
EVENTS = 200
PLAYERS = [f"player-{number}" for number in range(8)]
EVENT_QUEUES = ("events", "own", "backfill")
WORKERS = ("progress", "progress-own", "progress-backfill", "boards")
# Operation -> (kills, first calls among which they lie). Boards write by UpdateItem: redo log, entries and nodes.
KILLS = {"TransactWriteItems": (6, 60), "SendMessageBatch": (2, 15), "PutEvents": (2, 10), "UpdateItem": (5, 300)}
VISIBILITY_S = 3
PATIENCE_S = 120.0
QUIET_S = 0.3
BOARDS = "laurel-local-boards"
DIED = "failed processing SQS batch"

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not sockets.SUPPORTED, reason="needs /proc/net to find the writing process"),
]


@pytest.fixture
def interposer(stack: Stack) -> Iterator[Interposer]:
    """Put all workers behind an interposer; every queue soon redelivers the messages of a dead worker."""
    until(lambda: depth(stack, *SOURCES) == 0, PATIENCE_S, "messages of other tests are done")
    between = Interposer(stack, Plan.drawn(random.Random(SEED), KILLS))
    with ExitStack() as settings:
        settings.enter_context(between.serving())
        # On a busy machine a message may be redelivered during its processing, any number of times.
        settings.enter_context(altered.receives(stack, 1000, SOURCES))
        settings.enter_context(altered.queues(stack, SOURCES, VisibilityTimeout=str(VISIBILITY_S)))
        settings.enter_context(altered.concurrency(stack, 2, WORKERS[:3]))
        settings.enter_context(altered.functions(stack, WORKERS, AWS_ENDPOINT_URL=between.url))
        yield between


def test_workers_killed_during_a_write_lose_and_double_nothing(
    stack: Stack, laurel: Context, http: Http, key: Callable[..., str], interposer: Interposer
) -> None:
    stack.client("sqs").purge_queue(QueueUrl=stack.queue_urls["rejected"])
    died = deaths(stack)
    messages = traffic(random.Random(SEED), time.time_ns() // 1_000_000, EVENTS, PLAYERS, badge="power-user")
    with listening(stack) as listener:
        send(stack, messages)
        settle(stack, interposer)
        scene = scene_of(stack, laurel, PLAYERS, listener)
    commits = interposer.history.commits
    assert judge.findings(scene, commits, messages) == []
    model, _ = judge.replayed(scene, commits, messages)
    over_http(http, key("auditor", "admin"), model)
    proved = [verify_board(laurel, board, lambda: None) for board in boards_of(stack)]
    assert [f"{each.board}: {wrong}" for each in proved for wrong in each.differences] == []
    assert sum(each.in_flight for each in proved) == 0

    kills, ended = interposer.kills, deaths(stack) - died
    print(f"\n{kills.total()} workers killed in the middle of a write, {ended} invocations ended by it:")
    print("\n".join(f"  {operation}, {moment} it was done: {count}" for (operation, moment), count in kills.items()))
    print(f"  {interposer.victims[BOARDS]} of them the boards' writer; {len(proved)} boards proved")
    print(f"  {len(commits)} events of {len(PLAYERS)} players applied, out of {len(messages)} messages")
    assert kills.total() == interposer.plan.total > 0
    assert {moment for _, moment in kills} == {BEFORE, AFTER}
    assert interposer.victims[BOARDS] >= KILLS["UpdateItem"][0]
    assert len(proved) >= len(laurel.rules.ruleset.boards)
    # The emulator's log confirms it: each kill hit an invocation that never responded.
    assert ended >= kills.total()


def send(stack: Stack, messages: list[Sent]) -> None:
    for queue in EVENT_QUEUES:
        bodies = [sent.body for sent in messages if sent.queue == queue]
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies[start : start + 10])]
            answer = stack.client("sqs").send_message_batch(QueueUrl=stack.queue_urls[queue], Entries=entries)
            assert not answer.get("Failed")


def settle(stack: Stack, interposer: Interposer) -> None:
    """Wait for quiescence: no message anywhere, no call under way."""

    def idle() -> bool:
        return depth(stack, *SOURCES) == 0 and time.monotonic() - interposer.called_at > QUIET_S

    until(idle, PATIENCE_S, "the queues run empty")


def over_http(http: Http, key: str, model: Model) -> None:
    """Check that reads over HTTP agree with the model."""
    for scope in ("global", "tokens_shared", "contributions"):
        shown = http.board(scope, key)
        scores = {player: model.boards(player)[f"{scope}#all"] for player in PLAYERS}
        expected = {player: score for player, score in scores.items() if score and not model.shown_as(player)["hidden"]}
        assert {player: score for player, score in shown.items() if player in PLAYERS} == expected
    for player in PLAYERS:
        profile = http.get(f"players/{player}", key)
        assert (profile["xp"], profile["level"]) == (max(0, model.xp(player)), model.level(player))
        assert profile["counters"] == {name: count for name, count in model.counters(player).items() if count}
        assert profile["tokens"] == model.credits(player).get("tokens", 0)
        assert profile["coins"] == model.credits(player).get("coins", 0)


def deaths(stack: Stack) -> int:
    """Return the number of batches that failed as a whole, by the emulator's log."""
    return stack.emulator.log.read_text(errors="replace").count(DIED)
