"""Tests of the runbook: every alarm has a section, which its description links, and every section an alarm."""

from __future__ import annotations

import re

import pytest

from infra.alarms.alarm import Alarm, anchor
from infra.alarms.catalogue import catalogue
from infra.settings import Build
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
