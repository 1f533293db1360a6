from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.ledger.transfer import is_system
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table
from chalicelib.store.ledger import keys
from chalicelib.store.ledger.proof import _ACCOUNTS, _CORRECTED, _HOLDS, _POSTING, Row, _row, _text
from chalicelib.store.rewards import proof
from chalicelib.store.rewards.proof import Kept

_PREFIXES = (_ACCOUNTS, _HOLDS, _CORRECTED, *proof.PREFIXES)


_SCANNED = tuple(dict.fromkeys(("by", *_POSTING, *proof.ATTRIBUTES)))


@dataclass(frozen=True, slots=True)
class Scanned:
    """A page of the table: postings; marks (a transfer, and by which one it was corrected); redemptions and what counts
    them; how many balance items; the partitions of accounts whose figures, postings or open holds are on it, as far as
    they should have figures or have them; the key to go on from."""

    rows: list[Row]
    marks: list[tuple[str, str]]
    kept: Kept
    balances: int
    partitions: list[str]
    next: Item | None


def scan_ledger(table: Table, start: Item | None) -> Scanned:
    values = {f":p{place}": {"S": prefix} for place, prefix in enumerate(_PREFIXES)}
    condition = " OR ".join(f"begins_with(pk, {name})" for name in values)
    page = table.scan(condition, values, _SCANNED, start)
    rows, marks, balances, kept = [], [], 0, Kept()
    partitions: dict[str, None] = {}
    for item in page.items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(_HOLDS):
            if sk.startswith((keys.OPEN_HOLD, keys.PENDING_HOLD)):
                partitions[keys.account(pk.removeprefix(_HOLDS), _text(item, "asset"))[0]] = None
            continue
        if pk.startswith(_CORRECTED):
            marks.append((pk.removeprefix(_CORRECTED), _text(item, "by")))
            continue
        if pk.startswith(proof.PREFIXES):
            kept.take(item)
            continue
        if sk.startswith(keys.POSTING):
            rows.append(_row(item))
            if is_system(keys.account_of(pk)[0]):
                continue
        else:
            balances += 1
        partitions[pk] = None
    return Scanned(rows, marks, kept, balances, list(partitions), page.next)
