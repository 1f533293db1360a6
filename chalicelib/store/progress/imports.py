"""Imports of players from other systems: what a player was given by one, and the files that were imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.store.core.table import Table
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.progress import keys
from chalicelib.store.progress.models import ImportedFileItem
from chalicelib.store.progress.records import read_imported


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that was imported, and the name of the import that was the first to do so."""

    sha256: str
    name: str
    at_ms: int


def read_imports(table: Table, name: str, players: Sequence[str]) -> dict[str, str]:
    """Return the digest of the figures that an import gave, by player, of those that it gave some. Strong."""
    key_of = {player: keys.imported(player, name) for player in players}
    found = table.get_many(list(key_of.values()))
    return {player: read_imported(found[key]).entry.body for player, key in key_of.items() if key in found}


def read_imported_file(table: Table, sha256: str) -> ImportedFile | None:
    """Return the file with this digest, if it was imported. The read is strong."""
    item = table.get(keys.imported_file(sha256))
    if item is None:
        return None
    row = ImportedFileItem.from_raw_data(item)
    return ImportedFile(sha256, row.name, int(row.at))


def add_imported_file(tx: Transaction, file: ImportedFile) -> None:
    """Record a file. Fails the transaction if it was recorded in the meantime."""
    row = ImportedFileItem(*keys.imported_file(file.sha256), name=file.name, at=file.at_ms)
    tx.put(row.item(), "attribute_not_exists(pk)")
