"""Events that try to break their readers: each fails alone, or counts once with its own figures."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.errors import InvalidRequest, OutOfReach
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.events.failed_messages import FailedMessage
from chalicelib.services.events.resend_events import bodies_again
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.operations.list_failures import list_failures
from chalicelib.services.operations.redrive_failures import redrive_failures
from chalicelib.services.progress.read_log import read_log
from chalicelib.settings import RULESETS
from chalicelib.store.progress.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.services.progress.test_apply_events import counted, event, process
from tests.simulated.faults import Faults

AWARD = {"points": 10, "reason": "kind", "key": "once"}


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def default_rules(**changes: str) -> Rules:
    """Return the default ruleset with other lines for some actions."""
    lines = (RULESETS / "default.toml").read_text().splitlines()
    for action, rule in changes.items():
        (place,) = [number for number, line in enumerate(lines) if line.startswith(f"{action} = ")]
        lines[place] = f"{action} = {rule}"
    return ruleset.parse("\n".join(lines).encode(), "changed.toml")


def test_an_awards_key_is_its_identity_in_every_form(plant: Plant) -> None:
    gateway = {"type": "award", "apiKeyId": "ada", "source": "awards", "metadata": AWARD}
    canonical = {"specversion": "1.0", "id": "c", "source": "awards", "type": "award", "subject": "ada", "data": AWARD}
    short = {"event": "award", "properties": AWARD | {"username": "ada"}}
    assert not process(plant, gateway | {"id": "a"}, gateway | {"id": "b"}, gateway, canonical, short).failed
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert player.award_xp == 10


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        ("combo_use", '{ xp = 2, once_per = "comboId" }'),
        ("skill_use", '{ xp = 2, once_per = "comboId" }'),
        ("daily_login", '{ xp = 3, once_per = "comboId" }'),
        ("request", '{ xp = 1, streak_day = true, once_per = "comboId" }'),
    ],
)
def test_a_derived_action_may_pay_only_the_first_time(action: str, rule: str) -> None:
    plant = plants.build(1, Faults(), default_rules(**{action: rule}))
    data = {"comboId": "c", "skillUsed": True}
    for number, ago_s in ((1, 2 * 86_400.0), (2, 86_400.0), (3, 0.0)):
        report = process(plant, event(plant, number, ago_s=ago_s, data=data))
        assert not report.failed
        paid = report.outcomes[0].applied[0].entry.paid
        assert (action in paid) is (number == 1)
    assert counted(plant, "ada") == 3


def test_endless_nesting_is_refused_by_a_redrive_and_stops_no_other(plant: Plant) -> None:
    process(plant, "[" * 200_000, [])
    result = redrive_failures(plant.context, "rejected")
    assert set(result.refused) == {"m0", "m1"}


def test_a_claim_of_the_first_year_is_listed_and_refused(plant: Plant) -> None:
    process(plant, event(plant, 1) | {"receivedAt": "0001-01-01T00:00:00Z"}, {"nonsense": 1})
    assert list_failures(plant.context, "rejected").found[0].received_ms == 0
    result = redrive_failures(plant.context, "rejected")
    assert (result.done, set(result.refused)) == (["m1"], {"m0"})


def test_a_claim_beyond_the_calendar_is_rejected_and_redriven_without_it(plant: Plant) -> None:
    report = process(plant, event(plant, 1) | {"receivedAt": "0001-01-01T00:00:00+23:59"}, event(plant, 2))
    assert (len(report.outcomes[0].applied), report.rejected) == (1, {"invalid_event": 1})
    assert list_failures(plant.context, "rejected").found[0].received_ms == plant.context.now_ms()
    assert redrive_failures(plant.context, "rejected").done == ["m0"]


def test_blank_texts_are_not_given_and_the_event_is_the_same_when_it_comes_again(plant: Plant) -> None:
    blank = {"model": "", "provider": " ", "comboId": "", "caller": "", "skillUsed": "", "status": ""}
    short = {"type": "request.completed", "apiKeyId": "ada", "id": "", "source": "", "metadata": blank}
    first = process(plant, event(plant, 1, data=blank), event(plant, 2, data={"model": "Unknown"}), short)
    assert (first.failed, first.rejected, len(first.outcomes[0].applied)) == ({}, {}, 3)
    again = process(plant, event(plant, 1, data=blank), event(plant, 2, data={"model": "Unknown"}))
    assert (again.outcomes[0].duplicates, again.outcomes[0].mismatches) == (2, 0)
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert player.sets == {}
    derived = ("combo_use", "skill_use", "model_diversity", "provider_switch")
    assert [player.count(action) for action in ("request", *derived)] == [3, 0, 0, 0, 0]


def log_at(plant: Plant, place: str) -> set[str]:
    process(plant, event(plant, 1), event(plant, 2, "bob"))
    cursor = urlsafe_b64encode(place.encode()).decode().rstrip("=")
    log = read_log(plant.context, Caller("ada", "laurel_0", frozenset()), cursor=cursor)
    return {entry.id for entry in log.entries}


@pytest.mark.parametrize("forged", ["9999999999.1.1.1", "-1.0.0.0", "1.1.1", "\u0661.1.1.1", "1.1.1.1\n", ""])
def test_a_cursor_that_no_answer_gave_is_refused(plant: Plant, forged: str) -> None:
    with pytest.raises(InvalidRequest, match="'cursor'"):
        log_at(plant, forged or "\0")


@pytest.mark.parametrize(("place", "found"), [("99999999.99999.999999.9999", {"e1"}), ("1.1.1.1", set())])
def test_a_cursor_leads_no_further_than_the_players_own_log(plant: Plant, place: str, found: set[str]) -> None:
    assert log_at(plant, place) == found


def test_text_that_sqs_refuses_is_escaped_on_every_way(plant: Plant) -> None:
    process(plant, '{"nonsense":"\uffff"}', '{"nonsense":"\\uffff \ud7ff \\u0000"}', "not json \ufffe")
    for queue, ids in (("rejected", []), ("events", ["m1"])):
        redrive_failures(plant.context, "rejected", ids)
        bodies = [message.body for message in plant.world.queue(plant.urls[queue]).messages()]
        assert bodies
        assert not any(char in body for body in bodies for char in "\ufffe\uffff\0")


def test_a_body_enlarged_by_escapes_stops_no_neighbour(plant: Plant) -> None:
    sizes = []
    send = plant.context.queues.client.send_message_batch

    def queue_of_256_kb(**call: Any) -> Any:
        sizes.append(sum(len(entry["MessageBody"].encode()) for entry in call["Entries"]))
        return send(**call)

    array = json.dumps([event(plant, number) for number in range(1250)])
    quotes = '"' * 250_000
    with patch.object(plant.context.queues.client, "send_message_batch", queue_of_256_kb):
        report = process(plant, {"nonsense": 1}, array, quotes, '{"\uffff":1}', event(plant, 1))
    assert max(sizes) <= 256 * 1024
    assert not report.failed
    assert report.rejected == {"not_an_event": 2, "too_many_events": 1, "not_json": 1}
    assert counted(plant, "ada") == 1
    found = {each.id: each.body for each in list_failures(plant.context, "rejected").found}
    assert found == {"m0": '{"nonsense": 1}', "m1": array, "m2": quotes, "m3": '{"\uffff":1}'}
    assert redrive_failures(plant.context, "rejected", ["m1"]).done == ["m1"]
    waiting = plant.world.queue(plant.urls["events"]).messages()
    assert sum(len(json.loads(message.body)) for message in waiting) == 1250


def broken_call(*_: Any, **__: Any) -> Any:
    raise ClientError({"Error": {"Code": "RequestThrottled", "Message": "slow down"}}, "SendMessageBatch")


def test_a_queue_out_of_reach_says_so_and_a_visibility_that_cannot_be_changed_fails_nothing(plant: Plant) -> None:
    client = plant.context.queues.client
    with patch.object(client, "send_message_batch", broken_call), pytest.raises(OutOfReach):
        plant.context.queues.send("events", ["{}"])
    with patch.object(plant.context.bus.client, "put_events", broken_call), pytest.raises(OutOfReach):
        plant.context.bus.publish([DomainEvent("1", "level.up", "ada", "2026-05-19T12:00:00.000Z", {})])
    with patch.object(client, "change_message_visibility_batch", broken_call):
        report = process(plant, event(plant, 1), within_ms=0)
    assert list(report.failed) == ["m0"]


HALF_PAIR = '{"type": "request.completed", "apiKeyId": "ada", "metadata": {"note": "\\ud83d"}}'


@pytest.mark.parametrize("hostile", [HALF_PAIR, '{"x": 1e400}', "1e400", '{"x": NaN}', f'{{"x": {"9" * 5000}}}'])
def test_an_event_that_no_reader_takes_leaves_the_others_of_its_array(plant: Plant, hostile: str) -> None:
    timeless = json.dumps({"type": "request.completed", "apiKeyId": "ada"})
    body = f" [ {timeless}, {hostile} ,{timeless}\n]\n"
    report = process(plant, body)
    assert not report.failed
    assert report.rejected == {"not_json": 1}
    assert counted(plant, "ada") == 2
    assert [each.id for each in list_failures(plant.context, "rejected").found] == ["m0"]
    assert "m0" in redrive_failures(plant.context, "rejected").refused
    # As a dead letter its events keep the ids they had, so that none is applied again.
    (again,) = bodies_again(dead_letter(plant, body), plant.context.now_ms())
    assert process(plant, again).outcomes[0].duplicates == 2
    assert counted(plant, "ada") == 2


@pytest.mark.parametrize("body", ["[", "[]x", "[1e400", "[1e400,]", "[1e400 1]", "1e400", HALF_PAIR, "[1e400]]", ""])
def test_a_body_that_is_no_json_is_refused_whole(plant: Plant, body: str) -> None:
    assert process(plant, body).rejected == {"not_json": 1}


def dead_letter(plant: Plant, body: str) -> FailedMessage:
    now_ms = plant.context.now_ms()
    return FailedMessage("m0", "dead_letter", "events", body, now_ms, "StoreError", "", 10, "")


def test_no_other_event_takes_the_identity_of_an_award_or_a_decision(plant: Plant) -> None:
    taken = {"specversion": "1.0", "type": "anything", "subject": "ada"}
    process(plant, taken | {"id": "once", "source": "awards"}, taken | {"id": "d1", "source": "laurel/admin"})
    process(plant, {"event": "award", "properties": AWARD | {"username": "ada"}})
    decision = {"id": "d1", "source": "laurel/admin", "type": "badge.granted", "data": {"badgeId": "hundred"}}
    assert not process(plant, taken | decision, queue="own").failed
    player = load_player(plant.context.table, "ada")
    assert player is not None
    assert player.award_xp == 10
    assert player.holds("hundred")
