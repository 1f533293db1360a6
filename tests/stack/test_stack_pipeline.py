"""Tests of an event's way from outside: sent by a gateway, read by a frontend, repaired by an operator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.core.errors import NotFound
from chalicelib.domain.core.sentences import NO_OPERATION
from infra.local.stack import Stack
from tests.stack import altered
from tests.stack.altered import depth, until
from tests.stack.conftest import Answer, Http

PATIENCE_S = 30.0
LAUREL = str(Path(sys.executable).with_name("laurel"))
MakeKey = Callable[..., str]


def run_laurel(stack: Stack, *words: str, status: int = 0) -> str:
    """Run the command with the stack's environment. Return its output."""
    environment = os.environ | stack.environment()
    done = subprocess.run([LAUREL, *words], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def event(player: str, number: int, at: str = "", **data: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "specversion": "1.0",
        "id": f"{player}-{number}",
        "source": "gateway/test",
        "type": "request.completed",
        "subject": player,
        "time": at or now,
        "data": data,
    }


def send(stack: Stack, *bodies: Any) -> list[str]:
    """Send messages by one call of boto3, as a gateway on AWS does. Return their ids."""
    entries = [{"Id": str(place), "MessageBody": json.dumps(body)} for place, body in enumerate(bodies)]
    answer = stack.client("sqs").send_message_batch(QueueUrl=stack.queue_urls["events"], Entries=entries)
    assert not answer.get("Failed")
    return [each["MessageId"] for each in answer["Successful"]]


def week_of(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%G-W%V")


def score(http: Http, key: str, week: str) -> int | None:
    """Return the score of the key's player on the weekly board, None if the board does not have them.

    It comes from the rank, not from a page: other tests leave hundreds of players.

    """
    found = http.get(f"rank?scope=weekly&period={week}", key)
    return None if found["rank"] is None else int(found["score"])


def quiet(stack: Stack, seconds: float = PATIENCE_S) -> None:
    until(lambda: depth(stack, *altered.SOURCES) == 0, seconds, "the queues run empty")


def test_a_sent_and_a_posted_event_count_once(stack: Stack, http: Http, key: MakeKey) -> None:
    writer, mine = key("gateway-1", "events:write"), key("ann")
    sent = event("ann", 1, provider="openai", model="gpt")
    posted = sent | {"id": "ann-2"}
    week = week_of(sent["time"])

    def arrive() -> None:
        send(stack, sent)
        answer = http.ask("/api/gamification/events", writer, posted)
        assert (answer.status, answer.json) == (202, {"accepted": 1, "ids": ["ann-2"]})

    def read() -> tuple[dict[str, Any], int | None, Any]:
        return http.get("profile", mine), score(http, mine, week), http.get("log", mine)

    arrive()
    until(lambda: http.get("profile", mine)["stats"]["requests"] == 2, PATIENCE_S, "both events are applied")
    quiet(stack)
    once = profile, points, log = read()
    assert points == profile["xp"] == sum(entry["xp"] for entry in log["entries"])
    # At least: 1 a request, 3 for the day's first one, 3 for a model's first use, 25 for the badge.
    assert points >= 33
    assert "first-steps" in log["entries"][1]["badges"]
    # The queue determines the order of two messages of one minute.
    assert sorted(entry["id"] for entry in log["entries"]) == ["ann-1", "ann-2"]

    arrive()
    quiet(stack)
    assert read() == once


def test_from_send_to_board(stack: Stack, http: Http, key: MakeKey) -> None:
    """The time is printed, not asserted: this machine may be busy."""
    mine, taken, before = key("tim"), [], 0
    for number in range(1, 6):
        occurred = event("tim", number)
        began = time.monotonic()
        send(stack, occurred)
        # The first event pays for the day as well, the later ones one XP each.
        reached = partial(rises, http, mine, week_of(occurred["time"]), before)
        before = until(reached, PATIENCE_S, "on the board")
        taken.append(round((time.monotonic() - began) * 1000))
    print(f"\nfrom send to the weekly board over HTTP, ms: {', '.join(map(str, taken))}")


def rises(http: Http, key: str, week: str, before: int) -> int | None:
    """Return the score of the key's player once it is more than `before`."""
    found = score(http, key, week) or 0
    return found if found > before else None


def test_an_invalid_event_is_listed_with_its_reason_while_its_neighbours_are_applied(
    stack: Stack, http: Http, key: MakeKey
) -> None:
    mine = key("nan")
    messages = send(stack, event("nan", 1), {"nonsense": 1}, [event("nan", 2), {"nonsense": 1}], event("nan", 3))
    until(lambda: http.get("profile", mine)["stats"]["requests"] == 3, PATIENCE_S, "the neighbours are applied")
    quiet(stack)
    rejected = messages[1:3]
    found = {each["id"]: each for each in listed(stack, "rejected")}
    assert [found[name]["rejected"] for name in rejected] == [{"not_an_event": [0]}, {"not_an_event": [1]}]
    assert found[rejected[0]]["body"] == found[rejected[1]]["body"][1] == {"nonsense": 1}
    assert {found[name]["reason"] for name in rejected} == {"not_an_event"}
    assert {found[name]["origin"] for name in rejected} == {"events"}
    lines = run_laurel(stack, "dlq", "list").splitlines()
    for name in rejected:
        (line,) = [line for line in lines if line.startswith(name)]
        assert f"not_an_event: {found[name]['sentence']}" in line


def listed(stack: Stack, queue: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run_laurel(stack, "dlq", "list", "--json", "--queue", queue).splitlines()]


def test_a_failed_message_is_redriven_and_counts_once(stack: Stack, http: Http, key: MakeKey) -> None:
    """The worker writes, cannot send board updates, and gives up; after a repair a redrive does the rest."""
    mine, occurred = key("red"), event("red", 1)
    quiet(stack)
    others = depth(stack, "dead_letter")
    with (
        altered.receives(stack, 1, ("events",)),
        altered.queues(stack, ("events",), VisibilityTimeout="2"),
        altered.functions(stack, ("progress",), LAUREL_BOARDS_QUEUE=f"{stack.queue_urls['boards']}-gone"),
    ):
        send(stack, occurred)
        until(lambda: http.get("profile", mine)["stats"]["requests"], PATIENCE_S, "the event is applied")
        until(lambda: depth(stack, "dead_letter") > others, PATIENCE_S, "the message is a dead letter")
        quiet(stack)
    before = http.get("profile", mine)
    assert before["stats"]["requests"] == 1
    assert score(http, mine, week_of(occurred["time"])) is None
    (dead,) = [each for each in listed(stack, "dead-letter") if each["body"]["id"] == "red-1"]
    assert (dead["origin"], dead["body"]["id"]) == ("events", "red-1")
    assert dead["reason"] not in ("", "unknown")

    assert "1 message redriven" in run_laurel(stack, "dlq", "redrive", dead["id"])
    until(lambda: score(http, mine, week_of(occurred["time"])) == before["xp"], PATIENCE_S, "on the board")
    quiet(stack)
    assert http.get("profile", mine) == before
    assert depth(stack, "dead_letter") == others


@pytest.mark.parametrize(
    ("path", "permissions", "status", "code"),
    [
        ("/api/gamification/profile", None, 401, "unauthenticated"),
        ("/api/gamification/admin/badges/first-steps/grant", (), 403, "forbidden"),
        ("/api/gamification/nothing/here", None, 404, "not_found"),
        ("/nothing/here", None, 404, "not_found"),
    ],
)
def test_refusals_have_cors_and_laurels_form(
    http: Http, key: MakeKey, path: str, permissions: tuple[str, ...] | None, status: int, code: str
) -> None:
    """Refusals of the gateway too: it responds where there is no route."""
    body = {"player": "ann"} if "admin" in path else None
    answer = http.ask(path, "" if permissions is None else key("ann", *permissions), body)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["error"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/"), ("GET", "/nothing"), ("DELETE", "/api/gamification/status")]
)
def test_the_gateway_names_the_page_of_all_operations(http: Http, method: str, path: str) -> None:
    answer = http.ask(path, method=method)
    assert (answer.status, answer.text) == (404, json.dumps(NotFound(NO_OPERATION).body(), separators=(",", ":")))


def test_head_is_for_reads_without_a_key(http: Http) -> None:
    for path in ("/openapi.json", "/docs", "/api/gamification/status", "/api/gamification/leaderboard"):
        got, head = (http.ask(path, method=method) for method in ("GET", "HEAD"))
        assert (head.status, head.text, head.headers["ETag"]) == (200, "", got.headers["ETag"])
    assert http.ask("/api/gamification/profile", method="HEAD").status == 404


def test_the_api_describes_itself(http: Http) -> None:
    description = http.ask("/openapi.json")
    assert description.status == 200
    assert description.json["openapi"].startswith("3.1")
    assert "/api/gamification/events" in description.json["paths"]
    page = http.ask("/docs")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert all(_served(http, asset) for asset in _assets(page))


def _assets(page: Answer) -> list[str]:
    return [part.split('"')[0] for mark in ('src="', 'href="') for part in page.text.split(mark)[1:]]


def _served(http: Http, asset: str) -> bool:
    return asset.startswith("#") or http.ask("/" + asset.lstrip("./")).status == 200
