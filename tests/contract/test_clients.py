"""Tests of the comparison of clients, without the clients."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.api.registry import OPERATIONS
from tests.contract import clients
from tests.contract.caller import BY_NAME, deviation
from tests.contract.clients import SOURCES, ContractError, check_tools
from tests.contract.record import Recorder
from tests.contract.scenario import play


@pytest.mark.parametrize(
    ("answer", "start"),
    [
        ({"status": 200, "raw": '{"a": 1}', "parsed": {"a": 1}}, ""),
        ({"status": 200, "raw": '{"a": 1}', "parsed": {}}, "read {} instead of"),
        ({"status": 200, "raw": '{"a": 1}', "parsed": None}, "read null instead of"),
        ({"status": 400, "raw": "{}", "parsed": {}}, "status 400 instead of 200"),
        ({"status": 200, "raw": "{}", "parsed": {}, "error": "no method"}, "failed: no method"),
    ],
)
def test_a_client_must_read_the_whole_answer(answer: dict[str, Any], start: str) -> None:
    found = deviation(BY_NAME["read_status"], answer)
    assert found.startswith(start)
    assert bool(found) is bool(start)


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.shutil, "which", lambda name: None if name == "go" else name)
    with pytest.raises(ContractError, match=r"make contract needs Go 1\.26 or newer on the PATH\."):
        check_tools()


def test_the_calls_leave_no_operation_out() -> None:
    class Listing(Recorder):
        def __init__(self) -> None:
            self.called: set[str] = set()

        def call(self, operation: str, *_: Any, **__: Any) -> Any:
            self.called.add(operation)
            text = {"id": "x"}
            return {"transfer": text, "hold": text, "redemption": text, "code": "x"}

        def settle(self, player: str) -> None:
            assert player

        def archive(self) -> None:
            assert "read_leaderboard" in self.called

    listing = Listing()
    play(listing)
    assert listing.called == {operation.name for operation in OPERATIONS}


def test_the_generators_are_pinned() -> None:
    package = json.loads((SOURCES / "typescript" / "package.json").read_text("utf-8"))
    locked = json.loads((SOURCES / "typescript" / "package-lock.json").read_text("utf-8"))["packages"]
    for name, version in package["devDependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"]
    module = (SOURCES / "go" / "go.mod").read_text("utf-8")
    assert "tool github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen" in module
