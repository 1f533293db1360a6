"""A few hundred random requests against moto, in this process."""

from __future__ import annotations

import moto

from tests.simulated.differential import fresh_tables, in_moto, ours, run
from tests.simulated.generator import Generator


def test_agrees_with_moto() -> None:
    with moto.mock_aws():
        counts, differences = run("moto", in_moto(), requests=200, seed=7)
    assert differences == []
    assert sum(number for name, number in counts.items() if name.endswith(" ok")) > 100


def test_wild_requests_are_answered() -> None:
    """Test that the engine answers or refuses any request; it never fails on its own."""
    send = ours()
    fresh_tables(send)
    generator = Generator(11, odd=0.3)
    codes: set[str] = set()
    for _ in range(1_500):
        operation, request = generator.request()
        codes.add(str(send(operation, request).get("__type", "ok")).rpartition("#")[2])
    assert codes == {
        "ok", "ValidationException", "ConditionalCheckFailedException", "TransactionCanceledException",
        "ResourceNotFoundException",
    }  # fmt: skip
