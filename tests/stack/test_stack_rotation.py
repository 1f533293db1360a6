"""Tests of ended periods on a new stack: late events, freeze, archive, ranks, rewards, domain events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.services.boards.verify_board import verify_board
from chalicelib.services.context import Context
from chalicelib.services.progress.create_key import create_key
from infra.local.stack import Stack, running_stack
from infra.package import Package
from tests.infra.test_stack_policies import TICK
from tests.stack.aftermath import listening, received
from tests.stack.conftest import Http
from tests.stack.test_stack_pipeline import event, quiet, send

# A Wednesday, so that its week continued after its day; both periods of grace are long over.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOON = TODAY - timedelta(days=TODAY.isoweekday() + 11) + timedelta(hours=12)
DAY, WEEK = NOON.strftime("%Y-%m-%d"), NOON.strftime("%G-W%V")
LATE = timedelta(hours=14)  # two in the morning: the day's grace of one hour is over
SIZES = {"ada": 5, "bob": 3, "cyd": 1, "dan": 1}


@dataclass(frozen=True)
class Deployed:
    stack: Stack
    http: Http
    context: Context
    admin: str

    def rotate(self) -> dict[str, str]:
        """Run the scheduled function, and let the queues run empty. Return its steps, by board."""
        answer = self.stack.client("lambda").invoke(FunctionName="laurel-local-rotate", Payload=json.dumps(TICK))
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        quiet(self.stack)
        steps: dict[str, str] = result["steps"]
        return steps

    def scores(self, scope: str, period: str) -> dict[str, int]:
        page = self.http.get(f"leaderboard?scope={scope}&period={period}", self.admin)
        assert page["total"] == len(page["entries"])
        return {entry["apiKeyId"]: entry["score"] for entry in page["entries"]}

    def profiles(self) -> dict[str, Any]:
        return {player: self.http.get(f"players/{player}", self.admin) for player in SIZES}


@pytest.fixture
def deployed(stack_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with (
        running_stack(tmp_path_factory.mktemp("rotated"), stack_package, enforcing=True) as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in stack.environment().items():
            patch.setenv(name, value)
        context = wiring.build(settings.read(stack.environment()), Session())
        yield Deployed(stack, Http(stack.api_url), context, create_key(context, "auditor", ["admin"]).key)
        if context.pool:
            context.pool.shutdown()


def old_event(player: str, number: int, received_at: datetime) -> dict[str, Any]:
    """Return an event of that noon, first received at this moment, like a redriven event."""
    moment = NOON + timedelta(seconds=number)
    return event(player, number, moment.isoformat(), model=f"m-{number}") | {"receivedAt": received_at.isoformat()}


def test_ended_periods_are_closed_once_with_the_events_in_time(deployed: Deployed) -> None:
    send(deployed.stack, *([old_event(player, number, NOON) for number in range(1, size + 1)]
                           for player, size in SIZES.items()))  # fmt: skip
    quiet(deployed.stack)
    on_time = deployed.scores("daily", DAY)
    assert on_time == deployed.scores("weekly", WEEK)
    assert list(on_time)[:2] == ["ada", "bob"]
    assert on_time["cyd"] == on_time["dan"] > 0

    send(deployed.stack, [old_event("cyd", number, NOON + LATE) for number in range(10, 20)])
    quiet(deployed.stack)
    assert deployed.scores("daily", DAY) == on_time
    in_week = deployed.scores("weekly", WEEK)
    assert in_week["cyd"] > on_time["cyd"]
    assert in_week == {player: profile["xp"] for player, profile in deployed.profiles().items()}

    with listening(deployed.stack) as listener:
        first, second = deployed.rotate(), deployed.rotate()
        coins = {player: profile["coins"] for player, profile in deployed.profiles().items()}
        third = deployed.rotate()
        news = [json.loads(body)["detail"] for body in received(deployed.stack, listener)]
    boards = {f"daily#{DAY}", f"weekly#{WEEK}"}
    assert {first[board] for board in boards} == {"freeze requested"}
    assert {second[board] for board in boards} == {"rotated"}
    assert not boards & third.keys(), "nothing is left to do"
    assert coins == {player: paid(rank) for player, rank in ranks(in_week).items()}
    closings = [each for each in news if each.get("period") == WEEK and each.get("scope") == "weekly"]
    assert [(each["total"], each["champion"]["rank"]) for each in closings] == [(len(SIZES), 1)]

    send(deployed.stack, [old_event("bob", number, NOON) for number in range(30, 40)])
    quiet(deployed.stack)
    assert deployed.profiles()["bob"]["xp"] > in_week["bob"]
    assert (deployed.scores("daily", DAY), deployed.scores("weekly", WEEK)) == (on_time, in_week)
    assert {player: profile["coins"] for player, profile in deployed.profiles().items()} == coins
    archive = deployed.http.get(f"leaderboard/archive?scope=weekly&period={WEEK}", deployed.admin)
    assert {entry["apiKeyId"]: entry["score"] for entry in archive["entries"]} == in_week
    for board in boards:
        proof = verify_board(deployed.context, board, lambda: None)
        assert (proof.differences, proof.after_freeze) == ([], 1)


def ranks(scores: dict[str, int]) -> dict[str, int]:
    return {player: 1 + sum(other > score for other in scores.values()) for player, score in scores.items()}


def paid(rank: int) -> int:
    """Return the coins that the default ruleset pays for a rank of a week."""
    return 100 if rank == 1 else 50 if rank <= 3 else 20
