"""The budget fails what takes too much CPU, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import budget

CONFTEST = """
import pytest
from tests import budget

budget.measured_factor = lambda: 1.0
budget.LIMIT_S = 0.2

def pytest_addoption(parser):
    parser.addoption("--cpu", type=int, default=0)

def pytest_configure(config):
    config.addinivalue_line("markers", "proof")
    config.addinivalue_line("markers", "slow(reason)")
    config.pluginmanager.register(budget.Budget(config))
"""
TESTS = """
import subprocess, sys, time
import pytest

def work():
    began = time.process_time()
    while time.process_time() - began < 0.3:
        pass

def test_works_too_long(): work()
@pytest.mark.slow
def test_has_no_reason(): work()
@pytest.fixture
def costly(): work()
def test_has_a_costly_fixture(costly): pass
@pytest.mark.slow("a reason")
def test_is_slow(): work()
@pytest.mark.proof
def test_is_a_proof(): work()
def test_sleeps(): time.sleep(0.3)
def test_has_a_child_that_works():
    code = "import time\\nwhile time.process_time() < 0.4: pass"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)
def test_is_quick(): pass
"""


def test_only_tests_with_too_much_cpu_of_their_own_fail(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "--cpu=2", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    lines = ran.stdout.splitlines()
    bad = {line.split("::")[1].split(" ")[0] for line in lines if line.startswith(("FAILED", "ERROR"))}
    assert bad == {"test_works_too_long", "test_has_no_reason", "test_has_a_costly_fixture"}, ran.stdout
    assert "5 passed" in lines[-1]
    assert "CPU budget of a test: 0.2 s x 1.00 (this machine's factor)" in lines


def test_the_factor_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for taken_s, factor in ((0.0001, 1.0), (budget.REFERENCE_S * 2, 2.0), (1000.0, budget.MOST)):
        monkeypatch.setattr(budget, "_computation_s", lambda taken_s=taken_s: taken_s)
        assert budget.measured_factor() == factor
