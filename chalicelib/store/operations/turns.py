"""Turns of scheduled functions: a row says which run is under way, and until when at most."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.core.errors import LostRace, OutOfReach
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.operations import keys

_NAMES = {"#by": "by", "#until": "until"}


def take_turn(table: Table, function: str, by: str, now_ms: int, until_ms: int) -> None:
    """Take the turn of a function for the run `by`. Raises LostRace while another run has it, StoreError."""
    # A repeated try of the same run takes it again.
    condition = "attribute_not_exists(#until) OR #until <= :now OR #by = :by"
    values = {":by": text(by), ":now": number(now_ms), ":until": number(until_ms)}
    table.update(keys.turn(function), "SET #by = :by, #until = :until", condition, _NAMES, values)


def end_turn(table: Table, function: str, by: str) -> None:
    """End the turn of a run. If that fails, the turn ends at its latest moment."""
    values = {":by": text(by), ":ended": number(0)}
    with suppress(LostRace, OutOfReach):
        table.update(keys.turn(function), "SET #until = :ended", "#by = :by", _NAMES, values)
