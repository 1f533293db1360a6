"""The policies of Laurel's functions in a simulated world, made of the documents that the template holds."""

from __future__ import annotations

from functools import cache

from chalicelib.domain.rules.ruleset import Rules
from infra.policies import policy
from infra.settings import FUNCTIONS, QUEUES, Build, Function
from tests.simulated.iam import Policy

BUILD = Build("sim", "aws")
BUS = "laurel-sim"
# Key of a queue -> its name in the world, where it is not the key.
FIFO = {"boards": "laurel-boards.fifo", "boards_dead_letter": "laurel-boards-dead-letter.fifo"}


def policies(rules: Rules, table: str, functions: tuple[Function, ...] = FUNCTIONS) -> dict[str, Policy]:
    """Return the policy of each function by its name."""
    return _policies(tuple(rules.boards), table, functions)


# Every policy made in this process, by its function.
MADE: list[tuple[str, Policy]] = []


@cache
def _policies(scopes: tuple[str, ...], table: str, functions: tuple[Function, ...]) -> dict[str, Policy]:
    resources = {"Table": f"table/{table}", "Bus": BUS}
    resources |= {queue.logical_id: FIFO.get(queue.key, f"laurel-{queue.key}") for queue in QUEUES}
    made = {function.name: Policy(policy(BUILD, function, scopes), resources) for function in functions}
    MADE.extend(made.items())
    return made


def function_of(queue: str) -> str:
    """Return the name of the function that a queue is delivered to."""
    return next(function.name for function in FUNCTIONS if function.queue == queue)
