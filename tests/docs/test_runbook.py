"""Tests of the runbook: it has a section for every alarm, and none for an unknown alarm."""

from __future__ import annotations

import re

from infra.observability import alarms
from infra.settings import Build
from tests.docs.pages import page


def test_every_alarm_is_in_the_runbook() -> None:
    runbook = page("docs/runbook.md").text
    headings = re.findall(r"^## (.*)$", runbook, re.M)
    named = {name for heading in headings for name in heading.split(", ") if re.fullmatch(r"[a-z-]+", name)}
    named |= set(re.findall(r"`([a-z-]+-errors)`", runbook))
    throttled = {name.replace("-errors", "-throttles") for name in named if name.endswith("-errors")}
    names = [each["Properties"]["AlarmName"] for each in alarms(Build("prod", "aws")).values()]
    found = {name.removeprefix("laurel-prod-") for name in names}
    assert found == named | throttled
