"""The last finished run of each scheduled function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def read_runs(table: Table, functions: Sequence[str], *, strong: bool = True) -> dict[str, Run]:
    """Return the last finished runs, by function."""
    items = table.get_many([keys.run(function) for function in functions], strong=strong)
    runs = {}
    for (pk, _), item in items.items():
        row = RunItem.from_raw_data(item)
        function = pk.partition("#")[2]
        runs[function] = Run(function, int(row.done), int(row.since), int(row.found))
    return runs


def write_run(table: Table, run: Run) -> None:
    """Write a run in place of the one before."""
    table.put(RunItem(*keys.run(run.function), done=run.done_ms, since=run.since_ms, found=run.found).item())
