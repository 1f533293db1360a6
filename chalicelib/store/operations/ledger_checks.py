"""The saved state of the check of the ledger that is under way. Parts are written first, then the row that names them.

Parts of earlier states are left to TTL: no function may delete here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from chalicelib.store.core.table import Table, number
from chalicelib.store.operations import keys
from chalicelib.store.operations.models import LedgerCheckItem, LedgerCheckPartItem

# A part with its key is well below an item's 400 KB.
PART_BYTES = 380 * 1024
# A check that is not continued for so long starts again.
KEPT_S = 3 * 86_400


@dataclass(frozen=True, slots=True)
class SavedCheck:
    """A saved check. `number`: of its last state, 0 before the first. `state`: None if no check is under way."""

    number: int = 0
    state: bytes | None = None


def read_check(table: Table, form: int, now_ms: int) -> SavedCheck:
    """Read the check under way. A state of another form, or with an expired part, counts as none."""
    item = table.get(keys.ledger_check())
    if item is None:
        return SavedCheck()
    row = LedgerCheckItem.from_raw_data(item)
    saved = int(row.number)
    if not row.parts or int(row.form) != form:
        return SavedCheck(saved)
    found = table.get_many([keys.ledger_check_part(saved, place) for place in range(int(row.parts))])
    parts = [LedgerCheckPartItem.from_raw_data(found[key]) for key in sorted(found)]
    if len(parts) < row.parts or any(int(part.expires) * 1000 <= now_ms for part in parts):
        return SavedCheck(saved)
    return SavedCheck(saved, zlib.decompress(b"".join(part.state for part in parts)))


def save_check(table: Table, last: SavedCheck, state: bytes | None, form: int, now_ms: int) -> SavedCheck:
    """Save the state of a check in place of the last one; None: it is done.

    Raises ConditionFailed if another process has saved one in the meantime.
    """
    made = SavedCheck(last.number + 1, state)
    packed = zlib.compress(state, 1) if state else b""
    starts = range(0, len(packed), PART_BYTES)
    for place, start in enumerate(starts):
        part = LedgerCheckPartItem(*keys.ledger_check_part(made.number, place))
        part.state, part.expires = packed[start : start + PART_BYTES], now_ms // 1000 + KEPT_S
        table.put(part.item())
    row = LedgerCheckItem(*keys.ledger_check(), number=made.number, parts=len(starts), form=form)
    if last.number:
        table.put(row.item(), "#number = :number", {"#number": "number"}, {":number": number(last.number)})
    else:
        table.put(row.item(), "attribute_not_exists(pk)")
    return made
