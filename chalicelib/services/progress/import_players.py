"""Import players from another system, exactly once for each name of an import.

Every player is one event on Laurel's own queue, identified by (player, name of the import). The player's partition
remembers each import without an expiry, so an import that is repeated at any time, in part or whole, changes nothing.
A window bounds the events that wait in the queue: events of live traffic wait behind that many at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.errors import ConflictingState, LostRace
from chalicelib.domain.core.queues import OWN
from chalicelib.services.context import Context
from chalicelib.services.events.resend_events import packed
from chalicelib.services.identity.audit import audit
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.import_lines import MAX_FAULTS, Checked, Line
from chalicelib.store.progress.imports import ImportedFile, add_imported_file, read_imported_file, read_imports

# Players read at once: a batch read.
PLAYERS_AT_ONCE = 100
# Small messages spread over workers.
EVENTS_PER_MESSAGE = 25
WINDOW = 1_000
POLL_S = 0.5
# Another command may import the same file.
MAX_TRIES = 3


@dataclass(slots=True)
class Imported:
    """The result of an import, in players.

    `unchanged`: the same import had given them the same figures before. `conflicts`: it had given them other figures;
    `refused` are the first of their lines. `waiting`: players whose event is queued and was not applied in time.
    """

    imported: int = 0
    unchanged: int = 0
    conflicts: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    waiting: dict[str, Line] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.imported + self.unchanged + self.conflicts

    def conflict(self, line: Line) -> None:
        self.conflicts += 1
        if len(self.refused) < MAX_FAULTS:
            self.refused.append((line.number, line.player))


def preview_import(context: Context, name: str, lines: Iterable[Line]) -> tuple[Imported, int]:
    """Return what was imported under this name before, and how many players `import_players` would send now."""
    imported, new = Imported(), 0
    for batch in batched(lines, PLAYERS_AT_ONCE):
        new += len(_unknown(context, name, batch, imported))
    return imported, new


def import_players(
    context: Context,
    caller: Caller,
    name: str,
    checked: Checked,
    lines: Iterable[Line],
    *,
    report: Callable[[Imported], None],
    sleep: Callable[[float], None],
    wait_s: float,
    again: bool = False,
) -> Imported:
    """Send each player that this import has not given its figures yet, and wait until they are applied.

    `report`: called with the state so far. `wait_s`: give up when no player was applied for that long. `again`: the
    file may have been imported under another name. Raises ConflictingState if it was, NotSent (run it again).
    """
    imported, begun = Imported(), False
    for batch in batched(lines, PLAYERS_AT_ONCE):
        new = _unknown(context, name, batch, imported)
        if new and not begun:
            context.retry.run(
                lambda: _begin(context, caller, name, checked, again=again), again=LostRace, most=MAX_TRIES
            )
            begun = True
        if new:
            context.queues.send(OWN, packed([line.raw for line in new], EVENTS_PER_MESSAGE))
            imported.waiting |= {line.player: line for line in new}
        report(imported)
        if len(imported.waiting) >= WINDOW and not _wait(context, name, imported, WINDOW // 2, report, sleep, wait_s):
            return imported
    _wait(context, name, imported, 0, report, sleep, wait_s)
    return imported


def _begin(context: Context, caller: Caller, name: str, checked: Checked, *, again: bool) -> None:
    """Record the file and the run before the first event.

    The same file under another name would add all figures again, so that needs `again`.
    """
    known = read_imported_file(context.table, checked.sha256)
    if known and known.name != name and not again:
        raise ConflictingState(
            f"This file was imported as '{known.name}' before; another name adds all figures again.",
            code="imported_before",
        )
    now_ms = context.now_ms()
    tx = context.table.transaction()
    if known is None:
        add_imported_file(tx, ImportedFile(checked.sha256, name, now_ms))
    facts: dict[str, Any] = {"name": name, "players": checked.players, "sha256": checked.sha256}
    audit(tx, caller, "import", context.new_id(), now_ms, **facts)
    tx.commit()


def _unknown(context: Context, name: str, batch: Sequence[Line], imported: Imported) -> list[Line]:
    """Return the lines that the import has not applied; count the others."""
    bodies = read_imports(context.table, name, [line.player for line in batch])
    new = []
    for line in batch:
        if line.player not in bodies:
            new.append(line)
        elif bodies[line.player] == line.body:
            imported.unchanged += 1
        else:
            imported.conflict(line)
    return new


def _wait(
    context: Context,
    name: str,
    imported: Imported,
    most: int,
    report: Callable[[Imported], None],
    sleep: Callable[[float], None],
    wait_s: float,
) -> bool:
    """Wait until at most `most` players wait; return whether that came true."""
    since_ms = context.now_ms()
    while len(imported.waiting) > most:
        bodies = read_imports(context.table, name, list(imported.waiting))
        for player, body in bodies.items():
            line = imported.waiting.pop(player)
            if body == line.body:
                imported.imported += 1
            else:
                imported.conflict(line)
        if bodies:
            since_ms = context.now_ms()
            report(imported)
        elif context.now_ms() - since_ms >= wait_s * 1000:
            return False
        else:
            sleep(POLL_S)
    return True
