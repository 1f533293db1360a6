from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.events.event import OWN_TYPES
from chalicelib.gateways.queues import NotSent
from tests.api.conftest import NOW, RETRY_AFTER, Site, request_event


@pytest.fixture
def writer(site: Site) -> str:
    return site.key("gateway", "events:write")


def test_one_event_and_an_array_in_every_form(site: Site, writer: str) -> None:
    award = {
        "event": "award",
        "distinct_id": "device-7",
        "properties": {"username": "carl", "points": 5, "reason": "kind"},
        "timestamp": NOW,
    }
    short = {"type": "request.completed", "apiKeyId": "berta", "id": "b1", "time": NOW, "metadata": {"model": "m"}}
    one = site.post("/events", request_event("anna", "a1"), writer)
    assert (one.status, one.json) == (202, {"accepted": 1, "ids": ["a1"]})
    granter = site.key("gateway", "events:write", "awards:grant")
    many = site.post("/events", [short, award], granter)
    assert many.status == 202
    assert many.json["accepted"] == 2
    site.work()
    admin = site.key("root", "admin")
    assert site.get("/players/anna", admin).json["counters"]["request"] == 1
    assert site.get("/players/berta", admin).json["counters"]["request"] == 1
    assert site.get("/players/carl", admin).json["awardTotal"] == 5


def test_an_event_sent_twice_changes_nothing(site: Site, writer: str) -> None:
    for _ in range(3):
        site.post("/events", [request_event("anna", "a1"), request_event("anna", "a2", time=None)], writer)
        site.work()
    assert site.get("/players/anna", writer).json["counters"]["request"] == 2


def test_an_event_without_id_gets_one_and_without_time_stays_without(site: Site, writer: str) -> None:
    answer = site.post("/events", {"type": "combo.created", "apiKeyId": "anna"}, writer)
    (event,) = site.events()
    assert answer.json["ids"] == [event["id"]]
    assert len(event["id"]) == 32
    assert "time" not in event
    assert event["source"] == "gateway"
    assert event["specversion"] == "1.0"


def test_bad_events_are_named_and_nothing_is_queued(site: Site, writer: str) -> None:
    bad: list[Any] = [
        request_event("anna", "1"),
        {"nonsense": 1},
        request_event("no spaces", "2"),
        request_event("anna", "3", time="2026-05-01T00:00:00Z"),
        request_event("anna", "4", time="2026-05-19T12:06:00Z"),
        request_event("anna", "5", tokensIn=-1),
        request_event("anna", "6", tokensIn=True),
        request_event("anna", "7") | {"id": "x\u0007"},
        request_event("anna", "8", text="x" * 17_000),
        "text",
        None,
    ]
    answer = site.post("/events", bad, writer)
    assert answer.status == 400
    assert answer.json["code"] == "invalid_events"
    assert [(each["index"], each["reason"]) for each in answer.json["events"]] == [
        (1, "not_an_event"),
        (2, "invalid_event"),
        (3, "too_old"),
        (4, "too_far_ahead"),
        (5, "invalid_data"),
        (6, "invalid_data"),
        (7, "invalid_event"),
        (8, "too_large"),
        (9, "not_an_event"),
        (10, "not_an_event"),
    ]
    assert all(each["error"] for each in answer.json["events"])
    assert not site.queued("events")


@pytest.mark.parametrize("type_", sorted(OWN_TYPES))
def test_types_that_laurel_makes_are_refused(site: Site, type_: str) -> None:
    event = request_event("anna", "1") | {"type": type_}
    answer = site.post("/events", event, site.key("root", "admin"))
    assert answer.status == 400
    assert answer.json["events"][0]["reason"] == "own_type"
    assert not site.queued("events")


def test_refusals_name_the_problem_of_each_event(site: Site, writer: str) -> None:
    short = {"type": "combo.created", "apiKeyId": "anna"}
    bad = [short | {"metdata": {}}, request_event("anna", "1") | {"apiKeyId": "anna"}, short | {"apiKeyId": ".."}]
    answer = site.post("/events", bad, writer)
    assert [(each["reason"], each["error"]) for each in answer.json["events"]] == [
        ("invalid_event", "There is no member 'metdata'; did you mean 'metadata'?"),
        ("ambiguous_form", "The event mixes two formats, with 'specversion' and 'apiKeyId'; use one of them."),
        ("invalid_event", "'..' cannot be a player's id."),
    ]
    assert not site.queued("events")


def test_an_unknown_type_is_no_error(site: Site, writer: str) -> None:
    assert site.post("/events", request_event("anna", "1") | {"type": "coffee.made"}, writer).status == 202


def test_an_event_cannot_say_when_it_was_received(site: Site, writer: str) -> None:
    """A time of receipt lifts the age limit; only redriven events, on the queue, have one."""
    old = request_event("anna", "1", time="2026-04-20T12:00:00Z") | {"receivedAt": "2026-04-20T12:00:01Z"}
    assert site.post("/events", old, writer).json["events"][0]["reason"] == "too_old"
    new = request_event("anna", "1") | {"receivedAt": NOW}
    assert site.post("/events", new, writer).status == 202
    assert "receivedAt" not in site.events()[0]


def test_a_request_has_at_most_500_events(site: Site, writer: str) -> None:
    event = {"type": "combo.created", "apiKeyId": "anna", "metadata": {"note": "x" * 1000}}
    answer = site.post("/events", [event | {"id": str(n)} for n in range(500)], writer)
    assert answer.json == {"accepted": 500, "ids": [str(n) for n in range(500)]}
    bodies = site.queued("events")
    assert all(len(body.encode()) <= 100 * 1024 for body in bodies)
    assert [each["id"] for body in bodies for each in json.loads(body)] == [str(n) for n in range(500)]
    answer = site.post("/events", [event] * 501, writer)
    assert (answer.status, answer.json["code"]) == (400, "too_many_events")
    assert site.post("/events", [], writer).json["code"] == "empty_array"


def test_characters_that_sqs_refuses_are_escaped(site: Site, writer: str) -> None:
    answer = site.post("/events", request_event("anna", "1", note="a\ufffeb\uffffc\u0001é🌿"), writer)
    assert answer.status == 202
    assert "\ufffe" not in site.queued("events")[0]
    assert site.events()[0]["data"]["note"] == "a\ufffeb\uffffc\u0001é🌿"


def test_a_queue_that_refuses_messages_returns_503(site: Site, writer: str) -> None:
    def refuse(queue: str, bodies: Any) -> None:
        raise NotSent("1 of 1 messages not accepted: InternalError")

    site.context.queues.send = refuse  # type: ignore[method-assign]
    answer = site.post("/events", request_event("anna", "1"), writer)
    assert answer.status == 503
    assert answer.headers["Retry-After"] in RETRY_AFTER
    assert "InternalError" not in answer.text


def test_awards_among_events_need_the_permission(site: Site, writer: str) -> None:
    event = request_event("anna", "1") | {
        "type": "award",
        "data": {"points": 10, "reason": "kind", "grantedBy": "another granter"},
    }
    answer = site.post("/events", [request_event("anna", "2"), event], writer)
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert not site.queued("events")
    granter = site.key("granter", "events:write", "awards:grant")
    assert site.post("/events", event, granter).status == 202
    assert site.events("own")[0]["data"]["grantedBy"] == "granter"
    answer = site.post("/events", event | {"data": {"points": 10_001, "reason": "kind"}}, granter)
    assert answer.json["events"][0]["reason"] == "award_out_of_range"


def test_the_largest_event_is_applied_too(site: Site, writer: str) -> None:
    """The worker accepts every event that the API accepts: both measure the canonical form."""
    event = {"type": "combo.created", "apiKeyId": "anna", "metadata": {"note": ""}}
    for length in range(16_100, 16_400, 20):
        event["metadata"] = {"note": "x" * length}
        answer = site.post("/events", event, writer)
        if answer.status == 400:
            break
    assert answer.json["events"][0]["reason"] == "too_large"
    site.work()
    assert not site.queued("rejected")
