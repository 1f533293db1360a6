"""The last finished run of each scheduled function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.operations import keys
from chalicelib.store.operations.models import RunItem


@dataclass(frozen=True, slots=True)
class Run:
    """The last finished run of a scheduled function.

    `since_ms`: when the runs began to finish on time and with the same result: with differences, or without.
    `found`: the number of differences.
    """

    function: str
    done_ms: int
    since_ms: int
    found: int = 0


def read_runs(table: Table, functions: Sequence[str]) -> dict[str, Run]:
    """Return the last finished runs, by function. The read is strong."""
    items = table.get_many([keys.run(function) for function in functions])
    return {run.function: run for run in map(run_of, items.values())}


def run_of(item: Item) -> Run:
    """Return the run of an item."""
    row = RunItem.from_raw_data(item)
    return Run(row.pk.removeprefix(keys.RUN), int(row.done), int(row.since), int(row.found))


def write_run(table: Table, run: Run) -> None:
    """Write a run in place of the one before."""
    table.put(RunItem(*keys.run(run.function), done=run.done_ms, since=run.since_ms, found=run.found).item())
