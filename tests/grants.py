"""Find grants on items that no function uses: `python -m tests.grants` runs simulations and the tests of functions.

The tests run with this module as a plugin of pytest (`-p tests.grants`), which writes the used grants into a folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from infra.access import READ, SCOPES, Access
from infra.settings import API_FUNCTION, FUNCTIONS
from tests.pipeline.permissions import MADE

ROOT = Path(__file__).parents[1]
FOLDER = "LAUREL_USED_GRANTS"
SEEDS = 12
# Tests that act as functions.
TESTS = ("tests/api", "tests/services", "tests/economy/test_stateful.py")
# (function, action, key) -> why it is granted although nothing uses it.
KEPT: dict[tuple[str, str, str], str] = {
    (API_FUNCTION, "UpdateItem", "INVITES#"): "the statement has the keys of all parts of a transaction that puts",
    ("boards", "UpdateItem", "BODY#"): "no test rejects a score update of more than 4 KB compressed",
}
# (function, action, key, whether it is a key of the index)
Used = tuple[str, str, str, bool]


def used_grants() -> set[Used]:
    """Return the grants on items that requests of this process needed."""
    return {
        (function, grant.action.removeprefix("dynamodb:"), _key(grant.pattern), "/index/" in grant.resource)
        for function, policy in MADE
        for grant in policy.used
        if grant.action.startswith("dynamodb:")
    }


def _key(pattern: str) -> str:
    """Return a key as `infra/access.py` names it. Only scopes of boards are in lower case."""
    key = pattern.removesuffix("*")
    return SCOPES if key.islower() else key


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    if FOLDER in os.environ:
        (Path(os.environ[FOLDER]) / f"{os.getpid()}.json").write_text(json.dumps(sorted(used_grants())))


def granted(access: Access) -> set[tuple[str, str]]:
    """Return every action and key of an access."""
    return {(action, key) for action in access.actions for key in access.keys or ("",)}


def needless(used: set[Used]) -> set[tuple[str, str, str]]:
    """Return the grants that nothing used.

    The reads of a statement are one: GetItem reveals of a partition what Query does. So each needs one key, and each
    key one of them. Functions with the same access are one: they run the same code.
    """
    found = set[tuple[str, str, str]]()
    for function in FUNCTIONS:
        for access in function.table:
            same = {each.name for each in FUNCTIONS if each.table is function.table}
            mine = {each[1:3] for each in used if each[0] in same and each[3] == access.index}
            if set(access.actions) <= set(READ):
                actions, keys = {each[0] for each in mine}, {key for action, key in mine if action in READ}
                mine |= {(action, key) for action in READ if action in actions for key in keys}
            found |= {(function.name, *each) for each in granted(access) - mine}
    return found


def _used_by_tests() -> set[Used]:
    """Run the tests of functions; return the grants that they used."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "tests.grants", *TESTS]
        subprocess.run(command, cwd=ROOT, env=os.environ | {FOLDER: folder}, check=True)
        files = list(Path(folder).glob("*.json"))
        return {tuple(each) for file in files for each in json.loads(file.read_text())}


def main() -> int:
    from tests.simulations import ALL

    for simulation in ALL:
        for seed in range(SEEDS):
            simulation.run(seed)
    found = needless(used_grants() | _used_by_tests())
    wrong = [f"no function uses {' '.join(each)}" for each in sorted(found - KEPT.keys())]
    wrong += [f"{' '.join(each)} is used: remove it from KEPT" for each in sorted(KEPT.keys() - found)]
    print("\n".join(wrong) or f"every grant on items is used, apart from {len(KEPT)} that are kept for a reason")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
