"""One award key has one award: what its requests are told when they meet, die half-way or hear no answer."""

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
    """Of the granter's day."""
    answer = site.post("/events", [], granter)
    assert answer.status == 403
    row = site.context.table.get((f"GRANTER#granter#{site.world.now_ms() // 86_400_000}", "GRANTED"))
    return MAX_DAY - (int(row["points"]["N"]) if row else 0)


def meanwhile(monkeypatch: pytest.MonkeyPatch, call: str, action: Callable[[], Any], place: int = 0) -> None:
    """Something happens once: before the call of this name with this number."""
    real, seen = getattr(Table, call), [0]

    def step(table: Table, *args: Any, **kwargs: Any) -> Any:
        seen[0] += 1
        if seen[0] == place + 1:
            action()
        return real(table, *args, **kwargs)

    monkeypatch.setattr(Table, call, step)


@pytest.mark.parametrize("call", ["get_many", "transact"])
@pytest.mark.parametrize("changed", [{"points": 7}, {"player": "berta"}])
def test_of_two_awards_under_one_key_exactly_one_wins(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch, call: str, changed: dict[str, Any]
) -> None:
    """The other one comes before the first read, or between read and write."""
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
def test_one_award_asked_for_twice_at_once_is_one(
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
def test_the_last_room_of_a_day_is_taken_once(
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


def test_several_within_the_bound_at_once_are_all_applied(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comes between the other's read and write, while none is applied yet."""
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


def test_dead_between_remembering_and_queueing(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same again queues it, the day counts it once, and another award has no way in."""
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


def test_queued_on_the_day_after_it_was_accepted(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a time of its own it happened when it was accepted, and its points are of that day."""
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


def test_queued_and_the_answer_is_lost(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker had applied it before it is sent again, a day later: it counts for the day it was accepted on."""
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
    """Given up, tried anew, and there just before the second one."""
    late = LateWrite()
    with monkeypatch.context() as patch:
        at_write(patch, late.unanswered, late.before)
        answer = give(site, granter)
    assert (answer.status, answer.headers.get(REPLAYED)) == (202, None)
    assert total(site, granter) == 5
    assert left(site, granter) == MAX_DAY - 5


def test_a_full_day_is_not_told_while_a_reservation_may_still_come(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is full at the second reading, and the first write may still land: the same request again tells."""
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


def test_what_an_old_copy_says_is_not_believed(site: Site, granter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading that decides is strong."""
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
    """A transfer under the key is refused after a write without an answer; then the key is free for an award."""
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


def test_a_day_that_fills_between_two_writes_keeps_the_first_ones_room(
    site: Site, granter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """120 awards are two writes. Nothing is queued; sent again on the next day, each award is applied once."""
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
