"""Settings of a deployment, from the environment that the template writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RULESETS = Path(__file__).parent / "rulesets"
QUEUES = ("events", "own", "backfill", "boards", "rejected", "dead_letter", "boards_dead_letter")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one process.

    `queues`: short name -> URL. `ruleset`: path of the file. `threads`: players written in parallel.
    """

    stage: str
    table: str
    queues: Mapping[str, str]
    bus: str
    ruleset: Path
    tracing: bool
    threads: int


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings. A missing queue URL is empty, so that a function needs only the queues it uses."""
    return Settings(
        stage=environment.get("LAUREL_STAGE", "local"),
        table=environment.get("LAUREL_TABLE", "laurel-local"),
        queues={name: environment.get(f"LAUREL_{name.upper()}_QUEUE", "") for name in QUEUES},
        bus=environment.get("LAUREL_BUS", "laurel-local"),
        ruleset=RULESETS / environment.get("LAUREL_RULESET", "default.toml"),
        tracing=environment.get("LAUREL_TRACING") == "1",
        threads=int(environment.get("LAUREL_THREADS", "8")),
    )
