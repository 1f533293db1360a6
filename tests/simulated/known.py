"""Known differences of other engines, and reasons why this one keeps its answer."""

from __future__ import annotations

import json
from typing import Any

from .generator import COPY, INDEX, SPARSE

_TIES = "entries of an index with equal keys have no documented order"
_EMPTY_ITEM = "ministack gives no Item in a transactional read of an item that has nothing of the projection"
_KEY_FILTER = "ministack lets a filter name a key; AWS refuses"
_SAME_ENTRY = "ministack charges an index for an entry that is only written differently (1e3, a set's order)"
_RAW_NUMBER = "ministack reads a numeric key by its text, not by value"
_MOTO_CRASH = "moto raises an error of its own on a path into something that is not there"
_MOTO_BOUNDS = "moto takes a BETWEEN whose bounds are the wrong way round"
_MOTO_PROJECTION = "moto ignores projections in transactional reads"
_MOTO_UPDATED = "moto gives keys and other attributes among the updated ones"
_NO_MORE_MOTO = "moto gives no LastEvaluatedKey at the end of a partition; AWS does whenever the limit was reached"
_NOTHING_READ = "dynamodb-local charges nothing for reads that find nothing; AWS the minimum"
_DELETE_NOTHING = "dynamodb-local charges 2 for a batched delete of nothing; AWS 1"
_TRANSACTION = "dynamodb-local takes all units of a transaction four times; AWS the table's twice, an index's once"
_REASON = "dynamodb-local answers an update that does not fit with one error; AWS with a reason per item"
_SCALAR_KEYS = "dynamodb-local refuses paths below a key only in some places, or only once the condition holds"
_BAD_KEY = "dynamodb-local cancels a transactional read with a bad key, without reasons; AWS refuses it"
_ONE_ITEM = "dynamodb-local tests conditions before it sees two operations on one item; AWS refuses those first"
_NO_MORE = "dynamodb-local gives no LastEvaluatedKey at the upper bound; AWS does whenever the limit was reached"
_CRASH = "dynamodb-local crashes on an update without an expression that wants updated attributes back"
_HALF_KEY = "dynamodb-local charges an index for a put that changes one of its keys though the item is not in it"
_INDEX_TYPE = "dynamodb-local lets an update give an index key another type; AWS refuses"


def known(engine: str, operation: str, request: dict[str, Any], mine: Any, theirs: Any) -> str:
    """Return the reason for a difference, or "" if there is none."""
    if operation == "Query" and request.get("IndexName") and _same_but_order(request, mine, theirs):
        return _TIES
    if engine == "moto":
        return _moto(operation, request, mine, theirs)
    if engine == "ministack":
        return _ministack(operation, request, mine, theirs)
    return _local(operation, request, mine, theirs) if engine == "dynamodb-local" else ""


def _same_but_order(request: dict[str, Any], mine: Any, theirs: Any) -> bool:
    """Return whether only the order of several entries with equal keys differs."""
    if "code" in mine or "code" in theirs or mine["ScannedCount"] != theirs["ScannedCount"]:
        return False
    if mine.get("capacity") != theirs.get("capacity") or ("LastEvaluatedKey" in mine) != ("LastEvaluatedKey" in theirs):
        return False
    name = {INDEX: "order", COPY: "at"}.get(request["IndexName"], "")
    places = [[item.get(name) for item in answer.get("Items", ())] for answer in (mine, theirs)]
    if "LastEvaluatedKey" in mine:
        return "FilterExpression" in request or places[0] == places[1]
    texts = [sorted(map(_text, answer.get("Items", ()))) for answer in (mine, theirs)]
    return places[0] == places[1] and texts[0] == texts[1]


def _text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _moto(operation: str, request: dict[str, Any], mine: Any, theirs: Any) -> str:
    crashed = any(reason[0] == "ValueError" for reason in theirs.get("reasons", ()))
    if crashed or theirs.get("code") == "InternalFailure" or ("code" not in mine and "code" in theirs):
        return _MOTO_CRASH
    if "code" in mine or "code" in theirs:
        return _MOTO_BOUNDS if "BETWEEN operator requires" in mine.get("message", "") else ""
    if operation == "TransactGetItems":
        return _MOTO_PROJECTION if "ProjectionExpression" in str(request) else ""
    if operation == "UpdateItem" and str(request.get("ReturnValues")).startswith("UPDATED"):
        return _MOTO_UPDATED
    return _NO_MORE_MOTO if _without_last(mine) == _without_last(theirs) else ""


def _without_last(answer: Any) -> Any:
    return {name: content for name, content in answer.items() if name != "LastEvaluatedKey"}


def _ministack(operation: str, request: dict[str, Any], mine: Any, theirs: Any) -> str:
    if operation == "TransactGetItems" and "code" not in mine and "code" not in theirs:
        shown = [{} if part == {"Item": {}} else part for part in mine["Responses"]]
        return _EMPTY_ITEM if shown == theirs.get("Responses") else ""
    if operation == "Query" and "only contain non-primary key" in mine.get("message", ""):
        return _KEY_FILTER
    writes = operation in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
    if writes and "code" not in mine and _without_capacity(mine) == _without_capacity(theirs):
        same_table = _table_units(mine) == _table_units(theirs)
        return _SAME_ENTRY if same_table and _units(theirs) - _units(mine) in (1, 2) else ""
    if operation == "Query" and {"N": "1e3"} in request.get("ExpressionAttributeValues", {}).values():
        return _RAW_NUMBER
    return ""


def _without_capacity(answer: Any) -> Any:
    return {name: content for name, content in answer.items() if name != "capacity"}


def _units(answer: Any) -> float:
    return float(sum(table[1] for table in answer.get("capacity") or ()))


def _local(operation: str, request: dict[str, Any], mine: Any, theirs: Any) -> str:
    if "code" in mine and "code" not in theirs:
        if "Key attributes must be scalars" in mine["message"]:
            return _SCALAR_KEYS
        return _INDEX_TYPE if _index_type(mine) else ""
    if "code" in mine:
        return _local_refusal(operation, mine, theirs)
    if "code" in theirs:
        return _CRASH if theirs["code"] == "InternalFailure" else ""
    if "LastEvaluatedKey" in mine and "LastEvaluatedKey" not in theirs and mine["ScannedCount"] == request.get("Limit"):
        mine = {name: content for name, content in mine.items() if name != "LastEvaluatedKey"}
        return _NO_MORE if mine == theirs else ""
    if _without_capacity(mine) == _without_capacity(theirs):
        return _local_capacity(operation, request, mine, theirs)
    return ""


def _table_units(answer: Any) -> float:
    """Return the units of the tables alone."""
    return _units(answer) - sum(float(units) for table in answer.get("capacity") or () for _, units in table[2])


def _index_units(answer: Any) -> float:
    return float(sum(units for table in answer.get("capacity") or () for name, units in table[2] if name != SPARSE))


def _half_keys(request: dict[str, Any]) -> int:
    return len(request["TransactItems"])


def _local_capacity(operation: str, request: dict[str, Any], mine: Any, theirs: Any) -> str:
    if operation in ("PutItem", "UpdateItem", "BatchWriteItem") and _index_units(mine) < _index_units(theirs):
        return _HALF_KEY
    more = _units(mine) - _units(theirs)
    if operation in ("Query", "Scan") and not mine["ScannedCount"] and not _units(theirs):
        return _NOTHING_READ
    if operation == "BatchGetItem":
        found = sum(len(items) for items in theirs["Responses"].values())
        keys = sum(len(part["Keys"]) for part in request["RequestItems"].values())
        return _NOTHING_READ if 0 < more <= keys - found else ""
    if operation == "BatchWriteItem":
        deletes = sum("DeleteRequest" in part for parts in request["RequestItems"].values() for part in parts)
        return _DELETE_NOTHING if 0 < -more <= deletes else ""
    if operation == "TransactWriteItems":
        return _TRANSACTION if _units(mine) / 2 <= _units(theirs) <= 4 * _units(mine) + 8 * _half_keys(request) else ""
    return ""


def _local_refusal(operation: str, mine: Any, theirs: Any) -> str:
    code, reasons = theirs["code"], theirs["reasons"]
    if "Key attributes must be scalars" in mine["message"]:
        return _SCALAR_KEYS
    if operation == "TransactGetItems" and code == "TransactionCanceledException" and not reasons:
        return _BAD_KEY
    if operation != "TransactWriteItems":
        return ""
    if "multiple operations on one item" in mine["message"] and code == "TransactionCanceledException":
        return _ONE_ITEM
    if reasons == [("ValidationError", None)]:
        return _REASON
    if ("ValidationError", None) in mine["reasons"]:
        if len(reasons) == len(mine["reasons"]):
            pairs = [pair for pair in zip(mine["reasons"], reasons, strict=True) if pair[0] != pair[1]]
            return _INDEX_TYPE if all(pair == (("ValidationError", None), ("None", None)) for pair in pairs) else ""
        bare = code == "ValidationException" or reasons == [("ValidationError", None)]
        return _REASON if bare else ""
    return ""


def _index_type(mine: Any) -> bool:
    return "ndex" in mine["message"] or mine["reasons"] != []
