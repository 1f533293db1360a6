"""Tests of the bench's boards: loaded boards equal written ones, and a wrong result gives no figure."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from chalicelib.services.context import Context
from tests.bench import board, one_writer, peers, ranks
from tests.bench.board import Population
from tests.bench.deployment import TABLE, Deployment
from tests.bench.figures import NotTaken, Skipped
from tests.bench.rounds import Rounds


@pytest.mark.proof
@pytest.mark.parametrize("ties", [False, True])
def test_a_loaded_board_equals_the_written_one(ties: bool) -> None:
    """The players are enough for a tie group with a directory, and for many intents."""
    loaded, written = Deployment(), Deployment()
    population = Population(1_200, ties, loaded.context.rules.levels)
    board.load(loaded, population)
    board.write(written.context, population)
    mine, theirs = (each.world.dynamodb.table(TABLE) for each in (loaded, written))
    assert mine.rows == theirs.rows
    assert mine.primary.partitions == theirs.primary.partitions
    assert {name: index.partitions for name, index in mine.indexes.items()} == {
        name: index.partitions for name, index in theirs.indexes.items()
    }
    assert any(key[1].startswith("D.") for key in mine.rows) == ties


def test_a_wrong_result_gives_no_figure() -> None:
    with board.board_of(300, False) as (deployment, population):
        bench = ranks.Bench(deployment, population, reads=3)
        bench.order[150], bench.order[151] = bench.order[151], bench.order[150]
        with pytest.raises(NotTaken, match="page at 150 of 300 players is"):
            list(bench.figures())


def test_parallel_calls_are_one_round_trip() -> None:
    rounds = Rounds()

    def read(times: int) -> int:
        for _ in range(times):
            rounds._sent()
        return times

    read(1)
    assert list(rounds.map(read, (1, 3, 2))) == [1, 3, 2]
    assert rounds.trips == 4


@pytest.mark.proof
def test_write_units_that_differ_are_an_error() -> None:
    """Another simulated table replaces the emulator's."""
    one_writer.compare(Deployment().context, players=200, batches={1: 5, 10: 2, 100: 1})
    other = Deployment().context
    _charge_one_more(other)
    with pytest.raises(NotTaken, match="on the emulator"):
        one_writer.compare(other, players=200, batches={1: 5, 10: 2, 100: 1})


def _charge_one_more(context: Context) -> None:
    def add(parsed: dict[str, Any], **_: Any) -> None:
        if "ConsumedCapacity" in parsed:
            parsed["ConsumedCapacity"]["CapacityUnits"] += 1

    context.table.client.meta.events.register_first("after-call.dynamodb.UpdateItem", add)


def test_peers_rank_as_a_sorted_list_does(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = list(peers.peers(sizes=(400,), runs=2))
    names = {each.name for each in taken}
    expected = set(peers.NAMES)
    if shutil.which("redis-server") is None:
        expected = {"peer.redis", "peer.sqlite.rank_ms", "peer.sqlite.page_ms"}
    assert names == expected
    monkeypatch.setattr(shutil, "which", lambda _: None)
    skipped = next(peers.peers(sizes=(400,), runs=2))
    assert isinstance(skipped, Skipped)
    assert "redis-server" in skipped.reason
