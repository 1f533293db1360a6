"""Tests of the simulated DynamoDB against the local stack's, on the same random requests."""

from __future__ import annotations

from infra.local.stack import Stack
from tests.simulated.differential import over_http, run

REQUESTS = 600


def test_the_simulated_table_answers_like_the_local_stack(stack: Stack) -> None:
    counts, differences = run("ministack", over_http(stack.endpoint_url), REQUESTS, seed=11)
    assert not differences, "\n".join(differences)
    assert sum(number for name, number in counts.items() if name.endswith((" ok", " refused"))) == REQUESTS
    assert counts["TransactWriteItems ok"] > 10
