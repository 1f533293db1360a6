"""Messages that can never be valid: one record each, within the invocation, at no cost to other messages."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.events.rejections import MAX_SENTENCE, MAX_SENTENCES, Rejection, Rejections, collect
from chalicelib.services.context import OutOfTime
from chalicelib.services.events import reject_messages as use_case
from chalicelib.services.operations.list_failures import list_failures
from chalicelib.services.operations.redrive_failures import redrive_failures
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.table import StoreError, Table
from chalicelib.store.events import keys
from chalicelib.store.events.failed_bodies import INLINE_BYTES, PART_BYTES, load_body, pack
from chalicelib.store.events.failed_messages import (
    KEEP_DAYS,
    Failure,
    failures_page,
    forget_failure,
    get_failures,
    set_aside,
)
from chalicelib.store.events.models import FailureItem
from chalicelib.workers.sqs import failures, messages_of
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE, Plant
from tests.scripted_time import with_time
from tests.services.progress.test_apply_events import counted, event, message, note, process
from tests.simulated.faults import Faults

LARGEST_MESSAGE = 1024 * 1024
# The largest row without its body, for any events.
MAX_ROW_BYTES = 20 * 1024
FLOOD = 1200
BAD = json.dumps([{}] * 500)


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def row_of(plant: Plant, message_id: str) -> FailureItem:
    return get_failures(plant.context.table, "rejected", [message_id], plant.context.now_ms())[message_id]


@contextmanager
def calls_on_rejected(plant: Plant) -> Iterator[list[list[dict[str, Any]]]]:
    """Yield the entries of every call on the queue `rejected`."""
    calls: list[list[dict[str, Any]]] = []
    real = plant.context.queues.client.send_message_batch

    def send(**call: Any) -> Any:
        if call["QueueUrl"] == plant.urls["rejected"]:
            calls.append(call["Entries"])
        return real(**call)

    with patch.object(plant.context.queues.client, "send_message_batch", send):
        yield calls


@pytest.mark.parametrize(
    ("bad", "writes"),
    [(BAD, 1), (json.dumps([{"x": random.Random(seed).randbytes(256).hex()} for seed in range(490)]), 2)],
    ids=["1.5 KB", "256 KB"],
)
def test_twenty_bad_messages_cost_a_write_each_and_two_sends(plant: Plant, bad: str, writes: int) -> None:
    """Test that a body that is not small is an item next to its row."""
    bodies = [bad if number % 5 == 0 else event(plant, number, f"player-{number}") for number in range(100)]
    with calls_on_rejected(plant) as calls:
        report = process(plant, *bodies)
    assert not report.failed
    assert sum(report.rejected.values()) == 20 * len(json.loads(bad))
    assert [len(call) for call in calls] == [10, 10]
    assert sum(len(entry["MessageBody"].encode()) for call in calls for entry in call) <= 20 * 24 * 1024
    assert plant.world.calls["UpdateItem"] == 20 * writes
    assert plant.world.calls["PutItem"] == 0
    assert all(counted(plant, f"player-{number}") == 1 for number in range(100) if number % 5)
    found = list_failures(plant.context, "rejected").found
    assert [each.body for each in found] == [bad] * 20
    assert {tuple(each.rejections.counts().items()) for each in found if each.rejections} == {
        (("not_an_event", len(json.loads(bad))),)
    }


def test_an_envelope_holds_the_rejected_events_that_have_room(plant: Plant) -> None:
    large = {"text": "x" * 10_000}
    with calls_on_rejected(plant) as calls:
        process(plant, [{"a": 1}, event(plant, 1), large, large, large], "no json")
    first, second = (json.loads(entry["MessageBody"]) for entry in calls[0])
    assert first["reasons"] == {"not_an_event": 4}
    assert [(each["index"], each["event"]) for each in first["events"]] == [(0, {"a": 1}), (2, large), (3, large)]
    assert [(each["index"], each["event"]) for each in second["events"]] == [(None, "no json")]


def test_a_message_that_cannot_be_recorded_comes_again_alone(plant: Plant) -> None:
    real = use_case.set_aside

    def broken(table: Table, failure: Failure) -> None:
        if failure.id == "m1":
            raise StoreError("the table is on fire")
        real(table, failure)

    with patch.object(use_case, "set_aside", broken):
        report = process(plant, *[{"nonsense": number} for number in range(4)], event(plant, 1))
    assert list(report.failed) == ["m1"]
    assert report.rejected == {"not_an_event": 3}
    assert counted(plant, "ada") == 1
    assert {each.id for each in list_failures(plant.context, "rejected").found} == {"m0", "m2", "m3"}
    assert note(plant, "m1").sentence == "the table is on fire"
    assert process(plant, *[{"nonsense": number} for number in range(4)]).rejected == {"not_an_event": 4}
    assert len(list_failures(plant.context, "rejected").found) == 4


def test_a_message_whose_envelope_is_not_taken_comes_again_alone(plant: Plant) -> None:
    real = plant.context.queues.client.send_message_batch

    def partial(**call: Any) -> Any:
        entries = [entry for entry in call["Entries"] if '"id":"m12"' not in entry["MessageBody"]]
        answer = real(**{**call, "Entries": entries}) if entries else {}
        left = [entry["Id"] for entry in call["Entries"] if entry not in entries]
        return answer | {"Failed": [{"Id": name, "Code": "InternalError", "SenderFault": False} for name in left]}

    with patch.object(plant.context.queues.client, "send_message_batch", partial):
        report = process(plant, *[{"nonsense": number} for number in range(15)])
    assert list(report.failed) == ["m12"]
    assert report.rejected == {"not_an_event": 14}
    assert len(plant.world.queue(plant.urls["rejected"]).messages()) == 14


def test_a_call_that_fails_brings_back_those_it_carried(plant: Plant) -> None:
    real = plant.context.queues.client.send_message_batch
    calls: list[Any] = []

    def broken(**call: Any) -> Any:
        calls.append(call)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return real(**call)

    with patch.object(plant.context.queues.client, "send_message_batch", broken):
        report = process(plant, *[{"nonsense": number} for number in range(15)])
    assert sorted(report.failed) == sorted(f"m{number}" for number in range(10))


@pytest.mark.parametrize(("questions", "recorded", "sent"), [(2, 0, 0), (4, 2, 0), (18, 15, 10), (19, 15, 15)])
def test_rejections_without_time_come_back_and_stop_no_other(
    plant: Plant, questions: int, recorded: int, sent: int
) -> None:
    """Test answers to two questions for the good event and its player, one for each row, and one for each call."""
    answers = iter([True] * questions)
    context = with_time(plant.context, lambda: next(answers, False))
    bodies = [{"nonsense": number} for number in range(15)]
    messages = [message(plant, number, body) for number, body in enumerate([event(plant, 1), *bodies])]
    report = process_messages(context, "events", messages)
    assert counted(plant, "ada") == 1
    assert "m0" not in report.failed
    assert len(report.failed) == 15 - sent
    assert all(isinstance(error, OutOfTime) for error in report.failed.values())
    assert len(list_failures(plant.context, "rejected").found) == recorded
    assert len(plant.world.queue(plant.urls["rejected"]).messages()) == sent


def test_failures_are_noted_while_there_is_time_and_a_note_fails_nothing(plant: Plant) -> None:
    for answers, notes in (([True, True, True, False], 1), ([True, True, True, True], 2)):
        script = iter(answers)
        context = with_time(plant.context, lambda script=script: next(script, False))  # type: ignore[misc]
        with patch("chalicelib.services.progress.apply_events.commit", side_effect=StoreError("down")):
            messages = [message(plant, number, event(plant, number)) for number in range(2)]
            report = process_messages(context, "events", messages)
        assert len(report.failed) == 2
        assert plant.world.calls["UpdateItem"] == notes
        plant.world.calls.clear()
    with (
        patch("chalicelib.services.events.note_failures.note_failure", side_effect=UnicodeError("half a pair")),
        patch("chalicelib.services.progress.apply_events.commit", side_effect=StoreError("down")),
    ):
        assert list(process(plant, event(plant, 9)).failed) == ["m0"]


def test_a_message_without_time_twice_is_noted(plant: Plant) -> None:
    for attempts, calls in ((1, 0), (2, 1)):
        again = message(plant, 0, event(plant, 1))
        again = type(again)(again.id, again.receipt, again.body, again.sent_ms, attempts)
        answers = iter([False, True])
        process_messages(with_time(plant.context, lambda answers=answers: next(answers)), "events", [again])  # type: ignore[misc]
        assert plant.world.calls["UpdateItem"] == calls
    assert note(plant, "m0").reason == "OutOfTime"


def noise(size: int, seed: int = 1) -> str:
    """Return text that no compression reduces below seven eighths."""
    return random.Random(seed).randbytes(size).translate(bytes(byte & 127 for byte in range(256))).decode()


def failure(body: str, **changes: Any) -> Failure:
    fields = {"id": "m", "queue": "rejected", "reason": "not_json", "sentence": "it is not", "attempts": 1,
              "body_hash": "0" * 64, "origin": "events", "at_ms": plants.START_MS, "received_ms": plants.START_MS,
              "body": body}  # fmt: skip
    return Failure(**fields | changes)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", None),
        ("\ud83d half a pair", None),
        (noise(5000), 1),
        ("x" * LARGEST_MESSAGE, None),
        (noise(256 * 1024), 1),
        (noise(LARGEST_MESSAGE), 3),
    ],
    ids=["none", "half a pair", "5 KB", "1 MiB of x", "256 KB", "1 MiB"],
)
def test_a_body_of_any_size_comes_back_unchanged(plant: Plant, body: str, parts: int | None) -> None:
    table, rows = plant.context.table, plant.world.dynamodb.tables[TABLE].rows
    for _ in range(2):
        set_aside(table, failure(body))
        row = row_of(plant, "m")
        assert (row.parts and int(row.parts)) == parts
        assert load_body(table, row) == body
        assert len(rows) == 1 + (parts or 0)
    assert max(item_size(row[0]) for row in rows.values()) <= PART_BYTES + 200
    assert {int(row[0]["expires"]["N"]) for row in rows.values()} == {plants.START_MS // 1000 + KEEP_DAYS * 86_400}
    forget_failure(table, row)
    assert [row for row in rows.values() if row] == []


def test_bytes_that_do_not_compress_at_all_are_three_parts_too() -> None:
    with patch("chalicelib.store.events.failed_bodies.zlib.compress", lambda data: data):
        assert -(-len(pack("x" * LARGEST_MESSAGE)) // PART_BYTES) == 3


def test_a_body_at_the_edge_is_in_its_row_and_one_byte_more_is_another_item(plant: Plant) -> None:
    size = next(size for size in range(5000, 4000, -1) if len(pack(noise(5000)[:size])) == INLINE_BYTES)
    for more, parts in ((0, None), (8, 1)):
        set_aside(plant.context.table, failure(noise(5000)[: size + more], id=f"m{more}"))
        assert row_of(plant, f"m{more}").parts == parts


def test_a_row_is_bounded_for_any_errors_of_its_events(plant: Plant) -> None:
    """Test characters of several bytes: control characters take six in JSON, others beyond the basic plane four."""
    size = next(size for size in range(5000, 4000, -1) if len(pack(noise(5000)[:size])) == INLINE_BYTES)
    for character in ("\1", "\U0001f600"):
        sentence = character * MAX_SENTENCE
        wrong = collect([Rejection(index, f"reason_{index % 20}", sentence) for index in range(500)])
        assert len(wrong.sentences) == MAX_SENTENCES
        assert sum(wrong.counts().values()) == 500
        set_aside(plant.context.table, failure(noise(5000)[:size], sentence=sentence, rejections=wrong))
        (row,) = plant.world.dynamodb.tables[TABLE].rows.values()
        assert 9_000 < item_size(row[0]) <= MAX_ROW_BYTES
        assert row_of(plant, "m").rejections == wrong


def test_a_deleted_part_is_reported(plant: Plant) -> None:
    set_aside(plant.context.table, failure(noise(900 * 1024), rejections=Rejections({"not_json": []})))
    plant.context.table.delete(keys.body_part("rejected", "m", 1))
    assert list_failures(plant.context, "rejected").found[0].body is None
    assert redrive_failures(plant.context, "rejected", ["m"]).refused == {"m": "its body is no longer stored"}


def test_an_expired_failure_is_absent_before_it_is_collected(plant: Plant) -> None:
    set_aside(plant.context.table, failure("{}"))
    plant.world.sleep(KEEP_DAYS * 86_400 - 1)
    assert [each.id for each in list_failures(plant.context, "rejected").found] == ["m"]
    plant.world.sleep(1)
    assert list_failures(plant.context, "rejected").found == []
    assert redrive_failures(plant.context, "rejected", ["m"]).refused == {}


def test_a_flood_loses_none_though_its_queue_forgets_all() -> None:
    """Test twelve seconds of a hundred a second, taken by ten workers at once. One in fifty has a good event, too."""
    plant = plants.build(2, Faults())
    sent: Counter[str] = Counter()
    for number in range(FLOOD):
        bad = {"nonsense": number}
        body = json.dumps([bad, event(plant, number, f"player-{number}")] if number % 50 == 0 else bad)
        plant.sqs.send_message(QueueUrl=plant.urls["events"], MessageBody=body)
        sent[body] += 1

    def handler(batch: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
        context = plant.context.within(lambda_context.get_remaining_time_in_millis())
        assert not process_messages(context, "events", messages_of(batch)).failed
        return failures([])

    plant.world.event_source(plant.urls["events"], handler, batch_size=100, concurrency=10, timeout_s=60.0)
    plant.world.run()
    assert all(counted(plant, f"player-{number}") == 1 for number in range(0, FLOOD, 50))
    plant.world.queue(plant.urls["rejected"]).purge(plant.world.now_ms())
    rows: list[FailureItem] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page, cursor = failures_page(plant.context.table, "rejected", cursor, 200, plant.world.now_ms())
        rows += page
        pages += 1
    assert pages <= FLOOD // 200 + keys.FAILURE_SHARDS
    assert Counter(str(load_body(plant.context.table, row)) for row in rows) == sent
    assert min(int(row.expires) for row in rows) * 1000 >= plant.began_ms + KEEP_DAYS * DAY_MS
    shares = Counter(str(row.pk) for row in rows)
    assert len(shares) == keys.FAILURE_SHARDS
    assert max(shares.values()) < 1.3 * FLOOD / keys.FAILURE_SHARDS


def test_redriving_a_flood_continues_run_after_run(plant: Plant) -> None:
    """Test that each run sends up to its limit, in calls of ten, and that the next run finds the rest."""
    for number in range(250):
        set_aside(plant.context.table, failure(f'{{"n":{number}}}', id=f"m{number}", rejections=Rejections({"x": [0]})))
    plant.world.sleep(1)
    runs = []
    while (result := redrive_failures(plant.context, "rejected", most=100)).done or result.after:
        runs.append(len(result.done))
        assert plant.world.calls["SendMessageBatch"] <= 30
        plant.world.calls.clear()
    assert (sum(runs), max(runs)) == (250, 100)
    assert len(runs) <= 4
    assert len(plant.world.queue(plant.urls["events"]).messages()) == 250
