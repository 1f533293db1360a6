"""Tests of the runbook: every alarm has a section, which its description links, and every section an alarm."""

from __future__ import annotations

import re
import shlex

import pytest
from botocore import xform_name
from botocore.session import get_session

from infra.alarms.alarm import Alarm, anchor
from infra.alarms.catalogue import catalogue
from infra.settings import FUNCTIONS, Build
from tests.docs import pages
from tests.docs.pages import page

BUILD = Build("prod", "aws", runbook="https://wiki.example.com/runbook")
ALARMS = catalogue(BUILD)
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.M | re.S)
SECTIONS = dict(SECTION.findall(page("docs/runbook.md").text))
OF_ALARMS = {heading: text for heading, text in SECTIONS.items() if "**Means**" in text}
NAMES = {alarm.name for alarm in ALARMS}


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_an_alarm_links_the_section_that_names_it(alarm: Alarm) -> None:
    description = alarm.resource(BUILD)["Properties"]["AlarmDescription"]
    address, _, linked = description.rpartition(" ")[2].partition("#")
    assert address == BUILD.runbook
    assert len(description) <= 1_024
    heading = next(heading for heading in OF_ALARMS if pages.anchor(heading) == linked)
    assert alarm.name in named(heading)


@pytest.mark.parametrize("heading", OF_ALARMS)
def test_a_section_is_about_alarms_and_says_what_to_do(heading: str) -> None:
    assert named(heading)
    assert named(heading) <= NAMES
    assert "**Do**" in OF_ALARMS[heading]


def named(heading: str) -> set[str]:
    """Return the alarms of a section: those of its heading, else those of its first paragraph."""
    if heading.islower():
        return set(heading.split(", "))
    first = OF_ALARMS[heading].split("**Means**")[0]
    names = set(re.findall(r"`([a-z-]+)`", first))
    if heading == "Throttles":
        # Its functions are those of the section before it.
        names = {name.replace("-errors", "-throttles") for name in named("Errors")}
    return names


def test_the_anchors_are_those_of_github() -> None:
    for heading in SECTIONS:
        assert anchor(heading) == pages.anchor(heading)
    assert anchor("events-age, own-age") == "events-age-own-age"
    assert anchor("After a restore (PITR)!") == "after-a-restore-pitr"


def test_links_lead_to_the_repository_unless_the_build_names_an_address() -> None:
    (first, *_) = catalogue(Build("prod", "aws"))
    assert " docs/runbook.md#" in first.resource(Build("prod", "aws"))["Properties"]["AlarmDescription"]


def commands(text: str) -> list[list[str]]:
    """Return the `aws` commands of a text's shell blocks, as words."""
    found = []
    for block in page("docs/runbook.md").blocks:
        if block.kind == "sh" and block.text in text:
            joined = block.text.replace("\\\n", " ")
            found += [shlex.split(part) for part in re.findall(r"\baws [^;\n]+", joined)]
    return found


def unknown_words(words: list[str]) -> list[str]:
    """Return the words of an `aws` command that the service's model does not have."""
    _, service, operation, *rest = words
    model = get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation == "wait":
        waiter = get_session().get_waiter_model(service).get_waiter("".join(map(str.title, rest.pop(0).split("-"))))
        operation = xform_name(waiter.operation, "-")
    if operation not in names:
        return [operation]
    shape = model.operation_model(names[operation]).input_shape
    allowed = {f"--{xform_name(name, '-')}" for name in shape.members}
    for name, member in shape.members.items():
        if member.type_name == "boolean":
            allowed.add(f"--no-{xform_name(name, '-')}")
    return [word for word in rest if word.startswith("--") and word not in allowed]


def test_the_commands_of_aws_exist() -> None:
    found = commands(page("docs/runbook.md").text)
    assert len(found) >= 10
    for words in found:
        assert unknown_words(words) == [], words
    wrong = "aws dynamodb restore-table --target-table-name x", "aws dynamodb update-table --table x"
    assert [unknown_words(line.split()) for line in wrong] == [["restore-table"], ["--table"]]


@pytest.mark.parametrize("heading", ["Restore the table", "Restore drill"])
def test_a_restore_names_the_functions_and_the_order(heading: str) -> None:
    text = SECTIONS[heading]
    steps = ["restore-table-to-point-in-time", "make deploy STAGE=", "board rebuild --all", "ledger verify"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    writers = {function.suffix for function in FUNCTIONS} - {"verify", "verify-ledger"}
    for names in re.findall(r"for name in (.+); do", text):
        assert set(names.split()) == writers
