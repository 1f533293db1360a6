"""Pages, batches, transactions, validation: the requests beyond their expressions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulated import AwsError, Call, DynamoDB
from tests.simulated.conftest import Do
from tests.simulated.transactions import TOKEN_MS

MAIN = "laurel-main"


def key(sk: str, pk: str = "p") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def sks(answer: dict[str, Any]) -> list[str]:
    return [item["sk"]["S"] for item in answer["Items"]]


@pytest.fixture
def filled(do: Do) -> Do:
    for sk in ("a", "ab", "b", "c", "é"):
        do(
            "PutItem",
            Item={**key(sk), "board": {"S": "x"}, "order": {"S": sk * 2}, "s": {"S": "kept"}, "a": {"N": "1"}},
        )
    return do


def query(do: Do, more: str = "", **extra: Any) -> dict[str, Any]:
    values = {":p": {"S": "p"}, **{f":{k}": {"S": v} for k, v in extra.pop("values", {}).items()}}
    text = "pk = :p" + (f" AND {more}" if more else "")
    return do("Query", KeyConditionExpression=text, ExpressionAttributeValues=values, **extra)


@pytest.mark.parametrize(
    ("more", "values", "expected"),
    [
        ("", {}, ["a", "ab", "b", "c", "é"]),
        ("sk = :v", {"v": "b"}, ["b"]),
        ("sk < :v", {"v": "b"}, ["a", "ab"]),
        ("sk <= :v", {"v": "b"}, ["a", "ab", "b"]),
        ("sk > :v", {"v": "b"}, ["c", "é"]),
        ("sk >= :v", {"v": "b"}, ["b", "c", "é"]),
        ("sk BETWEEN :v AND :w", {"v": "ab", "w": "bz"}, ["ab", "b"]),
        ("begins_with(sk, :v)", {"v": "a"}, ["a", "ab"]),
    ],
)
def test_key_conditions(filled: Do, more: str, values: dict[str, str], expected: list[str]) -> None:
    assert sks(query(filled, more, values=values)) == expected
    assert sks(query(filled, more, values=values, ScanIndexForward=False)) == expected[::-1]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("index", [None, "order-index"])
def test_pages(filled: Do, forward: bool, index: str | None) -> None:
    found: list[str] = []
    request: dict[str, Any] = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}
    if index:
        request = {
            "IndexName": index, "KeyConditionExpression": "board = :b", "ExpressionAttributeValues": {":b": {"S": "x"}}
        }  # fmt: skip
    start: dict[str, Any] = {}
    while True:
        answer = filled("Query", Limit=2, ScanIndexForward=forward, **request, **start)
        found += sks(answer)
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    expected = ["a", "ab", "b", "c", "é"]
    assert found == (expected if forward else expected[::-1])


def test_index_returns_its_projection(filled: Do) -> None:
    values = {":b": {"S": "x"}}
    request = {"IndexName": "order-index", "KeyConditionExpression": "board = :b", "ExpressionAttributeValues": values}
    first = filled("Query", Limit=1, **request)["Items"][0]
    assert set(first) == {"pk", "sk", "board", "order", "s"}
    with pytest.raises(AwsError, match="does not project"):
        filled("Query", ProjectionExpression="a", **request)
    with pytest.raises(AwsError, match="Consistent reads"):
        filled("Query", ConsistentRead=True, **request)


def test_pages_of_a_megabyte(do: Do) -> None:
    for number in range(5):
        do("PutItem", Item={**key(str(number)), "x": {"S": "x" * 300_000}})
    answer = query(do)
    assert answer["Count"] == 4
    assert answer["LastEvaluatedKey"] == key("3")


def test_filter_counts_the_scanned_items(filled: Do) -> None:
    answer = query(
        filled, FilterExpression="begins_with(#o, :v)", values={"v": "a"}, ExpressionAttributeNames={"#o": "order"}
    )
    assert (answer["Count"], answer["ScannedCount"]) == (2, 5)
    assert "Items" not in query(filled, Select="COUNT")
    with pytest.raises(AwsError, match="non-primary key"):
        query(filled, FilterExpression="sk = :v", values={"v": "a"})


def test_scan_segments(filled: Do, do: Do) -> None:
    for number in range(20):
        do("PutItem", Item=key("x", f"p{number}"))
    parts = [do("Scan", TotalSegments=3, Segment=segment)["Count"] for segment in range(3)]
    assert sum(parts) == 25
    assert max(parts) < 25


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ("ALL_OLD", {**key("a"), "a": {"N": "1"}}),
        ("ALL_NEW", {**key("a"), "a": {"N": "2"}, "b": {"N": "1"}}),
        ("UPDATED_OLD", {"a": {"N": "1"}}),
        ("UPDATED_NEW", {"a": {"N": "2"}, "b": {"N": "1"}}),
    ],
)
def test_returned_values(do: Do, returns: str, expected: dict[str, Any]) -> None:
    do("PutItem", Item={**key("a"), "a": {"N": "1"}})
    answer = do(
        "UpdateItem",
        Key=key("a"),
        UpdateExpression="ADD a :one, b :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues=returns,
    )
    assert answer["Attributes"] == expected


def test_failed_condition_shows_the_item(do: Do) -> None:
    do("PutItem", Item=key("a"))
    with pytest.raises(AwsError) as failed:
        do(
            "PutItem",
            Item=key("a"),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert failed.value.body("dynamodb")["Item"] == key("a")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"pk": {"S": "p"}}, "Missing the key sk"),
        ({**key("a"), "pk": {"N": "1"}}, "Type mismatch for key pk"),
        (key(""), "empty string value"),
        (key("x" * 1025), "Size of rangekey"),
        ({**key("a"), "board": {"N": "1"}}, "Type mismatch for Index Key board"),
        ({**key("a"), "board": {"S": ""}}, "secondary index key"),
        ({**key("a"), "x": {"S": "x" * 409_600}}, "Item size has exceeded"),
        ({**key("a"), "x": {"SS": []}}, "may not be empty"),
        ({**key("a"), "x": {"SS": ["a", "a"]}}, "duplicates"),
        ({**key("a"), "x": {"S": "a", "N": "1"}}, "more than one datatypes"),
        ({**key("a"), "x": {}}, "is empty"),
    ],
)
def test_refused_items(do: Do, item: dict[str, Any], reason: str) -> None:
    with pytest.raises(AwsError, match=reason):
        do("PutItem", Item=item)


def put(sk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": MAIN, "Item": key(sk), **more}}


def test_transaction_is_all_or_nothing(do: Do) -> None:
    do("PutItem", Item=key("a"))
    shown = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    missing = {
        "Update": {
            "TableName": MAIN,
            "Key": key("c"),
            "UpdateExpression": "SET a = absent",
        }
    }
    with pytest.raises(AwsError) as cancelled:
        do("TransactWriteItems", TransactItems=[put("b"), put("a", **shown), missing])
    reasons = cancelled.value.extra["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "ValidationError"]
    assert reasons[1]["Item"] == key("a")
    assert do("Scan")["Count"] == 1


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([], "length less than or equal to 100"),
        ([put(str(number)) for number in range(101)], "length less than or equal to 100"),
        ([put("a"), put("a")], "multiple operations on one item"),
        ([{"Put": {"TableName": "nowhere", "Item": key("a")}}], "not found"),
    ],
)
def test_refused_transactions(do: Do, items: list[Any], reason: str) -> None:
    with pytest.raises(AwsError, match=reason):
        do("TransactWriteItems", TransactItems=items)


def test_request_token(engine: DynamoDB, do: Do) -> None:
    def run(step: int, now_ms: int = 0) -> None:
        change = {
            "TableName": MAIN,
            "Key": key("a"),
            "UpdateExpression": "ADD a :v",
            "ExpressionAttributeValues": {":v": {"N": str(step)}},
        }
        request = {"TransactItems": [{"Update": change}], "ClientRequestToken": "t"}
        engine.execute("TransactWriteItems", request, Call(now_ms))

    run(1)
    run(1)
    assert do("GetItem", Key=key("a"))["Item"]["a"] == {"N": "1"}
    with pytest.raises(AwsError, match="reused with different parameters"):
        run(2)
    run(1, TOKEN_MS + 1)
    assert do("GetItem", Key=key("a"))["Item"]["a"] == {"N": "2"}


def test_batches(do: Do) -> None:
    writes: list[dict[str, Any]] = [{"PutRequest": {"Item": key(str(number))}} for number in range(25)]
    do("BatchWriteItem", RequestItems={MAIN: writes})
    do("BatchWriteItem", RequestItems={MAIN: [{"DeleteRequest": {"Key": key("3")}}]})
    answer = do("BatchGetItem", RequestItems={MAIN: {"Keys": [key("3"), key("4")]}})
    assert answer["Responses"][MAIN] == [key("4")]
    for bad in (writes + writes[:1], writes[:1] * 2, []):
        with pytest.raises(AwsError):
            do("BatchWriteItem", RequestItems={MAIN: bad})
    with pytest.raises(AwsError, match="duplicates"):
        do("BatchGetItem", RequestItems={MAIN: {"Keys": [key("3"), key("3")]}})


def test_numeric_keys(do: Do) -> None:
    for number in ("10", "9", "1e1", "-1", "2.50"):
        do("PutItem", "laurel-numbers", Item={"id": {"N": number}, "group": {"S": "g"}, "at": {"N": number}})
    answer = do(
        "Query",
        "laurel-numbers",
        IndexName="copy-index",
        KeyConditionExpression="#g = :g AND #at > :low",
        ExpressionAttributeNames={"#g": "group", "#at": "at"},
        ExpressionAttributeValues={":g": {"S": "g"}, ":low": {"N": "-1.0"}},
    )
    assert [item["id"]["N"] for item in answer["Items"]] == ["2.5", "9", "10"]
