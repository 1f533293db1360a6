"""A unit of work: what it sends, what it counts, what it refuses, and which updates become one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.models import Item
from chalicelib.store.core.outcomes import ConditionFailed
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.core.transaction import MAX_BYTES, MAX_ITEM_BYTES, MAX_ITEMS, InvalidTransaction, Transaction
from chalicelib.store.core.writes import key_of
from tests.pipeline import plant as plants
from tests.simulated import Faults

A, B, C, D = (("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"))
NEW = "attribute_not_exists(pk)"


class Client:
    """Keeps what it was sent; raises its `refusal`, if it has one."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refusal = refusal

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        self.sent.append(request)
        if self.refusal:
            raise self.refusal
        return {}


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def tx(client: Client) -> Transaction:
    return Table("t", client, lambda _: None).transaction()


def row(key: tuple[str, str], **attributes: Any) -> Item:
    return key_of(key) | attributes


def numbered(place: int) -> Item:
    return row(("many", str(place)))


def test_writes_are_sent_as_one_request_in_the_order_they_were_added(client: Client, tx: Transaction) -> None:
    tx.put(row(A, x=number(1)), "#v = :v", {"#v": "v"}, {":v": number(7)})
    tx.update(B, "SET x = :x", "attribute_exists(pk)", None, {":x": text("y")})
    tx.check(C, "size(x) < :n", None, {":n": number(3)})
    tx.delete(D, "#x = :x", {"#x": "x"}, {":x": number(2)})
    tx.commit()
    (sent,) = client.sent
    assert set(sent) == {"TransactItems", "ClientRequestToken"}
    assert sent["TransactItems"] == [
        {
            "Put": {
                "TableName": "t",
                "Item": {"pk": {"S": "a"}, "sk": {"S": "1"}, "x": {"N": "1"}},
                "ConditionExpression": "#v = :v",
                "ExpressionAttributeNames": {"#v": "v"},
                "ExpressionAttributeValues": {":v": {"N": "7"}},
            }
        },
        {
            "Update": {
                "TableName": "t",
                "Key": {"pk": {"S": "a"}, "sk": {"S": "2"}},
                "UpdateExpression": "SET x = :x",
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {":x": {"S": "y"}},
            }
        },
        {
            "ConditionCheck": {
                "TableName": "t",
                "Key": {"pk": {"S": "b"}, "sk": {"S": "1"}},
                "ConditionExpression": "size(x) < :n",
                "ExpressionAttributeValues": {":n": {"N": "3"}},
            }
        },
        {
            "Delete": {
                "TableName": "t",
                "Key": {"pk": {"S": "b"}, "sk": {"S": "2"}},
                "ConditionExpression": "#x = :x",
                "ExpressionAttributeNames": {"#x": "x"},
                "ExpressionAttributeValues": {":x": {"N": "2"}},
            }
        },
    ]


def test_a_write_without_condition_names_or_values_sends_none(client: Client, tx: Transaction) -> None:
    tx.put(row(A))
    tx.delete(B)
    tx.commit()
    assert [list(*write.values()) for write in client.sent[0]["TransactItems"]] == [
        ["TableName", "Item"],
        ["TableName", "Key"],
    ]


def test_it_takes_a_hundred_items(client: Client, tx: Transaction) -> None:
    for place in range(MAX_ITEMS):
        assert len(tx) == place
        tx.put(numbered(place))
    with pytest.raises(InvalidTransaction, match="takes 100 items"):
        tx.put(numbered(MAX_ITEMS))
    assert len(tx) == 100
    tx.commit()
    assert len(client.sent[0]["TransactItems"]) == 100


def test_its_size_is_that_of_items_keys_and_values(tx: Transaction) -> None:
    assert tx.size == 0
    tx.put(row(A, x=text("é")))
    assert tx.size == len("pk" + "a" + "sk" + "1" + "x") + 2
    tx.update(B, "SET x = :x", "", None, {":x": text("yy")})
    assert tx.size == 9 + 6 + len(":x") + 2
    tx.check(C, NEW)
    tx.delete(D)
    assert tx.size == 19 + 6 + 6


def test_it_takes_four_megabytes(client: Client) -> None:
    def filled(size: int) -> Transaction:
        """Return a transaction of eleven items with so many bytes in all."""
        tx = Table("t", client, lambda _: None).transaction()
        for place in range(11):
            each = min(MAX_ITEM_BYTES, size - tx.size)
            item = row(("k", f"{place:02}"), x={"B": b""})
            tx.put(item | {"x": {"B": b"x" * (each - item_size(item))}})
        assert tx.size == size
        return tx

    filled(MAX_BYTES).commit()
    with pytest.raises(InvalidTransaction, match=f"takes {MAX_BYTES} bytes, not {MAX_BYTES + 1}"):
        filled(MAX_BYTES + 1).commit()
    assert len(client.sent) == 1


WAYS: dict[str, Callable[[Transaction], object]] = {
    "put": lambda tx: tx.put(row(A)),
    "set": lambda tx: tx.update(A, "SET x = :x", "", None, {":x": number(1)}),
    "add": lambda tx: tx.update(A, "ADD x :x", "", None, {":x": number(1)}),
    "check": lambda tx: tx.check(A, NEW),
    "delete": lambda tx: tx.delete(A),
}


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
def test_an_item_is_written_once(tx: Transaction, first: str, second: str) -> None:
    if first == second == "add":
        return
    WAYS[first](tx)
    with pytest.raises(InvalidTransaction, match=r"\('a', '1'\) is (written|updated) twice"):
        WAYS[second](tx)
    assert len(tx) == 1


ADD, NO_DEBT = "ADD x :x, #y :y", "attribute_not_exists(closed) AND z = :z"
NAMES = {"#y": "y"}


def add(tx: Transaction, x: int, y: int, **changes: Any) -> int:
    values = {":x": number(x), ":y": number(y), ":z": number(0)}
    return tx.update(A, **({"expression": ADD, "condition": NO_DEBT, "names": NAMES, "values": values} | changes))


def test_updates_that_only_add_become_one_at_the_place_of_the_first(client: Client, tx: Transaction) -> None:
    places = [add(tx, 1, 2), tx.put(row(B)), add(tx, 30, -40)]
    assert (places, len(tx)) == ([0, 1, 0], 2)
    tx.commit()
    update = client.sent[0]["TransactItems"][0]["Update"]
    assert update["ExpressionAttributeValues"] == {":x": number(31), ":y": number(-38), ":z": number(0)}
    assert (update["UpdateExpression"], update["ConditionExpression"]) == (ADD, NO_DEBT)


def test_a_merge_does_not_change_the_arguments(tx: Transaction) -> None:
    values = {":x": number(1)}
    for _ in range(2):
        tx.update(A, "ADD x :x", "", None, values)
    assert values == {":x": number(1)}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"condition": ""}, id="no condition"),
        pytest.param({"condition": "z = :z"}, id="another condition"),
        pytest.param({"names": {"#y": "w"}}, id="another attribute"),
        pytest.param({"expression": "ADD x :x, #y :y, w :x"}, id="one attribute more"),
        pytest.param({"expression": "ADD x :x, #y :y SET z = :z"}, id="a SET"),
        pytest.param({"expression": "ADD x :x, #y :y REMOVE z"}, id="a REMOVE"),
        pytest.param({"values": {":x": number(1), ":y": number(1), ":z": number(1)}}, id="another value"),
        pytest.param({"values": {":x": {"SS": ["1"]}, ":y": number(1), ":z": number(0)}}, id="a set"),
    ],
)
def test_updates_that_differ_in_more_than_amounts_are_refused(tx: Transaction, changes: dict[str, Any]) -> None:
    add(tx, 1, 2)
    with pytest.raises(InvalidTransaction, match="is updated twice"):
        add(tx, 3, 4, **changes)


@pytest.mark.parametrize("condition", ["x >= :z", "y >= :z", "#y >= :z", "z < :x", NEW, "attribute_exists(sk)"])
def test_updates_with_conditions_on_their_own_amounts_are_refused(tx: Transaction, condition: str) -> None:
    add(tx, -1, 0, condition=condition)
    with pytest.raises(InvalidTransaction, match="not only by adding numbers"):
        add(tx, -1, 0, condition=condition)


amounts = st.integers(-(10**12), 10**12)
changes = st.lists(st.tuples(amounts, amounts), min_size=2, max_size=4)
TABLE = plants.build(1, Faults()).context.table


@given(
    before=st.one_of(st.none(), st.dictionaries(st.sampled_from(["x", "y", "z"]), amounts)),
    changes=changes,
    closed=st.booleans(),
    conditional=st.booleans(),
)
def test_a_merged_update_equals_the_updates_one_after_the_other(
    before: dict[str, int] | None, changes: list[tuple[int, int]], closed: bool, conditional: bool
) -> None:
    condition = NO_DEBT if conditional else ""
    TABLE.delete(A)
    if before is not None:
        attributes = {name: number(value) for name, value in before.items()}
        TABLE.put(row(A, **attributes) | ({"closed": number(1)} if closed else {}))
    started = TABLE.get(A)

    def transaction(parts: list[tuple[int, int]]) -> Transaction:
        tx = TABLE.transaction()
        for x, y in parts:
            used = {":x": number(x), ":y": number(y)} | ({":z": number(0)} if conditional else {})
            tx.update(A, ADD, condition, NAMES, used)
        return tx

    def result(work: list[Transaction]) -> tuple[Item | None, bool]:
        failed = False
        for tx in work:
            try:
                tx.commit()
            except ConditionFailed:
                failed = True
        return TABLE.get(A), failed

    apart = result([transaction([each]) for each in changes])
    TABLE.delete(A)
    if started is not None:
        TABLE.put(started)
    assert result([transaction(changes)]) == apart


def test_amounts_that_were_booked_sum_to_0(client: Client, tx: Transaction) -> None:
    tx.put(row(A))
    tx.book("transfer 1", -5)
    tx.book("transfer 2", 5)
    with pytest.raises(InvalidTransaction, match="the amounts of transfer 1 sum to -5"):
        tx.commit()
    assert client.sent == []
    tx.book("transfer 1", 5)
    tx.book("transfer 2", -5)
    tx.commit()
    assert len(client.sent) == 1


def test_it_includes_the_writes_and_bookings_of_another(client: Client, tx: Transaction) -> None:
    other = Table("t", client, lambda _: None).transaction()
    other.put(row(B))
    add(other, 1, 2)
    other.book("a transfer", 1)
    tx.put(row(C))
    add(tx, 10, 20)
    tx.include(other)
    assert [write["Put" if "Put" in write else "Update"] for write in tx.requests()][1]["Key"] == key_of(A)
    assert len(tx) == 3
    assert tx.requests()[1]["Update"]["ExpressionAttributeValues"][":x"] == number(11)
    with pytest.raises(InvalidTransaction, match="sum to 1"):
        tx.commit()
    with pytest.raises(InvalidTransaction, match="written twice"):
        tx.include(other)


def test_it_is_committed_once_and_not_empty(client: Client, tx: Transaction) -> None:
    with pytest.raises(InvalidTransaction, match="has no writes"):
        tx.commit()
    tx.put(row(A))
    tx.commit()
    with pytest.raises(InvalidTransaction, match="was committed before"):
        tx.commit()
    assert len(client.sent) == 1


def test_a_transaction_that_failed_is_not_sent_again() -> None:
    client = Client(ConditionFailed([0]))
    tx = Table("t", client, lambda _: None).transaction()
    tx.put(row(A))
    with suppress(ConditionFailed):
        tx.commit()
    with pytest.raises(InvalidTransaction, match="was committed before"):
        tx.commit()
    assert len(client.sent) == 1


def test_a_failed_condition_is_reported_by_the_position_of_its_write() -> None:
    TABLE.put(row(B))
    tx = TABLE.transaction()
    free, taken = tx.put(row(("free", "1")), NEW), tx.put(row(B), NEW)
    checked = tx.check(C, "x = :x", None, {":x": number(1)})
    with pytest.raises(ConditionFailed) as failed:
        tx.commit()
    assert [failed.value.at(place) for place in (free, taken, checked)] == [False, True, True]
