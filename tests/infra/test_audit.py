"""Tests of the audit of dependencies, on reports of pip-audit."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from infra import audit

SAFE: dict[str, Any] = {"name": "safe", "version": "1.0", "vulns": []}
BAD: dict[str, Any] = {
    "name": "bad",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN: dict[str, Any] = {"name": "odd", "skip_reason": "Dependency not found on PyPI"}


def run(monkeypatch: pytest.MonkeyPatch, *dependencies: dict[str, Any]) -> int:
    monkeypatch.setattr(audit, "report", lambda _: dependencies)
    return audit.main()


def test_a_known_vulnerability_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, SAFE, BAD) == 1
    assert capsys.readouterr().err.splitlines() == [
        "vulnerable: bad 2.0: PYSEC-1, fixed in 2.1",
        "vulnerable: bad 2.0: PYSEC-2, fixed in no version",
        "audit: 2 packages audited, 2 known vulnerabilities.",
    ]


def test_an_audit_without_a_vulnerability_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, SAFE) == 0
    assert capsys.readouterr().err == "audit: 1 packages audited, 0 known vulnerabilities.\n"


def test_an_unknown_package_is_a_warning(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, SAFE, UNKNOWN) == 0
    assert "warning: not audited, since unknown to the service: odd." in capsys.readouterr().err
    assert run(monkeypatch, UNKNOWN) == 0
    assert "warning: NOTHING WAS AUDITED" in capsys.readouterr().err


def test_a_service_out_of_reach_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ran(command: list[str], **_: Any) -> Any:
        return subprocess.CompletedProcess(command, 1, "", "ERROR:\nconnection refused\n")

    monkeypatch.setattr(subprocess, "run", ran)
    assert audit.main() == 0
    printed = capsys.readouterr().err
    for name in audit.LOCKED:
        assert f"warning: requirements/{name}.txt was not audited: connection refused" in printed
