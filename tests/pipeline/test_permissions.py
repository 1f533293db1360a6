"""Tests that simulations hold functions against their policies: a seed fails for a smaller policy or another key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.domain.rules.ruleset import Rules
from chalicelib.store.boards import keys as boards
from chalicelib.store.core import keys as core
from chalicelib.store.core.table import Table
from chalicelib.store.events import keys as events
from infra.settings import API_FUNCTION, FUNCTIONS, Function
from tests.pipeline import plant
from tests.pipeline.permissions import policies
from tests.seeds import Simulation
from tests.simulated.iam import Policy
from tests.simulations import BOARDS, ECONOMY, PIPELINE

# Of a pipeline with rotations, and of an economy with transfers.
SEED = 7


def without(function: Function, key: str) -> Function:
    """Return a function that may not name partitions of this key."""
    kept = [
        access if access.keys is None else replace(access, keys=_others(access.keys, key)) for access in function.table
    ]
    return replace(function, table=tuple(kept))


def _others(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    return tuple(each for each in keys if each != key)


@contextmanager
def smaller_policy(name: str, key: str) -> Iterator[None]:
    functions = tuple(without(each, key) if each.name == name else each for each in FUNCTIONS)

    def made(rules: Rules, table: str) -> dict[str, Policy]:
        return policies(rules, table, functions)

    with patch.object(plant, "policies", made):
        yield


@pytest.mark.parametrize(
    ("simulation", "function", "key", "denied"),
    [
        (PIPELINE, "progress", "PLAYER#", r"dynamodb:BatchGetItem .* PLAYER#"),
        (PIPELINE, "rotate", "ROTATION#", r"dynamodb:GetItem .* ROTATION#"),
        (BOARDS, "boards", "NODE#", r"dynamodb:\w+ .* NODE#"),
        (ECONOMY, API_FUNCTION, "IDEMPOTENCY#", r"dynamodb:\w+ .* IDEMPOTENCY#"),
        (ECONOMY, "sweep", "OUTBOX#", r"dynamodb:Query .* OUTBOX#"),
    ],
    ids=lambda value: value.package if isinstance(value, Simulation) else None,
)
def test_a_seed_fails_if_a_policy_misses_a_partition(
    simulation: Simulation, function: str, key: str, denied: str
) -> None:
    with smaller_policy(function, key), pytest.raises(AssertionError, match=f"{function} may not {denied}"):
        simulation.run(SEED)


@contextmanager
def log_in_another_partition() -> Iterator[None]:
    with patch.object(boards, "board_log", lambda shard: (f"ACCOUNT#{shard}", "LOG")):
        yield


@contextmanager
def sweep_of_other_rows() -> Iterator[None]:
    """Let the sweep delete failed messages instead of the rows that it sent."""
    real = Table.delete

    def delete(table: Table, key: core.Key, *more: Any) -> None:
        pk, sk = key
        real(table, (pk.replace(core.OUTBOX, events.FAILURE), sk), *more)

    with patch.object(Table, "delete", delete):
        yield


@pytest.mark.parametrize(
    ("simulation", "mutant", "denied"),
    [
        (BOARDS, log_in_another_partition, r"boards may not dynamodb:\w+ .* ACCOUNT#"),
        (ECONOMY, sweep_of_other_rows, r"may not dynamodb:DeleteItem .* FAILURE#"),
    ],
    ids=["boards", "economy"],
)
def test_a_seed_fails_if_a_function_writes_elsewhere(simulation: Simulation, mutant: Any, denied: str) -> None:
    with pytest.raises(AssertionError, match=denied):
        simulation.run(SEED, mutant)
