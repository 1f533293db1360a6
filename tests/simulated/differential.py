"""Random requests to this engine and to another one, answers compared: items, codes, reasons, capacity.

    python -m tests.simulated.differential --engine dynamodb-local --requests 5000
    python -m tests.simulated.differential --engine ministack --endpoint http://127.0.0.1:4566

Without an endpoint DynamoDB Local is fetched and started (Java and Maven); moto runs in this process. Prints each
difference that is not known and exits with 1 if there was one. What is known to differ is in `known.py`, each with
its reason.
"""

from __future__ import annotations

import argparse
import copy
import http.client
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import moto
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from infra.local import dynamodb_local

from .calls import Call
from .dynamodb import DynamoDB
from .errors import AwsError
from .generator import TABLES, Generator
from .known import known
from .tame import Tame

ROUND = 150  # requests between two fresh tables
Answer = dict[str, Any]
Send = Callable[[str, dict[str, Any]], Answer]


def ours() -> Send:
    engine = DynamoDB()

    def send(operation: str, request: dict[str, Any]) -> Answer:
        try:
            return engine.execute(operation, copy.deepcopy(request), Call())
        except AwsError as error:
            return error.body("dynamodb")

    return send


def over_http(endpoint: str) -> Send:
    """Return a client of the JSON protocol itself, which shows the parts that a client library would hide."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    credential = "test/20260519/us-east-1/dynamodb/aws4_request"
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Date": "20260519T120000Z",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
    }

    def send(operation: str, request: dict[str, Any]) -> Answer:
        target = {"X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        connection.request("POST", "/", json.dumps(request), {**headers, **target})
        answer: Answer = json.loads(connection.getresponse().read() or b"{}")
        return answer

    return send


def in_moto() -> Send:
    """Return a client of Moto, in this process and under `moto.mock_aws()`, through botocore (which hides the wire)."""
    session = get_session()
    session.set_credentials("x", "x")
    config = Config(region_name="us-east-1", parameter_validation=False, retries={"total_max_attempts": 1})
    client = session.create_client("dynamodb", config=config)

    def send(operation: str, request: dict[str, Any]) -> Answer:
        try:
            answer: Answer = client._make_api_call(operation, copy.deepcopy(request))
        except ClientError as error:
            found = error.response
            return {"__type": found["Error"]["Code"], **{k: v for k, v in found.items() if k != "Error"}}
        except Exception as error:
            return {"__type": "InternalFailure", "message": repr(error)}
        answer.pop("ResponseMetadata", None)
        return answer

    return send


def plain(answer: Any) -> Any:
    """Return an answer with its unordered parts in one order."""
    if isinstance(answer, dict):
        if isinstance(answer.get("N"), str):
            return {"N": format(Decimal(answer["N"]).normalize(), "f")}
        return {
            name: sorted(content) if name in ("SS", "NS", "BS") and isinstance(content, list) else plain(content)
            for name, content in answer.items()
        }
    return [plain(part) for part in answer] if isinstance(answer, list) else answer


class Refused(dict[str, Any]):
    """An error; its message is for the reader and is not compared."""

    def __eq__(self, other: object) -> bool:
        names = ("code", "reasons", "item")
        return isinstance(other, Refused) and all(self[n] == other[n] for n in names)

    __hash__ = None

    def __ne__(self, other: object) -> bool:
        return not self == other


def _message(answer: Answer) -> str:
    return str(answer.get("message") or answer.get("Message"))


def comparable(operation: str, answer: Answer, engine: str) -> Any:
    """Return the part that must be the same in both answers."""
    code = str(answer.get("__type", "")).rsplit("#", 1)[-1]
    if code:
        reasons = [(r.get("Code"), plain(r.get("Item"))) for r in answer.get("CancellationReasons") or ()]
        return Refused(code=code, reasons=reasons, item=plain(answer.get("Item")), message=_message(answer))
    found = plain(answer)
    found.pop("ItemCollectionMetrics", None)
    if operation == "Scan":
        found.get("Items", []).sort(key=_sorted_text)
    for items in (found.get("Responses") or {}).values() if operation == "BatchGetItem" else ():
        items.sort(key=_sorted_text)
    consumed = found.pop("ConsumedCapacity", None)
    reads = operation in ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan")
    metered = engine == "dynamodb-local" or (engine == "ministack" and not reads)
    if consumed is not None and metered:
        found["capacity"] = _capacity(consumed)
    return {name: content for name, content in found.items() if content not in ({}, None)}


def _sorted_text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _capacity(consumed: Any) -> list[Any]:
    tables = consumed if isinstance(consumed, list) else [consumed]
    return sorted(
        [
            table["TableName"],
            table["CapacityUnits"],
            sorted((i, u["CapacityUnits"]) for i, u in (table.get("GlobalSecondaryIndexes") or {}).items()),
        ]
        for table in tables
    )


def fresh_tables(send: Send) -> None:
    for table in TABLES:
        send("DeleteTable", {"TableName": table["TableName"]})
        send("CreateTable", table)


def run(engine: str, theirs: Send, requests: int, seed: int, show: int = 20) -> tuple[Counter[str], list[str]]:
    """Compare random requests; return counts by outcome, and the differences that are not known as text."""
    counts: Counter[str] = Counter()
    differences: list[str] = []
    mine = ours()
    for number in range(requests):
        if number % ROUND == 0:
            fresh_tables(mine)
            fresh_tables(theirs)
            start = seed * 1_000_003 + number
            # Other engines than Amazon's own check little of what a request says.
            wild = engine == "dynamodb-local" and number // ROUND % 2
            generator = Generator(start) if wild else Tame(start)
        operation, request = generator.request()
        pair = [comparable(operation, send(operation, request), engine) for send in (mine, theirs)]
        counts[f"{operation} {'refused' if 'code' in pair[1] else 'ok'}"] += 1
        if pair[0] != pair[1]:
            reason = known(engine, operation, request, pair[0], pair[1])
            if reason:
                counts[f"known: {reason}"] += 1
            elif len(differences) < show:
                differences.append(
                    f"#{number} {operation} {json.dumps(request)}\n  ours:   {pair[0]}\n  theirs: {pair[1]}"
                )
            if _state(mine) != _state(theirs):
                # One difference must not be reported again and again.
                fresh_tables(mine)
                fresh_tables(theirs)
                counts["state differed"] += 1
    return counts, differences


def _state(send: Send) -> list[Any]:
    found = []
    for table in TABLES:
        items = send("Scan", {"TableName": table["TableName"], "ConsistentRead": True})["Items"]
        found.append(sorted(plain(items), key=_sorted_text))
    return found


@contextmanager
def _engine(name: str, endpoint: str) -> Iterator[Send]:
    if name == "moto":
        with moto.mock_aws():
            yield in_moto()
    elif endpoint:
        yield over_http(endpoint)
    else:
        with dynamodb_local.running() as started:
            yield over_http(started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("ministack", "dynamodb-local", "moto"), required=True)
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.engine == "ministack" and not chosen.endpoint:
        parser.error("MiniStack must be running: give its --endpoint")
    with _engine(chosen.engine, chosen.endpoint) as theirs:
        counts, differences = run(chosen.engine, theirs, chosen.requests, chosen.seed)
    for name, number in sorted(counts.items()):
        print(f"{number:7} {name}")
    for text in differences:
        print(text)
    print(f"{len(differences)} unknown differences" if differences else "no unknown difference")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
