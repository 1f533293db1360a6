"""The progress worker's use case, on the simulated table: what a batch writes, and what stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.core.errors import LostRace
from chalicelib.domain.core.periods import moment_name
from chalicelib.services.events.messages import Message
from chalicelib.services.progress import apply_events as use_case
from chalicelib.services.progress.process_messages import Report, process_messages
from chalicelib.store.core.table import StoreError, Table
from chalicelib.store.events.failed_messages import get_failures, get_notes
from chalicelib.store.events.models import NoteItem
from chalicelib.store.progress import commit as commits
from chalicelib.store.progress.log_chunks import MAX_PACK_BYTES
from chalicelib.store.progress.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.permissions import function_of
from tests.pipeline.plant import TABLE, Plant
from tests.simulated.faults import Faults


@pytest.fixture
def plant() -> Plant:
    return plants.build(1, Faults())


def event(plant: Plant, number: int, player: str = "ada", ago_s: float = 0, **changes: Any) -> dict[str, Any]:
    time = moment_name(plant.context.now_ms() - round(ago_s * 1000))
    raw = {"specversion": "1.0", "id": f"e{number}", "source": "gateway", "type": "request.completed",
           "subject": player, "time": time, "data": {"provider": "openai", "model": "gpt"}}  # fmt: skip
    return raw | changes


def message(plant: Plant, number: int, body: Any) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    return Message(f"m{number}", f"r{number}", text, plant.context.now_ms(), 1)


def process(plant: Plant, *bodies: Any, queue: str = "events", within_ms: int = 60_000) -> Report:
    messages = [message(plant, number, body) for number, body in enumerate(bodies)]
    with plant.world.acting_as(function_of(queue)):
        return process_messages(plant.context.within(within_ms), queue, messages)


def rows(plant: Plant, prefix: str) -> list[str]:
    return [sk for pk, sk in plant.world.dynamodb.tables[TABLE].rows if f"{pk}|{sk}".startswith(prefix)]


def counted(plant: Plant, player: str, action: str = "request") -> int:
    read = load_player(plant.context.table, player)
    return read.count(action) if read else 0


def note(plant: Plant, message_id: str) -> NoteItem:
    return get_notes(plant.context.table, "dead_letter", [message_id], plant.context.now_ms())[message_id]


def test_a_batch_takes_two_rounds_of_reads_and_a_write_for_each_player(plant: Plant) -> None:
    process(plant, *[event(plant, number, f"player-{number}") for number in range(8)])
    plant.world.calls.clear()
    process(plant, *[event(plant, 100 + number, f"player-{number}", ago_s=200) for number in range(8)])
    assert plant.world.calls["BatchGetItem"] == 2
    assert plant.world.calls["TransactWriteItems"] == 8
    assert plant.world.calls["Query"] == 0


def test_many_events_of_one_player_stay_within_a_transaction(plant: Plant) -> None:
    sizes = []
    real = Table.transact

    def transact(self: Table, writes: Any) -> None:
        sizes.append(len(writes))
        real(self, writes)

    bodies = [
        event(plant, number, ago_s=number * 61, type="lesson.completed", data={"lessonId": f"lesson-{number}"})
        for number in range(120)
    ]
    with patch.object(Table, "transact", transact):
        report = process(plant, bodies)
    assert not report.failed
    assert sizes == [56, 57, 54, 54, 54, 54, 54, 54, 54, 26]
    assert max(sizes) <= commits.MAX_ITEMS
    assert counted(plant, "ada", "lesson") == 120


def test_five_hundred_events_of_one_minute_fill_pack_after_pack(plant: Plant) -> None:
    now = plant.context.now_ms()
    start = (now - now % 60_000 - 60_000) / 1000
    bodies = [
        event(plant, number, ago_s=now / 1000 - start - number / 10) for number in range(500)
    ]  # fmt: skip
    assert not process(plant, bodies).failed
    packs = rows(plant, "PLAYER#ada|LOG#")
    sizes = [row[1] for (_, sk), row in plant.world.dynamodb.tables[TABLE].rows.items() if sk.startswith("LOG#")]
    assert len(packs) > 50
    assert max(sizes) <= MAX_PACK_BYTES
    assert process(plant, bodies).outcomes[0].duplicates == 500
    assert counted(plant, "ada") == 500


def test_the_same_event_twice_in_a_batch_counts_once_and_a_changed_one_is_counted_apart(plant: Plant) -> None:
    first = event(plant, 1)
    report = process(plant, first, first, first | {"data": {"provider": "other"}})
    (outcome,) = report.outcomes
    assert (len(outcome.applied), outcome.duplicates, outcome.mismatches) == (1, 2, 1)
    assert counted(plant, "ada") == 1


def test_an_unknown_type_is_logged_and_changes_no_other_row(plant: Plant) -> None:
    process(plant, event(plant, 1))
    before = {key: row[0] for key, row in plant.world.dynamodb.tables[TABLE].rows.items()}
    report = process(plant, event(plant, 2, ago_s=300, type="coffee.brewed"))
    after = {key: row[0] for key, row in plant.world.dynamodb.tables[TABLE].rows.items()}
    assert report.outcomes[0].unknown == ["coffee.brewed"]
    assert {key: row for key, row in after.items() if key in before} == before
    assert [sk[:4] for _, sk in after.keys() - before.keys()] == ["LOG#"]
    assert not plant.world.queue(plant.urls["boards"]).messages()[len(before) :]


def test_nonsense_goes_to_the_rejected_queue_and_its_neighbours_are_applied(plant: Plant) -> None:
    report = process(plant, [event(plant, 1), {"nonsense": 1}, event(plant, 2, "bob")], "{not json")
    assert not report.failed
    assert report.rejected == {"not_an_event": 1, "not_json": 1}
    assert (counted(plant, "ada"), counted(plant, "bob")) == (1, 1)
    envelope = json.loads(plant.world.queue(plant.urls["rejected"]).messages()[0].body)
    assert (envelope["id"], envelope["reasons"]) == ("m0", {"not_an_event": 1})
    (part,) = envelope["events"]
    assert (part["index"], part["reason"], part["event"]) == (1, "not_an_event", {"nonsense": 1})
    row = get_failures(plant.context.table, "rejected", ["m0"], plant.context.now_ms())["m0"]
    assert (row.reason, int(row.attempts), len(row.body_hash)) == ("not_an_event", 1, 64)
    assert row.rejections.indexes == {"not_an_event": [1]}


def test_five_conflicts_send_the_message_back_alone_and_soon(plant: Plant) -> None:
    process(plant, event(plant, 1))
    tries, commit = [], use_case.commit

    def conflict(context: Any, player: Any, *rest: Any) -> None:
        if player.id == "ada":
            tries.append(player)
            raise LostRace("another writer was first")
        commit(context, player, *rest)

    postponed: dict[str, int] = {}
    with (
        patch.object(use_case, "commit", conflict),
        patch.object(plant.context.queues, "postpone", lambda queue, receipts: postponed.update(receipts)),
    ):
        report = process(plant, event(plant, 2), event(plant, 3, "bob"))
    assert len(tries) == use_case.MAX_CONFLICTS + 1
    assert list(report.failed) == ["m0"]
    assert 1 <= postponed["r0"] <= 5
    assert counted(plant, "bob") == 1
    assert note(plant, "m0").reason == "LostRace"


def test_an_event_that_breaks_the_code_fails_alone(plant: Plant) -> None:
    real = use_case.apply

    def broken(player: Any, event: Any, *rest: Any) -> Any:
        if event.id == "e2":
            raise ZeroDivisionError("a bug")
        return real(player, event, *rest)

    with patch.object(use_case, "apply", broken):
        report = process(plant, event(plant, 1), event(plant, 2), event(plant, 3), event(plant, 4, "bob"))
    assert list(report.failed) == ["m1"]
    assert (counted(plant, "ada"), counted(plant, "bob")) == (2, 1)
    assert note(plant, "m1").sentence == "a bug"


def test_a_message_that_comes_again_is_rejected_only_then(plant: Plant) -> None:
    def trouble(*_: Any) -> None:
        raise StoreError("down")

    with patch.object(use_case, "commit", trouble):
        report = process(plant, [event(plant, 1), {"nonsense": 1}])
    assert list(report.failed) == ["m0"]
    assert not plant.world.queue(plant.urls["rejected"]).messages()
    process(plant, [event(plant, 1), {"nonsense": 1}])
    assert len(plant.world.queue(plant.urls["rejected"]).messages()) == 1


def test_messages_after_the_write_are_sent_again_for_a_duplicate(plant: Plant) -> None:
    with patch.object(plant.context.bus, "publish", side_effect=StoreError("bus down")):
        report = process(plant, event(plant, 1))
    assert list(report.failed) == ["m0"]
    assert counted(plant, "ada") == 1
    assert not plant.world.events.published
    report = process(plant, event(plant, 1))
    assert not report.failed
    assert report.outcomes[0].duplicates == 1
    assert {"streak.updated"} <= {each.detail_type for each in plant.world.events.published}
    assert counted(plant, "ada") == 1


def test_a_duplicate_publishes_a_state_that_is_as_new_as_the_log(plant: Plant) -> None:
    """Test a writer that committed between this one's two reads and died before it published."""
    real, body = use_case.load_records, event(plant, 1)

    def load_records(*arguments: Any) -> Any:
        with patch.object(use_case, "load_records", real), patch.object(use_case, "announce"):
            process(plant, body)
        return real(*arguments)

    with patch.object(use_case, "load_records", load_records):
        report = process(plant, body)
    outcome = report.outcomes[0]
    assert (outcome.duplicates, outcome.applied) == (1, [])
    read = load_player(plant.context.table, "ada")
    assert read is not None
    assert outcome.updates["global#all"].score == read.xp > 0
    assert outcome.updates["global#all"].version == read.version


def test_an_invocation_out_of_time_gives_the_rest_back_at_once(plant: Plant) -> None:
    postponed: dict[str, int] = {}
    with patch.object(plant.context.queues, "postpone", lambda queue, receipts: postponed.update(receipts)):
        report = process(plant, event(plant, 1), within_ms=0)
    assert list(report.failed) == ["m0"]
    assert postponed == {"r0": 0}
    assert counted(plant, "ada") == 0


def test_a_torn_read_is_read_again(plant: Plant) -> None:
    process(plant, event(plant, 1))
    real = Table.get_many
    answers = []

    def get_many(self: Table, keys: Any) -> Any:
        found = real(self, keys)
        if not answers:
            # As if the badges had been read before a commit that the state was read after.
            found = {key: item for key, item in found.items() if key[1] != "BADGES"}
        answers.append(found)
        return found

    process(plant, *[event(plant, number, ago_s=number) for number in (2, 3)])
    with patch.object(Table, "get_many", get_many):
        read = load_player(plant.context.table, "ada")
    assert len(answers) == 2
    assert read is not None
    assert read.holds("three-requests")


@pytest.mark.parametrize(("ago_days", "paid"), [(6.9, False), (7.1, True)])
def test_a_late_use_of_a_model_is_judged_by_the_log(plant: Plant, ago_days: float, paid: bool) -> None:
    """Test a use that 30 later models pushed out of the state, so that only the log still has it."""
    day = 86_400.0
    first = event(plant, 0, ago_s=ago_days * day, data={"model": "model-0"})
    process(plant, first, queue="backfill")
    others = [event(plant, n, ago_s=day - n, data={"model": f"model-{n}"}) for n in range(1, 31)]
    process(plant, others)
    report = process(plant, event(plant, 99, data={"model": "model-0"}))
    entry = report.outcomes[0].applied[0].entry
    assert ("model_diversity" in entry.paid) is paid


def test_sixteen_writers_on_one_player_lose_nothing() -> None:
    plant = plants.build(7, Faults(latency_ms=(2, 20)))

    def worker(number: int) -> None:
        for step in range(6):
            name = "hot" if (number + step) % 5 else f"player-{number}"
            pending = [message(plant, number * 100 + step, event(plant, number * 100 + step, name, ago_s=step))]
            while pending:
                report = process_messages(plant.context, "events", pending)
                pending = [each for each in pending if each.id in report.failed]

    for number in range(16):
        plant.world.spawn(f"worker-{number}", worker, number)
    plant.world.run()
    total = sum(counted(plant, f"player-{number}") for number in range(16)) + counted(plant, "hot")
    assert total == 16 * 6
    assert counted(plant, "hot") > 70


def test_players_are_processed_in_parallel_in_production(plant: Plant) -> None:
    from concurrent.futures import ThreadPoolExecutor

    squares: Callable[[int], int] = lambda number: number * number  # noqa: E731
    with ThreadPoolExecutor(2) as pool:
        plant.context.pool = pool
        assert plant.context.each(squares, range(5)) == [0, 1, 4, 9, 16]
