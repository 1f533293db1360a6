"""Wire a process: clients, store, gateways, rules, clock."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, cast

from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib import settings as settings_
from chalicelib.domain.rules import ruleset
from chalicelib.gateways.bus import EventBus
from chalicelib.gateways.queues import SqsQueues
from chalicelib.services.context import Context, Ledger, Outlets
from chalicelib.store.core.table import Table, connect

RETRY_BASE_S = 0.02


@cache
def settings() -> settings_.Settings:
    return settings_.read()


@cache
def context() -> Context:
    """Return the context of the process.

    It is built on first use: importing a handler touches no network and no file.
    """
    return build(settings(), get_session())


def pause(attempt: int) -> None:
    """Sleep with full jitter. The bound doubles from 20 ms, about the time of a commit: sixteen writers may collide."""
    time.sleep(random.uniform(0, RETRY_BASE_S * 2**attempt))  # noqa: S311


def warn(message: str, facts: Mapping[str, Any]) -> None:
    """Write a warning to the log."""
    from chalicelib.observability import logger

    logger.warning(message, extra=dict(facts))


class LazyLedger:
    """The ledger, imported by its first use: few requests and workers pay players."""

    def __getattr__(self, name: str) -> Any:
        from chalicelib.store.ledger.player_ledger import PlayerLedger

        return getattr(PlayerLedger(), name)


def build(chosen: settings_.Settings, session: Session) -> Context:
    """Build a context from settings and a botocore session. All clients share the session."""

    def outlets(connect_s: float, read_s: float) -> Outlets:
        # No retries in botocore: the callers' retry policy knows the deadline and the unsent entries of a batch.
        config = Config(connect_timeout=connect_s, read_timeout=read_s, retries={"total_max_attempts": 1})
        return Outlets(
            SqsQueues(session.create_client("sqs", config=config), chosen.queues, pause),
            EventBus(session.create_client("events", config=config), chosen.bus, pause),
        )

    ways_out = outlets(connect_s=1, read_s=3)
    return Context(
        table=Table(chosen.table, connect(session), pause),
        queues=ways_out.queues,
        bus=ways_out.bus,
        ledger=cast(Ledger, LazyLedger()),
        rules=ruleset.load(chosen.ruleset),
        now_ms=lambda: time.time_ns() // 1_000_000,
        pause=pause,
        uniform=random.uniform,
        new_id=lambda: secrets.token_hex(16),
        pool=ThreadPoolExecutor(chosen.threads) if chosen.threads > 1 else None,
        # Two more clients cost 10 ms; only a few requests need them.
        quick=cache(lambda: outlets(connect_s=0.1, read_s=0.2)),
        warn=warn,
    )
