"""Tests of `laurel dlq`: no failed message is lost, hidden or applied twice."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from chalicelib.domain.core.periods import DAY_MS, day_of, moment_name
from chalicelib.domain.events import event
from chalicelib.domain.events.event import MAX_DELAY_MS, MAX_EVENTS_PER_MESSAGE, Delivery
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.events.failed_messages import envelope_of
from chalicelib.services.events.messages import body_hash
from chalicelib.services.operations.archive_failures import RESERVE_MS, archive_failures
from chalicelib.services.progress import apply_events
from chalicelib.store.events.failed_messages import get_failures
from chalicelib.store.progress.players import load_player
from tests.cli.conftest import Deployment, gateway_event, ids
from tests.scripted_time import with_time

ALL_QUEUES = ("boards_dead_letter", "dead_letter", "rejected")


def test_an_invalid_event_is_listed_with_its_reason_while_its_neighbours_are_applied(laurel: Deployment) -> None:
    message = laurel.send("events", [gateway_event("ada", id="1"), {"nonsense": 1}, gateway_event("ada", id="2")])
    laurel.run()
    assert laurel.requests("ada") == 2
    (found,) = laurel.listed()
    assert found["id"] == message
    assert (found["queue"], found["origin"], found["reason"]) == ("rejected", "events", "not_an_event")
    assert found["rejected"] == {"not_an_event": [1]}
    assert found["body"][1] == {"nonsense": 1}
    line = laurel.laurel("dlq", "list").stdout
    assert "not_an_event: The event is neither a CloudEvent" in line


def test_a_list_leaves_everything_where_it_is(laurel: Deployment) -> None:
    for number in range(25):
        laurel.send("events", {"nonsense": number})
    laurel.run()
    assert len(laurel.listed()) == 25
    assert len(laurel.listed()) == 25


def test_a_list_continues_from_its_cursor(laurel: Deployment) -> None:
    sent = {laurel.send("events", {"nonsense": number}) for number in range(25)}
    laurel.run()
    pages: list[set[str]] = []
    after: list[str] = []
    while True:
        words = ("dlq", "list", "--limit", "10", "--queue", "rejected", "--json", *after)
        result = laurel.laurel(*words)
        pages.append({json.loads(line)["id"] for line in result.stdout.splitlines()})
        if "there may be more" not in result.stderr:
            break
        after = ["--after", result.stderr.split("--after '")[1].split("'")[0]]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert set.union(*pages) == sent
    assert "name it with --queue" in laurel.laurel("dlq", "list", "--after", after[1], status=2).stderr
    for forged in ("x", "9.", "-1.", "\u0663.a", "1" * 5000 + "."):
        words = ("dlq", "list", "--queue", "rejected", "--after", forged)
        assert "is not a cursor" in laurel.laurel(*words, status=2).stderr


def test_a_redrive_of_all_continues_where_the_last_one_stopped(laurel: Deployment) -> None:
    """Four of each ten messages can never be applied: they stay, and do not block a redrive from the cursor."""
    bodies: list[Any] = [f"no json {number}" if number % 10 < 4 else {"nonsense": number} for number in range(30)]
    for body in bodies:
        laurel.send("events", body)
    laurel.run()
    after: list[str] = []
    runs = 0
    while after is not None:
        words = ("dlq", "redrive", "--all", "--limit", "5", "--queue", "rejected", *after)
        printed = laurel.laurel(*words).stderr
        runs += 1
        if "there may be more" not in printed:
            break
        after = ["--after", printed.split("--after '")[1].split("'")[0]]
    assert 6 <= runs <= 14
    assert len(laurel.bodies("events")) == 18
    assert {each["body"] for each in laurel.listed()} == {bodies[number] for number in range(30) if number % 10 < 4}
    assert len(laurel.bodies("rejected")) == 12


def test_a_redrive_sends_the_rejected_events_alone(laurel: Deployment) -> None:
    """Two of five events are too old under a limit of 7 days; one is no object."""
    old = [gateway_event("ada", time=laurel.now(10 * 86_400)), gateway_event("ada", time=laurel.now(9 * 86_400))]
    message = laurel.send("events", [old[0], gateway_event("ben"), 7, gateway_event("ben"), old[1]])
    laurel.run()
    (found,) = laurel.listed()
    assert found["rejected"] == {"too_old": [0, 4], "not_an_event": [2]}
    assert [each["index"] for each in found["sentences"]] == [0, 2, 4]
    assert "(2 too_old, 1 not_an_event)" in laurel.laurel("dlq", "list").stdout
    laurel.context.rules = _with_max_age(laurel, 14)
    laurel.laurel("dlq", "redrive", message)
    (body,) = laurel.bodies("events")
    assert [each if each == 7 else each["id"] for each in json.loads(body)] == [f"{message}/0", 7, f"{message}/4"]
    laurel.run()
    assert (laurel.requests("ada"), laurel.requests("ben")) == (2, 2)
    # The event that can never be applied is kept, in its last message.
    (found,) = laurel.listed()
    assert found["rejected"] == {"not_an_event": [1]}
    assert "nothing in it can be applied" in laurel.laurel("dlq", "redrive", "--all").stderr


def test_show_prints_body_reason_attempts_and_hash(laurel: Deployment) -> None:
    text = '{"nonsense":1}'
    message = laurel.send("events", text)
    laurel.run()
    shown = json.loads(laurel.laurel("dlq", "show", message).stdout)
    assert shown["attempts"] == 1
    assert shown["bodySha256"] == body_hash(text)
    assert shown["receivedAt"] == laurel.now()[:10] + shown["receivedAt"][10:]
    assert "No message 'other'" in laurel.laurel("dlq", "show", "other", status=1).stderr


def test_a_dead_letter_says_why_it_failed(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    laurel.fail_store(monkeypatch)
    message = laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    (found,) = laurel.listed("--queue", "dead-letter")
    assert found["id"] == message
    assert (found["reason"], found["sentence"]) == ("StoreError", "the table is on fire")
    assert found["attempts"] == 10
    assert found["body"]["id"] == "1"


def test_a_redriven_event_that_had_been_applied_is_not_applied_again(
    laurel: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event was applied, but messages after the write could not be sent: it becomes a dead letter."""

    def broken(*_: object) -> None:
        raise RuntimeError("the bus is down")

    with monkeypatch.context() as patch:
        patch.setattr(apply_events, "send_updates", broken)
        # One with an id and without time, one with neither, one whole; in one message.
        body = [gateway_event("ada", id="1"), gateway_event("ada"), gateway_event("ada", id="3", time=laurel.now(90))]
        laurel.send("events", body)
        laurel.run()
    assert laurel.requests("ada") == 3
    xp = laurel.xp("ada")
    assert len(laurel.listed("--queue", "dead-letter")) == 1
    laurel.world.sleep(3 * 86_400)
    assert "1 message redriven" in laurel.laurel("dlq", "redrive", "--all").stdout
    assert laurel.listed() == []
    again = json.loads(laurel.bodies("events")[0])
    assert "time" not in again[0]
    assert again[2]["time"] == body[2]["time"]
    laurel.run()
    assert laurel.requests("ada") == 3
    assert laurel.xp("ada") == xp
    assert laurel.listed() == []


def test_a_redriven_event_that_had_not_been_applied_is_applied_at_the_time_of_its_first_receipt(
    laurel: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair_store = laurel.fail_store(monkeypatch)
    received = laurel.world.now_ms()
    laurel.send("events", [gateway_event("ada"), gateway_event("ben", id="b")])
    laurel.run()
    laurel.world.sleep(5 * 86_400)
    repair_store()
    laurel.laurel("dlq", "redrive", "--all", "--queue", "dead-letter")
    laurel.run()
    for name in ("ada", "ben"):
        player = load_player(laurel.context.table, name)
        assert player is not None
        assert player.stats["requests"] == 1
        assert player.streak.last == day_of(received)
    assert laurel.listed() == []


def test_a_redriven_rejection_is_applied_if_it_is_valid_now(laurel: Deployment) -> None:
    """The event was too old under a limit of 7 days and is valid under one of 14, though it is older now."""
    old = gateway_event("ada", time=laurel.now(10 * 86_400))
    message = laurel.send("events", [gateway_event("ben"), old])
    laurel.run()
    (found,) = laurel.listed()
    assert found["reason"] == "too_old"
    laurel.laurel("dlq", "redrive", found["id"])
    (body,) = laurel.bodies("events")
    assert json.loads(body)["id"] == f"{message}/1"
    assert laurel.requests("ben") == 1
    laurel.run()
    assert (laurel.requests("ada"), laurel.requests("ben")) == (0, 1)
    (found,) = laurel.listed()
    laurel.context.rules = _with_max_age(laurel, 14)
    laurel.world.sleep(8 * 86_400)
    laurel.laurel("dlq", "redrive", found["id"])
    laurel.run()
    assert laurel.requests("ada") == 1
    assert laurel.listed() == []
    # The event of the first message arrives by a second way: its id is known.
    laurel.send("events", old | {"id": f"{message}/1"})
    laurel.run()
    assert laurel.requests("ada") == 1


def test_awards_keep_their_identity_though_their_form_has_no_id(
    laurel: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair_store = laurel.fail_store(monkeypatch)
    award = {"event": "award", "distinct_id": "d-1", "properties": {"username": "ada", "points": 5, "reason": "help"}}
    message = laurel.send("events", award)
    laurel.run()
    repair_store()
    laurel.laurel("dlq", "redrive", "--all")
    (body,) = laurel.bodies("events")
    assert json.loads(body)["id"] == f"{message}/0"
    laurel.run()
    assert (laurel.xp("ada") or 0) >= 5
    before = laurel.xp("ada")
    laurel.send("events", body)
    laurel.run()
    assert laurel.xp("ada") == before


def test_an_award_over_the_bound_keeps_its_moments_however_often_it_is_redriven(laurel: Deployment) -> None:
    properties = {"username": "ada", "points": 20_000, "reason": "help", "key": "k"}
    time, received, settings = laurel.now(3600), laurel.now(), laurel.context.rules.settings
    laurel.send("events", {"event": "award", "properties": properties, "timestamp": time})
    for _ in range(3):
        laurel.run()
        (found,) = laurel.listed()
        sent = event.parse(found["body"], Delivery("m", laurel.world.now_ms()), settings, laurel.world.now_ms())
        assert (found["reason"], sent.id) == ("award_out_of_range", "k")
        assert (moment_name(sent.time_ms), found["receivedAt"]) == (time, received)
        assert found["body"].get("receivedAt", received) == received
        laurel.world.sleep(86_400)
        laurel.laurel("dlq", "redrive", found["id"])


def test_a_failure_of_the_own_queue_returns_there(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    repair_store = laurel.fail_store(monkeypatch)
    grant = {"type": "badge.granted", "apiKeyId": "ada", "id": "g", "metadata": {"badgeId": "first-steps"}}
    laurel.send("own", grant)
    laurel.run()
    repair_store()
    laurel.laurel("dlq", "redrive", "--all")
    assert laurel.bodies("events") == []
    laurel.run()
    player = load_player(laurel.context.table, "ada")
    assert player is not None
    assert player.holds("first-steps")


def test_an_array_too_long_can_travel_in_parts(laurel: Deployment) -> None:
    number = MAX_EVENTS_PER_MESSAGE + 20
    message = laurel.send("events", [{"type": "request.completed", "apiKeyId": "ada"} for _ in range(number)])
    laurel.run()
    (found,) = laurel.listed()
    assert found["reason"] == "too_many_events"
    laurel.laurel("dlq", "redrive", found["id"])
    parts = [json.loads(body) for body in laurel.bodies("events")]
    assert [len(part) for part in parts] == [500, 20]
    assert parts[1][-1]["id"] == f"{message}/{number - 1}"
    laurel.run()
    assert laurel.requests("ada") == number


def test_a_copy_of_an_envelope_changes_nothing(laurel: Deployment) -> None:
    laurel.send("events", {"nonsense": 1})
    laurel.run()
    laurel.send("rejected", laurel.bodies("rejected")[0])
    (found,) = laurel.listed()
    assert "1 message redriven" in laurel.laurel("dlq", "redrive", found["id"]).stdout
    assert len(laurel.bodies("events")) == 1
    assert laurel.bodies("rejected") == []


def test_a_message_rejected_again_waits_for_the_next_redrive(
    laurel: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        laurel.send("events", {"nonsense": 1})
    laurel.run()
    real, sent = laurel.context.queues.send_each, []

    def send_each(queue: str, bodies: list[str]) -> Any:
        outcomes = real(queue, bodies)
        if queue == "events":
            sent.extend(bodies)
            laurel.world.sleep(1)
            laurel.run()
        return outcomes

    monkeypatch.setattr(laurel.context.queues, "send_each", send_each)
    laurel.world.sleep(1)
    laurel.laurel("dlq", "redrive", "--all")
    assert len(sent) == 2
    assert len(laurel.listed()) == 2


def test_a_message_that_no_redrive_can_apply_is_refused_and_stays(laurel: Deployment) -> None:
    laurel.send("events", "no json")
    laurel.run()
    (found,) = laurel.listed()
    result = laurel.laurel("dlq", "redrive", found["id"], status=1)
    assert "nothing in it can be applied" in result.stderr
    assert ids(laurel.listed()) == {found["id"]}
    assert laurel.laurel("dlq", "redrive", "--all").stdout == "0 messages redriven\n"
    assert "not in rejected or dead-letter" in laurel.laurel("dlq", "redrive", "gone", status=1).stderr
    assert "Name the messages" in laurel.laurel("dlq", "redrive", status=2).stderr


@pytest.mark.parametrize("depth", [90, 999, 5_000])
def test_a_body_that_nests_too_deeply_is_shown_as_text(laurel: Deployment, depth: int) -> None:
    body = "[" * depth + "]" * depth
    laurel.send("events", body)
    laurel.run()
    (found,) = laurel.listed()
    assert (found["reason"] in ("too_deep", "not_json"), found["body"]) == (True, body)
    assert json.loads(laurel.laurel("dlq", "show", found["id"]).stdout)["body"] == body


def test_a_message_older_than_the_records_of_duplicates_is_refused(laurel: Deployment) -> None:
    received = moment_name(laurel.world.now_ms() - MAX_DELAY_MS - DAY_MS)
    laurel.send("dead_letter", gateway_event("ada", id="1", receivedAt=received))
    result = laurel.laurel("dlq", "redrive", "--all")
    assert "more than 60 days ago" in result.stderr
    assert laurel.bodies("events") == []
    assert len(laurel.listed()) == 1


def test_archived_messages_are_listed_shown_and_redriven(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    repair_store = laurel.fail_store(monkeypatch)
    rejected = laurel.send("events", {"nonsense": 1})
    failed = laurel.send("backfill", gateway_event("ada"))
    laurel.run()
    repair_store()
    laurel.world.sleep(9 * 86_400)
    assert archive_failures(laurel.context).moved == dict.fromkeys(ALL_QUEUES, 0)
    laurel.world.sleep(2 * 86_400)
    laurel.send("events", {"nonsense": "young"})
    laurel.run()
    archived = archive_failures(laurel.context)
    assert archived.moved == {"rejected": 1, "dead_letter": 1, "boards_dead_letter": 0}
    assert archived.failed == {}
    assert laurel.bodies("dead_letter") == []
    assert len(laurel.bodies("rejected")) == 1
    found = {each["id"]: each for each in laurel.listed()}
    assert len(found) == 3
    assert (found[rejected]["reason"], found[rejected]["body"]) == ("not_an_event", {"nonsense": 1})
    assert found[failed]["archived"]
    assert (found[failed]["reason"], found[failed]["origin"]) == ("StoreError", "backfill")
    assert json.loads(laurel.laurel("dlq", "show", failed).stdout)["body"]["apiKeyId"] == "ada"
    laurel.laurel("dlq", "redrive", failed)
    laurel.run()
    assert laurel.requests("ada") == 1
    assert get_failures(laurel.context.table, "dead_letter", [failed], laurel.world.now_ms()) == {}
    assert len(laurel.listed()) == 2


def test_an_archive_run_continues_where_the_last_one_ran_out_of_time(laurel: Deployment) -> None:
    for number in range(200):
        laurel.send("dead_letter", gateway_event("ada", id=str(number)))
    laurel.world.sleep(11 * 86_400)
    assert archive_failures(laurel.context.within(RESERVE_MS)).moved["dead_letter"] == 0
    answers = iter([True, True, True, False])
    # One round of the first queue, which is empty; two of the second; none of the third.
    assert archive_failures(with_time(laurel.context, lambda: next(answers, False))).moved["dead_letter"] == 160
    assert len(laurel.bodies("dead_letter")) == 40
    assert len(laurel.listed()) == 200
    assert archive_failures(laurel.context).moved["dead_letter"] == 40
    assert len(laurel.listed()) == 200


def test_board_messages_go_back_to_the_boards(laurel: Deployment) -> None:
    body = '{"board":"weekly#2026-W21","updates":[]}'
    laurel.plant.sqs.send_message(
        QueueUrl=laurel.plant.urls["boards_dead_letter"],
        MessageBody=body,
        MessageGroupId="weekly#2026-W21",
        MessageDeduplicationId="1",
    )
    option = ("--queue", "boards-dead-letter")
    assert [each["body"]["board"] for each in laurel.listed(*option)] == ["weekly#2026-W21"]
    laurel.laurel("dlq", "redrive", "--all", *option)
    (message,) = laurel.world.queue(laurel.plant.urls["boards"]).messages()
    assert (message.body, message.group) == (body, "weekly#2026-W21")
    assert laurel.listed(*option) == []


def test_archive_and_redrive_accept_the_envelope_of_a_rejection(laurel: Deployment) -> None:
    message = laurel.send("events", {"nonsense": 1})
    laurel.run()
    envelope = envelope_of(laurel.bodies("rejected")[0])
    assert envelope is not None
    assert (envelope.id, envelope.queue, len(envelope.events)) == (message, "events", 1)


def _with_max_age(laurel: Deployment, days: int) -> Rules:
    replace, rules = msgspec.structs.replace, laurel.context.rules
    settings = replace(rules.settings, max_age_days=days)
    return Rules(replace(rules.ruleset, settings=settings), rules.levels)
