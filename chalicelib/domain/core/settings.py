"""Settings of a ruleset that several concerns read."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

DERIVED = ("provider_switch", "model_diversity", "combo_use", "compression_use", "skill_use")


class RulesetSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    max_age_days: Annotated[int, Meta(ge=1, le=30)] = 7
    max_ahead_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 300
    freeze_grace_minutes: Annotated[int, Meta(ge=0, le=10_080)] = 60
    key_prefix: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]{1,15}\Z")] = "laurel"
    derive: list[str] = msgspec.field(default_factory=lambda: list(DERIVED))
