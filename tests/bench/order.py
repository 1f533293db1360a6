"""order.xp_spread_percent and order.model_payments: how much of XP depends on the order in which events arrive."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.cli.trace import SAMPLE, Plan, events_of, inspect_file
from chalicelib.domain.core.periods import DAY_MS, moment_name
from chalicelib.domain.rules import ruleset
from chalicelib.settings import RULESETS
from tests.bench.figures import Figure
from tests.domain.progress.desk import NOON, Desk

NAMES = ("order.xp_spread_percent", "order.model_payments")
# As the local stack replays the sample.
PLAN = Plan(days=5)
ORDERS = 8
# Of one player and model, within 7 days, by three providers.
USES = 60


def spread(orders: int = ORDERS, events: int | None = None) -> Iterator[Figure]:
    """XP of all players, and what each action pays, as events come by their time, backwards, and in random orders."""
    sample = list(events_of(inspect_file(SAMPLE), PLAN, NOON))[:events]
    told = [_paid(each) for each in _orders(sample, orders)]
    totals = [paid.total() for paid in told]
    differ = sorted(action for action in told[0] if len({paid[action] for paid in told}) > 1)
    params = {"events": len(sample), "orders": len(told), "by_time": totals[0], "least": min(totals)}
    params |= {"most": max(totals), "actions_that_differ": differ}
    yield Figure(NAMES[0], (max(totals) - min(totals)) * 100 / totals[0], "%", params)
    uses = list(_uses(random.Random(USES)))
    told = [_paid(each) for each in _orders(uses, orders)]
    payments = [paid["model_diversity"] // 3 for paid in told]
    switches = [paid["provider_switch"] // 5 for paid in told]
    params = {"events": USES, "orders": len(told), "least_switches": min(switches), "most_switches": max(switches)}
    yield Figure(NAMES[1], max(payments), "payments", params)


def _orders(events: Sequence[dict[str, Any]], orders: int) -> Iterator[list[dict[str, Any]]]:
    by_time = sorted(events, key=lambda event: event["time"])
    yield by_time
    yield by_time[::-1]
    for seed in range(orders):
        yield random.Random(seed).sample(by_time, len(by_time))


def _uses(chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(USES):
        time = moment_name(NOON - chance.randrange(7 * DAY_MS))
        data = {"model": "acme-large", "provider": chance.choice(["acme", "bolt", "core"])}
        yield {"id": str(number), "type": "request.completed", "apiKeyId": "ada", "time": time, "metadata": data}


def _paid(events: Sequence[dict[str, Any]]) -> Counter[str]:
    """XP by action, each event committed by itself."""
    desk = Desk(ruleset.load(RULESETS / "default.toml"))
    paid: Counter[str] = Counter()
    for raw in events:
        applied = desk.apply(desk.parse(raw))
        if applied is not None:
            paid.update(applied.entry.paid)
    return paid
