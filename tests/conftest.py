"""Distribution of the suite over processes, and the local stack that its tests share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.api.operations import docs
from chalicelib.observability import logger
from infra.local import processes
from infra.local.stack import Stack, running_stack
from infra.openapi import files
from infra.package import Package, package
from infra.settings import Build
from tests import seeds
from tests.budget import Budget
from tests.offline import offline
from tests.sentences import watched

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:
    LoadScopeScheduling = object


# Tests whose fixtures cost seconds go to one process, one after the other. Everything else goes where there is room.
TOGETHER = {
    # A local stack takes seconds to start, and two of them fill the machine.
    "stack": re.compile(r"[^:]*test_[^/:]*stack[^/:]*\.py"),
    "figures": re.compile(r"tests/bench/test_board_figures\.py"),
    "costs": re.compile(r"tests/store/boards/test_reads\.py::test_what_"),
}


class KeepTogether(LoadScopeScheduling):
    """Starts with the largest group, which is the stack's."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name, pattern in TOGETHER.items() if pattern.match(nodeid)), nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cpu", type=int, default=0, metavar="N", help="show the N tests that took the most CPU")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Budget(config))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(seeds.replay_line())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return KeepTogether(config, log)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    with offline():
        yield


@pytest.fixture(autouse=True, scope="session")
def provoked() -> Iterator[list[str]]:
    """Return the sentences of errors that are not of the house's style."""
    with watched() as found:
        yield found


@pytest.fixture(autouse=True)
def errors_of_one_style(provoked: list[str]) -> Iterator[None]:
    """Fail a test that provokes an error with a sentence of another style."""
    provoked.clear()
    yield
    assert not provoked


@pytest.fixture(autouse=True)
def log_level_restored() -> Iterator[None]:
    """Restore the log level: a test that silences the log, as simulations do, silences it for itself alone."""
    level = logger.log_level
    yield
    logger.setLevel(level)


@pytest.fixture(scope="session")
def api_documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Write the API's description, which otherwise only a package has."""
    folder = tmp_path_factory.mktemp("assets")
    files.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docs, "FOLDER", folder)
        yield


@pytest.fixture(scope="session")
def local_package() -> Package:
    """Return the build that the local stack runs."""
    return package(Build("local", "local"))


def with_batches_by_name(built: Package, place: Path) -> Package:
    """Return the build with the policies that the emulator understands.

    On AWS sqs:SendMessage allows SendMessageBatch, and so on; the emulator wants each by its own name. It does not know
    the leading keys of a request, so it would deny everything that requires them.
    """
    template = json.loads(built.template.read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for statement in resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
                queue_actions = [action for action in statement["Action"] if action.startswith("sqs:")]
                statement["Action"] += [f"{action}Batch" for action in queue_actions]
                statement.get("Condition", {}).pop("Null", None)
    place.write_text(json.dumps(template))
    return replace(built, template=place)


@pytest.fixture(scope="session")
def stack_package(local_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return with_batches_by_name(local_package, tmp_path_factory.mktemp("build") / "template.json")


@pytest.fixture(scope="session")
def stack(stack_package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a stack of the tests' own, which enforces the functions' policies; it leaves no process behind."""
    directory = tmp_path_factory.mktemp("stack").resolve()
    with running_stack(directory, stack_package, enforcing=True) as running:
        yield running
        emulator = running.emulator.process()
    left = [process for process in processes.all_processes() if str(directory) in process.command]
    assert left == []
    assert emulator is None or not processes.alive(emulator.pid, emulator.started)
