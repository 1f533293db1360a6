"""The outbox: a failing record does not delay the others."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.services import outbox_messages as kinds
from chalicelib.services.context import AFTER_COMMIT_MS, QUICK_CALL_MS, Context, Outlets
from chalicelib.services.core.outbox import SWEEP_AFTER_MS, Swept, send_outbox_record, sweep_outbox
from chalicelib.store.core import keys
from chalicelib.store.core.models import SCHEMA
from chalicelib.store.core.outbox import OutboxRecord, add_outbox_record
from tests.api.conftest import Site
from tests.scripted_time import with_time

FACTS = {"from": "anna", "to": "bob", "amount": 1}


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.world.close()


def owe(site: Site, id_: str, kind: str = "transfer") -> OutboxRecord:
    record = OutboxRecord(id_, site.world.now_ms(), kind, FACTS)
    tx = site.context.table.transaction()
    add_outbox_record(tx, record)
    tx.commit()
    return record


def sweep(site: Site, context: Context | None = None) -> Swept:
    with site.world.acting_as("sweep"):
        return sweep_outbox(context or site.context)


def shard(record: OutboxRecord) -> str:
    return shard_of(record.id)


def shard_of(id_: str) -> str:
    return keys.outbox_record(0, id_)[0]


def test_runs_with_time_for_one_record_reach_every_shard(site: Site) -> None:
    """Test that runs do not always begin at the same shard, although the first record of each can never be sent."""
    rows = [owe(site, f"id-{number}", "unknown") for number in range(200)]
    shards = {shard(record) for record in rows}
    assert len(shards) == keys.OUTBOX_SHARDS
    site.world.sleep(SWEEP_AFTER_MS / 1000)
    met = set()
    for _ in range(keys.OUTBOX_SHARDS):
        times = iter([True, False])
        failed = sweep(site, with_time(site.context, times.__next__)).failed
        met |= {shard(record) for record in rows if record.id in failed}
        site.world.sleep(60)
    assert met == shards


def test_the_sweep_leaves_recent_records_to_their_own_process(site: Site) -> None:
    owe(site, "one")
    site.world.sleep((SWEEP_AFTER_MS - 1) / 1000)
    assert sweep(site).sent == 0
    site.world.sleep(0.001)
    assert sweep(site).sent == 1


def test_a_record_that_cannot_be_sent_does_not_stop_the_others(site: Site) -> None:
    bad, good = owe(site, "bad", "unknown"), owe(site, "good")
    site.world.sleep(SWEEP_AFTER_MS / 1000)
    swept = sweep(site)
    assert (swept.sent, list(swept.failed)) == (1, ["bad"])
    assert site.context.table.get(keys.outbox_record(bad.at_ms, bad.id))
    assert not site.context.table.get(keys.outbox_record(good.at_ms, good.id))


def test_a_record_of_a_later_schema_does_not_stop_the_others_of_its_shard(site: Site) -> None:
    later = owe(site, "id-0")
    same_shard = next(f"id-{number}" for number in range(1, 1000) if shard_of(f"id-{number}") == shard(later))
    site.world.sleep(1)
    good = owe(site, same_shard)
    kept = site.context.table.get(keys.outbox_record(later.at_ms, later.id))
    assert kept
    site.context.table.put({**kept, SCHEMA: {"N": "2"}})
    site.world.sleep(SWEEP_AFTER_MS / 1000)
    swept = sweep(site)
    assert (swept.sent, list(swept.failed)) == (1, [later.id])
    assert "LaterSchema" in swept.failed[later.id]
    assert site.context.table.get(keys.outbox_record(later.at_ms, later.id))
    assert not site.context.table.get(keys.outbox_record(good.at_ms, good.id))


def test_no_error_of_sending_is_one_of_the_commit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test other errors than the known refusals of a queue or a bus."""
    record = owe(site, "one")
    with monkeypatch.context() as patch:
        patch.setitem(kinds.KINDS, "transfer", lambda *_: 1 // 0)
        assert send_outbox_record(site.context, record) is False
    assert send_outbox_record(site.context, record) is True


def quick_site(site: Site) -> list[tuple[str, dict[str, Any]]]:
    """Let requests use ways out of their own, as production does; returns what is warned of."""
    warned: list[tuple[str, dict[str, Any]]] = []
    outlets = Outlets(copy.copy(site.context.queues), copy.copy(site.context.bus))
    site.context.quick = lambda: outlets
    site.context.warn = lambda message, facts: warned.append((message, dict(facts)))
    return warned


@pytest.mark.parametrize("call_ms", [0, 40, 240, QUICK_CALL_MS])
@pytest.mark.parametrize("service", ["queues", "bus"])
def test_sending_after_a_commit_gives_up_within_half_a_second_and_logs_it(
    site: Site, service: str, call_ms: int
) -> None:
    """Test that the sweep sends a message later if the service throttles every call, at once or slowly."""
    warned = quick_site(site)
    assert site.context.quick

    def throttled(**_: Any) -> Any:
        site.world.sleep(call_ms / 1000)
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Send")

    client = SimpleNamespace(send_message_batch=throttled, put_events=throttled)
    getattr(site.context.quick(), service).client = client
    record, began = owe(site, "one"), site.world.now_ms()
    assert send_outbox_record(site.context, record) is False
    assert call_ms <= site.world.now_ms() - began <= AFTER_COMMIT_MS
    [(message, facts)] = warned
    assert (message, facts["id"], facts["kind"]) == ("left to the sweep", "one", "transfer")
    assert "ThrottlingException" in facts["error"]
    site.world.sleep(SWEEP_AFTER_MS / 1000)
    assert sweep(site).sent == 1


def test_a_bug_that_keeps_messages_from_being_sent_is_warned_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    warned, record = quick_site(site), owe(site, "one")
    monkeypatch.setitem(kinds.KINDS, "transfer", lambda *_: 1 // 0)
    assert send_outbox_record(site.context, record) is False
    assert "ZeroDivisionError" in warned[0][1]["error"]


def test_the_ways_out_of_requests_have_short_timeouts_and_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    session = Session()
    session.set_config_variable("region", "us-east-1")
    context = wiring.build(settings.read({}), session)
    assert context.quick
    outlets: Any = context.quick()
    assert outlets is context.quick()
    for client in (outlets.queues.client, outlets.bus.client):
        config = client.meta.config
        assert round((config.connect_timeout + config.read_timeout) * 1000) == QUICK_CALL_MS < AFTER_COMMIT_MS
        assert config.retries["total_max_attempts"] == 1
