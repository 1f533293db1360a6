"""Capacity by DynamoDB's rules, metered on every call whether or not it was asked for.

Units are request units (on-demand) = capacity units: a write unit per started KB of the larger of the old and
the new item, twice in transactions; a read unit per started 4 KB, half if eventually consistent, twice in
transactions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WRITE_BYTES = 1024
READ_BYTES = 4096
Target = tuple[str, str | None]  # table, index or None for the table itself


def write_units(size: int, factor: int = 1) -> int:
    return max(1, -(-size // WRITE_BYTES)) * factor


def read_units(size: int, factor: float) -> float:
    """Return read units. `factor` is 1 for strong, 0.5 for eventual and 2 for transactional reads."""
    return max(1, -(-size // READ_BYTES)) * factor


class Usage:
    """The capacity that one call consumed, by table and index."""

    __slots__ = ("reads", "writes")

    def __init__(self) -> None:
        self.reads: dict[Target, float] = {}
        self.writes: dict[Target, float] = {}

    def read(self, table: str, index: str | None, units: float) -> None:
        self.reads[table, index] = self.reads.get((table, index), 0.0) + units

    def write(self, table: str, index: str | None, units: float) -> None:
        self.writes[table, index] = self.writes.get((table, index), 0.0) + units

    def tables(self) -> list[str]:
        return list(dict.fromkeys(table for used in (self.writes, self.reads) for table, _ in used))

    def answer(self, table: str, detail: str, kinds: bool = False) -> dict[str, Any]:
        """Return ConsumedCapacity of one table; `detail` is TOTAL or INDEXES; `kinds`: name reads and writes too."""
        units: dict[str | None, float] = {}
        for used in (self.reads, self.writes):
            for (name, index), amount in used.items():
                if name == table:
                    units[index] = units.get(index, 0.0) + amount
        kind = "WriteCapacityUnits" if self.writes else "ReadCapacityUnits"

        def arm(amount: float) -> dict[str, Any]:
            return {"CapacityUnits": float(amount), **({kind: float(amount)} if kinds else {})}

        answer: dict[str, Any] = {"TableName": table, **arm(sum(units.values()))}
        if detail == "INDEXES":
            answer["Table"] = arm(units.pop(None, 0.0))
            if units:
                answer["GlobalSecondaryIndexes"] = {i: arm(u) for i, u in units.items() if i is not None}
        return answer


@dataclass
class Tally:
    """Sums over calls: `calls` counts requests, the rest is in units."""

    calls: int = 0
    read: float = 0.0
    write: float = 0.0


@dataclass(frozen=True)
class Record:
    """One metered call, kept while `Meter.recording` is true."""

    operation: str
    read: float
    write: float
    targets: dict[Target, tuple[float, float]]
    request: dict[str, Any]


@dataclass
class Meter:
    """Totals since the last `reset`. `targets` maps (table, index or None) to its tally."""

    total: Tally = field(default_factory=Tally)
    operations: dict[str, Tally] = field(default_factory=dict)
    targets: dict[Target, Tally] = field(default_factory=dict)
    recording: bool = False
    records: list[Record] = field(default_factory=list)

    @property
    def read_units(self) -> float:
        return self.total.read

    @property
    def write_units(self) -> float:
        return self.total.write

    @property
    def calls(self) -> int:
        return self.total.calls

    def reset(self) -> None:
        self.total = Tally()
        self.operations, self.targets, self.records = {}, {}, []

    def add(self, operation: str, usage: Usage, request: dict[str, Any]) -> None:
        read, write = sum(usage.reads.values()), sum(usage.writes.values())
        for tally in (self.total, self.operations.setdefault(operation, Tally())):
            tally.calls += 1
            tally.read += read
            tally.write += write
        for target, units in usage.reads.items():
            tally = self.targets.setdefault(target, Tally())
            tally.calls += 1
            tally.read += units
        for target, units in usage.writes.items():
            tally = self.targets.setdefault(target, Tally())
            tally.calls += target not in usage.reads
            tally.write += units
        if self.recording:
            both = dict.fromkeys((*usage.reads, *usage.writes))
            targets = {t: (usage.reads.get(t, 0.0), usage.writes.get(t, 0.0)) for t in both}
            self.records.append(Record(operation, read, write, targets, request))
