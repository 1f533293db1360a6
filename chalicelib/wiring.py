"""The one place where a process is wired: clients, store, ways out, rules, clock."""

from __future__ import annotations

import random
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib import settings as settings_
from chalicelib.domain import ruleset
from chalicelib.gateways.bus import EventBus
from chalicelib.gateways.queues import SqsQueues
from chalicelib.services.context import Context
from chalicelib.store.table import Table, connect

RETRY_BASE_S = 0.02


@cache
def settings() -> settings_.Settings:
    return settings_.read()


@cache
def context() -> Context:
    """The process's context, made on first use: importing a handler touches no network and no file."""
    return build(settings(), get_session())


def pause(attempt: int) -> None:
    """Full jitter, doubling from 20 ms: a commit takes about that long, and sixteen writers may meet."""
    time.sleep(random.uniform(0, RETRY_BASE_S * 2**attempt))  # noqa: S311


def build(chosen: settings_.Settings, session: Session) -> Context:
    """A context for settings and a botocore session; every client shares the session."""
    quick = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
    return Context(
        table=Table(chosen.table, connect(session), pause),
        queues=SqsQueues(session.create_client("sqs", config=quick), chosen.queues, pause),
        bus=EventBus(session.create_client("events", config=quick), chosen.bus, pause),
        rules=ruleset.load(chosen.ruleset),
        now_ms=lambda: time.time_ns() // 1_000_000,
        pause=pause,
        uniform=random.uniform,
        new_id=lambda: secrets.token_hex(16),
        pool=ThreadPoolExecutor(chosen.threads) if chosen.threads > 1 else None,
    )
