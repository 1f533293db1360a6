from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.store.core.table import Busy, Table
from tests.api.conftest import Site
from tests.api.http import Answer


class EventSource:
    """A browser's EventSource: reads the responses by the rules of HTML."""

    def __init__(self, site: Site, query: str = "") -> None:
        self.site, self.query = site, query
        self.last_id = ""
        self.retry_ms = 3000
        self.heard: list[Any] = []

    def connect(self) -> Answer:
        """Send one request and read its response to the end."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        answer = self.site.get(f"/stream{self.query}", **headers)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.text.endswith("\n\n")
        for block in answer.text.removesuffix("\n\n").split("\n\n"):
            self._read(block)
        return answer

    def _read(self, block: str) -> None:
        data: list[str] = []
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                self.last_id = value
            elif name == "retry":
                self.retry_ms = int(value)
            elif name == "data":
                data.append(value)
            else:
                assert name == ""
        if data:
            self.heard.append(json.loads("\n".join(data)))


def test_the_top_ten_is_published_at_first_and_after_each_change(site: Site) -> None:
    site.put_all_on_board([(f"p{number}", 100 - number) for number in range(20)])
    source = EventSource(site)
    first = source.connect()
    assert source.retry_ms == 5000
    assert source.heard == [
        {key: value for key, value in site.get("/leaderboard?limit=10").json.items() if key != "total"}
    ]
    assert len(source.heard[0]["entries"]) == 10
    assert first.headers["Cache-Control"] == "public, max-age=3"
    assert first.headers["Vary"] == "Accept-Encoding, Last-Event-ID"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    known = source.last_id
    assert source.connect().text == "retry: 5000\n: unchanged\n\n"
    site.put_on_board("below", 3)
    source.connect()
    assert (len(source.heard), source.last_id) == (1, known)
    site.put_on_board("above", 500, name="Line\nbreak: æøå")
    source.connect()
    assert len(source.heard) == 2
    assert source.heard[1]["entries"][0]["displayName"] == "Line\nbreak: æøå"
    assert source.last_id != known


def test_an_unknown_last_event_id_returns_the_whole_board(site: Site) -> None:
    site.put_on_board("anna", 5)
    source = EventSource(site)
    source.last_id = "0" * 24
    source.connect()
    assert len(source.heard) == 1


def test_scope_and_period(site: Site) -> None:
    site.put_on_board("anna", 5, "weekly#2026-W21")
    site.put_on_board("berta", 5, "weekly#2026-W20")
    for query, period in (("?scope=weekly", "2026-W21"), ("?scope=weekly&period=2026-W20", "2026-W20")):
        source = EventSource(site, query)
        source.connect()
        assert (source.heard[0]["scope"], source.heard[0]["period"]) == ("weekly", period)
        assert len(source.heard[0]["entries"]) == 1


def test_an_empty_board_is_published_too(site: Site) -> None:
    source = EventSource(site, "?scope=daily")
    source.connect()
    assert source.heard == [{"scope": "daily", "period": "2026-05-19", "entries": [], "updatedAt": None}]
    source.connect()
    assert len(source.heard) == 1


def test_a_key_makes_no_difference(site: Site) -> None:
    site.put_on_board("shy", 5, name="Sherry", private=True)
    public = site.get("/stream")
    assert "Player #1" in public.text
    for key in (site.key("shy"), site.key("root", "admin"), "nonsense"):
        answer = site.get("/stream", key)
        assert (answer.status, answer.text) == (200, public.text)


def test_a_throttled_table_does_not_end_the_stream(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put_on_board("anna", 5)
    source = EventSource(site)
    source.connect()
    known = source.last_id

    def throttled(*_: Any, **__: Any) -> Any:
        raise Busy("slow down")

    with monkeypatch.context() as patched:
        patched.setattr(Table, "query", throttled)
        answer = source.connect()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text == "retry: 5000\n: busy\n\n"
    assert source.last_id == known


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ("scope=galaxy", 400, "scope"),
        ("scope=daily&period=2026", 400, "period"),
        ("scope=daily", 200, ""),
        ("limit=5", 400, "limit"),
    ],
)
def test_wrong_parameters_are_refused(site: Site, query: str, status: int, parameter: str) -> None:
    answer = site.get(f"/stream?{query}")
    assert answer.status == status
    if parameter:
        assert (answer.json["code"], answer.json["parameter"]) == ("invalid_request", parameter)


def test_an_expired_day_is_not_found(site: Site) -> None:
    assert site.get("/stream?scope=daily&period=2026-04-18").status == 404


def test_cost_of_the_stream(site: Site) -> None:
    site.put_all_on_board([(f"p{number}", number + 1) for number in range(50)])
    meter = site.world.dynamodb.meter
    meter.reset()
    site.get("/stream")
    assert (meter.calls, meter.read_units) == (1, 0.5)
