"""Tests of the imports of the API's Lambda: little when it starts, and for each operation only its own needs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from chalicelib.api.registry import OPERATIONS
from tests.test_concerns import BEFORE, concern_of

ENTRY = "chalicelib.api.app"
# The modules of chalicelib that a cold start may load, by package.
AT_START = {
    "": {"api", "domain", "gateways", "observability", "retry", "services", "settings", "store", "wiring"},
    "api": {"app", "http", "operation", "query", "registry", "request", "statuses"},
    "api.boards": {"leaderboards"},
    "api.events": {"awards", "binary_mode", "events"},
    "api.invites": {"invites"},
    "api.ledger": {"accounts", "grants", "holds", "transfers"},
    "api.operations": {"service"},
    "api.progress": {"activity", "badges", "players", "reads"},
    "api.rewards": {"redemptions", "rewards"},
    "domain.core": {
        "batches",
        "decoding_errors",
        "domain_event",
        "errors",
        "json_values",
        "moments",
        "periods",
        "sentences",
        "settings",
    },
    "domain.identity": {"identity", "names", "owner", "permissions", "unicode_tables", "visible_text"},
    # The limits that descriptions name.
    "domain.invites": {"invites"},
    "domain.rules": {"criteria", "levels", "rank_rewards", "ruleset", "schema", "validation"},
    "gateways": {"bus", "calls", "queues"},
    "services": {"context"},
    "services.core": {"answer"},
    "services.identity": {"authenticate"},
    "store.core": {"codecs", "item_size", "keys", "models", "outcomes", "table", "transaction", "writes"},
    "store.identity": {"api_keys", "keys", "models"},
}
NEVER = {"boto3", "click", "difflib", "hypothesis", "infra", "moto", "pydantic", "yaml"}
LOADED = f"""
import json, sys
import {ENTRY}
print(json.dumps(sorted(sys.modules)))
"""
# One process that has started answers each operation in a fork of its own, so that no import is another one's.
EACH = f"""
import json, os, sys
import {ENTRY}
from chalicelib.api.operation import resolve
from chalicelib.api.registry import OPERATIONS
started = set(sys.modules)
for operation in OPERATIONS:
    sys.stdout.flush()
    if os.fork() == 0:
        for reference in (operation.use_case, operation.view):
            if reference:
                resolve(reference)
        operation.query_type, operation.body_types, operation.answer_type
        print(json.dumps([operation.name, sorted(set(sys.modules) - started)]), flush=True)
        os._exit(0)
    os.wait()
"""


def run(code: str) -> list[Any]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def concerns_of(modules: set[str]) -> set[str]:
    return {concern for module in modules if (concern := concern_of(module))}


@pytest.fixture(scope="module")
def at_start() -> set[str]:
    (modules,) = run(LOADED)
    return set(modules)


@pytest.fixture(scope="module")
def of_each() -> dict[str, set[str]]:
    """Return operation -> the modules of chalicelib that its first call imports."""
    return {name: {each for each in new if each.startswith("chalicelib.")} for name, new in run(EACH)}


def test_a_cold_start_loads_only_the_modules_it_needs(at_start: set[str]) -> None:
    packages = {name for package in AT_START if package for name in (package, package.partition(".")[0])}
    allowed = packages | {f"{package}.{name}".lstrip(".") for package, names in AT_START.items() for name in names}
    ours = {name.removeprefix("chalicelib.") for name in at_start if name.startswith("chalicelib.")}
    assert ours - allowed == set()
    assert {"api.registry", "store.core.table", "services.identity.authenticate"} <= ours


def test_a_cold_start_loads_no_tools(at_start: set[str]) -> None:
    assert at_start & {*NEVER, "app", "chalicelib.cli", "chalicelib.workers"} == set()


def test_importing_makes_no_client_and_reads_no_ruleset() -> None:
    assert run(f"import {ENTRY}; from chalicelib import wiring; print(wiring.context.cache_info().misses)") == [0]


@pytest.mark.parametrize("name", [each.name for each in OPERATIONS if each.method == "GET" and each.use_case])
def test_a_read_loads_only_its_own_concern_and_those_before_it(of_each: dict[str, set[str]], name: str) -> None:
    operation = next(each for each in OPERATIONS if each.name == name)
    own = concern_of(operation.use_case.partition(":")[0])
    assert own
    concerns = concerns_of(of_each[name])
    assert own in concerns
    assert concerns <= {own, *BEFORE[own]}


def test_a_read_of_a_board_loads_neither_ledger_nor_rewards_nor_events(of_each: dict[str, set[str]]) -> None:
    assert concerns_of(of_each["read_leaderboard"]) == {"boards", "core", "progress"}
    assert concerns_of(of_each["list_rewards"]) == {"rewards"}
