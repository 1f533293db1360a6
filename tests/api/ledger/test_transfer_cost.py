"""Tests of the cost of a transfer: calls to the table, items and units."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.core.errors import ErrorKind, LaurelError
from chalicelib.services.identity.authenticate import authenticate
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger.transfer_tokens import TransferRequest, transfer_tokens
from tests.api.conftest import Site
from tests.simulated.capacity import Meter


@pytest.mark.parametrize("note", [None, "x" * 200, "\U0001f600" * 200])
def test_six_items_twelve_units_two_trips(site: Site, anna: str, note: str | None) -> None:
    """The outbox row is removed after the response; the key was read before."""
    caller, meter = authenticate(site.context, anna), site.world.dynamodb.meter
    meter.reset()
    meter.recording = True
    transfer_tokens(site.context, caller, TransferRequest("bob", 50, "k1", note))
    assert costs(meter) == [("BatchGetItem", 1.5, 0), ("TransactWriteItems", 0, 12), ("DeleteItem", 0, 1)]
    kinds = [written(each)[0].split("#")[0] for each in meter.records[1].request["TransactItems"]]
    assert kinds == ["IDEMPOTENCY", *["ACCOUNT"] * 4, "OUTBOX"]
    meter.reset()
    transfer_tokens(site.context, caller, TransferRequest("bob", 50, "k1", note))
    assert costs(meter) == [("BatchGetItem", 1, 0)]


def test_the_first_trip_reads_an_uncached_recipient(site: Site, anna: str) -> None:
    """An unknown recipient costs half a unit more; by public id another half, and one read of the mapping."""
    caller, meter = authenticate(site.context, anna), site.world.dynamodb.meter
    public, meter.recording = find_owner(site.context, "bob").public, True

    def cost(to: str, key: str) -> list[tuple[str, float, float]]:
        meter.reset()
        transfer_tokens(site.context, caller, TransferRequest(to, 1, key))
        return costs(meter)

    done = [("TransactWriteItems", 0, 12), ("DeleteItem", 0, 1)]
    assert cost("bob", "k1") == [("BatchGetItem", 1, 0), *done]
    site.context.owners.clear()
    assert cost("bob", "k1") == [("BatchGetItem", 1.5, 0)]
    assert cost(public, "k2") == [("BatchGetItem", 2, 0), ("GetItem", 1, 0), *done]
    assert cost(public, "k3") == [("BatchGetItem", 1, 0), *done]


def test_a_refusal_is_read_twice_and_takes_two_units_if_it_is_permanent(site: Site, anna: str) -> None:
    caller, meter = authenticate(site.context, anna), site.world.dynamodb.meter
    find_owner(site.context, "bob")
    meter.recording = True
    meter.reset()
    assert transfer_tokens(site.context, caller, TransferRequest("bob", 500, "k1")).refused == ErrorKind.INVALID
    assert [cost for cost in costs(meter) if cost[2]] == [("TransactWriteItems", 0, 2)]
    meter.reset()
    with pytest.raises(LaurelError, match="'amount' must be"):
        transfer_tokens(site.context, caller, TransferRequest("bob", 0, "k2"))
    assert not [cost for cost in costs(meter) if cost[2]]


def costs(meter: Meter) -> list[tuple[str, float, float]]:
    """Return (operation, read units, write units) of the recorded calls."""
    return [(each.operation, each.read, each.write) for each in meter.records]


def test_clients_on_disjoint_accounts_write_nothing_in_common(site: Site, anna: str) -> None:
    other, meter = site.key("cyd"), site.world.dynamodb.meter
    site.key("dan")
    site.fund("cyd", 200)
    meter.reset()
    meter.recording = True
    for key, to in ((anna, "bob"), (other, "dan")):
        transfer_tokens(site.context, authenticate(site.context, key), TransferRequest(to, 50, "k1"))
    commits = [each.request["TransactItems"] for each in meter.records if each.operation == "TransactWriteItems"]
    first, second = ({written(write) for write in commit} for commit in commits)
    assert (len(first), len(second)) == (6, 6)
    assert not first & second


def written(write: dict[str, Any]) -> tuple[str, str]:
    """Return the key of one write of a transaction."""
    inner = next(iter(write.values()))
    key = inner.get("Key") or inner["Item"]
    return key["pk"]["S"], key["sk"]["S"]
