"""A limit of 5 s of CPU for each test: its own process's CPU, since wall clocks measure other work too.

The limit is that of the machine on which FACTOR is 1; each session measures its own machine once by a fixed
computation. Tests marked `proof` or `slow` (with a reason) have no limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

LIMIT_S = 5.0
# What the computation takes where the factor is 1. A factor above MOST would let anything pass.
REFERENCE_S = 0.01
MOST = 4.0
# What a test takes under coverage at most, as a multiple.
TRACED = 2.0
PROPERTY = "cpu_s"


def measured_factor() -> float:
    """Return how much slower than the reference this machine is, from 1 to MOST: the best of five runs."""
    return min(MOST, max(1.0, min(_computation_s() for _ in range(5)) / REFERENCE_S))


def _computation_s() -> float:
    began = time.process_time()
    counts: dict[str, int] = {}
    for number in range(100_000):
        name = str(number * 7919 % 1000)
        counts[name] = counts.get(name, 0) + len(name)
    assert len(counts) == 1000
    return time.process_time() - began


class Budget:
    """Measures each test and fails those that take too much. Workers get the factor from their controller."""

    def __init__(self, config: pytest.Config) -> None:
        given = getattr(config, "workerinput", {}).get("cpu_factor")
        self.factor: float = measured_factor() if given is None else given
        self.limit_s = LIMIT_S * (TRACED if getattr(config.option, "cov_source", None) else 1.0)
        self.slowest = config.getoption("cpu")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["cpu_factor"] = self.factor

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        yield from _measured(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        yield from _measured(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if call.when == "teardown":
            return report
        spent = item.stash[SPENT]
        item.user_properties[:] = [*(each for each in item.user_properties if each[0] != PROPERTY), (PROPERTY, spent)]
        report.user_properties = list(item.user_properties)
        if report.passed and self._is_too_much(item, spent):
            report.outcome = "failed"
            report.longrepr = (
                f"{call.when} took {spent:.1f} s of CPU, more than {self.limit_s:g} s x {self.factor:.2f}: make it "
                "cheaper, or mark it proof (make proof runs it) or slow (with a reason)."
            )
        return report

    def _is_too_much(self, item: pytest.Item, spent_s: float) -> bool:
        if is_exempt(item) or spent_s <= self.limit_s * self.factor:
            return False
        # The machine may be slower now than when the session began.
        self.factor = max(self.factor, measured_factor())
        return spent_s > self.limit_s * self.factor

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(
            f"CPU budget of a test: {self.limit_s:g} s x {self.factor:.2f} (this machine's factor)"
        )
        if not self.slowest:
            return
        reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
        spent = [(dict(each.user_properties).get(PROPERTY, 0.0), each) for each in reports if each.when == "call"]
        terminalreporter.write_line(f"{sum(each for each, _ in spent):.0f} s of CPU in all calls")
        for seconds, report in sorted(spent, key=lambda each: -each[0])[: self.slowest]:
            terminalreporter.write_line(f"{seconds:7.2f} s  {report.nodeid}")


SPENT = pytest.StashKey[float]()


def _measured(item: pytest.Item) -> Any:
    began = time.process_time()
    try:
        return (yield)
    finally:
        item.stash[SPENT] = time.process_time() - began


def is_exempt(item: pytest.Item) -> bool:
    """Return whether a test may take longer. A marker of `slow` without a reason exempts nothing."""
    if item.get_closest_marker("proof"):
        return True
    slow = item.get_closest_marker("slow")
    return slow is not None and bool(slow.args)
