"""Tests of the responses to requests with one award key that run concurrently, stop half-way or get no response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chalicelib.domain.core.errors import LostRace
from chalicelib.gateways.queues import NotSent
from chalicelib.services.events.reserve_awards import MAX_AT_ONCE
from chalicelib.store.core.keys import Key
from chalicelib.store.core.table import Table, Unknown
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.api.writes import LateWrite, Writes, at_write

REPLAYED = "Idempotency-Replayed"
MAX_DAY = 50_000


@pytest.fixture
def granter(site: Site) -> str:
    return site.key("granter", "awards:grant")


def give(site: Site, granter: str, points: int = 5, key: str = "k", player: str = "anna") -> Answer:
    return site.post("/awards", {"player": player, "points": points, "reason": "r", "key": key}, granter)


def total(site: Site, granter: str, player: str = "anna") -> int:
    site.work()
    return int(site.get(f"/players/{player}", granter).json["awardTotal"])


def left(site: Site, granter: str) -> int:
    """Return the points left of the granter's daily limit."""
    answer = site.post("/events", [], granter)
    assert answer.status == 403
    row = site.context.table.get((f"GRANTER#granter#{site.world.now_ms() // 86_400_000}", "GRANTED"))
    return MAX_DAY - (int(row["points"]["N"]) if row else 0)


def meanwhile(monkeypatch: pytest.MonkeyPatch, call: str, action: Callable[[], Any], place: int = 0) -> None:
    """Run `action` once, before the call of this name with this number."""
    real, calls = getattr(Table, call), [0]

    def step(table: Table, *args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == place + 1:
            action()
        return real(table, *args, **kwargs)

    monkeypatch.setattr(Table, call, step)


@pytest.mark.parametrize("call", ["get_many", "transact"])
@pytest.mark.parametrize("changed", [{"points": 7}, {"player": "berta"}])
def test_of_two_awards_under_one_key_exactly_one_wins(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch, call: str, changed: dict[str, Any]
) -> None:
    """The other request comes before the first read, or between read and write."""
    other = list[Answer]()
    with monkeypatch.context() as patch:
        meanwhile(patch, call, lambda: other.append(give(site, granter, **changed)))
        mine = give(site, granter)
    assert (mine.status, mine.json["code"]) == (409, "idempotency_conflict")
    assert other[0].status == 202
    points = changed.get("points", 5)
    assert total(site, granter, changed.get("player", "anna")) == points
    assert left(site, granter) == MAX_DAY - points, "the day counts the one that won"
    assert site.get("/players/anna", granter).status == (404 if "player" in changed else 200)


@pytest.mark.parametrize("call", ["get_many", "transact"])
def test_two_concurrent_requests_for_one_award_make_one_award(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    first = list[Answer]()
    with monkeypatch.context() as patch:
        meanwhile(patch, call, lambda: first.append(give(site, granter)))
        second = give(site, granter)
    assert [(each.status, each.headers.get(REPLAYED)) for each in (*first, second)] == [(202, None), (202, "true")]
    assert total(site, granter) == 5
    assert left(site, granter) == MAX_DAY - 5


@pytest.mark.parametrize("call", ["get_many", "transact"])
def test_the_last_points_of_a_day_are_granted_once(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    for number in range(4):
        give(site, granter, 10_000, f"n{number}")
    with monkeypatch.context() as patch:
        meanwhile(patch, call, lambda: give(site, granter, 9_999, "other"))
        mine = give(site, granter, 2)
    assert (mine.status, mine.json["code"], mine.json["left"]) == (429, "award_bound", 1)
    assert give(site, granter, 1).status == 202
    assert total(site, granter) == MAX_DAY
    assert not site.queued("rejected")


def test_concurrent_awards_within_the_limit_are_all_applied(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request comes between another one's read and write, before any is applied."""
    answers = list[Answer]()

    def nested(depth: int) -> None:
        if depth:
            with monkeypatch.context() as patch:
                meanwhile(patch, "transact", lambda: nested(depth - 1))
                answers.append(give(site, granter, 10_000, f"n{depth}", f"p{depth}"))

    nested(6)
    assert sorted(answer.status for answer in answers) == [202] * 5 + [429]
    site.work()
    assert not site.queued("rejected")
    found = [site.get(f"/players/p{number}", granter) for number in range(1, 7)]
    assert sorted(answer.status for answer in found) == [200] * 5 + [404]


def test_a_crash_between_reservation_and_queueing(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry queues the award, the day counts it once, and another award under the key is refused."""
    with monkeypatch.context() as patch:

        def dead(*_: Any) -> None:
            raise NotSent("no answer")

        patch.setattr(site.context.queues, "send", dead)
        assert give(site, granter).status == 503
    assert not site.queued("own")
    assert give(site, granter, 7).status == 409
    again = give(site, granter)
    assert (again.status, again.headers[REPLAYED]) == (202, "true")
    assert give(site, granter).status == 202
    assert total(site, granter) == 5
    assert left(site, granter) == MAX_DAY - 5
    (shown,) = site.get("/players/anna/awards", granter).json["entries"]
    assert shown["paid"]["award"] == 5


def test_an_award_queued_on_the_day_after_its_acceptance(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An award without a time has the time of its acceptance, and its points count for that day."""
    with monkeypatch.context() as patch:

        def dead(*_: Any) -> None:
            raise NotSent("no answer")

        patch.setattr(site.context.queues, "send", dead)
        assert give(site, granter).status == 503
    site.world.sleep(86_400)
    assert give(site, granter).status == 202
    assert total(site, granter) == 5
    (shown,) = site.get("/players/anna/awards", granter).json["entries"]
    assert shown["time"].startswith("2026-05-19T12:")
    assert left(site, granter) == MAX_DAY


def test_a_queued_award_whose_response_is_lost(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An award that is sent again a day after the worker applied it counts for the day of its acceptance."""
    real = site.context.queues.send

    def lost(queue: str, bodies: Sequence[str]) -> None:
        real(queue, bodies)
        raise NotSent("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(site.context.queues, "send", lost)
        assert give(site, granter).status == 503
    assert total(site, granter) == 5
    site.world.sleep(86_400)
    assert give(site, granter).status == 202
    assert total(site, granter) == 5
    assert left(site, granter) == MAX_DAY, "of the new day"


def test_a_write_that_lands_late_is_counted_once(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write gets no response, is retried, and lands just before the second."""
    late = LateWrite()
    with monkeypatch.context() as patch:
        at_write(patch, late.unanswered, late.before)
        answer = give(site, granter)
    assert (answer.status, answer.headers.get(REPLAYED)) == (202, None)
    assert total(site, granter) == 5
    assert left(site, granter) == MAX_DAY - 5


def test_a_full_day_is_not_reported_while_a_reservation_may_still_land(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is full at the second read while the first write may still land: only a retry reports the limit."""
    late = LateWrite()
    for number in range(4):
        give(site, granter, 10_000, f"n{number}")
    with monkeypatch.context() as patch:
        at_write(patch, late.unanswered)
        meanwhile(patch, "get_many", lambda: give(site, granter, 9_999, "other"), place=1)
        assert give(site, granter, 2).json["code"] == "outcome_unknown"
    with pytest.raises(LostRace):
        late.land(site.context.table)
    assert total(site, granter) == 49_999
    assert give(site, granter, 2).status == 429


def test_stale_reads_do_not_decide(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read that decides is strong."""
    give(site, granter)
    real = Table.get_many

    def behind(table: Table, keys: Sequence[Key], *, strong: bool = True) -> Any:
        return real(table, keys) if strong else {}

    monkeypatch.setattr(Table, "get_many", behind)
    assert give(site, granter, 7).status == 409
    assert give(site, granter).headers[REPLAYED] == "true"


def test_a_key_that_is_taken_for_a_moment_is_no_other_award(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transfer under the key is refused after a write without a response; then the key is free for an award."""
    site.fund("granter", 1000)
    site.key("bob")

    def send(key: str) -> Answer:
        return site.post("/transfer", {"to": "bob", "amount": 1, "idempotencyKey": key}, granter)

    for number in range(9):
        assert send(f"n{number}").status == 200
    real, fates = Table.transact, [True]

    def unanswered(table: Table, writes: Writes) -> None:
        if not fates:
            real(table, writes)
            return
        fates.clear()
        assert send("tenth").status == 200
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", unanswered)
        assert send("k").status == 429
    assert give(site, granter).status == 202
    assert total(site, granter) == 5


def test_a_day_that_fills_between_two_writes_keeps_the_first_reservation(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writes hold 120 awards. Nothing is queued; a retry on the next day applies each award once."""
    sender = site.key("granter", "events:write", "awards:grant")
    events = [
        {"event": "award", "properties": {"username": "anna", "points": 400, "reason": "r", "key": f"k{number}"}}
        for number in range(MAX_AT_ONCE + 21)
    ]
    with monkeypatch.context() as patch:
        meanwhile(patch, "transact", lambda: give(site, granter, 10_000, "other", "bob"), place=1)
        refused = site.post("/events", events, sender)
    assert (refused.status, refused.json["code"], refused.json["requested"]) == (429, "award_bound", 21 * 400)
    assert not [event for event in site.events("own") if event["subject"] == "anna"]
    assert left(site, granter) == MAX_DAY - 10_000 - MAX_AT_ONCE * 400
    site.world.sleep(86_400)
    assert site.post("/events", events, sender).status == 202
    assert total(site, granter) == len(events) * 400
    assert left(site, granter) == MAX_DAY - 21 * 400
