"""Units computed manually: sizes, reads, writes, indexes, transactions, failed conditions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulated import AwsError, DynamoDB
from tests.simulated.conftest import Do
from tests.simulated.values import canonical, check_item, number_size

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}  # 2 + 1 + 2 + 1 = 6 bytes


def item(size: int, **more: Any) -> dict[str, Any]:
    """Return an item of exactly this many bytes, `more` not counted."""
    return {**KEY, "x": {"S": "x" * (size - 7)}, **more}


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("0", 1), ("1", 2), ("10", 2), ("12", 2), ("123", 3), ("1234", 3), ("12345", 4), ("100", 2), ("1e10", 2),
        ("1e11", 2), ("-1", 3), ("-12", 3), ("-123", 4), ("1.5", 3), ("0.05", 2), ("12.5", 3), ("100.001", 5),
        ("1700000000001", 8), ("1e-5", 2), ("1" * 38, 20), ("-" + "1" * 38, 21),
    ],
)  # fmt: skip
def test_number_size(number: str, size: int) -> None:
    """Test the counts of Amazon's own engine, found at the 1 KB border."""
    assert number_size(canonical(number)) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2), ({"BOOL": True}, 1), ({"NULL": True}, 1), ({"B": "YWJj"}, 3), ({"L": []}, 3), ({"M": {}}, 3),
        ({"L": [{"S": "abc"}]}, 7), ({"M": {"ab": {"N": "12"}}}, 8), ({"SS": ["a", "bc"]}, 3), ({"NS": ["1", "22"]}, 4),
        ({"M": {"a": {"L": [{"BOOL": True}, {"M": {}}]}}}, 14),
    ],
)  # fmt: skip
def test_value_size(value: dict[str, Any], size: int) -> None:
    assert check_item({"v": value}) == 1 + size


@pytest.mark.parametrize(
    ("size", "write", "strong", "eventual"),
    [(6 + 1, 1, 1, 0.5), (1024, 1, 1, 0.5), (1025, 2, 1, 0.5), (4096, 4, 1, 0.5), (4097, 5, 2, 1.0)],
)
def test_units_by_size(engine: DynamoDB, do: Do, size: int, write: float, strong: float, eventual: float) -> None:
    meter = engine.meter
    for operation, extra, expected in (
        ("PutItem", {"Item": item(size)}, (write, 0)),
        ("GetItem", {"Key": KEY, "ConsistentRead": True}, (0, strong)),
        ("GetItem", {"Key": KEY}, (0, eventual)),
        ("DeleteItem", {"Key": KEY}, (write, 0)),
    ):
        meter.reset()
        do(operation, **extra)
        assert (meter.write_units, meter.read_units) == expected


def test_larger_of_old_and_new(engine: DynamoDB, do: Do) -> None:
    do("PutItem", Item=item(3000))
    engine.meter.reset()
    do("PutItem", Item=item(100))
    assert engine.meter.write_units == 3
    do("PutItem", Item=item(2000))
    assert engine.meter.write_units == 5


def test_missing_items_cost_the_minimum(engine: DynamoDB, do: Do) -> None:
    do("GetItem", Key=KEY)
    do("GetItem", Key=KEY, ConsistentRead=True)
    do("DeleteItem", Key=KEY)
    keys = [{"pk": {"S": "p"}, "sk": {"S": sk}} for sk in "ab"]
    do("BatchGetItem", RequestItems={"laurel-main": {"Keys": keys}})
    do("Query", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}})
    do("TransactGetItems", TransactItems=[{"Get": {"TableName": "laurel-main", "Key": KEY}}])
    assert engine.meter.read_units == 0.5 + 1 + 2 * 0.5 + 0.5 + 2
    assert engine.meter.write_units == 1


def test_query_rounds_the_sum(engine: DynamoDB, do: Do) -> None:
    for number in range(6):
        do("PutItem", Item={**item(1000), "sk": {"S": str(number)}})
    engine.meter.reset()
    do("Query", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}}, ConsistentRead=True)
    assert engine.meter.read_units == 2  # 6,000 bytes
    keys = [{"pk": {"S": "p"}, "sk": {"S": str(number)}} for number in range(6)]
    engine.meter.reset()
    do("BatchGetItem", RequestItems={"laurel-main": {"Keys": keys, "ConsistentRead": True}})
    assert engine.meter.read_units == 6


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, {"board": {"S": "x"}}, 0),
        ({}, {"board": {"S": "x"}, "order": {"S": "1"}}, 1),
        ({"board": {"S": "x"}, "order": {"S": "1"}}, {"board": {"S": "x"}, "order": {"S": "1"}, "a": {"N": "1"}}, 0),
        ({"board": {"S": "x"}, "order": {"S": "1"}}, {"board": {"S": "x"}, "order": {"S": "1"}, "s": {"N": "1"}}, 1),
        ({"board": {"S": "x"}, "order": {"S": "1"}}, {"board": {"S": "x"}, "order": {"S": "2"}}, 2),
        ({"board": {"S": "x"}, "order": {"S": "1"}}, {}, 1),
    ],
    ids=["half a key", "enters", "not projected", "projected", "moves", "leaves"],
)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_index_writes(
    engine: DynamoDB, do: Do, before: dict[str, Any], after: dict[str, Any], units: float, in_transaction: bool
) -> None:
    """Test that an index costs the same in a transaction: it follows later."""
    do("PutItem", Item={**KEY, **before})
    engine.meter.reset()
    if in_transaction:
        do("TransactWriteItems", TransactItems=[{"Put": {"TableName": "laurel-main", "Item": {**KEY, **after}}}])
    else:
        do("PutItem", Item={**KEY, **after})
    targets = {target[1]: tally.write for target, tally in engine.meter.targets.items()}
    assert targets.get("order-index", 0) == units
    assert targets[None] == (2 if in_transaction else 1)


def test_transactions_cost_twice(engine: DynamoDB, do: Do) -> None:
    do("PutItem", Item=item(1500))
    engine.meter.reset()
    other = {"pk": {"S": "p"}, "sk": {"S": "other"}}
    items = [
        {"Put": {"TableName": "laurel-main", "Item": {**item(500), "sk": {"S": "new"}}}},
        {"ConditionCheck": {"TableName": "laurel-main", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}},
        {"Delete": {"TableName": "laurel-main", "Key": other}},
    ]
    request = {"TransactItems": items, "ClientRequestToken": "once", "ReturnConsumedCapacity": "INDEXES"}
    answer = do("TransactWriteItems", **request)
    assert engine.meter.write_units == 2 + 4 + 2
    assert answer["ConsumedCapacity"][0]["Table"] == {"CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}
    do("TransactWriteItems", **request)
    assert (engine.meter.write_units, engine.meter.read_units) == (8, 6), "a repetition is charged as reads"
    do("TransactGetItems", TransactItems=[{"Get": {"TableName": "laurel-main", "Key": KEY}}])
    assert engine.meter.read_units == 6 + 2


def test_failed_conditions_are_charged(engine: DynamoDB, do: Do) -> None:
    do("PutItem", Item=item(2500))
    engine.meter.reset()
    with pytest.raises(AwsError, match="conditional"):
        do("PutItem", Item=item(9000), ConditionExpression="attribute_not_exists(pk)")
    assert engine.meter.write_units == 3
    with pytest.raises(AwsError, match="conditional"):
        do("DeleteItem", Key={**KEY, "sk": {"S": "other"}}, ConditionExpression="attribute_exists(pk)")
    assert engine.meter.write_units == 4


def test_meter(engine: DynamoDB, do: Do) -> None:
    engine.meter.recording = True
    do("PutItem", Item=item(100))
    do("GetItem", Key=KEY)
    assert [(r.operation, r.write, r.read) for r in engine.meter.records] == [("PutItem", 1, 0), ("GetItem", 0, 0.5)]
    assert engine.meter.calls == 2
    assert engine.meter.operations["PutItem"].calls == 1
    answer = do("GetItem", Key=KEY, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": "laurel-main", "CapacityUnits": 0.5}
