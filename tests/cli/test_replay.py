"""Tests of `laurel replay`: a file, options and anchor give the same events, also after stops and restarts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli import trace
from chalicelib.cli.trace import SAMPLE, BadTrace, Plan, events_of, inspect_file
from chalicelib.domain.core.periods import DAY_MS, day_of
from chalicelib.domain.events.event import Delivery, parse
from chalicelib.services.operations import replay_events as service
from tests.cli.conftest import Deployment, gateway_event

ANCHOR = 1_779_192_000_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def small_trace(folder: Path, rows: int = 60) -> Path:
    file = folder / "trace.csv"
    lines = [f"2023-11-16 18:{n // 60:02d}:{n % 60:02d}.6805900,{100 + n},{n}" for n in range(rows)]
    file.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]) + "\n")
    return file


def events_in(bodies: list[str]) -> list[dict[str, Any]]:
    decoded = [json.loads(body) for body in bodies]
    return [event for body in decoded for event in (body if isinstance(body, list) else [body])]


def test_the_sample_is_2000_rows_with_its_licence() -> None:
    recording = inspect_file(SAMPLE)
    assert (recording.is_trace, recording.rows) == (True, 2000)
    source = SAMPLE.with_name("SOURCE.md").read_text()
    assert "CC BY 4.0" in source
    assert "Splitwise" in source


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2023-11-16 18:15:46.1234567", "2023-11-16 23:59:59.9999999"),
        ("2023-11-16 18:15:46.123999+00:00", "2023-11-17T00:29:59.99999999+00:30"),
        ("2023-11-16T18:15:46.123999Z", "2023-11-16T18:59:59.9999999-0500"),
    ],
)
def test_timestamps_of_a_trace_are_cut_and_in_utc_unless_they_say_otherwise(home: Path, first: str, last: str) -> None:
    file = home / "trace.csv"
    file.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{first},1,2\n{last},3,4\n")
    times = [event["time"] for event in events_of(inspect_file(file), Plan(as_recorded=True), ANCHOR)]
    assert times == ["2023-11-16T18:15:46.123Z", "2023-11-16T23:59:59.999Z"]


def test_the_sample_is_accepted_spread_over_days_and_unequal(laurel: Deployment) -> None:
    plan = Plan(players=200, seed=1, days=5)
    settings = laurel.context.rules.settings
    made = list(events_of(inspect_file(SAMPLE), plan, ANCHOR))
    parsed = [parse(event, Delivery("m", ANCHOR), settings, ANCHOR) for event in made]
    assert len({event.identity for event in parsed}) == 2000
    assert {day_of(event.time_ms) for event in parsed} == set(range(day_of(ANCHOR) - 5, day_of(ANCHOR) + 1))
    shares = Counter(event.player for event in parsed).most_common()
    assert 100 < len(shares) <= 200
    assert shares[0][1] > 300
    data = [event.data for event in parsed]
    assert {each.get("status", "ok") for each in data} == {"ok", "error", "rejected"}
    shown = set().union(*data)
    assert {"comboId", "compressionUsed", "skillUsed", "cacheHit", "tokensSaved", "fallbackUsed", "raceWon"} <= shown


def test_events_depend_on_the_seed(home: Path) -> None:
    recording = inspect_file(small_trace(home))
    first, again, other = (list(events_of(recording, Plan(seed=seed), ANCHOR)) for seed in (1, 1, 2))
    assert first == again
    assert [event["subject"] for event in first] != [event["subject"] for event in other]


@pytest.mark.parametrize(
    ("plan", "first_ms", "last_ms"),
    [
        (Plan(days=2), ANCHOR - 2 * DAY_MS, ANCHOR),
        (Plan(), ANCHOR - 59_000, ANCHOR),
        (Plan(as_recorded=True), 1_700_157_600_680, 1_700_157_659_680),
    ],
)
def test_times_of_a_trace(laurel: Deployment, home: Path, plan: Plan, first_ms: int, last_ms: int) -> None:
    made = list(events_of(inspect_file(small_trace(home)), plan, ANCHOR))
    times = [
        parse(event, Delivery("m", ANCHOR, backfill=True), laurel.context.rules.settings, ANCHOR).time_ms
        for event in made
    ]
    assert (min(times), max(times)) == (first_ms, last_ms)


def test_a_stopped_replay_continues_with_identical_bodies(
    laurel: Deployment, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(small_trace(home))
    monkeypatch.setattr(service, "EVENTS_PER_CALL", 20)
    monkeypatch.setattr(service, "EVENTS_PER_MESSAGE", 5)
    whole = events_in(_sent_by(laurel, "replay", file, "--days", "2", "--players", "9", "--state", str(home / "a")))
    assert len(whole) == 60
    anchored = json.loads((home / "a").read_text())["anchor_ms"]

    send, calls = laurel.context.queues.send, []

    def stopping(queue: str, bodies: list[str]) -> None:
        calls.append(queue)
        if len(calls) == 2:
            send(queue, bodies[:1])  # a part is sent, but the command does not record it
            raise KeyboardInterrupt
        send(queue, bodies)

    (home / "b").write_text(json.dumps(json.loads((home / "a").read_text()) | {"position": 0}))
    laurel.context.queues.send = stopping  # type: ignore[method-assign]
    options = ("replay", file, "--days", "2", "--players", "9", "--state", str(home / "b"))
    stopped = laurel.laurel(*options, status=130)
    assert "stopped at 20 of 60" in stopped.stderr
    laurel.context.queues.send = send  # type: ignore[method-assign]
    laurel.world.sleep(7200)
    assert "40 events sent" in laurel.laurel(*options).stdout
    assert json.loads((home / "b").read_text())["anchor_ms"] == anchored
    resumed = events_in(laurel.bodies("events"))
    assert len(resumed) == 65
    assert sorted(map(json.dumps, whole)) == sorted({json.dumps(event) for event in resumed})
    laurel.run()
    assert sum(laurel.requests(player) for player in {event["subject"] for event in whole}) == 60
    assert laurel.listed() == []


def test_a_finished_replay_sends_nothing_more_unless_asked(laurel: Deployment, home: Path) -> None:
    file = str(small_trace(home))
    first = _sent_by(laurel, "replay", file)
    laurel.world.sleep(3600)
    assert "all 60 events are already sent" in laurel.laurel("replay", file).stdout
    assert laurel.bodies("events") == []
    assert _sent_by(laurel, "replay", file, "--again") == first


def test_json_lines_of_any_form_get_ids_that_stay(laurel: Deployment, home: Path) -> None:
    award = {"event": "award", "properties": {"username": "ada", "points": 7, "reason": "why"}}
    lines = "\n".join(json.dumps(event) for event in (gateway_event("ada"), award, gateway_event("ada", id="own")))
    first = events_in(_sent_by(laurel, "replay", "-", stdin=lines + "\n\n"))
    assert [event["id"] for event in first][2] == "own"
    again = events_in(_sent_by(laurel, "replay", "-", "--again", stdin=lines + "\n\n"))
    assert again == first
    for event in [*first, *again]:
        laurel.send("events", event)
    laurel.run()
    assert laurel.requests("ada") == 2
    xp = laurel.xp("ada")
    laurel.send("events", first[1])
    laurel.run()
    assert laurel.xp("ada") == xp


def test_old_events_go_through_the_backfill_queue(laurel: Deployment, home: Path) -> None:
    laurel.laurel("replay", str(small_trace(home)), "--backfill", "--players", "1")
    assert laurel.bodies("events") == []
    laurel.run()
    assert laurel.requests("player-001") == 60
    assert laurel.listed() == []


def test_a_replay_keeps_the_rate(laurel: Deployment, home: Path) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        laurel.world.sleep(seconds)

    began = laurel.world.now_ms()
    made = events_of(inspect_file(small_trace(home)), Plan(), ANCHOR)
    sent: list[int] = []
    assert service.replay_events(laurel.context, "events", made, sent.append, rate=10, sleep=sleep) == 60
    assert sent == [5] * 12
    assert 5.9 < (laurel.world.now_ms() - began) / 1000 < 6.1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\n2023-11-16,one,2\n", "line 3"),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", "holds no request"),
        ('{"a":1}\n\n{"bad"\n', "line 3 is not JSON: Expecting ':' delimiter at column"),
        ("not json\n", "line 1 is neither a trace's header nor JSON"),
        ('{"a":1}\n{"b":"\ud800"}\n', "line 2 is not UTF-8"),
        ("\n \n", "holds no event"),
        ("", "holds no event"),
        ("[1,2]\n", "line 1 is not one event"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_nothing_is_sent(
    laurel: Deployment, home: Path, content: str, sentence: str
) -> None:
    file = home / "bad"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(BadTrace, match=sentence):
        inspect_file(file)
    assert laurel.laurel("replay", str(file), status=1).stderr.startswith("Error: ")
    assert laurel.bodies("events") == []


def lines_of(home: Path, *events: dict[str, Any]) -> str:
    file = home / "lines"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return str(file)


def test_events_too_old_for_the_queue_are_refused_before_anything_is_sent(laurel: Deployment, home: Path) -> None:
    events = [gateway_event("ada", id=str(days), time=laurel.now(days * 86_400)) for days in (1, 8, 30)]
    file = lines_of(home, *events)
    refused = laurel.laurel("replay", file, status=1).stderr
    assert "2 of 3 events would be rejected as older than 7 days: use --backfill. Nothing was sent." in refused
    assert laurel.bodies("events") == []
    shown = laurel.laurel("replay", file, "--backfill", "--wait", "60").stdout
    assert shown.splitlines()[-1] == "3 applied, 0 duplicates, 0 rejected"


def test_the_outcome_counts_applied_duplicates_and_rejected(laurel: Deployment, home: Path) -> None:
    time = laurel.now(60)
    ada, bob = gateway_event("ada", id="1", time=time), gateway_event("bob", id="2", time=time)
    laurel.send("events", ada)
    laurel.run()
    own = {"type": "level.up", "apiKeyId": "ada", "id": "3"}
    result = laurel.laurel("replay", lines_of(home, ada, bob, bob, own), "--wait", "60", status=1)
    assert "1 event will be rejected; the first: event 4: Only Laurel may send" in result.stderr
    assert "1 applied, 2 duplicates, 1 rejected (own_type 1)" in result.stdout
    assert "laurel dlq list" in result.stderr
    assert (laurel.requests("ada"), laurel.requests("bob")) == (1, 1)
    assert [row["reason"] for row in laurel.listed()] == ["own_type"]


def test_events_that_the_worker_rejects_are_not_applied(laurel: Deployment, home: Path) -> None:
    award = {"event": "award", "properties": {"username": "ada", "points": 10**9, "reason": "much", "key": "k"}}
    result = laurel.laurel("replay", lines_of(home, award, gateway_event("ada", id="1")), "--wait", "60", status=1)
    assert "1 applied, 0 duplicates, 0 rejected, 1 not applied" in result.stdout


def test_the_local_stack_is_waited_for_and_others_only_if_asked(laurel: Deployment, home: Path) -> None:
    file = lines_of(home, gateway_event("ada", id="1"))
    assert laurel.laurel("replay", file).stdout.splitlines()[-1] == "1 event sent to the queue 'events'"
    laurel.target.variables["LAUREL_STAGE"] = "local"
    shown = laurel.laurel("replay", file, "--again")
    assert "1 applied, 0 duplicates, 0 rejected" in shown.stdout


def test_a_file_that_does_not_exist_is_named(laurel: Deployment, home: Path) -> None:
    assert "'none.jsonl' does not exist" in laurel.laurel("replay", "none.jsonl", status=2).stderr


def test_a_file_or_the_sample_must_be_named(laurel: Deployment) -> None:
    assert "Name a FILE" in laurel.laurel("replay", status=2).stderr
    assert trace.SAMPLE.is_file()


def _sent_by(laurel: Deployment, *words: str, stdin: str | None = None) -> list[str]:
    """Return the bodies that a command queues, and empty the queue."""
    laurel.laurel(*words, stdin=stdin)
    bodies = laurel.bodies("events")
    laurel.plant.sqs.purge_queue(QueueUrl=laurel.plant.urls["events"])
    return bodies
