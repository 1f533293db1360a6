"""Delete old builds from the bucket that `make deploy` creates: those that no stack names.

A build is a template and its zips, under keys made of their content: <stage>/<digest>.json and .zip. CloudFormation
needs the zips of a stack's template for as long as the stack has it: to roll back an update, and to repair a function.
So no rule of the bucket expires builds by age.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra import cloudformation
from infra.settings import APP

# A failed deployment and the builds of running ones are younger.
KEPT = timedelta(days=90)
# The newest templates of a stage, with their zips: earlier versions to deploy again.
KEPT_BUILDS = 3
KEY = re.compile(r"([a-z][a-z0-9-]*)/[0-9a-f]{32}\.(json|zip)")
MAX_DELETED = 1000  # of one request


@dataclass(frozen=True)
class Stored:
    """An object in the bucket."""

    key: str
    at: datetime

    @property
    def stage(self) -> str:
        return self.key.partition("/")[0]


def delete_old_builds(s3: Any, client: Any, bucket: str, stage: str, now: datetime) -> list[str]:
    """Delete the old builds of a stage, and of stages whose stack was deleted; return their keys.

    Builds that the stack or one of the newest templates names stay. Which ones these are is read each time, so a run
    that was stopped is continued by the next one.
    """
    found = list(_stored(s3, bucket))
    old = [
        each.key
        for name in sorted({each.stage for each in found})
        for each in _old(s3, client, bucket, [each for each in found if each.stage == name], now, own=name == stage)
    ]
    for first in range(0, len(old), MAX_DELETED):
        keys = [{"Key": key} for key in old[first : first + MAX_DELETED]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    return old


def _stored(s3: Any, bucket: str) -> Iterator[Stored]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", []):
            if KEY.fullmatch(each["Key"]):
                yield Stored(each["Key"], each["LastModified"])


def _old(s3: Any, client: Any, bucket: str, builds: list[Stored], now: datetime, *, own: bool) -> list[Stored]:
    """Return the builds of one stage to delete. The deployments of another stage delete its own ones."""
    old = [each for each in builds if now - each.at > KEPT]
    if not old:
        return []
    named = cloudformation.content(client, f"{APP}-{builds[0].stage}")
    if named is None or not (own or named.is_of_no_stack):
        return []
    templates = sorted((each for each in builds if each.key.endswith(".json")), key=lambda each: each.at)
    recent = [each.key for each in templates[-KEPT_BUILDS:]]
    kept = {*_keys_in(named.template), f"{builds[0].stage}/{named.digest}.json", *recent, *_zips_of(s3, bucket, recent)}
    return [each for each in old if each.key not in kept]


def _zips_of(s3: Any, bucket: str, templates: Iterable[str]) -> Iterator[str]:
    for key in templates:
        yield from _keys_in(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def _keys_in(text: str) -> Iterator[str]:
    return (found[0] for found in KEY.finditer(text))
