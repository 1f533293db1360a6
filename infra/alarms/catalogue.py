"""All alarms of a deployment."""

from __future__ import annotations

from infra.alarms import aws, own
from infra.alarms.alarm import Alarm, Json
from infra.settings import Build


def catalogue(build: Build) -> list[Alarm]:
    """Return all alarms: of metrics that AWS writes, then of those that Laurel writes."""
    return [*aws.alarms(build), *own.alarms(build)]


def resources(build: Build) -> Json:
    """Return the alarms as resources, by logical id. The local stack knows no expressions."""
    chosen = [alarm for alarm in catalogue(build) if build.target == "aws" or not alarm.expression]
    return {alarm.logical_id: alarm.resource(build) for alarm in chosen}
