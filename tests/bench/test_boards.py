"""Boards of the bench: what is loaded at once is what the writer writes, and no figure is taken of a wrong answer."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.services.context import Context
from tests.bench import board, chart, one_writer, peers, ranks
from tests.bench.board import Population
from tests.bench.deployment import TABLE, Deployment
from tests.bench.figures import TARGETS, Figure, NotTaken, Skipped, misses
from tests.bench.rounds import Rounds


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return list(ranks.boards(sizes=(300, 1_200), reads=12))


@pytest.mark.parametrize("ties", [False, True])
def test_a_board_loaded_at_once_is_the_writers_own(ties: bool) -> None:
    """Enough players for a tie group with a directory, and for many intents."""
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


def test_every_read_of_every_board_has_its_figures(figures: list[Figure]) -> None:
    taken = {(figure.name, figure.params["players"], figure.params["ties"]) for figure in figures}
    reads = [name for name in ranks.NAMES if name != "board.update.write_units"]
    assert taken >= {(name, players, ties) for name in reads for players in (300, 1_200) for ties in (True, False)}
    assert [figure.params["batch"] for figure in figures if figure.name == "board.update.write_units"] == [1, 10, 500]


def test_small_boards_meet_the_targets(figures: list[Figure]) -> None:
    assert [miss.sentence() for miss in misses(figures)] == []


def test_a_rank_is_an_entry_and_three_nodes(figures: list[Figure]) -> None:
    found = {figure.value for figure in figures if figure.name == "board.rank.read_units"}
    assert found == {2.0}
    assert {figure.value for figure in figures if figure.name == "board.rank.round_trips"} == {2}


def test_a_wrong_answer_is_no_figure() -> None:
    with board.board_of(300, False) as (deployment, population):
        bench = ranks.Bench(deployment, population, reads=3)
        bench.order[150], bench.order[151] = bench.order[151], bench.order[150]
        with pytest.raises(NotTaken, match="page at 150 of 300 players is"):
            list(bench.figures())


def test_every_read_of_the_specification_has_a_target_that_fails_the_bench(figures: list[Figure]) -> None:
    counted = {target.name for target in TARGETS if target.counted}
    assert counted > {name for name in ranks.NAMES if not name.startswith(("board.neighbours", "peer"))}
    too_much = [replace(figure, value=figure.value + 10) for figure in figures if figure.name in counted]
    assert len(misses(too_much)) == len(too_much)


def test_calls_side_by_side_are_one_round_trip() -> None:
    rounds = Rounds()

    def read(times: int) -> int:
        for _ in range(times):
            rounds._sent()
        return times

    read(1)
    assert list(rounds.map(read, (1, 3, 2))) == [1, 3, 2]
    assert rounds.trips == 4


def test_write_units_that_differ_are_an_error() -> None:
    """Another simulated table stands in for the emulator's."""
    one_writer.compare(Deployment().context, players=600)
    other = Deployment().context
    _charge_one_more(other)
    with pytest.raises(NotTaken, match="on the emulator"):
        one_writer.compare(other, players=600)


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


def test_the_chart_has_all_lines(figures: list[Figure]) -> None:
    svg = ET.fromstring(chart.draw(figures))
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f"{space}polyline")) == 3
    assert len(svg.findall(f"{space}circle")) == 6


def test_the_chart_that_the_docs_show_is_there() -> None:
    assert f"../../{chart.FILE.relative_to(Path.cwd())}" in Path("docs/architecture/costs.md").read_text()
    assert "1,000,000" in chart.FILE.read_text()
