"""The rows that a check of health reads, and the one that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.store.core.table import Table, text
from chalicelib.store.operations import keys
from chalicelib.store.operations.models import HealthItem
from chalicelib.store.operations.runs import Run, run_of


@dataclass(frozen=True, slots=True)
class Found:
    """A status, and since when it is found."""

    status: str
    since_ms: int


def read_health_rows(table: Table, functions: Sequence[str]) -> tuple[dict[str, Run], Found | None]:
    """Return the last finished runs by function, and the last status of the queues. One read, eventually consistent."""
    items = table.get_many([keys.queues(), *map(keys.run, functions)], strong=False)
    item = items.pop(keys.queues(), None)
    queues = HealthItem.from_raw_data(item) if item else None
    runs = {run.function: run for run in map(run_of, items.values())}
    return runs, Found(queues.status, int(queues.since)) if queues else None


def write_queues(table: Table, last: Found | None, found: Found) -> None:
    """Write another status of the queues. Raises ConditionFailed if another process did so in the meantime."""
    item = HealthItem(*keys.queues(), status=found.status, since=found.since_ms).item()
    if last is None:
        table.put(item, "attribute_not_exists(pk)")
    else:
        table.put(item, "#status = :status", {"#status": "status"}, {":status": text(last.status)})
