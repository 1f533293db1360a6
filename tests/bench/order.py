"""order.xp_spread_percent and order.model_payments: the share of XP that depends on the order of arrival."""

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
# The plan by which the local stack replays the sample.
PLAN = Plan(days=5)
ORDERS = 8
# Uses of one model by one player, within 7 days, through three providers.
USES = 60


def spread(orders: int = ORDERS, events: int | None = None) -> Iterator[Figure]:
    """Compare XP of all players and payments by action for events by time, backwards, and in random orders."""
    sample = list(events_of(inspect_file(SAMPLE), PLAN, NOON))[:events]
    payouts = [_paid(each) for each in _orders(sample, orders)]
    totals = [paid.total() for paid in payouts]
    differ = sorted(action for action in payouts[0] if len({paid[action] for paid in payouts}) > 1)
    params = {"events": len(sample), "orders": len(payouts), "by_time": totals[0], "least": min(totals)}
    params |= {"most": max(totals), "actions_that_differ": differ}
    yield Figure(NAMES[0], (max(totals) - min(totals)) * 100 / totals[0], "%", params)
    uses = list(_uses(random.Random(USES)))
    payouts = [_paid(each) for each in _orders(uses, orders)]
    payments = [paid["model_diversity"] // 3 for paid in payouts]
    switches = [paid["provider_switch"] // 5 for paid in payouts]
    params = {"events": USES, "orders": len(payouts), "least_switches": min(switches), "most_switches": max(switches)}
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
    """Return XP by action, with each event committed by itself."""
    desk = Desk(ruleset.load(RULESETS / "default.toml"))
    paid: Counter[str] = Counter()
    for raw in events:
        applied = desk.apply(desk.parse(raw))
        if applied is not None:
            paid.update(applied.entry.paid)
    return paid
