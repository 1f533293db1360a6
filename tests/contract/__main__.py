"""`make contract`: call every operation of a running stack through generated clients, and compare what they read."""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.request
from typing import Any

from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.api.registry import OPERATIONS
from chalicelib.services.context import Context
from infra.local.emulator import EmulatorError
from infra.local.stack import Stack, running_stack
from infra.settings import BUILD
from tests.contract.caller import Caller
from tests.contract.clients import Client, ContractError, Running, check_tools, check_types, generate
from tests.contract.scenario import play

SCRATCH = BUILD / "contract"
SOURCES = ("events", "own", "backfill", "boards")
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def main() -> int:
    try:
        check_tools()
        shutil.rmtree(SCRATCH / "stack", ignore_errors=True)
        SCRATCH.mkdir(parents=True, exist_ok=True)
        print("starting a local stack", flush=True)
        with running_stack(SCRATCH / "stack") as stack:
            os.environ.update(stack.environment())
            return _compare(stack)
    except (ContractError, EmulatorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _compare(stack: Stack) -> int:
    document = SCRATCH / "openapi.json"
    with urllib.request.urlopen(f"{stack.api_url}/openapi.json", timeout=60) as answer:
        document.write_bytes(answer.read())
    context = wiring.build(settings.read(stack.environment()), Session())
    patterns = sorted(set(_patterns(json.loads(document.read_text("utf-8")))))
    callers = []
    try:
        print("generating clients (the first time takes minutes)", flush=True)
        for client in generate(document, SCRATCH, stack.api_url):
            print(f"calling every operation in {client.name}", flush=True)
            callers.append(_play(client, stack, context, patterns))
    finally:
        if context.pool:
            context.pool.shutdown()
    literals = [kind for caller in callers for kind in caller.kinds]
    check_types(SCRATCH, literals)
    print(_table(callers))
    print(f"{len(literals)} requests and answers are literals of the types in TypeScript (tsc --strict)")
    print(f"{len(patterns)} patterns compile in Go, and in Node with the flag u")
    return 1 if any(caller.deviations for caller in callers) else 0


def _play(client: Client, stack: Stack, context: Context, patterns: list[str]) -> Caller:
    running = Running(client)
    try:
        caller = Caller(client.name, context, running.call, lambda: _depth(stack))
        if client.name != "Python":
            answer = running.call({"patterns": patterns})
            if answer.get("error"):
                raise ContractError(f"{client.name}: {answer['error']}")
        play(caller)
        missing = sorted({operation.name for operation in OPERATIONS} - set(caller.called))
        if missing:
            raise ContractError(f"The calls leave out {', '.join(missing)}.")
        return caller
    finally:
        running.close()


def _depth(stack: Stack) -> int:
    sqs = stack.client("sqs")
    found = [
        sqs.get_queue_attributes(QueueUrl=stack.queue_urls[name], AttributeNames=list(COUNTS))["Attributes"]
        for name in SOURCES
    ]
    return sum(int(each.get(count, 0)) for each in found for count in COUNTS)


def _patterns(value: Any) -> list[str]:
    if isinstance(value, list):
        return [pattern for each in value for pattern in _patterns(each)]
    if not isinstance(value, dict):
        return []
    own = [value["pattern"]] if isinstance(value.get("pattern"), str) else []
    return own + [pattern for each in value.values() for pattern in _patterns(each)]


def _table(callers: list[Caller]) -> str:
    """Return a line for each operation, and below it what deviates."""
    lines = [f"{'operation':24} " + " ".join(f"{caller.name:>12}" for caller in callers)]
    for operation in OPERATIONS:
        marks = ["differs" if operation.name in caller.deviations else "same" for caller in callers]
        lines.append(f"{operation.name:24} " + " ".join(f"{mark:>12}" for mark in marks))
        lines += [
            f"    {caller.name}: {caller.deviations[operation.name]}"
            for caller in callers
            if operation.name in caller.deviations
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
