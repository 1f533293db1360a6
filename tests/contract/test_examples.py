"""Tests of the examples of the document: they are what the code answers now, and valid by their schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from chalicelib.api.operation import JSON
from chalicelib.api.registry import OPERATIONS
from infra.openapi.document import document
from infra.openapi.examples import FILE, of_media
from tests.contract.record import SHOWN_ITEMS, record, shortened


@pytest.fixture(scope="module")
def found() -> Any:
    return document()


def validator(found: Any, schema: Any) -> Validator:
    return Draft202012Validator({**schema, "components": found["components"]})


def test_the_examples_are_what_the_code_answers() -> None:
    assert json.loads(FILE.read_text("utf-8")) == record(), "run: make docs"


def test_every_operation_has_the_examples_of_its_body_and_of_its_answer(found: Any) -> None:
    number = 0
    for operation in OPERATIONS:
        described = found["paths"][operation.path][operation.method.lower()]
        if operation.body:
            content = described["requestBody"]["content"][JSON]
            assert of_media(content), operation.name
            for example in of_media(content):
                validator(found, content["schema"]).validate(example)
        content = described["responses"][str(operation.status)]["content"][operation.media]
        # The document describes itself, without an example.
        assert len(of_media(content)) == (1 if operation.answer else 0), operation.name
        for example in of_media(content):
            validator(found, content["schema"]).validate(example)
            number += 1
    assert number == len(OPERATIONS) - 2


def test_every_form_of_an_event_has_an_example(found: Any) -> None:
    media = found["paths"]["/api/gamification/events"]["post"]["requestBody"]["content"][JSON]
    sent = of_media(media)
    assert ["specversion" in sent[0], "apiKeyId" in sent[1], "event" in sent[2][0]] == [True, True, True]


def test_every_error_has_an_example(found: Any) -> None:
    for status, response in found["components"]["responses"].items():
        media = response["content"][JSON]
        validator(found, media["schema"]).validate(media["example"])
        assert media["example"]["error"], status


def test_long_arrays_are_shortened() -> None:
    assert shortened({"a": [1, 2, 3], "b": [{"c": [1] * 5}]}) == {"a": [1, 2], "b": [{"c": [1, 1]}]}
    assert SHOWN_ITEMS == 2
