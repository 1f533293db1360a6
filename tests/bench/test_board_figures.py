"""Tests of the figures of boards: every read has some, and small boards meet the targets."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import chart, ranks
from tests.bench.figures import TARGETS, Figure, misses


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return list(ranks.boards(sizes=(300, 1_200), reads=12, batches={1: 60, 10: 10, 500: 1}))


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


def test_every_read_of_the_specification_has_a_target_that_fails_the_bench(figures: list[Figure]) -> None:
    counted = {target.name for target in TARGETS if target.counted}
    assert counted > {name for name in ranks.NAMES if not name.startswith(("board.neighbours", "peer"))}
    too_much = [replace(figure, value=figure.value + 10) for figure in figures if figure.name in counted]
    assert len(misses(too_much)) == len(too_much)


def test_the_chart_has_all_lines(figures: list[Figure]) -> None:
    svg = ET.fromstring(chart.draw(figures))
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f"{space}polyline")) == 3
    assert len(svg.findall(f"{space}circle")) == 6


def test_the_chart_of_the_docs_exists() -> None:
    assert f"../../{chart.FILE.relative_to(Path.cwd())}" in Path("docs/architecture/costs.md").read_text()
    assert "1,000,000" in chart.FILE.read_text()
