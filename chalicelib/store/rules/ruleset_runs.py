"""The latest run that applies a ruleset to the players: one row, which says where a stopped run continues."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.table import Table, text
from chalicelib.store.rules import keys as rules_keys
from chalicelib.store.rules.models import RulesetRunItem


@dataclass(frozen=True, slots=True)
class RulesetRun:
    """A run of a ruleset. `ruleset`, `run`: ids. `sent`: players queued so far.

    `place`: the key after which the scan continues. `done_ms`: when all were queued, None until then.
    """

    ruleset: str
    run: str
    began_ms: int
    sent: int = 0
    place: core_keys.Key | None = None
    done_ms: int | None = None


def read_run(table: Table) -> RulesetRun | None:
    """Read the latest run, of any ruleset. The read is strong."""
    item = table.get(rules_keys.ruleset_run())
    if item is None:
        return None
    row = RulesetRunItem.from_raw_data(item)
    place = (row.place_pk, row.place_sk) if row.place_pk and row.place_sk else None
    done_ms = None if row.done is None else int(row.done)
    return RulesetRun(row.ruleset, row.run, int(row.began), int(row.sent), place, done_ms)


def begin_run(table: Table, latest: RulesetRun | None, run: RulesetRun) -> None:
    """Write a new run in place of the latest. Raises ConditionFailed if another run has begun in the meantime."""
    if latest is None:
        table.put(_item(run), "attribute_not_exists(pk)")
    else:
        table.put(_item(run), "#run = :run", {"#run": "run"}, {":run": text(latest.run)})


def note_run(table: Table, run: RulesetRun) -> None:
    """Record how far a run has come. Raises ConditionFailed if another run has begun in the meantime."""
    table.put(_item(run), "#run = :run", {"#run": "run"}, {":run": text(run.run)})


def finish_run(table: Table, run: RulesetRun, at_ms: int) -> None:
    """Record that a run has queued all players. Raises ConditionFailed if another run has begun in the meantime."""
    note_run(table, replace(run, place=None, done_ms=at_ms))


def _item(run: RulesetRun) -> dict[str, dict[str, str]]:
    row = RulesetRunItem(*rules_keys.ruleset_run(), ruleset=run.ruleset, run=run.run, began=run.began_ms, sent=run.sent)
    row.place_pk, row.place_sk = run.place or (None, None)
    row.done = run.done_ms
    return row.item()
