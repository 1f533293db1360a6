"""TransactWriteItems and TransactGetItems: all or nothing, with the reasons in request order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import queries
from .calls import Call
from .capacity import Usage, read_units
from .errors import AwsError, Cancelled, Invalid
from .expressions import Binding
from .table import Row, Table
from .writes import Write, plan

if TYPE_CHECKING:
    from .dynamodb import DynamoDB

MAX_ITEMS = 100
MAX_BYTES = 4 * 1024 * 1024
TOKEN_MS = 10 * 60 * 1000
_KINDS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheck",
}
_NONE = {"Code": "None"}
_CONFLICT = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
_THROTTLED = {
    "Code": "ThrottlingError",
    "Message": "Throughput exceeds the current capacity of your table or index. Please retry.",
}


class Tokens:
    """Client request tokens of the last ten minutes, with the payload and the reads that a repetition costs."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, Any, dict[Any, float]]] = {}
        # Until when a transaction is in progress, by its token.
        self._begun: dict[str, int] = {}

    def begin(self, token: str, until_ms: int) -> None:
        """Begin a transaction that takes until then: the same one gets that answer when it is repeated."""
        self._begun[token] = until_ms

    def find(self, token: str, items: Any, now_ms: int) -> dict[Any, float] | None:
        """Return None if it is new; raise if the token came with other items, or its transaction is in progress."""
        if now_ms < self._begun.get(token, 0):
            raise AwsError(
                "TransactionInProgressException", "The transaction with the given request token is already in progress."
            )
        while self._seen and next(iter(self._seen.values()))[0] + TOKEN_MS < now_ms:
            del self._seen[next(iter(self._seen))]
        found = self._seen.get(token)
        if found is None:
            return None
        if found[1] != items:
            raise AwsError(
                "IdempotentParameterMismatchException",
                "Request was rejected because a client request token was reused with different parameters",
            )
        return found[2]

    def keep(self, token: str, items: Any, now_ms: int, reads: dict[Any, float]) -> None:
        self._seen[token] = (now_ms, items, reads)


def write(db: DynamoDB, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
    """Write all items. Raise Cancelled with one reason per item, in request order."""
    items = request.get("TransactItems") or []
    planned = _planned(db, items)
    token = request.get("ClientRequestToken")
    if token:
        known = db.tokens.find(token, items, call.now_ms)
        if known is not None:
            for (table, index), units in known.items():
                usage.read(table, index, units)
            return {}
    rows = [table.rows.get(w.key) for table, w in planned]
    reasons, results = _judge(planned, rows, call)
    for (table, _), old, new in zip(planned, rows, results, strict=True):
        db.charge(table, old, new if reasons is None else old, 2, usage)
    if reasons is not None:
        raise Cancelled(reasons)
    if sum(row[1] for row in results if row) > MAX_BYTES:
        raise Invalid("Transaction request cannot exceed 4 MB")
    reads: dict[Any, float] = {}
    for (table, planned_write), old, new in zip(planned, rows, results, strict=True):
        if new is not old:
            table.store(planned_write.key, new, call.now_ms)
        size = max(old[1] if old else 0, new[1] if new else 0)
        reads[table.name, None] = reads.get((table.name, None), 0.0) + read_units(size, 2)
    if token:
        db.tokens.keep(token, items, call.now_ms, reads)
    return {}


def _planned(db: DynamoDB, items: list[dict[str, Any]]) -> list[tuple[Table, Write]]:
    if not 1 <= len(items) <= MAX_ITEMS:
        raise Invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MAX_ITEMS} and greater than or equal to 1"
        )
    planned = []
    for item in items:
        if len(item) != 1 or next(iter(item)) not in _KINDS:
            raise Invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        ((kind, inner),) = item.items()
        table = db.table(inner.get("TableName"))
        planned.append((table, plan(table, _KINDS[kind], inner, lenient=True)))
    if len({(table.name, w.key) for table, w in planned}) != len(planned):
        raise Invalid("Transaction request cannot include multiple operations on one item")
    return planned


def _judge(
    planned: list[tuple[Table, Write]], rows: list[Row | None], call: Call
) -> tuple[list[dict[str, Any]] | None, list[Row | None]]:
    """Return the reasons (None if it goes through) and the rows it would leave."""
    reasons: list[dict[str, Any]] = []
    results: list[Row | None] = []
    for (_, planned_write), old in zip(planned, rows, strict=True):
        reason: dict[str, Any] = _NONE
        new = old
        if planned_write.flaw is None and not planned_write.holds(old):
            reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            if planned_write.shows_failed and old:
                reason["Item"] = old[0]
        else:
            try:
                new = planned_write.result(old)
            except Invalid as error:
                reason = {"Code": "ValidationError", "Message": error.message}
        reasons.append(reason)
        results.append(new)
    injected = _CONFLICT if call.meets("conflict") else _THROTTLED if call.meets("throttle") else None
    if injected:
        # A conflict is noticed before conditions are: items after it may say nothing.
        for index in call.rng.sample(range(len(planned)), call.rng.randint(1, len(planned))):
            reasons[index] = injected
    return (reasons if any(r["Code"] != "None" for r in reasons) else None), results


def get(db: DynamoDB, request: dict[str, Any], call: Call, usage: Usage) -> dict[str, Any]:
    items = request.get("TransactItems") or []
    if not 1 <= len(items) <= MAX_ITEMS:
        raise Invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint")
    planned = []
    for item in items:
        inner = item["Get"]
        table = db.table(inner.get("TableName"))
        binding = Binding(inner, with_values=False)
        projection = queries.projection_of(table, inner, binding)
        binding.finish()
        planned.append((table, table.key(inner["Key"]), projection))
    if len({(table.name, key) for table, key, _ in planned}) != len(planned):
        raise Invalid("Transaction request cannot include multiple operations on one item")
    if call.meets("conflict"):
        reasons: list[dict[str, Any]] = [_NONE] * len(planned)
        reasons[call.rng.randrange(len(planned))] = _CONFLICT
        raise Cancelled(reasons)
    answers = []
    for table, key, projection in planned:
        row = table.rows.get(key)
        usage.read(table.name, None, read_units(row[1] if row else 0, 2))
        answers.append({"Item": projection.take(row[0]) if projection else row[0]} if row else {})
    return {"Responses": answers}
