"""Tests of CloudEvents in binary mode and as a batch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import NOW, Site, request_event

# As the Python library `cloudevents` writes them: to_binary(CloudEvent({...}, {"model": "m"})).
HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "b-1",
    "ce-source": "gateway/eu-1",
    "ce-type": "request.completed",
    "ce-subject": "anna",
    "ce-time": NOW,
}
DATA = {"model": "acme-large", "tokensIn": 12}


@pytest.fixture
def writer(site: Site) -> str:
    return site.key("gateway", "events:write")


def send(site: Site, key: str, data: Any = DATA, **changed: str) -> Any:
    return site.post(
        "/events", data, key, **(HEADERS | {name.replace("_", "-"): text for name, text in changed.items()})
    )


def test_the_attributes_in_headers_and_the_data_as_body_make_an_event(site: Site, writer: str) -> None:
    answer = send(site, writer)
    assert (answer.status, answer.json) == (202, {"accepted": 1, "ids": ["b-1"]})
    (event,) = site.events()
    expected = {name.removeprefix("ce-"): value for name, value in HEADERS.items()} | {"data": DATA}
    assert {name: event[name] for name in expected} == expected


def test_both_modes_send_the_same_event(site: Site, writer: str) -> None:
    send(site, writer, **{"Content-Type": "application/json; charset=utf-8"})
    structured = {name.removeprefix("ce-"): value for name, value in HEADERS.items()} | {"data": DATA}
    site.post("/events", structured, writer, Content_Type="application/cloudevents+json")
    first, second = site.events()
    assert first == second
    site.work()
    assert site.get("/players/anna", writer).json["counters"]["request"] == 1


def test_names_of_headers_ignore_case_and_the_body_may_be_absent(site: Site, writer: str) -> None:
    answer = site.post("/events", None, writer, **{name.title(): value for name, value in HEADERS.items()})
    assert answer.status == 202
    assert "data" not in site.events()[0]


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("100%25", "100%"),
        ("%2541", "%41"),
        ('"a \\"quoted\\" word"', 'a "quoted" word'),
        ("/plain?a=1+2", "/plain?a=1+2"),
    ],
)
def test_values_are_unquoted_then_percent_decoded_once(site: Site, writer: str, sent: str, source: str) -> None:
    assert send(site, writer, ce_source=sent).status == 202
    assert site.events()[0]["source"] == source


def test_a_value_that_is_not_utf_8_is_named(site: Site, writer: str) -> None:
    answer = send(site, writer, ce_source="%FF")
    assert (answer.status, answer.json["parameter"]) == (400, "ce-source")


@pytest.mark.parametrize(
    "body",
    [request_event("anna", "a1"), [request_event("anna", "a1")], {"type": "combo.created", "apiKeyId": "anna"}],
    ids=["structured", "array", "gateway-form"],
)
def test_headers_with_an_event_as_body_are_refused(site: Site, writer: str, body: Any) -> None:
    answer = send(site, writer, body)
    assert (answer.status, answer.json["code"]) == (400, "ambiguous_form")
    assert site.events() == []


def test_structured_mode_may_repeat_its_attributes_in_headers(site: Site, writer: str) -> None:
    answer = send(site, writer, request_event("anna", "b-1"), Content_Type="application/cloudevents+json")
    assert answer.status == 202
    assert [event["id"] for event in site.events()] == ["b-1"]


def test_a_missing_attribute_is_named(site: Site, writer: str) -> None:
    answer = site.post("/events", DATA, writer, **{name: HEADERS[name] for name in HEADERS if name != "ce-subject"})
    assert answer.status == 400
    assert "subject" in answer.json["error"] + str(answer.json)


def test_data_that_is_no_json_is_415(site: Site, writer: str) -> None:
    assert send(site, writer, Content_Type="text/plain").status == 415


def test_other_operations_ignore_the_headers(site: Site) -> None:
    granter = site.key("jury", "awards:grant")
    award = {"player": "anna", "points": 5, "reason": "kind", "key": "k"}
    assert site.post("/awards", award, granter, **HEADERS).status == 202


def test_a_batch_is_an_array(site: Site, writer: str) -> None:
    batch = [request_event("anna", "a1"), request_event("anna", "a2")]
    answer = site.post("/events", batch, writer, Content_Type="application/cloudevents-batch+json")
    assert (answer.status, answer.json) == (202, {"accepted": 2, "ids": ["a1", "a2"]})
