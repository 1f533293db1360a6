"""Tests of the local stack: its own port and data, stops and crashes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local import processes
from infra.local.emulator import Emulator
from infra.local.stack import Stack
from infra.package import Package

ITEM = {"pk": {"S": "TEST#1"}, "sk": {"S": "ITEM"}}


def depth(stack: Stack, key: str) -> int:
    """Return the number of messages in a queue, hidden ones too."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    client = stack.client("sqs")
    found = client.get_queue_attributes(QueueUrl=stack.queue_urls[key], AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].exists():
        pytest.skip("needs /proc/net")
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{stack.emulator.port:04X}")]
    assert listening == [f"0100007F:{stack.emulator.port:04X}"]


def test_the_api_responds_at_its_stable_url_with_laurels_errors(stack: Stack) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{stack.api_url}/there/is/nothing", timeout=10)
    assert refused.value.code == 404
    assert json.loads(refused.value.read())["code"] == "not_found"
    assert refused.value.headers["Access-Control-Allow-Origin"] == "*"


def test_the_table_expires_items(stack: Stack) -> None:
    found = stack.client("dynamodb").describe_time_to_live(TableName=stack.table)["TimeToLiveDescription"]
    assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_every_source_invokes_its_worker_whose_process_can_be_found(stack: Stack) -> None:
    sqs = stack.client("sqs")
    for key in ("events", "own", "backfill"):
        sqs.send_message(QueueUrl=stack.queue_urls[key], MessageBody='{"nonsense":1}')
    sqs.send_message(
        QueueUrl=stack.queue_urls["boards"],
        MessageBody='{"nonsense":1}',
        MessageGroupId="test",
        MessageDeduplicationId="test",
    )
    expected = {f"laurel-local-{name}" for name in ("progress", "progress-own", "progress-backfill", "boards")}
    assert until(lambda: expected <= set(stack.workers().values())), stack.workers()
    # A kill while it holds a message would hide the message for minutes.
    assert until(lambda: depth(stack, "boards") == 0)
    (pid,) = stack.workers("laurel-local-boards")
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: pid not in stack.workers())


def test_two_stacks_are_separate(stack: Stack, tmp_path: Path) -> None:
    other = Emulator(tmp_path / "other")
    try:
        other.start()
        assert other.port != stack.emulator.port
        assert other.client("dynamodb").list_tables()["TableNames"] == []
    finally:
        other.stop()
    assert stack.emulator.healthy()


def test_data_survive_a_stop_and_a_start_is_not_a_deployment(stack: Stack, stack_package: Package) -> None:
    stack.client("dynamodb").put_item(TableName=stack.table, Item=ITEM)
    before = stack.api_url
    stack.stop()
    assert not stack.emulator.healthy()
    assert not stack.emulator.temporary.exists()
    stack.start(stack_package, tied=True)
    assert (stack.fresh, stack.changed) == (False, False)
    assert stack.api_url == before
    key = {"TableName": stack.table, "Key": ITEM}
    assert stack.client("dynamodb").get_item(**key)["Item"] == ITEM
    # Settings outside the template hold too.
    test_the_api_responds_at_its_stable_url_with_laurels_errors(stack)
    test_the_table_expires_items(stack)


def test_a_start_after_a_crash_cleans_up(stack: Stack, stack_package: Package) -> None:
    running = stack.emulator.process()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    assert until(lambda: stack.emulator.process() is None)
    leftover = stack.emulator.temporary / "ministack-lambda-laurel-local-progress-crashed"
    leftover.mkdir(parents=True)
    stack.start(stack_package, tied=True)
    assert stack.emulator.healthy()
    assert not leftover.exists()


def test_its_port_may_be_taken_meanwhile(stack: Stack, stack_package: Package) -> None:
    stack.client("dynamodb").put_item(TableName=stack.table, Item=ITEM)
    before = stack.emulator.port
    stack.stop()
    with socket.socket() as occupant:
        occupant.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupant.bind(("127.0.0.1", before))
        occupant.listen()
        stack.start(stack_package, tied=True)
    assert stack.emulator.port != before
    assert stack.changed is False
    assert stack.client("dynamodb").get_item(TableName=stack.table, Key=ITEM)["Item"] == ITEM
    rejected = depth(stack, "rejected")
    stack.client("sqs").send_message(QueueUrl=stack.queue_urls["events"], MessageBody='{"nonsense":1}')
    assert until(lambda: depth(stack, "rejected") > rejected, 60)


def test_a_start_while_it_runs_changes_nothing(stack: Stack, stack_package: Package) -> None:
    before = stack.emulator.process()
    stack.start(stack_package)
    assert stack.emulator.process() == before
    assert stack.changed is False


def test_a_foreign_process_under_the_remembered_id_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        state = {"port": 1, "pid": bystander.pid, "started": 1.0}
        (tmp_path / "state.json").write_text(json.dumps(state))
        emulator = Emulator(tmp_path)
        assert emulator.process() is None
        emulator.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_processes_are_identified_by_their_start() -> None:
    me = processes.find(os.getpid())
    assert me is not None
    assert me.parent == os.getppid()
    assert processes.alive(me.pid, me.started)
    assert not processes.alive(me.pid, me.started - 60)
    assert me in processes.all_processes()
