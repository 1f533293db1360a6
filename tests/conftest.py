"""How the suite is spread over processes."""

from __future__ import annotations

from typing import Any

import pytest

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:
    LoadScopeScheduling = object


class KeepStacksTogether(LoadScopeScheduling):
    """Every test goes where there is room, but modules test_*stack*.py go to one process, one after the other: a
    local stack takes seconds to start, and two of them fill the machine."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", 1)[0].rpartition("/")[2]
        return "stack" if "stack" in module else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return KeepStacksTogether(config, log)
