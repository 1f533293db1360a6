"""Tests of operations: each one agrees with its use case, and none needs a transport."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from typing import Any

import msgspec
import pytest

from chalicelib.api import registry
from chalicelib.api.operation import JSON, Auth, Operation, RateClass, resolve
from chalicelib.api.registry import OPERATIONS
from chalicelib.domain.identity.permissions import PERMISSIONS
from chalicelib.services.context import Context
from chalicelib.services.core.answer import Answer
from chalicelib.services.identity.authenticate import Caller
from tests.test_concerns import BEFORE, concern_of

USED = [operation for operation in OPERATIONS if operation.use_case]
NO_TRANSPORT = """
import sys
from chalicelib.api.registry import OPERATIONS
for operation in OPERATIONS:
    if operation.use_case:
        operation.function, operation.query_type, operation.body_types, operation.answer_type
print(len(OPERATIONS), *[name for name in sys.modules if name.split(".")[0] in ("chalice", "app")])
"""


def hints(function: Any) -> dict[str, Any]:
    return typing.get_type_hints(function)


@pytest.fixture(params=USED, ids=lambda operation: operation.name)
def operation(request: pytest.FixtureRequest) -> Operation:
    return request.param  # type: ignore[no-any-return]


def test_the_use_case_accepts_the_parameters_of_its_operation(operation: Operation) -> None:
    parameters = inspect.signature(operation.function).parameters
    fields = msgspec.structs.fields(operation.query_type) if operation.query else ()
    given = ["context", *(f"{name}_id" for name in operation.path_parameters), *operation.constants]
    given += [field.name for field in fields] + ["request"] * bool(operation.body)
    given += ["caller"] * ("caller" in parameters)
    assert len(given) == len(set(given))
    assert set(given) <= set(parameters)
    needed = [name for name, each in parameters.items() if each.default is each.empty]
    assert set(needed) <= set(given)
    assert next(iter(parameters)) == "context"


def test_the_types_are_those_of_the_use_case(operation: Operation) -> None:
    known = hints(operation.function)
    assert known["context"] is Context
    if "caller" in known:
        assert known["caller"] == (Caller if operation.auth is Auth.KEY else Caller | None)
        assert operation.auth is not Auth.NONE
    for name in operation.path_parameters:
        assert known[f"{name}_id"] in (str, str | None)
    if operation.body:
        assert known["request"] == (operation.body_types[0] if len(operation.body_types) == 1 else Any)
    for name, value in operation.constants.items():
        assert value in typing.get_args(known[name])
    result = known["return"]
    assert result in (operation.answer_type, Answer[operation.answer_type])
    assert (typing.get_origin(result) is Answer) == operation.replays


def test_a_query_has_the_types_and_defaults_of_the_use_case(operation: Operation) -> None:
    known, parameters = hints(operation.function), inspect.signature(operation.function).parameters
    if not operation.query:
        return
    for name, kind in hints(operation.query_type).items():
        assert known[name] in (kind, int if typing.get_origin(kind) is typing.Literal else kind)
    for field in msgspec.structs.fields(operation.query_type):
        assert not field.required
        if parameters[field.name].default is not inspect.Parameter.empty:
            assert parameters[field.name].default == field.default


def test_types_are_found(operation: Operation) -> None:
    types = (operation.query_type, operation.answer_type, *operation.body_types)
    assert all(issubclass(kind, msgspec.Struct) for kind in types if kind is not None)
    assert operation.answer
    assert (operation.query_type is None) == (not operation.query)
    assert len(operation.body_types) == (1 if isinstance(operation.body, str) else len(operation.body))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_is_well_formed(operation: Operation) -> None:
    assert operation.name.isidentifier()
    assert operation.permission in ("", *PERMISSIONS)
    assert not (operation.permission and operation.optional_key)
    assert operation.view or operation.use_case
    assert operation.view or operation.media == JSON
    if operation.view:
        assert operation.view.startswith("chalicelib.api.")
        assert list(inspect.signature(resolve(operation.view)).parameters) == ["call"]
    if operation.use_case:
        assert operation.use_case.startswith("chalicelib.services.")


def test_names_and_routes_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_reads_and_writes_and_events_have_limits_of_their_own() -> None:
    classes = {operation.name: operation.rate_class for operation in OPERATIONS}
    assert classes["send_events"] is RateClass.EVENTS
    assert {operation.method for operation in OPERATIONS if operation.rate_class is RateClass.READ} == {"GET"}
    assert classes["transfer_tokens"] is RateClass.WRITE
    assert set(classes.values()) == set(RateClass)


def test_no_operation_needs_a_transport() -> None:
    done = subprocess.run([sys.executable, "-c", NO_TRANSPORT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(OPERATIONS))]


def test_an_operation_refers_only_to_its_own_concern_and_those_before_it() -> None:
    """References are texts, which no check of imports sees."""
    wrong, references = [], 0
    for module in [each for each in vars(registry).values() if inspect.ismodule(each)]:
        own = concern_of(module.__name__)
        assert own
        for operation in module.OPERATIONS:
            references += 1
            bodies = (operation.body,) if isinstance(operation.body, str) else operation.body
            for reference in (operation.use_case, operation.view, operation.query, *bodies):
                used = concern_of(reference.partition(":")[0])
                if used and used not in {own, *BEFORE[own]}:
                    wrong.append(f"{operation.name} -> {reference}")
    assert (references, wrong) == (len(OPERATIONS), [])
